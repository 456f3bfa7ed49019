"""Lists that are too long for one message."""

from collections.abc import Sequence
from dataclasses import dataclass

import discord

from bot.core.limits import MAX_DESCRIPTION
from bot.core.text import cut

# So many fit into an embed, and into a menu.
LINES = 25


def clamp_page(count: int, page: int, size: int = LINES) -> int:
    """Return the page, or the nearest one that a list of so many items has."""
    return min(max(page, 0), max(0, count - 1) // size)


def fill_pages(blocks: Sequence[str], *, size: int, between: str = "\n", room: int = MAX_DESCRIPTION) -> list[str]:
    """Return pages of up to so many blocks each, fewer where they are too long for one embed.

    `room` is how many characters a page may have.
    """
    pages: list[list[str]] = [[]]
    for block in blocks:
        if len(pages[-1]) == size or len(between.join([*pages[-1], block])) > room:
            pages.append([])
        pages[-1].append(block)
    return [cut(between.join(page), room) for page in pages if page]


@dataclass(frozen=True, slots=True)
class Page:
    """An embed that shows one of so many pages, without the buttons, which are made in the event loop only."""

    embed: discord.Embed
    number: int = 0
    count: int = 1


def show_page(embed: discord.Embed, pages: Sequence[str], number: int) -> Page:
    """Put a page, or the nearest one there is, into an embed."""
    number = min(max(number, 0), len(pages) - 1)
    return show_text(embed, pages[number], number, len(pages))


def show_text(embed: discord.Embed, text: str, number: int, count: int) -> Page:
    """Put the text of a page into an embed."""
    embed.description = text
    if count > 1:
        note = f"{embed.footer.text} · " if embed.footer.text else ""
        embed.set_footer(text=f"{note}Page {number + 1} of {count}")
    return Page(embed, number, count)
