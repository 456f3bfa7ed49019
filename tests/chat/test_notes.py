"""Tests of the notes that a server keeps about accounts."""

import logging
from typing import Any

import discord
import pytest
import sqlalchemy as sa

from bot.core.notes import MAX_NOTE
from bot.errors import NoteHoldsSecret, NoteTooLong, StaleButton
from bot.store.tables import notes
from tests.support.accounts import build_account, by_id
from tests.support.chat.answers import buttons_of, embed_of, fields_of, lines_of, message_of, text_of
from tests.support.chat.forms import field_of, forge_form, write_note
from tests.support.chat.links import as_written
from tests.support.chat.reminders import add, posts_in, sent_bodies
from tests.support.world import GUILD_ID, MEMBER, OTHER_GUILD_ID, World, open_world

NOTE = "video@studio.example, Mia's phone"


async def stored(world: World) -> list[tuple[int, str, str, int]]:
    """Return all notes in the database: server, account, text and who wrote it."""
    columns = (notes.c.guild_id, notes.c.account_id, notes.c.text, notes.c.changed_by)
    async with world.database.begin() as tx:
        return [tuple(row) for row in await tx.execute(sa.select(*columns).order_by(*columns))]


async def test_a_note_is_on_the_card(world: World) -> None:
    """The form changes the card in place; the note is there as code, with who wrote it, and in the next form."""
    await world.poll_once()
    card = message_of(await world.look_up("123456"))
    assert "Note" not in fields_of(card.embeds[0])
    opened = await world.manager.click(card, label="Note")
    assert opened.modal is not None
    assert opened.modal["title"] == "Note on Jane Doe"
    assert (field_of(opened)["max_length"], field_of(opened).get("value")) == (MAX_NOTE, None)
    assert "no passwords, codes or tokens" in opened.modal["components"][0]["description"]
    changed = await world.manager.submit_modal(opened, {"note": f" {NOTE}\n"})
    assert message_of(changed).id == card.id
    now = int(world.env.now().timestamp())
    assert fields_of(embed_of(changed))["Note"] == f"`{NOTE}`\n-# <@{world.manager.id}>, <t:{now}:R>"
    assert await stored(world) == [(GUILD_ID, "123456", NOTE, world.manager.id)]
    shared = message_of(await world.look_up("123456", share="yes"))
    assert fields_of(shared.embeds[0])["Note"].startswith(f"`{NOTE}`")
    assert field_of(await world.manager.click(shared, label="Note"))["value"] == NOTE


async def test_a_note_is_in_the_reminders(world: World) -> None:
    """A reminder says with which account to renew, a list in the line of the account; a change edits what was sent."""
    await write_note(world, NOTE, "345678")
    await add(world, "345678")
    await world.poll_once()
    (post,) = posts_in(world.channel)
    assert lines_of(post)[-1].startswith(f"-# 📝 `{NOTE}` · about five minutes, or [by hand](<https://")
    other = world.env.guild.create_text_channel("other")
    await add(world, channel=other)
    await world.poll_once()
    assert f"📝 `{NOTE}`" in sent_bodies(world, other)[0]["embeds"][0]["description"]
    await write_note(world, "Noah knows", "345678")
    await world.poll_once()
    assert "`Noah knows`" in lines_of(posts_in(world.channel)[0])[-1]
    assert "`Noah knows`" in str(posts_in(other)[0].embeds[0].description)
    await write_note(world, "", "345678")
    await world.poll_once()
    assert "📝" not in str([one.embeds[0].description for one in (*posts_in(world.channel), *posts_in(other))])


async def test_a_reminder_without_a_card_has_the_note(world: World) -> None:
    """The text about an error has it, and that about a removed account, which says nothing about renewing."""
    world.api.accounts = by_id(build_account("123456", error="Session lost"), build_account("234567"))
    await add(world, "123456")
    await world.poll_once()
    await write_note(world, NOTE)
    await world.poll_twice()
    error = sent_bodies(world)[-1]["content"]
    assert f"\n-# 📝 `{NOTE}` · about five minutes, or [by hand](<https://" in error
    del world.api.accounts["123456"]
    for _ in range(3):
        await world.env.advance_time(3_600)
        await world.poll_once()
    removed = sent_bodies(world)[-1]["content"]
    assert "was removed from useapi.net" in removed
    assert f"\n-# 📝 `{NOTE}`" in removed
    assert "by hand" not in removed


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\u2060 \u202e"])
async def test_an_empty_text_deletes_the_note(world: World, text: str) -> None:
    """A text without anything visible deletes the note, also where there is none."""
    for _ in range(2):
        assert "Note" not in fields_of(embed_of(await write_note(world, text)))
        assert await stored(world) == []
        await write_note(world, NOTE)
        await write_note(world, text)


