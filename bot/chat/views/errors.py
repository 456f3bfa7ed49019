"""What a person reads when something went wrong: the cause as title, one sentence, one next step."""

import discord

from bot.core.accounts import Account
from bot.core.limits import MAX_TITLE
from bot.core.status import GREY
from bot.core.text import escaped
from bot.core.wording import say_full_name
from bot.errors import BotError

_MAX_SUGGESTIONS = 10


def error_embed(error: BotError, reference: str, *, may_see_accounts: bool = True) -> discord.Embed:
    """Return an error in words; for a fault of the bot, with the reference that finds it in the log.

    The suggested accounts are for people who may use the commands, and so `may_see_accounts`.
    """
    text = error.text if may_see_accounts or not error.suggestions else ""
    sentences = " ".join(filter(None, (text, _say_advice(error, reference))))
    if error.suggestions and may_see_accounts:
        listed = "\n".join(filter(None, (error.text, *_say_suggestions(error))))
        sentences = "\n\n".join(filter(None, (listed, error.advice)))
    return discord.Embed(title=escaped(error.title, MAX_TITLE), description=sentences, colour=GREY)


def error_text(error: BotError, reference: str) -> str:
    """Return an error in plain text, for when Discord refuses an embed."""
    parts = (f"**{escaped(error.title, MAX_TITLE)}.**", error.text, _say_advice(error, reference))
    return " ".join(filter(None, parts))


def _say_advice(error: BotError, reference: str) -> str:
    if not error.has_code:
        return error.advice
    return f"{error.advice} If it keeps happening, tell the bot's owner this code: `{reference}`"


def _say_suggestions(error: BotError) -> list[str]:
    """Return a line for each of the first accounts, and one for the rest."""
    lines = [
        f"• {say_full_name(Account(account_id, name or None))}"
        for name, account_id in error.suggestions[:_MAX_SUGGESTIONS]
    ]
    if len(error.suggestions) > _MAX_SUGGESTIONS:
        lines.append(f"and {len(error.suggestions) - _MAX_SUGGESTIONS} more: `/minimax-overview`")
    return lines
