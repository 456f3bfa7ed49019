"""What the connection to Discord may suffer without anybody having to act."""

from collections.abc import Awaitable, Callable

import pytest

from tests.support.process.stage import Stage, open_stage
from tests.support.wire.discord_standin import DiscordStandIn
from tests.support.wire.gateway import Gateway, Op

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def _assert_answers(stage: Stage) -> None:
    exchange = await stage.discord.slash(stage.add_account())
    assert (await exchange.answer())["embeds"]


async def test_first_connection_refused() -> None:
    """A gateway that refuses the first connection is tried again until it accepts."""
    discord = DiscordStandIn()
    discord.gateway.upgrades_to_refuse = 1
    async with open_stage(discord) as stage:
        assert list(discord.gateway.upgrades) == [False, True]
        await _assert_answers(stage)


async def _send_unreadable_event(gateway: Gateway) -> None:
    await gateway.dispatch("INTERACTION_CREATE", {"unreadable": True})


async def _send_noise(gateway: Gateway) -> None:
    await gateway.garble(b"\xff\x00\x00\xff\xff")


@pytest.mark.parametrize("trouble", [_send_unreadable_event, _send_noise])
async def test_unreadable_event(stage: Stage, trouble: Callable[[Gateway], Awaitable[None]]) -> None:
    """An event that discord.py can't read costs a new connection, not the bot."""
    started = len(stage.discord.gateway.started)
    await trouble(stage.discord.gateway)
    assert await stage.discord.gateway.ready(nth=started + 1) is Op.IDENTIFY
    await _assert_answers(stage)


async def _ask_to_reconnect(gateway: Gateway) -> None:
    await gateway.send(Op.RECONNECT)


async def _pause_session(gateway: Gateway) -> None:
    await gateway.send(Op.INVALID_SESSION, data=True)


async def _close_with_error(gateway: Gateway) -> None:
    await gateway.close(4000)


async def _go_away(gateway: Gateway) -> None:
    await gateway.close(1001)


@pytest.mark.parametrize("trouble", [_ask_to_reconnect, _pause_session, _close_with_error, _go_away])
async def test_resume(stage: Stage, trouble: Callable[[Gateway], Awaitable[None]]) -> None:
    """A connection that Discord ends for a moment is resumed without a new identify, and commands are answered."""
    gateway = stage.discord.gateway
    started, identifies = len(gateway.started), gateway.identifies
    await trouble(gateway)
    assert await gateway.ready(nth=started + 1) is Op.RESUME
    await _assert_answers(stage)
    assert gateway.identifies == identifies


async def test_command_during_reconnect(stage: Stage) -> None:
    """A command that Discord could not deliver is answered after the resume."""
    await stage.discord.gateway.close(4000)
    await _assert_answers(stage)


async def test_session_invalid(stage: Stage) -> None:
    """A session that Discord has given up is replaced by a new one."""
    started = len(stage.discord.gateway.started)
    await stage.discord.gateway.send(Op.INVALID_SESSION, data=False)
    assert await stage.discord.gateway.ready(nth=started + 1) is Op.IDENTIFY
    await _assert_answers(stage)


@pytest.mark.parametrize("code", [4001, 4002, 4003, 4005, 4007, 4008, 4009])
async def test_close_code(stage: Stage, code: int) -> None:
    """A connection that Discord closes for a reason that passes is resumed, and commands are answered."""
    started = len(stage.discord.gateway.started)
    await stage.discord.gateway.close(code)
    assert await stage.discord.gateway.ready(nth=started + 1) is Op.RESUME
    await _assert_answers(stage)


async def test_close_over_intents(stage: Stage) -> None:
    """A connection that Discord closes over intents, of which the bot asks none, is made anew."""
    started = len(stage.discord.gateway.started)
    await stage.discord.gateway.close(4014)
    assert await stage.discord.gateway.ready(nth=started + 1) is Op.IDENTIFY
    await _assert_answers(stage)
