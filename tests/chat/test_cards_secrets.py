"""What a card may show of secrets: three characters at each end of a long token, and nothing else."""

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.chat.views.account import account_card, choice_label, problem_card
from bot.core.accounts import Account
from bot.core.parsing import parse_account
from bot.core.secrets import Redactor
from bot.core.wording import explain
from bot.errors import AccountOnHold, ApiUnreachable, UnreadableAnswer, UseapiTokenRefused
from bot.useapi.directory import AccountSnapshot

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
    """Return all that people see of an account, without the backslashes of escaped marks."""
    card = account_card(AccountSnapshot(account, NOW), NOW).to_dict()
    texts = json.dumps(card, ensure_ascii=False, default=str) + choice_label(account, NOW)
    return texts.replace("\\", "").replace("\u200b", "")


@settings(deadline=None)
@given(TOKENS, AROUND, AROUND)
def test_a_token_shows_its_ends_at_most(token: str, before: str, after: str) -> None:
    """Wherever the API repeats a login's token, eight characters of it in a row are never seen."""
    assume(len(set(token)) > 3)
    shown = shown_of(account_that_repeats(token, before, after, token))
    windows = [token[start : start + 8] for start in range(len(token) - 7)]
    assert not [window for window in windows if window in shown]
    assert (f"{token[:3]}•••{token[-3:]}" in shown) is (len(token) >= 32)


@settings(max_examples=30, deadline=None)
@given(AROUND, AROUND)
def test_the_bots_own_token_is_never_shown(before: str, after: str) -> None:
    """Wherever the API repeats the useapi.net token, the card has none of it."""
    shown = shown_of(account_that_repeats(OWN_TOKEN, before, after, "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"))
    assert "0wnT0ken" not in shown
    assert "eyJ" not in shown


def test_a_problem_does_not_repeat_what_an_error_holds() -> None:
    """The text of an error is for the log; people are told in fixed words."""
    for kind in (UseapiTokenRefused, ApiUnreachable, AccountOnHold, UnreadableAnswer):
        assert "s3cret" not in str(problem_card(explain(kind("s3cret")), "0123abcd").to_dict())
