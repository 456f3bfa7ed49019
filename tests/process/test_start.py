"""The bot's start: it registers its commands, and retries whatever fails."""

import copy
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.core.timing import DEFAULT_TIMING
from bot.useapi.fake import FakeApi
from tests.support.network import closed_port
from tests.support.process.world import ProcessWorld, open_process_world
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.faults import limited, page
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import COMMAND, GUILD_ID, OTHER_GUILD_ID
from tests.support.wire.process import run_bot
from tests.support.wire.rest import Respond, refuse, reset
from tests.support.wire.standins import build_settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

Commands = list[dict[str, Any]]


def _path(guild_id: int) -> str:
    return f"/guilds/{guild_id}/commands$"


async def _registration(discord: DiscordStandIn) -> list[str]:
    """Start a bot, wait until it has registered its commands, and return the methods of its requests about that."""
    async with open_process_world(discord) as world:
        # After the listed servers it looks for left-over commands in the other ones.
        await discord.rest.request("GET", "/users/@me/guilds")
        assert await world.bot.stop() == 0
    return [call.method for call in discord.rest.calls if call.path.endswith(_path(GUILD_ID).rstrip("$"))]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registered() -> AsyncIterator[Commands]:
    """The commands as Discord stores them after the bot's first start."""
    discord = DiscordStandIn()
    assert await _registration(discord) == ["GET", "PUT"]
    yield discord.rest.commands[GUILD_ID]


async def test_first_start(registered: Commands) -> None:
    """At its first start the bot requests the registered commands, then registers its own, for managers."""
    names = [command["name"] for command in registered]
    assert sorted(names) == [COMMAND, "minimax-accounts", "minimax-reminders", "minimax-status"]
    assert {command["default_member_permissions"] for command in registered} == {"32"}
    assert [option["name"] for option in registered[names.index(COMMAND)]["options"]] == ["account", "share"]


async def test_second_start(registered: Commands) -> None:
    """At a later start the bot recognises its commands, in Discord's own spelling, and registers nothing."""
    discord = DiscordStandIn()
    discord.rest.commands[GUILD_ID] = copy.deepcopy(registered)
    assert await _registration(discord) == ["GET"]


def _reword(commands: Commands) -> None:
    commands[0]["description"] = "An older description"


def _open_to_everyone(commands: Commands) -> None:
    commands[0]["default_member_permissions"] = None


def _drop_option(commands: Commands) -> None:
    del commands[0]["options"][1]


def _reword_choice(commands: Commands) -> None:
    commands[0]["options"][1]["choices"][0]["name"] = "maybe"


def _add_command(commands: Commands) -> None:
    commands.append(commands[0] | {"id": "1100000000000000055", "name": "left-over"})


@pytest.mark.parametrize("change", [_reword, _open_to_everyone, _drop_option, _reword_choice, _add_command])
async def test_start_after_change(registered: Commands, change: Callable[[Commands], None]) -> None:
    """If Discord stores other commands, the bot registers its own again."""
    discord = DiscordStandIn()
    discord.rest.commands[GUILD_ID] = copy.deepcopy(registered)
    change(discord.rest.commands[GUILD_ID])
    assert await _registration(discord) == ["GET", "PUT"]
    present = [(command["description"], command["options"]) for command in discord.rest.commands[GUILD_ID]]
    assert present == [(command["description"], command["options"]) for command in registered]


async def test_server_without_the_bot() -> None:
    """A listed server without the bot is named in a warning; the other servers work."""
    async with open_process_world(GUILD_IDS=f"{OTHER_GUILD_ID},{GUILD_ID}") as world:
        warning = await world.bot.says(str(OTHER_GUILD_ID))
        assert "WARNING" in warning
        await world.discord.rest.request("PUT", _path(GUILD_ID))
        assert (await (await world.discord.slash(world.add_account())).answer())["embeds"]


