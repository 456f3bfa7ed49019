"""Commands, completions and buttons, request by request."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from tests.support.process.stage import Stage, open_stage
from tests.support.wire.interactions import CHOICES, DEADLINE, DEFERRED, DEFERRED_UPDATE, MESSAGE, UPDATE, Exchange
from tests.support.wire.payloads import OTHER_GUILD_ID, PRIVATE, build_button_message

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHECK = "minimax:check:"


def _is_private(message: dict[str, Any]) -> bool:
    return bool(message.get("flags", 0) & PRIVATE)


def _words(message: dict[str, Any]) -> str:
    (embed,) = message["embeds"]
    return f"{embed['title']}\n{embed['description']}"


def _methods(exchange: Exchange) -> list[str]:
    return [call.method for call in exchange.calls]


@pytest.mark.parametrize(("share", "is_private"), [(None, True), ("no", True), ("yes", False)])
async def test_quick_look_up(stage: Stage, share: str | None, *, is_private: bool) -> None:
    """A look-up that the API answers quickly is one request to Discord: the card, private unless shared."""
    account = stage.add_account()
    exchange = await stage.discord.slash(account, share=share)
    shown = await exchange.answer()
    await stage.settle()
    (call,) = exchange.calls
    assert call.json["type"] == MESSAGE
    assert "Healthy" in _words(shown)
    assert _is_private(shown) is is_private


@pytest.mark.parametrize(("share", "is_private"), [("no", True), ("yes", False)])
async def test_slow_look_up(stage: Stage, share: str, *, is_private: bool) -> None:
    """A look-up that the API keeps waiting is acknowledged within 3 seconds over a slow network, and edited later."""
    account, held = stage.add_account(), stage.hold_api()
    stage.discord.rest.round_trip = 0.4
    exchange = await stage.discord.slash(account, share=share)
    first = await exchange.acknowledgement()
    assert first.json["type"] == DEFERRED
    assert not exchange.shown.items
    held.release()
    assert _is_private(await exchange.answer()) is is_private
    await stage.settle()
    assert _methods(exchange) == ["POST", "PATCH"]
    assert exchange.seconds_to_acknowledge() < DEADLINE


async def test_slow_shared_problem(stage: Stage) -> None:
    """A public wait that ends in a problem is taken away, and only the asker is told."""
    account, held = stage.add_account(), stage.hold_api()
    exchange = await stage.discord.slash(account, share="yes")
    await exchange.acknowledgement()
    held.release(HTTPStatus.PAYMENT_REQUIRED)
    await exchange.calls.find(lambda call: call.method == "DELETE")
    in_public, in_private = exchange.shown
    assert not in_public["embeds"]
    assert not _is_private(in_public)
    assert "subscription" in _words(in_private)
    assert _is_private(in_private)


async def test_unknown_account(stage: Stage) -> None:
    """An account that does not exist is told privately, even if the answer was to be shared."""
    exchange = await stage.discord.slash("no-such-account", share="yes")
    shown = await exchange.answer()
    assert "No such account" in _words(shown)
    assert _is_private(shown)


@pytest.mark.parametrize("guild_id", [OTHER_GUILD_ID, None], ids=["other server", "direct message"])
@pytest.mark.parametrize("share", ["no", "yes"])
async def test_place_not_listed(stage: Stage, guild_id: int | None, share: str) -> None:
    """A command from a server that is not listed, or from a direct message, is refused privately in words."""
    calls_before = len(stage.api.calls)
    exchange = await stage.discord.slash(stage.add_account(), share=share, guild_id=guild_id)
    shown = await exchange.answer()
    assert "does not serve this place" in _words(shown)
    assert _is_private(shown)
    assert len(stage.api.calls) == calls_before


@pytest.mark.parametrize("guild_id", [OTHER_GUILD_ID, None], ids=["other server", "direct message"])
async def test_button_in_place_not_listed(stage: Stage, guild_id: int | None) -> None:
    """A button pressed where the bot does not serve is refused privately, and reads nothing."""
    custom_id, calls_before = CHECK + stage.add_account(), len(stage.api.calls)
    exchange = await stage.discord.press(build_button_message(custom_id), custom_id, guild_id=guild_id)
    shown = await exchange.answer()
    assert "does not serve this place" in _words(shown)
    assert _is_private(shown)
    assert len(stage.api.calls) == calls_before


async def test_completion(stage: Stage) -> None:
    """Typing into the account option offers what the bot knows, within the listed servers only."""
    account = stage.add_account()
    await (await stage.discord.slash(account)).answer()
    listed, other = await asyncio.gather(
        stage.discord.type_in(account), stage.discord.type_in(account, guild_id=OTHER_GUILD_ID)
    )
    offer, nothing = await asyncio.gather(listed.acknowledgement(), other.acknowledgement())
    assert offer.json["type"] == nothing.json["type"] == CHOICES
    assert [choice["value"] for choice in offer.json["data"]["choices"]] == [account]
    assert nothing.json["data"]["choices"] == []


async def test_button_of_a_card(stage: Stage) -> None:
    """*Check now* under a card reads the account again and renews that card, in one request."""
    account = stage.add_account()
    card = await (await stage.discord.slash(account)).answer()
    calls_before = len(stage.api.calls)
    exchange = await stage.discord.press(card, CHECK + account)
    renewed = await exchange.answer()
    await stage.settle()
    (call,) = exchange.calls
    assert call.json["type"] == UPDATE
    assert renewed["id"] == card["id"]
    assert stage.api.calls[calls_before] == f"/v1/minimax/accounts/{account}"


async def test_button_of_an_older_process() -> None:
    """*Check now* works under a message from before a restart, in a process that has sent no message yet."""
    async with open_stage() as stage:
        custom_id = CHECK + stage.add_account()
        exchange = await stage.discord.press(build_button_message(custom_id), custom_id)
        assert "Healthy" in _words(await exchange.answer())


async def test_slow_button(stage: Stage) -> None:
    """A slow *Check now* is acknowledged within 3 seconds without a visible change, and edited later."""
    account, held = stage.add_account(), stage.hold_api()
    message = build_button_message(CHECK + account)
    exchange = await stage.discord.press(message, CHECK + account)
    first = await exchange.acknowledgement()
    assert first.json["type"] == DEFERRED_UPDATE
    held.release()
    assert (await exchange.answer())["id"] == message["id"]
    await stage.settle()
    assert _methods(exchange) == ["POST", "PATCH"]
    assert exchange.seconds_to_acknowledge() < DEADLINE


async def test_one_person_in_a_hurry(stage: Stage) -> None:
    """One person's eleventh look-up in a burst is refused in words; others are still answered."""
    account = stage.add_account()
    burst = await asyncio.gather(*(stage.discord.slash(account, user_id="1100000000000000007") for _ in range(11)))
    shown = [_words(await exchange.answer()) for exchange in burst]
    assert ["slower" in words for words in shown] == [False] * 10 + [True]
    assert "Healthy" in _words(await (await stage.discord.slash(account)).answer())
