"""How the bot starts: what it registers, whom it warns, and what it waits for."""

import copy
import socket
from collections.abc import AsyncIterator, Callable
from http import HTTPStatus
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.useapi.fake import FakeApi
from tests.support.process.stage import Stage, build_settings, open_stage
from tests.support.wire.discord_standin import DiscordStandIn
from tests.support.wire.faults import limited, page
from tests.support.wire.payloads import COMMAND, GUILD_ID, OTHER_GUILD_ID
from tests.support.wire.process import run_bot
from tests.support.wire.rest import Respond, refuse, reset

pytestmark = pytest.mark.asyncio(loop_scope="module")

Commands = list[dict[str, Any]]


def _path(guild_id: int) -> str:
    return f"/guilds/{guild_id}/commands$"


async def _registration(discord: DiscordStandIn, **changes: str) -> list[str]:
    """Start a bot, wait until it is done with its registration, and return what it did to the listed server."""
    async with open_stage(discord, **changes) as stage:
        # It looks for left-overs elsewhere once all listed servers have their commands.
        await discord.rest.request("GET", "/users/@me/guilds")
        assert await stage.bot.stop() == 0
    return [call.method for call in discord.rest.calls if call.path.endswith(_path(GUILD_ID).rstrip("$"))]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def registered() -> AsyncIterator[Commands]:
    """The commands as Discord holds them after the bot's first start."""
    discord = DiscordStandIn()
    assert await _registration(discord) == ["GET", "PUT"]
    yield discord.rest.commands[GUILD_ID]


async def test_first_start(registered: Commands) -> None:
    """At its first start the bot asks what is registered, then registers its commands for managers."""
    names = [command["name"] for command in registered]
    assert sorted(names) == [COMMAND, "minimax-accounts", "minimax-reminders", "minimax-status"]
    assert {command["default_member_permissions"] for command in registered} == {"32"}
    assert [option["name"] for option in registered[names.index(COMMAND)]["options"]] == ["account", "share"]


async def test_second_start(registered: Commands) -> None:
    """At a later start the bot finds its command, in Discord's own spelling, and writes nothing."""
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
    """At a start where Discord holds anything else, the bot registers its command again."""
    discord = DiscordStandIn()
    discord.rest.commands[GUILD_ID] = copy.deepcopy(registered)
    change(discord.rest.commands[GUILD_ID])
    assert await _registration(discord) == ["GET", "PUT"]
    present = [(command["description"], command["options"]) for command in discord.rest.commands[GUILD_ID]]
    assert present == [(command["description"], command["options"]) for command in registered]


async def test_server_without_the_bot() -> None:
    """A listed server that the bot is not in is named in a warning; the other servers work."""
    async with open_stage(GUILD_IDS=f"{OTHER_GUILD_ID},{GUILD_ID}") as stage:
        warning = await stage.bot.says(str(OTHER_GUILD_ID))
        assert "WARNING" in warning
        await stage.discord.rest.request("PUT", _path(GUILD_ID))
        assert (await (await stage.discord.slash(stage.add_account())).answer())["embeds"]


async def test_server_that_fails_does_not_stop_the_others() -> None:
    """A listed server that takes no commands is tried again, after the others have theirs."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    first, second = sorted((GUILD_ID, OTHER_GUILD_ID))
    discord.rest.fail("PUT", _path(first), HTTPStatus.FORBIDDEN, code=30034)
    async with open_stage(discord, GUILD_IDS=f"{first},{second}") as stage:
        await discord.rest.request("PUT", _path(second))
        await stage.bot.says(f"Commands not registered in server {first} yet")
        await discord.rest.request("PUT", _path(first), nth=2)


async def test_server_that_the_bot_joins_later() -> None:
    """A listed server that invites the bot while it runs gets the commands without a restart."""
    discord = DiscordStandIn(guild_ids=())
    async with open_stage(discord) as stage:
        await stage.bot.says("its commands will follow")
        discord.rest.guild_ids.add(GUILD_ID)
        await discord.rest.request("PUT", _path(GUILD_ID))


async def test_server_not_listed_that_refuses() -> None:
    """A server that is not listed and lets nobody look at its commands is left alone."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    discord.rest.fail("GET", _path(OTHER_GUILD_ID), HTTPStatus.FORBIDDEN, code=50001)
    async with open_stage(discord) as stage:
        await discord.rest.request("GET", _path(OTHER_GUILD_ID))
        await stage.settle()
    assert len(discord.rest.requests("GET", _path(GUILD_ID))) == 1


async def test_server_not_listed_any_more(registered: Commands) -> None:
    """A server that left the list loses its commands."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    discord.rest.commands = {guild_id: copy.deepcopy(registered) for guild_id in discord.rest.guild_ids}
    async with open_stage(discord):
        put = await discord.rest.request("PUT", _path(OTHER_GUILD_ID))
    assert put.json == []
    assert not discord.rest.requests("PUT", _path(GUILD_ID))


async def test_registration_in_trouble() -> None:
    """While Discord does not take the commands, the bot answers those it has; it registers later by itself."""
    discord = DiscordStandIn()
    discord.rest.fail("GET", _path(GUILD_ID), HTTPStatus.SERVICE_UNAVAILABLE, times=1)
    async with open_stage(discord) as stage:
        await stage.bot.says(f"Commands not registered in server {GUILD_ID} yet")
        assert (await (await stage.discord.slash(stage.add_account())).answer())["embeds"]
        await discord.rest.request("PUT", _path(GUILD_ID))


def _closed_port() -> int:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        port: int = reserved.getsockname()[1]
        return port


async def _hang_up(request: web.Request) -> web.Response:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def test_no_network_at_start() -> None:
    """Started without a network, the bot says so, and works once there is one."""
    discord, api, port = DiscordStandIn(), FakeApi({}), _closed_port()
    api.behave = _hang_up
    async with (
        api.serve() as api_url,
        run_bot(f"http://127.0.0.1:{port}", build_settings(api_url)) as bot,
    ):
        await bot.says("Discord can't be reached")
        await bot.says("The accounts can't be read yet")
        api.behave = None
        async with discord.serve(port):
            stage = Stage(discord, api, bot)
            await discord.gateway.ready()
            assert (await (await discord.slash(stage.add_account())).answer())["embeds"]
            assert await bot.stop() == 0


async def test_every_trouble_with_the_login() -> None:
    """Whatever Discord answers to the login, other than that the token is wrong, it is tried again until it works."""
    discord = DiscordStandIn()
    incidents: list[Respond] = [
        lambda _request: limited(0.05, is_global=True),
        lambda _request: page(HTTPStatus.TOO_MANY_REQUESTS),
        lambda _request: page(HTTPStatus.FORBIDDEN),
        lambda _request: refuse(HTTPStatus.SERVICE_UNAVAILABLE),
        reset,
    ]
    for trouble in incidents:
        discord.rest.meet("GET", "/users/@me$", trouble)
    async with open_stage(discord, BACKOFF_TEST_SCALE="0.01") as stage:
        assert (await (await discord.slash(stage.add_account())).answer())["embeds"]
        assert not [fault for fault in discord.rest.faults if fault.times]
        assert "Traceback" not in stage.bot.output
