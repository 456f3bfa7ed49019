"""Tests of weeks: lives over two renewals, several channels and servers, and servers that come and go."""

from datetime import timedelta

import discord
import pytest
import simcord

from bot.app import Application, Policy
from tests.chat.test_reminder_steering import HOUR, poll_for
from tests.support.chat.reminders import DAY, add, sent_contents, posts_in, contents_in
from tests.support.world import GUILD_ID, MEMBER, OTHER_GUILD_ID, START, World, account


async def relist(world: World, *guild_ids: int) -> None:
    """Restart the bot with these servers listed."""
    policy = Policy(timedelta(minutes=30), (14, 7, 3, 1))
    world.application = Application(
        world.application.directory, world.database, guild_ids=guild_ids, policy=policy, now=world.env.now
    )
    await world.env.restart_bot(world.application.bot)


def ends(posts: list[str]) -> list[str]:
    """Return how the sentences of some reminders end, after the account's name and id."""
    return [post.rpartition(") ")[2].rstrip(".") for post in posts]


# How a message begins that is renewed, or folded behind a newer one.
DONE = ("✅", "⏭️")


def sent_to(world: World, channel: simcord.ChannelHandle) -> list[str]:
    """Return the sentences of the reminders in a channel as they were when they came, oldest first."""
    path = f"/channels/{channel.id}/messages"
    sent = [one.json for one in world.env.http_requests if (one.method, one.path) == ("POST", path)]
    return [body["content"] for body in sent if body]


@pytest.mark.parametrize(("renewed_after", "steps"), [(32, 5), (26, 2)])
async def test_two_whole_lives_with_daily_restarts(world: World, renewed_after: int, stages: int) -> None:
    """Each life is told step by step, and its renewal once, in time or late; in the end nothing red is left."""
    await add(world, "123456")
    for day in range(2 * renewed_after + 3):
        if day in (0, renewed_after, 2 * renewed_after):
            world.standin.accounts["123456"] = account("123456", days=day + 30.5)
        await world.restart()
        await world.poll_once()
        await world.env.advance_time(DAY)
    life = [f"expires in {left}" for left in ("14 days", "7 days", "3 days", "12 hours")] + ["expired 12 hours ago"]
    news = [f"is renewed until {START + timedelta(days=n * renewed_after + 30.5):%-d %B %Y}" for n in (1, 2)]
    assert ends(sent_contents(world)) == [*life[:stages], news[0], *life[:stages], news[1]]
    assert all(post.startswith(DONE) for post in contents_in(world.channel))


async def second_server(world: World) -> tuple[simcord.ChannelHandle, simcord.MemberActor]:
    """List a second server beside the first; returns its channel and its manager."""
    guild = world.env.create_guild("Second", id=OTHER_GUILD_ID)
    managers = guild.create_role("Managers", permissions=discord.Permissions(MEMBER.value, manage_guild=True))
    manager = guild.add_member(world.env.create_user("lea"), roles=[managers])
    channel = guild.create_text_channel("theirs")
    await relist(world, GUILD_ID, OTHER_GUILD_ID)
    return channel, manager


async def test_two_servers_watch_one_account(world: World) -> None:
    """Two servers and two channels of one hear of the same account, each at its own steps and each once."""
    theirs, lea = await second_server(world)
    beside = world.env.guild.create_text_channel("beside")
    world.standin.accounts = {"123456": account("123456", days=8.5)}
    await add(world, "123456", days="7")
    await add(world, "123456", days="3", channel=beside)
    await lea.slash(theirs, "minimax-reminders add", account="all", days="7 1")
    for _ in range(10):
        await poll_for(world, 1)
        await relist(world, GUILD_ID, OTHER_GUILD_ID)
    world.standin.accounts["123456"] = account("123456", days=60)
    await poll_for(world, 1, every=DAY / 4)
    news = "is renewed until 2 March 2026"
    assert ends(sent_contents(world)) == ["expires in 7 days", "expired 12 hours ago", news]
    assert ends(sent_contents(world, beside)) == ["expires in 3 days", "expired 12 hours ago", news]
    assert ends(sent_contents(world, theirs)) == [
        "expires in 7 days",
        "expires in 12 hours",
        "expired 12 hours ago",
        news,
    ]
    for channel in (world.channel, beside):
        assert all(post.startswith(DONE) for post in contents_in(channel))


