"""Commands change subscriptions on a connection of their own while a poll is between its load and its save."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notifications import Kind
from bot.core.subscriptions import NewSubscription, Subscription
from bot.reminders.planning import Plan, delete_unwanted, draw_up_plan, load_situation, save_plan
from bot.reminders.recording import record_reading
from bot.store.database import Database, open_database
from bot.store.notifications import get_pending
from bot.store.subscriptions import delete_subscription, get_subscriptions, put_subscription, set_paused
from tests.support.databases import give_back, take_postgres
from tests.support.engine.polls import open_polls
from tests.support.postgres import Postgres
from tests.support.store.samples import CHANNEL, DAY, GUILD, NOW, account, new_subscription
from tests.support.store.waiting import until_blocked

ACCOUNT = account(expires_at=NOW + 10 * DAY)
Change = Callable[[AsyncConnection, list[Subscription]], Awaitable[object]]


@pytest.fixture
async def url(postgres: Postgres) -> AsyncIterator[str]:
    """Return the address of an empty PostgreSQL database."""
    taken = await take_postgres(postgres)
    yield taken
    await give_back(postgres, taken)


@pytest.fixture
async def poll(url: str) -> AsyncIterator[Database]:
    """Open the database as a poll does; an account is known by then."""
    async with open_database(url) as opened:
        async with opened.begin() as tx:
            await record_reading(tx, {ACCOUNT.id: ACCOUNT}, NOW)
        yield opened


@pytest.fixture
async def command(url: str) -> AsyncIterator[Database]:
    """Open the same database as another process does."""
    async with open_database(url) as opened:
        yield opened


def wish(account_id: str | None, *lead_times: int) -> NewSubscription:
    """Return a subscription with these lead times."""
    return replace(new_subscription(account_id), lead_times=lead_times)


async def subscribe(database: Database, *wishes: NewSubscription) -> None:
    """Save subscriptions."""
    async with database.begin() as tx:
        for one in wishes:
            await put_subscription(tx, one)


async def draw_up(database: Database) -> Plan:
    """Load what there is, and return what the poll is about to save."""
    async with database.begin() as tx:
        situation = await load_situation(tx, {GUILD}, NOW)
    return await draw_up_plan(situation, NOW)


async def save(database: Database, plan: Plan) -> list[int | None]:
    """Save a plan; return the stages that are pending then."""
    async with database.begin() as tx:
        await save_plan(tx, plan, NOW)
        return [one.stage for one in await get_pending(tx, CHANNEL)]


async def change_lead_times(tx: AsyncConnection, _present: list[Subscription]) -> None:
    """Ask for other lead times."""
    await put_subscription(tx, wish(ACCOUNT.id, 14, 7))


async def narrow_lead_times(tx: AsyncConnection, _present: list[Subscription]) -> None:
    """Ask for lead times of which none has come."""
    await put_subscription(tx, wish(ACCOUNT.id, 7))


async def remove_single(tx: AsyncConnection, present: list[Subscription]) -> None:
    """Remove the subscription on the account, so that the one on all accounts covers it."""
    await delete_subscription(tx, next(one for one in present if not one.is_for_all))
    await delete_unwanted(tx, CHANNEL)


async def add_single(tx: AsyncConnection, _present: list[Subscription]) -> None:
    """Add a subscription on the account, in place of the one on all accounts."""
    await put_subscription(tx, wish(ACCOUNT.id, 14))


async def pause(tx: AsyncConnection, present: list[Subscription]) -> None:
    """Pause every subscription."""
    for one in present:
        await set_paused(tx, one, NOW)
    await delete_unwanted(tx, CHANNEL)


async def resume(tx: AsyncConnection, present: list[Subscription]) -> None:
    """Resume every subscription."""
    for one in present:
        await set_paused(tx, one, None)


ON_ALL = wish(None, 14)
# What there was, what a command changes, the stages that the poll saves all the same, and what the channel hears.
RACES: dict[str, tuple[list[NewSubscription], Change, list[int], list[int]]] = {
    "lead times changed, a stage becomes due": ([wish(ACCOUNT.id, 7)], change_lead_times, [], [14]),
    "lead times changed, no stage is due any more": ([wish(ACCOUNT.id, 14)], narrow_lead_times, [14], []),
    "a single reminder removed, the other covers": ([ON_ALL, wish(ACCOUNT.id, 1)], remove_single, [], [14]),
    "a single reminder removed, nothing covers": ([wish(ACCOUNT.id, 14)], remove_single, [14], []),
    "a single reminder added": ([wish(None, 7)], add_single, [], [14]),
    "paused": ([ON_ALL], pause, [14], []),
}


@pytest.mark.parametrize(("present", "change", "saved", "heard"), RACES.values(), ids=RACES)
async def test_the_next_poll_decides_from_what_is_stored(
    poll: Database,
    command: Database,
    present: list[NewSubscription],
    change: Change,
    saved: list[int],
    heard: list[int],
) -> None:
    """Whatever a poll saves of an older state, the channel hears once what the subscriptions ask for now."""
    await subscribe(command, *present)
    plan = await draw_up(poll)
    async with command.begin() as tx:
        await change(tx, await get_subscriptions(tx, GUILD))
    assert await save(poll, plan) == saved
    async with open_polls(poll, GUILD, {CHANNEL}, NOW) as polls:
        polls.show([ACCOUNT])
        await polls.run(3)
        assert polls.said == [(CHANNEL, ACCOUNT.id, Kind.STAGE, stage) for stage in heard]


async def test_a_resumed_reminder_is_not_forgotten(poll: Database, command: Database) -> None:
    """A reminder that is resumed while a poll plans is due in the next one."""
    await subscribe(command, ON_ALL)
    async with command.begin() as tx:
        await pause(tx, await get_subscriptions(tx, GUILD))
    plan = await draw_up(poll)
    async with command.begin() as tx:
        await resume(tx, await get_subscriptions(tx, GUILD))
    assert await save(poll, plan) == []
    assert await save(poll, await draw_up(poll)) == [14]


@pytest.mark.parametrize("change", [change_lead_times, remove_single, add_single, pause])
async def test_no_command_waits_for_a_poll(poll: Database, command: Database, change: Change) -> None:
    """While a poll holds what it has planned in an open transaction, a command changes the same subscriptions."""
    await subscribe(command, ON_ALL, wish(ACCOUNT.id, 14))
    plan = await draw_up(poll)

    async def run() -> None:
        async with command.begin() as tx:
            await change(tx, await get_subscriptions(tx, GUILD))

    async with poll.begin() as tx:
        await save_plan(tx, plan, NOW)
        running = asyncio.create_task(run())
        await until_blocked(poll, running)
        is_done = running.done()
    await running
    assert is_done
