"""Tests of what is remembered of trouble."""

from bot.core.incidents import IncidentRule
from bot.store.database import Database
from bot.store.incidents import get_bad_since, get_open_incidents, record_incidents
from tests.support.store.samples import HOUR, NOW

RULE = IncidentRule(polls=2, over=HOUR)


async def follow(database: Database, hours: float, *, kind: str = "error", **bad: bool) -> dict[str, int]:
    """Follow trouble through a pass at this hour; returns the episodes that opened."""
    async with database.begin() as tx:
        return dict((await record_incidents(tx, kind, RULE, bad, NOW + hours * HOUR)).opened)


async def test_trouble_opens_once_its_rule_is_met(database: Database) -> None:
    """An episode opens after enough bad passes over enough time, once, for each account by itself."""
    assert await follow(database, 0, a=True, b=False) == {}
    assert await follow(database, 0.5, a=True, b=True) == {}
    assert await follow(database, 1, a=True, b=True) == {"a": 1}
    assert await follow(database, 2, a=True, b=True) == {"b": 1}
    assert await follow(database, 3, a=True, b=True) == {}


async def test_trouble_that_flaps_is_one_episode(database: Database) -> None:
    """Only after a good day does the same trouble count as new; before, it is the same one that goes on."""
    await follow(database, 0, a=True)
    assert await follow(database, 1, a=True) == {"a": 1}
    await follow(database, 2, a=False)
    assert await follow(database, 3, a=True) == {}
    assert await follow(database, 5, a=True) == {"a": 1}
    await follow(database, 6, a=False)
    await follow(database, 31, a=True)
    assert await follow(database, 32, a=True) == {"a": 2}


async def test_one_good_pass_starts_the_count_again(database: Database) -> None:
    """Bad passes count in a row only."""
    await follow(database, 0, a=True)
    await follow(database, 1, a=False)
    assert await follow(database, 2, a=True) == {}
    assert await follow(database, 3, a=True) == {"a": 1}


async def test_kinds_of_trouble_are_followed_apart(database: Database) -> None:
    """An account can be in two kinds of trouble, each with episodes of its own."""
    await follow(database, 0, a=True)
    await follow(database, 0, kind="gone", a=True)
    assert await follow(database, 1, a=True) == {"a": 1}
    assert await follow(database, 1, kind="gone", a=False) == {}
    assert await follow(database, 2, kind="gone", a=True) == {}


async def test_tells_when_an_episode_begins_ends_and_goes_on(database: Database) -> None:
    """Each turn of an episode is told, so that what was said of it can be put right; and whether it is open."""
    turns: list[object] = []
    for hour, is_bad in enumerate([True, True, True, False, True, True]):
        async with database.begin() as tx:
            turns.append((await record_incidents(tx, "error", RULE, {"a": is_bad}, NOW + hour * HOUR)).turned)
            turns.append(await get_open_incidents(tx))
    began = ended = {"a": 1}
    is_open = {("error", "a"): 1}
    assert turns == [{}, {}, began, is_open, {}, is_open, ended, {}, {}, {}, began, is_open]


async def test_knows_since_when_there_is_trouble(database: Database) -> None:
    """Trouble counts from the first bad pass, long before it is told of, and is over with the first good one."""
    seen = []
    for hour, is_bad in enumerate([True, True, False, True]):
        async with database.begin() as tx:
            await record_incidents(tx, "error", RULE, {"a": is_bad}, NOW + hour * HOUR)
            seen.append(await get_bad_since(tx, "error", "a"))
            assert await get_bad_since(tx, "gone", "a") is None
    assert seen == [NOW, NOW, None, NOW + 3 * HOUR]
