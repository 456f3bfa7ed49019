"""Tests of `/minimax-overview` in a simulated Discord."""

from dataclasses import replace
from datetime import timedelta

import discord
import pytest
from simcord.results import InteractionResult, ResponseMessage

from bot.chat.views.overview import overview_reply, render_board
from bot.core.accounts import Account
from bot.core.links import SETUP_GUIDE
from bot.core.overview import build_overview
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
    return await world.manager.slash(world.channel, "minimax-overview", **options)


def controls_of(message: ResponseMessage) -> tuple[list[str], list[str]]:
    """Return the labels of a message's buttons and the values of its menu."""
    return list(buttons_of(message)), menu_of(message)


async def test_shows_all_accounts_most_urgent_first(world: World) -> None:
    """The private list shows each account's status, name, id and expiry on one line, and the worst in its title."""
    await add(world)
    result = await overview(world)
    assert result.ephemeral
    embed = embed_of(result)
    assert embed.title == "1 of 3 accounts needs renewing"
    assert (embed.description or "").splitlines() == [
        "🔴 **Sam Reed** `345678` expired <t:1767052800:R>",
        "🟡 **Sam Reed** `234567` <t:1767484800:R>",
        "🟢 **Jane Doe** `123456` <t:1768262400:R>",
    ]
    assert (embed.footer.text, embed.timestamp) == ("Checked", world.env.now())
    assert controls_of(message_of(result)) == (["Check now"], ["345678", "234567", "123456"])
    assert_fits(embed)


async def test_marks_accounts_without_a_reminder(world: World) -> None:
    """A reminder for all counts for each account; a paused one for one account replaces it in its channel."""
    await add(world)
    await add(world, "123456", channel=world.env.guild.create_text_channel("other"))
    await add(world, "234567")
    await world.manager.slash(world.channel, "minimax-reminders pause", reminder="3")
    embed = embed_of(await overview(world))
    assert [line.endswith("🔕") for line in (embed.description or "").splitlines()] == [False, True, False]
    assert embed.footer.text == "🔕 no reminders · Checked"


async def test_says_once_that_there_is_no_reminder(world: World) -> None:
    """Without any reminder no line has a sign; one sentence says how to add the first reminder."""
    embed = embed_of(await overview(world))
    lines = (embed.description or "").splitlines()
    assert [line for line in lines if "🔕" in line] == [
        "🔕 No reminders yet. Add the first one: `/minimax-reminders add`"
    ]
    assert (len(lines), embed.footer.text) == (4, "Checked")


async def test_an_error_is_not_buried_under_later_expiries(world: World) -> None:
    """Expired comes first, then errors, the last day, soon, fine, and unknown, each with a sign of its own."""
    world.api.accounts = {
        "1": build_account("1", "Bad", days=20, error="Session refresh failed, manual update required"),
        "2": build_account("2", "Odd", days=None),
        "3": build_account("3", "Soon", days=0.5),
        "4": build_account("4", "Past", days=-1),
        "5": build_account("5", "Well", days=9),
        "6": build_account("6", "Near", days=5),
    }
    await add(world)
    embed = embed_of(await overview(world))
    assert embed.title == "2 of 6 accounts need renewing"
    assert (embed.description or "").splitlines() == [
        "🔴 **Past** `4` expired <t:1767139200:R>",
        "⚠️ **Bad** `1` error: Session refresh failed…",
        "🟠 **Soon** `3` <t:1767268800:R>",
        "🟡 **Near** `6` <t:1767657600:R>",
        "🟢 **Well** `5` <t:1768003200:R>",
        "⚪ **Odd** `2` no expiry date reported",
    ]
    choices = await world.complete("")
    assert [choice["value"] for choice in choices] == ["4", "1", "3", "6", "5", "2"]


@pytest.mark.parametrize(
    ("days", "title"),
    [
        ([-1, -1, 9], "2 of 3 accounts need renewing"),
        ([-1], "The MiniMax account needs renewing"),
        ([5, 0.5, 9], "2 of 3 accounts expire soon"),
        ([5, 9], "1 of 2 accounts expires soon"),
        ([9, 10], "All 2 accounts are fine"),
        ([9], "The MiniMax account is fine"),
        ([9, 10, None], "2 of 3 accounts are known to be fine"),
        ([], "No MiniMax accounts yet"),
    ],
)
def test_the_title_says_what_matters_most(days: list[float | None], title: str) -> None:
    """The title counts the accounts that need renewing, or else those that expire soon."""
    expiries = [None if one is None else START + timedelta(days=one) for one in days]
    accounts = [Account(str(n), expires_at=one) for n, one in enumerate(expiries)]
    (embed,) = overview_reply(build_overview(accounts, [], START, START), 0, START).embeds
    assert embed.title == title


async def test_says_how_to_add_the_first_account(world: World) -> None:
    """An empty list links to useapi.net's guide and has the button that reads it again."""
    world.api.accounts = {}
    result = await overview(world)
    assert embed_of(result).description == (
        f"Add your MiniMax accounts at [useapi.net]({SETUP_GUIDE}), then press **Check now**."
    )
    assert controls_of(message_of(result)) == (["Check now"], [])
    world.api.accounts = many_accounts(1)
    found = message_of(await world.manager.click(message_of(result), label="Check now"))
    assert "`001`" in (found.embeds[0].description or "")


