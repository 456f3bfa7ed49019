"""Tests that cards show at most three characters at each end of a long token, and no other secret."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.chat.views.account import account_embed
from bot.chat.views.errors import error_embed
from bot.core.accounts import Account, AccountSnapshot
from bot.core.naming import say_choice
from bot.core.parsing import parse_account
from bot.core.secrets import Redactor
from bot.errors import AccountOnHold, ApiUnreachable, UnreadableAnswer, UseapiTokenRefused

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OWN_TOKEN = "user:7-0wnT0ken"
TOKENS = st.text("QXZJ0123456789_-.*", min_size=8, max_size=80)
AROUND = st.text("ab \n\u200b*`", max_size=3)


def account_that_repeats(secret: str, before: str, after: str, token: str) -> Account:
    """Return an account whose every field holds the secret."""
    held = f"{before}{secret}{after}"
    user: dict[str, Any] = {"name": held, "id": held, "avatar": f"https://a.example/{secret}", "deviceID": held}
    jwt = {"token": token, "user": user, "host": held, "searchParams": held, "exp": held, "exp_Expire": held}
    data = {"jwt": jwt, "account": held, "maxJobs": held, "error": held, "support" + secret: True, "supportA": held}
    return parse_account("1", data, Redactor([OWN_TOKEN]))


def shown_of(account: Account) -> str:
    """Return everything that people see of an account, without the backslashes of escaped marks."""
    card = account_embed(AccountSnapshot(account, NOW), NOW).to_dict()
    texts = json.dumps(card, ensure_ascii=False, default=str) + say_choice(account, NOW)
    return texts.replace("\\", "").replace("\u200b", "")


@settings(deadline=None)
@given(TOKENS, AROUND, AROUND)
def test_a_token_shows_only_its_ends(token: str, before: str, after: str) -> None:
    """No field of the API that repeats a login's token shows eight characters of it in a row."""
    assume(len(set(token)) > 3)
    shown = shown_of(account_that_repeats(token, before, after, token))
    windows = [token[start : start + 8] for start in range(len(token) - 7)]
    assert not [window for window in windows if window in shown]
    assert (f"{token[:3]}•••{token[-3:]}" in shown) is (len(token) >= 32)


@settings(max_examples=30, deadline=None)
@given(AROUND, AROUND)
def test_the_bots_own_token_is_never_shown(before: str, after: str) -> None:
    """No field of the API that repeats the useapi.net token shows any of it."""
    shown = shown_of(account_that_repeats(OWN_TOKEN, before, after, "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"))
    assert "0wnT0ken" not in shown
    assert "eyJ" not in shown


def test_an_error_does_not_show_its_message() -> None:
    """The message of an error is for the log; people read fixed words."""
    for kind in (UseapiTokenRefused, ApiUnreachable, AccountOnHold, UnreadableAnswer):
        assert "s3cret" not in str(error_embed(kind("s3cret"), "0123abcd").to_dict())
