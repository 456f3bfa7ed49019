"""Tests of look-ups, completion and reminders against a broken or hostile API."""

import re
import time
from typing import Any

import pytest
from simcord.results import InteractionResult

from bot.core.telemetry import PollOutcome
from bot.store.leases import FIRST_EPOCH
from bot.useapi.client import ACCOUNTS_PATH
from tests.support.accounts import build_account, by_id
from tests.support.chat.answers import embed_of, text_of
from tests.support.chat.limits import assert_fits, is_inert
from tests.support.chat.reminders import (
    DAY,
    add,
    contents_in,
    posts_in,
    say_expiring,
    sent_contents,
    steer,
)
from tests.support.hostile import STATUSES, UNREADABLE, answering, raw_accounts, with_status
from tests.support.world import World, open_world

ODD_IDS = ["a/b", "../../v2", "%2f", "a?b=c", "a#b", "a b", "\U0001f600", "\u202eabc", "@everyone", "*" * 64]
MARKED = [("__a__", ""), ("[x](https://e.example)", "Odd _One_"), ("`||a||`", ""), ("@everyone", "**@here**")]
ODD_NAME = "_*@everyone* <@1200000000000000009> [x](https://e.example)\u202e_"
EXP = 1_768_262_400
# The bot's own markup: bold text, links to a message or the guide, channels, times and commands.
_OWN = re.compile(
    r"\*\*|`[^`]+`|^-# |\[(last message|open|newer reminder|by hand)\]\(<?https://[^)]+\)|<#\d+>|<t:\d+:\w>",
    re.MULTILINE,
)


@pytest.mark.parametrize("kind", UNREADABLE)
async def test_an_unreadable_answer_leaves_no_trace(world: World, kind: str) -> None:
    """A look-up explains it, completion offers the known accounts, channels get nothing; then all goes on."""
    await add(world, "234567")
    await world.poll_once()
    await world.env.advance_time(61)
    world.api.behave = answering(UNREADABLE[kind])
    assert embed_of(await world.look_up("123456")).title == "useapi.net's answer can't be read"
    assert len(await world.complete("")) == 3
    for _ in range(2):
        await world.poll_once()
    assert len(sent_contents(world)) == 1
    world.api.behave = None
    assert embed_of(await world.look_up("123456")).title == "Jane Doe"
    await world.env.advance_time(2 * DAY)
    await world.poll_once()
    assert sent_contents(world)[1:] == [say_expiring("Sam Reed `234567`", "24 hours")]


async def test_a_failure_of_the_api_is_none_of_an_account() -> None:
    """A look-up explains each failure, completion offers the known accounts, and channels get nothing."""
    async with open_world(by_id(build_account("234567", "Sam Reed", days=3)), budget=0.2) as world:
        await add(world, "234567")
        await world.complete("")
        for status in (401, 429, 503, 596):
            await world.env.advance_time(61)
            world.api.behave = with_status(status)
            assert embed_of(await world.look_up("123456")).title == STATUSES[status]
            assert [choice["value"] for choice in await world.complete("")] == ["234567"]
            assert await world.application.poller.poll_once(FIRST_EPOCH) is PollOutcome.UNREADABLE
        assert sent_contents(world) == []
        world.api.behave = None
        await world.env.advance_time(61)
        assert await world.application.poller.poll_once(FIRST_EPOCH) is PollOutcome.COMPLETED
        assert sent_contents(world) == [say_expiring("Sam Reed", "3 days")]


@pytest.mark.parametrize(
    ("exp", "expires"),
    [
        ("1768262400", f"<t:{EXP}:f>"),
        ("1768262400000", f"<t:{EXP}:f>"),
        ('1, "exp": 1768262400', f"<t:{EXP}:f>"),
        ("253402300799", None),
        ("253402300799000", None),
        ("-1768262400", None),
        ("-0.0", None),
        ("1e400", None),
        ("-Infinity", None),
        ("NaN", None),
        ('"1768262400"', None),
        ("[[[[1768262400]]]]", None),
    ],
)
async def test_an_odd_expiry_is_a_date_or_unknown(world: World, exp: str, expires: str | None) -> None:
    """Milliseconds are understood, the last of two values counts, and a value that is no possible date is unknown."""
    odd = build_account("123456", days=None)
    odd["jwt"] |= {"exp": 0.5, "iat": 0.5}
    world.api.behave = raw_accounts({"123456": odd}, exp=exp, iat=exp)
    await add(world, days="5")
    await world.poll_once()
    card = embed_of(await world.look_up("123456"))
    assert (expires or "**No expiry date reported**") in (card.description or "")
    state = "expires in 12 days" if expires else "expiry unknown"
    assert [choice["name"] for choice in await world.complete("")] == [f"Jane Doe · {state} · 123456"]
    assert sent_contents(world) == []


async def look_up_offered(world: World, typed: str) -> InteractionResult:
    """Let the manager pick the only account that completion offers."""
    (choice,) = await world.complete(typed)
    return await world.look_up(choice["value"])


@pytest.mark.parametrize("odd_id", ODD_IDS)
async def test_an_odd_id_works_everywhere_and_stays_in_its_path(world: World, odd_id: str) -> None:
    """An account with an odd id is offered, shown and in a reminder; it is requested below the accounts' path only."""
    world.api.accounts[odd_id] = build_account(odd_id, "Odd One", days=2)
    card = embed_of(await look_up_offered(world, "odd one"))
    assert_fits(card)
    assert card.title == "Odd One"
    await world.env.advance_time(61)
    assert embed_of(await world.look_up(odd_id)).title == "Odd One"
    await add(world, odd_id)
    await world.poll_once()
    (post,) = posts_in(world.channel)
    assert post.content == say_expiring("Odd One", "2 days")
    assert post.mentions == post.role_mentions == []
    assert not post.mention_everyone
    segments = [path.removeprefix(ACCOUNTS_PATH).removeprefix("/") for path in world.api.calls]
    assert segments.count("") < len(segments)
    assert not [segment for segment in segments if set(segment) & set("/?# ") or segment in (".", "..")]


