"""All accounts in one message, most urgent first: a list with pages, and the board of a channel."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import discord
from discord.utils import format_dt

from bot.chat.views.components import Reply, account_choice, fits_menu, overview_view
from bot.chat.views.pages import LINES, clamp_page
from bot.chat.views.reminder_list import NO_REMINDERS
from bot.core.accounts import Account
from bot.core.limits import MAX_DESCRIPTION
from bot.core.links import SETUP_GUIDE
from bot.core.messages import Action, Choice, OutgoingMessage
from bot.core.overview import Overview
from bot.core.status import GREY, Status
from bot.core.text import code, cut, escaped
from bot.core.wording import say_duration

# 25 lines of these parts fit into an embed.
_MAX_NAME = 44
_MAX_ID = 34
_MAX_ERROR = 23
_MUTED = "🔕"


def overview_reply(overview: Overview, page: int, now: datetime) -> Reply:
    """Return one page of the list, with a menu of its accounts."""
    ordered = overview.accounts
    page = clamp_page(len(ordered), page)
    pages = clamp_page(len(ordered), len(ordered)) + 1
    shown = ordered[page * LINES : (page + 1) * LINES]
    embed = _embed(overview)
    embed.description = "\n".join(_list_lines(shown, overview, now))
    if not shown:
        embed.description = f"Add your MiniMax accounts at [useapi.net]({SETUP_GUIDE}), then press **Check now**."
    position = [f"Page {page + 1} of {pages}"] if pages > 1 else []
    embed.set_footer(text=" · ".join([*_muted(shown, overview), *position, "Checked"]))
    embed.timestamp = overview.read_at
    return Reply([embed], overview_view(_choices(shown, overview, now), page, pages))


def render_board(overview: Overview, footer_id: str, now: datetime, interval: timedelta) -> tuple[OutgoingMessage, str]:
    """Return a board's message, and a digest of its content apart from the time of the read.

    `interval` is the time between two polls, each of which edits the board if something has changed.
    """
    ordered = overview.accounts
    shown, every = ordered[:LINES], say_duration(interval)
    lines = _list_lines(shown, overview, now)
    if len(ordered) > LINES:
        lines.append(f"and {len(ordered) - LINES} more: `/minimax-overview`")
    if not shown:
        lines = [f"Add your MiniMax accounts at [useapi.net]({SETUP_GUIDE}). They appear here within {every}."]
    embed, choices = _embed(overview), _choices(shown, overview, now)
    if not overview.is_confirmed:
        lines.append(f"⚪ useapi.net can't be read. Last checked {format_dt(overview.read_at, 'R')}.")
    digested = [str(embed.title), every, *lines]
    embed.description = cut("\n".join(lines), MAX_DESCRIPTION)
    muted = _muted(shown, overview)
    checked = "checked" if muted else "Checked"
    embed.set_footer(text=" · ".join([*muted, f"{checked} every {every}, edited on change", footer_id]))
    message = OutgoingMessage("", (embed.to_dict(),), actions=(Action.REFRESH_BOARD,), choices=choices)
    return message, hashlib.sha256(repr((digested, choices)).encode()).hexdigest()


def _embed(overview: Overview) -> discord.Embed:
    numbers: Counter[Status] = Counter()
    for status, number in overview.numbers.items():
        numbers[_confirmed(status, overview)] += number
    colour = next((status.style.colour for status in Status if status in numbers), GREY)
    return discord.Embed(title=_say_title(numbers, is_failing=bool(overview.failing)), colour=colour)


def _say_title(numbers: Counter[Status], *, is_failing: bool) -> str:
    """Return what matters most about accounts, so many of each status; `is_failing` if jobs of one fail."""
    total = numbers.total()
    if not total:
        return "No MiniMax accounts yet"
    need = "attention" if is_failing else "renewing"
    for count, one, several in (
        (sum(numbers[status] for status in Status if status.needs_renewal), f"needs {need}", f"need {need}"),
        (sum(numbers[status] for status in Status if status.is_soon), "expires soon", "expire soon"),
    ):
        if count:
            of = f"{count} of {total} accounts" if total > 1 else "The MiniMax account"
            return f"{of} {one if count == 1 else several}"
    if (fine := numbers[Status.HEALTHY]) == total:
        return f"All {fine} accounts are fine" if fine > 1 else "The MiniMax account is fine"
    return f"{fine} of {total} accounts are known to be fine"


def _status(account: Account, overview: Overview, now: datetime) -> Status:
    return _confirmed(overview.status_of(account, now), overview)


def _confirmed(status: Status, overview: Overview) -> Status:
    return Status.UNKNOWN if status is Status.EXPIRED and not overview.is_confirmed else status


def _list_lines(shown: Sequence[Account], overview: Overview, now: datetime) -> list[str]:
    lines = [_line(account, overview, now) for account in shown]
    # Once, in place of a sign on each line.
    return [*lines, f"{_MUTED} {NO_REMINDERS}"] if shown and not overview.reminded else lines


def _line(account: Account, overview: Overview, now: datetime) -> str:
    name = escaped(account.name or "", _MAX_NAME)
    subject = f"{f'**{name}** ' if name else ''}{code(account.id, _MAX_ID)}"
    is_muted = overview.reminded and account.id not in overview.reminded
    bell = f"\N{NO-BREAK SPACE}·\N{NO-BREAK SPACE}{_MUTED}" if is_muted else ""
    return f"{_status(account, overview, now).style.emoji} {subject} {_say_state(account, overview, now)}{bell}"


def _say_state(account: Account, overview: Overview, now: datetime) -> str:
    if account.error is not None:
        return f"error: {escaped(account.error, _MAX_ERROR)}"
    if account.id in overview.failing and not account.has_expired(now):
        return "jobs fail"
    if account.expires_at is None:
        return "no expiry date reported"
    when = format_dt(account.expires_at, "R")
    if not account.has_expired(now):
        return when
    return f"expired {when}" if overview.is_confirmed else f"should have expired {when}"


def _muted(shown: Sequence[Account], overview: Overview) -> list[str]:
    """Return what the sign at the end of a line means, if one of these lines has it."""
    is_shown = overview.reminded and any(account.id not in overview.reminded for account in shown)
    return [f"{_MUTED} no reminders"] if is_shown else []


def _choices(shown: Sequence[Account], overview: Overview, now: datetime) -> tuple[Choice, ...]:
    """Return the menu's choices; an account whose id is too long for one is left out."""
    fitting = [account for account in shown if fits_menu(account.id)]
    return tuple(account_choice(account, _status(account, overview, now).style.emoji) for account in fitting)
