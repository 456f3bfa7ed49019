"""`/minimax-reminders`: which channel is told about which account."""

from collections.abc import Callable, Coroutine
from typing import Any

import discord
from discord import app_commands

from bot.chat.commands.board import BoardKeeper
from bot.chat.commands.followup import FollowUp
from bot.chat.commands.outlook import Outlook
from bot.chat.commands.watching import ALL, Watching
from bot.chat.gateway.responder import Interaction
from bot.chat.views.reminder_list import ALL_LABEL

Completion = Callable[[Interaction, str], Coroutine[Any, Any, list[app_commands.Choice[str]]]]
_SubscriptionId = app_commands.Range[str, 1, 100]


def build_reminder_commands(
    watching: Watching, outlook: Outlook, followup: FollowUp, boards: BoardKeeper, complete_account: Completion
) -> app_commands.Group:
    """Return the command group; who may use it is up to Discord and the server's admins."""
    group = app_commands.Group(
        name="minimax-reminders",
        description="Tell channels before MiniMax logins expire",
        default_permissions=discord.Permissions(manage_guild=True),
    )
    _add_adding(group, watching, complete_account)
    _add_showing(group, outlook)
    _add_board(group, boards)
    _add_changing(group, watching, followup)
    return group


def _add_adding(group: app_commands.Group, watching: Watching, complete_account: Completion) -> None:
    @group.command(name="add", description="Tell a channel about an account, or about all of them")
    @app_commands.describe(
        account="Account id or name, or all",
        channel="Where to tell (default: here)",
        days='Days before the expiry, such as "14, 7, 3, 1"',
        mention="Role to mention",
    )
    async def add(
        interaction: discord.Interaction[Any],
        account: app_commands.Range[str, 1, 64],
        channel: app_commands.AppCommandChannel | app_commands.AppCommandThread | None = None,
        days: app_commands.Range[str, 1, 100] | None = None,
        mention: discord.Role | None = None,
    ) -> None:
        await watching.add(interaction, account, channel=channel, days=days, role=mention)

    @add.autocomplete("account")
    async def complete(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        offered = await complete_account(interaction, typed)
        is_all = typed.strip().casefold() in ALL_LABEL.casefold()
        return ([app_commands.Choice(name=ALL_LABEL, value=ALL)] if is_all else []) + offered[: 25 - is_all]


def _add_showing(group: app_commands.Group, outlook: Outlook) -> None:
    @group.command(name="list", description="Show who is told what, soonest reminder first")
    async def show_list(interaction: discord.Interaction[Any]) -> None:
        await outlook.show_list(interaction)

    @group.command(name="preview", description="Show the reminders of the next 30 days")
    async def show_preview(interaction: discord.Interaction[Any]) -> None:
        await outlook.show_preview(interaction)


def _add_board(group: app_commands.Group, boards: BoardKeeper) -> None:
    @group.command(name="board", description="Keep a board of all accounts in a channel, or take it away")
    @app_commands.describe(channel="Where it is, or is to be")
    async def board(
        interaction: discord.Interaction[Any],
        channel: app_commands.AppCommandChannel | app_commands.AppCommandThread,
    ) -> None:
        await boards.toggle(interaction, channel)


def _add_changing(group: app_commands.Group, watching: Watching, followup: FollowUp) -> None:
    @group.command(name="test", description="Send a reminder now, marked as a test, without notifying anybody")
    @app_commands.describe(subscription="Which one")
    async def test(interaction: discord.Interaction[Any], subscription: _SubscriptionId) -> None:
        await followup.test(interaction, subscription)

    @group.command(name="pause", description="Silence a reminder until it is resumed")
    @app_commands.describe(subscription="Which one")
    async def pause(interaction: discord.Interaction[Any], subscription: _SubscriptionId) -> None:
        await watching.pause(interaction, subscription)

    @group.command(name="resume", description="Let a paused reminder speak again")
    @app_commands.describe(subscription="Which one")
    async def resume(interaction: discord.Interaction[Any], subscription: _SubscriptionId) -> None:
        await watching.resume(interaction, subscription)

    @group.command(name="remove", description="Stop telling a channel about an account")
    @app_commands.describe(subscription="Which one")
    async def remove(interaction: discord.Interaction[Any], subscription: _SubscriptionId) -> None:
        await watching.remove(interaction, subscription)

    for command, is_paused in ((test, None), (pause, False), (resume, True), (remove, None)):
        command.autocomplete("watch")(_complete_subscription(watching, is_paused=is_paused))


def _complete_subscription(watching: Watching, *, is_paused: bool | None) -> Completion:
    async def complete(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return await watching.complete(interaction, typed, is_paused=is_paused)

    return complete
