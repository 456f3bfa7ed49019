"""The answer of *Credits & jobs*: what an account has left, and how its jobs of the last 24 hours ended."""

from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat.views.components import Reply
from bot.core.accounts import Account
from bot.core.credits import Credits
from bot.core.jobs import COUNTED_FOR, JobSummary, Outcome, has_failing_jobs
from bot.core.limits import MAX_FIELD, MAX_TITLE, fill
from bot.core.status import AMBER, GREEN, GREY
from bot.core.text import code, escaped
from bot.core.wording import say_credits, say_reason_of_failure, say_remedy
from bot.errors import BotError, UseapiTokenRefused

_MAX_PORTIONS = 10
_MAX_NOTE = 200
_OUTCOMES = {
    Outcome.SUCCEEDED: "✅ {} succeeded",
    Outcome.REFUSED: "🔴 {} refused by MiniMax (401, 403)",
    Outcome.OUT_OF_CREDITS: "🔴 {} without enough credits (402, 412)",
    Outcome.ON_HOLD: "🔴 {} while the account was on hold (596)",
    Outcome.MODERATED: "🟡 {} moderated (422)",
    Outcome.BUSY: "🟡 {} while MiniMax or the account was busy (429)",
    Outcome.SERVER_ERROR: "🟡 {} with a server error (5xx)",
    Outcome.OTHER: "🟡 {} with another error",
    Outcome.UNKNOWN: "⚪ {} without a known outcome",
}


def usage_reply(
    account: Account, found: Credits | BotError, jobs: JobSummary | None, now: datetime, *, has_incident: bool
) -> Reply:
    """Return the answer about one account.

    Args:
        account: the account.
        found: its credits, or why they can't be read.
        jobs: what its newest jobs show; None if that is not known.
        now: the time.
        has_incident: whether its jobs failed at the last poll.
    """
    has_failed = jobs is not None and jobs.is_failing
    is_failing = has_failed and has_failing_jobs(jobs, account.issued_at, now, has_incident=has_incident)
    colour = GREY if isinstance(found, BotError) else GREEN
    embed = discord.Embed(
        title=f"Credits & jobs: {escaped(account.name or '', 80) or escaped(account.id, 80)}"[:MAX_TITLE],
        colour=AMBER if is_failing else colour,
        timestamp=now if isinstance(found, BotError) else found.read_at,
    )
    if isinstance(found, BotError):
        embed.add_field(name="Credits", value=_say_error(found), inline=False)
    else:
        _add_credits(embed, found)
    embed.add_field(name="Jobs of the last 24 hours", value=_say_jobs(jobs, now, is_failing=is_failing), inline=False)
    embed.add_field(name="Account ID", value=code(account.id, 80))
    embed.set_footer(text="Job counts are 5 to 15 minutes old · Credits checked")
    return Reply([embed])


def say_jobs(jobs: JobSummary, now: datetime) -> str:
    """Return when the last job succeeded, and how many of the last 24 hours did, or of a shorter known time."""
    last = f"last success {format_dt(jobs.succeeded_at, 'R')}" if jobs.succeeded_at is not None else ""
    period = "in 24 hours" if now - jobs.since >= COUNTED_FOR else f"since {format_dt(jobs.since, 'f')}"
    counted = f"{jobs.counts.get(Outcome.SUCCEEDED, 0)} of {jobs.total} succeeded {period}"
    if not jobs.total:
        counted = f"none {period}, so only the expiry date is known"
    said = ", ".join(filter(None, (last, counted)))
    return said[:1].upper() + said[1:]


def _say_error(error: BotError) -> str:
    says_nothing = "This says nothing about the login by itself."
    if isinstance(error, UseapiTokenRefused):
        # The list of accounts shows whether it is the token; here it may as well be the session at MiniMax.
        return "⚪ useapi.net answers 401: MiniMax may refuse the login. Is `/minimax-status` all right?"
    return " ".join(filter(None, (f"⚪ {escaped(error.title, MAX_TITLE)}.", error.advice, says_nothing)))[:MAX_FIELD]


def _add_credits(embed: discord.Embed, found: Credits) -> None:
    total = "not reported" if found.total is None else f"**{say_credits(found.total)}**"
    embed.add_field(name="Credits", value=total)
    plan = escaped(found.plan or "", _MAX_NOTE) or "not reported"
    embed.add_field(name="Plan", value="\n".join(filter(None, (plan, escaped(found.plan_note or "", _MAX_NOTE)))))
    lines = [
        f"{say_credits(one.credits)} {format_dt(one.expires_at, 'R')} · {format_dt(one.expires_at, 'f')}"
        for one in found.portions
    ]
    if not lines and (note := escaped(found.expiry_note or "", _MAX_NOTE)):
        lines = [note]
    if lines:
        value = fill(lines, MAX_FIELD, most=_MAX_PORTIONS, more="")
        embed.add_field(name="Credits that expire", value=value, inline=False)


def _say_jobs(jobs: JobSummary | None, now: datetime, *, is_failing: bool) -> str:
    if jobs is None:
        return "Not known yet."
    lines = [say_jobs(jobs, now)]
    if is_failing:
        lines.append(f"⚠️ **The newest ones fail:** {say_reason_of_failure(jobs.reason)}. {say_remedy(jobs.reason)}")
    lines += [words.format(f"{jobs.counts[key]:,}") for key, words in _OUTCOMES.items() if jobs.counts.get(key)]
    return "\n".join(lines)
