"""The reminders of the next 30 days, message by message."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby

import discord
from discord.utils import format_dt

from bot.chat.views.components import Reply
from bot.chat.views.pages import paged_reply
from bot.chat.views.reminder_list import say_stage
from bot.core.assignments import mentions_role
from bot.core.forecast import Upcoming
from bot.core.stages import EXPIRED
from bot.core.status import GREEN, GREY
from bot.core.wording import say_name

FORESEEN = timedelta(days=30)
_MAX_NAMED = 5


def preview_reply(upcoming: Sequence[Upcoming], page: int, now: datetime) -> Reply:
    """Return one page of the messages that are to come within 30 days, soonest first."""
    embed = discord.Embed(title=f"The next {FORESEEN.days} days", colour=GREEN)
    embed.set_footer(text="If nothing is renewed until then. Errors are reported when they happen")
    within = sorted((one for one in upcoming if one.at <= now + FORESEEN), key=_message_of)
    if not within:
        embed.description = "No reminder is due."
        embed.colour = discord.Colour(GREY)
        return Reply([embed])
    blocks = [_say_message(list(group), now) for _, group in groupby(within, key=_message_of)]
    return paged_reply("preview", embed, blocks, page)


def _message_of(upcoming: Upcoming) -> tuple[float, int]:
    """Return what the reminders of one message have in common: its minute and its channel."""
    return upcoming.at.timestamp() // 60, upcoming.subscription.channel_id


def _say_message(group: Sequence[Upcoming], now: datetime) -> str:
    first = group[0]
    when = "Now" if first.at <= now else f"{format_dt(first.at, 'f')} ({format_dt(first.at, 'R')})"
    parts = [f"{say_name(one.account)}, {say_stage(one)}" for one in group[:_MAX_NAMED]]
    if len(group) > _MAX_NAMED:
        parts.append(f"and {len(group) - _MAX_NAMED} more")
    # As the reminder itself does it.
    roles = [
        one.subscription.role_id
        for one in group
        if one.subscription.role_id
        and mentions_role(one.assignment, one.account, one.at, is_follow_up=one.stage < EXPIRED)
    ]
    named = [
        *(f"<@&{role_id}>" for role_id in roles),
        *(f"<@{one.assignment.user_id}>" for one in group if one.assignment),
    ]
    mentions = f"\nmentions {', '.join(dict.fromkeys(named))}" if named else ""
    return f"**{when}** in <#{first.subscription.channel_id}>\n{'; '.join(parts)}{mentions}"
