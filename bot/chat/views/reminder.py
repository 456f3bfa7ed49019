"""A reminder: a sentence that a push notification shows, and below it one card, however many accounts it is about."""

from collections.abc import Sequence
from datetime import datetime

import discord

from bot.chat.views.components import account_choice, fits_menu
from bot.chat.views.new_accounts import render_offer
from bot.chat.views.reminder_text import (
    Alert,
    alert_of,
    needs_renewal,
    say_alert,
    say_alerts,
    say_assignment,
    say_card,
    say_how_to_renew,
    say_line,
    say_more,
    say_replaced,
    say_settled,
    say_strays,
    say_unchanged,
    status_of_alert,
)
from bot.core.assignments import includes_ping, is_quiet
from bot.core.entries import Entry, Relevance
from bot.core.limits import MAX_CONTENT, MAX_DESCRIPTION, MAX_LABEL, MAX_OPTIONS, fill
from bot.core.links import RenewalLinks
from bot.core.messages import Action, Choice, OutgoingMessage
from bot.core.notifications import Kind
from bot.core.status import Status
from bot.core.subscriptions import Ping, PingKind
from bot.core.text import cut, plain
from bot.core.wording import say_count

MAX_LINES = 25
_MORE = ": `/minimax-overview`"
_LATE = "-# Sent late: Discord didn't take it earlier."
# What is put before a test, and pings.
_RESERVED = 300


def render(entries: Sequence[Entry], footer_id: str, now: datetime, renewal: RenewalLinks) -> OutgoingMessage:
    """Return the message that carries these entries, all of one channel, most urgent first."""
    roles, users = _pings(entries, now)
    return _render(entries, footer_id, now, renewal, roles=roles, users=users)


def render_again(
    entries: Sequence[Entry], footer_id: str, now: datetime, renewal: RenewalLinks, *, is_checked: bool = False
) -> OutgoingMessage:
    """Return what a sent message says now; `is_checked` if somebody has just pressed *Check now*."""
    return _render(entries, footer_id, now, renewal, is_checked=is_checked)


def _render(
    entries: Sequence[Entry],
    footer_id: str,
    now: datetime,
    renewal: RenewalLinks,
    *,
    roles: Sequence[int] = (),
    users: Sequence[int] = (),
    is_checked: bool = False,
) -> OutgoingMessage:
    if entries and all(entry.notification.kind is Kind.NEW_ACCOUNT for entry in entries):
        return render_offer(entries)
    entries = _one_per_account(entries)
    is_open = [entry for entry in entries if entry.needs_action]
    about = [entry for entry in is_open if entry.snapshot is not None]
    notes = [_LATE] if any(entry.notification.is_late for entry in is_open) else []
    notes += say_strays(about, now)
    if is_checked and is_open:
        notes.append(say_unchanged(is_open, now))
    first, *rest = _say_content(entries, is_open, now)
    embeds = []
    if _needs_card(entries, about, now):
        embeds = [_card(entries, about, notes, footer_id, now, renewal)]
    else:
        rest += [say_how_to_renew(entry, renewal, now) for entry in about]
        rest += [*map(say_assignment, about), *notes]
    mentions = "".join([*(f" <@&{role_id}>" for role_id in roles), *(f" <@{user_id}>" for user_id in users)])
    content = "\n".join([f"{cut(first, MAX_CONTENT - _RESERVED)}{mentions}", *filter(None, rest)])
    choices = _choices(entries, now) if about else ()
    return OutgoingMessage(
        content,
        tuple(embed.to_dict() for embed in embeds),
        actions=_actions(is_open, choices, now),
        choices=choices,
        roles=tuple(roles),
        users=tuple(users),
        is_silent=not is_open,
        renew_url=renewal.guided,
    )


def _one_per_account(entries: Sequence[Entry]) -> list[Entry]:
    """Return the most urgent entry of each account: a message may hold one about its expiry and one about an error."""
    order = list(Relevance)
    chosen: dict[str | None, Entry] = {}
    for entry in sorted(entries, key=lambda entry: order.index(entry.relevance)):
        chosen.setdefault(entry.notification.account_id, entry)
    return [entry for entry in entries if chosen[entry.notification.account_id] is entry]


