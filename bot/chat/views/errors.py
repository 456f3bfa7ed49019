"""What a person reads when something went wrong."""

import discord

from bot.core.status import GREY
from bot.core.text import code
from bot.errors import BotError

_MAX_IDS = 10


def error_embed(error: BotError, reference: str) -> discord.Embed:
    """Return an error in words, with the reference that finds it in the log."""
    lines = [error.text, f"**What to do:** {error.advice}"]
    if error.account_ids:
        more = f" and {len(error.account_ids) - _MAX_IDS} more" if len(error.account_ids) > _MAX_IDS else ""
        lines.append(", ".join(code(one, 80) for one in error.account_ids[:_MAX_IDS]) + more)
    embed = discord.Embed(title=error.title, description="\n\n".join(lines), colour=GREY)
    embed.set_footer(text=f"Reference {reference}")
    return embed


def error_text(error: BotError, reference: str) -> str:
    """Return an error in plain text, for when Discord refuses an embed."""
    return f"**{error.title}.** {error.text} {error.advice} (Reference {reference})"