@pytest.mark.parametrize(("odd_id", "name"), MARKED)
async def test_an_odd_id_has_no_live_markup(world: World, odd_id: str, name: str) -> None:
    """Every command of the reminders, and every form of a reminder, show an id without live markup."""
    world.api.accounts = {odd_id: build_account(odd_id, name, days=2)}
    texts = [await add(world, odd_id, days="7, 1")]
    await world.poll_once()
    texts += [
        text_of(await world.manager.slash(world.channel, f"minimax-reminders {one}")) for one in ("list", "upcoming")
    ]
    texts += [await steer(world, command) for command in ("test", "pause", "resume", "remove")]
    await add(world, odd_id, days="7, 1")
    await world.poll_once()
    texts += contents_in(world.channel)
    await world.env.advance_time(1.5 * DAY)
    await world.poll_once()
    texts += contents_in(world.channel)
    assert [text for text in texts if "newer reminder" in text]
    assert [text for text in texts if not is_inert(_without_own(text))] == []


def _without_own(text: str) -> str:
    """Return a text of the bot without its own markup."""
    return _OWN.sub("", text)


async def test_an_odd_channel_has_no_live_markup(world: World) -> None:
    """The label of a reminder shows its channel's name without marks of mentions and hidden characters."""
    channel = world.env.guild.create_text_channel(ODD_NAME)
    await add(world, "123456", channel=channel)
    (choice,) = await world.manager.autocomplete(world.channel, "minimax-reminders remove", "reminder", "")
    assert "everyone" in choice["name"]
    assert not set(choice["name"]) & set("#@\u202e")


async def test_thousands_of_capabilities(world: World) -> None:
    """A reminder about an account with thousands of capabilities is sent and short, without live markup."""
    flags: dict[str, Any] = {f"supportX{number}__a__" + "X" * 40: True for number in range(2_000)} | {
        "supportA__b__": True
    }
    world.api.accounts = by_id(build_account("9", days=2, **flags))
    await add(world)
    await world.poll_once()
    (post,) = posts_in(world.channel)
    assert "**video, " in (post.embeds[0].description or "")
    assert len(post.embeds[0].description or "") < 1_000
    assert is_inert(_without_own(post.embeds[0].description or ""))


@pytest.mark.parametrize(
    "text",
    [
        "@everyone <@1> <@&2>",
        "# **b** [x](https://e.example) `c`",
        "\u202egnp.exe",
        "\u200b\u2060\ufeff",
        "Z" * 100_000,
        "\U0001f600" * 50_000,
    ],
    ids=lambda text: ascii(text[:8]),
)
async def test_a_hostile_text_stays_a_text(world: World, text: str) -> None:
    """Names, hosts and errors with mentions, markup or control characters have no effect and keep the limits."""
    hostile = build_account("666", text, days=2, error=text)
    hostile["jwt"] |= {"host": text, "token": text}
    world.api.accounts = {"666": hostile, "777": build_account("777", text, days=2)}
    await add(world)
    await world.poll_once()
    await world.env.advance_time(1800)
    await world.poll_once()
    shown = [embed_of(await world.look_up("666")), embed_of(await world.look_up("777"))]
    for post in posts_in(world.channel):
        assert len(post.content) <= 2000
        assert is_inert(_without_own(post.content.replace("\n> ", "\n").replace("\n-# ", "\n")))
        assert not post.mention_everyone
        for card in post.embeds:
            assert len(card) <= 6000
            assert is_inert(_without_own(card.description or ""))
    for card in shown:
        assert_fits(card)
        assert is_inert(card.title or "")
        assert not set("\u202e\u2060\ufeff") & set(str(card.to_dict()))
    assert all(len(choice["name"]) <= 100 for choice in await world.complete(""))
    assert len(posts_in(world.channel)) >= 2


async def test_two_logins_that_alternate_are_announced_once(world: World) -> None:
    """An account that alternates between two logins gets one reminder: no two readings agree on the other login."""
    await add(world, "123456")
    for number in range(60):
        world.api.accounts["123456"] = build_account("123456", days=40 if number % 2 else 6.5)
        await world.poll_once()
        await world.env.advance_time(1800)
    assert sent_contents(world) == [
        say_expiring("Jane Doe", "7 days"),
    ]


async def test_ten_thousand_accounts(world: World) -> None:
    """The list is one call; completion then offers 25 choices within a second of CPU time."""
    world.api.accounts = {str(n): build_account(str(n), f"User {n % 5_000}", days=n) for n in range(10_000)}
    await world.complete("")
    started = time.process_time()
    choices = await world.complete("user 49")
    assert time.process_time() - started < 1.0
    assert [choice["value"] for choice in choices][:3] == ["49", "490", "491"]
    assert len(choices) == 25
    assert "and 9990 more" in (embed_of(await world.look_up("nobody")).description or "")
    assert embed_of(await world.look_up("User 77")).title == '2 accounts are called "User 77"'
    assert embed_of(await world.look_up("5077")).title == "User 77"
    assert world.api.calls.count(ACCOUNTS_PATH) == 1
