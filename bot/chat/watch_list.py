"""The watches of a server as people see them: in words, and as a list with pages."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import discord
from discord.utils import format_dt

from bot.chat import text
from bot.chat.cards import GREEN, GREY
from bot.chat.replies import Reply
from bot.core.text import cut, plain
from bot.core.wording import say_count
from bot.reminding.planning import Upcoming
from bot.store.deliveries import Target
from bot.store.tables import ALL_ACCOUNTS
from bot.store.watches import NewWatch, Watch

ALL_LABEL = "All accounts"
PAGE = 10
_NOTHING = "none that is known yet"


def say_subject(watch: NewWatch) -> str:
    """Return which accounts a watch is for."""
    return ALL_LABEL if watch.account_id == ALL_ACCOUNTS else f"Account {plain(watch.account_id, 64)}"


def say_terms(watch: NewWatch) -> str:
    """Return a watch in words: what is watched, where it is told, when, and whom it mentions."""
    days = ", ".join(map(str, watch.days))
    mention = f", mentions <@&{watch.role_id}>" if watch.role_id else ""
    unit = "day" if watch.days == (1,) else "days"
    subject = text.escaped(say_subject(watch), 80)
    return f"{subject} in <#{watch.channel_id}>: {days} {unit} before, and when expired{mention}"


def say_next(upcoming: Upcoming | None, now: datetime) -> str:
    """Return when the next reminder comes."""
    if upcoming is None:
        return _NOTHING
    if upcoming.at <= now:
        return "now"
    when = "when it expires" if upcoming.step == 0 else f"{say_count(upcoming.step, 'day')} before"
    return f"{when}, on {format_dt(upcoming.at, 'f')}"


def added_card(watch: Watch, replaced: Watch | None, comes_next: str) -> discord.Embed:
    """Return what is shown once a watch is stored."""
    lines = [say_terms(watch)]
    if replaced is not None:
        lines.append(f"Before: {say_terms(replaced)}")
    lines.append(f"Next reminder: {comes_next}")
    title = "Reminder changed" if replaced else "Reminder added"
    return discord.Embed(title=title, description="\n".join(lines), colour=GREEN)


def moment_of(upcoming: Mapping[int, Upcoming], watch: Watch) -> float:
    """Return the time of a watch's next reminder, for sorting; 0.0 if there is none."""
    found = upcoming.get(watch.id)
    return found.at.timestamp() if found else 0.0


def _state(watch: Watch, troubles: Mapping[int, Target], links: Mapping[int, int | None]) -> str:
    trouble = troubles.get(watch.channel_id)
    if trouble is not None:
        reason = text.escaped(trouble.reason, 80)
        return f"⚠️ the channel refuses ({reason}), next try {format_dt(trouble.next_try_at, 'R')}"
    message_id = links.get(watch.channel_id)
    if message_id is None:
        return "nothing said yet"
    return f"[last reminder](https://discord.com/channels/{watch.guild_id}/{watch.channel_id}/{message_id})"


def list_reply(
    watches: Sequence[Watch],
    page: int,
    comes_next: Mapping[int, str],
    troubles: Mapping[int, Target],
    links: Mapping[int, int | None],
) -> Reply:
    """Return one page of the list, with buttons to the others."""
    if not watches:
        line = "Nobody is told yet. Add a reminder with `/minimax-reminders add`."
        return Reply([discord.Embed(title="Reminders", description=line, colour=GREY)])
    pages = (len(watches) - 1) // PAGE + 1
    page = min(max(page, 0), pages - 1)
    blocks = [
        f"**{say_terms(watch)}**\nNext: {comes_next.get(watch.id, _NOTHING)} · {_state(watch, troubles, links)}"
        for watch in watches[page * PAGE : (page + 1) * PAGE]
    ]
    card = discord.Embed(title="Reminders", description=cut("\n\n".join(blocks), text.MAX_DESCRIPTION), colour=GREEN)
    card.set_footer(text=f"Page {page + 1} of {pages}")
    return Reply([card], _pages_view(page, pages) if pages > 1 else None)


_PAGE_ID = re.compile(r"minimax:watches:(?P<page>\d{1,4})")


class PageButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=_PAGE_ID):
    """A button that turns to a page of the list."""

    def __init__(self, page: int, label: str = "") -> None:
        super().__init__(discord.ui.Button(label=label or "Turn", custom_id=f"minimax:watches:{page}"))
        self.page = page

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Build the button that was pressed."""
        return cls(int(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Turn to the page."""
        await interaction.client.reminders.turn_page(interaction, self.page)


def _pages_view(page: int, pages: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    if page > 0:
        view.add_item(PageButton(page - 1, "Previous"))
    if page + 1 < pages:
        view.add_item(PageButton(page + 1, "Next"))
    return view
