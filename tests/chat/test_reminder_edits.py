"""Tests of how sent reminders are kept current, by edits that notify nobody."""

from typing import Any

import discord
import pytest

from bot.core.links import SETUP_GUIDE, message_link
from bot.core.status import RED, Status
from bot.core.wording import HOW_TO_RENEW
from tests.support.accounts import build_account, by_id
from tests.support.chat.answers import buttons_of, entries_of
from tests.support.chat.reminders import (
    DAY,
    HOUR,
    WITHOUT_FOLLOW_UPS,
    add,
    contents_in,
    fold,
    poll_for,
    posts_in,
    say_expiring,
    say_renewed,
    sent_bodies,
    sent_contents,
)
from tests.support.hostile import with_status
from tests.support.world import GUILD_ID, World

SILENT = 4096
EDIT = "/channels/*/messages/*"
NAME = "Sam Reed `345678`"
RENEWED = say_renewed(NAME, 30)


def edits(world: World) -> list[dict[str, Any]]:
    """Return the edits of reminders in the world's channel, oldest first, also those that failed."""
    path = f"/channels/{world.channel.id}/messages/"
    return [one.json or {} for one in world.env.http_requests if one.method == "PATCH" and one.path.startswith(path)]


def renew(world: World, account_id: str = "345678", name: str = "Sam Reed", *, days: float = 30) -> None:
    """Give an account a new login, which expires so many days after the start."""
    world.api.accounts[account_id] = build_account(account_id, name, days=days)


