"""An account's card."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

import discord
from discord.utils import format_dt

from bot.chat.views.components import Reply, account_view, build_form, notice
from bot.chat.views.usage import say_jobs
from bot.core.accounts import Account, AccountSnapshot, Capability
from bot.core.incidents import Reason
from bot.core.jobs import JobSummary, has_failing_jobs
from bot.core.limits import MAX_FIELD, MAX_TITLE
from bot.core.links import DEFAULT_RENEWAL, RenewalLinks
from bot.core.naming import MAX_ACCOUNT_ID
from bot.core.notes import MAX_NOTE, Note
from bot.core.status import GREY, Status
from bot.core.subscriptions import Subscription
from bot.core.text import code, cut, escaped, is_web_url, plain
from bot.core.wording import HOW_TO_RENEW, say_days, say_life_left, say_reason_of_failure, say_remedy

NOT_REPORTED = "not reported"

_MAX_OTHER_FLAGS = 20
_MAX_CHANNELS = 6
_MAX_FORM_TITLE = 45


def account_reply(
    snapshot: AccountSnapshot,
    now: datetime,
    reminders: Sequence[Subscription] | None,
    note: Note | None,
    jobs: JobSummary | None,
    failing: Mapping[str, Reason | None],
    renewal: RenewalLinks,
    *,
    has_note_button: bool,
) -> Reply:
    """Return the card of one account with its buttons; the arguments are as in `account_embed`."""
    view = account_view(snapshot.account.id, renewal.guided, has_note_button=has_note_button)
    return Reply([account_embed(snapshot, now, reminders, note, jobs, failing, renewal)], view)


def account_embed(
    snapshot: AccountSnapshot,
    now: datetime,
    reminders: Sequence[Subscription] | None = None,
    note: Note | None = None,
    jobs: JobSummary | None = None,
    failing: Mapping[str, Reason | None] = MappingProxyType({}),
    renewal: RenewalLinks = DEFAULT_RENEWAL,
) -> discord.Embed:
    """Return the card of one account; times show in each reader's own zone.

    Args:
        snapshot: the account, and when it was read.
        now: the time.
        reminders: the subscription of each channel of the server that covers the account; None if they are not known.
        note: what the server has noted on the account.
        jobs: what its newest jobs show; None if that is not known.
        failing: the accounts whose jobs failed when they last gave a signal, and why.
        renewal: where people renew logins.
    """
    account, status = snapshot.account, snapshot.account.status(now)
    lines, reason = _say_state(account, now), None
    is_failing = has_failing_jobs(jobs, account.issued_at, now, has_incident=account.id in failing)
    if is_failing:
        reason = (jobs.reason if jobs is not None else None) or failing.get(account.id)
        lines.append(f"⚠️ **Its jobs fail:** {say_reason_of_failure(reason)}. {say_remedy(reason)}")
    embed = discord.Embed(
        title=escaped(account.name or "", MAX_TITLE) or escaped(account.id, MAX_TITLE) or "(blank)",
        description="\n".join(lines),
        colour=(Status.ERROR if is_failing else status).style.colour,
        timestamp=snapshot.read_at,
    )
    if account.avatar_url and is_web_url(account.avatar_url):
        embed.set_thumbnail(url=account.avatar_url)
    embed.add_field(name="Can do", value=_say_capabilities(account), inline=False)
    if jobs is not None:
        embed.add_field(name="Jobs", value=say_jobs(jobs, now), inline=False)
    embed.add_field(name="Account ID", value=code(account.id, 80))
    if account.max_jobs is not None:
        embed.add_field(name="Max jobs", value=str(account.max_jobs))
    if account.issued_at is not None:
        embed.add_field(name="Issued", value=format_dt(account.issued_at, "d"))
    if account.user_id not in (None, account.id):
        embed.add_field(name="User ID", value=code(account.user_id or "", 80))
    if account.anonymous:
        embed.add_field(name="Anonymous account", value="yes")
    if reminders is not None:
        embed.add_field(name="Reminders", value=_say_reminders(account, reminders), inline=False)
    if status.needs_renewal or status.is_soon or reason is Reason.REFUSED:
        embed.add_field(name="Renew", value=f"{HOW_TO_RENEW}, or [by hand]({renewal.manual}).", inline=False)
    if note is not None:
        embed.add_field(name="Note", value=_say_note(note), inline=False)
    embed.set_footer(text=" · ".join(_say_origin(account)))
    return embed


def _say_state(account: Account, now: datetime) -> list[str]:
    """Return the state in one to four lines: the state itself, the next step, and how much time is left."""
    status = account.status(now)
    sign, life = status.style.emoji, say_life_left(account, now)
    bar = [life] if life and not account.has_expired(now) else []
    expiry = date = ""
    if account.expires_at is not None:
        verb = "Expired" if account.has_expired(now) else "Expires"
        expiry = f"**{verb} {format_dt(account.expires_at, 'R')}**"
        date = format_dt(account.expires_at, "f")
    match status:
        case Status.ERROR:
            error = escaped(account.error or "", MAX_FIELD)
            lines = [f"{sign} **useapi.net reports an error:** {error}", "If it doesn't clear up, renew the login."]
            return [*lines, f"{expiry} · {date}", *bar] if expiry else lines
        case Status.EXPIRED:
            return [f"{sign} {expiry} · {date}", "Jobs on this account fail until the login is renewed."]
        case Status.LAST_DAY:
            return [f"{sign} {expiry}: renew today · {date}", *bar]
        case Status.UNKNOWN:
            reason = "useapi.net gives none, so there can be no expiry reminders for this account."
            return [f"{sign} **No expiry date reported**", reason]
        case _:
            return [f"{sign} {expiry} · {date}", *bar]


def _say_capabilities(account: Account) -> str:
    """Return what the account can do on one line, and what it can't, or what is not reported, on another one."""
    shown = account.capabilities[: 4 + _MAX_OTHER_FLAGS]
    can = [_unbroken(f"✅ {_label(one)}") for one in shown if one.supported]
    others = [_unbroken(f"❌ {_label(one)}") for one in shown if one.supported is False]
    if unknown := [_unbroken(_label(one)) for one in shown if one.supported is None]:
        others.append(f"❔\N{NO-BREAK SPACE}{', '.join(unknown)}: {_unbroken(NOT_REPORTED)}")
    lines = [" · ".join(parts) for parts in (can, others) if parts]
    return cut("\n".join(lines), MAX_FIELD) or NOT_REPORTED


