"""Which servers (guilds) the bot serves, and with which useapi.net token."""

from collections.abc import Collection

from bot.errors import ServerNotListed
from bot.useapi.directory import AccountDirectory


class GuildAccess:
    """Serves the listed servers only, all with the same token."""

    def __init__(self, listed: Collection[int], directory: AccountDirectory) -> None:
        self.listed = frozenset(listed)
        self._directory = directory

    def guild_of(self, guild_id: int | None) -> int:
        """Return the id of a listed server.

        Raises:
            ServerNotListed: the server is not listed, or there is none (a direct message).
        """
        if guild_id is None or guild_id not in self.listed:
            raise ServerNotListed("not a listed server")
        return guild_id

    def directory_for(self, guild_id: int | None) -> AccountDirectory:
        """Return the accounts that this server may see.

        Raises:
            ServerNotListed: the server is not listed, or there is none (a direct message).
        """
        self.guild_of(guild_id)
        return self._directory
