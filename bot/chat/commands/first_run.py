"""Shows the first steps with the first answer in a server that has no reminder."""

import asyncio

from bot.chat.gateway.responder import Interaction
from bot.chat.views.components import Reply
from bot.chat.views.first_run import with_welcome
from bot.errors import BotError
from bot.reminders.context import Context
from bot.store.accounts import count_accounts
from bot.store.subscriptions import get_subscriptions

# Part of the time in which an answer needs no deferral.
_LOAD_SECONDS = 0.5
# It takes the first step.
_FIRST_STEP = "minimax-reminders add"


class FirstRun:
    """Adds the first steps to one answer a server, while this process runs."""

    def __init__(self, context: Context) -> None:
        self._context = context
        # The servers that need no welcome: they got it, or have reminders.
        self.welcomed: set[int] = set()

    async def extend(self, interaction: Interaction, reply: Reply) -> Reply:
        """Return the answer to a command, with the first steps if it is the first one for somebody who can take them.

        An answer that everybody sees stays as it is.
        """
        guild_id = interaction.guild_id
        if guild_id is None or guild_id in self.welcomed or not interaction.permissions.manage_guild:
            return reply
        command = interaction.command.qualified_name if interaction.command else _FIRST_STEP
        if command == _FIRST_STEP or getattr(interaction.namespace, "share", None) == "yes":
            return reply
        # Another command of the same moment shows them only if this one can't.
        self.welcomed.add(guild_id)
        try:
            async with asyncio.timeout(_LOAD_SECONDS), self._context.database.begin() as tx:
                has_reminders = bool(await get_subscriptions(tx, guild_id))
                accounts = 0 if has_reminders else await count_accounts(tx)
        except (BotError, TimeoutError):
            # The answer itself does not need the database.
            self.welcomed.discard(guild_id)
            return reply
        user = interaction.client.user
        return reply if has_reminders else with_welcome(reply, accounts, user.name if user else "MiniMax Bot")
