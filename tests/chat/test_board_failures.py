"""Tests of boards in channels where something goes wrong: refusals, deletions, crashes."""

import asyncio

import pytest

from bot.store.tables import boards
from tests.chat.test_blocked import HOUR, dms_of, poll_hourly
from tests.support.chat.answers import embed_of, fields_of
from tests.support.chat.boards import board_in, delete_board, requests_to, lines_in, stored, toggle
from tests.support.chat.reminders import add, posts_in, contents_in, show, text_of
from tests.support.world import World, account


async def test_is_posted_again_only_if_it_was_deleted(world: World) -> None:
    """A board that somebody deleted comes back with the next change, once."""
    await toggle(world)
    delete_board(world)
    await world.poll_once()
    assert posts_in(world.channel) == []
    world.standin.accounts["123456"] = account("123456", "Jane Renewed", days=40)
    for _ in range(3):
        await world.poll_once()
        await world.env.advance_time(1800)
    assert "🟢 **Jane Renewed** `123456` · expires <t:1770681600:R> · 🔕" in lines_in(world.channel)
    (board,) = await stored_boards(world)
    assert board.message_id == board_in(world.channel).id


@pytest.mark.parametrize(("status", "code"), [(429, 30046), (403, 50013), (500, 0)])
async def test_an_edit_that_fails_is_left_for_the_next_pass(world: World, status: int, code: int) -> None:
    """Discord's limit on edits of old messages, or any other refusal, posts nothing new."""
    await toggle(world)
    before = board_in(world.channel)
    await world.env.advance_time(2 * 3600)
    world.standin.accounts["123456"] = account("123456", "Jane Renewed", days=40)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=status, code=code, times=None)
    await world.poll_once()
    assert "Jane Renewed" not in str(lines_in(world.channel))
    world.env.backend.faults.clear()
    await world.env.advance_time(60)
    await world.poll_once()
    assert "Jane Renewed" in str(lines_in(world.channel))
    assert board_in(world.channel).id == before.id


async def test_taking_away_what_somebody_deleted_is_no_trouble(world: World) -> None:
    """A board whose message is gone already is simply not kept any more."""
    await toggle(world)
    delete_board(world)
    assert (await toggle(world)).startswith("Board removed")
    assert await stored_boards(world) == []


async def test_says_when_the_message_can_not_be_deleted(world: World) -> None:
    """Even then the board is not kept any more; its button says so."""
    await toggle(world)
    world.env.inject_error("DELETE", "/channels/*/messages/*", status=403, code=50001)
    answer = await toggle(world)
    assert answer.startswith("Board ended")
    assert "the bot may not see the channel" in answer
    assert await stored_boards(world) == []
    pressed = text_of(await world.member.click(board_in(world.channel), label="Refresh"))
    assert "This message is not kept up to date any more." in pressed


async def test_tells_when_discord_does_not_take_it(world: World) -> None:
    """A refused post is told, and nothing is kept."""
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=200000)
    assert "does not accept the board: AutoMod blocks the message." in await toggle(world)
    assert await stored_boards(world) == []


async def test_a_post_of_unknown_fate_is_tried_with_the_same_nonce(world: World) -> None:
    """Within the time for which Discord knows a nonce the same one is sent again, so that it can't double."""
    world.env.inject_error("POST", "/channels/*/messages", status=429, times=None)
    assert (await toggle(world)).startswith("Board on its way")
    world.env.backend.faults.clear()
    (board,) = await stored_boards(world)
    await world.poll_once()
    assert len(posts_in(world.channel)) == 1
    posts = [one.json for one in requests_to(world, "POST") if one.json]
    assert {(post["nonce"], post["enforce_nonce"]) for post in posts} == {(board.nonce, True)}
    assert len(posts) > 1


async def test_a_crash_after_the_post_does_not_double_it(world: World) -> None:
    """A board that arrived without the bot knowing is looked up in the channel later, and kept."""
    await toggle(world)
    before = board_in(world.channel)
    async with world.database.begin() as tx:
        await tx.execute(boards.update().values(message_id=None, shown=""))
    await world.restart()
    await world.env.advance_time(300)
    await world.poll_once()
    assert board_in(world.channel).id == before.id
    (board,) = await stored_boards(world)
    assert board.message_id == before.id


@pytest.mark.parametrize("code", [50001, 0])
async def test_a_history_that_can_not_be_read_posts_nothing(world: World, code: int) -> None:
    """As long as nobody knows whether the board arrived it is not posted again."""
    await toggle(world)
    async with world.database.begin() as tx:
        await tx.execute(boards.update().values(message_id=None, shown=""))
    await world.env.advance_time(300)
    status = 403 if code else 500
    world.env.inject_error("GET", "/channels/*/messages", status=status, code=code, times=None)
    await world.poll_once()
    assert len(posts_in(world.channel)) == 1


