"""`/minimax-reminders`: which channel is told about which account."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import discord
from discord import app_commands

from bot.chat.cards import GREY
from bot.chat.recheck import reminder_view
from bot.chat.reminder_cards import render_cards
from bot.chat.replies import Interaction, NewMessage, Reply, Responder, SameMessage, Surface
from bot.chat.targets import Channel, choose_target
from bot.chat.watch_list import ALL_LABEL, added_card, list_reply, moment_of, say_next, say_subject
from bot.core.reminders import parse_days
from bot.core.text import cut, plain
from bot.errors import BotError, CannotRemind
from bot.reminding.planning import find_upcoming
from bot.store.database import Database
from bot.store.deliveries import get_accounts_of_message, get_last_message, get_targets
from bot.store.tables import ALL_ACCOUNTS
from bot.store.watches import NewWatch, get_watches, put_watch, remove_watch
from bot.useapi.servers import Servers

ALL = "all"
MOST_WATCHES = 50


class Reminders:
    """What the commands do, for one server at a time."""

    def __init__(
        self,
        *,
        servers: Servers,
        responder: Responder,
        database: Database,
        wake: Callable[[], None],
        default_days: tuple[int, ...],
        now: Callable[[], datetime],
    ) -> None:
        self._servers = servers
        self._responder = responder
        self._database = database
        self._wake = wake
        self._default_days = default_days
        self._now = now

    async def add(
        self,
        interaction: Interaction,
        asked: str,
        *,
        channel: Channel | None,
        days: str | None,
        role: discord.Role | None,
    ) -> None:
        """Store a watch and say what comes next."""

        async def work() -> Reply:
            account_id = await self._resolve(interaction, asked)
            steps = self._default_days if days is None else _parse(days)
            target = await choose_target(interaction, channel, role)
            guild_id = interaction.guild_id
            assert guild_id is not None
            new = NewWatch(
                guild_id=guild_id,
                channel_id=target.channel_id,
                channel_name=target.channel_name,
                account_id=account_id,
                days=steps,
                role_id=target.role_id,
                role_name=target.role_name,
                added_by=interaction.user.id,
            )
            return await self._store(new)

        await self._responder.answer(interaction, NewMessage(interaction, share=False), work)

    async def _resolve(self, interaction: Interaction, asked: str) -> str:
        directory = self._servers.directory_for(interaction.guild_id)
        # The label too: whoever types it without picking the choice sends it as it stands.
        is_all = asked.strip().casefold() in (ALL, ALL_LABEL.casefold())
        return ALL_ACCOUNTS if is_all else (await directory.look_up(asked)).account.id

    async def _store(self, new: NewWatch) -> Reply:
        async with self._database.begin() as tx:
            present = await get_watches(tx, new.guild_id)
            same = [one for one in present if (one.channel_id, one.account_id) == (new.channel_id, new.account_id)]
            if not same and len(present) >= MOST_WATCHES:
                raise CannotRemind(f"This server has {MOST_WATCHES} watches already.", "Remove one first.")
            watch, replaced = await put_watch(tx, new, self._now())
            upcoming = await find_upcoming(tx, [watch], self._now())
        self._wake()
        return Reply([added_card(watch, replaced, say_next(upcoming.get(watch.id), self._now()))])

    async def show(self, interaction: Interaction, page: int = 0, *, surface: Surface | None = None) -> None:
        """List the server's watches, soonest reminder first."""

        async def work() -> Reply:
            self._servers.directory_for(interaction.guild_id)
            assert interaction.guild_id is not None
            async with self._database.begin() as tx:
                watches = await get_watches(tx, interaction.guild_id)
                upcoming = await find_upcoming(tx, watches, self._now())
                troubles = await get_targets(tx, interaction.guild_id)
                links = {one.channel_id: await get_last_message(tx, one.channel_id) for one in watches}
            watches.sort(key=lambda watch: (watch.id not in upcoming, moment_of(upcoming, watch)))
            now = self._now()
            return list_reply(
                watches, page, {key: say_next(one, now) for key, one in upcoming.items()}, troubles, links
            )

        await self._responder.answer(interaction, surface or NewMessage(interaction, share=False), work)

    async def turn_page(self, interaction: Interaction, page: int) -> None:
        """Show another page of the list in place, to those who may manage the server."""
        if not interaction.permissions.manage_guild:
            refusal = CannotRemind("This list is for those who may manage the server.", "Ask one of them.")
            await self._responder.refuse(interaction, refusal)
            return
        await self.show(interaction, page, surface=SameMessage(interaction))

    async def remove(self, interaction: Interaction, watch_id: str) -> None:
        """Delete a watch."""

        async def work() -> Reply:
            self._servers.directory_for(interaction.guild_id)
            assert interaction.guild_id is not None
            removed = None
            if watch_id.isascii() and watch_id.isdigit() and len(watch_id) < 19:  # noqa: PLR2004  (of a 64-bit number)
                async with self._database.begin() as tx:
                    removed = await remove_watch(tx, interaction.guild_id, int(watch_id))
            if removed is None:
                raise CannotRemind("There is no such watch in this server.", "Pick one that completion offers.")
            self._wake()
            line = f"{say_subject(removed)} in <#{removed.channel_id}> is not watched any more."
            return Reply([discord.Embed(title="Removed", description=line, colour=GREY)])

        await self._responder.answer(interaction, NewMessage(interaction, share=False), work)

    async def complete_watch(self, interaction: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        """Offer the server's watches."""
        if interaction.guild_id not in self._servers.listed or interaction.guild_id is None:
            return []
        try:
            async with self._database.begin() as tx:
                watches = await get_watches(tx, interaction.guild_id)
        except BotError:
            return []
        labels = {watch.id: cut(f"{plain(say_subject(watch), 60)} in #{watch.channel_name}", 100) for watch in watches}
        fitting = [key for key, label in labels.items() if typed.strip().casefold() in label.casefold()]
        return [app_commands.Choice(name=labels[key], value=str(key)) for key in fitting[:25]]

    async def recheck(self, interaction: Interaction) -> None:
        """Read all accounts once and renew the cards of the reminder."""

        async def work() -> Reply:
            directory = self._servers.directory_for(interaction.guild_id)
            message = interaction.message
            assert message is not None
            async with self._database.begin() as tx:
                account_ids = await get_accounts_of_message(tx, message.id)
            read = await directory.read_all(fresh=True)
            cards = render_cards([read[key] for key in dict.fromkeys(account_ids) if key in read], self._now())
            footer = message.embeds[-1].footer.text if message.embeds else None
            if not cards:
                raise CannotRemind("None of this reminder's accounts is set up any more.", "Nothing is left to check.")
            cards[-1].set_footer(text=footer)
            return Reply(cards, reminder_view())

        await self._responder.answer(interaction, SameMessage(interaction), work)


def _parse(days: str) -> tuple[int, ...]:
    try:
        return parse_days(days)
    except ValueError as error:
        raise CannotRemind(str(error), 'Type them like this: "14, 7, 3, 1".') from None


Completion = Callable[[Interaction, str], Awaitable[list[app_commands.Choice[str]]]]


def build_reminder_commands(reminders: Reminders, complete_account: Completion) -> app_commands.Group:
    """Return the command group; who may use it is up to Discord and the server's admins."""
    group = app_commands.Group(
        name="minimax-reminders",
        description="Tell channels before MiniMax logins expire",
        default_permissions=discord.Permissions(manage_guild=True),
    )

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
        await reminders.add(interaction, account, channel=channel, days=days, role=mention)

    @add.autocomplete("account")
    async def complete_add(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        offered = await complete_account(interaction, typed)
        is_all = typed.strip().casefold() in ALL_LABEL.casefold()
        return ([app_commands.Choice(name=ALL_LABEL, value=ALL)] if is_all else []) + offered[: 25 - is_all]

    @group.command(name="list", description="Show who is told what, soonest reminder first")
    async def show(interaction: discord.Interaction[Any]) -> None:
        await reminders.show(interaction)

    @group.command(name="remove", description="Stop telling a channel about an account")
    @app_commands.describe(watch="Which one")
    async def remove(interaction: discord.Interaction[Any], watch: app_commands.Range[str, 1, 100]) -> None:
        await reminders.remove(interaction, watch)

    @remove.autocomplete("watch")
    async def complete_remove(interaction: discord.Interaction[Any], typed: str) -> list[app_commands.Choice[str]]:
        return await reminders.complete_watch(interaction, typed)

    return group
