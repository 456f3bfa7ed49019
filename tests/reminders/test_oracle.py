"""Sixty days of thirty accounts, on PostgreSQL twenty, judged by an oracle that knows the rules and not the code.

More worlds by hand: `python -m pytest tests/reminders/test_oracle.py --hypothesis-profile=long`.
"""

import pytest
from hypothesis import settings

from tests.support.oracle.world import World

SEEDS = range(max(1, settings().max_examples // 100))


@pytest.mark.parametrize("seed", SEEDS)
async def test_channels_hear_what_they_must_and_nothing_else(migrated_url: str, seed: int) -> None:
    """Each message of each poll is one that the rules ask for, none is missing, and it mentions the right people."""
    # Another world on each kind of database, and a shorter one where each statement takes longer.
    is_server = migrated_url.startswith("postgresql")
    world = World(migrated_url, 2 * seed + is_server, days=20 if is_server else 60)
    await world.live()
    # The promises are worth checking only over the whole time.
    if complaints := world.court.complaints or world.broken_promises():
        pytest.fail("\n".join(["the messages differ from the rules:", *complaints]), pytrace=False)
    assert sum(len(channel.posts) for channel in world.kit.channels.by_id.values()) > 30
    assert not world.kit.errors.messages, world.kit.errors.messages[0]
