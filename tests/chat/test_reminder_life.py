"""Tests of the reminders that channels get while time passes, and of *Check now* under them."""

import asyncio

import discord
import pytest

from bot.core.links import GUIDED_SETUP, SETUP_GUIDE
from bot.core.status import AMBER, ORANGE
from bot.core.wording import HOW_TO_RENEW
from bot.store.messages import get_message
from bot.store.tables import messages
from bot.useapi.client import ACCOUNTS_PATH
from tests.support.accounts import build_account, by_id
from tests.support.chat.answers import buttons_of, embed_of, entries_of, lines_of, menu_of, message_of, text_of
from tests.support.chat.reminders import (
    DAY,
    HOUR,
    WITHOUT_FOLLOW_UPS,
    add,
    contents_in,
    fold,
    poll_for,
    posts_in,
    say_expired,
    say_expiring,
    say_renewed,
    sent_contents,
    steer,
)
from tests.support.hostile import with_status
from tests.support.world import GUILD_ID, World


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
        say_expiring("Jane Doe", "14 days"),
        say_expiring("Jane Doe", "7 days"),
        say_expiring("Jane Doe", "3 days"),
        say_expiring("Jane Doe", "12 hours"),
        say_expired("Jane Doe"),
        say_expired("Jane Doe", still=True),
        say_renewed("Jane Doe", 60),
    ]
    # No message in the channel is red or yellow any more, and the renewal is said once.
    *posts, news = posts_in(world.channel)
    folded = [fold("Jane Doe", newer) for newer in posts[1:]]
    assert contents_in(world.channel) == [*folded, fold("Jane Doe", news, "renewed"), say_renewed("Jane Doe", 60)]


async def test_a_new_reminder_sends_the_tightest_stage_at_once(world: World) -> None:
    """A reminder that is added inside its lead times sends the tightest stage at once, and no wider one."""
    await add(world, "234567")
    await world.poll_once()
    await world.env.advance_time(DAY / 2)
    await world.poll_once()
    assert contents_in(world.channel) == [say_expiring("Sam Reed `234567`", "3 days")]


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
    await poll_for(world, 2)
    await world.env.advance_time(32 * DAY)
    await add(world, "123456")
    await world.poll_once()
    assert sent_contents(world) == [say_expiring("Jane Doe", "7 days")] * 2


async def test_one_accounts_reminder_replaces_the_one_for_all(world: World) -> None:
    """In one channel, an account's own reminder replaces the one for all, until it is removed."""
    await add(world, days="14")
    await add(world, "123456", days="3")
    await world.poll_once()
    (post,) = posts_in(world.channel)
    card = post.embeds[0].description or ""
    assert "234567" in card
    assert "345678" in card
    assert "123456" not in card
    await steer(world, "remove", "2")
    await world.poll_once()
    assert contents_in(world.channel)[1:] == [say_expiring("Jane Doe", "12 days")]


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
    assert contents_in(other) == [say_expiring("Jane Doe", "4 days")]


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
    assert contents_in(world.channel) == [say_expiring("Jane Doe", "6 days")]
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
    assert post.content == "🔴 **1 MiniMax login needs renewing now**, 2 expire soon: Over, Soon, Late."
    assert entries_of(post) == [
        "🔴 **Over** `3`\n-# expired <t:1767052800:R> · video stopped",
        "🟡 **Soon** `2`\n-# expires <t:1767398400:R>",
        "🟡 **Late** `1`\n-# expires <t:1768003200:R>",
    ]
    assert menu_of(post) == ["3", "2", "1"]


async def test_several_accounts_that_expire_soon_share_one_sentence(world: World) -> None:
    """The sentence says within how long the last of them expires, and names the first five."""
    world.api.accounts = by_id(*(build_account(str(n), f"User {n}", days=n) for n in range(2, 9)))
    await add(world)
    await world.poll_once()
    (post,) = posts_in(world.channel)
    names = "User 2, User 3, User 4, User 5, User 6 and 2 more"
    assert post.content == f"⏰ **7 MiniMax logins expire within 8 days:** {names}."


@pytest.mark.parametrize("name", ["Jo", "J" * 60, "*" * 300, "\N{GRINNING FACE}" * 300])
async def test_dozens_of_accounts_due_at_once_are_one_message(world: World, name: str) -> None:
    """One message with one ping carries all accounts, also those that it has no room for."""
    ids = [f"{n:06}" for n in range(30)]
    world.api.accounts = {key: build_account(key, name, days=2) for key in ids}
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, ping=role)
    await world.poll_twice()
    (post,) = posts_in(world.channel)
    assert post.content.endswith(role.mention)
    assert len(post.content) <= 2000
    assert len(post.embeds) == 1
    assert len(post.embeds[0]) <= 6000
    *entries, last = entries_of(post)
    assert last == f"and {30 - len(entries)} more: `/minimax-overview`"
    assert [entry.split("`")[1] for entry in entries] == ids[: len(entries)]
    assert len(entries) == (25 if len(name) <= 60 else len(entries))
    await world.poll_twice()
    assert len(sent_contents(world)) == 1


