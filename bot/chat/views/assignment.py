"""What people read in private after *I'm on it*."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.chat.views.components import Reply, account_choice, assignment_view
from bot.chat.views.reminder_text import name_of, needs_renewal, say_how_to_renew
from bot.core.changes import Act, Change
from bot.core.entries import Entry
from bot.core.limits import MAX_OPTIONS
from bot.core.links import RenewalLinks
from bot.core.messages import Choice
from bot.core.subscriptions import Ping, PingKind

ALL = "all"
_MAX_NAMED = 5
_CHECKS = "I check every 30 seconds for the next 20 minutes; the message turns green by itself."


def which_reply(entries: Sequence[Entry], message_id: int, user_id: int) -> Reply:
    """Return the question which of a message's open accounts a person is on; *All of them* comes first."""
    choices = [Choice(ALL, "All of them", "🙋"), *(_choice(entry, user_id) for entry in entries)]
    return Reply([], assignment_view(message_id, choices[:MAX_OPTIONS]), "Which ones are you on?")


def _choice(entry: Entry, user_id: int) -> Choice:
    assert entry.snapshot is not None
    note = ""
    if entry.assignment is not None:
        note = "you are on it" if entry.assignment.user_id == user_id else "somebody is on it"
    return account_choice(entry.snapshot.account, "👤", value=str(entry.notification.id), note=note)


def assigned_reply(
    entries: Sequence[Entry],
    user_id: int,
    renewal: RenewalLinks,
    now: datetime,
    *,
    is_handed_back: bool,
    is_named: bool = False,
) -> Reply:
    """Return what a press has done to these accounts, which are as they were before it; with their names if wanted.

    A person who is on a login reads how to renew it.
    """
    pings = (one.subscription.ping for one in entries if one.subscription)
    usual = [ping for ping in dict.fromkeys(pings) if ping is not None]
    names = ", ".join(map(name_of, entries[:_MAX_NAMED])) if is_named else "it"
    if is_named and len(entries) > _MAX_NAMED:
        names = f"{names} and {len(entries) - _MAX_NAMED} more"
    account_ids = tuple(one.snapshot.account.id for one in entries if one.snapshot)
    act = Act.HANDED_BACK if is_handed_back else Act.ASSIGNED
    change = Change(act, entries[0].notification.channel_id, account_ids)
    if is_handed_back:
        pinged = f"{_say_pings(usual)} again" if usual else "nobody"
        return Reply([], content=f"You handed {names} back. The next reminders ping {pinged}.", change=change)
    others = {one.assignment.user_id for one in entries if one.assignment} - {user_id}
    before = " and ".join(f"<@{one}>" for one in sorted(others))
    what = f"You're on {names}."
    if others:
        what = f"You took over {names} from {before}." if is_named else f"You took over from {before}."
    replaced = [ping for ping in usual if ping != Ping(PingKind.MEMBER, user_id)]
    instead = f" instead of {_say_pings(replaced)}" if replaced else ""
    again = "Press and choose again" if is_named else "Press again"
    them = "them" if len(entries) > 1 else "it"
    renewable = [entry for entry in entries if needs_renewal(entry, now)]
    # Close polls see renewals alone.
    checks = f" {_CHECKS}" if renewable else ""
    lines = [f"{what}{checks} The next reminders ping you{instead}. {again} to hand {them} back."]
    if renewable:
        note = renewable[0].note if len(renewable) == 1 else None
        lines.append(say_how_to_renew(replace(renewable[0], assignment=None, note=note), renewal, now))
    return Reply([], content="\n".join(lines), change=change)


def _say_pings(pings: Sequence[Ping]) -> str:
    return " and ".join(ping.mention for ping in pings)
