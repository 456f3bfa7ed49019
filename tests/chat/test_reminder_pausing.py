"""Tests of `/minimax-reminders pause`, `resume` and `test`."""

from typing import Any

import pytest
import sqlalchemy as sa

from bot.store.tables import notifications
from tests.support.chat.answers import embed_of
from tests.support.chat.reminders import DAY, add, sent_contents, posts_in, remove, contents_in, show, text_of
from tests.support.world import GUILD_ID, World, account

HOUR = 3600.0


async def steer(world: World, command: str, subscription: str = "1") -> str:
    """Let the manager pause, resume or test a watch; returns the answer's text, its title first."""
    return text_of(await world.manager.slash(world.channel, f"minimax-reminders {command}", reminder=subscription))


async def listed(world: World) -> str:
    """Return the text of the list."""
    return embed_of(await show(world)).description or ""


async def poll_for(world: World, days: float, *, every: float = DAY) -> None:
    """Let days go by, with a pass after each step."""
    for _ in range(round(days * DAY / every)):
        await world.env.advance_time(every)
        await world.poll_once()


async def count_notifications(world: World) -> int:
    """Return how much was ever owed."""
    async with world.database.begin() as tx:
        return int((await tx.execute(sa.select(sa.func.count()).select_from(notifications))).scalar_one())


@pytest.mark.parametrize("restarting", [False, True])
async def test_says_nothing_while_paused_and_the_tightest_once_after(world: World, *, restarting: bool) -> None:
    """Steps that come while paused are not owed; on resuming the tightest is said once, also across restarts."""
    await add(world, "123456")
    await world.poll_once()
    assert "paused until you resume it" in await steer(world, "pause")
    if restarting:
        await world.restart()
    owed = await count_notifications(world)
    await poll_for(world, 9.5, every=DAY / 2)
    assert await count_notifications(world) == owed
    if restarting:
        await world.restart()
    answer = await steer(world, "resume")
    assert answer.startswith("Reminder resumed\nAccount 123456 in")
    assert answer.endswith("Next reminder: now")
    for _ in range(3):
        await world.poll_once()
    assert sent_contents(world) == [
        "⏰ MiniMax login Jane Doe (123456) expires in 12 days.",
        "⏰ MiniMax login Jane Doe (123456) expires in 3 days.",
    ]


async def test_pausing_and_resuming_repeats_nothing(world: World) -> None:
    """What was said before the pause is not said again after it, and the next step comes on its day."""
    await add(world, "123456")
    await world.poll_once()
    for command in ("pause", "resume", "pause", "pause", "resume"):
        await steer(world, command)
        await world.poll_once()
    assert (await steer(world, "resume")).startswith("This reminder was not paused")
    await world.poll_once()
    await poll_for(world, 5)
    assert [post.rpartition(" in ")[2] for post in sent_contents(world)] == ["12 days.", "7 days."]


async def test_pausing_drops_what_a_refusing_channel_could_not_be_told(world: World) -> None:
    """What waits for a channel that refuses is dropped by a pause; resumed, it is judged anew and said once."""
    await add(world, "123456")
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    assert await count_notifications(world) == 1
    await steer(world, "pause")
    assert await count_notifications(world) == 0
    await poll_for(world, 5.5, every=DAY / 2)
    assert posts_in(world.channel) == []
    await steer(world, "resume")
    await poll_for(world, 1)
    assert contents_in(world.channel) == ["⏰ MiniMax login Jane Doe (123456) expires in 6 days."]


@pytest.mark.parametrize("trouble", ["error", "gone", "renewed", "blind"])
async def test_does_not_catch_up_on_what_happened_meanwhile(world: World, trouble: str) -> None:
    """An error, an absence, a blindness or a renewal that came while paused is not told after it."""
    await add(world, "123456")
    await world.poll_once()
    await steer(world, "pause")
    before = dict(world.standin.accounts)
    if trouble == "error":
        world.standin.accounts["123456"] = account("123456", error="login failed")
    elif trouble == "gone":
        del world.standin.accounts["123456"]
    elif trouble == "renewed":
        world.standin.accounts["123456"] = account("123456", days=40)
    else:
        world.standin.accounts = {}
    await poll_for(world, 0.5, every=2 * HOUR)
    await steer(world, "resume")
    await world.poll_once()
    if trouble == "blind":
        world.standin.accounts = before
    await poll_for(world, 0.5, every=2 * HOUR)
    assert len(sent_contents(world)) == 1


async def test_a_paused_watch_keeps_the_one_on_all_silent_about_its_account(world: World) -> None:
    """The watch on all accounts does not speak for one whose own watch is paused, until that one is removed."""
    await add(world)
    await add(world, "345678")
    await steer(world, "pause", "2")
    await world.poll_once()
    (post,) = contents_in(world.channel)
    assert "123456" in post
    assert "234567" in post
    assert "345678" not in post
    world.standin.accounts["345678"]["error"] = "login failed"
    await poll_for(world, 0.25, every=HOUR)
    assert len(contents_in(world.channel)) == 1
    await steer(world, "remove", "2")
    await world.poll_once()
    assert contents_in(world.channel)[1:] == ["🔴 MiniMax login Sam Reed (345678) expired 2 days ago and is in error."]


async def test_pausing_the_watch_on_all_leaves_the_single_ones(world: World) -> None:
    """A watch on one account goes on while the one on all is paused; nothing else is said."""
    await add(world)
    await add(world, "123456")
    await steer(world, "pause", "1")
    await world.poll_once()
    assert contents_in(world.channel) == ["⏰ MiniMax login Jane Doe (123456) expires in 12 days."]