async def test_one_account_has_a_short_card(world: World) -> None:
    """The card says when, what stops and which reminder it is; buttons renew, assign, check and show the details."""
    await add(world, "123456")
    await world.poll_once()
    (post,) = posts_in(world.channel)
    (card,) = post.embeds
    assert (card.title, card.thumbnail.url, list(card.fields)) == (None, None, [])
    assert lines_of(post) == [
        "Expires <t:1768262400:F> · **<t:1768262400:R>**",
        "▰▰▰▰▱▱▱▱▱▱ 40% left · then **video** jobs stop",
        f"-# {HOW_TO_RENEW}, or [by hand](<{SETUP_GUIDE}>).",
    ]
    async with world.database.begin() as tx:
        message = await get_message(tx, GUILD_ID, post.id)
    assert message is not None
    assert card.footer.text == f"123456 · 14-day reminder · {message.footer_id}"
    assert card.colour == discord.Colour(AMBER)
    buttons = buttons_of(post)
    assert list(buttons) == ["How to renew", "I'm on it", "Check now", "Details"]
    assert buttons["How to renew"]["url"] == GUIDED_SETUP
    assert buttons["I'm on it"]["style"] == discord.ButtonStyle.primary.value
    details = await world.member.click(post, label="Details")
    assert details.ephemeral
    assert embed_of(details).title == "Jane Doe"


async def test_the_last_day_is_orange(world: World) -> None:
    """On the last day the sentence counts hours."""
    world.api.accounts["123456"] = build_account("123456", days=8 / 24)
    await add(world, "123456")
    await world.poll_once()
    (post,) = posts_in(world.channel)
    assert post.content == say_expiring("Jane Doe", "8 hours")
    assert post.embeds[0].colour == discord.Colour(ORANGE)


@pytest.mark.parametrize(
    ("days", "left", "pinged", "is_announced"),
    [
        ("14, 7", 9.5, False, True),
        ("14, 10", 9.5, True, False),
        ("14", 9.5, True, False),
        ("7", 6.5, True, False),
        ("20, 10, 1", 3, True, True),
    ],
)
async def test_an_early_reminder_pings_nobody(
    world: World, days: str, left: float, *, pinged: bool, is_announced: bool
) -> None:
    """A reminder more than a week before the expiry pings nobody, unless all its days are early; the answer says so."""
    world.api.accounts["123456"] = build_account("123456", days=left)
    role = world.env.guild.create_role("Ops", mentionable=True)
    answer = await add(world, "123456", days=days, ping=role)
    assert f"pings {role.mention}{' from 7 days before' if is_announced else ''}\n" in answer
    await world.poll_once()
    (content,) = sent_contents(world)
    assert content.endswith(role.mention) == pinged


async def test_a_renewal_that_is_due_again_has_its_own_words(world: World) -> None:
    """A login that was renewed for a few days gets one message: that it is renewed, and when it expires."""
    await add(world, "345678", **WITHOUT_FOLLOW_UPS)
    await world.poll_once()
    world.api.accounts["345678"] = build_account("345678", "Max Roe", days=5)
    await world.poll_twice()
    first, second = posts_in(world.channel)
    assert second.content == "⏰ **Max Roe**: login renewed, but expires within 5 days."
    assert first.content == fold("Max Roe", second, "renewed")


async def test_follow_ups_share_a_message(world: World) -> None:
    """Several failures that go on are one message, which says that they still do."""
    world.api.accounts = by_id(build_account("1", "One", days=0.5), build_account("2", "Two", days=0.5))
    await add(world, days="1")
    await poll_for(world, 2.5, every=DAY / 2)
    assert sent_contents(world)[-1] == "🔴 **2 MiniMax logins still need renewing:** One, Two."


async def test_nothing_shown_depends_on_a_time_zone(world: World) -> None:
    """A renewal has its date as a timestamp, which each reader sees in their own time zone."""
    await add(world, "345678")
    await world.poll_once()
    world.api.accounts["345678"] = build_account("345678", "Max Roe", days=30)
    await world.poll_twice()
    assert sent_contents(world)[-1] == "✅ **Max Roe**: MiniMax login renewed, valid until <t:1769817600:D>."


