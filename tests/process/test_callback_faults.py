"""Discord refuses, delays or loses answers to commands: an answer may be lost, the next one is not."""

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from functools import partial
from http import HTTPStatus

import pytest
import pytest_asyncio
from aiohttp import web

from bot.core.timing import DEFAULT_TIMING
from tests.support.process.world import ProcessWorld, open_process_world
from tests.support.wire.faults import limited, page
from tests.support.wire.interactions import Exchange
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import (
    GUILD_ID,
    PRIVATE,
    SLASH,
    build_button_message,
    build_command_data,
    build_interaction,
)
from tests.support.wire.rest import Respond, refuse, reset

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running_world() -> AsyncIterator[ProcessWorld]:
    """A bot that defers earlier than it has to, so that the tests wait less."""
    async with open_process_world(launch=Launch(timing=replace(DEFAULT_TIMING, answer_within=0.7))) as world:
        yield world


_LOST: dict[str, Respond] = {
    "unknown interaction": lambda _request: refuse(404, 10062),
    "already acknowledged": lambda _request: refuse(400, 40060),
    "missing access": lambda _request: refuse(403, 50001),
    "unknown channel": lambda _request: refuse(404, 10003),
    "unauthorized": lambda _request: refuse(401),
    "429 of Cloudflare": lambda _request: page(HTTPStatus.TOO_MANY_REQUESTS),
}
_LATE: dict[str, Respond] = {
    "429": lambda _request: limited(0.1),
    "429 of everything": lambda _request: limited(0.1, is_global=True),
    "500": lambda _request: refuse(500),
    "502 of Cloudflare": lambda _request: page(HTTPStatus.BAD_GATEWAY),
    "reset": reset,
}


@pytest.mark.parametrize("respond", _LOST.values(), ids=_LOST)
async def test_answer_refused(world: ProcessWorld, respond: Respond) -> None:
    """An answer that Discord refuses is logged and not repeated; the next command is answered."""
    account = world.add_account()
    logged = len(world.bot.lines.matching(_is_lost))
    world.discord.rest.meet("POST", "/callback$", respond)
    exchange = await world.discord.slash(account)
    await world.bot.lines.find(_is_lost, nth=logged + 1)
    assert (await (await world.discord.slash(account)).answer())["embeds"]
    assert not exchange.shown.items


@pytest.mark.parametrize("respond", _LATE.values(), ids=_LATE)
async def test_answer_delayed(world: ProcessWorld, respond: Respond) -> None:
    """An answer that Discord delays for a moment is shown once."""
    world.discord.rest.meet("POST", "/callback$", respond)
    exchange = await world.discord.slash(world.add_account())
    assert (await exchange.answer())["embeds"]
    await world.settle()
    assert len(exchange.shown) == 1


def _is_lost(line: str) -> bool:
    return "may not have been shown" in line


async def test_completion_refused(world: ProcessWorld) -> None:
    """A list of choices that Discord refuses is lost, a delayed one comes later, and the next key brings a list."""
    account = world.add_account()
    await (await world.discord.slash(account)).answer()
    responds = [*_LOST.values(), _invalid, *_LATE.values()]
    exchanges = [await world.discord.type_in(account) for _ in responds]
    for respond, exchange in zip(responds, exchanges, strict=True):
        world.discord.rest.meet("POST", exchange.token, respond)
    for exchange in exchanges:
        await world.discord.rest.request("POST", exchange.token)
    offer = await (await world.discord.type_in(account)).acknowledgement()
    assert [choice["value"] for choice in offer.json["data"]["choices"]] == [account]
    assert not [exchange for exchange in exchanges[: len(_LOST) + 1] if exchange.calls.items]
    # The delayed lists must not meet the faults of another test; the last one, after a reset, is not repeated.
    for exchange in exchanges[len(_LOST) + 1 : -1]:
        await exchange.acknowledgement()


async def test_command_delivered_twice(world: ProcessWorld) -> None:
    """A command that Discord delivers twice is answered once, with one call to the API."""
    account, calls_before = world.add_account(), len(world.api.calls)
    data = build_command_data({"account": account}, guild_id=GUILD_ID)
    payload = build_interaction(SLASH, data, guild_id=GUILD_ID, user_id=None)
    exchange = world.discord.interactions.open(payload)
    for _ in range(2):
        await world.discord.gateway.dispatch("INTERACTION_CREATE", payload)
    assert (await exchange.answer())["embeds"]
    await world.bot.says(f"Interaction {payload['id']} came twice")
    await world.settle()
    assert len(exchange.calls) == 1
    assert len([call for call in world.api.calls[calls_before:] if account in call]) == 1


Fault = Callable[[ProcessWorld, Exchange], None]


def _meeting(method: str, respond: Respond) -> Fault:
    return lambda world, exchange: world.discord.rest.meet(method, exchange.token, respond)


def _refuse(error: tuple[int, int], _request: web.Request) -> web.Response:
    return refuse(*error)


def _losing(*lost: int | None) -> Fault:
    return lambda _stage, exchange: exchange.lost_answers.extend(lost)


