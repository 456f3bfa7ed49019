"""Tests of /minimax-accounts in a simulated Discord."""

from typing import Any

import discord
import pytest
from aiohttp import web
from bot.reminders.overview import Overview
from simcord.results import InteractionResult

from bot.chat.views.overview import list_reply, render_board
from bot.core.accounts import Account, Capability
from bot.useapi.client import ACCOUNTS_PATH
from tests.support.chat.answers import embed_of
from tests.support.chat.limits import assert_fits
from tests.support.chat.reminders import DAY, add
from tests.support.world import START, World, account


async def overview(world: World, **options: str) -> InteractionResult:
    """Let the manager ask for all accounts."""
    return await world.manager.slash(world.channel, "minimax-accounts", **options)


def message_of(result: InteractionResult) -> Any:
    """Return the message of an answer."""
    assert result.response is not None
    return result.response


def controls_of(message: Any) -> dict[str, list[str]]:
    """Return the labels of a message's buttons and the values of its menu."""
    rows = [row if isinstance(row, dict) else row.to_dict() for row in message.components]
    children = [child for row in rows for child in row["components"]]
    menus = [option["value"] for child in children for option in child.get("options", ())]
    return {"buttons": [child["label"] for child in children if "label" in child], "menu": menus}


async def test_shows_all_accounts_soonest_expiry_first(world: World) -> None:
    """Each account has its state, name, id, capabilities and expiry, and whether somebody is told; privately."""
    world.standin.accounts["123456"] |= {"supportMusic": True, "supportChat": False}
    await add(world, "234567")
    result = await overview(world)
    assert result.ephemeral
    card = embed_of(result)
    assert card.title == "3 MiniMax accounts"
    assert (card.description or "").split("\n\n") == [
        "🔴 **Sam Reed** `345678`\nExpired <t:1767052800:f> (<t:1767052800:R>)\nVideo · 🔕 no reminder",
        f"🟡 **Sam Reed** `234567`\nExpires <t:1767484800:f> (<t:1767484800:R>)\nVideo · 🔔 {world.channel.mention}",
        "🟢 **Jane Doe** `123456`\nExpires <t:1768262400:f> (<t:1768262400:R>)\nVideo, Music · 🔕 no reminder",
    ]
    assert controls_of(message_of(result)) == {"buttons": ["Refresh"], "menu": ["345678", "234567", "123456"]}
    assert_fits(card)


async def test_says_who_is_told_of_what(world: World) -> None:
    """A watch on all counts for each account; a paused one does not, and in its channel it silences that on all."""
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
    """What the API calls an error, an expiry it does not give and the last day have words and signs of their own."""
    world.standin.accounts = {
        "1": account("1", "Bad", error="login *failed*"),
        "2": account("2", "Odd", days=None),
        "3": account("3", "Soon", days=0.5),
    }
    card = embed_of(await overview(world))
    assert (card.description or "").split("\n\n") == [
        "🟠 **Soon** `3`\nExpires <t:1767268800:f> (<t:1767268800:R>)\nVideo · 🔕 no reminder",
        "🔴 **Bad** `1`\nIn error: login \\*failed\\*\nVideo · 🔕 no reminder",
        "⚪ **Odd** `2`\nExpiry unknown\nVideo · 🔕 no reminder",
    ]


async def test_says_that_there_is_no_account(world: World) -> None:
    """An empty list is said in words, and can be read again."""
    world.standin.accounts = {}
    result = await overview(world)
    assert embed_of(result).description == "No account is set up at useapi.net."
    assert controls_of(message_of(result)) == {"buttons": ["Refresh"], "menu": []}


async def test_explains_why_nothing_can_be_read(world: World) -> None:
    """A failure of the API is told as with a look-up."""

    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=402)

    world.standin.behave = fail
    assert embed_of(await overview(world, share="yes")).title == "The useapi.net subscription has lapsed"


def many(count: int) -> dict[str, Any]:
    """Return so many accounts, a day between their expiries."""
    return {f"{n:03}": account(f"{n:03}", f"User {n}", days=n) for n in range(1, count + 1)}


@pytest.mark.parametrize("restarted", [False, True])
async def test_turns_pages_of_ten(world: World, *, restarted: bool) -> None:
    """A longer list has pages, each with the menu of its own accounts, also after a restart of the bot."""
    world.standin.accounts = many(12)
    first = message_of(await overview(world))
    assert (first.embeds[0].footer.text or "").endswith("Page 1 of 2")
    assert controls_of(first) == {"buttons": ["Next", "Refresh"], "menu": [f"{n:03}" for n in range(1, 11)]}
    if restarted:
        await world.restart()
    second = message_of(await world.manager.click(first, label="Next"))
    assert second.id == first.id
    assert controls_of(second) == {"buttons": ["Previous", "Refresh"], "menu": ["011", "012"]}
    assert controls_of(message_of(await world.manager.click(second, label="Previous"))) == controls_of(first)


