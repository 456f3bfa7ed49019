"""Tests of `/minimax-status` in a simulated Discord."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot import __version__
from bot.chat.views.status import Facts, status_embed
from bot.core.accounts import Account
from bot.core.channel_failures import ChannelFailure
from bot.core.links import SETUP_GUIDE
from bot.core.messages import MessageKind
from bot.core.subscriptions import Subscription
from bot.core.tls import UNTRUSTED
from bot.errors import ApiNotSecure, UnreadableAnswer, UseapiTokenRefused
from bot.useapi.fake import Behaviour
from tests.support.accounts import START
from tests.support.chat.answers import embed_of, fields_of
from tests.support.chat.limits import assert_fits
from tests.support.chat.reminders import DAY, add, posts_in
from tests.support.hostile import STATUSES, UNREADABLE, answering, with_status
from tests.support.world import World

HALF_HOUR = timedelta(minutes=30)


async def status(world: World) -> tuple[str, dict[str, str]]:
    """Let the manager use the command; return the title with the next step, if there is one, and the fields."""
    result = await world.manager.slash(world.channel, "minimax-status")
    assert result.ephemeral
    embed = embed_of(result)
    assert embed.footer.text == f"MiniMax Account Bot {__version__}"
    return "\n".join(filter(None, (embed.title, embed.description))), fields_of(embed)


async def test_says_that_the_first_check_is_running(world: World) -> None:
    """Before the first poll the status does not say that everything works."""
    verdict, fields = await status(world)
    assert verdict == "⏳ First check still running\nTry again in a minute."
    assert fields == {
        "Accounts": "None checked yet, one check every 5 minutes",
        "Reminders": "0 active · 0 paused · none waiting · 0 messages sent in 30 days",
        "Connections": fields["Connections"],
    }
    assert fields["Connections"].startswith("⚪ useapi.net not asked yet · ✅\u00a0Discord")


async def test_says_what_is_left_to_set_up(world: World) -> None:
    """Without accounts, without a reminder, or with paused ones only, the status names the next step."""
    accounts, world.api.accounts = world.api.accounts, {}
    await world.poll_once()
    assert (await status(world))[0] == (
        "👋 Almost ready: add a MiniMax account\n"
        f"Add your MiniMax accounts at [useapi.net]({SETUP_GUIDE}). The bot finds them within 5 minutes."
    )
    world.api.accounts = accounts
    await world.poll_once()
    assert (await status(world))[0] == "👋 Almost ready: add your first reminder\nRun `/minimax-reminders add`."
    await add(world)
    assert (await status(world))[0] == "✅ Everything works"
    await world.manager.slash(world.channel, "minimax-reminders pause", reminder="1")
    verdict, fields = await status(world)
    assert verdict == "⏸️ All reminders are paused\nResume one with `/minimax-reminders resume`."
    assert fields["Reminders"].startswith("0 active · 1 paused · none waiting")


@pytest.mark.parametrize("restarted", [False, True])
async def test_shows_checks_and_messages(world: World, *, restarted: bool) -> None:
    """The status shows the last and the next poll, and counts accounts and messages, also after a restart."""
    await add(world)
    await world.poll_once()
    await world.env.advance_time(60)
    if restarted:
        await world.restart()
    verdict, fields = await status(world)
    assert verdict == "✅ Everything works"
    assert fields["Accounts"] == (
        "3 checked <t:1767225600:R>, next <t:1767225900:R>\n🔴 1 needs renewing · 🟡 1 expires soon"
    )
    # One message about three accounts.
    assert len(posts_in(world.channel)) == 1
    assert fields["Reminders"] == "1 active · 0 paused · none waiting · 1 message sent in 30 days"
    assert fields["Connections"].startswith("✅ useapi.net (<t:1767225600:R>) · ✅\u00a0Discord")
    await world.env.advance_time(31 * DAY)
    assert "0 messages sent in 30 days" in (await status(world))[1]["Reminders"]


async def test_shows_refusing_channels(world: World) -> None:
    """The status counts what waits, and names blocked channels with the reason and what to do."""
    await add(world)
    await add(world, "123456", channel=world.env.guild.create_text_channel("other"))
    path = f"/channels/{world.channel.id}/messages"
    world.env.inject_error("POST", path, status=403, code=50013, times=None)
    for _ in range(3):
        await world.poll_once()
        await world.env.advance_time(3600)
    await world.poll_once()
    verdict, fields = await status(world)
    assert verdict == "⚠️ 1 problem"
    assert fields["Reminders"] == "2 active · 0 paused · 3 waiting · 1 message sent in 30 days"
    assert fields["Problems"].startswith(
        f"- {world.channel.mention}: the bot lacks a permission in the channel. "
        "Fix that, or move the reminder. Next try <t:"
    )


async def test_shows_since_when_the_accounts_cant_be_read(world: World) -> None:
    """The status shows failed polls from the first one on, until one succeeds."""
    await add(world)
    await world.poll_once()
    world.api.behave = with_status(500)
    await world.env.advance_time(60)
    for _ in range(2):
        await world.poll_once()
        await world.env.advance_time(3600)
    await world.poll_once()
    verdict, fields = await status(world)
    assert verdict == "⚠️ 1 problem"
    assert fields["Problems"].startswith("- useapi.net can't be reached (<t:1767232860:R>). ")
    assert fields["Problems"].endswith("Reminders go on with the last known dates.")
    assert fields["Accounts"].startswith("3 checked <t:1767225600:R>, next <t:1767233160:R>")
    assert fields["Connections"].startswith("⚠️ useapi.net (<t:1767232860:R>)")
    world.api.behave = None
    await world.poll_once()
    assert (await status(world))[0] == "✅ Everything works"


async def test_knows_that_a_command_was_refused(world: World) -> None:
    """A token that useapi.net refuses is a problem at once, not only after the next poll; so is that it works again."""
    await add(world)
    await world.poll_once()
    await world.env.advance_time(60)
    world.api.behave = with_status(401)
    await world.look_up("123456")
    verdict, fields = await status(world)
    assert verdict == "⚠️ 1 problem"
    assert fields["Problems"].startswith("- useapi.net rejected the bot's token (<t:1767225660:R>). ")
    assert fields["Connections"].startswith("⚠️ useapi.net (<t:1767225660:R>)")
    await world.poll_once()
    world.api.behave = None
    await world.env.advance_time(60)
    await world.look_up("123456")
    verdict, fields = await status(world)
    assert verdict == "✅ Everything works"
    assert fields["Connections"].startswith("✅ useapi.net (<t:1767225720:R>)")


async def test_the_newest_answer_counts(world: World) -> None:
    """Whatever useapi.net answers, to a look-up or a completion, the status shows it with its time."""
    await add(world)
    await world.poll_once()
    answers: dict[str, Behaviour] = {STATUSES[status]: with_status(status) for status in (401, 402, 503, 429)}
    answers[UnreadableAnswer.title] = answering(UNREADABLE["html"])
    for title, behave in answers.items():
        await world.env.advance_time(60)
        world.api.behave = behave
        await world.look_up("123456")
        now = f"(<t:{int(world.env.now().timestamp())}:R>)"
        verdict, fields = await status(world)
        assert verdict == "⚠️ 1 problem"
        assert fields["Problems"].startswith(f"- {title} {now}. ")
        assert fields["Connections"].startswith(f"⚠️ useapi.net {now}")
    await world.env.advance_time(60)
    world.api.behave = None
    await world.complete("jane")
    verdict, fields = await status(world)
    assert verdict == "✅ Everything works"
    assert fields["Connections"].startswith(f"✅ useapi.net (<t:{int(world.env.now().timestamp())}:R>)")


async def test_an_unknown_account_is_no_failure_of_the_api(world: World) -> None:
    """A look-up of an account that does not exist, or is on hold, does not count as a problem."""
    await add(world)
    await world.poll_once()
    await world.look_up("999")
    assert (await status(world))[0] == "✅ Everything works"
    world.api.behave = with_status(596)
    await world.env.advance_time(60)
    await world.look_up("123456")
    assert (await status(world))[0] == "✅ Everything works"


async def test_warns_that_polls_are_late(world: World) -> None:
    """The status warns once the last poll is three intervals and five minutes ago."""
    await add(world)
    await world.poll_once()
    await world.env.advance_time(20 * 60)
    assert (await status(world))[0] == "✅ Everything works"
    await world.env.advance_time(1)
    verdict, fields = await status(world)
    assert verdict == "⚠️ 1 problem"
    assert fields["Problems"] == (
        "- No account check since <t:1767225600:R>, so reminders may be late. "
        "Bot owner: read the log, then start the bot again."
    )
    assert fields["Accounts"].startswith("3 checked <t:1767225600:R>, next now")


async def test_is_for_managers_of_the_server(world: World) -> None:
    """Discord offers the command to members with Manage Server."""
    assert {"minimax-status", "minimax-overview"} <= set(world.manager.available_commands(world.channel))
    assert world.member.available_commands(world.channel) == ()


FACTS = Facts(
    failing=0,
    low_on_credits=0,
    jobs_off=None,
    credits_off=(),
    wrong_clock=None,
    interval=HALF_HOUR,
    polled_at=START,
    accounts=[Account("1")],
    read_at=START,
    unreadable_since=None,
    asked_at=START,
    failure=None,
    subscriptions=[Subscription(1, 2, None, (7,), None, 3)],
    waiting=0,
    sent=0,
    blocked=[],
    outdated=[],
    is_connected=True,
    obstacle=None,
    latency=0.0451,
)


def test_shows_the_gateway() -> None:
    """The status shows the gateway's latency in milliseconds, and a lost connection in words."""
    embed = status_embed(FACTS, START)
    assert fields_of(embed)["Connections"].endswith("✅\u00a0Discord (45 ms)")
    unknown = status_embed(replace(FACTS, latency=None), START)
    assert fields_of(unknown)["Connections"].endswith("✅\u00a0Discord")
    lost = fields_of(status_embed(replace(FACTS, is_connected=False, latency=None), START))
    assert lost["Problems"].startswith("- Discord disconnected.")
    assert lost["Connections"].endswith("⚠️\u00a0Discord disconnected")


