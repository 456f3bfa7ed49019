"""What a server sees before it has a reminder: three steps, and a button that takes the first one."""

from dataclasses import replace

import discord

from bot.chat.views.components import Reply, joined_view, welcome_view
from bot.core.status import GREEN
from bot.core.wording import say_count


def with_welcome(reply: Reply, accounts: int, bot_name: str) -> Reply:
    """Return an answer with the first steps below it; `accounts` are those that the bot knows, 0 for none yet."""
    embeds = [*reply.embeds, welcome_embed(accounts, bot_name)]
    return replace(reply, embeds=embeds, view=joined_view(reply.view, welcome_view()))


def welcome_embed(accounts: int, bot_name: str) -> discord.Embed:
    """Return the first steps in words."""
    watched = f"your {say_count(accounts, 'MiniMax account')}" if accounts else "your MiniMax accounts"
    others = f"Let others use them in Server Settings → Integrations → {bot_name}."
    lines = (
        f"I watch {watched} and warn you before a login expires.",
        "",
        "**1.** `/minimax-reminders add`: choose a channel and whom to ping",
        "**2.** `/minimax-board add`: keep a live overview in a channel",
        "**3.** `/minimax-account`: look up one account",
        "",
        f"Only members with **Manage Server** see these commands. {others}",
    )
    return discord.Embed(title=f"👋 {bot_name} is ready", description="\n".join(lines), colour=GREEN)
