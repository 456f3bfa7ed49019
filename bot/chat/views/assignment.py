"""What people read in private after *I'm on it*."""

from collections.abc import Sequence

from bot.chat.views.components import Reply, account_choice, assignment_view
from bot.chat.views.reminder_text import name_of
from bot.core.entries import Entry
from bot.core.limits import MAX_OPTIONS
from bot.core.messages import Choice

ALL = "all"
_MAX_NAMED = 5


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


def assigned_reply(entries: Sequence[Entry], user_id: int, *, is_handed_back: bool, is_named: bool = False) -> Reply:
    """Return what a press has done to these accounts, which are as they were before it; with their names if wanted."""
    role_ids = (one.subscription.role_id for one in entries if one.subscription)
    roles = " and ".join(dict.fromkeys(f"<@&{role_id}>" for role_id in role_ids if role_id is not None))
    names = ", ".join(map(name_of, entries[:_MAX_NAMED])) if is_named else "it"
    if is_named and len(entries) > _MAX_NAMED:
        names = f"{names} and {len(entries) - _MAX_NAMED} more"
    if is_handed_back:
        pinged = f"{roles} again" if roles else "nobody"
        return Reply([], content=f"You handed {names} back. The next reminders ping {pinged}.")
    others = {one.assignment.user_id for one in entries if one.assignment} - {user_id}
    before = " and ".join(f"<@{one}>" for one in sorted(others))
    what = f"You're on {names}."
    if others:
        what = f"You took over {names} from {before}." if is_named else f"You took over from {before}."
    instead = f" instead of {roles}" if roles else ""
    again = "Press and choose again" if is_named else "Press again"
    them = "them" if len(entries) > 1 else "it"
    return Reply([], content=f"{what} The next reminders ping you{instead}. {again} to hand {them} back.")
