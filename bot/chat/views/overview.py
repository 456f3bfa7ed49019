"""All accounts in one message: a paged list for whoever asks, and a board that a channel keeps."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import discord
from discord.utils import format_dt

from bot.chat.gateway.responder import Reply
from bot.chat.views import text
from bot.chat.views.account import AMBER, GREEN, GREY, ORANGE, RED
from bot.chat.views.account_menu import accounts_view
from bot.chat.views.pages import PAGE, clamp_page, paged_reply
from bot.core.accounts import Account, Status
from bot.core.text import cut, escaped, plain
from bot.core.wording import say_count
from bot.reminders.context import Payload
from bot.reminders.overview import Overview

# So many fit into a card, and into its menu.
MAX_LINES = 25
MAX_VALUE = 64
_MAX_NAME = 56
_MAX_ID = 34
_MAX_CAPABILITIES = 90
_MAX_ERROR = 72
_MOST_CHANNELS = 3
_DOTS = {Status.HEALTHY: "🟢", Status.EXPIRING: "🟡", Status.EXPIRED: "🔴", Status.ERROR: "🔴", Status.UNKNOWN: "⚪"}
# The worst first.
_COLOURS = {"🔴": RED, "🟠": ORANGE, "🟡": AMBER, "⚪": GREY, "🟢": GREEN}


def list_reply(overview: Overview, page: int, now: datetime) -> Reply:
    """Return one page of the list, with a menu of its accounts."""
    card = _card(overview, overview.accounts, now)
    card.timestamp = overview.read_at
    card.set_footer(text="Read from useapi.net")
    if not overview.accounts:
        card.description = _say_none()
        return Reply([card], accounts_view([], 0))
    page = clamp_page(len(overview.accounts), page)
    reply = paged_reply("accounts", card, [_block(account, overview, now) for account in overview.accounts], page)
    shown = overview.accounts[page * PAGE : (page + 1) * PAGE]
    return Reply(reply.cards, accounts_view(_options(shown, overview, now), page, reply.view))


def render_board(overview: Overview, footer_id: str, now: datetime) -> tuple[Payload, str]:
    """Return a board's message, and a digest of what it shows apart from the time at which that was read."""
    shown = overview.accounts[:MAX_LINES]
    lines = [_line(account, overview, now) for account in shown] or [_say_none()]
    if len(overview.accounts) > MAX_LINES:
        lines.append(f"and {len(overview.accounts) - MAX_LINES} more: `/minimax-accounts`")
    card = _card(overview, shown, now)
    when = format_dt(overview.read_at, "f")
    if overview.is_confirmed:
        telemetry = [f"As of {when}. Edited when something changes."]
        lines_that_count = lines
    else:
        telemetry = [f"⚪ Not confirmed since {when}: useapi.net can't be read."]
        lines_that_count = lines + telemetry
    card.description = cut("\n".join([*lines, "", *telemetry]), text.MAX_DESCRIPTION)
    card.set_footer(text=f"{_explain_bell(shown, overview)}Read from useapi.net · {footer_id}")
    options = _options(shown, overview, now)
    payload = {"content": "", "embeds": [card.to_dict()], "roles": [], "options": options}
    return payload, hashlib.sha256(repr((lines_that_count, options)).encode()).hexdigest()


def _card(overview: Overview, shown: Sequence[Account], now: datetime) -> discord.Embed:
    dots = {_dot(account, overview, now) for account in shown}
    colour = next((colour for dot, colour in _COLOURS.items() if dot in dots), GREY)
    title = say_count(len(overview.accounts), "MiniMax account") if overview.accounts else "MiniMax accounts"
    return discord.Embed(title=title, colour=colour)


def _say_none() -> str:
    return "No account is set up at useapi.net."


def _dot(account: Account, overview: Overview, now: datetime) -> str:
    status = account.status(now)
    if status is Status.EXPIRED and not overview.is_confirmed:
        return "⚪"
    if status is Status.EXPIRING and account.is_last_day(now):
        return "🟠"
    return _DOTS[status]


def _heading(account: Account, overview: Overview, now: datetime) -> str:
    name = escaped(account.name or "", _MAX_NAME)
    shown_id = text.code(account.id, _MAX_ID)
    return f"{_dot(account, overview, now)} {f'**{name}** ' if name else ''}{shown_id}"


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
    bell = "" if overview.heard[account.id] else " · 🔕"
    return f"{_heading(account, overview, now)} · {state}{bell}"


def _explain_bell(shown: Sequence[Account], overview: Overview) -> str:
    return "" if all(overview.heard[account.id] for account in shown) else "🔕 nobody is told · "


def _block(account: Account, overview: Overview, now: datetime) -> str:
    state = _expiry(account, overview, now)
    if account.error is not None:
        state = f"in error: {escaped(account.error, _MAX_ERROR)}"
    names = ", ".join(escaped(one.label, 40) for one in account.capabilities if one.supported)
    capable = cut(names, _MAX_CAPABILITIES) or "No capability reported"
    return f"{_heading(account, overview, now)}\n{state[:1].upper()}{state[1:]}\n{capable} · {_say_told(account, overview)}"


def _say_told(account: Account, overview: Overview) -> str:
    channels = overview.heard[account.id]
    if not channels:
        return "🔕 nobody is told"
    more = f" and {len(channels) - _MOST_CHANNELS} more" if len(channels) > _MOST_CHANNELS else ""
    return f"🔔 {', '.join(f'<#{channel_id}>' for channel_id in channels[:_MOST_CHANNELS])}{more}"


def _options(shown: Sequence[Account], overview: Overview, now: datetime) -> list[dict[str, Any]]:
    """Return the menu's choices as JSON; an account whose id is too long for one is left out."""
    fitting = [account for account in shown if account.id.strip() and len(account.id) <= MAX_VALUE]
    return [_option(account, _dot(account, overview, now)) for account in fitting]


def _option(account: Account, dot: str) -> dict[str, Any]:
    shown_id = plain(account.id, text.MAX_CHOICE) or "(blank)"
    name = plain(account.name or "", text.MAX_CHOICE)
    option = {"label": name or shown_id, "value": account.id, "emoji": dot}
    return option | ({"description": shown_id} if name else {})