async def test_explains_failures_of_the_api(world: World) -> None:
    """A failure of the API is explained as in a look-up."""
    world.api.behave = with_status(402)
    assert embed_of(await overview(world, share="yes")).title == "The useapi.net subscription has ended"


@pytest.mark.parametrize("restarted", [False, True])
async def test_turns_pages_of_25(world: World, *, restarted: bool) -> None:
    """A long list has pages with a menu of their accounts each, also after a restart of the bot."""
    world.api.accounts = many_accounts(27)
    first = message_of(await overview(world))
    assert (first.embeds[0].footer.text or "").endswith("Page 1 of 2 · Checked")
    assert controls_of(first) == (["Check now", "▶"], [f"{n:03}" for n in range(1, 26)])
    if restarted:
        await world.restart()
    second = message_of(await world.manager.click(first, label="▶"))
    assert second.id == first.id
    assert controls_of(second) == (["Check now", "◀"], ["026", "027"])
    assert controls_of(message_of(await world.manager.click(second, label="◀"))) == controls_of(first)


async def test_everybody_may_turn_the_pages_of_a_shared_list(world: World) -> None:
    """Everybody who sees a shared list may turn its pages, in place."""
    world.api.accounts = many_accounts(27)
    message = message_of(await overview(world, share="yes"))
    turned = message_of(await world.member.click(message, label="▶"))
    assert turned.id == message.id
    assert (turned.embeds[0].footer.text or "").endswith("Page 2 of 2 · Checked")


@pytest.mark.parametrize("name", ["reminders", "watches", "preview", "upcoming"])
async def test_only_managers_turn_other_lists(world: World, name: str) -> None:
    """A forged button that names a list of reminders shows a member nothing."""
    world.api.accounts = many_accounts(27)
    message = message_of(await overview(world, share="yes"))
    button = {"type": 2, "style": 2, "label": "Forged", "custom_id": f"minimax:page:{name}:0"}
    world.env.backend.edit_message(world.channel.id, message.id, {"components": [{"type": 1, "components": [button]}]})
    forged = world.channel.last_message
    assert forged is not None
    refused = await world.member.click(forged, label="Forged")
    assert refused.ephemeral
    assert embed_of(refused).title == "You need the Manage Server permission"
    title = "Next 30 days" if name in ("preview", "upcoming") else "Reminders in this server"
    assert embed_of(await world.manager.click(forged, label="Forged")).title == title


@pytest.mark.parametrize("restarted", [False, True])
async def test_check_now_reads_without_the_cache_and_keeps_the_page(world: World, *, restarted: bool) -> None:
    """Everybody who sees a shared list can have it read again: one call, in place, on the same page."""
    world.api.accounts = many_accounts(27)
    message = message_of(await overview(world, share="yes"))
    await world.manager.click(message, label="▶")
    if restarted:
        await world.restart()
    world.api.accounts["027"] = build_account("027", "Renamed", days=40)
    world.api.calls.clear()
    after = message_of(await world.member.click(world.channel.last_message or message, label="Check now"))
    assert world.api.calls == [ACCOUNTS_PATH]
    assert after.id == message.id
    assert "🟢 **Renamed** `027`" in (after.embeds[0].description or "")
    assert (after.embeds[0].footer.text or "").endswith("Page 2 of 2 · Checked")


async def test_check_now_keeps_the_list_when_the_read_fails(world: World) -> None:
    """Only the user sees that a read failed."""
    message = message_of(await overview(world, share="yes"))
    world.api.behave = with_status(401)
    result = await world.member.click(message, label="Check now")
    assert result.ephemeral
    assert embed_of(result).title == "useapi.net rejected the bot's token"
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
    own = [] if share == "yes" else ["Note"]
    buttons = ["How to renew", "Check now", "Remind this channel", "Credits & jobs", *own]
    assert list(buttons_of(message_of(result))) == buttons


async def test_the_menu_says_when_an_account_was_deleted(world: World) -> None:
    """The choice of an account that was deleted meanwhile is explained."""
    message = message_of(await overview(world))
    del world.api.accounts["234567"]
    await world.env.advance_time(DAY)
    assert embed_of(await world.manager.select(message, ["234567"])).title == 'No account called "234567"'


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
    """Lists and boards of accounts with long texts keep Discord's limits, and no line is cut or broken."""
    accounts = [Account(f"{n:050}", name=name, expires_at=START, error=error) for n in range(30)]
    overview = build_overview(accounts, [], START, START, is_confirmed=is_confirmed)
    overview = replace(overview, reminded={accounts[0].id})
    for page, count in enumerate([25, 5]):
        (embed,) = overview_reply(overview, page, START).embeds
        assert_fits(embed)
        lines = (embed.description or "").splitlines()
        assert (len(lines), lines[-1][-1]) == (count, "🔕")
    message, _ = render_board(overview, "0123abcd", START, timedelta(minutes=30))
    (payload,) = message.embeds
    assert_fits(discord.Embed.from_dict(payload))
    assert "and 5 more: `/minimax-overview`" in payload["description"]
    assert len(message.choices) == 25