_SLOW: dict[str, Fault] = {
    "deferral taken, then 500": _losing(500),
    "deferral taken, then reset": _losing(None),
    "deferral reset": _meeting("POST", reset),
    "deferral delayed": _meeting("POST", lambda _request: limited(0.1)),
    "edit delayed": _meeting("PATCH", lambda _request: limited(0.1)),
    "500": _meeting("PATCH", lambda _request: refuse(500)),
    "502 of Cloudflare": _meeting("PATCH", lambda _request: page(HTTPStatus.BAD_GATEWAY)),
    "edit reset": _meeting("PATCH", reset),
    "both taken, then reset": _losing(None, None),
}
_TOO_LATE = [(404, 10015), (403, 50001), (404, 10008), (401, 50027)]


async def _start(world: ProcessWorld, faults: Iterable[Fault], *, share: str = "no") -> list[Exchange]:
    """Look up one account for each fault."""
    faults = list(faults)
    exchanges = await world.discord.slash_all(world.add_accounts(len(faults)), share=share)
    for fault, exchange in zip(faults, exchanges, strict=True):
        fault(world, exchange)
    return exchanges


async def _defer_all(world: ProcessWorld, faults: Iterable[Fault]) -> list[Exchange]:
    """Look up one account for each fault, privately and shared, while the API is slow."""
    held, faults = world.hold_api(), list(faults)
    exchanges = [one for share in ("no", "yes") for one in await _start(world, faults, share=share)]
    for exchange in exchanges:
        await exchange.acknowledgement()
    held.release()
    return exchanges


async def test_late_answer(world: ProcessWorld) -> None:
    """If Discord delays a deferral or an edit, or its confirmation is lost, the account is shown in one message."""
    exchanges = await _defer_all(world, _SLOW.values())
    for exchange in exchanges:
        shown = await exchange.answer()
        assert shown["embeds"]
        assert {message["id"] for message in exchange.shown} == {shown["id"]}
    assert not [fault for fault in world.discord.rest.faults if fault.times]


async def test_late_error_whose_connection_broke(world: ProcessWorld) -> None:
    """A late error is shown although the connection broke."""
    held = world.hold_api()
    exchanges = [one for share in ("no", "yes") for one in await _start(world, [_meeting("PATCH", reset)], share=share)]
    for exchange in exchanges:
        await exchange.acknowledgement()
    held.release(HTTPStatus.PAYMENT_REQUIRED)
    private, shared = exchanges
    for exchange, nth in ((private, 1), (shared, 2)):
        shown = await exchange.shown.nth(nth)
        assert shown["embeds"][0]["title"] == "The useapi.net subscription has ended"
        assert shown["flags"] & PRIVATE


async def test_quick_answer_whose_confirmation_was_lost(world: ProcessWorld) -> None:
    """An answer that Discord shows but does not confirm stays, and no other message is shown."""
    held, logged = world.hold_api(), len(world.bot.lines.matching(_is_lost))
    exchanges = await _start(world, [_losing(500), _losing(None)])
    held.release()
    # The bot can't know that it was shown.
    await world.bot.lines.find(_is_lost, nth=logged + 2)
    for exchange in exchanges:
        assert (await exchange.answer())["embeds"]
        assert len(exchange.shown) == 1


async def test_late_answer_refused(world: ProcessWorld) -> None:
    """An answer that Discord refuses as too late is logged and not repeated; the next command is answered."""
    logged = len(world.bot.lines.matching(_is_lost))
    refusals = [_meeting("PATCH", partial(_refuse, one)) for one in _TOO_LATE]
    exchanges = await _defer_all(world, refusals)
    await world.bot.lines.find(_is_lost, nth=logged + len(exchanges))
    await world.settle()
    assert not [exchange for exchange in exchanges if exchange.shown.items]


def _invalid(_request: web.Request) -> web.Response:
    return refuse(400, 50035)


async def _assert_plain_text(world: ProcessWorld, exchange: Exchange, *, nth: int = 1) -> None:
    """Fail unless the last that is shown are plain and private words, with a reference that the log has."""
    shown = await exchange.shown.nth(nth)
    assert shown["content"].startswith("**Something went wrong in the bot.**")
    assert not shown["embeds"]
    assert shown["flags"] & PRIVATE
    reference = shown["content"].rpartition("`")[0].rpartition("`")[2]
    await world.bot.says(f"Discord refuses answer {reference}")
    await world.settle()
    assert len(exchange.shown) == nth


async def test_late_answer_refused_as_invalid(world: ProcessWorld) -> None:
    """An edit that Discord refuses as invalid is replaced by a private plain text; no message stays "thinking"."""
    private, shared = await _defer_all(world, [_meeting("PATCH", _invalid)])
    await _assert_plain_text(world, private)
    await _assert_plain_text(world, shared, nth=2)
    assert shared.original is None


@pytest.mark.parametrize("is_slow", [False, True])
async def test_check_now_refused_as_invalid(world: ProcessWorld, *, is_slow: bool) -> None:
    """A message that Discord refuses to edit stays, and the user who pressed its button gets a private plain text."""
    custom_id = f"minimax:check:{world.add_account()}"
    held, message = world.hold_api(), build_button_message(custom_id)
    exchange = await world.discord.press(message, custom_id)
    _meeting("PATCH" if is_slow else "POST", _invalid)(world, exchange)
    if is_slow:
        await exchange.acknowledgement()
    held.release()
    await _assert_plain_text(world, exchange)
    assert exchange.shown.items[0]["id"] != message["id"]


async def test_answer_refused_as_invalid(world: ProcessWorld) -> None:
    """An answer that Discord refuses as invalid is replaced by a plain text at once."""
    (exchange,) = await _start(world, [_meeting("POST", _invalid)])
    await _assert_plain_text(world, exchange)
