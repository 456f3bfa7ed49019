"""Tests of what `/minimax-reminders add`, `remove` and the button *Ping nobody* change, and say about it."""

import discord
import pytest
import simcord
from simcord.results import InteractionResult

from bot.core.subscriptions import Ping, PingKind
from bot.store.subscriptions import get_subscriptions
from tests.support.accounts import START, build_account
from tests.support.chat.answers import buttons_of, embed_of, message_of, text_of
from tests.support.chat.reminders import DAY, WITHOUT_FOLLOW_UPS, add, listed, poll_for, steer
from tests.support.hostile import with_status
from tests.support.world import GUILD_ID, World

AMBER, GREEN = discord.Colour(0xE0A100), discord.Colour(0x2E9E5B)


async def use_add(world: World, account: str, **options: object) -> InteractionResult:
    """Let the manager add a reminder."""
    return await world.manager.slash(world.channel, "minimax-reminders add", account=account, **options)


def open_role(world: World, name: str = "Ops") -> simcord.RoleHandle:
    """Create a role that everybody may mention."""
    return world.env.guild.create_role(name, mentionable=True)


async def test_a_change_keeps_what_is_left_out(world: World) -> None:
    """Adding the same account again changes the given terms alone, and says what they were."""
    await world.poll_once()
    role, place = open_role(world), f"**Jane Doe** → {world.channel.mention}"
    await add(world, "123456", days="5", ping=role, **WITHOUT_FOLLOW_UPS)
    answer = await add(world, "123456", days="10 2")
    assert answer.startswith(
        f"Reminder updated\n{place} · 10 and 2 days before, and on expiry · no follow-ups · "
        f"pings {role.mention} from 7 days before\n"
        f"Was: 5 days before\nNext reminder: <t:{int(START.timestamp() + 2 * DAY)}:R> (10 days before)\n"
    )
    other = open_role(world, "Other")
    answer = await add(world, "123456", ping=other, **{"follow-ups": "yes"})
    assert f"expiry · pings {other.mention} from 7 days before\nWas: no follow-ups · pings {role.mention}\n" in answer
    async with world.database.begin() as tx:
        (saved,) = await get_subscriptions(tx, GUILD_ID)
    assert (saved.lead_times, saved.ping, saved.follow_ups) == ((10, 2), Ping(PingKind.ROLE, other.id), True)


async def test_adding_it_as_it_is_changes_nothing(world: World) -> None:
    """The same reminder again is answered as unchanged."""
    await add(world, "123456", days="5")
    assert (await add(world, "123456")).startswith("Nothing changed\n")
    assert (await add(world, "123456", days="5")).startswith("Nothing changed\n")


async def test_a_kept_role_can_be_taken_away(world: World) -> None:
    """An answer with a role that was not chosen anew says how to take it away; one press does, and keeps the rest."""
    role = open_role(world)
    added = await use_add(world, "123456", days="5", ping=role)
    assert not message_of(added).components
    kept = message_of(await use_add(world, "123456"))
    assert f"It still pings {role.mention}. To change that, press **Ping nobody**." in (
        kept.embeds[0].description or ""
    )
    await steer(world, "pause")
    pressed = message_of(await world.manager.click(kept, label="Ping nobody"))
    assert pressed.id == kept.id
    assert (pressed.embeds[0].title, buttons_of(pressed)) == ("Reminder updated", {})
    assert f"5 days before and on expiry · pings nobody\nWas: pings {role.mention}" in (
        pressed.embeds[0].description or ""
    )
    async with world.database.begin() as tx:
        (saved,) = await get_subscriptions(tx, GUILD_ID)
    assert (saved.lead_times, saved.ping, saved.paused_at is not None) == ((5,), None, True)


async def test_an_own_reminder_says_that_it_replaces_the_one_for_all(world: World) -> None:
    """A reminder for one account, where all are covered already, says what it replaces there."""
    await world.poll_once()
    role = open_role(world)
    await add(world, days="7", ping=role)
    answer = await add(world, "123456", days="2")
    assert answer.endswith(f"\nHere it replaces **All accounts** for **Jane Doe**, also its ping of {role.mention}.")
    answer = await add(world, "234567", days="2", ping=role)
    assert answer.endswith("\nHere it replaces **All accounts** for **Sam Reed** `234567`.")
    other = world.env.guild.create_text_channel("other")
    assert "replaces" not in await add(world, "123456", channel=other)


async def test_a_reminder_for_all_names_the_own_ones_that_go_on(world: World) -> None:
    """A reminder for all accounts, where one has its own, says that this one goes on."""
    await world.poll_once()
    await add(world, "123456")
    assert (await add(world)).endswith("Own reminders here go on instead of this one: **Jane Doe**.")


