"""Tests that commands in texts become links wherever Discord shows them as links, and stay code elsewhere."""

from typing import Any

import discord
import pytest

from bot.chat.rest.command_links import CommandLinks
from bot.chat.views.components import Reply
from bot.core.messages import OutgoingMessage, new_nonce
from tests.support.chat.answers import buttons_of, message_of
from tests.support.chat.boards import add_board, board_in, many_accounts
from tests.support.chat.links import command_link
from tests.support.chat.reminders import add, posts_in, show_list
from tests.support.world import GUILD_ID, OTHER_GUILD_ID, World

ADD, STATUS = "`/minimax-reminders add`", "`/minimax-status`"
SUBCOMMAND, STATUS_ID = 1, 1_300_000_000_000_000_011
REGISTERED: list[dict[str, Any]] = [
    {"id": str(STATUS_ID), "name": "minimax-status"},
    {"id": "22", "name": "minimax-reminders", "options": [{"type": SUBCOMMAND, "name": "add"}]},
    {"id": "33", "name": "minimax-account", "options": [{"type": 3, "name": "account"}]},
]


def build_links() -> CommandLinks:
    """Return links that know the commands of one server."""
    links = CommandLinks()
    links.learn(GUILD_ID, REGISTERED)
    return links


@pytest.mark.parametrize(
    ("text", "linked"),
    [
        (f"Run {STATUS}.", f"Run </minimax-status:{STATUS_ID}>."),
        (f"{ADD} or {ADD}", "</minimax-reminders add:22> or </minimax-reminders add:22>"),
        ("`/minimax-account`: look up", "</minimax-account:33>: look up"),
        ("`/minimax-reminders`", "`/minimax-reminders`"),
        ("`/minimax-reminders gone`", "`/minimax-reminders gone`"),
        ("`/minimax-account account:x`", "`/minimax-account account:x`"),
        ("/minimax-status, `minimax-status`", "/minimax-status, `minimax-status`"),
    ],
)
def test_known_commands_become_links(text: str, linked: str) -> None:
    """A command below a group goes by the group's id; what is no command that people can run stays as it is."""
    assert build_links().in_text(GUILD_ID, text, 2000) == linked


@pytest.mark.parametrize("guild_id", [None, OTHER_GUILD_ID])
def test_commands_stay_code_where_the_ids_are_unknown(guild_id: int | None) -> None:
    """In direct messages, and in a server whose commands are not registered yet, there are no links."""
    assert build_links().in_text(guild_id, STATUS, 2000) == STATUS


def test_each_server_has_its_own_ids() -> None:
    """Equal commands of two servers have different ids."""
    links = build_links()
    links.learn(OTHER_GUILD_ID, [{"id": "44", "name": "minimax-status"}])
    assert links.in_text(OTHER_GUILD_ID, STATUS, 2000) == "</minimax-status:44>"
    assert links.in_text(GUILD_ID, STATUS, 2000) == f"</minimax-status:{STATUS_ID}>"


def test_links_are_made_where_discord_shows_them() -> None:
    """Content, descriptions and values of fields have links; titles, names of fields and footers have none."""
    embed = discord.Embed(title=STATUS, description=STATUS).add_field(name=STATUS, value=STATUS).set_footer(text=STATUS)
    before = embed.to_dict()
    reply = build_links().in_reply(GUILD_ID, Reply([embed], content=STATUS, aside=Reply([], content=STATUS)))
    (linked,) = reply.embeds
    assert [reply.content, linked.description, linked.fields[0].value] == [f"</minimax-status:{STATUS_ID}>"] * 3
    assert [linked.title, linked.fields[0].name, linked.footer.text] == [STATUS] * 3
    assert reply.aside is not None
    assert reply.aside.content == f"</minimax-status:{STATUS_ID}>"
    assert embed.to_dict() == before


def test_a_link_never_makes_a_text_too_long() -> None:
    """A text that would get too long for Discord keeps its code, and so do embeds that would together."""
    links = build_links()
    assert links.in_text(GUILD_ID, "x" * (2000 - len(STATUS)) + STATUS, 2000).endswith(STATUS)
    embeds = [discord.Embed(description="x" * 2980 + STATUS) for _ in range(2)]
    assert [one.description for one in links.in_embeds(GUILD_ID, embeds)] == [one.description for one in embeds]


async def test_answers_errors_and_boards_have_links(world: World) -> None:
    """Answers, errors and messages in channels lead to the commands of their server."""
    listed = message_of(await show_list(world)).embeds[0].description or ""
    assert command_link(world, "minimax-reminders add") in listed
    refused = await world.manager.slash(world.channel, "minimax-reminders remove", reminder="7")
    assert command_link(world, "minimax-reminders add") in (message_of(refused).embeds[0].description or "")
    posted = await world.manager.slash(world.channel, "minimax-board add")
    assert command_link(world, "minimax-board remove") in (message_of(posted).embeds[0].description or "")


async def test_posts_and_edits_have_links(world: World) -> None:
    """What the bot posts and edits leads to the commands too; a direct message does not."""
    message = OutgoingMessage(STATUS)
    link = command_link(world, "minimax-status")
    sender = world.application.context.sender
    posted = await sender.post(world.channel.id, message, new_nonce(), guild_id=GUILD_ID)
    assert posted is not None
    assert posts_in(world.channel)[-1].content == link
    await sender.edit(world.channel.id, posted, OutgoingMessage(f"Now {STATUS}"), guild_id=GUILD_ID)
    assert posts_in(world.channel)[-1].content == f"Now {link}"
    await sender.send_direct(world.manager.id, STATUS)
    assert world.manager.user.dm_channel.history()[-1].content == STATUS


async def test_a_board_leads_to_the_other_accounts(world: World) -> None:
    """A board with more accounts than it shows links the command that shows all, also after an edit."""
    world.api.accounts = many_accounts(30)
    await add_board(world)
    before = board_in(world.channel).embeds[0].description or ""
    assert "</minimax-" in before
    await world.manager.click(board_in(world.channel), label=next(iter(buttons_of(board_in(world.channel)))))
    assert "</minimax-" in (board_in(world.channel).embeds[0].description or "")
    await add(world)