async def test_a_board_that_never_arrived_is_posted_later(world: World) -> None:
    """What is not in the channel's history is posted, once."""
    world.env.inject_error("POST", "/channels/*/messages", status=429, times=None)
    await toggle(world)
    await world.poll_once()
    world.env.backend.faults.clear()
    await world.env.advance_time(300)
    for _ in range(2):
        await world.poll_once()
    assert len(posts_in(world.channel)) == 1


async def test_a_pass_at_the_same_time_does_not_double_it(world: World) -> None:
    """A pass that comes while the command posts a board waits for it, and the other way round."""
    channels = [world.env.guild.create_text_channel(f"c{n}") for n in range(8)]

    async def pass_on() -> None:
        for _ in range(40):
            await world.application.poller.poll_once(1)

    await world.poll_once()
    passing = asyncio.create_task(pass_on())
    for channel in channels:
        await toggle(world, channel)
    await passing
    assert [len(posts_in(channel)) for channel in channels] == [1] * 8


async def test_a_board_goes_with_its_channel(world: World) -> None:
    """A board whose channel was deleted is forgotten: it is not tried again, and no trouble for anybody."""
    doomed = world.env.guild.create_text_channel("doomed")
    await toggle(world, doomed)
    world.env.backend.delete_channel(doomed.id)
    world.standin.accounts["123456"] = account("123456", "Jane Renewed", days=40)
    await poll_hourly(world, 3)
    assert await stored_boards(world) == []
    assert len(requests_to(world, "PATCH")) == 1
    assert "doomed" not in text_of(await show(world))
    assert dms_of(world) == []


async def test_a_refused_board_is_tried_ever_more_rarely(world: World) -> None:
    """A board that is refused is tried after an hour, then each six; status, list and whoever added it are told."""
    await world.poll_once()
    await toggle(world)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=403, code=50001, times=None)
    world.standin.accounts["123456"] = account("123456", "Jane Renewed", days=40)
    for _ in range(25):
        await world.poll_once()
        await world.env.advance_time(HOUR + 60)
    # After 0, 1, 2, 3, 9, 15 and 21 of them.
    assert len(requests_to(world, "PATCH")) == 7
    trouble = "⚠️ The board is not up to date: the bot may not see the channel. Next try <t:1767324060:R>."
    listed = text_of(await show(world))
    assert f"**Board in {world.channel.mention}** · [message](https://discord.com/channels/" in listed
    assert trouble in listed
    card = embed_of(await world.manager.slash(world.channel, "minimax-status"))
    assert card.description == "⚠️ **A board can't be kept up to date**; see below."
    assert fields_of(card)["Boards out of date"] == f"{world.channel.mention}: {trouble}"
    (told,) = dms_of(world)
    assert told == (
        "⚠️ The board of MiniMax accounts can't be kept up to date in 1 channel:\n"
        f"- {world.channel.mention}: the bot may not see the channel\n"
        "Fix that there, or remove the board with `/minimax-reminders board`."
    )
    world.env.backend.faults.clear()
    await poll_hourly(world, 5)
    assert "Jane Renewed" in str(lines_in(world.channel))
    assert "not up to date" not in text_of(await show(world))


async def test_the_list_tells_of_a_board_if_nobody_else_can(world: World) -> None:
    """Whoever added a board and takes no direct messages is written to once, not after every pass."""
    await world.poll_once()
    await toggle(world)
    world.env.inject_error("PATCH", f"/channels/{world.channel.id}/messages/*", status=403, code=50013, times=None)
    world.standin.accounts["123456"] = account("123456", "Jane Renewed", days=40)
    inbox = f"/channels/{world.manager.user.dm_channel.id}/messages"
    world.env.inject_error("POST", inbox, status=403, code=50007, times=None)
    await poll_hourly(world, 24)
    assert "not up to date: the bot lacks a permission in the channel" in text_of(await show(world))
    assert len([one for one in world.env.http_requests if one.path == inbox]) == 1


async def test_a_refused_board_holds_no_reminder_back(world: World) -> None:
    """A thread that is archived takes no edit, but a reminder opens it again: that one is sent at once."""
    await toggle(world)
    world.env.inject_error("PATCH", "/channels/*/messages/*", status=400, code=50083, times=None)
    world.standin.accounts["345678"] = account("345678", "Sam Reed", days=40)
    await world.poll_once()
    await add(world, "234567")
    await world.poll_once()
    assert contents_in(world.channel)[-1].startswith("⏰ MiniMax login Sam Reed (234567) expires in 3 days.")
