"""Tests of weeks of reminders: two renewals, several channels and servers, and servers that come and go."""

import discord
import pytest
import simcord

from tests.support.accounts import build_account, by_id
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
    sent_bodies,
    sent_contents,
)
from tests.support.world import GUILD_ID, MEMBER, OTHER_GUILD_ID, World


def ends(contents: list[str]) -> list[str]:
    """Return the ends of the sentences of reminders, after the account's name."""
    return [post.partition(": ")[2].removeprefix("MiniMax login ").partition(".")[0] for post in contents]


# How a message begins whose account is renewed, or that has a newer reminder.
DONE = ("✅", "-# ✅", "-# ↪️")


@pytest.mark.parametrize(("renewed_after", "stages"), [(32, 5), (26, 2)])
async def test_two_logins_with_daily_restarts(world: World, renewed_after: int, stages: int) -> None:
    """Each stage and each renewal is sent once, in time or late; at the end no message is red."""
    await add(world, "123456")
    for day in range(2 * renewed_after + 3):
        is_renewed = day in (0, renewed_after, 2 * renewed_after)
        if is_renewed:
            world.api.accounts["123456"] = build_account("123456", days=day + 30.5)
        await world.restart()
        await (world.poll_twice() if is_renewed else world.poll_once())
        await world.env.advance_time(DAY - 60 * is_renewed)
    life = [f"expires within {left}" for left in ("14 days", "7 days", "3 days", "12 hours")] + ["has expired"]
    news = ends([say_renewed("Jane Doe", n * renewed_after + 30.5) for n in (1, 2)])
    assert ends(sent_contents(world)) == [*life[:stages], news[0], *life[:stages], news[1]]
    assert all(post.startswith(DONE) for post in contents_in(world.channel))


async def second_server(world: World) -> tuple[simcord.ChannelHandle, simcord.MemberActor]:
    """List a second server beside the first; return its channel and its manager."""
    guild = world.env.create_guild("Second", id=OTHER_GUILD_ID)
    managers = guild.create_role("Managers", permissions=discord.Permissions(MEMBER.value, manage_guild=True))
    manager = guild.add_member(world.env.create_user("lea"), roles=[managers])
    channel = guild.create_text_channel("theirs")
    await world.restart(GUILD_ID, OTHER_GUILD_ID)
    return channel, manager


async def test_two_servers_with_one_account(world: World) -> None:
    """Two servers, and two channels of one, get reminders about the same account, each stage of their own once."""
    theirs, lea = await second_server(world)
    beside = world.env.guild.create_text_channel("beside")
    world.api.accounts = by_id(build_account("123456", days=8.5))
    await add(world, "123456", days="7", **WITHOUT_FOLLOW_UPS)
    await add(world, "123456", days="3", channel=beside, **WITHOUT_FOLLOW_UPS)
    await lea.slash(theirs, "minimax-reminders add", account="all", days="7 1", **WITHOUT_FOLLOW_UPS)
    for _ in range(10):
        await poll_for(world, 1)
        await world.restart(GUILD_ID, OTHER_GUILD_ID)
    world.api.accounts["123456"] = build_account("123456", days=60)
    await poll_for(world, 1, every=DAY / 4)
    (news,) = ends([say_renewed("Jane Doe", 60)])
    assert ends(sent_contents(world)) == ["expires within 7 days", "has expired", news]
    assert ends(sent_contents(world, beside)) == ["expires within 3 days", "has expired", news]
    assert ends(sent_contents(world, theirs)) == [
        "expires within 7 days",
        "expires within 12 hours",
        "has expired",
        news,
    ]
    for channel in (world.channel, beside):
        assert all(post.startswith(DONE) for post in contents_in(channel))


