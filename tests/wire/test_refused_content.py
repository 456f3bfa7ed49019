"""What the bot tries after Discord refused a message, and what it says if nothing helps."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.core.messages import Action, Choice, Message, MessageKind, OutgoingMessage, footer_id_of, new_nonce
from bot.reminders.context import Refused, Uncertain
from tests.support.wire.channels import ARCHIVED, INVALID_BODY, Part
from tests.support.wire.inline import InlineWorld, open_inline_world
from tests.support.wire.payloads import GUILD_ID, Json, build_button_message
from tests.support.wire.rest import Call
from tests.support.wire.virtual_time import in_virtual_time, read_clock

CHANNEL = 1_200_000_000_000_000_000
POSTS = f"POST ^/channels/{CHANNEL}/messages".split()
NONCE = new_nonce()
_SUPPRESSED_EMBEDS = 4


def build(*, picture: str = "https://example.com/a.png") -> OutgoingMessage:
    """Return a reminder about two accounts, one of them with a picture."""
    footer = {"text": f"2 accounts · {footer_id_of(NONCE)}"}
    card = {"description": "**Mia** `1`\n**Noah** `2`", "thumbnail": {"url": picture}, "footer": footer}
    return OutgoingMessage(
        "2 logins expire <@&7>", (card,), (Action.RENEW, Action.CHECK), (Choice("1", "Mia", "🔴"),), roles=(7,)
    )


def posts_of(world: InlineWorld) -> list[Call]:
    """Return all attempts to post in the channel."""
    return world.discord.rest.requests(*POSTS)


async def post(world: InlineWorld, message: OutgoingMessage | None = None) -> int | None:
    """Post a message in the channel."""
    return await world.application.context.sender.post(CHANNEL, message or build(), NONCE, guild_id=GUILD_ID)


async def edit(world: InlineWorld, message_id: int | None) -> Json:
    """Edit a message; return what it says then."""
    assert message_id is not None
    await world.application.context.sender.edit(CHANNEL, message_id, build(), guild_id=GUILD_ID)
    return world.discord.channels.edits.items[-1]


@pytest.mark.parametrize("code", [INVALID_BODY, 240000, 200000, 123456, 0])
@pytest.mark.parametrize(
    ("refused", "attempts", "has_embed", "has_controls"),
    [
        ({Part.PICTURES}, 2, True, True),
        ({Part.EMBEDS}, 3, False, True),
        ({Part.EMBEDS, Part.PICTURES}, 3, False, True),
        ({Part.EMBEDS, Part.CONTROLS}, None, False, False),
    ],
)
@in_virtual_time
async def test_refused_content(
    tmp_path: Path, refused: Collection[Part], attempts: int | None, code: int, *, has_embed: bool, has_controls: bool
) -> None:
    """What a channel refuses is left out, whatever the code; words and pings arrive, by posts with one nonce."""
    async with open_inline_world(tmp_path) as world:
        channels = world.discord.channels
        channels.refused_parts[CHANNEL], channels.refused_with = set(refused), code
        message_id = await post(world)
        (message,) = channels.seen_in(CHANNEL)
        assert message["id"] == str(message_id)
        words = message["content"] + "".join(embed["description"] for embed in message["embeds"])
        assert "2 logins expire <@&7>" in words
        assert "**Mia** `1`\n**Noah** `2`" in words
        assert (bool(message["embeds"]), bool(message["components"])) == (has_embed, has_controls)
        posts = posts_of(world)
        assert {(one.json["nonce"], one.json["enforce_nonce"]) for one in posts} == {(NONCE, True)}
        assert {tuple(one.json["allowed_mentions"]["roles"]) for one in posts} == {(7,)}
        assert attempts is None or len(posts) == attempts


@in_virtual_time
async def test_refused_controls_by_name(tmp_path: Path) -> None:
    """If the error names the controls, the embeds stay."""
    async with open_inline_world(tmp_path) as world:
        world.discord.channels.refused_parts[CHANNEL] = {Part.CONTROLS}
        await post(world)
        (message,) = world.discord.channels.seen_in(CHANNEL)
        assert message["embeds"][0]["thumbnail"]
        assert message["components"] == []
        assert len(posts_of(world)) == 2


@in_virtual_time
async def test_refused_whatever_it_is(tmp_path: Path) -> None:
    """A channel that refuses even the bare words is not asked again and again."""
    async with open_inline_world(tmp_path) as world:
        world.discord.rest.fail("POST", f"/channels/{CHANNEL}/", 400, code=123456)
        with pytest.raises(Refused, match=r"^Discord refuses the message \(code 123456\)$") as refused:
            await post(world)
        assert refused.value.is_lasting
        assert len(posts_of(world)) == 4


@pytest.mark.parametrize("refused", [{Part.PICTURES}, {Part.EMBEDS}, {Part.EMBEDS, Part.CONTROLS}])
@in_virtual_time
async def test_refused_edit(tmp_path: Path, refused: Collection[Part]) -> None:
    """An edit takes the same way, and so shows the new words."""
    async with open_inline_world(tmp_path) as world:
        message_id = await post(world, OutgoingMessage("old"))
        world.discord.channels.refused_parts[CHANNEL] = set(refused)
        edited = await edit(world, message_id)
        assert "**Noah** `2`" in f"{edited['content']}{edited['embeds']}"
        assert "old" not in edited["content"]
        assert bool(edited["embeds"]) == (refused == {Part.PICTURES})


@in_virtual_time
async def test_a_message_posted_as_text_is_found(tmp_path: Path) -> None:
    """A search knows a message that was posted as text, by the short id in its last line."""
    async with open_inline_world(tmp_path) as world:
        world.discord.channels.refused_parts[CHANNEL] = {Part.EMBEDS}
        message_id = await post(world)
        sender, now = world.application.context.sender, read_clock()
        ours = Message(1, GUILD_ID, CHANNEL, MessageKind.NOTIFICATIONS, NONCE, build().to_json(), now, None, None)
        assert await sender.find(ours) == message_id
        other = Message(
            2, GUILD_ID, CHANNEL, MessageKind.NOTIFICATIONS, new_nonce(), build().to_json(), now, None, None
        )
        assert await sender.find(other) is None


@in_virtual_time
async def test_a_text_with_commands_is_found(tmp_path: Path) -> None:
    """A search knows a text whose commands became links when it was posted."""
    async with open_inline_world(tmp_path) as world:
        await world.application.bot.registrar.has_compared.wait()
        text, now = OutgoingMessage("Unreadable since today. See `/minimax-status`."), read_clock()
        message_id = await post(world, text)
        (seen,) = world.discord.channels.seen_in(CHANNEL)
        assert "</minimax-status:" in seen["content"]
        ours = Message(1, GUILD_ID, CHANNEL, MessageKind.NOTIFICATIONS, NONCE, text.to_json(), now, None, None)
        assert await world.application.context.sender.find(ours) == message_id


@in_virtual_time
async def test_hidden_embeds_show_again(tmp_path: Path) -> None:
    """An edit shows the embeds of a message whose embeds somebody has removed."""
    async with open_inline_world(tmp_path) as world:
        message_id = await post(world)
        await edit(world, message_id)
        (call,) = world.discord.rest.requests("PATCH", f"/messages/{message_id}")
        assert call.json["flags"] & _SUPPRESSED_EMBEDS == 0


@in_virtual_time
async def test_a_press_shows_hidden_embeds_again(tmp_path: Path) -> None:
    """An answer that edits the message of its button shows embeds that somebody has removed."""
    async with open_inline_world(tmp_path) as world:
        custom_id = f"minimax:check:{world.add_account()}"
        exchange = await world.discord.press(build_button_message(custom_id), custom_id)
        acknowledgement = await exchange.acknowledgement()
        assert acknowledgement.json["data"]["embeds"]
        assert acknowledgement.json["data"]["flags"] & _SUPPRESSED_EMBEDS == 0


@in_virtual_time
async def test_an_archived_thread_is_opened(tmp_path: Path) -> None:
    """Edits, and the deletion of a message, open a thread that archived itself."""
    async with open_inline_world(tmp_path) as world:
        channels, sender = world.discord.channels, world.application.context.sender
        channels.threads.add(CHANNEL)
        message_id = await post(world)
        assert message_id is not None
        channels.archived.add(CHANNEL)
        assert (await edit(world, message_id))["embeds"]
        assert CHANNEL not in channels.archived
        channels.archived.add(CHANNEL)
        await sender.delete(CHANNEL, message_id)
        assert CHANNEL not in channels.archived


@in_virtual_time
async def test_a_locked_thread_stays_as_it_is(tmp_path: Path) -> None:
    """A thread that a moderator has locked is not opened; the refusal says why."""
    async with open_inline_world(tmp_path) as world:
        channels = world.discord.channels
        channels.threads.add(CHANNEL)
        message_id = await post(world)
        channels.archived.add(CHANNEL)
        channels.locked.add(CHANNEL)
        for attempt in (edit(world, message_id), post(world)):
            with pytest.raises(Refused, match=r"^the thread is locked$") as refused:
                await attempt
            assert refused.value.is_lasting
        assert not world.discord.rest.requests("PATCH", f"/channels/{CHANNEL}$")
        assert channels.archived == {CHANNEL}


@in_virtual_time
async def test_a_thread_that_may_not_be_opened(tmp_path: Path) -> None:
    """If the bot may not open a thread, or opening does not help, that is the reason, after one attempt."""
    async with open_inline_world(tmp_path) as world:
        channels, rest = world.discord.channels, world.discord.rest
        channels.threads.add(CHANNEL)
        message_id = await post(world)
        channels.archived.add(CHANNEL)
        rest.fail("PATCH", f"/channels/{CHANNEL}$", 400, code=160006, times=1)
        with pytest.raises(Refused, match="can't be opened: the server has too many open threads"):
            await edit(world, message_id)
        rest.fail("PATCH", f"/channels/{CHANNEL}/messages", 400, code=ARCHIVED)
        with pytest.raises(Refused, match=r"^the thread is archived$"):
            await edit(world, message_id)
        assert len(rest.requests("PATCH", f"/channels/{CHANNEL}$")) == 2


@in_virtual_time
async def test_timed_out_by_a_moderator(tmp_path: Path) -> None:
    """While the bot is timed out, the reason of a refusal is that, and its end is known."""
    async with open_inline_world(tmp_path) as world:
        rest, until = world.discord.rest, datetime(2030, 1, 1, tzinfo=UTC)
        rest.timed_out_until = until.isoformat()
        rest.fail("POST", f"/channels/{CHANNEL}/", 403, code=50013)
        with pytest.raises(Refused, match=r"^the bot is timed out until <t:1893456000:f>") as refused:
            await post(world)
        assert (refused.value.is_lasting, refused.value.ends_at) == (True, until)
        rest.timed_out_until = (datetime.now(UTC) - timedelta(days=1)).isoformat()
        with pytest.raises(Refused, match=r"^the bot lacks a permission"):
            await post(world)


@pytest.mark.parametrize(
    ("status", "code", "is_certain", "is_lasting"),
    [
        (403, 50005, True, True),
        (400, 160006, True, True),
        (403, 999999, True, True),
        (404, 0, True, True),
        (413, 40005, True, True),
        (401, 0, True, False),
        (400, 20016, True, False),
        (408, 0, False, False),
    ],
)
@in_virtual_time
async def test_what_a_refusal_means(
    tmp_path: Path, status: int, code: int, *, is_certain: bool, is_lasting: bool
) -> None:
    """Every certain refusal needs people, also one with an unknown code, unless it says that it passes."""
    async with open_inline_world(tmp_path) as world:
        world.discord.rest.fail("POST", f"/channels/{CHANNEL}/", status, code=code)
        with pytest.raises((Refused, Uncertain)) as raised:
            await post(world)
        assert isinstance(raised.value, Refused) == is_certain
        if isinstance(raised.value, Refused):
            assert raised.value.is_lasting == is_lasting
