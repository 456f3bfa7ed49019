"""Tests of what the log and a channel say about changes: what, by whom, and nothing about what did not change."""

import logging
from typing import Any

import pytest

from tests.support.accounts import build_account
from tests.support.chat.answers import buttons_of, message_of
from tests.support.chat.boards import add_board, remove_board
from tests.support.chat.forms import write_note
from tests.support.chat.places import refuse_in
from tests.support.chat.reminders import add, changes_in, posts_in, steer, use_raw
from tests.support.world import GUILD_ID, World

SILENT, TEXT = 4096, 3
DONE = {"pause": "paused", "resume": "resumed", "remove": "removed"}
TERMS = "5 days before and on expiry · pings nobody"


def changes_logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the lines about changes, each without its reference."""
    lines = [one.getMessage() for one in caplog.records if one.getMessage().startswith("Changed: ")]
    return [line.removeprefix("Changed: ").partition(", reference")[0] for line in lines]


def title_of(answer: str) -> str:
    """Return the title of an answer's text."""
    return answer.partition("\n")[0]


async def test_the_channel_reads_who_changed_its_reminder(world: World) -> None:
    """A reminder that is changed, paused, resumed or deleted from elsewhere: its channel gets one silent line each."""
    await world.poll_once()
    other = world.env.guild.create_text_channel("other")
    await add(world, "123456", channel=other)
    assert changes_in(other) == []
    await add(world, "123456", channel=other, days="5")
    for command in ("pause", "resume", "remove"):
        await steer(world, command)
    mia = world.manager.mention
    assert [message.content for message in changes_in(other)] == [
        f"-# {mia} changed the reminder for **Jane Doe**: {TERMS}.",
        f"-# {mia} paused the reminder for **Jane Doe**.",
        f"-# {mia} resumed the reminder for **Jane Doe**.",
        f"-# {mia} deleted the reminder for **Jane Doe**.",
    ]
    assert changes_in(world.channel) == []
    path = f"/channels/{other.id}/messages"
    bodies = [one.json for one in world.env.http_requests if (one.method, one.path) == ("POST", path)]
    for body in bodies:
        assert body is not None
        assert (body["flags"], body["allowed_mentions"]) == (SILENT, {"parse": [], "users": [], "roles": []})


async def test_what_changes_nothing_is_not_announced(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A reminder that is saved as it was, or paused or resumed twice, gives no line."""
    await add(world)
    await steer(world, "pause")
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="bot"):
        assert await steer(world, "pause") == (
            f"Nothing changed\n**All accounts** → {world.channel.mention}\n"
            "It was already paused. Resume it with `/minimax-reminders resume`."
        )
        await steer(world, "resume")
        await steer(world, "resume")
        await add(world)
    assert len(changes_in(world.channel)) == 2
    assert [line.partition(",")[0] for line in changes_logged(caplog)] == ["reminder resumed"]


@pytest.mark.parametrize(
    ("command", "second"),
    [("pause", "Nothing changed"), ("resume", "Nothing changed"), ("remove", "Reminder not found")],
)
async def test_two_people_at_the_same_moment_make_one_change(world: World, command: str, second: str) -> None:
    """Of two equal commands at once one changes the reminder, and gives a line; the other one changes nothing."""
    await add(world)
    if command == "resume":
        await steer(world, "pause")
    before = len(changes_in(world.channel))
    answers = await use_raw(world, f"minimax-reminders {command}", {"reminder": (TEXT, "1")}, {}, times=2)
    assert sorted(title_of(one) for one in answers) == sorted([f"Reminder {DONE[command]}", second])
    assert len(changes_in(world.channel)) == before + 1


async def test_two_people_who_add_the_same_make_one_change(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Of two equal reminders at once one is added, of two boards one, and of two removals of it one counts."""
    with caplog.at_level(logging.INFO, logger="bot"):
        reminders = await use_raw(world, "minimax-reminders add", {"account": (TEXT, "all")}, {}, times=2)
        added = await use_raw(world, "minimax-board add", {}, {}, times=2)
        removed = await use_raw(world, "minimax-board remove", {}, {}, times=2)
    for answers in (reminders, added, removed):
        assert len({title_of(one) for one in answers}) == len(answers) == 2
    changes = [line.partition(",")[0] for line in changes_logged(caplog)]
    assert changes == ["reminder added", "board added", "board removed"]


async def test_a_channel_that_refuses_the_line_loses_no_change(world: World) -> None:
    """The command succeeds where the channel takes no line about it, and nothing is reported as a failure."""
    await add(world)
    refuse_in(world, world.channel)
    assert (await steer(world, "pause")).startswith("Reminder paused")
    assert (await steer(world, "remove")).startswith("Reminder removed")
    assert changes_in(world.channel) == []


async def test_the_button_that_takes_the_role_away_is_a_change(world: World) -> None:
    """*Ping nobody* gives a line with the terms that hold from then on."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, ping=role)
    answer = await world.manager.slash(world.channel, "minimax-reminders add", account="all", days="5")
    await world.manager.click(message_of(answer), label="Ping nobody")
    assert [message.content.partition(" changed ")[2] for message in changes_in(world.channel)] == [
        f"the reminder for **All accounts**: 5 days before and on expiry · pings {role.mention}.",
        f"the reminder for **All accounts**: {TERMS}.",
    ]


async def test_every_change_is_logged_with_ids_alone(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Each change leaves one line at INFO with the ids of server, person, channel, reminder and accounts, no name."""
    world.api.accounts = {"123456": build_account("123456", days=2)}
    await world.poll_once()
    with caplog.at_level(logging.INFO, logger="bot"):
        await add(world, "123456")
        await add(world, "123456", days="5, 2")
        await world.poll_once()
        (reminder,) = posts_in(world.channel)
        for _ in range(2):
            assert "I'm on it" in buttons_of(reminder)
            await world.member.click(reminder, label="I'm on it")
        for command in ("pause", "resume", "remove"):
            await steer(world, command)
        await add(world)
        await add_board(world)
        await remove_board(world)
        for text in ("Jane's second factor", ""):
            await write_note(world, text, "123456")
    channel, one = f"channel {world.channel.id}", "reminder 1, account `123456`"
    expected: list[tuple[str, Any]] = [
        (f"reminder added, {channel}, {one}", world.manager),
        (f"reminder changed, {channel}, {one}", world.manager),
        (f"assigned, {channel}, account `123456`", world.member),
        (f"handed back, {channel}, account `123456`", world.member),
        (f"reminder paused, {channel}, {one}", world.manager),
        (f"reminder resumed, {channel}, {one}", world.manager),
        (f"reminder deleted, {channel}, {one}", world.manager),
        (f"reminder added, {channel}, reminder 1, all accounts", world.manager),
        (f"board added, {channel}, all accounts", world.manager),
        (f"board removed, {channel}, all accounts", world.manager),
        (f"note changed, {channel}, account `123456`", world.manager),
        (f"note deleted, {channel}, account `123456`", world.manager),
    ]
    assert changes_logged(caplog) == [f"{what}; server {GUILD_ID}, user {who.id}" for what, who in expected]
    assert not any(name in caplog.text for name in ("Jane", "pipeline", "mia"))
