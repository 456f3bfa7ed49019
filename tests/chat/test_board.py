"""Tests of `/minimax-board` in a simulated Discord."""

from typing import Any

import discord
import pytest

from bot.useapi.client import ACCOUNTS_PATH
from tests.support.accounts import build_account
from tests.support.chat.answers import buttons_of, embed_of, menu_of, message_of, text_of
from tests.support.chat.boards import (
    add_board,
    board_in,
    lines_in,
    many_accounts,
    remove_board,
    requests_to,
    stored_boards,
    stored_message,
)
from tests.support.chat.places import channel_with
from tests.support.chat.reminders import DAY, add, posts_in
from tests.support.hostile import with_status
from tests.support.world import GUILD_ID, World


async def test_posts_all_accounts_in_a_channel(world: World) -> None:
    """The board shows one line an account, most urgent first, with a menu and a button, and mentions nobody."""
    target = world.env.guild.create_text_channel("status")
    await world.manager.slash(world.channel, "minimax-reminders add", account="123456")
    answer = await add_board(world, target)
    post = board_in(target)
    link = f"https://discord.com/channels/{GUILD_ID}/{target.id}/{post.id}"
    assert answer == (
        f"Board posted\nIn {target.mention} ([open]({link})). It updates itself. "
        f"Remove it with `/minimax-board remove`."
    )
    (embed,) = post.embeds
    assert (post.content, embed.title, embed.colour) == (
        "",
        "1 of 3 accounts needs renewing",
        discord.Colour(0xC92A2A),
    )
    assert lines_in(target) == [
        "🔴 **Sam Reed** `345678` expired <t:1767052800:R>\u00a0·\u00a0🔕",
        "🟡 **Sam Reed** `234567` <t:1767484800:R>\u00a0·\u00a0🔕",
        "🟢 **Jane Doe** `123456` <t:1768262400:R>",
    ]
    message = await stored_message(world, target)
    assert message is not None
    assert embed.footer.text == (f"🔕 no reminders · checked every 5 minutes, edited on change · {message.footer_id}")
    assert (list(buttons_of(post)), menu_of(post)) == (["Check now"], ["345678", "234567", "123456"])


async def test_the_footer_is_a_sentence(world: World) -> None:
    """Where each account has reminders, the footer begins with how often the board is checked."""
    await add(world)
    await add_board(world)
    (post,) = posts_in(world.channel)
    assert (post.embeds[0].footer.text or "").startswith("Checked every 5 minutes, edited on change · ")


async def test_shows_25_accounts_and_names_the_rest(world: World) -> None:
    """A board shows 25 accounts and says where the others are."""
    world.api.accounts = many_accounts(30)
    await add_board(world)
    assert len(menu_of(board_in(world.channel))) == 25
    assert "and 5 more: `/minimax-overview`" in lines_in(world.channel)


async def test_is_edited_only_when_something_changes(world: World) -> None:
    """A renewal, a new reminder and another status edit the message in place; polls without a change don't."""
    await add_board(world)
    before = board_in(world.channel)
    for _ in range(4):
        await world.poll_once()
        await world.env.advance_time(1800)
    assert requests_to(world, "PATCH") == []
    world.api.accounts["345678"] = build_account("345678", "Sam Reed", days=40)
    await world.poll_once()
    assert lines_in(world.channel)[2:] == [
        "🟢 **Sam Reed** `345678` <t:1770681600:R>",
        "🔕 No reminders yet. Add the first one: `/minimax-reminders add`",
    ]
    await world.env.advance_time(2.5 * DAY)
    await world.poll_once()
    assert lines_in(world.channel)[0].startswith("🟠 **Sam Reed** `234567`")
    assert board_in(world.channel).id == before.id
    assert len(requests_to(world, "PATCH")) == 2
    await world.manager.slash(world.channel, "minimax-reminders add", account="123456", days="1")
    await world.poll_once()
    assert not [line for line in lines_in(world.channel) if "123456" in line and "🔕" in line]
    assert len(requests_to(world, "PATCH")) == 3


async def test_survives_a_restart(world: World) -> None:
    """After a restart the same message is kept current, and its menu and button work."""
    await add_board(world)
    before = board_in(world.channel)
    await world.restart()
    await world.poll_once()
    assert requests_to(world, "PATCH") == []
    opened = await world.member.select(before, ["123456"])
    assert opened.ephemeral
    assert embed_of(opened).title == "Jane Doe"
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    world.api.calls.clear()
    refreshed = message_of(await world.member.click(before, label="Check now"))
    assert (refreshed.id, world.api.calls) == (before.id, [ACCOUNTS_PATH])
    assert "🟢 **Jane Renewed** `123456` <t:1770681600:R>" in lines_in(world.channel)
    await world.poll_once()
    assert board_in(world.channel).id == before.id


