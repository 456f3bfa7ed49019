"""The offer of a reminder for new accounts that none covers."""

from collections.abc import Sequence

from bot.chat.views.components import account_choice, fits_menu
from bot.core.accounts import Account
from bot.core.entries import Entry
from bot.core.limits import MAX_OPTIONS
from bot.core.messages import Action, OutgoingMessage
from bot.core.wording import say_count, say_full_name

_MAX_NAMED = 5


def render_offer(entries: Sequence[Entry]) -> OutgoingMessage:
    """Return the message about new accounts; it pings nobody, and an account that is covered by now has no button."""
    covered = _accounts_of([entry for entry in entries if entry.subscription is not None])
    removed = _accounts_of([entry for entry in entries if entry.subscription is None and not entry.is_listed])
    is_open = _accounts_of([entry for entry in entries if entry.subscription is None and entry.is_listed])
    lines = []
    if is_open:
        them = "it" if len(is_open) == 1 else "them"
        lines.append(f"🆕 {_say_new(is_open)}. No reminder covers {them} yet.")
    if covered:
        lines.append(f"✅ Reminders come here now for {_say_names(covered)}.")
    if removed:
        lines.append(f"-# Removed from useapi.net: {_say_names(removed)}.")
    choices = [account_choice(one, "🆕") for one in is_open if fits_menu(one.id)][:MAX_OPTIONS]
    actions: tuple[Action, ...] = ()
    if len(is_open) > 1:
        actions = (Action.REMIND_ALL, *([Action.DETAILS] if len(choices) == 1 else []))
    elif choices:
        actions = (Action.REMIND, Action.DETAILS)
    return OutgoingMessage("\n".join(lines), actions=actions, choices=tuple(choices), is_silent=True)


def _accounts_of(entries: Sequence[Entry]) -> list[Account]:
    return [entry.snapshot.account for entry in entries if entry.snapshot is not None]


def _say_new(accounts: Sequence[Account]) -> str:
    if len(accounts) == 1:
        return f"New MiniMax account: {say_full_name(accounts[0])}"
    return f"**{say_count(len(accounts), 'new MiniMax account')}**: {_say_names(accounts)}"


def _say_names(accounts: Sequence[Account]) -> str:
    more = f" and {len(accounts) - _MAX_NAMED} more" if len(accounts) > _MAX_NAMED else ""
    return ", ".join(map(say_full_name, accounts[:_MAX_NAMED])) + more
