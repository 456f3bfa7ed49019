"""Tests of boards whose messages are refused, deleted or lost."""

import asyncio
from datetime import timedelta

import pytest

from bot.core.messages import OutgoingMessage
from bot.core.notifications import State
from bot.store.boards import set_absent_since
from bot.store.tables import messages
from tests.support.accounts import build_account
from tests.support.chat.answers import embed_of, fields_of, text_of
from tests.support.chat.boards import (
    add_board,
    board_in,
    delete_board,
    lines_in,
    remove_board,
    requests_to,
    stored_boards,
    stored_message,
)
from tests.support.chat.places import dms_of
from tests.support.chat.reminders import (
    HOUR,
    add,
    contents_in,
    poll_for,
    poll_hourly,
    posts_in,
    say_expiring,
    show_list,
)
from tests.support.world import World


async def test_a_deleted_board_is_posted_again(world: World) -> None:
    """A board that a moderator deleted comes back with the next change, once."""
    await add_board(world)
    delete_board(world)
    await world.poll_once()
    assert posts_in(world.channel) == []
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    for _ in range(3):
        await world.poll_once()
        await world.env.advance_time(1800)
    assert "🟢 **Jane Renewed** `123456` <t:1770681600:R>" in lines_in(world.channel)
    (board,) = await stored_boards(world)
    assert board.discord_id == board_in(world.channel).id


@pytest.mark.parametrize(("status", "code"), [(429, 30046), (403, 50013), (500, 0)])
async def test_an_edit_that_fails_is_made_by_a_later_poll(world: World, status: int, code: int) -> None:
    """After a refusal, such as Discord's limit on edits of old messages, nothing new is posted."""
    await add_board(world)
    before = board_in(world.channel)
    await world.env.advance_time(2 * 3600)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=status, code=code, times=None)
    await world.poll_once()
    assert "Jane Renewed" not in str(lines_in(world.channel))
    world.env.backend.faults.clear()
    await world.env.advance_time(60)
    await world.poll_once()
    assert "Jane Renewed" in str(lines_in(world.channel))
    assert board_in(world.channel).id == before.id


async def test_removes_a_board_whose_message_was_deleted(world: World) -> None:
    """The command removes a board whose message a moderator has deleted."""
    await add_board(world)
    delete_board(world)
    assert (await remove_board(world)).startswith("Board removed")
    assert await stored_boards(world) == []


async def test_says_when_the_message_cant_be_deleted(world: World) -> None:
    """A board whose message can't be deleted is removed too; its button says so."""
    await add_board(world)
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=403, code=50001)
    answer = await remove_board(world)
    assert answer.startswith("Board stopped")
    assert "the bot can't see the channel" in answer
    assert await stored_boards(world) == []
    pressed = text_of(await world.member.click(board_in(world.channel), label="Check now"))
    assert "This board isn't updated any more" in pressed


async def test_says_when_the_channel_refuses_it(world: World) -> None:
    """The answer to a refused post has the reason, and there is no board."""
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=200000)
    assert await add_board(world) == (
        "The board could not be posted\nDiscord's answer: AutoMod blocks the message. "
        "Fix that, or pick another channel, then try again."
    )
    assert await stored_boards(world) == []


async def test_an_uncertain_post_is_repeated_with_the_same_nonce(world: World) -> None:
    """A post whose outcome is unknown is repeated while Discord knows its nonce, so that there is one board."""
    world.env.inject_error("POST", "/channels/*/messages", status=429, times=None)
    assert (await add_board(world)).startswith("Board coming up")
    world.env.backend.faults.clear()
    message = await stored_message(world)
    assert message is not None
    await world.poll_once()
    assert len(posts_in(world.channel)) == 1
    posts = [one.json for one in requests_to(world, "POST") if one.json]
    assert {(post["nonce"], post["enforce_nonce"]) for post in posts} == {(message.nonce, True)}
    assert len(posts) > 1


async def test_a_crash_after_the_post_does_not_double_it(world: World) -> None:
    """A board that arrived just before a crash is found in its channel, and kept current."""
    await add_board(world)
    before = board_in(world.channel)
    await forget_arrival(world)
    await world.restart()
    await world.env.advance_time(300)
    await world.poll_once()
    assert board_in(world.channel).id == before.id
    (board,) = await stored_boards(world)
    assert board.discord_id == before.id


async def forget_arrival(world: World) -> None:
    """Let the database be as after a crash between Discord's answer and its mark."""
    outgoing = OutgoingMessage("").to_json()
    async with world.database.begin() as tx:
        await tx.execute(messages.update().values(state=State.SENDING, discord_id=None, payload=outgoing))


@pytest.mark.parametrize("code", [50001, 0])
async def test_a_history_that_cant_be_read_posts_nothing(world: World, code: int) -> None:
    """A board is not posted again while the channel's history can't be read."""
    await add_board(world)
    await forget_arrival(world)
    await world.env.advance_time(300)
    status = 403 if code else 500
    world.env.inject_error("GET", "/channels/*/messages", status=status, code=code, times=None)
    await world.poll_once()
    assert len(posts_in(world.channel)) == 1