async def remind(world: World, account_id: str = "345678", **options: Any) -> discord.Message:
    """Add a reminder for an account and poll; return the message."""
    await add(world, account_id, **options)
    await world.poll_once()
    return posts_in(world.channel)[-1]


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_renewal_turns_the_reminder_green(world: World, *, restarted: bool) -> None:
    """A renewal is said once: the news is one line, and the reminder folds to a link to it; nobody is notified."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    before = await remind(world, ping=role)
    assert (before.embeds[0].colour, len(before.components), before.content[-1]) == (discord.Colour(RED), 1, ">")
    renew(world)
    if restarted:
        await world.restart()
    await world.env.advance_time(60)
    await world.poll_twice()
    after, news = posts_in(world.channel)
    assert (after.id, after.content, news.content) == (before.id, fold(NAME, news, "renewed"), RENEWED)
    for post in (after, news):
        assert (post.embeds, post.components) == ([], [])
    (edit,) = edits(world)
    assert edit["allowed_mentions"] == {"parse": []}
    assert edit["components"] == []
    body = sent_bodies(world)[-1]
    assert body["flags"] & SILENT
    assert body["allowed_mentions"] == {"parse": [], "users": [], "roles": []}


async def test_a_tighter_stage_folds_the_wider_one(world: World) -> None:
    """After a tighter stage, the message of the wider one becomes a line without cards or buttons."""
    await remind(world, "123456")
    await poll_for(world, 9.5, every=DAY / 2)
    first, second, third = posts_in(world.channel)
    for folded, newer in ((first, second), (second, third)):
        assert (folded.content, folded.embeds, folded.components) == (fold("Jane Doe", newer), [], [])
    assert third.content == say_expiring("Jane Doe", "3 days")
    assert third.components
    assert len(edits(world)) == 2


async def test_only_the_renewed_account_of_a_message_turns_green(world: World) -> None:
    """In a message about several accounts, only the renewed one turns green, and the buttons stay."""
    await remind(world, "all", days="20")
    renew(world)
    await world.poll_twice()
    changed, news = posts_in(world.channel)
    assert changed.content == "⏰ **2 MiniMax logins expire within 12 days:** Sam Reed `234567`, Jane Doe."
    link = message_link(GUILD_ID, world.channel.id, news.id)
    assert entries_of(changed) == [
        "🟡 **Sam Reed** `234567`\n-# expires <t:1767484800:R>",
        "🟡 **Jane Doe** `123456`\n-# expires <t:1768262400:R>",
        f"✅ **Sam Reed** `345678`\n-# [renewed]({link})",
    ]
    assert list(buttons_of(changed)) == ["How to renew", "I'm on it", "Check now"]
    renew(world, "123456", "Jane Doe")
    renew(world, "234567")
    await world.poll_twice()
    settled = posts_in(world.channel)[0]
    assert (settled.embeds, settled.components) == ([], [])
    assert [line[:6] for line in settled.content.splitlines()] == ["-# ✅ *"] * 3


def begin_incident(world: World, kind: str) -> None:
    """Let an incident of this kind begin."""
    if kind == "error":
        world.api.accounts["123456"]["error"] = "login failed"
    elif kind == "missing":
        del world.api.accounts["123456"]
    else:
        world.api.behave = with_status(429)


def end_incident(world: World) -> None:
    """Let the incident end."""
    world.api.behave = None
    world.api.accounts["123456"] = build_account("123456", days=40)


# How the message begins while an incident lasts, and all that it says afterwards.
INCIDENTS = {
    "error": (
        (
            f"{Status.ERROR.style.emoji} **Jane Doe**: useapi.net reports an error.\n> login failed\n"
            "The login itself is valid until <t:1770681600:D>. Renewing it usually clears the error.\n"
            f"-# {HOW_TO_RENEW}, or [by hand](<{SETUP_GUIDE}>)."
        ),
        "✅ **Jane Doe**: working again, login valid until <t:1770681600:D>.",
    ),
    "missing": (
        (
            "🔴 **Jane Doe**: this account was removed from useapi.net.\n"
            "Reminders for it stop here. Add it again at useapi.net if that was a mistake."
        ),
        "✅ **Jane Doe**: back at useapi.net, login valid until <t:1770681600:D>.",
    ),
    "unreadable": (
        "⚪ **The bot can't reach your MiniMax accounts** (since <t:",
        "✅ **The bot can reach your MiniMax accounts again.**",
    ),
}
REPORTS_ERROR = f"{Status.ERROR.style.emoji} **Jane Doe**: useapi.net reports an error."


@pytest.mark.parametrize("restarting", [False, True])
@pytest.mark.parametrize("kind", INCIDENTS)
async def test_an_incident_turns_green_and_back_in_one_message(world: World, kind: str, *, restarting: bool) -> None:
    """The end of an incident edits its message, and so does its return within a day; a new one is a new message."""
    bad, good = INCIDENTS[kind]
    end_incident(world)
    await add(world, "123456")
    await world.poll_once()
    assert posts_in(world.channel) == []
    for expected in (bad, good, bad, good):
        begin_incident(world, kind) if expected is bad else end_incident(world)
        await poll_for(world, 8 / 24, every=2 * HOUR)
        if restarting:
            await world.restart()
        (post,) = posts_in(world.channel)
        assert post.content.startswith(expected)
        assert bool(post.components) == (expected is bad)
    assert len(edits(world)) == 3
    await poll_for(world, 1)
    begin_incident(world, kind)
    await poll_for(world, 8 / 24, every=2 * HOUR)
    first, second = contents_in(world.channel)
    assert first.startswith("-# ↪️")
    assert second.startswith(bad)


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(("status", "code"), [(429, 30046), (500, 0), (503, 0)])
async def test_an_edit_that_fails_is_made_by_the_next_poll(
    world: World, status: int, code: int, *, restarted: bool
) -> None:
    """An edit that Discord limits or fails at is made by the next poll, and nothing is posted anew."""
    await remind(world)
    renew(world)
    world.env.inject_error("PATCH", EDIT, status=status, code=code)
    await world.poll_twice()
    assert len(edits(world)) == 1
    assert contents_in(world.channel)[0] != RENEWED
    if restarted:
        await world.restart()
    await world.env.advance_time(60)
    await world.poll_once()
    assert contents_in(world.channel) == [fold(NAME, posts_in(world.channel)[1], "renewed"), RENEWED]
    await world.poll_once()
    assert (len(edits(world)), len(sent_contents(world))) == (2, 2)


async def test_a_refused_edit_is_made_later(world: World) -> None:
    """An edit that a channel refuses is not tried in each poll, and made once the channel accepts it."""
    await remind(world)
    renew(world)
    world.env.inject_error("PATCH", EDIT, status=403, code=50013)
    for _ in range(4):
        await world.poll_once()
    assert len(edits(world)) == 1
    await poll_for(world, 1)
    assert contents_in(world.channel) == [fold(NAME, posts_in(world.channel)[1], "renewed"), RENEWED]


async def test_a_deleted_message_stays_deleted(world: World) -> None:
    """A reminder that a moderator deleted is tried once and not posted anew; the others are edited."""
    await remind(world, "123456")
    await poll_for(world, 5, every=DAY)
    first, second = posts_in(world.channel)
    world.env.backend.delete_message(world.channel.id, second.id)
    renew(world, "123456", "Jane Doe")
    await poll_for(world, 1, every=HOUR)
    assert posts_in(world.channel)[0].id == first.id
    assert (len(sent_contents(world)), len(posts_in(world.channel))) == (3, 2)
    # The first was folded; the second is tried once after the renewal.
    assert len(edits(world)) == 2


async def test_nothing_is_edited_while_nothing_changes(world: World) -> None:
    """Polls of unchanged accounts, and of an expiry that shifts by minutes, make no edit."""
    await remind(world, "all", days="20", **WITHOUT_FOLLOW_UPS)
    for quarters in range(4):
        world.api.accounts["123456"] = build_account("123456", days=12 + quarters / 96)
        await poll_for(world, 0.5, every=DAY / 4)
        await world.restart()
    assert edits(world) == []
    renew(world, days=80)
    await poll_for(world, 0.5, every=HOUR)
    assert len(edits(world)) == 1


async def test_a_missing_account_gets_no_stages(world: World) -> None:
    """No stage is sent while an account is missing; once it is back, the tightest one is."""
    world.api.accounts["123456"] = build_account("123456", days=8.5)
    await add(world, "123456", days="7 3 1")
    await world.poll_once()
    back = world.api.accounts.pop("123456")
    await poll_for(world, 6, every=DAY / 4)
    assert [post.partition("\n")[0] for post in sent_contents(world)] == [
        "🔴 **Jane Doe**: this account was removed from useapi.net."
    ]
    world.api.accounts["123456"] = back
    await poll_for(world, 1 / 24, every=HOUR)
    assert sent_contents(world)[1:] == [say_expiring("Jane Doe", "3 days")]
    first, second = posts_in(world.channel)
    assert first.content == fold("Jane Doe", second, "back at useapi.net")


async def test_a_stage_waits_for_the_end_of_an_error(world: World) -> None:
    """An account in error gets one message about that; the stage of its login is sent once the error has ended."""
    world.api.accounts["123456"]["error"] = "login failed"
    for _ in range(2):
        await world.poll_once()
    await add(world, "123456")
    await world.poll_once()
    assert [post.partition("\n")[0] for post in sent_contents(world)] == [REPORTS_ERROR]
    del world.api.accounts["123456"]["error"]
    await world.poll_once()
    first, second = posts_in(world.channel)
    assert first.content == fold("Jane Doe", second, "working again")
    assert second.content == say_expiring("Jane Doe", "12 days")


async def test_a_refused_error_is_announced_once_it_returns(world: World) -> None:
    """An error whose message was refused, and that ended for a while, is announced once it is back."""
    world.api.accounts = by_id(build_account("123456", days=60))
    await add(world, "123456")
    world.api.accounts["123456"]["error"] = "login failed"
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    for _ in range(2):
        await world.poll_once()
    assert posts_in(world.channel) == []
    error = world.api.accounts["123456"].pop("error")
    await world.env.advance_time(HOUR)
    await world.poll_once()
    world.api.accounts["123456"]["error"] = error
    for _ in range(2):
        await world.poll_once()
        await world.env.advance_time(60)
    assert [post.partition("\n")[0] for post in contents_in(world.channel)] == [REPORTS_ERROR]
