"""Tests that Discord accepts every message of the bot, whatever names, ids and errors the API gives."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.views.overview import render_board
from bot.chat.views.reminder import render, render_again
from bot.core.accounts import Account, AccountSnapshot, Capability
from bot.core.assignments import Assignment
from bot.core.entries import Entry, Relevance, by_urgency
from bot.core.links import DEFAULT_RENEWAL
from bot.core.logins import Login
from bot.core.messages import Choice, OutgoingMessage
from bot.core.notes import MAX_NOTE
from bot.core.notifications import Kind, Notification
from bot.core.overview import build_overview
from bot.core.subscriptions import Ping, PingKind, Subscription
from bot.core.text import plain
from tests.support.accounts import START
from tests.support.chat.limits import assert_message_fits

FOOTER = "01234567"
ROLE = 1_400_000_000_000_000_001
PINGS = st.sampled_from([None, *(Ping(kind, ROLE) for kind in PingKind)])
# Marks and signs that grow when they are escaped, and long runs of them.
TEXTS = st.text(max_size=40) | st.builds(
    lambda mark, n: mark * n, st.sampled_from("*_`@<#J\U0001f600"), st.integers(1, 400)
)
NOTES = TEXTS.map(lambda text: plain(text, MAX_NOTE)).filter(bool)
MOMENTS = st.builds(lambda days: START + timedelta(days=days), st.floats(-60, 60))


@st.composite
def accounts(draw: st.DrawFn, number: int) -> Account:
    """Draw an account; the number keeps its id apart from others."""
    return Account(
        id=f"{number}{draw(TEXTS)}"[:256],
        name=draw(st.none() | TEXTS),
        user_id=draw(st.sampled_from(["1", "2"])),
        expires_at=draw(MOMENTS),
        issued_at=draw(st.none() | st.just(START - timedelta(days=90))),
        capabilities=tuple(Capability(f"support{draw(TEXTS)}", supported=True) for _ in range(draw(st.integers(0, 3)))),
        error=draw(st.none() | TEXTS),
    )


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    """Draw the entries of one message."""
    found = []
    for number in range(draw(st.sampled_from([1, 1, 2, 5, 40]))):
        account = draw(accounts(number))
        # Offers have a message of their own.
        kind = draw(st.sampled_from([one for one in Kind if one is not Kind.NEW_ACCOUNT]))
        is_about_all = kind is Kind.UNREADABLE
        login = Login(1, account.id, account.expires_at or START, None, None, draw(st.sampled_from(["1", "2"])))
        assignment = draw(st.none() | st.just(Assignment(ROLE + 1, START)))
        found.append(
            Entry(
                Notification(
                    ROLE,
                    ROLE,
                    None if is_about_all else account.id,
                    kind,
                    1,
                    draw(st.sampled_from([365, 14, 1, 0, -7])),
                    account.expires_at,
                    is_late=draw(st.booleans()),
                    is_follow_up=draw(st.booleans()),
                    id=number + 1,
                ),
                None if is_about_all else AccountSnapshot(account, draw(MOMENTS), login),
                Subscription(ROLE, ROLE, None, (14, 7), draw(PINGS), 1),
                login=login if kind in (Kind.STAGE, Kind.RENEWED) else None,
                relevance=draw(st.sampled_from(_possible(kind))),
                is_listed=draw(st.booleans()),
                is_dated=draw(st.booleans()),
                is_confirmed=draw(st.booleans()),
                assignment=None if is_about_all else assignment,
                has_namesake=draw(st.booleans()),
                is_renewed=kind is Kind.STAGE and draw(st.booleans()),
                since=START if is_about_all else None,
                said_at=draw(st.none() | MOMENTS),
                newer_id=draw(st.none() | st.just(ROLE)),
                note=draw(st.none() | NOTES),
            )
        )
    return sorted(found, key=lambda entry: by_urgency(entry, START))


def _possible(kind: Kind) -> list[Relevance]:
    return {
        Kind.STAGE: [Relevance.OPEN, Relevance.RENEWED, Relevance.SUPERSEDED],
        Kind.RENEWED: [Relevance.OPEN, Relevance.SUPERSEDED],
    }.get(kind, [Relevance.OPEN, Relevance.OVER, Relevance.SUPERSEDED])


@given(found=entries(), now=MOMENTS, is_checked=st.booleans())
def test_every_reminder_fits(found: list[Entry], now: datetime, *, is_checked: bool) -> None:
    """A reminder fits as a whole when it is sent, tested and edited, and keeps its pings."""
    sent = render(found, FOOTER, now, DEFAULT_RENEWAL)
    assert_message_fits(sent)
    assert_message_fits(replace(sent, content=f"🧪 Test: {sent.content}"))
    first_line = sent.content.partition("\n")[0]
    assert all(f"<@&{role_id}>" in first_line for role_id in sent.roles)
    assert all(f"<@{user_id}>" in first_line for user_id in sent.users)
    edited = render_again(found, FOOTER, now, DEFAULT_RENEWAL, is_checked=is_checked)
    assert_message_fits(edited)
    assert (edited.roles, edited.users) == ((), ())
    # A message that is searched for by its footer has it; one without a card is known by its words.
    assert all(FOOTER in embed["footer"]["text"] for embed in (*sent.embeds, *edited.embeds))


@given(st.lists(st.integers(0, 60), max_size=40, unique=True).flatmap(lambda ns: st.tuples(*(accounts(n) for n in ns))))
def test_every_board_fits(found: tuple[Account, ...]) -> None:
    """A board fits as a whole."""
    message, _ = render_board(build_overview(found, [], START, START), FOOTER, START, timedelta(minutes=5))
    assert_message_fits(message)


EMBEDS: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {"description": st.text("x", min_size=1, max_size=5000)},
    optional={
        "title": st.text("x", min_size=1, max_size=300),
        "footer": st.fixed_dictionaries({"text": st.text("x", min_size=1, max_size=60)}),
        "fields": st.lists(
            st.fixed_dictionaries(
                {"name": st.text("x", min_size=1, max_size=300), "value": st.text("x", min_size=1, max_size=1100)}
            ),
            max_size=30,
        ),
    },
)


@given(st.text("x", min_size=1, max_size=2500), st.lists(EMBEDS, max_size=12), st.integers(0, 30))
def test_no_message_can_exceed_the_limits(content: str, embeds: list[dict[str, Any]], choices: int) -> None:
    """Whatever a message is built from, also an old one from the database, it is cut to what Discord accepts."""
    offered = tuple(Choice(str(n), "l" * 150, "🟢", "d" * 150) for n in range(choices))
    message = OutgoingMessage(content, tuple(embeds), choices=offered)
    assert_message_fits(message)
    assert OutgoingMessage.from_json(message.to_json()) == message


@pytest.mark.parametrize("footer", ["1 · 01234567"])
def test_the_footer_outlives_a_long_card(footer: str) -> None:
    """The short id by which a message is found is never what is cut."""
    long = {"title": "t" * 256, "description": "x" * 4096, "fields": [{"name": "n", "value": "v" * 1024}] * 25}
    message = OutgoingMessage("", ({**long, "footer": {"text": footer}},))
    assert message.embeds[0]["footer"]["text"] == footer
    assert_message_fits(message)