async def test_completion_offers_what_can_be_paused_or_resumed(world: World) -> None:
    """`pause` is offered those that speak, `resume` those that are paused, `test` and `remove` all."""
    await add(world)
    await add(world, "123456")
    await steer(world, "pause", "2")

    async def offered(command: str) -> list[str]:
        choices = await world.manager.autocomplete(world.channel, f"minimax-reminders {command}", "reminder", "")
        return [choice["value"] for choice in choices]

    assert [await offered(command) for command in ("pause", "resume", "test", "remove")] == [
        ["1"],
        ["2"],
        ["1", "2"],
        ["1", "2"],
    ]


async def test_the_list_shows_since_when_it_is_paused(world: World) -> None:
    """A paused watch is marked in the list in place of its next reminder; pausing again keeps the day."""
    await add(world, "123456")
    await steer(world, "pause")
    await world.env.advance_time(3 * DAY)
    await steer(world, "pause")
    await world.restart()
    assert "⏸️ Paused since <t:1767225600:D> · no reminder sent yet" in await listed(world)
    assert "Next:" not in await listed(world)


async def test_adding_again_ends_a_pause(world: World) -> None:
    """The same account and channel again replaces the old terms, the pause among them."""
    await add(world, "123456")
    await steer(world, "pause")
    assert (await add(world, "123456")).startswith("Reminder changed")
    assert "Paused" not in await listed(world)
    await world.poll_once()
    assert contents_in(world.channel) == ["⏰ MiniMax login Jane Doe (123456) expires in 12 days."]


@pytest.mark.parametrize("command", ["pause", "resume", "test"])
async def test_refuses_what_is_no_watch_of_this_server(world: World, command: str) -> None:
    """An id that is none of a watch here is refused in words."""
    assert "There is no such reminder in this server." in await steer(world, command, "7")


def trials(world: World) -> list[dict[str, Any]]:
    """Return the test messages as they were sent."""
    sent = [one.json for one in world.env.http_requests if one.method == "POST" and one.json]
    return [body for body in sent if str(body.get("content", "")).startswith("🧪 Test: ")]


async def test_a_test_is_sent_as_the_real_one_would_be(world: World) -> None:
    """A test has the reminder's words and card, shows the role without pinging it, and owes nothing."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "123456", mention=role)
    await world.poll_once()
    owed = await count_notifications(world)
    await poll_for(world, 4)
    await world.env.advance_time(20 * 60)
    answer = await steer(world, "test")
    (real, test) = posts_in(world.channel)
    link = f"https://discord.com/channels/{GUILD_ID}/{world.channel.id}/{test.id}"
    assert answer == (
        f"Test sent\nAccount 123456 in {world.channel.mention}: [a test]({link}) arrived."
        f" It shows {role.mention}, whom it did not notify."
    )
    assert test.content == f"🧪 Test: ⏰ MiniMax login Jane Doe (123456) expires in 8 days. {role.mention}"
    assert test.raw_role_mentions in ([], [role.id])
    assert [body["allowed_mentions"] for body in trials(world)] == [{"parse": [], "users": [], "roles": []}]
    assert test.embeds[0].title == real.embeds[0].title
    assert not test.components
    assert await count_notifications(world) == owed
    await poll_for(world, 1)
    assert [post.rpartition(" in ")[2] for post in sent_contents(world)[2:]] == [f"7 days. {role.mention}"]


async def test_a_test_tells_at_once_why_a_channel_refuses(world: World) -> None:
    """The reason of a refusal is told privately, and the test is not tried again; the real reminder still comes."""
    await world.poll_once()
    await add(world, "123456")
    world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=403, code=50013)
    answer = await steer(world, "test")
    assert answer.startswith("The test did not arrive\n")
    assert "Discord's answer: the bot lacks a permission in the channel." in answer
    await world.poll_once()
    assert (len(trials(world)), len(posts_in(world.channel))) == (1, 1)


async def test_a_test_of_all_accounts_shows_the_soonest(world: World) -> None:
    """A watch on all is tried out with the account whose reminder comes next, even while it is paused."""
    await add(world, days="14")
    await world.poll_once()
    await world.env.advance_time(DAY)
    await steer(world, "test")
    await steer(world, "pause")
    await steer(world, "test")
    soonest = "🧪 Test: ⏰ MiniMax login Sam Reed (234567) expires in 2 days."
    assert [body["content"] for body in trials(world)] == [soonest, soonest]


async def test_a_test_without_any_known_account_says_so(world: World) -> None:
    """Before the first read, or for an account without an expiry, there is nothing to try out, and words say so."""
    world.standin.accounts["123456"] = account("123456", days=None)
    await add(world, "123456")
    for _ in range(2):
        assert "None of its accounts has a known expiry yet." in await steer(world, "test")
        await world.poll_once()
    assert trials(world) == []


async def test_guarded_words_are_kept_for_what_could_not_be_read(world: World) -> None:
    """Between two passes a reminder says what the last one read; only a failed read makes that doubtful."""
    await add(world, "345678")
    await world.poll_once()
    await world.env.advance_time(HOUR / 3)
    await world.manager.click(posts_in(world.channel)[0], label="I'm on it")
    assert contents_in(world.channel)[0].startswith("🔴 MiniMax login Sam Reed (345678) expired 2 days ago.")
    world.standin.accounts = {}
    await poll_for(world, 1 / 24, every=HOUR)
    await world.manager.click(posts_in(world.channel)[0], label="I'm on it")
    (post,) = posts_in(world.channel)
    assert "was due to expire 30 December 2025 00:00 UTC, not confirmed for 2 hours." in post.content
    assert "**Not confirmed** for 2 hours. The login was due to expire" in (post.embeds[0].description or "")
