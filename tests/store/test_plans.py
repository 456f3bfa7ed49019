"""How the databases find what is asked for: by an index, however much is stored."""

import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store import accounts, messages, notifications, subscriptions
from bot.store.database import Database
from bot.store.messages import Message
from bot.store.notifications import Kind
from bot.store.subscriptions import NewSubscription, Subscription
from tests.support.store.samples import CHANNEL, GUILD, HOUR, NOW, account, new_subscription, stage

Work = Callable[[AsyncConnection], Awaitable[object]]

# Those that grow with servers and time; accounts, their tokens and troubles, and refusing channels are few.
_LARGE = ("watches", "deliveries", "messages")
_MESSAGE = Message(1, GUILD, CHANNEL, "0" * 24, "{}", NOW, 5, NOW)
_WATCH = Subscription(
    **{name: getattr(new_subscription(), name) for name in NewSubscription.__dataclass_fields__},
    id=1,
    next_check_at=NOW,
    paused_at=None,
)
_QUESTIONS: dict[str, Work] = {
    "accounts read": lambda tx: accounts.mark_read(tx, {"123456": account()}, NOW),
    "watches to look at": lambda tx: subscriptions.get_due_subscriptions(tx, {GUILD}, NOW, ()),
    "watches on accounts": lambda tx: subscriptions.get_due_subscriptions(tx, {GUILD}, NOW, {"123456"}),
    "watches of a server": lambda tx: subscriptions.get_subscriptions(tx, GUILD),
    "watches in channels": lambda tx: subscriptions.get_subscriptions_in(tx, {CHANNEL}),
    "watch put": lambda tx: subscriptions.put_subscription(tx, new_subscription(), NOW),
    "watch removed": lambda tx: subscriptions.delete_subscription(tx, _WATCH),
    "watch paused": lambda tx: subscriptions.pause_subscription(tx, _WATCH, NOW),
    "watch looked at": lambda tx: subscriptions.schedule_checks(tx, {1: NOW}),
    "told": lambda tx: notifications.get_heard(tx, {CHANNEL}, {1}),
    "owed": lambda tx: notifications.plan(tx, [stage(7)], NOW),
    "covered": lambda tx: notifications.cover(tx, [stage(7)], NOW),
    "ready channels": lambda tx: notifications.get_ready_channels(tx, {GUILD}, NOW, [HOUR]),
    "pending": lambda tx: notifications.get_pending(tx, CHANNEL),
    "dropped": lambda tx: notifications.drop(tx, [1]),
    "overdue": lambda tx: notifications.drop_overdue(tx, CHANNEL, NOW),
    "unsettled": messages.get_unsettled,
    "sent": lambda tx: messages.mark_sent(tx, _MESSAGE, 5, NOW),
    "dissolved": lambda tx: messages.dissolve(tx, _MESSAGE, is_late=True),
    "made outdated": lambda tx: messages.mark_outdated(tx, Kind.STEP, [("123456", 1)], NOW),
    "outdated": lambda tx: messages.get_outdated(tx, NOW),
    "edited": lambda tx: messages.mark_edited(tx, _MESSAGE),
    "message": lambda tx: messages.get_message(tx, GUILD, 5),
    "carried": lambda tx: messages.get_carried(tx, _MESSAGE),
    "last messages": lambda tx: messages.get_last_messages(tx, {CHANNEL}),
}


@contextmanager
def _listen(database: Database) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that are run, with their parameters."""
    heard: list[tuple[str, Any]] = []

    def hear(*event: Any) -> None:
        heard.append((event[2], event[3]))

    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", hear)
    yield heard
    sa.event.remove(database.engine.sync_engine, "before_cursor_execute", hear)


async def _explain(tx: AsyncConnection, statement: str, parameters: Any) -> list[str]:
    if tx.dialect.name == "sqlite":
        rows = await tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [row.detail for row in rows]
    # So little is stored here that reading it all would be the cheapest.
    await tx.execute(sa.text("SET LOCAL enable_seqscan = off"))
    return [row[0].strip() for row in await tx.exec_driver_sql(f"EXPLAIN {statement}", parameters)]


def _reads_through(line: str, after: str) -> bool:
    """Whether a step of a plan reads a large table from end to end, be it in the order of an index."""
    if not any(re.search(rf"(SCAN|Scan.* on) {table}\b", line) for table in _LARGE):
        return False
    return line.startswith("SCAN") or "Seq Scan" in line or ("Index" in line and "Cond:" not in after)


@pytest.mark.parametrize("question", _QUESTIONS)
async def test_large_tables_are_never_read_through(database: Database, question: str) -> None:
    """Every question about what grows is answered by an index, on both databases."""
    with _listen(database) as heard:
        async with database.begin() as tx:
            await _QUESTIONS[question](tx)
    asked = [each for each in heard if each[0].startswith(("SELECT", "UPDATE", "DELETE", "INSERT"))]
    assert asked
    async with database.begin() as tx:
        plans = [line for statement, parameters in asked for line in await _explain(tx, statement, parameters)]
    assert not [line for line, after in pairwise([*plans, ""]) if _reads_through(line, after)], plans
