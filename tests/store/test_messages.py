"""Messages in the database: in flight, sent, to be edited, dissolved."""

from dataclasses import replace

import pytest

from bot.core.messages import Action, Choice, MessageKind, OutgoingMessage
from bot.core.notifications import Kind
from bot.core.rules import NOTHING_HEARD, Heard, HeardIncident, HeardStage
from bot.store.database import Database
from bot.store.heard import schedule_last_edits, schedule_last_edits_in_channel, schedule_last_edits_in_guild
from bot.store.messages import (
    finish_edit,
    get_carried,
    get_last_messages,
    get_message,
    get_outdated,
    mark_sent,
    put_payload,
    schedule_edit,
)
from bot.store.notifications import delete_pending
from tests.support.store.samples import (
    CHANNEL,
    EXPIRY,
    GUILD,
    HOUR,
    NOW,
    OTHER_CHANNEL,
    incident,
    stage,
)
from tests.support.store.sending import (
    DISCORD_ID,
    OUTGOING,
    arrived,
    dissolved,
    heard,
    in_flight,
    pending,
    planned,
    sent,
    unsettled,
)


async def test_a_message_in_flight_holds_its_notifications(database: Database) -> None:
    """The notifications of a message are in flight with it, with its exact content and nonce; later ones are not."""
    await planned(database, stage(7), stage(7, account_id="2"))
    message = await in_flight(database)
    await planned(database, stage(3, account_id="3"))
    assert await unsettled(database) == [message]
    assert (message.guild_id, message.channel_id, message.first_attempt_at) == (GUILD, CHANNEL, NOW)
    assert (message.nonce, message.footer_id) == ("0123456789abcdef01234567", "01234567")
    assert (message.kind, message.outgoing) == (MessageKind.NOTIFICATIONS, OUTGOING)
    assert await pending(database) == [stage(3, account_id="3")]
    assert await heard(database) == NOTHING_HEARD


async def test_a_plainer_version_replaces_what_is_in_flight(database: Database) -> None:
    """What is posted last is what is kept of a message in flight; a message that was settled stays as it is."""
    await planned(database, stage(7))
    message = await in_flight(database)
    plainer = OutgoingMessage("words alone")
    async with database.begin() as tx:
        assert await put_payload(tx, message, plainer)
    assert [one.outgoing for one in await unsettled(database)] == [plainer]
    async with database.begin() as tx:
        await mark_sent(tx, message, DISCORD_ID, NOW)
    async with database.begin() as tx:
        assert not await put_payload(tx, message, OUTGOING)


def test_an_outgoing_message_survives_the_database() -> None:
    """Text, embeds, controls, choices and mentions come back from JSON as they were."""
    choices = (Choice("1", "Jane", "\N{LARGE GREEN CIRCLE}", "1"), Choice("2", "2", "\N{LARGE RED CIRCLE}"))
    message = OutgoingMessage("hello", ({"title": "x"},), (Action.CHECK, Action.RENEW), choices, (1, 2), (3,))
    assert OutgoingMessage.from_json(message.to_json()) == message


@pytest.mark.parametrize(
    ("controls", "actions"),
    [
        ('"has_buttons": true, "can_take": true', (Action.CHECK, Action.ASSIGN, Action.RENEW)),
        ('"has_buttons": true, "can_take": false', (Action.CHECK, Action.RENEW)),
        ('"has_buttons": false, "can_take": false', ()),
    ],
)
def test_a_message_of_version_0_1_is_understood(controls: str, actions: tuple[Action, ...]) -> None:
    """A message that the previous version left in flight is sent as it was meant."""
    text = f'{{"content": "hello", "embeds": [{{"title": "x"}}], "roles": [1], "users": [2], {controls}}}'
    expected = OutgoingMessage("hello", ({"title": "x"},), actions, (), (1,), (2,))
    assert OutgoingMessage.from_json(text) == expected


async def test_a_sent_message_stays_sent(database: Database) -> None:
    """A sent message is settled, and is found by its Discord id with its notifications in order."""
    await planned(database, stage(7, account_id="2"), stage(7))
    message = await in_flight(database)
    await sent(database, message)
    assert await unsettled(database) == []
    assert (await heard(database)).stage == HeardStage(1, 7, EXPIRY)
    async with database.begin() as tx:
        found = await get_message(tx, GUILD, DISCORD_ID)
        assert found is not None
        assert (found.id, found.outgoing) == (message.id, None)
        assert [one.account_id for one in await get_carried(tx, found)] == ["2", "123456"]
        assert await get_message(tx, GUILD, 1) is None
        assert await get_message(tx, 7, DISCORD_ID) is None
        assert await get_last_messages(tx, {CHANNEL, OTHER_CHANNEL}) == {
            (CHANNEL, "2"): DISCORD_ID,
            (CHANNEL, "123456"): DISCORD_ID,
        }
        await delete_pending(tx, range(100))
        assert len(await get_carried(tx, found)) == 2


async def test_the_last_message_is_the_last_visible_one(database: Database) -> None:
    """A message in flight is not the last one yet, and one that was deleted in Discord can't be linked."""
    await planned(database, stage(7))
    await sent(database, await in_flight(database, "one"))
    await planned(database, stage(3))
    second = await in_flight(database, "two")
    async with database.begin() as tx:
        assert await get_last_messages(tx, {CHANNEL}) == {(CHANNEL, "123456"): DISCORD_ID}
    await sent(database, second, None)
    async with database.begin() as tx:
        assert await get_last_messages(tx, {CHANNEL}) == {(CHANNEL, "123456"): DISCORD_ID}
    assert (await heard(database)).stage == HeardStage(1, 3, EXPIRY)