async def test_removing_says_what_still_covers_the_account(world: World) -> None:
    """After its own reminder, an account follows the one for all again, and the answer says so."""
    await world.poll_once()
    await add(world, days="7")
    await add(world, "123456", days="2")
    assert await steer(world, "remove", "2") == (
        f"Reminder removed\n{world.channel.mention} now follows **All accounts** for **Jane Doe** again: "
        "7 days before and on expiry · pings nobody."
    )
    await add(world, "123456", days="2")
    await steer(world, "pause", "1")
    assert (await steer(world, "remove", "2")).endswith("**All accounts** for **Jane Doe** again, which is paused.")


@pytest.mark.parametrize("polled", [True, False])
async def test_says_that_nothing_is_planned_without_an_expiry(world: World, *, polled: bool) -> None:
    """A reminder for an account whose expiry the API does not give is amber, and says why nothing is planned."""
    world.api.accounts["123456"] = build_account("123456", days=None)
    if polled:
        await world.poll_once()
    embed = embed_of(await use_add(world, "123456"))
    assert (embed.description or "").endswith("\nNo expiry date reported, so nothing is planned.")
    assert embed.colour == AMBER


async def test_says_that_an_expired_login_waits_for_a_renewal(world: World) -> None:
    """A reminder that has said all it can about an expired login is amber, and says what it waits for."""
    await world.poll_once()
    await add(world, "345678", **WITHOUT_FOLLOW_UPS)
    await poll_for(world, 1)
    embed = embed_of(await use_add(world, "345678"))
    assert (embed.description or "").endswith("\nAlready expired; the next reminder comes after a renewal.")
    assert embed.colour == AMBER


async def test_says_that_there_are_no_accounts(world: World) -> None:
    """A reminder for all accounts, where there are none, says so once a check has ended."""
    world.api.accounts.clear()
    await world.poll_once()
    embed = embed_of(await use_add(world, "all"))
    assert "\nNo accounts yet, so nothing is planned. [Add one at useapi.net]" in (embed.description or "")
    assert embed.colour == AMBER
    assert "\nNo accounts yet, so nothing is planned · none sent yet" in await listed(world)


async def test_misses_no_accounts_that_could_not_be_read(world: World) -> None:
    """While useapi.net refuses the token, nobody is asked to add accounts that may be there."""
    world.api.behave = with_status(401)
    await world.poll_once()
    embed = embed_of(await use_add(world, "all"))
    assert "No accounts" not in (embed.description or "")
    assert "known after the next check" in await listed(world)


async def test_misses_no_accounts_before_the_first_check(world: World) -> None:
    """Until a check has ended, nobody knows whether there are accounts: the list says what it waits for."""
    await add(world)
    assert "\nNext: known after the next check · none sent yet" in await listed(world)


async def test_says_that_each_account_has_a_reminder_of_its_own(world: World) -> None:
    """A reminder for all accounts, each of which has one of its own in the channel, does not miss accounts."""
    await world.poll_once()
    for account_id in world.api.accounts:
        await add(world, account_id)
    reason = "The accounts have reminders of their own here, so nothing is planned"
    assert f"\n{reason}.\n" in await add(world)
    assert f"\n{reason} · none sent yet" in await listed(world)


async def test_is_green_if_a_reminder_will_come(world: World) -> None:
    """A reminder that has something to send is green."""
    await world.poll_once()
    assert embed_of(await use_add(world, "123456")).colour == GREEN


async def test_only_managers_take_a_role_away(world: World) -> None:
    """A member who sees the button, and a press for a reminder that is gone, change nothing."""
    role = open_role(world)
    await add(world, "123456", ping=role)
    kept = message_of(await use_add(world, "123456"))
    button = {"type": 2, "style": 2, "label": "Forged", "custom_id": f"minimax:unping:1:{role.id}"}
    shared = message_of(await world.look_up("123456", share="yes"))
    world.env.backend.edit_message(world.channel.id, shared.id, {"components": [{"type": 1, "components": [button]}]})
    forged = world.channel.last_message
    assert forged is not None
    assert text_of(await world.member.click(forged, label="Forged")).startswith("You need the Manage Server permission")
    async with world.database.begin() as tx:
        assert [one.ping for one in await get_subscriptions(tx, GUILD_ID)] == [Ping(PingKind.ROLE, role.id)]
    await steer(world, "remove")
    assert text_of(await world.manager.click(kept, label="Ping nobody")).startswith("Reminder not found")
    # SQLite gives its id to the next one.
    await add(world, ping=role)
    assert text_of(await world.manager.click(kept, label="Ping nobody")).startswith("Reminder not found")
    async with world.database.begin() as tx:
        assert [(one.id, one.ping) for one in await get_subscriptions(tx, GUILD_ID)] == [
            (1, Ping(PingKind.ROLE, role.id))
        ]