async def test_a_sentence_stays_true(world: World) -> None:
    """An edit counts from when the reminder was sent, and says so once the login has expired."""
    world.api.accounts["123456"] = build_account("123456", days=2.9)
    await add(world, "123456", days="3", **WITHOUT_FOLLOW_UPS)
    await world.poll_once()
    (post,) = posts_in(world.channel)
    for days in (1.0, 1.0):
        await world.env.advance_time(days * DAY)
        await world.member.click(post, label="Check now")
        assert contents_in(world.channel) == [say_expiring("Jane Doe", "3 days")]
    await world.env.advance_time(DAY)
    await world.member.click(post, label="Check now")
    assert contents_in(world.channel) == [say_expired("Jane Doe")]
    assert lines_of(posts_in(world.channel)[0])[0].startswith("Expired <t:")


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
    assert list(buttons_of(message_of(result))) == ["How to renew", "I'm on it", "Check now"]
    (after,) = posts_in(world.channel)
    assert after.content == "🔴 **1 MiniMax login needs renewing now**, 1 expires soon: Sam Reed `345678`, Jane Doe."
    assert entries_of(after) == [
        "🔴 **Sam Reed** `345678`\n-# expired <t:1767052800:R> · video stopped",
        "🟡 **Jane Doe** `123456`\n-# expires <t:1768262400:R>",
        "✅ **Sam Renewed** `234567`\n-# renewed, valid until <t:1770681600:D>",
        "🔄 Checked <t:1767225600:R>: not renewed",
    ]
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
    first, news = posts_in(world.channel)
    assert [first.content, news.content] == [fold("Jane Doe", news, "renewed"), say_renewed("Jane Doe", 60)]


async def test_check_now_keeps_the_cards_when_the_read_fails(world: World) -> None:
    """Only the user sees that a read failed, and the reminder stays as it is."""
    await add(world)
    await world.poll_once()
    (before,) = posts_in(world.channel)
    world.api.behave = with_status(401)
    assert "useapi.net rejected the bot's token" in text_of(await world.member.click(before, label="Check now"))
    (after,) = posts_in(world.channel)
    assert after.embeds == before.embeds


async def test_check_now_says_when_an_account_was_deleted(world: World) -> None:
    """*Check now* shows that an account is not set up any more."""
    await add(world, "123456")
    await world.poll_once()
    del world.api.accounts["123456"]
    result = await world.member.click(posts_in(world.channel)[0], label="Check now")
    assert message_of(result).content == (
        "🔴 **Jane Doe**: this account was removed from useapi.net.\n"
        "Reminders for it stop here. Add it again at useapi.net if that was a mistake.\n"
        "-# 🔄 Checked <t:1767225600:R>: no change"
    )
    assert list(buttons_of(message_of(result))) == ["I'm on it", "Check now"]


async def test_check_now_shows_another_users_login(world: World) -> None:
    """An account that has another MiniMax user's login by now is not shown as renewed."""
    await add(world, "123456")
    await world.poll_once()
    world.api.accounts["123456"] = build_account("123456", days=40)
    world.api.accounts["123456"]["jwt"]["user"] |= {"id": "999", "name": "Max Roe"}
    result = await world.member.click(posts_in(world.channel)[0], label="Check now")
    assert message_of(result).content == (
        "⚠️ **Max Roe**: the account now uses a different MiniMax user's login. Was that on purpose?"
    )
    assert message_of(result).embeds == []


async def test_check_now_knows_only_its_own_messages(world: World) -> None:
    """A reminder that the database does not know stays as it is, and the user reads why."""
    await add(world, "123456")
    await world.poll_once()
    (before,) = posts_in(world.channel)
    async with world.database.begin() as tx:
        await tx.execute(messages.update().values(discord_id=1))
    answer = text_of(await world.member.click(before, label="Check now"))
    assert answer == "This message is too old for the bot\nUse `/minimax-account` instead."
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
    assert contents_in(world.channel) == [say_expired("Sam Reed `345678`")]
    world.api.accounts = {}
    await poll_for(world, 1 / 24, every=HOUR)
    await world.manager.click(posts_in(world.channel)[0], label="I'm on it")
    (post,) = posts_in(world.channel)
    assert "MiniMax login should have expired <t:1767052800:f> (not confirmed)." in post.content
    assert lines_of(post)[0].startswith("Last checked <t:1767225600:R>. The login should have expired <t:1767052800:F>")


async def test_one_of_several_accounts_is_on_its_last_day(world: World) -> None:
    """The sentence says when the first login expires, if that is much earlier than the last."""
    world.api.accounts = by_id(build_account("1", "One", days=0.5), build_account("2", "Two", days=6.5))
    await add(world, days="14 7 1")
    await world.poll_once()
    (content,) = sent_contents(world)
    assert content == "⏰ **2 MiniMax logins expire within 7 days, the first within 12 hours:** One, Two."
