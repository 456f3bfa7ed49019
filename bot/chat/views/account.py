"""Embeds: pure functions from what is known to what is shown."""

from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat.views import text
from bot.core.accounts import Account, Capability, Status
from bot.core.text import cut, escaped, is_web_url, plain
from bot.core.wording import Problem, say_state
from bot.useapi.directory import AccountSnapshot

GREEN = discord.Colour(0x2E9E5B)
AMBER = discord.Colour(0xE0A100)
ORANGE = discord.Colour(0xE8590C)
RED = discord.Colour(0xC92A2A)
GREY = discord.Colour(0x868E96)
NOT_REPORTED = "not reported"

_ANONYMOUS = {True: "yes", False: "no", None: NOT_REPORTED}
_BAR_CELLS = 10
_MOST_OTHER_FLAGS = 20


def _colour(account: Account, now: datetime) -> discord.Colour:
    if account.is_last_day(now) and account.error is None:
        return ORANGE
    return {
        Status.HEALTHY: GREEN,
        Status.EXPIRING: AMBER,
        Status.EXPIRED: RED,
        Status.ERROR: RED,
        Status.UNKNOWN: GREY,
    }[account.status(now)]


def _verdict(account: Account, now: datetime) -> str:
    when = format_dt(account.expires_at, "R") if account.expires_at else ""
    match account.status(now):
        case Status.HEALTHY:
            return f"🟢 **Healthy.** The login expires {when}."
        case Status.EXPIRING if account.is_last_day(now):
            return f"🟠 **Last day.** The login expires {when}. Renew it now."
        case Status.EXPIRING:
            return f"🟡 **Expiring.** The login expires {when}. Renew it before then."
        case Status.EXPIRED:
            return f"🔴 **Expired** {when}. Jobs of this account fail until the login is renewed."
        case Status.ERROR:
            return f"🔴 **In error:** {escaped(account.error or '', text.MAX_FIELD)}\nIf it stays, renew the login."
        case Status.UNKNOWN:
            return "⚪ **Expiry unknown.** useapi.net gives no expiry date for this login."


def _bar(share: float) -> str:
    filled = round(share * _BAR_CELLS)
    return f"{'▰' * filled}{'▱' * (_BAR_CELLS - filled)} {share:.0%} of its life left"


def _expiry(account: Account, now: datetime) -> str:
    if account.expires_at is None:
        return NOT_REPORTED
    lines = [f"{format_dt(account.expires_at, 'f')} ({format_dt(account.expires_at, 'R')})"]
    share = account.remaining_share(now)
    if share is not None:
        lines.append(_bar(share))
    return "\n".join(lines)


def _capability(capability: Capability) -> str:
    state = {True: "✅ {}", False: "❌ {} (no)", None: "❔ {} (not reported)"}[capability.supported]
    # No-break spaces: a line ends between two capabilities, not inside one.
    return state.format(escaped(capability.label, 64)).replace(" ", "\N{NO-BREAK SPACE}")


def _capabilities(account: Account) -> str:
    shown = account.capabilities[: 4 + _MOST_OTHER_FLAGS]
    return cut(" · ".join(map(_capability, shown)), text.MAX_FIELD) or NOT_REPORTED


def _shown(value: str | None, limit: int) -> str:
    return escaped(value or "", limit)


def _coded(value: str | None) -> str:
    return NOT_REPORTED if value is None else text.code(value, 80)


def account_card(reading: AccountSnapshot, now: datetime) -> discord.Embed:
    """Return the card of one account; times show in each reader's own zone."""
    account = reading.account
    card = discord.Embed(
        title=_shown(account.name, text.MAX_TITLE) or _shown(account.id, text.MAX_TITLE) or "(blank)",
        description=_verdict(account, now),
        colour=_colour(account, now),
        timestamp=reading.read_at,
    )
    if account.avatar_url and is_web_url(account.avatar_url):
        card.set_thumbnail(url=account.avatar_url)
    issued = format_dt(account.issued_at, "d") if account.issued_at else NOT_REPORTED
    card.add_field(name="Expires", value=_expiry(account, now), inline=False)
    card.add_field(name="Capabilities", value=_capabilities(account), inline=False)
    card.add_field(name="Account", value=text.code(account.id, 80))
    card.add_field(name="Anonymous", value=_ANONYMOUS[account.anonymous])
    card.add_field(name="Max jobs", value=NOT_REPORTED if account.max_jobs is None else str(account.max_jobs))
    card.add_field(name="Issued", value=issued)
    card.add_field(name="Host", value=_shown(account.host, 80) or NOT_REPORTED)
    card.add_field(name="Token", value=_coded(account.masked_token))
    if account.user_id not in (None, account.id):
        card.add_field(name="User id", value=_coded(account.user_id))
    card.set_footer(text="Read from useapi.net")
    return card


def problem_card(problem: Problem, reference: str) -> discord.Embed:
    """Return what a person is told when something went wrong, with the reference that finds it in the log."""
    lines = [problem.happened, f"**What to do:** {problem.advice}"]
    if problem.ids:
        more = f" and {problem.more_ids} more" if problem.more_ids else ""
        lines.append(", ".join(text.code(account_id, 80) for account_id in problem.ids) + more)
    card = discord.Embed(title=problem.title, description="\n\n".join(lines), colour=GREY)
    card.set_footer(text=f"Reference {reference}")
    return card


def problem_text(problem: Problem, reference: str) -> str:
    """Return the same in plain words."""
    return f"**{problem.title}.** {problem.happened} {problem.advice} (Reference {reference})"


def choice_label(account: Account, now: datetime) -> str:
    """Return the line that completion shows: id, name and state."""
    state = say_state(account, now)
    shown_id = plain(account.id, text.MAX_CHOICE)
    room = text.MAX_CHOICE - len(shown_id) - len(state) - 6
    name = plain(account.name, max(room, 1)) if account.name and account.name != account.id else ""
    return cut(" · ".join(filter(None, (shown_id, name, state))), text.MAX_CHOICE)