def test_shows_what_is_wrong_with_tls() -> None:
    """A certificate that is not trusted is named with the cause, for useapi.net and for Discord."""
    failing = replace(FACTS, failure=ApiNotSecure(UNTRUSTED), obstacle=UNTRUSTED)
    useapi, discord_ = fields_of(status_embed(failing, START))["Problems"].splitlines()
    assert useapi.startswith(
        "- useapi.net's certificate isn't trusted (<t:1767225600:R>). Bot owner: If a company proxy"
    )
    assert discord_.startswith(
        "- Discord's certificate isn't trusted, so reminders wait. Bot owner: If a company proxy"
    )
    assert "SSL_CERT_FILE" in useapi


@pytest.mark.parametrize(("days", "way"), [(20, "ahead"), (-20, "behind")])
def test_shows_a_wrong_clock(days: int, way: str) -> None:
    """A wrong clock is the one reason why polls are late, with what the operator does about it."""
    wrong = replace(FACTS, wrong_clock=timedelta(days=days))
    assert fields_of(status_embed(wrong, START + timedelta(days=9)))["Problems"] == (
        f"- **The clock of the bot's machine is 20 days {way}**, so no reminder is sent. "
        "Bot owner: set it, and turn on time synchronisation (NTP)."
    )


def test_tells_polls_that_fail_from_an_answer_that_came_later() -> None:
    """Failing polls are a problem while no later answer of useapi.net says that it works again."""
    failing = replace(FACTS, unreadable_since=START, polled_at=START + HALF_HOUR)
    assert status_embed(replace(failing, asked_at=START + 2 * HALF_HOUR), START).title == "✅ Everything works"
    problem = fields_of(status_embed(failing, START))["Problems"]
    assert problem == (
        "- The bot can't reach your MiniMax accounts (since <t:1767225600:f>). "
        "Reminders go on with the last known dates. Bot owner: is useapi.net up, and `USEAPI_TOKEN` still valid?"
    )
    restarted = fields_of(status_embed(replace(failing, asked_at=None), START))
    assert (restarted["Problems"], restarted["Connections"][:2]) == (problem, "⚠️")


def test_fits_with_many_failures() -> None:
    """The status names as many of dozens of failing channels as fit, and counts the others."""
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
        failure=UseapiTokenRefused("401"),
        is_connected=False,
        latency=None,
    )
    embed = status_embed(facts, START + timedelta(days=9))
    assert_fits(embed)
    assert embed.title == "⚠️ 83 problems"
    lines = fields_of(embed)["Problems"].splitlines()
    assert lines[-1] == f"- and {83 - len(lines) + 1} more"
    assert len(lines) > 5
