"""The bot registers its commands in the listed servers, and retries a login or registration that fails."""

import asyncio
import copy
import logging
import math
import re
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from bot.core.timing import DEFAULT_TIMING
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.faults import limited, page
from tests.support.wire.inline import open_inline_world
from tests.support.wire.payloads import COMMAND, GUILD_ID, OTHER_GUILD_ID
from tests.support.wire.rest import Respond, refuse, reset
from tests.support.wire.virtual_time import in_virtual_time

Commands = list[dict[str, Any]]


def path_of(guild_id: int) -> str:
    """Return the pattern of requests about the commands of a server."""
    return f"/guilds/{guild_id}/commands$"


async def register(folder: Path, discord: DiscordStandIn) -> list[str]:
    """Start a bot, wait until it has registered its commands, and return the methods of its requests about that."""
    async with open_inline_world(folder, discord):
        # After the listed servers it looks for left-over commands in the other ones.
        await discord.rest.request("GET", "/users/@me/guilds")
    return [call.method for call in discord.rest.calls if call.path.endswith(path_of(GUILD_ID).rstrip("$"))]


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Commands:
    """The commands as Discord stores them after the bot's first start."""
    discord = DiscordStandIn()

    @in_virtual_time
    async def start() -> None:
        assert await register(tmp_path_factory.mktemp("first"), discord) == ["GET", "PUT"]

    start()
    return discord.rest.commands[GUILD_ID]


def test_first_start(registered: Commands) -> None:
    """At its first start the bot requests the registered commands, then registers its own, for managers."""
    names = [command["name"] for command in registered]
    assert sorted(names) == [COMMAND, "minimax-board", "minimax-overview", "minimax-reminders", "minimax-status"]
    assert {command["default_member_permissions"] for command in registered} == {"32"}
    assert [option["name"] for option in registered[names.index(COMMAND)]["options"]] == ["account", "share"]


@in_virtual_time
async def test_second_start(registered: Commands, tmp_path: Path) -> None:
    """At a later start the bot recognises its commands, in Discord's own spelling, and registers nothing."""
    discord = DiscordStandIn()
    discord.rest.commands[GUILD_ID] = copy.deepcopy(registered)
    assert await register(tmp_path, discord) == ["GET"]


@in_virtual_time
async def test_texts_link_the_registered_commands(tmp_path: Path) -> None:
    """Answers lead to the commands by the ids that Discord gave them, whether they were registered now or before."""
    discord = DiscordStandIn()
    for _ in range(2):
        async with open_inline_world(tmp_path, discord) as world:
            await discord.rest.request("GET", "/users/@me/guilds")
            (group,) = (one for one in discord.rest.commands[GUILD_ID] if one["name"] == "minimax-reminders")
            answer = await (await world.discord.manage("list")).answer()
            assert f"</minimax-reminders add:{group['id']}>" in answer["embeds"][0]["description"]
        discord.rest.calls.items.clear()


@in_virtual_time
async def test_descriptions_and_channel_kinds(registered: Commands) -> None:
    """The option of days names the default, and the options of channels offer text, announcement and thread kinds."""
    commands = {command["name"]: command for command in registered}
    (add,) = (one for one in commands["minimax-reminders"]["options"] if one["name"] == "add")
    options = {option["name"]: option for option in add["options"]}
    assert list(options) == ["account", "channel", "days", "ping", "follow-ups", "credits-below"]
    assert options["days"]["description"] == "Days before expiry (default: 14, 7, 3, 1)"
    boards = [one["options"][0] for one in commands["minimax-board"]["options"]]
    for option in (options["channel"], *boards):
        assert option["channel_types"] == [0, 5, 10, 11, 12]
        assert not option.get("required")


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
@in_virtual_time
async def test_start_after_a_change(registered: Commands, tmp_path: Path, change: Callable[[Commands], None]) -> None:
    """If Discord stores other commands, the bot registers its own again."""
    discord = DiscordStandIn()
    discord.rest.commands[GUILD_ID] = copy.deepcopy(registered)
    change(discord.rest.commands[GUILD_ID])
    assert await register(tmp_path, discord) == ["GET", "PUT"]
    present = [(command["description"], command["options"]) for command in discord.rest.commands[GUILD_ID]]
    assert present == [(command["description"], command["options"]) for command in registered]


