"""Tests of the reminders that channels get while time passes, and of *Check now* under them."""

import asyncio
from typing import Any

import discord
import pytest

from bot.core.links import SETUP_GUIDE
from bot.store.tables import messages
from bot.useapi.client import ACCOUNTS_PATH
from tests.support.accounts import build_account
from tests.support.chat.answers import buttons_of, message_of, text_of
from tests.support.chat.reminders import DAY, HOUR, add, contents_in, poll_for, posts_in, sent_contents, steer
from tests.support.hostile import with_status
from tests.support.world import World


@pytest.mark.parametrize("restarting", [False, True])
async def test_each_stage_of_a_login_is_sent_once(world: World, *, restarting: bool) -> None:
    """Each lead time, the expiry, a follow-up and the renewal are sent once, also if the bot restarts every day."""
    world.api.accounts["123456"] = build_account("123456", days=20.5)
    await add(world, "123456")
    for _ in range(24):
        await world.poll_once()
        if restarting:
            await world.restart()
        await world.poll_once()
        await world.env.advance_time(DAY)
    world.api.accounts["123456"] = build_account("123456", days=60)
    for _ in range(3):
        await world.poll_twice()
        await world.env.advance_time(DAY)
    assert sent_contents(world) == [
        "⏰ MiniMax login Jane Doe (123456) expires in 14 days.",
        "⏰ MiniMax login Jane Doe (123456) expires in 7 days.",
        "⏰ MiniMax login Jane Doe (123456) expires in 3 days.",
        "⏰ MiniMax login Jane Doe (123456) expires in 12 hours.",
        "🔴 MiniMax login Jane Doe (123456) expired 12 hours ago.",
        "🔴 MiniMax login Jane Doe (123456) expired 1 day ago.",
        "✅ MiniMax login Jane Doe (123456) is renewed until 2 March 2026.",
    ]
    # No message in the channel is red or yellow any more.
    folded = "⏭️ MiniMax login Jane Doe (123456) has a newer reminder."
    green = "✅ MiniMax login Jane Doe (123456) is renewed until 2 March 2026."
    assert contents_in(world.channel) == [folded] * 5 + [green] * 2


async def test_a_new_reminder_sends_the_tightest_stage_at_once(world: World) -> None:
    """A reminder that is added inside its lead times sends the tightest stage at once, and no wider one."""
    await add(world, "234567")
    await world.poll_once()
    await world.env.advance_time(DAY / 2)
    await world.poll_once()
    assert contents_in(world.channel) == ["⏰ MiniMax login Sam Reed (234567) expires in 3 days."]


async def test_removing_and_adding_again_repeats_nothing(world: World) -> None:
    """A new reminder with wider days repeats no stage that its channel has got."""
    await add(world, "234567")
    await world.poll_once()
    await steer(world, "remove")
    await add(world, "234567", days="10 5 4")
    await world.poll_once()
    assert len(posts_in(world.channel)) == 1


async def test_a_reminder_added_long_after_a_renewal_follows_the_new_login(world: World) -> None:
    """A reminder that is added weeks after a renewal sends the stages of the new login."""
    world.api.accounts["123456"] = build_account("123456", days=6.5)
    await add(world, "123456")
    await world.poll_once()
    await steer(world, "remove")
    world.api.accounts["123456"] = build_account("123456", days=40.5)
    await world.poll_once()
    await world.env.advance_time(34 * DAY)
    await add(world, "123456")
    await world.poll_once()
    assert sent_contents(world) == ["⏰ MiniMax login Jane Doe (123456) expires in 7 days."] * 2


async def test_one_accounts_reminder_replaces_the_one_for_all(world: World) -> None:
    """In one channel, an account's own reminder replaces the one for all, until it is removed."""
    await add(world, days="14")
    await add(world, "123456", days="3")
    await world.poll_once()
    (post,) = contents_in(world.channel)
    assert "234567" in post
    assert "345678" in post
    assert "123456" not in post
    await steer(world, "remove", "2")
    await world.poll_once()
    assert contents_in(world.channel)[1:] == ["⏰ MiniMax login Jane Doe (123456) expires in 12 days."]


async def test_two_channels_are_independent(world: World) -> None:
    """Each channel has its own lead times, and removing one's reminder leaves the other's."""
    other = world.env.guild.create_text_channel("other")
    await add(world, "123456", days="14")
    await add(world, "123456", channel=other, days="5")
    await world.poll_once()
    assert (len(contents_in(world.channel)), contents_in(other)) == (1, [])
    await steer(world, "remove")
    await world.env.advance_time(8 * DAY)
    await world.poll_once()
    assert len(contents_in(world.channel)) == 1
    assert contents_in(other) == ["⏰ MiniMax login Jane Doe (123456) expires in 4 days."]


