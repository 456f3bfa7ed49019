"""Lists that are too long for one message."""

from collections.abc import Sequence

import discord

from bot.chat.views import text
from bot.chat.views.components import Reply, pages_view
from bot.core.text import cut

PAGE = 10


def clamp_page(count: int, page: int) -> int:
    """Return the page, or the nearest one that a list of so many blocks has."""
    return min(max(page, 0), max(0, count - 1) // PAGE)


def fill_pages(blocks: Sequence[str]) -> list[str]:
    """Return pages of up to ten blocks each, fewer where they are too long for one embed."""
    pages: list[list[str]] = [[]]
    for block in blocks:
        if len(pages[-1]) == PAGE or len(_join([*pages[-1], block])) > text.MAX_DESCRIPTION:
            pages.append([])
        pages[-1].append(block)
    return [cut(_join(page), text.MAX_DESCRIPTION) for page in pages if page]


def show_page(embed: discord.Embed, pages: Sequence[str], page: int) -> int:
    """Put a page, or the nearest one there is, into an embed; return its number."""
    page = min(max(page, 0), len(pages) - 1)
    embed.description = pages[page]
    if len(pages) > 1:
        note = f"{embed.footer.text} · " if embed.footer.text else ""
        embed.set_footer(text=f"{note}Page {page + 1} of {len(pages)}")
    return page


def paged_reply(name: str, embed: discord.Embed, blocks: Sequence[str], page: int) -> Reply:
    """Return an embed with one page of these blocks in it, and the buttons that turn the pages of this list."""
    pages = fill_pages(blocks)
    page = show_page(embed, pages, page)
    return Reply([embed], pages_view(name, page, len(pages)))


def _join(page: Sequence[str]) -> str:
    return "\n\n".join(page)
