"""A reminder: one plain sentence, and the card of each account."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import discord
from discord.utils import format_dt

from bot.chat.views.account import account_embed
from bot.core.accounts import Account
from bot.core.assignments import mentions_role
from bot.core.entries import Entry, Relevance
from bot.core.links import SETUP_GUIDE
from bot.core.messages import Action, OutgoingMessage
from bot.core.notifications import Kind
from bot.core.status import AMBER, GREEN, GREY, RED, Status
from bot.core.text import cut
from bot.core.wording import (
    say_capabilities,
    say_count,
    say_date,
    say_duration,
    say_name,
    say_standing,
    say_unconfirmed,
    say_undated,
)

MAX_EMBEDS = 10
# Discord allows 6,000 characters over all embeds; a little is left for the footers.
MAX_CHARACTERS = 5800
MAX_CONTENT = 2000
_FRESH_FOR = timedelta(minutes=5)
_GOOD_NEWS = {
    Kind.ERROR: "works again",
    Kind.MISSING: "is set up again",
    Kind.UNDATED: "has an expiry date again",
}


def render(entries: Sequence[Entry], footer_id: str, now: datetime) -> tuple[OutgoingMessage, int]:
    """Return one message for the first of these entries, and how many it holds."""
    embeds: list[discord.Embed] = []
    for entry in entries[:MAX_EMBEDS]:
        embed = _embed(entry, now)
        if embeds and not _has_room(embeds, embed):
            break
        embeds.append(embed)
    shown = entries[: len(embeds)]
    roles, users = _mentions(shown, now)
    return _message(shown, embeds, footer_id, now, roles=roles, users=users), len(shown)


def render_again(
    entries: Sequence[Entry], footer_id: str, now: datetime, *, is_checked: bool = False
) -> OutgoingMessage:
    """Return what a sent message says now; `is_checked` if somebody has just pressed *Check now*.

    Superseded entries are folded to a line. The others keep their cards, cut short where they no longer fit.
    """
    entries = _one_per_account(entries)
    embeds: list[discord.Embed] = []
    if any(entry.relevance is not Relevance.SUPERSEDED for entry in entries):
        for entry in entries:
            embed = _embed(entry, now)
            if is_checked and entry.relevance is Relevance.OPEN:
                embed.description = f"{embed.description}\n{_say_unchanged(entry, now)}"
            if not _has_room(embeds, embed):
                brief = f"{_subject(entry)} {_state(entry, now)}.{_say_assignment(entry)}"
                embed = discord.Embed(description=brief, colour=embed.colour)
            embeds.append(embed)
    return _message(entries, embeds, footer_id, now)


def _one_per_account(entries: Sequence[Entry]) -> list[Entry]:
    """Return the most urgent entry of each account: a message may hold one about its expiry and one about an error."""
    order = list(Relevance)
    chosen: dict[str | None, Entry] = {}
    for entry in sorted(entries, key=lambda entry: order.index(entry.relevance)):
        chosen.setdefault(entry.notification.account_id, entry)
    return [entry for entry in entries if chosen[entry.notification.account_id] is entry]


def _message(
    entries: Sequence[Entry],
    embeds: Sequence[discord.Embed],
    footer_id: str,
    now: datetime,
    *,
    roles: Sequence[int] = (),
    users: Sequence[int] = (),
) -> OutgoingMessage:
    if embeds:
        embeds[-1].set_footer(text=f"Read from useapi.net · {footer_id}")
    mentions = " ".join([*(f"<@&{role_id}>" for role_id in roles), *(f"<@{user_id}>" for user_id in users)])
    urgent = [entry for entry in entries if entry.needs_action]
    # Accounts that can't be read can't be assigned.
    assign = [Action.ASSIGN] if any(entry.snapshot for entry in urgent) else []
    return OutgoingMessage(
        f"{cut(_sentence(entries, now), MAX_CONTENT - len(mentions) - 1)} {mentions}".rstrip(),
        tuple(embed.to_dict() for embed in embeds),
        actions=(Action.CHECK, *assign, Action.RENEW) if urgent else (),
        roles=tuple(roles),
        users=tuple(users),
    )


def _has_room(embeds: Sequence[discord.Embed], embed: discord.Embed) -> bool:
    return sum(map(len, embeds)) + len(embed) <= MAX_CHARACTERS


def _mentions(entries: Sequence[Entry], now: datetime) -> tuple[list[int], list[int]]:
    """Return the roles and the users to mention; good news mentions nobody.

    An assigned user is mentioned instead of the role, on the last day and at the expiry beside it.
    """
    urgent = [entry for entry in entries if entry.needs_action]
    for_role = [
        entry
        for entry in urgent
        if entry.snapshot is None
        or mentions_role(entry.assignment, entry.snapshot.account, now, is_follow_up=entry.notification.is_follow_up)
    ]
    roles = [entry.subscription.role_id for entry in for_role if entry.subscription]
    users = [entry.assignment.user_id for entry in urgent if entry.assignment]
    return list(dict.fromkeys(filter(None, roles))), list(dict.fromkeys(users))


def _sentence(entries: Sequence[Entry], now: datetime) -> str:
    sign = _sign(entries, now)
    if entries[0].notification.kind is Kind.UNREADABLE:
        return f"{sign} {_say_unreadable(entries[0])}"
    if len(entries) > 1 and all(entry.relevance is Relevance.SUPERSEDED for entry in entries):
        names = ", ".join(map(_subject, entries))
        return f"{sign} {say_count(len(entries), 'MiniMax login')} have newer reminders: {names}."
    states = [f"{_subject(entry)} {_state(entry, now)}" for entry in entries if entry.snapshot]
    is_late = any(entry.notification.is_late for entry in entries if entry.needs_action)
    late = " This message comes late." if is_late else ""
    if len(states) == 1:
        return f"{sign} MiniMax login {states[0]}.{late}"
    return f"{sign} {say_count(len(states), 'MiniMax login')}: {'; '.join(states)}.{late}"


def _sign(entries: Sequence[Entry], now: datetime) -> str:
    """Return the emoji of the most urgent entry."""
    urgent = [entry for entry in entries if entry.needs_action]
    if urgent:
        if urgent[0].notification.kind is Kind.UNREADABLE:
            return "⚪"
        return "🔴" if any(_has_failed(entry, now) for entry in urgent) else "⏰"
    settled = [entry for entry in entries if entry.relevance is not Relevance.SUPERSEDED]
    if any(_is_other_login(entry) or _say_failure(entry, now) for entry in settled):
        return "⚠️"
    return "✅" if settled else "⏭️"


def _is_other_login(entry: Entry) -> bool:
    return entry.relevance is Relevance.RENEWED and entry.is_other_user


def _say_failure(entry: Entry, now: datetime) -> str:
    """Return the account's present failure as the end of a sentence; "" if it has none."""
    if entry.snapshot is None:
        return ""
    if not entry.is_listed:
        return "is no longer set up at useapi.net"
    account = entry.snapshot.account
    return say_standing(account, now) if account.status(now) in (Status.ERROR, Status.EXPIRED) else ""