async def test_a_refresh_does_not_hide_a_change_from_the_next_poll(world: World) -> None:
    """A poll edits a board whose refresh showed an error that has ended, though the last poll saw no error."""
    await world.poll_once()
    await add_board(world)
    world.api.accounts["123456"]["error"] = "login failed"
    await world.member.click(board_in(world.channel), label="Check now")
    assert "⚠️ **Jane Doe** `123456` error: login failed" in lines_in(world.channel)
    del world.api.accounts["123456"]["error"]
    await world.poll_once()
    assert "🟢 **Jane Doe** `123456` <t:1768262400:R>" in lines_in(world.channel)


async def test_a_failed_refresh_leaves_the_board(world: World) -> None:
    """Only the user sees a failure of the API."""
    await add_board(world)
    before = board_in(world.channel).embeds
    world.api.behave = with_status(500)
    assert "useapi.net can't be reached" in text_of(
        await world.member.click(board_in(world.channel), label="Check now")
    )
    assert board_in(world.channel).embeds == before


async def test_says_once_that_the_accounts_cant_be_read(world: World) -> None:
    """While reads fail, the board says since when, and never that a login has expired meanwhile."""
    await world.poll_once()
    await add_board(world)
    world.api.behave = with_status(429)
    for _ in range(8):
        await world.env.advance_time(DAY / 2)
        await world.poll_once()
    assert lines_in(world.channel) == [
        "⚪ **Sam Reed** `345678` should have expired <t:1767052800:R>",
        "⚪ **Sam Reed** `234567` should have expired <t:1767484800:R>",
        "🟢 **Jane Doe** `123456` <t:1768262400:R>",
        "🔕 No reminders yet. Add the first one: `/minimax-reminders add`",
        "⚪ useapi.net can't be read. Last checked <t:1767225600:R>.",
    ]
    # The first failed read; the last day of 234567; its end.
    assert len(requests_to(world, "PATCH")) == 3
    world.api.behave = None
    await world.poll_once()
    assert lines_in(world.channel)[1].startswith("🔴 **Sam Reed** `234567` expired <t:1767484800:R>")
    assert "useapi.net" not in lines_in(world.channel)[-1]


async def test_a_deleted_account_leaves_the_board(world: World) -> None:
    """The board shows the accounts of the last list."""
    await add_board(world)
    await world.poll_once()
    del world.api.accounts["123456"]
    await world.env.advance_time(1800)
    await world.poll_once()
    assert not [line for line in lines_in(world.channel) if "123456" in line]


async def test_adding_it_again_changes_nothing(world: World) -> None:
    """A second `add` deletes nothing, posts nothing, and leads to the board that is there."""
    await add_board(world)
    post = board_in(world.channel)
    link = f"https://discord.com/channels/{GUILD_ID}/{world.channel.id}/{post.id}"
    assert await add_board(world) == (
        f"Nothing changed\n{world.channel.mention} already has a board ([open]({link})). It updates itself. "
        f"Remove it with `/minimax-board remove`."
    )
    assert [one.id for one in posts_in(world.channel)] == [post.id]


async def test_removes_a_board(world: World) -> None:
    """`remove` deletes the board and its message; it can be added again."""
    await add_board(world)
    assert await remove_board(world) == f"Board removed\n{world.channel.mention} has no board any more."
    await world.poll_once()
    assert (posts_in(world.channel), await stored_boards(world)) == ([], [])
    assert (await add_board(world)).startswith("Board posted")
    assert len(posts_in(world.channel)) == 1


async def test_both_commands_mean_this_channel_by_default(world: World) -> None:
    """Without a channel, the board is the one of the channel where the command is used."""
    assert "Board posted" in text_of(await world.manager.slash(world.channel, "minimax-board add"))
    assert len(posts_in(world.channel)) == 1
    assert "Board removed" in text_of(await world.manager.slash(world.channel, "minimax-board remove"))
    assert posts_in(world.channel) == []


async def test_removing_where_there_is_none_says_so(world: World) -> None:
    """`remove` in a channel without a board names the boards that the server has, or how to add one."""
    other = world.env.guild.create_text_channel("other")
    assert await remove_board(world) == (
        f"No board to remove\n{world.channel.mention} has no board. This server has no board yet. "
        f"Post one with `/minimax-board add`."
    )
    await add_board(world, other)
    assert f"This server has boards in {other.mention}." in await remove_board(world)
    assert len(posts_in(other)) == 1


async def test_each_channel_has_its_own(world: World) -> None:
    """The boards of two channels are independent: a failure of one does not stop the other."""
    other = world.env.guild.create_text_channel("other")
    await world.poll_once()
    await add_board(world)
    await add_board(world, other)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    world.env.inject_error("PATCH", f"/channels/{world.channel.id}/messages/*", status=403, code=50001)
    await world.poll_once()
    assert ["Jane Renewed" in str(lines_in(channel)) for channel in (world.channel, other)] == [False, True]


@pytest.mark.parametrize("who", ["bot", "manager"])
async def test_checks_the_channel_as_add_does(world: World, who: str) -> None:
    """A channel in which the bot or the user may not write is refused."""
    closed: dict[str, Any] = {who: {"send_messages": False}}
    target = channel_with(world, **closed)
    refused = {"bot": "The bot can't post in #target", "manager": "You can't post in #target"}[who]
    assert (await add_board(world, target)).startswith(refused)
    assert await stored_boards(world) == []
