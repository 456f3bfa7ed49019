"""The commands of the listed servers are kept while the bot runs, with few requests."""

import asyncio
import logging
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path

import pytest

from bot.core.timing import DEFAULT_TIMING
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.faults import page
from tests.support.wire.gateway import Op
from tests.support.wire.inline import open_inline_world
from tests.support.wire.payloads import GUILD_ID, OTHER_GUILD_ID
from tests.support.wire.rest import answer
from tests.support.wire.virtual_time import in_virtual_time

HOUR, DAY = 3600, 24 * 3600
COMMANDS = f"/guilds/{GUILD_ID}/commands$"
ANY_COMMANDS = "/guilds/[0-9]+/commands$"
SERVERS = tuple(GUILD_ID + 1000 * number for number in range(40))


def requests_in(discord: DiscordStandIn, path: str = COMMANDS) -> list[str]:
    """Return the methods of the requests about commands so far."""
    return [call.method for method in ("GET", "PUT") for call in discord.rest.requests(method, path)]


async def settled(discord: DiscordStandIn) -> list[str]:
    """Wait until the bot has done what it does after a start; return the commands' requests."""
    await asyncio.sleep(30)
    return requests_in(discord)


async def begin_session(discord: DiscordStandIn) -> None:
    """End the session, so that the bot begins another one."""
    identified = discord.gateway.identifies
    await discord.gateway.send(Op.INVALID_SESSION, data=False)
    await discord.gateway.received.find(lambda message: message["op"] == Op.IDENTIFY, nth=identified + 1)


def overwrite(discord: DiscordStandIn) -> None:
    """Replace the commands, as a second deployment with other ones does."""
    discord.rest.commands[GUILD_ID] = discord.rest.commands[GUILD_ID][:1]


