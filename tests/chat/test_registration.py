"""Tests of whether Discord has the commands already: it returns them in another form than they were sent."""

import copy
import re
from collections.abc import Callable
from typing import Any

import discord
import pytest
from discord import app_commands

from bot.chat.gateway.registration import is_registered
from tests.support.paths import REPOSITORY
from tests.support.world import GUILD_ID, World

Command = dict[str, Any]


def build_wanted() -> list[Command]:
    """Return two commands as discord.py sends them."""

    @app_commands.command(name="minimax-account", description="Show an account")
    @app_commands.describe(account="Account id", share="Show it to everyone")
    @app_commands.choices(share=[app_commands.Choice(name=text, value=text) for text in ("yes", "no")])
    @app_commands.default_permissions(manage_guild=True)
    async def show(_: discord.Interaction, account: app_commands.Range[str, 1, 64], share: str = "no") -> None: ...

    @app_commands.command(name="ping", description="Answer")
    async def ping(_: discord.Interaction) -> None: ...

    tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
    return [dict(show.to_dict(tree)), dict(ping.to_dict(tree))]


def echo(commands: list[Command]) -> list[Command]:
    """Return commands as Discord does: with ids, permissions as text, and defaults left out or filled in."""

    def without_defaults(value: Any) -> Any:
        if isinstance(value, dict):
            kept = {key: without_defaults(item) for key, item in value.items()}
            return {key: item for key, item in kept.items() if item is not None and item is not False and item != []}
        return [without_defaults(item) for item in value] if isinstance(value, list) else value

    echoed = []
    for number, command in enumerate(copy.deepcopy(commands)):
        permissions = command.get("default_member_permissions")
        echoed.append(
            without_defaults(command)
            | {
                "id": str(1_000 + number),
                "application_id": "1",
                "guild_id": "2",
                "version": "3",
                "nsfw": False,
                "name_localizations": None,
                "description_localizations": None,
                "default_member_permissions": None if permissions is None else str(permissions),
                "dm_permission": None,
                "contexts": None,
                "integration_types": None,
            }
        )
    return echoed


def test_the_echo_of_the_commands_is_recognised() -> None:
    """Commands that Discord has, in any order, are not registered again."""
    wanted = build_wanted()
    assert is_registered(wanted, echo(wanted))
    assert is_registered(wanted, echo(wanted)[::-1])
    assert is_registered(wanted[::-1], echo(wanted))


def test_no_commands_are_registered_where_none_are_wanted() -> None:
    """No commands are wanted: an empty server has them, one with a left-over command does not."""
    assert is_registered([], [])
    assert not is_registered([], echo(build_wanted()))
    assert not is_registered(build_wanted(), [])


@pytest.mark.parametrize(
    "extra",
    [
        {"dm_permission": True},
        {"dm_permission": False},
        {"contexts": [0]},
        {"integration_types": [0]},
        {"nsfw": None},
        {"handler": 1},
        {"name_localized": "minimax-account", "description_localized": "Show an account"},
    ],
)
def test_fields_that_discord_fills_in_make_no_difference(extra: Command) -> None:
    """Fields that the bot does not set, or that mean nothing in a server, make no difference."""
    wanted = build_wanted()
    assert is_registered(wanted, [command | extra for command in echo(wanted)])


def change_option(key: str, value: Any) -> Callable[[list[Command]], None]:
    """Return a change of the first command's first option."""

    def change(commands: list[Command]) -> None:
        commands[0]["options"][0][key] = value

    return change


def change_command(key: str, value: Any) -> Callable[[list[Command]], None]:
    """Return a change of the first command."""

    def change(commands: list[Command]) -> None:
        commands[0][key] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_command("name", "other"),
        change_command("description", "Other"),
        change_command("default_member_permissions", None),
        change_command("default_member_permissions", "8"),
        change_command("type", 2),
        change_command("nsfw", value=True),
        change_command("options", []),
        change_option("name", "other"),
        change_option("description", "Other"),
        change_option("required", value=False),
        change_option("type", 4),
        change_option("max_length", 65),
        change_option("autocomplete", value=True),
        lambda commands: commands[0]["options"].reverse(),
        lambda commands: commands[0]["options"].pop(),
        lambda commands: commands[0]["options"][1]["choices"].pop(),
        lambda commands: commands[0]["options"][1]["choices"][0].update(value="other"),
        lambda commands: commands[0]["options"].append({"type": 3, "name": "more", "description": "More"}),
        lambda commands: commands.pop(),
        lambda commands: commands.append(commands[0] | {"name": "more", "id": "9"}),
        lambda commands: commands.append(commands[0] | {"id": "9"}),
    ],
)
def test_every_difference_is_seen(change: Callable[[list[Command]], None]) -> None:
    """A difference in what people see or may do is registered again."""
    wanted = build_wanted()
    present = echo(wanted)
    assert is_registered(wanted, present)
    change(present)
    assert not is_registered(wanted, present)


def test_permissions_of_zero_differ_from_none() -> None:
    """Permissions of 0, which only administrators have, differ from no permissions at all."""
    wanted = build_wanted()
    wanted[1]["default_member_permissions"] = 0
    assert not is_registered(wanted, echo(build_wanted()))
    assert is_registered(wanted, echo(wanted))


async def test_the_documents_name_every_command_and_option(world: World) -> None:
    """`docs/commands.md` lists the commands that are registered, with their options, no more and no fewer."""
    text = (REPOSITORY / "docs" / "commands.md").read_text(encoding="utf-8")
    documented = {
        name: set(re.findall(r"([a-z-]+):<", options))
        for name, options in re.findall(
            r"^\| `/(minimax-[a-z]+(?: [a-z]+(?![a-z-]*:))?)([^`]*)` \|", text, re.MULTILINE
        )
    }
    commands = world.application.bot.tree.walk_commands(guild=discord.Object(GUILD_ID))
    assert documented == {
        command.qualified_name: {parameter.display_name for parameter in command.parameters}
        for command in commands
        if isinstance(command, app_commands.Command)
    }