async def test_a_single_reminder_and_one_for_all_share_a_channel(world: World) -> None:
    """During a login's life each account belongs to one reminder, with its days and its role."""
    ops, boss = (world.env.guild.create_role(name, mentionable=True) for name in ("Ops", "Boss"))
    world.api.accounts = {key: build_account(key, days=9.5) for key in ("123456", "234567")}
    await add(world, days="7 3", ping=ops, **WITHOUT_FOLLOW_UPS)
    await add(world, "123456", days="5", ping=boss, **WITHOUT_FOLLOW_UPS)
    await poll_for(world, 11)
    named = [str(body["content"]) + str(body["embeds"]) for body in sent_bodies(world)]
    assert [key in post for post in named for key in ("123456", "234567")] == [
        *(False, True),
        *(True, False),
        *(False, True),
        *(True, True),
    ]
    assert [post.split(" <@&", 1)[1] for post in sent_contents(world)] == [
        f"{ops.id}>",
        f"{boss.id}>",
        f"{ops.id}>",
        f"{boss.id}> {ops.mention}",
    ]


async def test_a_list_without_a_known_account_counts_as_unreadable(world: World) -> None:
    """Accounts that share none with the known ones, as of another useapi.net token, are not saved for three days."""
    world.api.accounts["123456"] = build_account("123456", days=8.2)
    await add(world, "123456", **WITHOUT_FOLLOW_UPS)
    await world.poll_once()
    own = dict(world.api.accounts)
    world.api.accounts = by_id(build_account("999999", "Someone Else", days=2))
    await add(world, channel=world.env.guild.create_text_channel("other"))
    await poll_for(world, 2, every=4 * HOUR)
    assert ends(sent_contents(world)[:1]) == ["expires within 9 days"]
    unreadable, guarded = sent_contents(world)[1:]
    assert unreadable.startswith("⚪ **The bot can't reach your MiniMax accounts** (since <t:")
    assert guarded == "⏰ **Jane Doe**: MiniMax login should expire <t:1767934080:f> (not confirmed)."
    assert not any("999999" in post or "removed" in post for post in sent_contents(world))
    world.api.accounts = own
    await world.env.advance_time(60)
    await world.poll_once()
    assert "✅ **The bot can reach your MiniMax accounts again.**" in contents_in(world.channel)


async def test_accounts_are_replaced_after_three_days(world: World) -> None:
    """A team that replaces its only account by one with another id gets reminders about it after three days."""
    world.api.accounts = by_id(build_account("123456", days=40))
    await add(world, **WITHOUT_FOLLOW_UPS)
    await world.poll_once()
    world.api.accounts = by_id(build_account("777777", "New One", days=14))
    await poll_for(world, 5, every=4 * HOUR)
    unreadable, new, missing = contents_in(world.channel)
    assert unreadable == "✅ **The bot can reach your MiniMax accounts again.**"
    assert new == say_expiring("New One", "11 days")
    assert missing.startswith("🔴 **Jane Doe**: this account was removed from useapi.net.")


@pytest.mark.parametrize("refusing", [False, True])
async def test_a_server_that_is_not_listed_gets_nothing(world: World, *, refusing: bool) -> None:
    """A server that is not listed gets nothing; listed again, it gets the tightest stage that has come."""
    world.api.accounts["123456"] = build_account("123456", days=7.5)
    await add(world, "123456", days="7 3 1")
    if refusing:
        await world.env.advance_time(DAY)
        world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    await world.restart(OTHER_GUILD_ID)
    await poll_for(world, 2 - refusing, every=DAY / 4)
    assert posts_in(world.channel) == []
    await world.restart(GUILD_ID)
    for _ in range(2):
        await poll_for(world, 0.25)
        await poll_for(world, 1 / 24, every=HOUR)
    assert ends(sent_contents(world)[refusing:]) == ["expires within 6 days"]


async def test_a_renewal_while_not_listed_is_announced_later(world: World) -> None:
    """A server that was not listed for a while hears of a renewal, and sees its message edited, once it is again."""
    await add(world, "345678")
    await world.poll_once()
    await world.restart(OTHER_GUILD_ID)
    world.api.accounts["345678"] = build_account("345678", "Sam Reed", days=30)
    await poll_for(world, 1)
    assert contents_in(world.channel) == [say_expired("Sam Reed `345678`")]
    await world.restart(GUILD_ID)
    await poll_for(world, 1)
    _, news = posts_in(world.channel)
    name = "Sam Reed `345678`"
    assert contents_in(world.channel) == [fold(name, news, "renewed"), say_renewed(name, 30)]