@in_virtual_time
async def test_server_without_the_bot(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A listed server without the bot is named in a warning; the other servers work."""
    async with open_inline_world(tmp_path, GUILD_IDS=f"{OTHER_GUILD_ID},{GUILD_ID}") as world:
        await world.discord.rest.request("PUT", path_of(GUILD_ID))
        await world.discord.rest.request("GET", "/users/@me/guilds")
        assert (await (await world.discord.slash(world.add_account())).answer())["embeds"]
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text for text in warnings if f"The bot is not in server {OTHER_GUILD_ID}" in text]


@in_virtual_time
async def test_server_that_fails_does_not_stop_the_others(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A listed server that refuses the commands is tried again, after the other servers."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    first, second = sorted((GUILD_ID, OTHER_GUILD_ID))
    discord.rest.fail("PUT", path_of(first), HTTPStatus.FORBIDDEN, code=30034)
    async with open_inline_world(tmp_path, discord, GUILD_IDS=f"{first},{second}"):
        await discord.rest.request("PUT", path_of(second))
        await discord.rest.request("PUT", path_of(first), nth=2)
    assert f"Commands not registered in server {first} yet" in caplog.text


@in_virtual_time
async def test_server_that_the_bot_joins_later(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A listed server that the bot joins while it runs gets the commands within minutes, without a restart."""
    discord = DiscordStandIn(guild_ids=())
    async with open_inline_world(tmp_path, discord):
        await asyncio.sleep(3600)
        assert "its commands will follow" in caplog.text
        discord.rest.guild_ids.add(GUILD_ID)
        await discord.rest.request("PUT", path_of(GUILD_ID), within=300)


@in_virtual_time
async def test_server_not_listed_that_refuses(tmp_path: Path) -> None:
    """A server that is not listed and refuses to show its commands is ignored."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    discord.rest.fail("GET", path_of(OTHER_GUILD_ID), HTTPStatus.FORBIDDEN, code=50001)
    async with open_inline_world(tmp_path, discord):
        await discord.rest.request("GET", path_of(OTHER_GUILD_ID))
        await asyncio.sleep(3600)
    assert len(discord.rest.requests("GET", path_of(GUILD_ID))) == 1
    assert len(discord.rest.requests("GET", path_of(OTHER_GUILD_ID))) == 1


@in_virtual_time
async def test_server_not_listed_any_more(registered: Commands, tmp_path: Path) -> None:
    """A server that is no longer listed loses its commands."""
    discord = DiscordStandIn(guild_ids=(GUILD_ID, OTHER_GUILD_ID))
    discord.rest.commands = {guild_id: copy.deepcopy(registered) for guild_id in discord.rest.guild_ids}
    async with open_inline_world(tmp_path, discord):
        put = await discord.rest.request("PUT", path_of(OTHER_GUILD_ID))
    assert put.json == []
    assert not discord.rest.requests("PUT", path_of(GUILD_ID))


@in_virtual_time
async def test_registration_that_fails(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While the registration fails, the bot answers the registered commands; it registers again by itself."""
    discord = DiscordStandIn()
    discord.rest.fail("GET", path_of(GUILD_ID), HTTPStatus.SERVICE_UNAVAILABLE, times=1)
    async with open_inline_world(tmp_path, discord) as world:
        assert (await (await discord.slash(world.add_account())).answer())["embeds"]
        assert not discord.rest.requests("PUT", path_of(GUILD_ID))
        await discord.rest.request("PUT", path_of(GUILD_ID))
    assert f"Commands not registered in server {GUILD_ID} yet" in caplog.text


@in_virtual_time
async def test_every_fault_of_the_login(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
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
    async with open_inline_world(tmp_path, discord) as world:
        assert (await (await discord.slash(world.add_account())).answer())["embeds"]
        assert not [fault for fault in discord.rest.faults if fault.times]
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("path", ["/users/@me$", "/applications/@me$", path_of(GUILD_ID)])
@in_virtual_time
async def test_discord_never_answers(path: str, tmp_path: Path) -> None:
    """A request of the login, or about commands, that is never answered is given up and made again."""
    discord = DiscordStandIn()
    discord.rest.hanging = re.compile(path)

    async def answer_the_second() -> None:
        # The world's database is made first, which takes an unknown time.
        await discord.rest.request("GET", path, within=math.inf)
        discord.rest.hanging = None

    answering = asyncio.create_task(answer_the_second())
    async with open_inline_world(tmp_path, discord, timing=replace(DEFAULT_TIMING, discord_requests=5.0)) as world:
        await discord.rest.request("GET", path, nth=2)
        assert (await (await discord.slash(world.add_account())).answer())["embeds"]
    await answering