async def test_whoever_sees_a_shared_list_may_turn_its_pages(world: World) -> None:
    """A shared list has its pages turned in place by whoever may refresh it: everybody who sees it."""
    world.standin.accounts = many(12)
    message = message_of(await overview(world, share="yes"))
    turned = message_of(await world.member.click(message, label="Next"))
    assert turned.id == message.id
    assert (turned.embeds[0].footer.text or "").endswith("Page 2 of 2")


async def test_a_list_of_reminders_is_turned_by_managers(world: World) -> None:
    """A button that names another list than the shared one, as no honest client sends it, shows a member nothing."""
    world.standin.accounts = many(12)
    message = message_of(await overview(world, share="yes"))
    button = {"type": 2, "style": 2, "label": "Forged", "custom_id": "minimax:page:watches:0"}
    world.env.backend.edit_message(world.channel.id, message.id, {"components": [{"type": 1, "components": [button]}]})
    forged = world.channel.last_message
    assert forged is not None
    refused = await world.member.click(forged, label="Forged")
    assert refused.ephemeral
    assert embed_of(refused).title == "This is for those who may manage the server"
    assert embed_of(await world.manager.click(forged, label="Forged")).title == "Reminders"


@pytest.mark.parametrize("restarted", [False, True])
async def test_refresh_reads_past_the_cache_and_keeps_the_page(world: World, *, restarted: bool) -> None:
    """Whoever sees a shared list can have it read again: one call, in place, on the same page."""
    world.standin.accounts = many(12)
    message = message_of(await overview(world, share="yes"))
    await world.manager.click(message, label="Next")
    if restarted:
        await world.restart()
    world.standin.accounts["012"] = account("012", "Renamed", days=40)
    world.standin.calls.clear()
    after = message_of(await world.member.click(world.channel.last_message or message, label="Refresh"))
    assert world.standin.calls == [ACCOUNTS_PATH]
    assert after.id == message.id
    assert "🟢 **Renamed** `012`" in (after.embeds[0].description or "")
    assert (after.embeds[0].footer.text or "").endswith("Page 2 of 2")


async def test_refresh_keeps_the_list_when_the_read_fails(world: World) -> None:
    """A failed read is told to the presser alone."""
    message = message_of(await overview(world, share="yes"))

    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=401)

    world.standin.behave = fail
    result = await world.member.click(message, label="Refresh")
    assert result.ephemeral
    assert embed_of(result).title == "The bot's useapi.net token was refused"
    assert world.channel.last_message is not None
    assert world.channel.last_message.embeds == message.embeds


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("share", ["yes", "no"])
async def test_the_menu_opens_a_card_privately(world: World, share: str, *, restarted: bool) -> None:
    """Whoever sees the list can open an account's card, for themselves, also after a restart of the bot."""
    message = message_of(await overview(world, share=share))
    if restarted:
        await world.restart()
    who = world.member if share == "yes" else world.manager
    result = await who.select(message, ["234567"])
    assert result.ephemeral
    assert embed_of(result).title == "Sam Reed"
    assert controls_of(message_of(result))["buttons"] == ["Check now", "Remind here", "How to renew"]


async def test_the_menu_says_when_an_account_is_gone(world: World) -> None:
    """An account that was deleted since is told as that."""
    message = message_of(await overview(world))
    del world.standin.accounts["234567"]
    await world.env.advance_time(DAY)
    assert embed_of(await world.manager.select(message, ["234567"])).title == "No such account"


async def test_the_menu_leaves_out_ids_that_are_too_long(world: World) -> None:
    """An id that does not fit into a menu costs its choice, not the list."""
    world.standin.accounts = {"9" * 90: account("9" * 90, "Long Id")}
    result = await overview(world)
    assert "Long Id" in (embed_of(result).description or "")
    assert controls_of(message_of(result))["menu"] == []


@pytest.mark.parametrize("name", ["J" * 300, "*_`" * 100, "\N{GRINNING FACE}" * 300, "", None])
@pytest.mark.parametrize("is_confirmed", [True, False])
@pytest.mark.parametrize("error", ["[x](https://example.com) " * 50, None])
def test_fits_whatever_accounts_are_called(name: str | None, error: str | None, *, is_confirmed: bool) -> None:
    """List and board stay within Discord's limits, cut in the middle of nothing."""
    capabilities = tuple(Capability(f"supportSomething{n}", supported=True) for n in range(20))
    accounts = [
        Account(f"{n:050}", name=name, expires_at=START, error=error, capabilities=capabilities) for n in range(30)
    ]
    told = {one.id: [10**18 + n for n in range(6)] for one in accounts}
    overview = Overview(accounts, told, START, is_confirmed)
    for page in range(3):
        (card,) = list_reply(overview, page, START).cards
        assert_fits(card)
        assert "…" not in (card.description or "")[-1:]
        assert (card.description or "").endswith("<#1000000000000000002> and 3 more")
    payload, _ = render_board(overview, "0123abcd", START)
    (embed,) = payload["embeds"]
    assert_fits(discord.Embed.from_dict(embed))
    assert "and 5 more: `/minimax-accounts`" in embed["description"]
    assert len(payload["options"]) == 25
