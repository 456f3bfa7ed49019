"""The subscriptions of a server as people see them: in words, and as a list with the boards."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat.views.components import Reply, reminders_view
from bot.chat.views.pages import Page, fill_pages, show_page
from bot.chat.views.reminder_answers import (
    ALL_LABEL,
    Accounts,
    say_next,
    say_place,
    say_stage,
    say_subject,
    say_terms,
    say_why_none,
)
from bot.core.accounts import AccountSnapshot, shared_names
from bot.core.boards import Board
from bot.core.channel_failures import ChannelFailure
from bot.core.forecast import Upcoming
from bot.core.links import message_link
from bot.core.messages import MessageKind
from bot.core.notifications import Kind
from bot.core.status import GREEN, GREY
from bot.core.subscriptions import Subscription, covering
from bot.core.wording import say_reason, say_told_apart

NO_REMINDERS = "No reminders yet. Add the first one: `/minimax-reminders add`"
_BLOCKS = 10


def say_failure(failure: ChannelFailure) -> str:
    """Return the reason why a channel or its board fails, and the time of the next attempt."""
    reason = say_reason(failure.reason, 80)
    if not failure.failures:
        return f"⚠️ Will fail: {reason}."
    happens = "Board not up to date" if failure.kind is MessageKind.BOARD else "Not delivered"
    return f"⚠️ {happens}: {reason}. Next try {format_dt(failure.next_attempt_at, 'R')}."


@dataclass(frozen=True, slots=True)
class Setup:
    """The setup of a server: next reminders by subscription, failures by channel, all accounts.

    `last_messages` are the Discord ids of the last messages by channel and account, None for the accounts as a whole;
    `were_read` if the last poll read the accounts.
    """

    subscriptions: Sequence[Subscription]
    boards: Sequence[Board]
    comes_next: Mapping[int, Upcoming]
    failures: Mapping[int, ChannelFailure]
    board_failures: Mapping[int, ChannelFailure]
    last_messages: Mapping[tuple[int, str | None], int]
    accounts: Mapping[str, AccountSnapshot]
    were_read: bool


def list_reply(page: Page, *, has_reminders: bool) -> Reply:
    """Return a page of the list with its buttons; without reminders it has none."""
    return Reply([page.embed], reminders_view(page.number, page.count) if has_reminders else None)


def list_page(setup: Setup, number: int, now: datetime) -> Page:
    """Return one page of the list, soonest reminder first; those without one come late, and the boards last."""
    embed = discord.Embed(title="Reminders in this server", colour=GREEN)
    ahead = {key: one.at for key, one in setup.comes_next.items()}
    ordered = sorted(setup.subscriptions, key=lambda one: (one.id not in ahead, ahead.get(one.id)))
    accounts = {key: one.account for key, one in setup.accounts.items()}
    shared = shared_names(accounts.values())
    blocks = [_block(one, setup, accounts, shared, now) for one in ordered]
    if not blocks:
        blocks = [NO_REMINDERS]
        embed.colour = discord.Colour(GREY)
    blocks += [_board_block(board, setup.board_failures.get(board.channel_id)) for board in setup.boards]
    pages = fill_pages(blocks, size=_BLOCKS, between="\n\n")
    return show_page(embed, pages, number)


def _block(subscription: Subscription, setup: Setup, accounts: Accounts, shared: Collection[str], now: datetime) -> str:
    failure = setup.failures.get(subscription.channel_id)
    lines = [say_place(subscription, accounts), say_terms(subscription)]
    own = {one.account_id: one for one in setup.subscriptions if one.channel_id == subscription.channel_id}
    if subscription.account_id is not None and None in own:
        subject = say_subject(subscription.account_id, accounts)
        lines.append(f'-# replaces "{ALL_LABEL}" for {subject} in this channel')
    history = "none sent yet"
    if (last := _find_last_message(subscription, own, setup)) is not None:
        history = f"[last message]({message_link(subscription.guild_id, subscription.channel_id, last)})"
    if subscription.paused_at is not None:
        ahead = f"⏸️ Paused {format_dt(subscription.paused_at, 'R')}"
    else:
        ahead = _say_ahead(subscription, setup, own, now, shared, is_failing=failure is not None)
    lines.append(f"{ahead} · {history}")
    if failure is not None:
        lines.append(say_failure(failure))
    return "\n".join(lines)


def _say_ahead(
    subscription: Subscription,
    setup: Setup,
    in_channel: Mapping[str | None, Subscription],
    now: datetime,
    shared: Collection[str],
    *,
    is_failing: bool,
) -> str:
    upcoming = setup.comes_next.get(subscription.id)
    if upcoming is None:
        covered = [one for one in setup.accounts.values() if covering(one.account.id, in_channel) is subscription]
        has_failing = any(one.has_incident(Kind.FAILING) for one in covered)
        if not covered and not (subscription.is_for_all and setup.were_read):
            return "Next: known after the next check"
        accounts = [one.account for one in covered]
        return say_why_none(accounts, now, has_failing=has_failing, has_accounts=bool(setup.accounts))
    if is_failing and upcoming.at <= now:
        return f"Next: {say_told_apart(upcoming.account, shared)}, waiting ({say_stage(upcoming)})"
    return f"Next: {say_next(upcoming, shared, now)}"


def _find_last_message(
    subscription: Subscription, in_channel: Mapping[str | None, Subscription], setup: Setup
) -> int | None:
    """Return the last message about an account that the subscription covers."""
    return max(
        (
            discord_id
            for (channel_id, account_id), discord_id in setup.last_messages.items()
            if channel_id == subscription.channel_id and _is_about(subscription, account_id, in_channel)
        ),
        default=None,
    )


def _is_about(
    subscription: Subscription, account_id: str | None, in_channel: Mapping[str | None, Subscription]
) -> bool:
    return subscription.is_for_all if account_id is None else covering(account_id, in_channel) is subscription


def _board_block(board: Board, failure: ChannelFailure | None) -> str:
    line = f"**Board** in <#{board.channel_id}>"
    if board.discord_id is not None:
        line += f" · [open]({message_link(board.guild_id, board.channel_id, board.discord_id)})"
    return "\n".join([line, *([say_failure(failure)] if failure else [])])