def _has_failed(entry: Entry, now: datetime) -> bool:
    expires_at = entry.snapshot.account.expires_at if entry.snapshot else None
    is_expired = expires_at is not None and expires_at <= now
    return is_expired or not entry.is_listed or entry.notification.kind in (Kind.ERROR, Kind.MISSING)


def _subject(entry: Entry) -> str:
    return say_name(entry.snapshot.account) if entry.snapshot else "The MiniMax accounts"


def _state(entry: Entry, now: datetime) -> str:
    """Return how the account is, as the end of a sentence."""
    kind = entry.notification.kind
    match entry.relevance:
        case Relevance.SUPERSEDED:
            return "has a newer reminder"
        case Relevance.OVER:
            failure = _say_failure(entry, now)
            return f"{_GOOD_NEWS[kind]}, but {failure}" if failure else _GOOD_NEWS[kind]
        case Relevance.OPEN if kind is not Kind.RENEWED:
            return _say_open(entry, now)
        case _:
            return _say_renewed(entry, now)


def _say_open(entry: Entry, now: datetime) -> str:
    if entry.snapshot is None:
        return "can't be read"
    if entry.notification.kind is Kind.MISSING or not entry.is_listed:
        return "is no longer set up at useapi.net"
    if entry.notification.kind is Kind.ERROR:
        account = entry.snapshot.account
        if account.has_expired(now):
            return say_standing(account, now)
        return "is still in error" if entry.notification.is_follow_up else "is in error"
    if not entry.is_dated:
        return say_undated(entry.snapshot.account)
    if _is_doubtful(entry, now):
        return say_unconfirmed(entry.snapshot.account, entry.snapshot.read_at, now)
    return say_standing(entry.snapshot.account, now)


def _is_doubtful(entry: Entry, now: datetime) -> bool:
    return entry.snapshot is not None and not entry.is_confirmed and now - entry.snapshot.read_at > _FRESH_FOR


