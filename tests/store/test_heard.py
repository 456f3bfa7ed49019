"""What channels have heard, in the database."""

from dataclasses import replace
from datetime import datetime

import pytest
import sqlalchemy as sa

from bot.core.accounts import AccountSnapshot
from bot.core.entries import LastMessage
from bot.core.logins import Login
from bot.core.notifications import Kind, Notification
from bot.core.rules import NOTHING_HEARD, Heard, HeardIncident, HeardStage
from bot.store.accounts import put_logins, put_snapshots
from bot.store.database import Database
from bot.store.heard import (
    Pair,
    delete_heard,
    get_followed_up,
    get_heard,
    get_last_heard,
    move_heard,
    put_heard,
)
from bot.store.tables import heard as heard_table
from tests.support.store.samples import (
    CHANNEL,
    DAY,
    EXPIRY,
    GUILD,
    HOUR,
    NOW,
    OTHER_CHANNEL,
    account,
    incident,
    stage,
)
from tests.support.store.sending import arrived, heard

SECOND = HOUR / 3600
ELSEWHERE = 77


async def put(database: Database, *sent: Notification, now: datetime = NOW) -> None:
    """Save that these notifications have arrived."""
    async with database.begin() as tx:
        await put_heard(tx, sent, now)


async def heard_in(database: Database, *channel_ids: int) -> dict[Pair, Heard]:
    """Return what these channels have heard."""
    async with database.begin() as tx:
        return await get_heard(tx, channel_ids, NOW, by_channel=True)


async def test_a_channel_that_heard_nothing_is_left_out(database: Database) -> None:
    """Without any notification there is nothing, for a guild, a channel, or none."""
    await put(database)
    assert await heard_in(database, CHANNEL) == {}
    assert await heard_in(database) == {}
    assert await heard(database) == NOTHING_HEARD


async def test_the_last_notification_of_each_kind_counts(database: Database) -> None:
    """A stage replaces the stage before it, an incident only the one of its kind; the accounts as a whole are apart."""
    await put(database, stage(14), incident(Kind.ERROR), incident(Kind.UNREADABLE, account_id=None))
    await put(database, stage(7), incident(Kind.MISSING, 2), stage(3, account_id="2"))
    await put(database, incident(Kind.ERROR, 1, -3), incident(Kind.UNREADABLE, 2, account_id=None))
    assert await heard_in(database, CHANNEL) == {
        (CHANNEL, "123456"): Heard(
            HeardStage(1, 7, EXPIRY),
            {Kind.ERROR: HeardIncident(1, -3), Kind.MISSING: HeardIncident(2, 0)},
            last_at=NOW,
        ),
        (CHANNEL, "2"): Heard(HeardStage(1, 3, EXPIRY), last_at=NOW),
        (CHANNEL, None): Heard(None, {Kind.UNREADABLE: HeardIncident(2, 0)}, last_at=NOW),
    }


@pytest.mark.parametrize("reached", [None, 14])
async def test_a_renewal_replaces_the_stage(database: Database, reached: int | None) -> None:
    """After a renewal the channel has heard the new login's stage, or that it has reached none."""
    later = EXPIRY + 30 * DAY
    await put(database, stage(1))
    await put(database, replace(stage(reached, ref=2, kind=Kind.RENEWED), expires_at=later))
    assert await heard(database) == Heard(HeardStage(2, reached, later), last_at=NOW)


async def test_an_error_says_whether_the_login_has_expired(database: Database) -> None:
    """It counts as the stage of the login that is known by then; an error of a valid login leaves the stage."""
    expired = replace(incident(Kind.ERROR, 1, -7), expires_at=NOW - HOUR)
    async with database.begin() as tx:
        (login,) = (await put_logins(tx, [Login(0, "123456", NOW - HOUR, None, None, None)])).values()
        await put_snapshots(tx, [AccountSnapshot(account(expires_at=NOW - HOUR), NOW, login)])
    await put(database, stage(1, ref=77), incident(Kind.ERROR))
    assert (await heard(database)).stage == HeardStage(77, 1, EXPIRY)
    await put(database, expired)
    assert await heard(database) == Heard(
        HeardStage(login.id, 0, NOW - HOUR), {Kind.ERROR: HeardIncident(1, -7)}, last_at=NOW
    )


async def test_the_last_message_is_dated(database: Database) -> None:
    """The newest message about an account counts, of whichever kind; the move of an expiry is none."""
    await put(database, incident(Kind.ERROR))
    await put(database, stage(7), now=NOW + HOUR)
    assert (await heard(database)).last_at == NOW + HOUR
    await put(database, incident(Kind.ERROR, 2), now=NOW + DAY)
    async with database.begin() as tx:
        await move_heard(tx, [(CHANNEL, "123456", HeardStage(1, 7, EXPIRY + HOUR))])
    assert (await heard(database)).last_at == NOW + DAY


async def test_a_small_move_counts_as_heard(database: Database) -> None:
    """Another expiry is saved without a message: the last message about the account stays known."""
    await arrived(database, stage(7), nonce="1", discord_id=1)
    moved = HeardStage(2, 7, EXPIRY + HOUR)
    async with database.begin() as tx:
        before = await get_last_heard(tx, {CHANNEL})
        await move_heard(tx, [])
        await move_heard(tx, [(CHANNEL, "123456", moved), (CHANNEL, "2", moved), (OTHER_CHANNEL, "123456", moved)])
        after = await get_last_heard(tx, {CHANNEL})
    assert (await heard(database)).stage == moved
    assert await heard(database, "2") == NOTHING_HEARD
    assert (await heard_in(database, OTHER_CHANNEL)) == {}
    message_id = before[CHANNEL]["123456"][Kind.STAGE].message_id
    assert message_id is not None
    assert after == {CHANNEL: {"123456": {Kind.STAGE: LastMessage(2, message_id)}}}


