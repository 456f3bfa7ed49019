"""Commands, completions and buttons: every request to Discord, one by one."""

import asyncio
from http import HTTPStatus
from typing import Any

import pytest

from tests.support.process.world import ProcessWorld, open_process_world
from tests.support.wire.interactions import CHOICES, MESSAGE, UPDATE
from tests.support.wire.payloads import OTHER_GUILD_ID, PRIVATE, build_button_message

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHECK = "minimax:check:"


def _is_private(message: dict[str, Any]) -> bool:
    return bool(message.get("flags", 0) & PRIVATE)


def _text(message: dict[str, Any]) -> str:
    embed = message["embeds"][0]
    return f"{embed['title']}\n{embed['description']}"


@pytest.mark.parametrize(("share", "is_private"), [(None, True), ("no", True), ("yes", False)])
async def test_quick_look_up(world: ProcessWorld, share: str | None, *, is_private: bool) -> None:
    """A look-up that the API answers quickly is one request to Discord: the account, private unless shared."""
    account = world.add_account()
    exchange = await world.discord.slash(account, share=share)
    shown = await exchange.answer()
    await world.settle()
    (call,) = exchange.calls
    assert call.json["type"] == MESSAGE
    assert "**Expires" in _text(shown)
    assert _is_private(shown) is is_private


async def test_slow_shared_error(world: ProcessWorld) -> None:
    """A public "thinking" that ends in an error is deleted, and only the user sees the error."""
    account, held = world.add_account(), world.hold_api()
    exchange = await world.discord.slash(account, share="yes")
    await exchange.acknowledgement()
    held.release(HTTPStatus.PAYMENT_REQUIRED)
    await exchange.calls.find(lambda call: call.method == "DELETE")
    in_public, in_private = exchange.shown
    assert not in_public["embeds"]
    assert not _is_private(in_public)
    assert "subscription" in _text(in_private)
    assert _is_private(in_private)


async def test_unknown_account(world: ProcessWorld) -> None:
    """The error for a missing account is private, even if the answer was to be shared."""
    exchange = await world.discord.slash("no-such-account", share="yes")
    shown = await exchange.answer()
    assert _text(shown).startswith('No account called "no-such-account"\n')
    assert _is_private(shown)


@pytest.mark.parametrize("guild_id", [OTHER_GUILD_ID, None], ids=["other server", "direct message"])
@pytest.mark.parametrize("share", ["no", "yes"])
async def test_command_outside_the_listed_servers(world: ProcessWorld, guild_id: int | None, share: str) -> None:
    """A command from a server that is not listed, or from a direct message, is refused privately."""
    calls_before = len(world.api.calls)
    exchange = await world.discord.slash(world.add_account(), share=share, guild_id=guild_id)
    shown = await exchange.answer()
    assert "isn't set up for the bot" in _text(shown)
    assert _is_private(shown)
    assert len(world.api.calls) == calls_before


@pytest.mark.parametrize("guild_id", [OTHER_GUILD_ID, None], ids=["other server", "direct message"])
async def test_button_outside_the_listed_servers(world: ProcessWorld, guild_id: int | None) -> None:
    """A button outside the listed servers is refused privately, without a call to the API."""
    custom_id, calls_before = CHECK + world.add_account(), len(world.api.calls)
    exchange = await world.discord.press(build_button_message(custom_id), custom_id, guild_id=guild_id)
    shown = await exchange.answer()
    assert "isn't set up for the bot" in _text(shown)
    assert _is_private(shown)
    assert len(world.api.calls) == calls_before


async def test_completion(world: ProcessWorld) -> None:
    """The account option offers the known accounts, in the listed servers only."""
    account = world.add_account()
    await (await world.discord.slash(account)).answer()
    listed, other = await asyncio.gather(
        world.discord.type_in(account), world.discord.type_in(account, guild_id=OTHER_GUILD_ID)
    )
    offer, nothing = await asyncio.gather(listed.acknowledgement(), other.acknowledgement())
    assert offer.json["type"] == nothing.json["type"] == CHOICES
    assert [choice["value"] for choice in offer.json["data"]["choices"]] == [account]
    assert nothing.json["data"]["choices"] == []


async def test_check_now(world: ProcessWorld) -> None:
    """*Check now* reads the account again and edits its message, in one request."""
    account = world.add_account()
    message = await (await world.discord.slash(account)).answer()
    calls_before = len(world.api.calls)
    exchange = await world.discord.press(message, CHECK + account)
    edited = await exchange.answer()
    await world.settle()
    (call,) = exchange.calls
    assert call.json["type"] == UPDATE
    assert edited["id"] == message["id"]
    assert world.api.calls[calls_before] == f"/v1/minimax/accounts/{account}"


async def test_check_now_after_a_restart() -> None:
    """*Check now* works under a message from before a restart, in a process that has sent no message yet."""
    async with open_process_world() as world:
        custom_id = CHECK + world.add_account()
        exchange = await world.discord.press(build_button_message(custom_id), custom_id)
        assert "**Expires" in _text(await exchange.answer())


async def test_rate_limit_of_a_user(world: ProcessWorld) -> None:
    """The twenty-first look-up of one user in a burst is refused; other users are still answered."""
    account = world.add_account()
    burst = await asyncio.gather(*(world.discord.slash(account, user_id="1100000000000000007") for _ in range(21)))
    shown = [_text(await exchange.answer()) for exchange in burst]
    assert ["Too many commands" in text for text in shown] == [False] * 20 + [True]
    assert "**Expires" in _text(await (await world.discord.slash(account)).answer())
