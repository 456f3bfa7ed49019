"""The reminders of the next 30 days, one line each."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

import discord
from discord.utils import format_dt

from bot.chat.views.components import Reply, pages_view
from bot.chat.views.pages import Page, clamp_page, show_text
from bot.chat.views.reminder_list import NO_REMINDERS
from bot.core.accounts import shared_names
from bot.core.assignments import includes_ping, is_quiet
from bot.core.forecast import Upcoming
from bot.core.limits import MAX_DESCRIPTION
from bot.core.notifications import Kind
from bot.core.stages import EXPIRED
from bot.core.status import GREEN, GREY, Status, status_of
from bot.core.text import cut
from bot.core.wording import say_count, say_duration, say_told_apart

FORESEEN = timedelta(days=30)
_DAY = timedelta(days=1)
# Each may take two lines on a phone.
_LINES = 15
_INCIDENTS = {
    Kind.ERROR: "⚠️ {} error",
    Kind.FAILING: "⚠️ {} jobs fail",
    Kind.LOW_CREDITS: "🪙 {} low on credits",
    Kind.MISSING: "🔴 {} removed from useapi.net",
    Kind.UNDATED: "⚪ {} no expiry date reported",
}


def upcoming_reply(page: Page) -> Reply:
    """Return a page of the reminders to come with its buttons."""
    return Reply([page.embed], pages_view("upcoming", page.number, page.count))


def upcoming_page(within: Sequence[Upcoming], number: int, now: datetime, *, is_set_up: bool) -> Page:
    """Return one page of the reminders that are to come within 30 days, which are given soonest first.

    `is_set_up` is whether the server has a reminder at all, paused or not.
    """
    if not within:
        embed = discord.Embed(title=f"Next {FORESEEN.days} days", colour=GREY)
        embed.description = f"Nothing due in the next {FORESEEN.days} days." if is_set_up else NO_REMINDERS
        return Page(embed)
    embed = discord.Embed(title=f"Next {FORESEEN.days} days: {say_count(len(within), 'reminder')}", colour=GREEN)
    embed.set_footer(text="Assuming nobody renews. Errors are reported as they happen.")
    usual_place = _most_common(map(_say_place, within))
    usual_pings = _most_common(map(_say_pings, within))
    shared = shared_names(one.account for one in within)
    number, count = clamp_page(len(within), number, _LINES), clamp_page(len(within), len(within), _LINES) + 1
    shown = within[number * _LINES : (number + 1) * _LINES]
    lines = "\n".join(_line(one, now, shared, usual_place, usual_pings) for one in shown)
    heading = f"All go to {usual_place} and ping {usual_pings}."
    if any((_say_place(one), _say_pings(one)) != (usual_place, usual_pings) for one in within):
        heading = f"They go to {usual_place} and ping {usual_pings}, unless the line says otherwise."
    return show_text(embed, cut(f"{heading}\n\n{lines}", MAX_DESCRIPTION), number, count)


def _most_common(values: Iterable[str]) -> str:
    return Counter(values).most_common(1)[0][0]


def _line(upcoming: Upcoming, now: datetime, shared: Collection[str], usual_place: str, usual_pings: str) -> str:
    when = "**Now**" if upcoming.at <= now else format_dt(upcoming.at, "f")
    parts = [when, _say_reason(upcoming, now, shared)]
    if (place := _say_place(upcoming)) != usual_place:
        parts.append(place)
    if (pings := _say_pings(upcoming)) != usual_pings:
        parts.append(f"pings {pings}")
    return " · ".join(parts)


def _say_reason(upcoming: Upcoming, now: datetime, shared: Collection[str]) -> str:
    """Return about which account a reminder is, and how the account will be then."""
    name = say_told_apart(upcoming.account, shared)
    if upcoming.kind is not Kind.STAGE:
        return _INCIDENTS[upcoming.kind].format(name)
    expired = Status.EXPIRED.style.emoji
    if upcoming.stage == EXPIRED:
        return f"{expired} {name} {'has expired' if upcoming.at <= now else 'expires'}"
    left = _DAY * upcoming.stage
    if upcoming.at <= now and upcoming.account.expires_at is not None:
        left = upcoming.account.expires_at - now
    if left <= timedelta(0):
        return f"{expired} {name} expired {_say_days(left)} ago"
    status = status_of(left)
    sign = Status.EXPIRING if status is Status.HEALTHY else status
    return f"{sign.style.emoji} {name} {_say_days(left)} left"


def _say_days(duration: timedelta) -> str:
    """Return a duration, also of a single day, in days if it is at least one."""
    return "1 day" if abs(duration) == _DAY else say_duration(duration)


def _say_place(upcoming: Upcoming) -> str:
    return f"<#{upcoming.subscription.channel_id}>"


def _say_pings(upcoming: Upcoming) -> str:
    """Return whom a reminder pings, as the reminder itself does it."""
    one, pings = upcoming, []
    ping = one.subscription.ping
    if ping is not None and includes_ping(
        one.subscription, one.stage, one.assignment, one.account, one.at, is_follow_up=one.stage < EXPIRED
    ):
        pings.append(ping.mention)
    if one.assignment and not is_quiet(one.subscription, one.stage, one.account, one.at):
        pings.append(f"<@{one.assignment.user_id}>")
    return " and ".join(dict.fromkeys(pings)) or "nobody"