@in_virtual_time
async def test_kicked_and_invited_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A bot that is removed from a listed server and invited again has its commands at once, without a restart."""
    async with open_inline_world(tmp_path) as world:
        discord = world.discord
        assert await settled(discord) == ["GET", "PUT"]
        await discord.kick(GUILD_ID)
        await asyncio.sleep(2 * 3600)
        assert f"The bot was removed from server {GUILD_ID}" in caplog.text
        assert requests_in(discord) == ["GET", "PUT"]
        await discord.invite(GUILD_ID)
        await discord.rest.request("PUT", COMMANDS, nth=2, within=5)
        assert len(discord.rest.commands[GUILD_ID]) == 5
        assert (await (await discord.slash(world.add_account())).answer())["embeds"]


@in_virtual_time
async def test_kicked_during_an_outage(tmp_path: Path) -> None:
    """A server that removed the bot during its outage, and invites it later, gets the commands."""
    async with open_inline_world(tmp_path) as world:
        await settled(world.discord)
        await world.discord.gateway.announce_end(GUILD_ID, is_outage=True)
        await world.discord.kick(GUILD_ID)
        await world.discord.invite(GUILD_ID)
        await world.discord.rest.request("PUT", COMMANDS, nth=2, within=30)


@in_virtual_time
async def test_overwritten(tmp_path: Path) -> None:
    """Commands that a second deployment has overwritten are back after the time between two comparisons, a day."""
    assert DEFAULT_TIMING.compare_commands == DAY
    # A simulated day takes long.
    async with open_inline_world(tmp_path, timing=replace(DEFAULT_TIMING, compare_commands=HOUR)) as world:
        await settled(world.discord)
        overwrite(world.discord)
        await asyncio.sleep(HOUR)
        assert requests_in(world.discord) == ["GET", "GET", "PUT", "PUT"]
        assert len(world.discord.rest.commands[GUILD_ID]) == 5


@in_virtual_time
async def test_new_session(tmp_path: Path) -> None:
    """A new session after an outage compares; nothing is written if the commands are still there."""
    async with open_inline_world(tmp_path) as world:
        discord = world.discord
        await settled(discord)
        await begin_session(discord)
        assert await settled(discord) == ["GET", "GET", "PUT"]
        overwrite(discord)
        await begin_session(discord)
        await discord.rest.request("PUT", COMMANDS, nth=2)
        assert requests_in(discord) == ["GET"] * 3 + ["PUT"] * 2


@in_virtual_time
async def test_resumed_session(tmp_path: Path) -> None:
    """A session that is resumed, however often, compares nothing."""
    async with open_inline_world(tmp_path) as world:
        discord = world.discord
        await settled(discord)
        for _ in range(5):
            started = len(discord.gateway.started)
            await discord.gateway.close(4000)
            assert await discord.gateway.ready(nth=started + 1) is Op.RESUME
        assert await settled(discord) == ["GET", "PUT"]


@in_virtual_time
async def test_flood_of_servers(tmp_path: Path) -> None:
    """Each of many servers costs one request a session; outages cost none, and a flood of invitations few."""
    discord = DiscordStandIn(guild_ids=(*SERVERS, OTHER_GUILD_ID))
    async with open_inline_world(tmp_path, discord, GUILD_IDS=",".join(map(str, SERVERS))):
        await settled(discord)
        assert len(discord.rest.requests("GET", ANY_COMMANDS)) == len(SERVERS) + 1
        for _ in range(3):
            for guild_id in SERVERS:
                await discord.gateway.announce_end(guild_id, is_outage=True)
            for guild_id in SERVERS:
                await discord.gateway.announce_guild(guild_id)
        await settled(discord)
        assert len(discord.rest.requests("GET", ANY_COMMANDS)) == len(SERVERS) + 1
        await begin_session(discord)
        await settled(discord)
        assert len(discord.rest.requests("GET", ANY_COMMANDS)) == 2 * len(SERVERS) + 1
        for _ in range(50):
            await discord.invite(GUILD_ID)
            await discord.invite(OTHER_GUILD_ID)
        await settled(discord)
        assert len(discord.rest.requests("GET", ANY_COMMANDS)) <= 2 * len(SERVERS) + 3


@pytest.mark.parametrize("code", [50001, 10004, 0])
@in_virtual_time
async def test_failing_comparison(tmp_path: Path, caplog: pytest.LogCaptureFixture, code: int) -> None:
    """A comparison that fails is logged once and made again, ever more rarely, until it succeeds."""
    async with open_inline_world(tmp_path) as world:
        discord = world.discord
        await settled(discord)
        await discord.kick(GUILD_ID)
        discord.rest.fail("GET", COMMANDS, HTTPStatus.FORBIDDEN, code=code, times=40)
        await discord.invite(GUILD_ID)
        await asyncio.sleep(3600)
        assert 10 < len(discord.rest.requests("GET", COMMANDS)) < 40
        warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert len([text for text in warnings if f"in server {GUILD_ID}" in text]) == 1
        await discord.rest.request("PUT", COMMANDS, nth=2, within=DAY)


@in_virtual_time
async def test_answer_in_another_form(tmp_path: Path) -> None:
    """An answer that is no list of commands is like any failure, also where left-over commands are looked for."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    discord.rest.meet("GET", COMMANDS, lambda _request: page(HTTPStatus.OK))
    discord.rest.meet("GET", f"/guilds/{OTHER_GUILD_ID}/commands$", lambda _request: answer({"a": 1}))
    discord.rest.meet("GET", "/users/@me/guilds$", lambda _request: page(HTTPStatus.OK))
    async with open_inline_world(tmp_path, discord):
        await discord.rest.request("PUT", COMMANDS)
        await discord.invite(GUILD_ID)
        await discord.rest.request("GET", COMMANDS, nth=3)


@in_virtual_time
async def test_events_of_servers_reach_nobody(tmp_path: Path) -> None:
    """What a server tells about itself neither ends the connection nor is kept."""
    async with open_inline_world(tmp_path) as world:
        for event in ("GUILD_UPDATE", "CHANNEL_CREATE", "THREAD_CREATE", "GUILD_ROLE_CREATE", "STAGE_INSTANCE_CREATE"):
            await world.discord.gateway.dispatch(event, {"id": "1", "guild_id": str(GUILD_ID)})
        assert (await (await world.discord.slash(world.add_account())).answer())["embeds"]
        assert world.discord.gateway.identifies == 1
        assert not world.application.bot.guilds
