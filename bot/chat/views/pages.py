"""Lists that are too long for one message: their pages, and the buttons that turn them."""

import re
from collections.abc import Sequence
from typing import Any, Self

import discord

from bot.chat.gateway.responder import Interaction, Reply
from bot.chat.views import text
from bot.core.text import cut

PAGE = 10
_PAGE_ID = re.compile(r"minimax:page:(?P<list>[a-z]{1,20}):(?P<page>\d{1,4})")


class PageButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=_PAGE_ID):
    """A button that turns to a page of a list."""

    def __init__(self, name: str, page: int, label: str = "") -> None:
        super().__init__(discord.ui.Button(label=label or "Turn", custom_id=f"minimax:page:{name}:{page}"))
        self.name, self.page = name, page

    @classmethod
    async def from_custom_id(
        cls, _interaction: discord.Interaction[Any], _item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Build the button that was pressed."""
        return cls(match["list"], int(match["page"]))

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Turn to the page."""
        await interaction.client.turn_page(interaction, self.name, self.page)


def may_turn(interaction: Interaction) -> bool:
    """Whether the presser may turn the page: of a private list, or as somebody who may manage the server."""
    # A private list was asked for by whoever sees it; Discord has let them.
    is_private = interaction.message is not None and interaction.message.flags.ephemeral
    return is_private or interaction.permissions.manage_guild


def clamp_page(count: int, page: int) -> int:
    """Return the page, or the nearest one that a list of so many blocks has."""
    return min(max(page, 0), (count - 1) // PAGE)


def paged_reply(name: str, card: discord.Embed, blocks: Sequence[str], page: int) -> Reply:
    """Return a card with one page of these blocks in it, with buttons to the pages around."""
    pages = _fill_pages(blocks)
    page = min(max(page, 0), len(pages) - 1)
    card.description = pages[page]
    if len(pages) == 1:
        return Reply([card])
    note = f"{card.footer.text} · " if card.footer.text else ""
    card.set_footer(text=f"{note}Page {page + 1} of {len(pages)}")
    return Reply([card], _view(name, page, len(pages)))


def _fill_pages(blocks: Sequence[str]) -> list[str]:
    """Return pages of up to ten blocks each, fewer where they are too long for one card."""
    pages: list[list[str]] = [[]]
    for block in blocks:
        if len(pages[-1]) == PAGE or len(_join([*pages[-1], block])) > text.MAX_DESCRIPTION:
            pages.append([])
        pages[-1].append(block)
    return [cut(_join(page), text.MAX_DESCRIPTION) for page in pages if page]


def _join(page: Sequence[str]) -> str:
    return "\n\n".join(page)


def _view(name: str, page: int, pages: int) -> discord.ui.View:
    view = discord.ui.View(timeout=None)
    if page > 0:
        view.add_item(PageButton(name, page - 1, "Previous"))
    if page + 1 < pages:
        view.add_item(PageButton(name, page + 1, "Next"))
    return view
