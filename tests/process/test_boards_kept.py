"""A board is forgotten only if its channel is gone for a day, never on the word of one answer."""

from datetime import timedelta

from bot.store.boards import get_boards
from bot.store.database import open_database
from tests.support.process.deployment import Deployment, shortened
from tests.support.wire.payloads import CHANNEL_ID, GUILD_ID

_FAST = shortened(0.005)
_CHANNEL = int(CHANNEL_ID)


async def add_board(deployment: Deployment) -> None:
    """Add a board, after a first poll."""
    await deployment.discord.gateway.ready()
    await deployment.polls()
    await (await deployment.discord.use_board("add", _CHANNEL)).answer()
    await deployment.channels.message_in(_CHANNEL)


async def count_boards(deployment: Deployment) -> int:
    """Return how many boards the database has."""
    async with open_database(deployment.database_url) as database, database.begin() as tx:
        return len(await get_boards(tx, [GUILD_ID]))


async def test_one_answer_that_the_channel_is_gone(sqlite_deployment: Deployment) -> None:
    """After one refused edit, code 10003, the same board is edited."""
    sqlite_deployment.add_account()
    async with sqlite_deployment.run(_FAST):
        await add_board(sqlite_deployment)
        sqlite_deployment.discord.rest.fail("PATCH", f"/channels/{_CHANNEL}/", 404, code=10003, times=1)
        account = sqlite_deployment.add_account(days=30)
        edited = await sqlite_deployment.channels.edits.nth(1)
        assert account in str(edited["embeds"])
    assert await count_boards(sqlite_deployment) == 1
    assert len(sqlite_deployment.channels.seen_in(_CHANNEL)) == 1


async def test_a_channel_that_was_deleted(sqlite_deployment: Deployment) -> None:
    """The board of a deleted channel is forgotten after a day, across a restart, with a warning that names it."""
    sqlite_deployment.add_account(days=30)
    async with sqlite_deployment.run(_FAST) as bot:
        await add_board(sqlite_deployment)
        sqlite_deployment.channels.gone.add(_CHANNEL)
        sqlite_deployment.set_clock(timedelta(hours=25))
        await bot.says(f"There is no channel {_CHANNEL} of server {GUILD_ID}")
        await sqlite_deployment.polls()
    assert await count_boards(sqlite_deployment) == 1
    async with sqlite_deployment.run(_FAST) as bot:
        await sqlite_deployment.polls()
        sqlite_deployment.set_clock(timedelta(hours=50))
        await bot.says(f"is forgotten: no channel {_CHANNEL} of server {GUILD_ID}")
    assert await count_boards(sqlite_deployment) == 0
