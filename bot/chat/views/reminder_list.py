"""The subscriptions of a server as people see them: in words, and as a list with the boards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat.views.components import Reply
from bot.chat.views.pages import paged_reply
from bot.chat.views.text import message_link
from bot.core.accounts import AccountSnapshot
from bot.core.boards import Board
from bot.core.channel_failures import ChannelFailure
from bot.core.forecast import Upcoming
from bot.core.messages import MessageKind
from bot.core.notifications import Kind
from bot.core.stages import EXPIRED
from bot.core.status import AMBER, GREEN, GREY
from bot.core.subscriptions import NewSubscription, Subscription
from bot.core.text import escaped, plain
from bot.core.wording import say_count, say_name

ALL_LABEL = "All accounts"
_MAX_NAME = 40
_INCIDENTS = {
    Kind.ERROR: "in error",
    Kind.MISSING: "no longer set up",
    Kind.UNDATED: "without an expiry date",
    Kind.UNREADABLE: "not readable",
}

# The user names of accounts, by id, as far as they are known.
Names = Mapping[str, str]
_NO_NAMES: Names = {}


def names_of(snapshots: Mapping[str, AccountSnapshot]) -> Names:
    """Return the user names of accounts."""
    return {key: one.account.name for key, one in snapshots.items() if one.account.name}


def say_accounts(subscription: NewSubscription, names: Names = _NO_NAMES) -> str:
    """Return which accounts a subscription is for."""
    if subscription.account_id is None:
        return ALL_LABEL
    shown_id = plain(subscription.account_id, 64)
    name = plain(names.get(subscription.account_id, ""), _MAX_NAME)
    return f"{name} ({shown_id})" if name else f"Account {shown_id}"


def say_place(subscription: NewSubscription, names: Names = _NO_NAMES) -> str:
    """Return which accounts a subscription is for, and in which channel."""
    return f"{escaped(say_accounts(subscription, names), 160)} in <#{subscription.channel_id}>"


def say_terms(subscription: NewSubscription, names: Names = _NO_NAMES) -> str:
    """Return a subscription in words: accounts, channel, lead times, role."""
    days = ", ".join(map(str, subscription.lead_times))
    mention = f", mentions <@&{subscription.role_id}>" if subscription.role_id else ""
    unit = "day" if subscription.lead_times == (1,) else "days"
    end = "" if subscription.follow_ups else ", without follow-ups"
    return f"{say_place(subscription, names)}: {days} {unit} before, and when expired{end}{mention}"


def say_next(upcoming: Upcoming | None, now: datetime) -> str:
    """Return when the next reminder comes, and about which account where that is not plain."""
    if upcoming is None:
        return "none that is known yet"
    if upcoming.at <= now:
        return "now"
    subject = f"{say_name(upcoming.account)}, " if upcoming.subscription.is_for_all else ""
    return f"{subject}{say_stage(upcoming)}, on {format_dt(upcoming.at, 'f')}"


def say_stage(upcoming: Upcoming) -> str:
    """Return what a reminder is for: how long before or after the expiry it comes, or an incident."""
    if upcoming.kind is not Kind.STAGE:
        return _INCIDENTS[upcoming.kind]
    if upcoming.stage == EXPIRED:
        return "when it expires"
    return f"{say_count(abs(upcoming.stage), 'day')} {'before' if upcoming.stage > EXPIRED else 'after'}"


def say_failure(failure: ChannelFailure) -> str:
    """Return the reason why a channel or its board fails, and the time of the next attempt."""
    reason = escaped(failure.reason, 80)
    if not failure.failures:
        return f"⚠️ Would not arrive: {reason}."
    happens = "The board is not up to date" if failure.kind is MessageKind.BOARD else "It does not arrive"
    return f"⚠️ {happens}: {reason}. Next try {format_dt(failure.next_attempt_at, 'R')}."


def added_embed(subscription: Subscription, replaced: Subscription | None, comes_next: str) -> discord.Embed:
    """Return the answer to a subscription that was saved."""
    lines = [say_terms(subscription)]
    if replaced is not None:
        lines.append(f"Before: {say_terms(replaced)}")
    lines.append(f"Next reminder: {comes_next}")
    title = "Reminder changed" if replaced else "Reminder added"
    return discord.Embed(title=title, description="\n".join(lines), colour=GREEN)


def present_embed(subscription: Subscription) -> discord.Embed:
    """Return the answer to a subscription that a channel has already."""
    lines = [say_terms(subscription), "Nothing was changed. `/minimax-reminders add` can change it."]
    if subscription.paused_at is not None:
        lines[1] = "It is paused. `/minimax-reminders resume` starts it again."
    return discord.Embed(title="This channel has this reminder already", description="\n".join(lines), colour=AMBER)


@dataclass(frozen=True, slots=True)
class Setup:
    """The setup of a server: next reminders by subscription, failures and last messages by channel."""

    subscriptions: Sequence[Subscription]
    boards: Sequence[Board]
    comes_next: Mapping[int, Upcoming]
    failures: Mapping[int, ChannelFailure]
    board_failures: Mapping[int, ChannelFailure]
    last_messages: Mapping[int, int]
    names: Names


def list_reply(setup: Setup, page: int, now: datetime) -> Reply:
    """Return one page of the list, soonest reminder first; those without one come late, and the boards last."""
    embed = discord.Embed(title="Reminders", colour=GREEN)
    ahead = {key: one.at for key, one in setup.comes_next.items()}
    ordered = sorted(setup.subscriptions, key=lambda one: (one.id not in ahead, ahead.get(one.id)))
    blocks = [_block(one, setup, now) for one in ordered]
    if not blocks:
        blocks = ["No reminders yet. Add one with `/minimax-reminders add`."]
        embed.colour = discord.Colour(GREY)
    blocks += [_board_block(board, setup.board_failures.get(board.channel_id)) for board in setup.boards]
    return paged_reply("reminders", embed, blocks, page)


def _block(subscription: Subscription, setup: Setup, now: datetime) -> str:
    ahead = f"Next: {say_next(setup.comes_next.get(subscription.id), now)}"
    if subscription.paused_at is not None:
        ahead = f"⏸️ Paused since {format_dt(subscription.paused_at, 'D')}"
    history = "no reminder sent yet"
    if (last := setup.last_messages.get(subscription.channel_id)) is not None:
        history = f"[last reminder]({message_link(subscription.guild_id, subscription.channel_id, last)})"
    lines = [f"**{say_terms(subscription, setup.names)}**", f"{ahead} · {history}"]
    if (failure := setup.failures.get(subscription.channel_id)) is not None:
        lines.append(say_failure(failure))
    return "\n".join(lines)


def _board_block(board: Board, failure: ChannelFailure | None) -> str:
    lines = [f"**Board in <#{board.channel_id}>**"]
    if board.discord_id is not None:
        lines[0] += f" · [message]({message_link(board.guild_id, board.channel_id, board.discord_id)})"
    return "\n".join([*lines, *([say_failure(failure)] if failure else [])])
