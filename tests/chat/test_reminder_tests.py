"""Tests of `/minimax-reminders test`, which sends a reminder marked as a test."""

from typing import Any

from tests.support.accounts import build_account
from tests.support.chat.answers import lines_of
from tests.support.chat.reminders import (
    DAY,
    WITHOUT_FOLLOW_UPS,
    add,
    count_notifications,
    poll_for,
    posts_in,
    say_expiring,
    sent_bodies,
    sent_contents,
    steer,
)
from tests.support.world import GUILD_ID, World

SILENT = 4096


def sent_tests(world: World) -> list[dict[str, Any]]:
    """Return the test messages that were sent to the world's channel, oldest first."""
    return [body for body in sent_bodies(world) if str(body.get("content", "")).startswith("🧪 Test: ")]


async def test_a_test_looks_like_the_next_reminder(world: World) -> None:
    """A test has the reminder's text and card, shows the role without notifying it, and plans no notification."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "123456", ping=role)
    await world.poll_once()
    planned = await count_notifications(world)
    await poll_for(world, 4)
    await world.env.advance_time(20 * 60)
    answer = await steer(world, "test")
    (real, test) = posts_in(world.channel)
    link = f"https://discord.com/channels/{GUILD_ID}/{world.channel.id}/{test.id}"
    assert answer == (
        f"Test sent\nTo {world.channel.mention} ([open]({link})). {role.mention} is shown but was not pinged."
    )
    assert test.content == f"🧪 Test: {say_expiring('Jane Doe', '8 days')} {role.mention}"
    assert test.raw_role_mentions in ([], [role.id])
    assert [body["allowed_mentions"] for body in sent_tests(world)] == [{"parse": [], "users": [], "roles": []}]
    assert [body["flags"] for body in sent_tests(world)] == [SILENT]
    assert lines_of(test)[0] == lines_of(real)[0]
    assert not test.components
    assert await count_notifications(world) == planned
    await poll_for(world, 1)
    assert sent_contents(world)[2:] == [f"{say_expiring('Jane Doe', '7 days')} {role.mention}"]


async def test_a_test_shows_why_a_channel_refuses(world: World) -> None:
    """The answer has the reason of a refusal; the test is not tried again, and the real reminder is sent."""
    await world.poll_once()
    await add(world, "123456")
    world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=403, code=50013)
    answer = await steer(world, "test")
    assert answer.startswith("The test did not arrive\n")
    assert "Discord's answer: the bot lacks a permission in the channel." in answer
    await world.poll_once()
    assert (len(sent_tests(world)), len(posts_in(world.channel))) == (1, 1)


async def test_a_test_of_all_accounts_shows_the_soonest(world: World) -> None:
    """The test of a reminder for all has the account whose reminder comes next, also while it is paused."""
    await add(world, days="14", **WITHOUT_FOLLOW_UPS)
    await world.poll_once()
    await world.env.advance_time(DAY)
    await steer(world, "test")
    await steer(world, "pause")
    await steer(world, "test")
    soonest = f"🧪 Test: {say_expiring('Sam Reed `234567`', '2 days')}"
    assert [body["content"] for body in sent_tests(world)] == [soonest, soonest]


async def test_a_test_needs_a_known_expiry(world: World) -> None:
    """Before the first poll, and for an account without an expiry, the command is refused in words."""
    world.api.accounts["123456"] = build_account("123456", days=None)
    await add(world, "123456")
    for name in ("any account", "**Jane Doe**"):
        assert await steer(world, "test") == (
            f"Nothing to test yet\nuseapi.net reports no expiry date for {name}. Try again after the next check."
        )
        await world.poll_once()
    assert sent_tests(world) == []
