"""Tests of weeks: whole lives over two renewals, several channels and servers, and servers that come and go."""

from datetime import timedelta

from bot.running import Application, Policy
from tests.world import World


async def relist(world: World, *guild_ids: int) -> None:
    """Restart the bot with these servers listed."""
    policy = Policy(timedelta(minutes=30), (14, 7, 3, 1))
    world.application = Application(
        world.application.directory, world.database, guild_ids=guild_ids, policy=policy, now=world.env.now
    )
    await world.env.restart_bot(world.application.bot)
