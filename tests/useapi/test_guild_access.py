"""Only the listed servers see accounts."""

import pytest

from bot.errors import ServerNotListed
from bot.useapi.guild_access import GuildAccess
from tests.support.api import serve_directory


@pytest.mark.parametrize("guild_id", [None, 0, 3, -1])
async def test_other_servers_and_direct_messages_see_nothing(guild_id: int | None) -> None:
    """A server that is not listed, and a direct message, see no accounts."""
    async with serve_directory({}) as served:
        access = GuildAccess([1, 2], served.directory)
        with pytest.raises(ServerNotListed):
            access.directory_for(guild_id)


async def test_listed_servers_see_the_accounts_of_the_token() -> None:
    """Every listed server sees the same accounts."""
    async with serve_directory({}) as served:
        access = GuildAccess([1, 2, 2], served.directory)
        assert [access.directory_for(guild_id) for guild_id in (1, 2)] == [served.directory] * 2
        assert access.listed == {1, 2}