async def test_an_uncertain_board_does_not_hold_up_a_poll(world: World) -> None:
    """A board is tried once a poll, after the reminders, so that they don't wait for its repetitions."""
    world.env.inject_error("POST", "/channels/*/messages", status=500, times=None)
    await add_board(world)
    before = len(requests_to(world, "POST"))
    await world.poll_once()
    repeated = {one.json["nonce"] for one in requests_to(world, "POST")[before:] if one.json}
    message = await stored_message(world)
    assert message is not None
    assert repeated == {message.nonce}
    world.env.backend.faults.clear()
    await add(world, "234567")
    await world.poll_once()
    first, second = posts_in(world.channel)
    assert first.content.startswith("⏰ **Sam Reed** `234567`: MiniMax login expires within")
    assert second.id == (await stored_boards(world))[0].discord_id


async def test_a_message_that_cant_be_read_stops_no_poll(world: World) -> None:
    """A message in flight whose content another version wrote stays in flight; reminders are sent all the same."""
    await add_board(world)
    async with world.database.begin() as tx:
        lost = {"state": State.SENDING, "discord_id": None, "payload": '{"actions": ["snooze"]}'}
        await tx.execute(messages.update().values(**lost))
    await add(world, "234567")
    await world.poll_once()
    assert contents_in(world.channel)[-1].startswith("⏰ **Sam Reed** `234567`: MiniMax login expires within")


async def test_a_board_that_never_arrived_is_posted_later(world: World) -> None:
    """A board that the channel's history does not hold is posted, once."""
    world.env.inject_error("POST", "/channels/*/messages", status=429, times=None)
    await add_board(world)
    await world.poll_once()
    world.env.backend.faults.clear()
    await world.env.advance_time(300)
    for _ in range(2):
        await world.poll_once()
    assert len(posts_in(world.channel)) == 1


async def test_a_board_that_is_removed_before_it_arrives_is_not_posted(world: World) -> None:
    """Removing a board whose post is uncertain ends its repetitions."""
    world.env.inject_error("POST", "/channels/*/messages", status=429, times=None)
    await add_board(world)
    assert (await remove_board(world)).startswith("Board removed")
    world.env.backend.faults.clear()
    await world.poll_once()
    assert (posts_in(world.channel), await stored_boards(world)) == ([], [])


async def test_a_board_that_arrived_unnoticed_is_removed(world: World) -> None:
    """Removing a board that arrived just before a crash deletes its message."""
    await add_board(world)
    await forget_arrival(world)
    assert (await remove_board(world)).startswith("Board removed")
    assert posts_in(world.channel) == []
    await world.poll_once()
    assert (posts_in(world.channel), await stored_boards(world)) == ([], [])


@pytest.mark.parametrize("is_refused", [False, True])
async def test_the_message_of_a_removed_board_is_deleted_later(world: World, *, is_refused: bool) -> None:
    """A poll deletes the message of a removed board that could not be searched, or gives up if that is refused."""
    await add_board(world)
    await forget_arrival(world)
    world.env.inject_error("GET", "/channels/*/messages", status=500, times=None)
    assert "couldn't be deleted" in await remove_board(world)
    world.env.backend.faults.clear()
    if is_refused:
        world.env.inject_error("DELETE", "/channels/*/messages/*", status=403, code=50013)
    for _ in range(2):
        await world.poll_once()
    assert len(posts_in(world.channel)) == is_refused
    assert await stored_boards(world) == []


async def test_a_poll_at_the_same_time_does_not_double_it(world: World) -> None:
    """A poll and the command together post a board once."""
    channels = [world.env.guild.create_text_channel(f"c{n}") for n in range(8)]

    async def keep_polling() -> None:
        for _ in range(40):
            await world.poll_once()

    await world.poll_once()
    polling = asyncio.create_task(keep_polling())
    for channel in channels:
        await add_board(world, channel)
    await polling
    assert [len(posts_in(channel)) for channel in channels] == [1] * 8


