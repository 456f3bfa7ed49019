"""All accounts in one message: a list with pages, and the board of a channel."""

import hashlib
from collections.abc import Sequence
from datetime import datetime

import discord
from discord.utils import format_dt

from bot.chat.views import text
from bot.chat.views.components import Reply, overview_view
from bot.chat.views.pages import PAGE, clamp_page, fill_pages, show_page
from bot.core.accounts import Account
from bot.core.messages import Action, Choice, OutgoingMessage
from bot.core.overview import Overview
from bot.core.status import GREY, Status
from bot.core.text import code, cut, escaped, plain
from bot.core.wording import say_count

# So many fit into an embed, and into its menu.
MAX_LINES = 25
_MAX_NAME = 56
_MAX_ID = 34
_MAX_CAPABILITIES = 90
_MAX_ERROR = 72
_MAX_CHANNELS = 3
_NO_ACCOUNTS = "No account is set up at useapi.net."


def overview_reply(overview: Overview, page: int, now: datetime) -> Reply:
    """Return one page of the list, with a menu of its accounts."""
    embed = _embed(overview, overview.accounts, now)
    embed.timestamp = overview.read_at
    embed.set_footer(text="Read from useapi.net")
    if not overview.accounts:
        embed.description = _NO_ACCOUNTS
        return Reply([embed], overview_view([], 0, 1))
    pages = fill_pages([_block(account, overview, now) for account in overview.accounts])
    page = show_page(embed, pages, clamp_page(len(overview.accounts), page))
    shown = overview.accounts[page * PAGE : (page + 1) * PAGE]
    return Reply([embed], overview_view(_choices(shown, overview, now), page, len(pages)))


def render_board(overview: Overview, footer_id: str, now: datetime) -> tuple[OutgoingMessage, str]:
    """Return a board's message, and a digest of its content apart from the time of the read."""
    shown = overview.accounts[:MAX_LINES]
    lines = [_line(account, overview, now) for account in shown] or [_NO_ACCOUNTS]
    if len(overview.accounts) > MAX_LINES:
        lines.append(f"and {len(overview.accounts) - MAX_LINES} more: `/minimax-accounts`")
    when = format_dt(overview.read_at, "f")
    choices = _choices(shown, overview, now)
    if overview.is_confirmed:
        note = f"As of {when}. Edited when something changes."
        digested = lines
    else:
        note = f"⚪ Not confirmed since {when}: useapi.net can't be read."
        digested = [*lines, note]
    embed = _embed(overview, shown, now)
    embed.description = cut("\n".join([*lines, "", note]), text.MAX_DESCRIPTION)
    bell = "" if all(overview.channels[account.id] for account in shown) else "🔕 no reminder · "
    embed.set_footer(text=f"{bell}Read from useapi.net · {footer_id}")
    message = OutgoingMessage("", (embed.to_dict(),), actions=(Action.REFRESH_BOARD,), choices=choices)
    return message, hashlib.sha256(repr((digested, choices)).encode()).hexdigest()


def _embed(overview: Overview, shown: Sequence[Account], now: datetime) -> discord.Embed:
    present = {_status(account, overview, now) for account in shown}
    colour = next((status.style.colour for status in Status if status in present), GREY)
    title = say_count(len(overview.accounts), "MiniMax account") if overview.accounts else "MiniMax accounts"
    return discord.Embed(title=title, colour=colour)


def _status(account: Account, overview: Overview, now: datetime) -> Status:
    status = account.status(now)
    return Status.UNKNOWN if status is Status.EXPIRED and not overview.is_confirmed else status


def _heading(account: Account, overview: Overview, now: datetime) -> str:
    name = escaped(account.name or "", _MAX_NAME)
    emoji = _status(account, overview, now).style.emoji
    return f"{emoji} {f'**{name}** ' if name else ''}{code(account.id, _MAX_ID)}"


def _expiry(account: Account, overview: Overview, now: datetime, *, is_brief: bool = False) -> str:
    if account.expires_at is None:
        return "expiry unknown"
    date, distance = format_dt(account.expires_at, "f"), format_dt(account.expires_at, "R")
    when = distance if is_brief else f"{date} ({distance})"
    if account.expires_at > now:
        return f"expires {when}"
    return f"expired {when}" if overview.is_confirmed else f"was due to expire {date}"


def _line(account: Account, overview: Overview, now: datetime) -> str:
    state = "in error" if account.error is not None else _expiry(account, overview, now, is_brief=True)
    bell = "" if overview.channels[account.id] else " · 🔕"
    return f"{_heading(account, overview, now)} · {state}{bell}"


def _block(account: Account, overview: Overview, now: datetime) -> str:
    state = _expiry(account, overview, now)
    if account.error is not None:
        state = f"in error: {escaped(account.error, _MAX_ERROR)}"
    names = ", ".join(escaped(one.label, 40) for one in account.capabilities if one.supported)
    capable = cut(names, _MAX_CAPABILITIES) or "No capability reported"
    channels = _say_channels(overview.channels[account.id])
    return f"{_heading(account, overview, now)}\n{state[:1].upper()}{state[1:]}\n{capable} · {channels}"


def _say_channels(channels: Sequence[int]) -> str:
    if not channels:
        return "🔕 no reminder"
    more = f" and {len(channels) - _MAX_CHANNELS} more" if len(channels) > _MAX_CHANNELS else ""
    return f"🔔 {', '.join(f'<#{channel_id}>' for channel_id in channels[:_MAX_CHANNELS])}{more}"


def _choices(shown: Sequence[Account], overview: Overview, now: datetime) -> tuple[Choice, ...]:
    """Return the menu's choices; an account whose id is too long for one is left out."""
    fitting = [account for account in shown if account.id.strip() and len(account.id) <= text.MAX_ACCOUNT_ID]
    return tuple(_choice(account, _status(account, overview, now).style.emoji) for account in fitting)


def _choice(account: Account, emoji: str) -> Choice:
    shown_id = plain(account.id, text.MAX_CHOICE) or "(blank)"
    name = plain(account.name or "", text.MAX_CHOICE)
    return Choice(account.id, name or shown_id, emoji, shown_id if name else "")
