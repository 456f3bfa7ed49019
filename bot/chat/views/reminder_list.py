"""The watches of a server as people see them: in words, and as a list with the boards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat.gateway.responder import Reply
from bot.chat.views.account import GREEN, GREY
from bot.chat.views.pages import paged_reply
from bot.chat.views.reminder import say_name
from bot.chat.views.text import message_link
from bot.core.text import escaped, plain
from bot.core.wording import say_count
from bot.reminders.forecast import Upcoming
from bot.store.accounts import AccountSnapshot
from bot.store.boards import Board
from bot.store.channel_failures import ChannelFailure
from bot.store.subscriptions import NewSubscription, Subscription
from bot.store.tables import ALL_ACCOUNTS

ALL_LABEL = "All accounts"
_NOTHING = "none that is known yet"
_MAX_NAME = 40


# The user names of accounts, by id, as far as they are known.
Names = Mapping[str, str]
_NO_NAMES: Names = {}


def names_of(known: Mapping[str, AccountSnapshot]) -> Names:
    """Return the user names of known accounts."""
    return {key: one.account.name for key, one in known.items() if one.account.name}


def say_subject(subscription: NewSubscription, names: Names = _NO_NAMES) -> str:
    """Return which accounts a watch is for."""
    if subscription.account_id == ALL_ACCOUNTS:
        return ALL_LABEL
    shown_id = plain(subscription.account_id, 64)
    name = plain(names.get(subscription.account_id, ""), _MAX_NAME)
    return f"{name} ({shown_id})" if name else f"Account {shown_id}"


def say_place(subscription: NewSubscription, names: Names = _NO_NAMES) -> str:
    """Return what is watched and where it is told."""
    return f"{escaped(say_subject(subscription, names), 160)} in <#{subscription.channel_id}>"


def say_terms(subscription: NewSubscription, names: Names = _NO_NAMES) -> str:
    """Return a watch in words: what is watched, where it is told, when, and whom it mentions."""
    days = ", ".join(map(str, subscription.days))
    mention = f", mentions <@&{subscription.role_id}>" if subscription.role_id else ""
    unit = "day" if subscription.days == (1,) else "days"
    return f"{say_place(subscription, names)}: {days} {unit} before, and when expired{mention}"


def say_next(upcoming: Upcoming | None, now: datetime) -> str:
    """Return when the next reminder comes, and of which account if that is not plain."""
    if upcoming is None:
        return _NOTHING
    if upcoming.at <= now:
        return "now"
    subject = f"{say_name(upcoming.account)}, " if upcoming.subscription.is_for_all else ""
    return f"{subject}{say_step(upcoming)}, on {format_dt(upcoming.at, 'f')}"


def say_step(upcoming: Upcoming) -> str:
    """Return how long before the expiry a reminder comes."""
    return "when it expires" if upcoming.stage == 0 else f"{say_count(upcoming.stage, 'day')} before"


def added_card(subscription: Subscription, replaced: Subscription | None, comes_next: str) -> discord.Embed:
    """Return what is shown once a watch is stored."""
    lines = [say_terms(subscription)]
    if replaced is not None:
        lines.append(f"Before: {say_terms(replaced)}")
    lines.append(f"Next reminder: {comes_next}")
    title = "Reminder changed" if replaced else "Reminder added"
    return discord.Embed(title=title, description="\n".join(lines), colour=GREEN)


def _say_history(subscription: Subscription, links: Mapping[int, int]) -> str:
    message_id = links.get(subscription.channel_id)
    if message_id is None:
        return "nothing said yet"
    return f"[last reminder]({message_link(subscription.guild_id, subscription.channel_id, message_id)})"


def say_trouble(trouble: ChannelFailure) -> str:
    """Return what is wrong with a channel or its board, and when it is tried again."""
    reason = escaped(trouble.reason, 80)
    if not trouble.failures:
        return f"⚠️ Trouble ahead: {reason}."
    happens = "The board is not up to date" if trouble.is_board else "It does not arrive"
    return f"⚠️ {happens}: {reason}. Next try {format_dt(trouble.next_attempt_at, 'R')}."


@dataclass(frozen=True, slots=True)
class Setup:
    """What a server has set up, and how it goes: by watch what comes next, by channel trouble and the last message."""

    subscriptions: Sequence[Subscription]
    boards: Sequence[Board]
    comes_next: Mapping[int, Upcoming]
    incidents: Mapping[int, ChannelFailure]
    board_troubles: Mapping[int, ChannelFailure]
    links: Mapping[int, int]
    names: Names


def _subscription_block(subscription: Subscription, setup: Setup, now: datetime) -> str:
    ahead = f"Next: {say_next(setup.comes_next.get(subscription.id), now)}"
    if subscription.paused_at is not None:
        ahead = f"⏸️ Paused since {format_dt(subscription.paused_at, 'D')}"
    lines = [f"**{say_terms(subscription, setup.names)}**", f"{ahead} · {_say_history(subscription, setup.links)}"]
    if (trouble := setup.incidents.get(subscription.channel_id)) is not None:
        lines.append(say_trouble(trouble))
    return "\n".join(lines)


def _board_block(board: Board, trouble: ChannelFailure | None) -> str:
    lines = [f"**Board in <#{board.channel_id}>**"]
    if board.message_id is not None:
        lines = [f"{lines[0]} · [message]({message_link(board.guild_id, board.channel_id, board.message_id)})"]
    return "\n".join([*lines, *([say_trouble(trouble)] if trouble else [])])


def list_reply(setup: Setup, page: int, now: datetime) -> Reply:
    """Return one page of the list, soonest reminder first; those without one come late, and the boards last."""
    card = discord.Embed(title="Reminders", colour=GREEN)
    blocks = [_subscription_block(subscription, setup, now) for subscription in _soonest_first(setup)]
    if not blocks:
        blocks, card.colour = ["Nobody is told yet. Add a reminder with `/minimax-reminders add`."], GREY
    blocks += [_board_block(board, setup.board_troubles.get(board.channel_id)) for board in setup.boards]
    return paged_reply("watches", card, blocks, page)


def _soonest_first(setup: Setup) -> list[Subscription]:
    ahead = {key: one.at for key, one in setup.comes_next.items()}
    return sorted(
        setup.subscriptions, key=lambda subscription: (subscription.id not in ahead, ahead.get(subscription.id))
    )
