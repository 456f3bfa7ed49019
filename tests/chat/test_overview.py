"""Tests of `/minimax-accounts` in a simulated Discord."""

import discord
import pytest
from simcord.results import InteractionResult, ResponseMessage

from bot.chat.views.overview import overview_reply, render_board
from bot.core.accounts import Account, Capability
from bot.core.overview import Overview
from bot.useapi.client import ACCOUNTS_PATH
from tests.support.accounts import START, build_account
from tests.support.chat.answers import buttons_of, embed_of, menu_of, message_of
from tests.support.chat.boards import many_accounts
from tests.support.chat.limits import assert_fits
from tests.support.chat.reminders import DAY, add
from tests.support.hostile import with_status
from tests.support.world import World


async def overview(world: World, **options: str) -> InteractionResult:
    """Let the manager ask for all accounts."""
    return await world.manager.slash(world.channel, "minimax-accounts", **options)


def controls_of(message: ResponseMessage) -> tuple[list[str], list[str]]:
    """Return the labels of a message's buttons and the values of its menu."""
    return list(buttons_of(message)), menu_of(message)


async def test_shows_all_accounts_soonest_expiry_first(world: World) -> None:
    """The private list shows each account's status, name, id, capabilities, expiry and the channels with a reminder."""
    world.api.accounts["123456"] |= {"supportMusic": True, "supportChat": False}
    await add(world, "234567")
    result = await overview(world)
    assert result.ephemeral
    embed = embed_of(result)
    assert embed.title == "3 MiniMax accounts"
    assert (embed.description or "").split("\n\n") == [
        "🔴 **Sam Reed** `345678`\nExpired <t:1767052800:f> (<t:1767052800:R>)\nVideo · 🔕 no reminder",
        f"🟡 **Sam Reed** `234567`\nExpires <t:1767484800:f> (<t:1767484800:R>)\nVideo · 🔔 {world.channel.mention}",
        "🟢 **Jane Doe** `123456`\nExpires <t:1768262400:f> (<t:1768262400:R>)\nVideo, Music · 🔕 no reminder",
    ]
    assert controls_of(message_of(result)) == (["Refresh"], ["345678", "234567", "123456"])
    assert_fits(embed)


async def test_shows_the_channels_with_a_reminder(world: World) -> None:
    """A reminder for all counts for each account; a paused one for one account replaces it in its channel."""
    other = world.env.guild.create_text_channel("other")
    await add(world)
    await add(world, "123456", channel=other)
    await add(world, "234567")
    await world.manager.slash(world.channel, "minimax-reminders pause", reminder="3")
    blocks = (embed_of(await overview(world)).description or "").split("\n\n")
    assert [block.splitlines()[-1].partition(" · ")[2] for block in blocks] == [
        f"🔔 {world.channel.mention}",
        "🔕 no reminder",
        f"🔔 {world.channel.mention}, {other.mention}",
    ]


async def test_shows_error_unknown_and_the_last_day(world: World) -> None:
    """An error, an unknown expiry and the last day have words and emoji of their own."""
    world.api.accounts = {
        "1": build_account("1", "Bad", error="login *failed*"),
        "2": build_account("2", "Odd", days=None),
        "3": build_account("3", "Soon", days=0.5),
    }
    embed = embed_of(await overview(world))
    assert (embed.description or "").split("\n\n") == [
        "🟠 **Soon** `3`\nExpires <t:1767268800:f> (<t:1767268800:R>)\nVideo · 🔕 no reminder",
        "🔴 **Bad** `1`\nIn error: login \\*failed\\*\nVideo · 🔕 no reminder",
        "⚪ **Odd** `2`\nExpiry unknown\nVideo · 🔕 no reminder",
    ]


async def test_says_that_there_is_no_account(world: World) -> None:
    """An empty list has a text and the button that reads it again."""
    world.api.accounts = {}
    result = await overview(world)
    assert embed_of(result).description == "No account is set up at useapi.net."
    assert controls_of(message_of(result)) == (["Refresh"], [])


async def test_explains_failures_of_the_api(world: World) -> None:
    """A failure of the API is explained as in a look-up."""
    world.api.behave = with_status(402)
    assert embed_of(await overview(world, share="yes")).title == "The useapi.net subscription has lapsed"


@pytest.mark.parametrize("restarted", [False, True])
async def test_turns_pages_of_ten(world: World, *, restarted: bool) -> None:
    """A long list has pages with a menu of their accounts each, also after a restart of the bot."""
    world.api.accounts = many_accounts(12)
    first = message_of(await overview(world))
    assert (first.embeds[0].footer.text or "").endswith("Page 1 of 2")
    assert controls_of(first) == (["Next", "Refresh"], [f"{n:03}" for n in range(1, 11)])
    if restarted:
        await world.restart()
    second = message_of(await world.manager.click(first, label="Next"))
    assert second.id == first.id
    assert controls_of(second) == (["Previous", "Refresh"], ["011", "012"])
    assert controls_of(message_of(await world.manager.click(second, label="Previous"))) == controls_of(first)


