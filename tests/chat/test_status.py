"""Tests of /minimax-status in a simulated Discord."""

from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from bot import __version__
from bot.chat.views.status import Connection, Facts, status_card
from bot.store.channel_failures import ChannelFailure
from tests.support.chat.answers import embed_of, fields_of
from tests.support.chat.limits import assert_fits
from tests.support.chat.reminders import DAY, add
from tests.support.world import START, World

LOOKS, REMINDERS, TROUBLE, OUTDATED, CONNECTIONS = (
    "Looks at the accounts",
    "Reminders of this server",
    "Channels that take none",
    "Boards out of date",
    "Connections",
)
HALF_HOUR = timedelta(minutes=30)


async def status(world: World) -> tuple[str, dict[str | None, str | None]]:
    """Let the manager ask; returns the verdict and the fields."""
    result = await world.manager.slash(world.channel, "minimax-status")
    assert result.ephemeral
    card = embed_of(result)
    assert card.footer.text == f"MiniMax Account Bot {__version__}"
    return card.description or "", fields_of(card)


async def test_says_that_nothing_was_done_yet(world: World) -> None:
    """A bot that has just started says so, and not that all is well before it has looked."""
    verdict, fields = await status(world)
    assert verdict == "⏳ The first look at the accounts is still under way. Ask again in a minute."
    assert fields == {
        LOOKS: "None is complete yet; one every 30 minutes",
        REMINDERS: "Set up: 0\nOwed: 0 · under way: 0 · sent in the last 30 days: 0",
        CONNECTIONS: fields[CONNECTIONS],
    }
    assert (fields[CONNECTIONS] or "").startswith("⚪ useapi.net was not asked yet\n✅ Discord's gateway is connected")


@pytest.mark.parametrize("restarted", [False, True])
async def test_tells_passes_and_deliveries(world: World, *, restarted: bool) -> None:
    """The last pass and the next, the accounts it saw and what was sent are told, also after a restart."""
    await add(world)
    await world.poll_once()
    await world.env.advance_time(60)
    if restarted:
        await world.restart()
    verdict, fields = await status(world)
    assert verdict == "✅ All is well."
    assert fields[LOOKS] == (
        "Last: <t:1767225600:f> (<t:1767225600:R>), 3 accounts seen\nNext: <t:1767227400:R>, one every 30 minutes"
    )
    assert fields[REMINDERS] == "Set up: 1\nOwed: 0 · under way: 0 · sent in the last 30 days: 3"
    assert (fields[CONNECTIONS] or "").startswith("✅ useapi.net answers\n")
    await world.env.advance_time(31 * DAY)
    assert "sent in the last 30 days: 0" in ((await status(world))[1][REMINDERS] or "")


async def test_tells_channels_that_take_none(world: World) -> None:
    """A blocked channel is told with its reason and what is still owed there; so are paused watches."""
    other = world.env.guild.create_text_channel("other")
    await add(world)
    await add(world, "123456", channel=other)
    await world.manager.slash(world.channel, "minimax-reminders pause", reminder="2")
    path = f"/channels/{world.channel.id}/messages"
    world.env.inject_error("POST", path, status=403, code=50013, times=None)
    for _ in range(3):
        await world.poll_once()
        await world.env.advance_time(3600)
    verdict, fields = await status(world)
    assert verdict == "⚠️ **Reminders don't arrive** in every channel; see below."
    assert fields[REMINDERS] == (
        f"Set up: 2 · ⏸️ paused: Account 123456 in {other.mention}\nOwed: 3 · under way: 0 · sent in the last 30 days: 0"
    )
    assert (fields[TROUBLE] or "").startswith(
        f"{world.channel.mention}: ⚠️ It does not arrive: the bot lacks a permission in the channel. Next try"
    )


async def test_tells_since_when_nothing_can_be_read(world: World) -> None:
    """Blindness is told from the first pass that failed, and not any more once it is over."""
    await world.poll_once()

    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    world.standin.behave = fail
    await world.env.advance_time(60)
    for _ in range(2):
        await world.poll_once()
        await world.env.advance_time(3600)
    verdict, fields = await status(world)
    assert verdict == "⚠️ **The accounts can't be read.** Reminders go by the last known dates."
    assert (fields[CONNECTIONS] or "").startswith("⚪ useapi.net can't be read since <t:1767225660:f>")
    world.standin.behave = None
    await world.poll_once()
    assert (await status(world))[0] == "✅ All is well."


async def test_warns_of_passes_that_do_not_come(world: World) -> None:
    """Three intervals and five minutes after the last pass the bot says that something is wrong with it."""
    await world.poll_once()
    await world.env.advance_time(95 * 60)
    assert (await status(world))[0] == "✅ All is well."
    await world.env.advance_time(1)
    verdict, fields = await status(world)
    assert verdict.startswith("⚠️ **The bot last finished looking at the accounts <t:1767225600:R>.** ")
    assert "Next: now" in (fields[LOOKS] or "")


async def test_is_for_managers_of_the_server(world: World) -> None:
    """Like the other commands it is offered to those with Manage Server."""
    assert {"minimax-status", "minimax-accounts"} <= set(world.manager.available_commands(world.channel))
    assert world.member.available_commands(world.channel) == ()


FACTS = Facts(
    interval=HALF_HOUR,
    polled_at=START,
    blind_since=None,
    accounts=1,
    counts={},
    blocked=[],
    outdated=[],
    subscriptions=[],
    discord=Connection(is_up=True, latency=0.0451),
)


def test_tells_how_far_discord_is() -> None:
    """The gateway's latency is told in milliseconds, and that it is gone in words."""
    card = status_card(FACTS, START)
    assert "✅ Discord's gateway is connected, 45 ms away" in (card.fields[-1].value or "")
    gone = status_card(replace(FACTS, discord=Connection(is_up=False, latency=None)), START)
    assert "Discord's gateway is out of reach" in (gone.description or "")
    assert (gone.fields[-1].value or "").endswith("⚠️ Discord's gateway is gone")


def test_fits_however_much_is_wrong() -> None:
    """Dozens of channels in trouble are cut to five and a number."""
    blocked = [ChannelFailure(1, 10**18 + n, 3, START, START, "*" * 200, is_lasting=True) for n in range(40)]
    later = START + timedelta(days=9)
    outdated = [replace(one, is_board=True) for one in blocked]
    facts = replace(FACTS, blocked=blocked, outdated=outdated, blind_since=START)
    facts = replace(facts, discord=Connection(is_up=False, latency=None))
    card = status_card(facts, later)
    assert_fits(card)
    assert (card.description or "").count("⚠️") == 5
    for name in (TROUBLE, OUTDATED):
        assert (fields_of(card)[name] or "").endswith("and 35 more")