async def test_a_board_goes_a_day_after_its_channel(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A board is forgotten once two daily checks have missed its channel, and a warning says whose board it was."""
    await world.poll_once()
    doomed = world.env.guild.create_text_channel("doomed")
    await add_board(world, doomed)
    world.env.backend.delete_channel(doomed.id)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    await poll_hourly(world, 47)
    (board,) = await stored_boards(world)
    assert board.absent_since is not None
    assert len(dms_of(world)) == 1
    await poll_hourly(world, 2)
    assert await stored_boards(world) == []
    assert "doomed" not in text_of(await show_list(world))
    (forgotten,) = [one.getMessage() for one in caplog.records if "is forgotten:" in one.getMessage()]
    assert all(str(one) in forgotten for one in (world.manager.id, doomed.id, world.env.guild.id))


async def test_one_answer_that_the_channel_is_gone(world: World) -> None:
    """A board outlives an answer that its channel does not exist; the next attempt edits it."""
    await add_board(world)
    before = board_in(world.channel)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=404, code=10003)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    # What the command read is reused for a moment.
    await world.env.advance_time(60)
    await world.poll_once()
    assert len(requests_to(world, "PATCH")) == 1
    assert len(await stored_boards(world)) == 1
    await world.env.advance_time(61)
    await world.poll_once()
    assert board_in(world.channel).id == before.id
    assert "Jane Renewed" in str(lines_in(world.channel))


async def test_one_answer_that_the_message_is_gone(world: World) -> None:
    """A board whose message is still in the channel is not posted again."""
    await add_board(world)
    before = board_in(world.channel)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=404, code=10008)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    await poll_hourly(world, 3)
    assert board_in(world.channel).id == before.id
    assert "Jane Renewed" in str(lines_in(world.channel))


@pytest.mark.parametrize(("status", "code"), [(404, 10004), (403, 50001), (500, 0)])
async def test_a_server_that_cant_be_read_forgets_no_board(world: World, status: int, code: int) -> None:
    """While the server's channels can't be listed, every board stays, for as long as it takes."""
    await world.poll_once()
    await add_board(world)
    world.env.inject_error("GET", "/guilds/*", status=status, code=code, times=None)
    world.env.inject_error("GET", "/guilds/*/channels", status=status, code=code, times=None)
    await poll_for(world, 4, every=6 * HOUR)
    assert len(await stored_boards(world)) == 1


async def test_a_channel_that_is_back_is_not_missed(world: World) -> None:
    """A channel that a check sees, or in which the board is edited, was not gone for a day."""
    await world.poll_once()
    await add_board(world)
    (board,) = await stored_boards(world)
    async with world.database.begin() as tx:
        await set_absent_since(tx, board, world.env.now() - timedelta(days=2))
    await poll_hourly(world, 25)
    (board,) = await stored_boards(world)
    assert board.absent_since is None
    async with world.database.begin() as tx:
        await set_absent_since(tx, board, world.env.now())
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    await world.poll_once()
    (board,) = await stored_boards(world)
    assert board.absent_since is None


async def test_a_refused_board_is_tried_less_and_less_often(world: World) -> None:
    """A refused board is tried after an hour, then every six; status and list show it, and its adder is informed."""
    await world.poll_once()
    await add_board(world)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=403, code=50001, times=None)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    for _ in range(25):
        await world.poll_once()
        await world.env.advance_time(HOUR + 60)
    # After 0, 1, 2, 3, 9, 15 and 21 of them.
    assert len(requests_to(world, "PATCH")) == 7
    failure = "⚠️ Board not up to date: the bot can't see the channel. Next try <t:1767324060:R>."
    listed = text_of(await show_list(world))
    assert f"**Board** in {world.channel.mention} · [open](https://discord.com/channels/" in listed
    assert failure in listed
    await world.poll_once()
    embed = embed_of(await world.manager.slash(world.channel, "minimax-status"))
    assert embed.title == "⚠️ 1 problem"
    assert fields_of(embed)["Problems"] == (
        f"- Board in {world.channel.mention}: the bot can't see the channel. "
        "Fix that, or remove the board. Next try <t:1767324060:R>."
    )
    (message,) = dms_of(world)
    assert message == (
        "⚠️ The board of MiniMax accounts can't be kept up to date in 1 channel:\n"
        f"- {world.channel.mention}: the bot can't see the channel\n"
        "Fix that there, or remove the board with `/minimax-board remove`."
    )
    world.env.backend.faults.clear()
    await poll_hourly(world, 5)
    assert "Jane Renewed" in str(lines_in(world.channel))
    assert "not up to date" not in text_of(await show_list(world))


async def test_only_the_list_shows_it_if_nobody_can_be_informed(world: World) -> None:
    """An adder who accepts no direct messages is written to once, not after every poll."""
    await world.poll_once()
    await add_board(world)
    world.env.inject_error("PATCH", f"/channels/{world.channel.id}/messages/*", status=403, code=50013, times=None)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    inbox = f"/channels/{world.manager.user.dm_channel.id}/messages"
    world.env.inject_error("POST", inbox, status=403, code=50007, times=None)
    await poll_hourly(world, 24)
    assert "not up to date: the bot lacks a permission in the channel" in text_of(await show_list(world))
    assert len([one for one in world.env.http_requests if one.path == inbox]) == 1


async def test_a_refused_board_does_not_delay_a_reminder(world: World) -> None:
    """A reminder is sent at once to an archived thread that refuses edits of its board."""
    await add_board(world)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=400, code=50083, times=None)
    world.api.accounts["345678"] = build_account("345678", "Sam Reed", days=40)
    await world.poll_once()
    await add(world, "234567")
    await world.poll_once()
    assert contents_in(world.channel)[-1].startswith(say_expiring("Sam Reed `234567`", "3 days"))