def _pings(entries: Sequence[Entry], now: datetime) -> tuple[list[int], list[int]]:
    """Return the roles and the users to ping; good news and early reminders ping nobody.

    An assigned user is pinged instead of the role or the user that the subscription names; on the last day and at the
    expiry, beside them.
    """
    pings: list[Ping] = []
    for entry in entries:
        subscription, stage = entry.subscription, entry.notification.stage
        account = entry.snapshot.account if entry.snapshot is not None else None
        if subscription is None or not entry.needs_action or is_quiet(subscription, stage, account, now):
            continue
        is_included = account is None or includes_ping(
            subscription,
            stage,
            entry.assignment,
            account,
            now,
            is_follow_up=entry.notification.is_follow_up,
        )
        if is_included and subscription.ping is not None:
            pings.append(subscription.ping)
        if entry.assignment is not None:
            pings.append(Ping(PingKind.MEMBER, entry.assignment.user_id))
    roles, users = ([one.id for one in dict.fromkeys(pings) if one.kind is kind] for kind in PingKind)
    return roles, users


def _needs_card(entries: Sequence[Entry], about: Sequence[Entry], now: datetime) -> bool:
    """Whether a message needs an embed: if accounts are open, unless it is about one that a few words say all of."""
    return bool(about) and not (len(entries) == 1 and alert_of(about[0], now).is_only_text)


def _say_content(entries: Sequence[Entry], is_open: Sequence[Entry], now: datetime) -> list[str]:
    """Return the lines of a message's text; pings follow the first one."""
    about = [entry for entry in is_open if entry.snapshot is not None]
    if len(about) > 1:
        return [say_alerts(about, now)]
    if about and _needs_card(entries, about, now):
        return [say_alert(about[0], now)]
    lines = [line for entry in is_open for line in (say_alert(entry, now), *say_more(entry, now))]
    settled = [entry for entry in entries if not entry.needs_action]
    replaced = [entry for entry in settled if entry.relevance is Relevance.SUPERSEDED]
    news = [say_settled(entry, now) for entry in settled if entry.relevance is not Relevance.SUPERSEDED]
    room = MAX_CONTENT - _RESERVED - sum(map(len, lines))
    return [*lines, *fill([*news, *say_replaced(replaced)], room, most=MAX_LINES, more=_MORE).splitlines()]


def _card(
    entries: Sequence[Entry],
    about: Sequence[Entry],
    notes: Sequence[str],
    footer_id: str,
    now: datetime,
    renewal: RenewalLinks,
) -> discord.Embed:
    worst = min((status_of_alert(entry, now) for entry in about), key=list(Status).index)
    if len(entries) == 1:
        (entry,) = entries
        more = [say_how_to_renew(entry, renewal, now), say_assignment(entry)]
        lines = [*say_card(entry, now), *filter(None, more), *notes]
        account_id = plain(entry.notification.account_id or "", MAX_LABEL)
        stage = entry.notification.stage or 0
        reminder = f"{stage}-day reminder · " if stage > 0 and alert_of(entry, now) is Alert.EXPIRING else ""
        footer = f"{account_id} · {reminder}{footer_id}"
        description = "\n".join(lines)
    else:
        # In full size: a small line would belong to the account above it.
        tail = "".join(f"\n{note.removeprefix('-# ')}" for note in notes)
        room = MAX_DESCRIPTION - len(tail)
        description = fill([say_line(entry, now) for entry in entries], room, most=MAX_LINES, more=_MORE) + tail
        number = sum(entry.snapshot is not None for entry in entries)
        footer = f"{say_count(number, 'account')} · {footer_id}"
    return discord.Embed(description=description, colour=worst.style.colour).set_footer(text=footer)


def _actions(is_open: Sequence[Entry], choices: Sequence[Choice], now: datetime) -> tuple[Action, ...]:
    """Return the buttons under a message; one without open entries has none."""
    if not is_open:
        return ()
    about = [entry for entry in is_open if entry.snapshot is not None]
    actions = []
    if any(needs_renewal(entry, now) for entry in about):
        actions.append(Action.RENEW)
    assignable = [entry for entry in about if alert_of(entry, now) is not Alert.LOW_CREDITS]
    # Accounts that can't be read can't be assigned.
    if assignable:
        actions.append(Action.ASSIGNED if all(entry.assignment for entry in assignable) else Action.ASSIGN)
    # A check reads neither credits nor jobs anew.
    if assignable or not about:
        actions.append(Action.CHECK)
    if len(choices) == 1:
        actions.append(Action.DETAILS)
    return tuple(actions)


def _choices(entries: Sequence[Entry], now: datetime) -> tuple[Choice, ...]:
    """Return the accounts whose details the message offers; one that was removed, or whose id is too long, has none."""
    choices = []
    for entry in entries:
        if entry.snapshot is None or not entry.is_listed or not fits_menu(entry.snapshot.account.id):
            continue
        emoji = status_of_alert(entry, now).style.emoji if entry.needs_action else "✅"
        choices.append(account_choice(entry.snapshot.account, emoji))
    return tuple(choices[:MAX_OPTIONS])