async def test_a_refusing_channel_does_not_delay_the_others(world: World) -> None:
    """A channel that refuses a reminder gets it later, worded as of then; the others get theirs at once."""
    other = world.env.guild.create_text_channel("other")
    await add(world, "123456")
    await add(world, "123456", channel=other)
    world.env.inject_error("POST", f"/channels/{world.channel.id}/messages", status=403, code=50013)
    await world.poll_once()
    assert (contents_in(world.channel), len(contents_in(other))) == ([], 1)
    await world.env.advance_time(6 * DAY)
    await world.poll_once()
    assert contents_in(world.channel) == ["⏰ MiniMax login Jane Doe (123456) expires in 6 days."]
    assert len(contents_in(other)) == 2


async def test_the_most_urgent_account_is_named_first(world: World) -> None:
    """The sentence names expired accounts first, then the soonest expiry: a phone shows only its beginning."""
    world.api.accounts = {
        "1": build_account("1", "Late", days=9),
        "2": build_account("2", "Soon", days=2),
        "3": build_account("3", "Over", days=-2),
    }
    await add(world)
    await world.poll_once()
    (post,) = posts_in(world.channel)
    assert post.content == (
        "🔴 3 MiniMax logins: Over (3) expired 2 days ago; Soon (2) expires in 2 days; Late (1) expires in 9 days."
    )
    assert [card.title for card in post.embeds] == ["Over", "Soon", "Late"]


@pytest.mark.parametrize("name", ["Jo", "J" * 60, "*" * 300, "\N{GRINNING FACE}" * 300])
async def test_a_dozen_accounts_due_at_once_fit(world: World, name: str) -> None:
    """Twelve accounts are grouped into messages within Discord's limits, each account in exactly one."""
    ids = [f"{n:06}" for n in range(12)]
    flags: dict[str, Any] = {f"supportSomethingLong{n}": True for n in range(20)} if len(name) > 60 else {}
    world.api.accounts = {key: build_account(key, name, days=2, **flags) for key in ids}
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, mention=role)
    await world.poll_once()
    posts = posts_in(world.channel)
    shown = [_account_of(card) for post in posts for card in post.embeds]
    assert sorted(shown) == ids
    for post in posts:
        assert len(post.content) <= 2000
        assert post.content.endswith(role.mention)
        assert 1 <= len(post.embeds) <= 10
        assert sum(map(len, post.embeds)) <= 6000
    if name == "Jo":
        assert [len(post.embeds) for post in posts] == [10, 2]
        assert "10 MiniMax logins: Jo (000000) expires in 2 days; Jo (000001)" in posts[0].content


def _account_of(card: discord.Embed) -> str:
    return next(str(field.value).strip("`") for field in card.fields if field.name == "Account")


async def test_says_which_jobs_stop_and_how_to_renew(world: World) -> None:
    """The card names the jobs that stop, and card and button link to the guide."""
    await add(world, "123456")
    await world.poll_once()
    (post,) = posts_in(world.channel)
    (card,) = post.embeds
    assert "Video jobs of this account stop at <t:1768262400:f>." in (card.description or "")
    assert f"[How to renew]({SETUP_GUIDE})" in (card.description or "")
    links = [child for row in post.components for child in getattr(row, "children", ())]
    assert [link.label for link in links] == ["Check now", "I'm on it", "How to renew"]
    assert links[-1].url == SETUP_GUIDE


@pytest.mark.parametrize("restarted", [False, True])
async def test_check_now_reads_all_with_one_call(world: World, *, restarted: bool) -> None:
    """Everybody who sees a reminder can refresh all its cards with one call, also after a restart of the bot."""
    await add(world)
    await world.poll_once()
    (before,) = posts_in(world.channel)
    if restarted:
        await world.restart()
    world.api.accounts["234567"] = build_account("234567", "Sam Renewed", days=40)
    world.api.calls.clear()
    result = await world.member.click(before, label="Check now")
    assert world.api.calls == [ACCOUNTS_PATH]
    assert message_of(result).id == before.id
    assert set(buttons_of(message_of(result))) == {"Check now", "I'm on it", "How to renew"}
    (after,) = posts_in(world.channel)
    assert [card.title for card in after.embeds] == ["Sam Reed", "Jane Doe", "Sam Renewed"]
    assert after.content == (
        "🔴 3 MiniMax logins: Sam Reed (345678) expired 2 days ago; Jane Doe (123456) expires in 12 days; "
        "Sam Renewed (234567) is renewed until 10 February 2026."
    )
    assert ["Not renewed yet" in (card.description or "") for card in after.embeds] == [True, True, False]
    assert after.embeds[-1].footer.text == before.embeds[-1].footer.text
    again = await world.member.click(after, label="Check now")
    assert message_of(again).id == before.id