@pytest.mark.parametrize(
    "text",
    [
        "@everyone <@&1> <@2> <#3>",
        "[free](https://evil.example) https://evil.example",
        "`` ` ``` **bold** || <t:0:R>",
        "/minimax-status",
        "\u202egnp.exe # heading",
    ],
)
async def test_a_note_shows_nothing_but_text(world: World, text: str) -> None:
    """Mentions, links, commands and Markdown stay text, inside one pair of backticks, and ping nobody."""
    await add(world, "123456", days="14")
    await write_note(world, text)
    card = message_of(await world.look_up("123456"))
    (shown,) = [line for line in fields_of(card.embeds[0])["Note"].splitlines() if not line.startswith("-# ")]
    assert (shown[0], shown[-1], shown.count("`")) == ("`", "`", 2)
    assert "\u202e" not in shown
    await world.poll_once()
    (body,) = sent_bodies(world)
    assert shown in body["embeds"][0]["description"]
    assert body["allowed_mentions"] == {"parse": [], "users": [], "roles": []}


@pytest.mark.parametrize("text", ["user:1234-AbCdEf", "use\u200br%3A1234-abcd", "password: hunter2"])
async def test_a_secret_is_refused(world: World, caplog: pytest.LogCaptureFixture, text: str) -> None:
    """A text that looks like a secret is refused in words; the note stays, and neither answer nor log repeats it."""
    await write_note(world, NOTE)
    with caplog.at_level(logging.DEBUG, "bot"):
        refused = await write_note(world, text)
    assert text_of(refused).startswith(f"{NoteHoldsSecret.title}\n{NoteHoldsSecret.text}")
    assert [row[2] for row in await stored(world)] == [NOTE]
    assert text not in f"{caplog.text} {embed_of(refused).to_dict()}"
    assert NOTE not in caplog.text


async def test_only_managers_change_a_note(world: World) -> None:
    """A member's private card has no such button; on a shared card a press is refused, and so is a late submission."""
    shared = message_of(await world.look_up("123456", share="yes"))
    assert "Note" in buttons_of(shared)
    assert text_of(await world.member.click(shared, label="Note")).startswith("You need the Manage Server permission")
    assert "Note" in buttons_of(message_of(await world.member.click(shared, label="Check now")))
    opened = await world.manager.click(shared, label="Note")
    guild = world.env.guild
    world.env.backend.edit_role(guild.id, guild.roles["Managers"].id, {"permissions": MEMBER.value})
    refused = await world.manager.submit_modal(opened, {"note": NOTE})
    assert text_of(refused).startswith("You need the Manage Server permission")
    assert await stored(world) == []
    assert "Note" not in fields_of(shared.embeds[0])


@pytest.mark.parametrize(
    ("custom_id", "text", "title"),
    [
        ("minimax:note:123456", "x" * (MAX_NOTE + 1), NoteTooLong(MAX_NOTE).title),
        ("minimax:note:123456", "x" * 4_000, NoteTooLong(MAX_NOTE).title),
        ("minimax:note:999", "x", 'No account called "999"'),
        ("minimax:note:", "x", StaleButton.title),
        ("minimax:note:\x00", "x", StaleButton.title),
        ("minimax:note:..", "x", StaleButton.title),
        ("minimax:note:" + "9" * 5_000, "x", StaleButton.title),
        ("minimax:of-a-later-version:1", "x", StaleButton.title),
        ("minimax:remind:123456", "x", StaleButton.title),
        ("minimax:edit-note:123456", "x", StaleButton.title),
        ("minimax:", "x", StaleButton.title),
    ],
)
async def test_forged_forms(world: World, custom_id: str, text: str, title: str) -> None:
    """A form that is too long, outdated, unknown, or about a missing account is refused, and saves nothing."""
    card = message_of(await world.look_up("123456", share="yes"))
    (answer,) = await forge_form(world, card, custom_id, text)
    assert answer["flags"] & discord.MessageFlags(ephemeral=True).value
    assert answer["embeds"][0]["title"] == title.replace("@", "@\u200b")
    assert await stored(world) == []


