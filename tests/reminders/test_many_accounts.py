"""A list of very many accounts: what a poll reads, saves and plans stays bounded, and other tasks go on meanwhile."""

import threading
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from bot.core.accounts import Account, AccountSnapshot
from bot.core.logins import Login
from bot.core.notifications import State
from bot.core.rules import Heard, HeardStage
from bot.core.subscriptions import Subscription
from bot.reminders.concurrency import aside
from bot.reminders.planning import MAX_DUE, Plan, Situation, draw_up_plan, load_situation, save_plan
from bot.reminders.recording import record_reading
from bot.store.database import Database, open_database
from bot.store.slices import SLICE
from bot.store.subscriptions import put_subscription
from bot.store.tables import notifications
from tests.support.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW, account, new_subscription

MANY = 1_200
FOR_ALL = Subscription(GUILD, CHANNEL, None, (7,), None, 1, id=1)


@pytest.fixture
async def database(migrated_url: str) -> AsyncIterator[Database]:
    """Open a database of each kind, with the newest schema and without rows."""
    async with open_database(migrated_url) as opened:
        yield opened


def expiring(account_id: str, number: int, *, expires_in: timedelta) -> AccountSnapshot:
    """Return an account with a login of this number."""
    expires_at = NOW + expires_in
    login = Login(number, account_id, expires_at, None, None, None)
    return AccountSnapshot(account(account_id, expires_at=expires_at), NOW, login)


async def plan(snapshots: dict[str, AccountSnapshot], heard: dict[str | None, Heard] | None = None) -> Plan:
    """Return the plan for one channel that is subscribed to all of these accounts."""
    situation = Situation({CHANNEL: {None: FOR_ALL}}, snapshots, {CHANNEL: heard or {}}, {}, None)
    return await draw_up_plan(situation, NOW)


async def test_a_message_carries_a_bounded_number_of_accounts() -> None:
    """Of more accounts than that, the most urgent are planned first, and the next poll comes at once."""
    soon = {f"soon{n}": expiring(f"soon{n}", n, expires_in=DAY) for n in range(1, MAX_DUE + 1)}
    expired = {f"past{n}": expiring(f"past{n}", MAX_DUE + n, expires_in=-HOUR) for n in range(1, 11)}
    found = await plan(soon | expired)
    planned = {one.account_id for one in found.added}
    assert (len(planned), found.is_cut) == (MAX_DUE, True)
    assert planned >= expired.keys()
    assert not (await plan(soon)).is_cut


async def test_invented_accounts_do_not_displace_known_ones() -> None:
    """However many expired accounts appear at once, an account of which the channel has heard comes first."""
    known = expiring("known", 1, expires_in=DAY)
    invented = {f"new{n}": expiring(f"new{n}", n + 1, expires_in=-DAY) for n in range(1, MAX_DUE + 100)}
    found = await plan({"known": known} | invented, {"known": Heard(HeardStage(1, 14, NOW + DAY))})
    assert "known" in {one.account_id for one in found.added}


async def test_no_statement_holds_many_rows(database: Database) -> None:
    """A poll of many accounts reads and writes them in slices, between which commands are answered."""
    sizes: list[tuple[int, str]] = []

    @sa.event.listens_for(database.engine.sync_engine, "before_cursor_execute")
    def measure(_connection: object, _cursor: object, statement: str, parameters: Sequence[Any], *_: object) -> None:
        is_insert, is_many = statement.startswith("INSERT"), isinstance(parameters, list)
        # Rows of parameters, rows in the statement, or ids in its condition.
        number = len(parameters) if is_many or not is_insert else statement.count("), (") + 1
        sizes.append((number, statement))

    async with database.begin() as tx:
        await put_subscription(tx, new_subscription(None))
    for expires_at in (NOW + 5 * DAY, NOW + 40 * DAY, NOW + 40 * DAY):
        read = {str(n): Account(str(n), expires_at=expires_at, error="no" if n % 2 else None) for n in range(MANY)}
        async with database.begin() as tx:
            await record_reading(tx, read, NOW)
        async with database.begin() as tx:
            situation = await load_situation(tx, {GUILD}, NOW)
        assert len(situation.snapshots) == MANY
        async with database.begin() as tx:
            await save_plan(tx, await draw_up_plan(situation, NOW), NOW)
    async with database.begin() as tx:
        pending = sa.select(sa.func.count()).where(notifications.c.state == State.PENDING)
        assert (await tx.execute(pending)).scalar_one() > MANY / 3
    assert max(sizes)[0] <= SLICE + 5, max(sizes)


@pytest.mark.parametrize(("number", "is_aside"), [(1, False), (1_000, False), (1_001, True)])
async def test_long_work_is_done_beside_the_loop(number: int, *, is_aside: bool) -> None:
    """Work on many things is done in another thread, so that the event loop goes on; work on few at once."""
    worker = await aside(number, threading.current_thread)
    assert (worker is not threading.current_thread()) is is_aside