async def test_what_a_message_says_is_heard_when_it_was_sent(database: Database) -> None:
    """The mark of a message and what its channel has heard by it are one: after a failed transaction, neither is."""
    await planned(database, stage(7), incident(Kind.ERROR, account_id="2"))
    message = await in_flight(database)

    async def fail() -> None:
        async with database.begin() as tx:
            await mark_sent(tx, message, DISCORD_ID, NOW)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await unsettled(database) == [message]
    assert (await heard(database), await heard(database, "2")) == (NOTHING_HEARD, NOTHING_HEARD)
    await sent(database, message)
    assert await heard(database) == Heard(HeardStage(1, 7, EXPIRY), {}, 1, NOW)
    assert await heard(database, "2") == Heard(None, {Kind.ERROR: HeardIncident(1, 0)}, 1, NOW)


async def test_a_dissolved_message_was_not_heard(database: Database) -> None:
    """A process that marks a message that another one has dissolved changes nothing."""
    await planned(database, stage(7))
    message = await in_flight(database)
    await dissolved(database, message)
    async with database.begin() as tx:
        assert await mark_sent(tx, message, DISCORD_ID, NOW) == []
    assert await heard(database) == NOTHING_HEARD
    assert await pending(database) == [stage(7)]


async def outdated(database: Database) -> list[int | None]:
    """Return the Discord ids of the messages to be edited."""
    async with database.begin() as tx:
        return [one.discord_id for one in await get_outdated(tx, {GUILD}, NOW)]


async def test_the_next_message_about_an_account_outdates_the_last(database: Database) -> None:
    """Once "3 days" is sent, the message that said "7 days" is to be edited; those about other accounts are not."""
    await arrived(database, stage(7, account_id="2"), nonce="1", discord_id=1)
    await arrived(database, stage(14), nonce="2", discord_id=2)
    await arrived(database, stage(7), nonce="3", discord_id=3)
    assert await outdated(database) == [2]
    await arrived(database, incident(Kind.ERROR), nonce="4", discord_id=4)
    assert sorted(await outdated(database), key=str) == [2, 3]


async def test_the_news_of_a_renewal_outdates_the_last_message(database: Database) -> None:
    """Once the news is sent, the message before it folds to a line that links to the news."""
    await arrived(database, stage(7), nonce="1", discord_id=1)
    await arrived(database, stage(None, ref=2, kind=Kind.RENEWED), nonce="2", discord_id=2)
    assert await outdated(database) == [1]


async def test_a_message_in_doubt_is_edited_once_it_is_found(database: Database) -> None:
    """A message that may have arrived long ago may say something else by now."""
    await planned(database, stage(7))
    message = await in_flight(database)
    async with database.begin() as tx:
        await mark_sent(tx, message, DISCORD_ID, NOW, is_doubtful=True)
    assert await outdated(database) == [DISCORD_ID]


async def test_an_edited_message_is_current(database: Database) -> None:
    """An edit settles it, unless another edit was scheduled since it began, or it is postponed."""
    await arrived(database, stage(7), nonce="1", discord_id=DISCORD_ID)
    async with database.begin() as tx:
        await schedule_last_edits(tx, ["2", None], NOW)
        await schedule_last_edits_in_channel(tx, OTHER_CHANNEL, ["123456"], NOW)
        await schedule_last_edits_in_guild(tx, 7, ["123456"], NOW)
        assert await get_outdated(tx, {GUILD}, NOW) == []
        await schedule_last_edits(tx, ["123456"], NOW - HOUR)
        (before,) = await get_outdated(tx, {GUILD}, NOW)
        await schedule_edit(tx, before, NOW)
        await finish_edit(tx, before)
    assert await outdated(database) == [DISCORD_ID]
    async with database.begin() as tx:
        (now,) = await get_outdated(tx, {GUILD}, NOW)
        await finish_edit(tx, now, NOW + HOUR)
        assert await get_outdated(tx, {GUILD}, NOW) == []
        (later,) = await get_outdated(tx, {GUILD}, NOW + HOUR)
        await finish_edit(tx, later)
        assert await get_outdated(tx, {GUILD}, NOW + HOUR) == []


@pytest.mark.parametrize("is_late", [False, True])
async def test_the_notifications_of_a_dissolved_message_are_pending(database: Database, *, is_late: bool) -> None:
    """Notifications whose message did not arrive are pending again, marked late if that took long."""
    await planned(database, stage(7), stage(7, account_id="2"))
    await dissolved(database, await in_flight(database), is_late=is_late)
    assert await unsettled(database) == []
    waiting = [replace(stage(7), is_late=is_late), replace(stage(7, account_id="2"), is_late=is_late)]
    assert await pending(database) == waiting
    again = await in_flight(database, "another nonce")
    assert [one.id for one in await unsettled(database)] == [again.id]


async def test_a_late_notification_stays_late(database: Database) -> None:
    """A notification that was late stays late when a second message does not arrive either."""
    await planned(database, stage(7))
    for is_late in (True, False):
        await dissolved(database, await in_flight(database), is_late=is_late)
    assert await pending(database) == [replace(stage(7), is_late=True)]


async def test_a_sent_message_can_not_be_dissolved(database: Database) -> None:
    """A process that learns too late that its attempt failed changes nothing."""
    await planned(database, stage(7))
    message = await in_flight(database)
    await sent(database, message)
    await dissolved(database, message)
    assert (await heard(database)).stage == HeardStage(1, 7, EXPIRY)
    assert await pending(database) == []
