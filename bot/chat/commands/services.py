"""What every command of the reminders works with."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.chat.gateway.responder import Interaction, Responder
from bot.errors import CannotRemind, NotAllowed
from bot.reminders.context import Sender
from bot.store.database import Database
from bot.store.subscriptions import Subscription, get_subscription
from bot.useapi.guild_access import GuildAccess

_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Services:
    """The parts that commands share; `wake` lets the next pass come soon."""

    guild_access: GuildAccess
    responder: Responder
    database: Database
    sender: Sender
    wake: Callable[[], None]
    default_days: tuple[int, ...]
    now: Callable[[], datetime]

    def server_of(self, interaction: Interaction) -> int:
        """Return the id of the listed server that somebody asks in.

        Raises:
            ServerNotListed: it is none.
        """
        self.guild_access.directory_for(interaction.guild_id)
        assert interaction.guild_id is not None
        return interaction.guild_id

    async def find_subscription(self, interaction: Interaction, subscription_id: str) -> Subscription:
        """Return the watch of this server that was picked.

        Raises:
            CannotRemind: there is none.
        """
        guild_id = self.server_of(interaction)
        # What is typed instead of picked is text; a database's number has up to 18 digits.
        is_id = subscription_id.isascii() and subscription_id.isdigit() and len(subscription_id) <= _MOST_DIGITS
        async with self.database.begin() as tx:
            subscription = await get_subscription(tx, guild_id, int(subscription_id)) if is_id else None
        if subscription is None:
            raise CannotRemind("There is no such reminder in this server.", "Pick one that completion offers.")
        return subscription


def ensure_manages(interaction: Interaction) -> None:
    """Let only those go on who may manage the server; for buttons, which Discord shows to everybody.

    Raises:
        NotAllowed: the presser may not.
    """
    if not interaction.permissions.manage_guild:
        raise NotAllowed("Manage Server is needed")