@pytest.mark.parametrize("value", [None, 7, ["x"], {"value": "x"}])
async def test_odd_values_of_a_form(world: World, value: Any) -> None:
    """A value of a kind that no form sends is answered once, whatever becomes of it."""
    card = message_of(await world.look_up("123456", share="yes"))
    assert len(await forge_form(world, card, "minimax:note:123456", value)) == 1


async def test_a_form_that_is_no_button(world: World) -> None:
    """The id of a form on a button, and another bot's form, do nothing."""
    card = message_of(await world.look_up("123456", share="yes"))
    assert await forge_form(world, card, "another:note:123456", "x") == []
    button = {"type": 2, "style": 2, "label": "Forged", "custom_id": "minimax:note:123456"}
    world.env.backend.edit_message(world.channel.id, card.id, {"components": [{"type": 1, "components": [button]}]})
    forged = world.channel.last_message
    assert forged is not None
    assert text_of(await world.manager.click(forged, label="Forged")).startswith(StaleButton.title)
    assert await stored(world) == []


async def test_a_form_that_comes_twice_is_answered_once(world: World) -> None:
    """A submission that Discord delivers twice is answered once; the same text again changes nothing."""
    card = message_of(await world.look_up("123456", share="yes"))
    for _ in range(2):
        assert len(await forge_form(world, card, "minimax:note:123456", NOTE, times=2)) == 1
        assert [row[2] for row in await stored(world)] == [NOTE]


async def test_the_note_of_an_account_that_is_gone(world: World) -> None:
    """Once its account is gone, a note can't be changed any more, but deleted from an old card."""
    await write_note(world, NOTE)
    card = message_of(await world.look_up("123456", share="yes"))
    opened = [await world.manager.click(card, label="Note") for _ in range(2)]
    del world.api.accounts["123456"]
    await world.env.advance_time(60)
    refused = await world.manager.submit_modal(opened[0], {"note": "changed"})
    assert text_of(refused).startswith('No account called "123456"')
    assert [row[2] for row in await stored(world)] == [NOTE]
    deleted = await world.manager.submit_modal(opened[1], {"note": ""})
    assert embed_of(deleted).title == "Note deleted"
    assert "`/minimax-account`" in as_written(str(embed_of(deleted).description))
    assert await stored(world) == []


async def test_no_note_leaves_its_server() -> None:
    """Two servers with the same accounts see their own notes alone: on cards, in forms and in reminders."""
    accounts = by_id(build_account("123456", days=3))
    async with open_world(accounts, (GUILD_ID, OTHER_GUILD_ID)) as world:
        await add(world, "123456")
        await write_note(world, NOTE)
        other = world.env.create_guild("Other", id=OTHER_GUILD_ID)
        managing = other.create_role("M", permissions=discord.Permissions(MEMBER.value, manage_guild=True))
        eve = other.add_member(world.env.create_user("eve"), roles=[managing])
        room = other.create_text_channel("room")
        await world.restart()
        before = len(world.env.http_requests)
        card = message_of(await eve.slash(room, "minimax-account", account="123456"))
        opened = await eve.click(card, label="Note")
        assert field_of(opened).get("value") is None
        await eve.slash(room, "minimax-reminders add", account="123456")
        await eve.submit_modal(opened, {"note": "theirs"})
        await world.poll_once()
        sent = [one for one in world.env.http_requests[before:] if one.method != "GET"]
        there = str([one.json for one in sent if one.path != f"/channels/{world.channel.id}/messages"])
        assert NOTE not in there
        assert "theirs" in there
        (here,) = sent_bodies(world)
        assert (NOTE in str(here), "theirs" in str(here)) == (True, False)