async def test_a_single_watch_and_one_on_all_share_a_channel(world: World) -> None:
    """Over a whole life each account is told of by one watch alone, at that watch's steps, with its role."""
    ops, boss = (world.env.guild.create_role(name, mentionable=True) for name in ("Ops", "Boss"))
    world.standin.accounts = {key: account(key, days=9.5) for key in ("123456", "234567")}
    await add(world, days="7 3", mention=ops)
    await add(world, "123456", days="5", mention=boss)
    await poll_for(world, 11)
    told = sent_contents(world)
    assert [(f"({key})" in post) for post in told for key in ("123456", "234567")] == [
        *(False, True),
        *(True, False),
        *(False, True),
        *(True, True),
    ]
    assert [post.split(" <@&", 1)[1] for post in told] == [
        f"{ops.id}>",
        f"{boss.id}>",
        f"{ops.id}>",
        f"{ops.id}> {boss.mention}",
    ]


async def test_another_tokens_accounts_make_blind_not_gone(world: World) -> None:
    """A useapi.net token that lists none of the known accounts is told as blindness; its accounts are not adopted."""
    world.standin.accounts["123456"] = account("123456", days=8.2)
    await add(world, "123456")
    await world.poll_once()
    own = dict(world.standin.accounts)
    world.standin.accounts = {"999999": account("999999", "Someone Else", days=2)}
    await add(world, channel=world.env.guild.create_text_channel("other"))
    await poll_for(world, 2, every=4 * HOUR)
    assert ends(sent_contents(world)[:1]) == ["expires in 9 days"]
    blind, guarded = sent_contents(world)[1:]
    assert blind.startswith("⚪ The MiniMax accounts could not be read for hours")
    assert "was due to expire 9 January 2026 04:48 UTC, not confirmed for" in guarded
    assert not any("999999" in post or "no longer set up" in post for post in sent_contents(world))
    world.standin.accounts = own
    await world.env.advance_time(60)
    await world.poll_once()
    assert "✅ The MiniMax accounts can be read again." in contents_in(world.channel)


async def test_accounts_that_stay_away_are_believed_to_be_replaced(world: World) -> None:
    """A team that replaces its only account by one with another id hears of the new one after three days."""
    world.standin.accounts = {"123456": account("123456", days=40)}
    await add(world)
    await world.poll_once()
    world.standin.accounts = {"777777": account("777777", "New One", days=14)}
    await poll_for(world, 5, every=4 * HOUR)
    blind, new, gone = contents_in(world.channel)
    assert blind == "✅ The MiniMax accounts can be read again."
    assert new == "⏰ MiniMax login New One (777777) expires in 11 days."
    assert gone == "🔴 MiniMax login Jane Doe (123456) is no longer set up at useapi.net."


@pytest.mark.parametrize("refusing", [False, True])
async def test_a_server_off_the_list_is_silent_and_resumes(world: World, *, refusing: bool) -> None:
    """A server taken off the list is told nothing; listed again, it is told the tightest step that has come."""
    world.standin.accounts["123456"] = account("123456", days=7.5)
    await add(world, "123456", days="7 3 1")
    if refusing:
        await world.env.advance_time(DAY)
        world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    await relist(world, OTHER_GUILD_ID)
    await poll_for(world, 2 - refusing, every=DAY / 4)
    assert posts_in(world.channel) == []
    await relist(world, GUILD_ID)
    for _ in range(2):
        await poll_for(world, 0.25)
        await poll_for(world, 1 / 24, every=HOUR)
    assert ends(sent_contents(world)[refusing:]) == ["expires in 6 days"]


async def test_a_renewal_while_off_the_list_still_turns_green(world: World) -> None:
    """What a server was told before it was taken off the list is put right once it is listed again."""
    await add(world, "345678")
    await world.poll_once()
    await relist(world, OTHER_GUILD_ID)
    world.standin.accounts["345678"] = account("345678", "Sam Reed", days=30)
    await poll_for(world, 1)
    assert contents_in(world.channel) == ["🔴 MiniMax login Sam Reed (345678) expired 2 days ago."]
    await relist(world, GUILD_ID)
    await poll_for(world, 1)
    assert contents_in(world.channel) == ["✅ MiniMax login Sam Reed (345678) is renewed until 31 January 2026."]
