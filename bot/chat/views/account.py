"""An account's card, and its line in completion."""

from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat.views import text
from bot.chat.views.components import Reply, account_view
from bot.core.accounts import Account, AccountSnapshot, Capability
from bot.core.status import Status
from bot.core.text import code, cut, escaped, is_web_url, plain
from bot.core.wording import say_state

NOT_REPORTED = "not reported"

_ANONYMOUS = {True: "yes", False: "no", None: NOT_REPORTED}
_BAR_CELLS = 10
_MAX_OTHER_FLAGS = 20


def account_reply(snapshot: AccountSnapshot, now: datetime) -> Reply:
    """Return the card of one account with its buttons."""
    return Reply([account_embed(snapshot, now)], account_view(snapshot.account.id))


def account_embed(snapshot: AccountSnapshot, now: datetime) -> discord.Embed:
    """Return the card of one account; times show in each reader's own zone."""
    account = snapshot.account
    embed = discord.Embed(
        title=escaped(account.name or "", text.MAX_TITLE) or escaped(account.id, text.MAX_TITLE) or "(blank)",
        description=_verdict(account, now),
        colour=account.status(now).style.colour,
        timestamp=snapshot.read_at,
    )
    if account.avatar_url and is_web_url(account.avatar_url):
        embed.set_thumbnail(url=account.avatar_url)
    issued = format_dt(account.issued_at, "d") if account.issued_at else NOT_REPORTED
    embed.add_field(name="Expires", value=_expiry(account, now), inline=False)
    embed.add_field(name="Capabilities", value=_capabilities(account), inline=False)
    embed.add_field(name="Account", value=code(account.id, 80))
    embed.add_field(name="Anonymous", value=_ANONYMOUS[account.anonymous])
    embed.add_field(name="Max jobs", value=NOT_REPORTED if account.max_jobs is None else str(account.max_jobs))
    embed.add_field(name="Issued", value=issued)
    embed.add_field(name="Host", value=escaped(account.host or "", 80) or NOT_REPORTED)
    embed.add_field(name="Token", value=_code(account.masked_token))
    if account.user_id not in (None, account.id):
        embed.add_field(name="User id", value=_code(account.user_id))
    embed.set_footer(text="Read from useapi.net")
    return embed


def _verdict(account: Account, now: datetime) -> str:
    when = format_dt(account.expires_at, "R") if account.expires_at else ""
    status = account.status(now)
    rest = {
        Status.HEALTHY: f".** The login expires {when}.",
        Status.LAST_DAY: f".** The login expires {when}. Renew it now.",
        Status.EXPIRING: f".** The login expires {when}. Renew it before then.",
        Status.EXPIRED: f"** {when}. Jobs of this account fail until the login is renewed.",
        Status.ERROR: f":** {escaped(account.error or '', text.MAX_FIELD)}\nIf it stays, renew the login.",
        Status.UNKNOWN: ".** useapi.net gives no expiry date for this login.",
    }
    return f"{status.style.emoji} **{status.style.word}{rest[status]}"


def _expiry(account: Account, now: datetime) -> str:
    if account.expires_at is None:
        return NOT_REPORTED
    lines = [f"{format_dt(account.expires_at, 'f')} ({format_dt(account.expires_at, 'R')})"]
    share = account.remaining_share(now)
    if share is not None:
        filled = round(share * _BAR_CELLS)
        lines.append(f"{'▰' * filled}{'▱' * (_BAR_CELLS - filled)} {share:.0%} of its life left")
    return "\n".join(lines)


def _capability(capability: Capability) -> str:
    state = {True: "✅ {}", False: "❌ {} (no)", None: "❔ {} (not reported)"}[capability.supported]
    # No-break spaces: a line ends between two capabilities, not inside one.
    return state.format(escaped(capability.label, 64)).replace(" ", "\N{NO-BREAK SPACE}")


def _capabilities(account: Account) -> str:
    shown = account.capabilities[: 4 + _MAX_OTHER_FLAGS]
    return cut(" · ".join(map(_capability, shown)), text.MAX_FIELD) or NOT_REPORTED


def _code(value: str | None) -> str:
    return NOT_REPORTED if value is None else code(value, 80)


def choice_label(account: Account, now: datetime) -> str:
    """Return the line that completion shows: id, name and state."""
    state = say_state(account, now)
    shown_id = plain(account.id, text.MAX_CHOICE)
    room = text.MAX_CHOICE - len(shown_id) - len(state) - 6
    name = plain(account.name, max(room, 1)) if account.name and account.name != account.id else ""
    return cut(" · ".join(filter(None, (shown_id, name, state))), text.MAX_CHOICE)
