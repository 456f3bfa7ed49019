"""*Credits & jobs*, a button on an account's card."""

import logging

from bot.chat.gateway.responder import Interaction
from bot.chat.gateway.router import component
from bot.chat.rest.permissions import ensure_is_manager
from bot.chat.views.components import Reply
from bot.chat.views.usage import usage_reply
from bot.core.accounts import Account, AccountSnapshot
from bot.core.credits import Credits
from bot.core.notifications import Kind
from bot.errors import BotError, StaleButton, Stopping, StoreError
from bot.reminders.context import Context
from bot.store.accounts import get_snapshots
from bot.useapi.usage import log_failure

_LOG = logging.getLogger(__name__)


class UsageButton:
    """Handles the button."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @component("usage")
    async def show(self, interaction: Interaction, account_id: str) -> Reply:
        """Show an account's credits, which are read from MiniMax, and its jobs, privately."""
        if not account_id:
            raise StaleButton("no account")
        usage = self._context.access.directory_for(interaction.guild_id).usage
        # Discord shows the button to everybody who sees the card, and each press may cost a call to MiniMax.
        ensure_is_manager(interaction)
        found: Credits | BotError
        try:
            found = await usage.read_credits(account_id)
        except Stopping:
            raise
        except BotError as error:
            log_failure(error, "the credits of an account")
            found = error
        now, known = self._context.now(), await self._load(account_id)
        account = known.account if known is not None else Account(account_id)
        has_incident = known is not None and known.has_incident(Kind.FAILING)
        return usage_reply(account, found, usage.jobs_of(account_id), now, has_incident=has_incident)

    async def _load(self, account_id: str) -> AccountSnapshot | None:
        """Return the account as it was last read, None if that is not known."""
        try:
            async with self._context.database.begin() as tx:
                return (await get_snapshots(tx, {account_id})).get(account_id)
        except StoreError as error:
            _LOG.warning("An answer about credits lacks the account's name: %s", error)
            return None
