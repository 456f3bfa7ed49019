"""Tests that buttons and messages of version 0.1 keep working."""

import json
from typing import Any

import discord
import pytest
import sqlalchemy as sa
from simcord.interactions import base_payload

from bot.core.messages import Action, OutgoingMessage
from bot.core.notifications import State
from bot.store.tables import messages, notifications
from tests.support.chat.answers import embed_of
from tests.support.chat.boards import add_board, board_in
from tests.support.chat.reminders import add, posts_in, say_expiring
from tests.support.world import GUILD_ID, World

NONCE = "0123456789abcdef01234567"
EMBED = {"type": "rich", "title": "Jane Doe", "footer": {"text": f"Read from useapi.net · {NONCE[:8]}"}}


def show_control(world: World, message: discord.Message, control: dict[str, Any]) -> discord.Message:
    """Let a message of the bot have this control alone; return it."""
    rows = [{"type": 1, "components": [control]}]
    world.env.backend.edit_message(world.channel.id, message.id, {"components": rows})
    return next(post for post in posts_in(world.channel) if post.id == message.id)


async def shared_card(world: World) -> discord.Message:
    """Return a card that everybody sees."""
    await world.look_up("123456", share="yes")
    return posts_in(world.channel)[-1]


async def reminder(world: World) -> discord.Message:
    """Return a reminder."""
    await add(world, "123456")
    await world.poll_once()
    return posts_in(world.channel)[-1]


async def board(world: World) -> discord.Message:
    """Return a board."""
    await add_board(world)
    return board_in(world.channel)


@pytest.mark.parametrize(
    ("custom_id", "place", "title"),
    [
        ("minimax:check:123456", shared_card, "Jane Doe"),
        ("minimax:remind:123456", shared_card, "Reminder added"),
        ("minimax:accounts:0", shared_card, "1 of 3 accounts needs renewing"),
        ("minimax:page:accounts:0", shared_card, "1 of 3 accounts needs renewing"),
        ("minimax:page:watches:0", shared_card, "Reminders in this server"),
        ("minimax:page:preview:0", shared_card, "Next 30 days"),
        ("minimax:recheck", reminder, None),
        ("minimax:take", reminder, None),
        ("minimax:board", board, "1 of 3 accounts needs renewing"),
    ],
)
async def test_every_button_works(world: World, custom_id: str, place: Any, title: str | None) -> None:
    """Each button of version 0.1 does what it says, also after a restart."""
    button = {"type": 2, "style": 2, "label": "Press", "custom_id": custom_id}
    message = show_control(world, await place(world), button)
    await world.restart()
    assert embed_of(await world.manager.click(message, label="Press")).title == title


async def test_the_menu_works(world: World) -> None:
    """The menu of version 0.1 opens an account's card."""
    options = [{"label": "Sam Reed", "value": "234567", "emoji": {"name": "🟡"}}]
    menu = {"type": 3, "custom_id": "minimax:open", "placeholder": "Show an account", "options": options}
    message = show_control(world, await shared_card(world), menu)
    assert embed_of(await world.member.select(message, ["234567"])).title == "Sam Reed"


async def test_an_unknown_button_is_refused(world: World) -> None:
    """A button of another version with an unknown action is refused in words."""
    button = {"type": 2, "style": 2, "label": "Press", "custom_id": "minimax:snooze:123456"}
    message = show_control(world, await shared_card(world), button)
    answer = await world.manager.click(message, label="Press")
    assert answer.ephemeral
    assert embed_of(answer).title == "This button is outdated"


@pytest.mark.parametrize(
    ("group", "command", "option"),
    [
        ("minimax-reminders", "pause", "watch"),
        ("minimax-reminders", "snooze", "reminder"),
        ("minimax-reminders", "board", "channel"),
        ("minimax-reminders", "preview", "page"),
        ("minimax-reminders", "add", "mention"),
    ],
)
async def test_a_changed_command_is_refused(
    world: World, caplog: pytest.LogCaptureFixture, group: str, command: str, option: str
) -> None:
    """A command that a Discord app still shows as another version registered it is refused in words, not as a bug."""
    options = [{"name": option, "type": 3, "value": "1"}]
    if command == "add":
        options.append({"name": "account", "type": 3, "value": "123456"})
    data: dict[str, Any] = {
        "id": "1",
        "type": 1,
        "name": group,
        "options": [{"name": command, "type": 1, "options": options}],
    }
    data["guild_id"] = str(GUILD_ID)
    _, payload = base_payload(
        world.env.backend,
        type=2,
        channel_id=world.channel.id,
        guild_id=GUILD_ID,
        user_id=world.manager.user.id,
        data=data,
    )
    world.env.backend.emit("INTERACTION_CREATE", payload)
    await world.env.settle()
    # The simulation reports a command that the bot does not know, however the bot answers.
    world.env._errors.clear()  # noqa: SLF001
    (answer,) = [one for one in world.env.http_requests if one.path.endswith("/callback")]
    assert "This command has changed" in str(answer.json)
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("facts", "labels"),
    [
        ({"has_buttons": True, "can_take": True}, ["Check now", "I'm on it", "How to renew"]),
        ({"has_buttons": True, "can_take": False}, ["Check now", "How to renew"]),
        ({"has_buttons": False}, []),
        ({}, ["Check now", "I'm on it", "How to renew"]),
    ],
)
async def test_a_message_in_flight_is_sent(world: World, facts: dict[str, bool], labels: list[str]) -> None:
    """A message that version 0.1 was sending is sent as it was saved, with its nonce, text, embed and buttons."""
    await reminder(world)
    payload = {"content": "⏰ A reminder", "embeds": [EMBED], "roles": [], **facts}
    in_flight = {"state": State.SENDING, "discord_id": None, "payload": json.dumps(payload), "nonce": NONCE}
    async with world.database.begin() as tx:
        await tx.execute(messages.update().values(**in_flight))
        await tx.execute(notifications.update().values(state=State.SENDING))
    await world.restart()
    await world.poll_once()
    sent = [one.json for one in world.env.http_requests if one.method == "POST" and one.json][-1]
    buttons = [button["label"] for row in sent.get("components", ()) for button in row["components"]]
    assert (sent["nonce"], sent["content"], sent["embeds"][0]["title"]) == (NONCE, "⏰ A reminder", "Jane Doe")
    assert buttons == labels
    # It was in doubt, so it is brought up to date.
    assert posts_in(world.channel)[-1].content == say_expiring("Jane Doe", "12 days")
    async with world.database.begin() as tx:
        assert set((await tx.execute(sa.select(notifications.c.state))).scalars()) == {State.SENT}


def test_an_outgoing_message_survives_the_database() -> None:
    """A message that was saved as JSON is loaded unchanged."""
    message = OutgoingMessage("text", (EMBED,), (Action.CHECK, Action.RENEW), roles=(1,), users=(2,))
    assert OutgoingMessage.from_json(message.to_json()) == message