def _label(capability: Capability) -> str:
    return escaped(capability.label, 64)


def _unbroken(words: str) -> str:
    """Return words that stay on one line: a line ends between two capabilities, not inside one."""
    return words.replace(" ", "\N{NO-BREAK SPACE}")


def _say_reminders(account: Account, covering: Sequence[Subscription]) -> str:
    if not covering:
        # The button has no room for a longer id.
        hint = " Press **Remind this channel**." if len(account.id) <= MAX_ACCOUNT_ID else ""
        return f"🔕 None yet.{hint}"
    lines = [_say_reminder(account, one) for one in covering[:_MAX_CHANNELS]]
    if len(covering) > _MAX_CHANNELS:
        lines.append(f"and {len(covering) - _MAX_CHANNELS} more")
    return "\n".join(lines)


def _say_reminder(account: Account, subscription: Subscription) -> str:
    place = f"<#{subscription.channel_id}>"
    if subscription.paused_at is not None:
        return f"⏸️ {place}: paused"
    return f"🔔 {place}: {'errors only' if account.expires_at is None else say_days(subscription.lead_times)}"


def _say_note(note: Note) -> str:
    """Return a note as code, which shows no mentions, links or Markdown; below it who wrote it, and when."""
    return f"{code(note.text, MAX_NOTE + 3)}\n-# <@{note.changed_by}>, {format_dt(note.changed_at, 'R')}"


def note_form(account: Account, note: Note | None) -> Reply:
    """Return the form that changes a server's note on an account, or asks to press again where it is too late."""
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id="note",
        style=discord.TextStyle.paragraph,
        default=note.text if note is not None else None,
        placeholder="videoteam@gmail.com, Mia has the second factor",
        max_length=MAX_NOTE,
        required=False,
    )
    label: discord.ui.Label[Any] = discord.ui.Label(
        text="Google account, who has the second factor",
        description="Shown in this server's cards and reminders: no passwords, codes or tokens. Empty deletes it.",
        component=field,
    )
    name = plain(account.name or "", _MAX_FORM_TITLE) or plain(account.id, _MAX_FORM_TITLE)
    form = build_form(f"note:{account.id}", cut(f"Note on {name}", _MAX_FORM_TITLE), label)
    return replace(notice("The form couldn't open in time", "Press **Note** again.", GREY), form=form)


def note_saved_reply(text: str) -> Reply:
    """Return the answer to a note that was saved, or deleted if it is empty, where its card can't be shown."""
    advice = "The card can't be refreshed now. Look the account up again with `/minimax-account`."
    return notice("Note saved" if text else "Note deleted", advice, GREY)


def _say_origin(account: Account) -> Iterable[str]:
    """Yield the parts of the footer, which shows no Markdown."""
    if host := plain(account.host or "", 80):
        yield host
    if account.masked_token is not None:
        yield f"token {plain(account.masked_token, 80)}"
    yield "Checked"