def _say_renewed(entry: Entry, now: datetime) -> str:
    assert entry.snapshot is not None
    account = entry.snapshot.account
    if entry.is_other_user:
        return "holds another person's login now"
    if (failure := _say_failure(entry, now)) or account.expires_at is None:
        return f"was renewed, but {failure or say_standing(account, now)}"
    return f"is renewed until {say_date(account.expires_at)}"


def _say_unreadable(entry: Entry) -> str:
    if entry.relevance is Relevance.OVER:
        return "The MiniMax accounts can be read again."
    still = "still can't" if entry.notification.is_follow_up else "can't"
    return f"The MiniMax accounts {still} be read, so reminders here go by the last known dates."


def _say_unchanged(entry: Entry, now: datetime) -> str:
    still = "Not renewed yet" if entry.notification.kind is Kind.STAGE and entry.is_listed else "No change"
    return f"🔄 {still}, as of {format_dt(now, 'f')}."


def _say_assignment(entry: Entry) -> str:
    if entry.assignment is None or not entry.needs_action:
        return ""
    return f"\n🙋 <@{entry.assignment.user_id}> is on it, since {format_dt(entry.assignment.assigned_at, 'R')}."


def _embed(entry: Entry, now: datetime) -> discord.Embed:
    if entry.snapshot is None:
        return _unreadable_embed(entry)
    if entry.relevance is Relevance.SUPERSEDED:
        return discord.Embed(description=f"{_subject(entry)} has a newer reminder.", colour=GREY)
    account = entry.snapshot.account
    embed = account_embed(entry.snapshot, now)
    if entry.relevance is Relevance.OVER:
        sign = "" if _say_failure(entry, now) else "✅ "
        embed.description = f"{sign}**It {_GOOD_NEWS[entry.notification.kind]}.** {embed.description}"
    elif not entry.is_listed or entry.notification.kind is Kind.MISSING:
        embed.colour = discord.Colour(RED)
        embed.description = "🔴 **Gone.** useapi.net does not list this account any more."
    elif entry.relevance is Relevance.RENEWED or entry.notification.kind is Kind.RENEWED:
        _describe_renewal(embed, entry, account, now)
    elif account.error is None and account.expires_at is not None and not entry.is_dated:
        embed.colour = discord.Colour(GREY)
        embed.description = _say_no_date(account.expires_at)
    elif account.error is None and account.expires_at is not None and _is_doubtful(entry, now):
        embed.colour = discord.Colour(GREY)
        embed.description = _say_doubt(account.expires_at, now - entry.snapshot.read_at)
    else:
        embed.description = f"{embed.description}\n{_advice(account, now)}"
    embed.description = f"{embed.description}{_say_assignment(entry)}"
    return embed


def _unreadable_embed(entry: Entry) -> discord.Embed:
    if entry.relevance is Relevance.OVER:
        return discord.Embed(title="The accounts can be read again", colour=GREEN)
    advice = (
        "Check that USEAPI_TOKEN is valid, that the useapi.net subscription is paid, and that useapi.net is up. "
        "This message turns green when the accounts can be read again."
    )
    return discord.Embed(title="The accounts can't be read", description=advice, colour=GREY)


def _describe_renewal(embed: discord.Embed, entry: Entry, account: Account, now: datetime) -> None:
    if entry.is_other_user:
        embed.colour = discord.Colour(AMBER)
        embed.description = f"⚠️ **Another login.** It belongs to somebody else than before. {embed.description}"
    elif account.status(now) not in (Status.ERROR, Status.UNKNOWN, Status.EXPIRED):
        assert account.expires_at is not None
        embed.colour = discord.Colour(GREEN)
        embed.description = f"✅ **Renewed** until {format_dt(account.expires_at, 'f')}."


def _say_doubt(expires_at: datetime, age: timedelta) -> str:
    return (
        f"⚪ **Not confirmed** for {say_duration(age)}. The login was due to expire {format_dt(expires_at, 'f')}. "
        f"[How to renew]({SETUP_GUIDE})."
    )


def _say_no_date(expires_at: datetime) -> str:
    return (
        f"⚪ **No date.** useapi.net no longer gives the expiry of this login. By the last known date it expires "
        f"{format_dt(expires_at, 'f')}. [How to renew]({SETUP_GUIDE})."
    )


def _advice(account: Account, now: datetime) -> str:
    jobs = say_capabilities(account)
    jobs = jobs[:1].upper() + jobs[1:]
    if account.expires_at is None:
        return f"{jobs} of this account depend on it."
    fate = "stopped" if account.expires_at <= now else "of this account stop"
    return f"{jobs} {fate} at {format_dt(account.expires_at, 'f')}. [How to renew]({SETUP_GUIDE})."
