"""Tests of `/minimax-status` in a simulated Discord."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import __version__
from bot.chat.views.status import Facts, status_embed
from bot.core.channel_failures import ChannelFailure
from bot.core.messages import MessageKind
from tests.support.accounts import START
from tests.support.chat.answers import embed_of, fields_of
from tests.support.chat.limits import assert_fits
from tests.support.chat.reminders import DAY, add
from tests.support.hostile import with_status
from tests.support.world import World

CHECKS, REMINDERS, REFUSING, OUTDATED, CONNECTIONS = (
    "Account checks",
    "Reminders of this server",
    "Channels that refuse reminders",
    "Boards out of date",
    "Connections",
)
HALF_HOUR = timedelta(minutes=30)


async def status(world: World) -> tuple[str, dict[str, str]]:
    """Let the manager use the command; return the verdict and the fields."""
    result = await world.manager.slash(world.channel, "minimax-status")
    assert result.ephemeral
    embed = embed_of(result)
    assert embed.footer.text == f"MiniMax Account Bot {__version__}"
    return embed.description or "", fields_of(embed)


async def test_says_that_the_first_check_is_running(world: World) -> None:
    """Before the first poll the status does not say that all is well."""
    verdict, fields = await status(world)
    assert verdict == "⏳ The first check of the accounts is still running. Ask again in a minute."
    assert fields == {
        CHECKS: "None is complete yet; one every 5 minutes",
        REMINDERS: "Set up: 0\nPending: 0 · being sent: 0 · sent in the last 30 days: 0",
        CONNECTIONS: fields[CONNECTIONS],
    }
    assert fields[CONNECTIONS].startswith("⚪ useapi.net was not asked yet\n✅ Discord's gateway is connected")


@pytest.mark.parametrize("restarted", [False, True])
async def test_shows_checks_and_notifications(world: World, *, restarted: bool) -> None:
    """The status shows the last and the next poll, and counts accounts and notifications, also after a restart."""
    await add(world)
    await world.poll_once()
    await world.env.advance_time(60)
    if restarted:
        await world.restart()
    verdict, fields = await status(world)
    assert verdict == "✅ All is well."
    assert fields[CHECKS] == (
        "Last: <t:1767225600:f> (<t:1767225600:R>), 3 accounts found\nNext: <t:1767225900:R>, one every 5 minutes"
    )
    assert fields[REMINDERS] == "Set up: 1\nPending: 0 · being sent: 0 · sent in the last 30 days: 3"
    assert fields[CONNECTIONS].startswith("✅ useapi.net answers\n")
    await world.env.advance_time(31 * DAY)
    assert "sent in the last 30 days: 0" in (await status(world))[1][REMINDERS]


async def test_shows_refusing_channels_and_paused_reminders(world: World) -> None:
    """The status shows blocked channels with a reason, the number of pending notifications, and paused reminders."""
    other = world.env.guild.create_text_channel("other")
    await add(world)
    await add(world, "123456", channel=other)
    await world.manager.slash(world.channel, "minimax-reminders pause", reminder="2")
    path = f"/channels/{world.channel.id}/messages"
    world.env.inject_error("POST", path, status=403, code=50013, times=None)
    for _ in range(3):
        await world.poll_once()
        await world.env.advance_time(3600)
    await world.poll_once()
    verdict, fields = await status(world)
    assert verdict == "⚠️ **Reminders don't arrive** in every channel; see below."
    assert fields[REMINDERS] == (
        f"Set up: 2 · ⏸️ paused: Account 123456 in {other.mention}\n"
        "Pending: 3 · being sent: 0 · sent in the last 30 days: 0"
    )
    assert fields[REFUSING].startswith(
        f"{world.channel.mention}: ⚠️ It does not arrive: the bot lacks a permission in the channel. Next try"
    )


async def test_shows_since_when_the_accounts_cant_be_read(world: World) -> None:
    """The status shows failed reads from the first one on, until one succeeds."""
    await world.poll_once()
    world.api.behave = with_status(401)
    await world.env.advance_time(60)
    for _ in range(2):
        await world.poll_once()
        await world.env.advance_time(3600)
    await world.poll_once()
    verdict, fields = await status(world)
    assert verdict == "⚠️ **The accounts can't be read.** Reminders go by the last known dates."
    assert fields[CONNECTIONS].startswith("⚪ useapi.net can't be read since <t:1767225660:f>")
    world.api.behave = None
    await world.poll_once()
    assert (await status(world))[0] == "✅ All is well."


async def test_warns_that_polls_are_late(world: World) -> None:
    """The status warns once the last poll is three intervals and five minutes ago."""
    await world.poll_once()
    await world.env.advance_time(20 * 60)
    assert (await status(world))[0] == "✅ All is well."
    await world.env.advance_time(1)
    verdict, fields = await status(world)
    assert verdict.startswith("⚠️ **The bot last finished checking the accounts <t:1767225600:R>.** ")
    assert "Next: now" in fields[CHECKS]


async def test_is_for_managers_of_the_server(world: World) -> None:
    """Discord offers the command to members with Manage Server."""
    assert {"minimax-status", "minimax-accounts"} <= set(world.manager.available_commands(world.channel))
    assert world.member.available_commands(world.channel) == ()


FACTS = Facts(
    wrong_clock=None,
    interval=HALF_HOUR,
    polled_at=START,
    unreadable_since=None,
    accounts=1,
    counts={},
    blocked=[],
    outdated=[],
    subscriptions=[],
    is_connected=True,
    latency=0.0451,
)


def test_shows_the_gateway() -> None:
    """The status shows the gateway's latency in milliseconds, and a lost connection in words."""
    embed = status_embed(FACTS, START)
    assert "✅ Discord's gateway is connected, 45 ms away" in fields_of(embed)[CONNECTIONS]
    lost = status_embed(replace(FACTS, is_connected=False, latency=None), START)
    assert "Discord's gateway is out of reach" in (lost.description or "")
    assert fields_of(lost)[CONNECTIONS].endswith("⚠️ Discord's gateway is gone")


@pytest.mark.parametrize(("days", "way"), [(20, "ahead"), (-20, "behind")])
def test_shows_a_wrong_clock(days: int, way: str) -> None:
    """A wrong clock is the one reason why polls are late, with what the operator does about it."""
    wrong = replace(FACTS, wrong_clock=timedelta(days=days))
    assert status_embed(wrong, START + timedelta(days=9)).description == (
        f"⚠️ **The clock of the bot's machine is 20 days {way}**, so no reminder is sent. "
        "The bot's operator should set it and turn on time synchronisation (NTP)."
    )


def test_fits_with_many_failures() -> None:
    """The status names five of dozens of failing channels and counts the others."""
    blocked = [
        ChannelFailure(1, 10**18 + n, MessageKind.NOTIFICATIONS, 3, START, START, "*" * 200, is_lasting=True)
        for n in range(40)
    ]
    outdated = [replace(one, kind=MessageKind.BOARD) for one in blocked]
    facts = replace(
        FACTS,
        wrong_clock=timedelta(days=-20),
        blocked=blocked,
        outdated=outdated,
        unreadable_since=START,
        is_connected=False,
        latency=None,
    )
    embed = status_embed(facts, START + timedelta(days=9))
    assert_fits(embed)
    assert (embed.description or "").count("⚠️") == 5
    for name in (REFUSING, OUTDATED):
        assert fields_of(embed)[name].endswith("and 35 more")
