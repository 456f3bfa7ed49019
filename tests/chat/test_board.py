"""Tests of `/minimax-reminders board` in a simulated Discord."""

from typing import Any

import discord
import pytest

from bot.useapi.client import ACCOUNTS_PATH
from tests.support.accounts import build_account
from tests.support.chat.answers import buttons_of, embed_of, menu_of, message_of, text_of
from tests.support.chat.boards import (
    board_in,
    lines_in,
    many_accounts,
    requests_to,
    stored_boards,
    stored_message,
    toggle,
)
from tests.support.chat.places import channel_with
from tests.support.chat.reminders import DAY, posts_in
from tests.support.hostile import with_status
from tests.support.world import World


async def test_posts_all_accounts_in_a_channel(world: World) -> None:
    """The board shows one line an account, soonest expiry first, with a menu and a button, and mentions nobody."""
    target = world.env.guild.create_text_channel("status")
    await world.manager.slash(world.channel, "minimax-reminders add", account="123456")
    assert f"Board added\n{target.mention} shows all accounts" in await toggle(world, target)
    post = board_in(target)
    (embed,) = post.embeds
    assert (post.content, embed.title, embed.colour) == ("", "3 MiniMax accounts", discord.Colour(0xC92A2A))
    assert lines_in(target) == [
        "🔴 **Sam Reed** `345678` · expired <t:1767052800:R> · 🔕",
        "🟡 **Sam Reed** `234567` · expires <t:1767484800:R> · 🔕",
        "🟢 **Jane Doe** `123456` · expires <t:1768262400:R>",
        "",
        "As of <t:1767225600:f>. Edited when something changes.",
    ]
    message = await stored_message(world, target)
    assert message is not None
    assert embed.footer.text == f"🔕 no reminder · Read from useapi.net · {message.footer_id}"
    assert (list(buttons_of(post)), menu_of(post)) == (["Refresh"], ["345678", "234567", "123456"])


async def test_shows_25_accounts_and_names_the_rest(world: World) -> None:
    """A board shows 25 accounts and says where the others are."""
    world.api.accounts = many_accounts(30)
    await toggle(world)
    assert len(menu_of(board_in(world.channel))) == 25
    assert "and 5 more: `/minimax-accounts`" in lines_in(world.channel)


async def test_is_edited_only_when_something_changes(world: World) -> None:
    """A renewal, a new reminder and another status edit the message in place; polls without a change don't."""
    await toggle(world)
    before = board_in(world.channel)
    for _ in range(4):
        await world.poll_once()
        await world.env.advance_time(1800)
    assert requests_to(world, "PATCH") == []
    world.api.accounts["345678"] = build_account("345678", "Sam Reed", days=40)
    await world.poll_once()
    assert lines_in(world.channel)[2:] == [
        "🟢 **Sam Reed** `345678` · expires <t:1770681600:R> · 🔕",
        "",
        "As of <t:1767232800:f>. Edited when something changes.",
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
    await toggle(world)
    before = board_in(world.channel)
    await world.restart()
    await world.poll_once()
    assert requests_to(world, "PATCH") == []
    opened = await world.member.select(before, ["123456"])
    assert opened.ephemeral
    assert embed_of(opened).title == "Jane Doe"
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    world.api.calls.clear()
    refreshed = message_of(await world.member.click(before, label="Refresh"))
    assert (refreshed.id, world.api.calls) == (before.id, [ACCOUNTS_PATH])
    assert "🟢 **Jane Renewed** `123456` · expires <t:1770681600:R> · 🔕" in lines_in(world.channel)
    await world.poll_once()
    assert board_in(world.channel).id == before.id


async def test_a_refresh_does_not_hide_a_change_from_the_next_poll(world: World) -> None:
    """A poll edits a board whose refresh showed an error that has ended, though the last poll saw no error."""
    await world.poll_once()
    await toggle(world)
    world.api.accounts["123456"]["error"] = "login failed"
    await world.member.click(board_in(world.channel), label="Refresh")
    assert "🔴 **Jane Doe** `123456` · in error · 🔕" in lines_in(world.channel)
    del world.api.accounts["123456"]["error"]
    await world.poll_once()
    assert "🟢 **Jane Doe** `123456` · expires <t:1768262400:R> · 🔕" in lines_in(world.channel)


async def test_a_failed_refresh_leaves_the_board(world: World) -> None:
    """Only the user sees a failure of the API."""
    await toggle(world)
    before = board_in(world.channel).embeds
    world.api.behave = with_status(500)
    assert "useapi.net can't be reached" in text_of(await world.member.click(board_in(world.channel), label="Refresh"))
    assert board_in(world.channel).embeds == before


async def test_says_once_that_the_accounts_cant_be_read(world: World) -> None:
    """While reads fail, the board says since when, and never that a login has expired meanwhile."""
    await world.poll_once()
    await toggle(world)
    world.api.behave = with_status(429)
    for _ in range(8):
        await world.env.advance_time(DAY / 2)
        await world.poll_once()
    assert lines_in(world.channel) == [
        "⚪ **Sam Reed** `345678` · was due to expire <t:1767052800:f> · 🔕",
        "⚪ **Sam Reed** `234567` · was due to expire <t:1767484800:f> · 🔕",
        "🟢 **Jane Doe** `123456` · expires <t:1768262400:R> · 🔕",
        "",
        "⚪ Not confirmed since <t:1767225600:f>: useapi.net can't be read.",
    ]
    # The first failed read; the last day of 234567; its end.
    assert len(requests_to(world, "PATCH")) == 3
    world.api.behave = None
    await world.poll_once()
    assert lines_in(world.channel)[1].startswith("🔴 **Sam Reed** `234567` · expired <t:1767484800:R>")
    assert lines_in(world.channel)[-1].startswith("As of ")


async def test_a_deleted_account_leaves_the_board(world: World) -> None:
    """The board shows the accounts of the last list."""
    await toggle(world)
    await world.poll_once()
    del world.api.accounts["123456"]
    await world.env.advance_time(1800)
    await world.poll_once()
    assert not [line for line in lines_in(world.channel) if "123456" in line]


async def test_the_same_command_removes_it(world: World) -> None:
    """Used again, the command deletes the board and its message; used a third time, it posts a new one."""
    await toggle(world)
    assert await toggle(world) == (
        f"Board removed\nThe board in {world.channel.mention} is gone. The same command brings it back."
    )
    await world.poll_once()
    assert (posts_in(world.channel), await stored_boards(world)) == ([], [])
    assert (await toggle(world)).startswith("Board added")
    assert len(posts_in(world.channel)) == 1


async def test_each_channel_has_its_own(world: World) -> None:
    """The boards of two channels are independent: a failure of one does not stop the other."""
    other = world.env.guild.create_text_channel("other")
    await world.poll_once()
    await toggle(world)
    await toggle(world, other)
    world.api.accounts["123456"] = build_account("123456", "Jane Renewed", days=40)
    world.env.inject_error("PATCH", f"/channels/{world.channel.id}/messages/*", status=403, code=50001)
    await world.poll_once()
    assert ["Jane Renewed" in str(lines_in(channel)) for channel in (world.channel, other)] == [False, True]


@pytest.mark.parametrize("who", ["bot", "manager"])
async def test_checks_the_channel_as_add_does(world: World, who: str) -> None:
    """A channel in which the bot or the user may not write is refused."""
    closed: dict[str, Any] = {who: {"send_messages": False}}
    target = channel_with(world, **closed)
    assert "permissions in that channel: send messages" in await toggle(world, target)
    assert await stored_boards(world) == []
