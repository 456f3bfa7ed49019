"""Adds, changes and ends watches: who is told about which account, and where."""

from datetime import datetime
from typing import Any

import discord
from discord import app_commands

from bot.chat.cards import AMBER, GREEN, GREY
from bot.chat.replies import Interaction, NewMessage, Reply
from bot.chat.services import Services, ensure_manages
from bot.chat.targets import Channel, Target, choose_target
from bot.chat.watch_list import ALL_LABEL, added_card, names_of, say_next, say_place, say_subject, say_terms
from bot.core.reminders import parse_days
from bot.core.text import plain
from bot.errors import BotError, CannotRemind
from bot.reminding.forecast import find_next, forecast
from bot.reminding.planning import drop_unwatched
from bot.store.accounts import get_known
from bot.store.tables import ALL_ACCOUNTS
from bot.store.watches import NewWatch, Watch, get_watches, pause_watch, put_watch, remove_watch

ALL = "all"
MOST_WATCHES = 50


class Watching:
    """Changes the watches of one server at a time."""

    def __init__(self, services: Services) -> None:
        self._services = services

    async def add(
        self,
        interaction: Interaction,
        asked: str,
        *,
        channel: Channel | None,
        days: str | None,
        role: discord.Role | None,
    ) -> None:
        """Store a watch, replacing wholly one on the same account in the same channel, and say what comes next."""

        async def work() -> Reply:
            account_id = await self._resolve(interaction, asked)
            steps = self._services.default_days if days is None else _parse(days)
            target = await choose_target(interaction, channel, role)
            return await self._store(_new_watch(interaction, target, account_id, steps))

        await self._answer(interaction, work)

    async def remind_here(self, interaction: Interaction, account_id: str) -> None:
        """Store a watch with the defaults in the channel of a look-up; one that is there already stays as it is."""

        async def work() -> Reply:
            guild_id = self._services.server_of(interaction)
            ensure_manages(interaction)
            async with self._services.database.begin() as tx:
                watches = await get_watches(tx, guild_id)
            here = [watch for watch in watches if watch.channel_id == interaction.channel_id]
            present = [watch for watch in here if watch.account_id in (account_id, ALL_ACCOUNTS)]
            if present:
                return Reply([_present_card(min(present, key=lambda watch: watch.is_for_all))])
            reading = await self._services.servers.directory_for(guild_id).read(account_id)
            target = await choose_target(interaction, None, None)
            return await self._store(_new_watch(interaction, target, reading.account.id, self._services.default_days))

        await self._answer(interaction, work)

    async def remove(self, interaction: Interaction, watch_id: str) -> None:
        """Delete a watch, and what it still owes."""

        async def work() -> Reply:
            watch = await self._services.find_watch(interaction, watch_id)
            async with self._services.database.begin() as tx:
                await remove_watch(tx, watch)
                await drop_unwatched(tx, watch.channel_id)
            self._services.wake()
            line = f"{say_place(watch)}: nothing is said any more."
            return Reply([discord.Embed(title="Reminder removed", description=line, colour=GREY)])

        await self._answer(interaction, work)

    async def pause(self, interaction: Interaction, watch_id: str) -> None:
        """Silence a watch until it is resumed; what it still owes is dropped."""

        async def work() -> Reply:
            watch = await self._services.find_watch(interaction, watch_id)
            async with self._services.database.begin() as tx:
                await pause_watch(tx, watch, watch.paused_at or self._services.now())
                await drop_unwatched(tx, watch.channel_id)
            line = f"{say_place(watch)}: nothing is said until you resume it with `/minimax-reminders resume`."
            return Reply([discord.Embed(title="Reminder paused", description=line, colour=GREY)])

        await self._answer(interaction, work)

    async def resume(self, interaction: Interaction, watch_id: str) -> None:
        """Let a watch speak again: what is due then is said, what was missed is not caught up."""

        async def work() -> Reply:
            watch = await self._services.find_watch(interaction, watch_id)
            async with self._services.database.begin() as tx:
                await pause_watch(tx, watch, None)
            comes_next = await self._say_next(watch.guild_id, watch.id)
            self._services.wake()
            title = "Reminder resumed" if watch.paused_at else "This reminder was not paused"
            lines = [say_terms(watch), f"Next reminder: {comes_next}"]
            return Reply([discord.Embed(title=title, description="\n".join(lines), colour=GREEN)])

        await self._answer(interaction, work)

    async def complete(
        self, interaction: Interaction, typed: str, *, is_paused: bool | None = None
    ) -> list[app_commands.Choice[str]]:
        """Offer the server's watches: all, or those that are (not) paused."""
        if interaction.guild_id not in self._services.servers.listed or interaction.guild_id is None:
            return []
        try:
            async with self._services.database.begin() as tx:
                watches = await get_watches(tx, interaction.guild_id)
                names = names_of(await get_known(tx, {watch.account_id for watch in watches}))
        except BotError:
            return []
        fitting = [watch for watch in watches if is_paused is None or (watch.paused_at is not None) == is_paused]
        labels = {watch.id: plain(f"{say_subject(watch, names)} in #{watch.channel_name}", 100) for watch in fitting}
        wanted = typed.strip().casefold()
        offered = [key for key, label in labels.items() if wanted in label.casefold()]
        return [app_commands.Choice(name=labels[key], value=str(key)) for key in offered[:25]]

    async def _answer(self, interaction: Interaction, work: Any) -> None:
        await self._services.responder.answer(interaction, NewMessage(interaction, share=False), work)

    async def _resolve(self, interaction: Interaction, asked: str) -> str:
        directory = self._services.servers.directory_for(interaction.guild_id)
        # The label too: whoever types it without picking the choice sends it as it stands.
        is_all = asked.strip().casefold() in (ALL, ALL_LABEL.casefold())
        return ALL_ACCOUNTS if is_all else (await directory.look_up(asked)).account.id

    async def _store(self, new: NewWatch) -> Reply:
        now = self._services.now()
        async with self._services.database.begin() as tx:
            watch, replaced = await put_watch(tx, new, now)
            # Counted afterwards, when nobody else can add one; the error takes this one back.
            if replaced is None and len(await get_watches(tx, new.guild_id)) > MOST_WATCHES:
                raise CannotRemind(f"This server has {MOST_WATCHES} reminders already.", "Remove one first.")
            comes_next = find_next(await forecast(tx, [watch], now))
        self._services.wake()
        return Reply([added_card(watch, replaced, say_next(comes_next.get(watch.id), now))])

    async def _say_next(self, guild_id: int, watch_id: int) -> str:
        now: datetime = self._services.now()
        async with self._services.database.begin() as tx:
            watches = [watch for watch in await get_watches(tx, guild_id) if watch.id == watch_id]
            return say_next(find_next(await forecast(tx, watches, now)).get(watch_id), now)


def _new_watch(interaction: Interaction, target: Target, account_id: str, days: tuple[int, ...]) -> NewWatch:
    assert interaction.guild_id is not None
    return NewWatch(
        guild_id=interaction.guild_id,
        channel_id=target.channel_id,
        channel_name=target.channel_name,
        account_id=account_id,
        days=days,
        role_id=target.role_id,
        role_name=target.role_name,
        added_by=interaction.user.id,
    )


def _present_card(watch: Watch) -> discord.Embed:
    lines = [say_terms(watch), "Nothing was changed. `/minimax-reminders add` can change it."]
    if watch.paused_at is not None:
        lines = [say_terms(watch), "It is paused. `/minimax-reminders resume` lets it speak again."]
    return discord.Embed(title="This channel is told already", description="\n".join(lines), colour=AMBER)


def _parse(days: str) -> tuple[int, ...]:
    try:
        return parse_days(days)
    except ValueError as error:
        raise CannotRemind(str(error), 'Type them like this: "14, 7, 3, 1".') from None