async def test_the_last_message_is_known_by_kind(database: Database) -> None:
    """Each kind has its own last message; a renewal is the last one about the login."""
    await arrived(database, stage(7), nonce="1")
    await arrived(database, incident(Kind.ERROR), nonce="2")
    await arrived(database, stage(None, ref=2, kind=Kind.RENEWED), nonce="3")
    async with database.begin() as tx:
        last = await get_last_heard(tx, {CHANNEL})
        assert await get_last_heard(tx, {OTHER_CHANNEL}) == {}
    assert last == {CHANNEL: {"123456": {Kind.STAGE: LastMessage(2, 3), Kind.ERROR: LastMessage(1, 2)}}}


async def test_each_guild_and_channel_has_heard_its_own(database: Database) -> None:
    """What is asked for by guild or by channel is that guild's or channel's."""
    elsewhere = replace(stage(3, channel_id=ELSEWHERE), guild_id=7)
    await put(database, stage(7), stage(1, channel_id=OTHER_CHANNEL), elsewhere)
    async with database.begin() as tx:
        in_guild = await get_heard(tx, {GUILD}, NOW)
        in_both = await get_heard(tx, {GUILD, 7, 8}, NOW)
    assert in_guild.keys() == {(CHANNEL, "123456"), (OTHER_CHANNEL, "123456")}
    assert in_both.keys() == in_guild.keys() | {(ELSEWHERE, "123456")}
    assert (await heard_in(database, OTHER_CHANNEL)).keys() == {(OTHER_CHANNEL, "123456")}


async def test_counts_the_messages_of_a_day(database: Database) -> None:
    """Notifications sent within 24 hours count for their account, of every kind; none of a time that is to come."""
    for number, hours in enumerate([-25, -24, -23, -1, 0, 1]):
        await arrived(database, stage(7), nonce=str(number), now=NOW + hours * HOUR)
    await arrived(database, incident(Kind.ERROR), incident(Kind.UNREADABLE, account_id=None), nonce="other")
    assert (await heard(database)).messages == 4
    assert (await heard(database, None)).messages == 1
    assert (await heard(database, now=NOW + 23 * HOUR)).messages == 3
    assert (await heard(database, now=NOW + 40 * HOUR)).messages == 0


async def test_a_message_without_anything_heard_still_counts(database: Database) -> None:
    """After what a channel has heard was deleted, its messages of the day still count."""
    await arrived(database, stage(7), nonce="1")
    async with database.begin() as tx:
        await delete_heard(tx, [(CHANNEL, "123456")])
    assert await heard(database) == Heard(messages=1)


async def test_forgets_one_account_of_one_channel(database: Database) -> None:
    """All kinds of that account go; other accounts, channels and guilds stay."""
    others = [stage(7, account_id="2"), stage(7, channel_id=OTHER_CHANNEL), incident(Kind.UNREADABLE, account_id=None)]
    await put(database, stage(7), incident(Kind.ERROR), *others)
    async with database.begin() as tx:
        await delete_heard(tx, [(CHANNEL, "123456")])
    left = await heard_in(database, CHANNEL, OTHER_CHANNEL)
    assert left.keys() == {(one.channel_id, one.account_id) for one in others}


async def test_finds_channels_with_a_follow_up_of_the_day(database: Database) -> None:
    """A follow-up within 24 hours counts; the first message about a failure does not, however late it comes."""
    await arrived(database, stage(0), nonce="first")

    async def followed_up(hours: float) -> set[int]:
        async with database.begin() as tx:
            return await get_followed_up(tx, {GUILD}, NOW + hours * HOUR)

    assert await followed_up(0) == set()
    await arrived(database, stage(-3, account_id="2"), nonce="first, late")
    assert await followed_up(0) == set()
    await arrived(database, replace(incident(Kind.ERROR, 1, -1), is_follow_up=True), nonce="follow-up", now=NOW)
    assert await followed_up(-1) == set()
    assert await followed_up(0) == {CHANNEL}
    assert await followed_up(23.9) == {CHANNEL}
    assert await followed_up(24) == set()
    async with database.begin() as tx:
        assert await get_followed_up(tx, {7}, NOW) == set()


async def test_very_many_are_read_to_the_last(database: Database) -> None:
    """More than two pages come back whole, stages and incidents of one account on different pages too."""
    accounts = [f"account {number}" for number in range(2_100)]
    await put(database, *(stage(7, account_id=one) for one in accounts))
    await put(database, *(incident(Kind.ERROR, account_id=one) for one in accounts))
    async with database.begin() as tx:
        assert (await tx.execute(sa.select(sa.func.count()).select_from(heard_table))).scalar_one() == 4_200
    expected = Heard(HeardStage(1, 7, EXPIRY), {Kind.ERROR: HeardIncident(1, 0)}, last_at=NOW)
    assert await heard_in(database, CHANNEL) == {(CHANNEL, one): expected for one in accounts}


async def test_exactly_one_page_is_read_to_the_last(database: Database) -> None:
    """A number of rows that fills its pages is no reason to miss or repeat one."""
    await put(database, *(stage(7, account_id=str(number)) for number in range(2_000)))
    assert len(await heard_in(database, CHANNEL)) == 2_000