async def test_server_that_fails_does_not_stop_the_others() -> None:
    """A listed server that refuses the commands is tried again, after the other servers."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    first, second = sorted((GUILD_ID, OTHER_GUILD_ID))
    discord.rest.fail("PUT", _path(first), HTTPStatus.FORBIDDEN, code=30034)
    async with open_process_world(discord, GUILD_IDS=f"{first},{second}") as world:
        await discord.rest.request("PUT", _path(second))
        await world.bot.says(f"Commands not registered in server {first} yet")
        await discord.rest.request("PUT", _path(first), nth=2)


async def test_server_that_the_bot_joins_later() -> None:
    """A listed server that the bot joins while it runs gets the commands without a restart."""
    discord = DiscordStandIn(guild_ids=())
    async with open_process_world(discord) as world:
        await world.bot.says("its commands will follow")
        discord.rest.guild_ids.add(GUILD_ID)
        await discord.rest.request("PUT", _path(GUILD_ID))


async def test_server_not_listed_that_refuses() -> None:
    """A server that is not listed and refuses to show its commands is ignored."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    discord.rest.fail("GET", _path(OTHER_GUILD_ID), HTTPStatus.FORBIDDEN, code=50001)
    async with open_process_world(discord) as world:
        await discord.rest.request("GET", _path(OTHER_GUILD_ID))
        await world.settle()
    assert len(discord.rest.requests("GET", _path(GUILD_ID))) == 1


async def test_server_not_listed_any_more(registered: Commands) -> None:
    """A server that is no longer listed loses its commands."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    discord.rest.commands = {guild_id: copy.deepcopy(registered) for guild_id in discord.rest.guild_ids}
    async with open_process_world(discord):
        put = await discord.rest.request("PUT", _path(OTHER_GUILD_ID))
    assert put.json == []
    assert not discord.rest.requests("PUT", _path(GUILD_ID))


async def test_registration_that_fails() -> None:
    """While the registration fails, the bot answers the registered commands; it registers again by itself."""
    discord = DiscordStandIn()
    discord.rest.fail("GET", _path(GUILD_ID), HTTPStatus.SERVICE_UNAVAILABLE, times=1)
    async with open_process_world(discord) as world:
        await world.bot.says(f"Commands not registered in server {GUILD_ID} yet")
        assert (await (await world.discord.slash(world.add_account())).answer())["embeds"]
        await discord.rest.request("PUT", _path(GUILD_ID))


async def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_no_network_at_start() -> None:
    """A bot that starts without a network says so, and works once there is one."""
    discord, api, port = DiscordStandIn(), FakeApi({}), closed_port()
    api.behave = _hang_up
    async with (
        api.serve() as api_url,
        run_bot(f"http://127.0.0.1:{port}", build_settings(api_url)) as bot,
    ):
        await bot.says("Discord can't be reached")
        await bot.says("The accounts can't be read yet")
        api.behave = None
        async with discord.serve(port):
            world = ProcessWorld(discord, api, bot)
            await discord.gateway.ready()
            assert (await (await discord.slash(world.add_account())).answer())["embeds"]
            assert await bot.stop() == 0


async def test_every_fault_of_the_login() -> None:
    """The login is retried after every answer of Discord except that the token is wrong."""
    discord = DiscordStandIn()
    faults: list[Respond] = [
        lambda _request: limited(0.05, is_global=True),
        lambda _request: page(HTTPStatus.TOO_MANY_REQUESTS),
        lambda _request: page(HTTPStatus.FORBIDDEN),
        lambda _request: refuse(HTTPStatus.SERVICE_UNAVAILABLE),
        reset,
    ]
    for fault in faults:
        discord.rest.meet("GET", "/users/@me$", fault)
    async with open_process_world(
        discord, launch=Launch(timing=replace(DEFAULT_TIMING, reconnect_first=0.01))
    ) as world:
        assert (await (await discord.slash(world.add_account())).answer())["embeds"]
        assert not [fault for fault in discord.rest.faults if fault.times]
        assert "Traceback" not in world.bot.output