async def test_everybody_may_turn_the_pages_of_a_shared_list(world: World) -> None:
    """Everybody who sees a shared list may turn its pages, in place."""
    world.api.accounts = many_accounts(12)
    message = message_of(await overview(world, share="yes"))
    turned = message_of(await world.member.click(message, label="Next"))
    assert turned.id == message.id
    assert (turned.embeds[0].footer.text or "").endswith("Page 2 of 2")


@pytest.mark.parametrize("name", ["reminders", "watches", "preview"])
async def test_only_managers_turn_other_lists(world: World, name: str) -> None:
    """A forged button that names a list of reminders shows a member nothing."""
    world.api.accounts = many_accounts(12)
    message = message_of(await overview(world, share="yes"))
    button = {"type": 2, "style": 2, "label": "Forged", "custom_id": f"minimax:page:{name}:0"}
    world.env.backend.edit_message(world.channel.id, message.id, {"components": [{"type": 1, "components": [button]}]})
    forged = world.channel.last_message
    assert forged is not None
    refused = await world.member.click(forged, label="Forged")
    assert refused.ephemeral
    assert embed_of(refused).title == "This is for those who may manage the server"
    title = "The next 30 days" if name == "preview" else "Reminders"
    assert embed_of(await world.manager.click(forged, label="Forged")).title == title


@pytest.mark.parametrize("restarted", [False, True])
async def test_refresh_reads_without_the_cache_and_keeps_the_page(world: World, *, restarted: bool) -> None:
    """Everybody who sees a shared list can refresh it: one call, in place, on the same page."""
    world.api.accounts = many_accounts(12)
    message = message_of(await overview(world, share="yes"))
    await world.manager.click(message, label="Next")
    if restarted:
        await world.restart()
    world.api.accounts["012"] = build_account("012", "Renamed", days=40)
    world.api.calls.clear()
    after = message_of(await world.member.click(world.channel.last_message or message, label="Refresh"))
    assert world.api.calls == [ACCOUNTS_PATH]
    assert after.id == message.id
    assert "🟢 **Renamed** `012`" in (after.embeds[0].description or "")
    assert (after.embeds[0].footer.text or "").endswith("Page 2 of 2")


async def test_refresh_keeps_the_list_when_the_read_fails(world: World) -> None:
    """Only the user sees that a read failed."""
    message = message_of(await overview(world, share="yes"))
    world.api.behave = with_status(401)
    result = await world.member.click(message, label="Refresh")
    assert result.ephemeral
    assert embed_of(result).title == "The bot's useapi.net token was refused"
    assert world.channel.last_message is not None
    assert world.channel.last_message.embeds == message.embeds


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("share", ["yes", "no"])
async def test_the_menu_opens_a_card_privately(world: World, share: str, *, restarted: bool) -> None:
    """Everybody who sees the list can open an account's card privately, also after a restart of the bot."""
    message = message_of(await overview(world, share=share))
    if restarted:
        await world.restart()
    who = world.member if share == "yes" else world.manager
    result = await who.select(message, ["234567"])
    assert result.ephemeral
    assert embed_of(result).title == "Sam Reed"
    assert list(buttons_of(message_of(result))) == ["Check now", "Remind here", "How to renew"]


async def test_the_menu_says_when_an_account_was_deleted(world: World) -> None:
    """The choice of an account that was deleted meanwhile is explained."""
    message = message_of(await overview(world))
    del world.api.accounts["234567"]
    await world.env.advance_time(DAY)
    assert embed_of(await world.manager.select(message, ["234567"])).title == "No such account"


async def test_the_menu_leaves_out_ids_that_are_too_long(world: World) -> None:
    """An account whose id does not fit into a menu is listed, but has no choice."""
    world.api.accounts = {"9" * 90: build_account("9" * 90, "Long Id")}
    result = await overview(world)
    assert "Long Id" in (embed_of(result).description or "")
    assert menu_of(message_of(result)) == []


@pytest.mark.parametrize("name", ["J" * 300, "*_`" * 100, "\N{GRINNING FACE}" * 300, "", None])
@pytest.mark.parametrize("is_confirmed", [True, False])
@pytest.mark.parametrize("error", ["[x](https://example.com) " * 50, None])
def test_fits_discords_limits(name: str | None, error: str | None, *, is_confirmed: bool) -> None:
    """Lists and boards of accounts with long texts keep Discord's limits, and no line is cut."""
    capabilities = tuple(Capability(f"supportSomething{n}", supported=True) for n in range(20))
    accounts = [
        Account(f"{n:050}", name=name, expires_at=START, error=error, capabilities=capabilities) for n in range(30)
    ]
    channels = {one.id: [10**18 + n for n in range(6)] for one in accounts}
    overview = Overview(accounts, channels, START, is_confirmed)
    for page in range(3):
        (embed,) = overview_reply(overview, page, START).embeds
        assert_fits(embed)
        assert "…" not in (embed.description or "")[-1:]
        assert (embed.description or "").endswith("<#1000000000000000002> and 3 more")
    message, _ = render_board(overview, "0123abcd", START)
    (payload,) = message.embeds
    assert_fits(discord.Embed.from_dict(payload))
    assert "and 5 more: `/minimax-accounts`" in payload["description"]
    assert len(message.choices) == 25
