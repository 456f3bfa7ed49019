"""Tests of `/minimax-reminders pause` and `resume`."""

import pytest

from bot.core.status import Status
from tests.support.accounts import build_account
from tests.support.chat.answers import menu_of
from tests.support.chat.reminders import (
    DAY,
    HOUR,
    add,
    contents_in,
    count_notifications,
    listed,
    poll_for,
    posts_in,
    say_expiring,
    say_renewed,
    sent_contents,
    steer,
)
from tests.support.world import World


@pytest.mark.parametrize("restarting", [False, True])
async def test_sends_the_tightest_stage_once_after_a_pause(world: World, *, restarting: bool) -> None:
    """A pause plans no notification; after it, the tightest stage is sent once, also after restarts."""
    await add(world, "123456")
    await world.poll_once()
    assert await steer(world, "pause") == (
        f"Reminder paused\n**Jane Doe** → {world.channel.mention}\nResume it with `/minimax-reminders resume`."
    )
    if restarting:
        await world.restart()
    planned = await count_notifications(world)
    await poll_for(world, 9.5, every=DAY / 2)
    assert await count_notifications(world) == planned
    if restarting:
        await world.restart()
    answer = await steer(world, "resume")
    assert answer.startswith("Reminder resumed\n**Jane Doe** → <#")
    assert answer.endswith("Next reminder: in a few seconds")
    for _ in range(3):
        await world.poll_once()
    assert sent_contents(world) == [
        say_expiring("Jane Doe", "12 days"),
        say_expiring("Jane Doe", "3 days"),
    ]


async def test_pausing_and_resuming_repeats_nothing(world: World) -> None:
    """A stage that was sent before the pause is not sent again, and the next one comes on its day."""
    await add(world, "123456")
    await world.poll_once()
    for command in ("pause", "resume", "pause", "pause", "resume"):
        await steer(world, command)
        await world.poll_once()
    assert "It was already active." in await steer(world, "resume")
    await world.poll_once()
    await poll_for(world, 5)
    assert sent_contents(world) == [say_expiring("Jane Doe", left) for left in ("12 days", "7 days")]


async def test_pausing_deletes_pending_notifications(world: World) -> None:
    """A pause deletes what a refusing channel has pending; after it, the stage of that time is sent once."""
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
    assert contents_in(world.channel) == [say_expiring("Jane Doe", "6 days")]


# How the message begins.
AFTER_A_PAUSE = {
    "error": f"{Status.ERROR.style.emoji} **Jane Doe**: useapi.net reports an error.",
    "missing": "🔴 **Jane Doe**: this account was removed from useapi.net.",
    "renewed": say_renewed("Jane Doe", 40),
    "unreadable": "⚪ **The bot can't reach your MiniMax accounts** (since <t:",
}


@pytest.mark.parametrize("event", AFTER_A_PAUSE)
async def test_what_happened_during_a_pause_counts_as_one_step(world: World, event: str) -> None:
    """Nothing is announced during a pause; after it, the channel hears once how its account stands."""
    await add(world, "123456")
    await world.poll_once()
    await steer(world, "pause")
    if event == "error":
        world.api.accounts["123456"] = build_account("123456", error="login failed")
    elif event == "missing":
        del world.api.accounts["123456"]
    elif event == "renewed":
        world.api.accounts["123456"] = build_account("123456", days=40)
    else:
        world.api.accounts = {}
    await poll_for(world, 0.5, every=2 * HOUR)
    assert len(sent_contents(world)) == 1
    await steer(world, "resume")
    await poll_for(world, 0.25, every=2 * HOUR)
    (content,) = sent_contents(world)[1:]
    assert content.startswith(AFTER_A_PAUSE[event])


@pytest.mark.parametrize("is_bad_at_the_end", [False, True])
async def test_what_has_passed_during_a_pause_is_not_announced(world: World, *, is_bad_at_the_end: bool) -> None:
    """An error that has ended before the pause does is not mentioned."""
    await add(world, "123456")
    await world.poll_once()
    await steer(world, "pause")
    world.api.accounts["123456"]["error"] = "login failed"
    await poll_for(world, 0.25, every=HOUR)
    if not is_bad_at_the_end:
        del world.api.accounts["123456"]["error"]
    await poll_for(world, 0.25, every=HOUR)
    await steer(world, "resume")
    await poll_for(world, 0.25, every=HOUR)
    assert len(sent_contents(world)) == 1 + is_bad_at_the_end


async def test_a_paused_reminder_replaces_the_one_for_all(world: World) -> None:
    """The reminder for all accounts leaves out one whose own reminder is paused, until that one is removed."""
    await add(world)
    await add(world, "345678")
    await steer(world, "pause", "2")
    await world.poll_once()
    (post,) = posts_in(world.channel)
    assert menu_of(post) == ["234567", "123456"]
    world.api.accounts["345678"]["error"] = "login failed"
    await poll_for(world, 0.25, every=HOUR)
    assert len(contents_in(world.channel)) == 1
    await steer(world, "remove", "2")
    await world.poll_once()
    assert contents_in(world.channel)[1:] == [
        (
            "🔴 **Sam Reed** `345678`: MiniMax login has expired (useapi.net also reports an error). "
            "Jobs on this account fail until it is renewed."
        )
    ]


async def test_pausing_the_reminder_for_all_leaves_the_single_ones(world: World) -> None:
    """A reminder for one account goes on while the one for all is paused."""
    await add(world)
    await add(world, "123456")
    await steer(world, "pause", "1")
    await world.poll_once()
    assert contents_in(world.channel) == [say_expiring("Jane Doe", "12 days")]


async def test_completion_offers_what_can_be_paused_or_resumed(world: World) -> None:
    """`pause` offers active reminders, `resume` paused ones, `test` and `remove` all."""
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
    """The list shows a pause instead of the next reminder; pausing again keeps the day."""
    await add(world, "123456")
    await steer(world, "pause")
    await world.env.advance_time(3 * DAY)
    await steer(world, "pause")
    await world.restart()
    assert "⏸️ Paused <t:1767225600:R> · none sent yet" in await listed(world)
    assert "Next:" not in await listed(world)


async def test_adding_again_ends_a_pause(world: World) -> None:
    """Adding the same account in the same channel again makes a paused reminder active, and says so."""
    await add(world, "123456")
    await steer(world, "pause")
    answer = await add(world, "123456")
    assert answer.startswith("Reminder updated\n")
    assert "\nWas: paused\n" in answer
    assert "Paused" not in await listed(world)
    await world.poll_once()
    assert contents_in(world.channel) == [say_expiring("Jane Doe", "12 days")]


@pytest.mark.parametrize("command", ["pause", "resume", "test"])
async def test_refuses_an_unknown_reminder(world: World, command: str) -> None:
    """An id of no reminder in this server is refused in words."""
    assert (await steer(world, command, "7")).startswith("No reminders yet")
