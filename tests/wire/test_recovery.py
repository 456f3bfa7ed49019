"""The connection to Discord recovers by itself from every fault."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from bot.chat.gateway.connection import monitor_token
from tests.support.network import NOWHERE
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.gateway import AUTHENTICATION_FAILED, Gateway, Op
from tests.support.wire.inline import open_inline_world
from tests.support.wire.rest import refuse
from tests.support.wire.standins import StandIns
from tests.support.wire.virtual_time import in_virtual_time

_HOUR = 3_600.0


async def assert_answers(world: StandIns) -> None:
    """Fail unless a command is answered.

    While the thread of the database works, which may take long on a busy machine, virtual time passes quickly.
    """
    exchange = await world.discord.slash(world.add_account())
    assert (await exchange.answer(within=_HOUR))["embeds"]


@in_virtual_time
async def test_first_connection_refused(tmp_path: Path) -> None:
    """If the gateway refuses the first connection, the bot tries again until it accepts."""
    discord = DiscordStandIn()
    discord.gateway.upgrades_to_refuse = 1
    async with open_inline_world(tmp_path, discord) as world:
        assert list(discord.gateway.upgrades) == [False, True]
        await assert_answers(world)


async def _send_unreadable_event(gateway: Gateway) -> None:
    await gateway.dispatch("GUILD_DELETE", {"unreadable": True})


async def _send_noise(gateway: Gateway) -> None:
    await gateway.garble(b"\xff\x00\x00\xff\xff")


@pytest.mark.parametrize("fault", [_send_unreadable_event, _send_noise])
@in_virtual_time
async def test_unreadable_event(tmp_path: Path, fault: Callable[[Gateway], Awaitable[None]]) -> None:
    """After an event that discord.py can't read, the bot makes a new connection."""
    async with open_inline_world(tmp_path) as world:
        started = len(world.discord.gateway.started)
        await fault(world.discord.gateway)
        assert await world.discord.gateway.ready(nth=started + 1) is Op.IDENTIFY
        await assert_answers(world)


async def _ask_to_reconnect(gateway: Gateway) -> None:
    await gateway.send(Op.RECONNECT)


async def _pause_session(gateway: Gateway) -> None:
    await gateway.send(Op.INVALID_SESSION, data=True)


async def _close_with_error(gateway: Gateway) -> None:
    await gateway.close(4000)


async def _go_away(gateway: Gateway) -> None:
    await gateway.close(1001)


@pytest.mark.parametrize("fault", [_ask_to_reconnect, _pause_session, _close_with_error, _go_away])
@in_virtual_time
async def test_resume(tmp_path: Path, fault: Callable[[Gateway], Awaitable[None]]) -> None:
    """A connection that Discord ends for a moment is resumed without a new identify, and commands are answered."""
    async with open_inline_world(tmp_path) as world:
        gateway = world.discord.gateway
        started, identifies = len(gateway.started), gateway.identifies
        await fault(gateway)
        assert await gateway.ready(nth=started + 1) is Op.RESUME
        await assert_answers(world)
        assert gateway.identifies == identifies


@in_virtual_time
async def test_command_during_reconnect(tmp_path: Path) -> None:
    """A command that arrives while the bot is disconnected is answered after the resume."""
    async with open_inline_world(tmp_path) as world:
        await world.discord.gateway.close(4000)
        await assert_answers(world)


@in_virtual_time
async def test_session_invalid(tmp_path: Path) -> None:
    """A session that Discord ends is replaced by a new one."""
    async with open_inline_world(tmp_path) as world:
        started = len(world.discord.gateway.started)
        await world.discord.gateway.send(Op.INVALID_SESSION, data=False)
        assert await world.discord.gateway.ready(nth=started + 1) is Op.IDENTIFY
        await assert_answers(world)


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4005, 4007, 4008, 4009])
@in_virtual_time
async def test_close_code(tmp_path: Path, code: int) -> None:
    """A connection that Discord closes with a temporary reason is resumed, and commands are answered."""
    async with open_inline_world(tmp_path) as world:
        started = len(world.discord.gateway.started)
        await world.discord.gateway.close(code)
        assert await world.discord.gateway.ready(nth=started + 1) is Op.RESUME
        await assert_answers(world)


@in_virtual_time
async def test_close_over_intents(tmp_path: Path) -> None:
    """After a close code about privileged intents, which the bot does not request, it makes a new connection."""
    async with open_inline_world(tmp_path) as world:
        started = len(world.discord.gateway.started)
        await world.discord.gateway.close(4014)
        assert await world.discord.gateway.ready(nth=started + 1) is Op.IDENTIFY
        await assert_answers(world)


@in_virtual_time
async def test_resume_address_out_of_service(tmp_path: Path) -> None:
    """If the address for a resume refuses while the ordinary one works, a new session begins there within minutes."""
    discord = DiscordStandIn()
    discord.gateway.resume_url = NOWHERE.replace("http", "ws")
    async with open_inline_world(tmp_path, discord) as world:
        lost_at = asyncio.get_running_loop().time()
        await discord.gateway.close(4000)
        assert await discord.gateway.started.nth(2, within=600) is Op.IDENTIFY
        assert asyncio.get_running_loop().time() - lost_at < 180
        await assert_answers(world)


@in_virtual_time
async def test_gateway_refuses_a_good_token_for_a_moment(tmp_path: Path) -> None:
    """After a refusal of the token that the login accepted, the bot makes a new connection."""
    async with open_inline_world(tmp_path) as world:
        started = len(world.discord.gateway.started)
        await world.discord.gateway.close(AUTHENTICATION_FAILED)
        assert await world.discord.gateway.ready(nth=started + 1) is Op.IDENTIFY
        await assert_answers(world)


@in_virtual_time
async def test_gateway_refuses_the_token_for_hours(tmp_path: Path) -> None:
    """The bot goes on trying, seldom enough for Discord, and is back once the token is accepted."""
    async with open_inline_world(tmp_path) as world:
        gateway = world.discord.gateway
        gateway.refuse_identify = True
        await gateway.close(AUTHENTICATION_FAILED)
        await asyncio.sleep(6 * 3_600)
        # A quarter of a day, and Discord allows 1,000 a day.
        assert 50 < gateway.identifies < 250
        gateway.refuse_identify, started = False, len(gateway.started)
        await gateway.started.nth(started + 1, within=600)
        await assert_answers(world)


@in_virtual_time
async def test_token_refused_for_a_quarter_of_an_hour(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A token that worked is doubted at once, called refused after a quarter of an hour, and used again afterwards."""
    async with open_inline_world(tmp_path) as world:
        bot, rest = world.application.bot, world.discord.rest
        monitoring = asyncio.create_task(monitor_token(bot))
        rest.meet("GET", "/applications/@me$", lambda _request: refuse(401), times=None)
        bot.refusals.token_doubted.set()
        await asyncio.sleep(14 * 60)
        assert not bot.refusals.is_token_refused
        await asyncio.sleep(2 * 60)
        assert bot.refusals.is_token_refused
        assert "Discord refused DISCORD_TOKEN. Copy the whole token again" in caplog.text
        rest.faults.clear()
        await asyncio.sleep(2 * 60)
        assert not bot.refusals.is_token_refused
        assert not bot.refusals.token_doubted.is_set()
        assert not monitoring.done()
        monitoring.cancel()
        await assert_answers(world)
