"""Which useapi.net token serves which Discord server."""

from collections.abc import Collection

from bot.errors import ServerNotListed
from bot.useapi.directory import AccountDirectory


class GuildAccess:
    """The one place that decides it: today one token, for the listed servers only."""

    def __init__(self, listed: Collection[int], directory: AccountDirectory) -> None:
        self.listed = frozenset(listed)
        self._directory = directory

    def directory_for(self, guild_id: int | None) -> AccountDirectory:
        """Return the accounts this server may see.

        Raises:
            ServerNotListed: the server is not listed, or there is none (a direct message).
        """
        if guild_id not in self.listed:
            raise ServerNotListed("not a listed server")
        return self._directory
