"""Notifications in the database: one about an account at a time, changed and deleted while pending."""

from dataclasses import replace

import pytest

from bot.core.notifications import Kind, State
from bot.errors import StoreError
from bot.store.database import Database
from bot.store.notifications import (
    change_pending,
    count_sent_messages,
    count_unsent,
    delete_pending,
    get_pending,
    get_pending_channels,
    get_unsent,
)
from bot.store.tables import notifications
from tests.support.store.samples import (
    CHANNEL,
    DAY,
    EXPIRY,
    GUILD,
    HOUR,
    NOW,
    OTHER_CHANNEL,
    incident,
    stage,
)
from tests.support.store.sending import arrived, dissolved, in_flight, pending, planned, sent, unsettled

RENEWED = stage(None, ref=2, kind=Kind.RENEWED)


async def test_comes_back_as_it_was_planned(database: Database) -> None:
    """The stage, the login and the expiry that it is about come back, and their absence."""
    every = [stage(-3), replace(RENEWED, account_id="2"), incident(Kind.ERROR, account_id="3")]
    await planned(database, *every, incident(Kind.UNREADABLE, 4, -1, None))
    assert await pending(database) == [*every, incident(Kind.UNREADABLE, 4, -1, None)]


async def test_one_is_pending_at_a_time(database: Database) -> None:
    """A second plan about the same account changes nothing, whatever it is; other accounts and channels have theirs."""
    others = [stage(3, account_id="2"), incident(Kind.UNREADABLE, account_id=None)]
    for number in range(3):
        await planned(database, stage(7 - number, ref=1 + number), *others, stage(7, channel_id=OTHER_CHANNEL))
    assert await pending(database) == [stage(7), *others]
    assert await pending(database, OTHER_CHANNEL) == [stage(7, channel_id=OTHER_CHANNEL)]


async def test_nothing_is_planned_while_one_is_in_flight(database: Database) -> None:
    """Whether it arrives decides what is due; once it was sent, the next one can be planned."""
    await planned(database, stage(7), incident(Kind.UNREADABLE, account_id=None))
    message = await in_flight(database)
    await planned(database, stage(3), incident(Kind.UNREADABLE, 2, account_id=None))
    assert await pending(database) == []
    await sent(database, message)
    await planned(database, stage(3), incident(Kind.UNREADABLE, 2, account_id=None))
    assert await pending(database) == [stage(3), incident(Kind.UNREADABLE, 2, account_id=None)]


@pytest.mark.parametrize("account_id", ["123456", None])
async def test_the_database_refuses_a_second_unsent_one(database: Database, account_id: str | None) -> None:
    """The index holds against a mistake as well, also without an account; any number of sent ones is allowed."""
    row = {
        "guild_id": GUILD,
        "channel_id": CHANNEL,
        "account_id": account_id,
        "kind": Kind.ERROR,
        "ref": 1,
        "due_at": NOW,
        "is_late": False,
        "is_follow_up": False,
    }

    async def put(state: State) -> None:
        async with database.begin() as tx:
            await tx.execute(notifications.insert().values(**row, state=state))

    for state in (State.SENT, State.SENT, State.PENDING):
        await put(state)
    for state in (State.PENDING, State.SENDING):
        with pytest.raises(StoreError, match=r"(?i)unique"):
            await put(state)
    await put(State.SENT)


async def test_a_pending_one_follows_what_is_due(database: Database) -> None:
    """It is about something else by then, under its id, and since when it waits is kept."""
    await planned(database, stage(14), stage(14, account_id="2"))
    async with database.begin() as tx:
        (one, other) = await get_pending(tx, CHANNEL)
        changed = replace(one, kind=Kind.RENEWED, ref=2, stage=None, expires_at=EXPIRY + 30 * DAY)
        await change_pending(tx, [changed])
        assert await get_pending(tx, CHANNEL) == [changed, other]
        (row, _) = (await tx.execute(notifications.select().order_by(notifications.c.id))).all()
    assert (row.due_at, row.state) == (NOW, State.PENDING)


async def test_one_in_flight_stays_what_it_is(database: Database) -> None:
    """Its message says what it says: it is neither changed nor deleted, and a sent one is not either."""
    await planned(database, stage(14))
    async with database.begin() as tx:
        (one,) = await get_pending(tx, CHANNEL)
    message = await in_flight(database)

    async def tamper() -> None:
        async with database.begin() as tx:
            await change_pending(tx, [replace(one, stage=3)])
            await delete_pending(tx, [one.id])

    await tamper()
    assert await unsettled(database) == [message]
    await dissolved(database, message)
    assert await pending(database) == [stage(14)]
    message = await in_flight(database, "again")
    await sent(database, message)
    await tamper()
    async with database.begin() as tx:
        assert (await count_unsent(tx, GUILD), await count_sent_messages(tx, GUILD, NOW)) == (0, 1)


async def test_deletes_only_pending_notifications(database: Database) -> None:
    """Those that are named go; others stay."""
    await planned(database, stage(7), stage(7, account_id="2"), stage(7, channel_id=OTHER_CHANNEL))
    async with database.begin() as tx:
        await delete_pending(tx, [])
        await delete_pending(tx, [(await get_pending(tx, CHANNEL))[0].id, 99])
    assert await pending(database) == [stage(7, account_id="2")]
    assert await pending(database, OTHER_CHANNEL) == [stage(7, channel_id=OTHER_CHANNEL)]


async def test_unsent_ones_are_found_with_their_state(database: Database) -> None:
    """Pending ones and those in flight, oldest first; sent ones and other guilds' are not among them."""
    await arrived(database, stage(14), nonce="sent")
    await planned(database, stage(7))
    await in_flight(database, "in flight")
    await planned(database, stage(7, account_id="2"), replace(stage(7), guild_id=7, channel_id=77))
    async with database.begin() as tx:
        unsent = await get_unsent(tx, {GUILD})
        assert [(one.account_id, one.stage, state) for one, state in unsent] == [
            ("123456", 7, State.SENDING),
            ("2", 7, State.PENDING),
        ]
        assert [one.guild_id for one, _ in await get_unsent(tx, {7, 8})] == [7]
        assert await get_unsent(tx, []) == []


async def test_channels_with_pending_notifications_come_longest_waiting_first(database: Database) -> None:
    """Channels come in the order of their oldest pending notification; other guilds' channels don't count."""
    await planned(
        database, stage(7, channel_id=OTHER_CHANNEL), stage(7), stage(3, account_id="2", channel_id=OTHER_CHANNEL)
    )
    await planned(database, replace(stage(7, channel_id=99), guild_id=7))
    async with database.begin() as tx:
        assert await get_pending_channels(tx, [GUILD]) == [OTHER_CHANNEL, CHANNEL]
        assert await get_pending_channels(tx, [8]) == []


async def test_counts_what_waits_and_what_was_sent(database: Database) -> None:
    """Unsent notifications of a guild are counted one by one, sent ones by message, since the given time."""
    await arrived(database, stage(7), stage(3, account_id="2"), nonce="sent", now=NOW + HOUR)
    await planned(database, stage(3), stage(7, channel_id=OTHER_CHANNEL), replace(stage(1), guild_id=7, channel_id=77))
    async with database.begin() as tx:
        assert await count_unsent(tx, GUILD) == 2
        assert await count_sent_messages(tx, GUILD, NOW + HOUR) == 1
        assert await count_sent_messages(tx, GUILD, NOW + 2 * HOUR) == 0
        assert (await count_unsent(tx, 8), await count_sent_messages(tx, 8, NOW)) == (0, 0)