async def test_check_now_sends_nothing(world: World) -> None:
    """*Check now* does not announce a renewal; the poll that confirms it does."""
    await add(world, "123456")
    await world.poll_once()
    world.api.accounts["123456"] = build_account("123456", days=60)
    await world.member.click(posts_in(world.channel)[0], label="Check now")
    assert len(posts_in(world.channel)) == 1
    await world.poll_twice()
    assert contents_in(world.channel) == ["✅ MiniMax login Jane Doe (123456) is renewed until 2 March 2026."] * 2


async def test_check_now_keeps_the_cards_when_the_read_fails(world: World) -> None:
    """Only the user sees that a read failed, and the reminder stays as it is."""
    await add(world)
    await world.poll_once()
    (before,) = posts_in(world.channel)
    world.api.behave = with_status(401)
    assert "useapi.net token was refused" in text_of(await world.member.click(before, label="Check now"))
    (after,) = posts_in(world.channel)
    assert after.embeds == before.embeds


async def test_check_now_says_when_an_account_was_deleted(world: World) -> None:
    """*Check now* shows that an account is not set up any more."""
    await add(world, "123456")
    await world.poll_once()
    del world.api.accounts["123456"]
    result = await world.member.click(posts_in(world.channel)[0], label="Check now")
    assert message_of(result).content == "🔴 MiniMax login Jane Doe (123456) is no longer set up at useapi.net."
    assert "does not list this account any more" in (message_of(result).embeds[0].description or "")


async def test_check_now_shows_another_users_login(world: World) -> None:
    """An account that has another MiniMax user's login by now is not shown as renewed."""
    await add(world, "123456")
    await world.poll_once()
    world.api.accounts["123456"] = build_account("123456", days=40)
    world.api.accounts["123456"]["jwt"]["user"] |= {"id": "999", "name": "Max Roe"}
    result = await world.member.click(posts_in(world.channel)[0], label="Check now")
    assert message_of(result).content == "⚠️ MiniMax login Max Roe (123456) holds another person's login now."
    assert "belongs to somebody else than before" in (message_of(result).embeds[0].description or "")


async def test_check_now_knows_only_its_own_messages(world: World) -> None:
    """A reminder that the database does not know stays as it is, and the user reads why."""
    await add(world, "123456")
    await world.poll_once()
    (before,) = posts_in(world.channel)
    async with world.database.begin() as tx:
        await tx.execute(messages.update().values(discord_id=1))
    answer = text_of(await world.member.click(before, label="Check now"))
    assert "The bot's database does not know this message." in answer
    assert posts_in(world.channel)[0].embeds == before.embeds


async def test_two_polls_run_one_after_the_other(world: World) -> None:
    """Two polls that are requested together read one after the other."""
    await world.poll_once()
    world.api.calls.clear()
    world.api.delay = 0.02
    await asyncio.gather(world.poll_once(), world.poll_once())
    assert (world.api.calls, world.api.most_at_once) == ([ACCOUNTS_PATH] * 2, 1)


async def test_guarded_words_follow_a_failed_read(world: World) -> None:
    """Between two polls a reminder shows what the last one read; a failed read makes that not confirmed."""
    await add(world, "345678")
    await world.poll_once()
    await world.env.advance_time(HOUR / 3)
    await world.manager.click(posts_in(world.channel)[0], label="I'm on it")
    assert contents_in(world.channel)[0].startswith("🔴 MiniMax login Sam Reed (345678) expired 2 days ago.")
    world.api.accounts = {}
    await poll_for(world, 1 / 24, every=HOUR)
    await world.manager.click(posts_in(world.channel)[0], label="I'm on it")
    (post,) = posts_in(world.channel)
    assert "was due to expire 30 December 2025 00:00 UTC, not confirmed for 2 hours." in post.content
    assert "**Not confirmed** for 2 hours. The login was due to expire" in (post.embeds[0].description or "")
