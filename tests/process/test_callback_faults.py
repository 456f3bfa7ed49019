"""Discord's trouble with answers to commands: an answer may be lost, the bot and its next answer are not."""

from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from http import HTTPStatus

import pytest
import pytest_asyncio
from aiohttp import web

from tests.support.process.world import ProcessWorld, open_process_world
from tests.support.wire.faults import limited, page
from tests.support.wire.interactions import Exchange
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
    """A bot that defers earlier than it has to."""
    async with open_process_world(ANSWER_TEST_SECONDS="0.7") as world:
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
    """An answer that Discord refuses for good is logged and not repeated; the next command is answered."""
    account = world.add_account()
    logged = len(world.bot.lines.matching(_is_loss))
    world.discord.rest.meet("POST", "/callback$", respond)
    exchange = await world.discord.slash(account)
    await world.bot.lines.find(_is_loss, nth=logged + 1)
    assert (await (await world.discord.slash(account)).answer())["embeds"]
    assert not exchange.shown.items


@pytest.mark.parametrize("respond", _LATE.values(), ids=_LATE)
async def test_answer_put_off(world: ProcessWorld, respond: Respond) -> None:
    """An answer that Discord puts off for a moment is given all the same, once."""
    world.discord.rest.meet("POST", "/callback$", respond)
    exchange = await world.discord.slash(world.add_account())
    assert (await exchange.answer())["embeds"]
    await world.settle()
    assert len(exchange.shown) == 1


def _is_loss(line: str) -> bool:
    return "may not have been shown" in line


async def test_completion_refused(world: ProcessWorld) -> None:
    """A list that Discord does not take is lost, or comes a little later; the next key typed brings one."""
    account = world.add_account()
    await (await world.discord.slash(account)).answer()
    responds = [*_LOST.values(), _wrong, *_LATE.values()]
    exchanges = [await world.discord.type_in(account) for _ in responds]
    for respond, exchange in zip(responds, exchanges, strict=True):
        world.discord.rest.meet("POST", exchange.token, respond)
    for exchange in exchanges:
        await world.discord.rest.request("POST", exchange.token)
    offer = await (await world.discord.type_in(account)).acknowledgement()
    assert [choice["value"] for choice in offer.json["data"]["choices"]] == [account]
    assert not [exchange for exchange in exchanges[: len(_LOST) + 1] if exchange.calls.items]
    # What is tried again must not meet another test's fault; the last one, a reset, is not.
    for exchange in exchanges[len(_LOST) + 1 : -1]:
        await exchange.acknowledgement()


async def test_command_that_comes_twice(world: ProcessWorld) -> None:
    """A command that Discord delivers twice is answered once, and the API is asked once."""
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


Incident = Callable[[ProcessWorld, Exchange], None]


def _meeting(method: str, respond: Respond) -> Incident:
    return lambda world, exchange: world.discord.rest.meet(method, exchange.token, respond)


def _refuse(error: tuple[int, int], _request: web.Request) -> web.Response:
    return refuse(*error)


def _losing(*lost: int | None) -> Incident:
    return lambda _stage, exchange: exchange.lost_answers.extend(lost)


_SLOW: dict[str, Incident] = {
    "deferral taken, then 500": _losing(500),
    "deferral taken, then reset": _losing(None),
    "deferral reset": _meeting("POST", reset),
    "deferral put off": _meeting("POST", lambda _request: limited(0.1)),
    "edit put off": _meeting("PATCH", lambda _request: limited(0.1)),
    "500": _meeting("PATCH", lambda _request: refuse(500)),
    "502 of Cloudflare": _meeting("PATCH", lambda _request: page(HTTPStatus.BAD_GATEWAY)),
    "edit reset": _meeting("PATCH", reset),
    "both taken, then reset": _losing(None, None),
}
_TOO_LATE = [(404, 10015), (403, 50001), (404, 10008), (401, 50027)]


async def _start(world: ProcessWorld, incidents: Iterable[Incident], *, share: str = "no") -> list[Exchange]:
    """Let somebody look up an account for each trouble."""
    incidents = list(incidents)
    exchanges = await world.discord.slash_all(world.add_accounts(len(incidents)), share=share)
    for trouble, exchange in zip(incidents, exchanges, strict=True):
        trouble(world, exchange)
    return exchanges


async def _defer_all(world: ProcessWorld, incidents: Iterable[Incident]) -> list[Exchange]:
    """Let somebody look up an account for each trouble, twice, the second time shared; the API is slow for all."""
    held, incidents = world.hold_api(), list(incidents)
    exchanges = [one for share in ("no", "yes") for one in await _start(world, incidents, share=share)]
    for exchange in exchanges:
        await exchange.acknowledgement()
    held.release()
    return exchanges


async def test_late_answer(world: ProcessWorld) -> None:
    """Whether Discord took a deferral or an edit and did not say so, or puts it off: the card appears, in one place."""
    exchanges = await _defer_all(world, _SLOW.values())
    for exchange in exchanges:
        shown = await exchange.answer()
        assert shown["embeds"]
        assert {message["id"] for message in exchange.shown} == {shown["id"]}
    assert not [fault for fault in world.discord.rest.faults if fault.times]


async def test_late_apology_whose_connection_broke(world: ProcessWorld) -> None:
    """What went wrong is said as surely as what went well."""
    held = world.hold_api()
    exchanges = [one for share in ("no", "yes") for one in await _start(world, [_meeting("PATCH", reset)], share=share)]
    for exchange in exchanges:
        await exchange.acknowledgement()
    held.release(HTTPStatus.PAYMENT_REQUIRED)
    private, shared = exchanges
    for exchange, nth in ((private, 1), (shared, 2)):
        shown = await exchange.shown.nth(nth)
        assert shown["embeds"][0]["title"] == "The useapi.net subscription has lapsed"
        assert shown["flags"] & PRIVATE


async def test_quick_answer_whose_confirmation_got_lost(world: ProcessWorld) -> None:
    """A card that Discord shows but does not confirm stays as it is, and nothing else is shown."""
    held, logged = world.hold_api(), len(world.bot.lines.matching(_is_loss))
    exchanges = await _start(world, [_losing(500), _losing(None)])
    held.release()
    # That it was shown all the same is more than the bot can know.
    await world.bot.lines.find(_is_loss, nth=logged + 2)
    for exchange in exchanges:
        assert (await exchange.answer())["embeds"]
        assert len(exchange.shown) == 1


async def test_late_answer_refused(world: ProcessWorld) -> None:
    """An answer that comes too late is logged and not repeated; the next command is answered."""
    logged = len(world.bot.lines.matching(_is_loss))
    refusals = [_meeting("PATCH", partial(_refuse, one)) for one in _TOO_LATE]
    exchanges = await _defer_all(world, refusals)
    await world.bot.lines.find(_is_loss, nth=logged + len(exchanges))
    await world.settle()
    assert not [exchange for exchange in exchanges if exchange.shown.items]


def _wrong(_request: web.Request) -> web.Response:
    return refuse(400, 50035)


async def _assert_apology(world: ProcessWorld, exchange: Exchange, *, nth: int = 1) -> None:
    """Fail unless the last that is shown are plain and private words, with a reference that the log has."""
    shown = await exchange.shown.nth(nth)
    assert shown["content"].startswith("**Something broke.**")
    assert not shown["embeds"]
    assert shown["flags"] & PRIVATE
    reference = shown["content"].rpartition("Reference ")[2].rstrip(")")
    await world.bot.says(f"Discord does not take answer {reference}")
    await world.settle()
    assert len(exchange.shown) == nth


async def test_late_answer_that_is_wrong(world: ProcessWorld) -> None:
    """An edit that Discord does not take gives way to plain words for the asker alone; nothing stays "thinking"."""
    private, shared = await _defer_all(world, [_meeting("PATCH", _wrong)])
    await _assert_apology(world, private)
    await _assert_apology(world, shared, nth=2)
    assert shared.original is None


@pytest.mark.parametrize("is_slow", [False, True])
async def test_renewed_card_that_is_wrong(world: ProcessWorld, *, is_slow: bool) -> None:
    """A card that can't be renewed stays as it is, and whoever pressed its button is told in plain words."""
    custom_id = f"minimax:check:{world.add_account()}"
    held, message = world.hold_api(), build_button_message(custom_id)
    exchange = await world.discord.press(message, custom_id)
    _meeting("PATCH" if is_slow else "POST", _wrong)(world, exchange)
    if is_slow:
        await exchange.acknowledgement()
    held.release()
    await _assert_apology(world, exchange)
    assert exchange.shown.items[0]["id"] != message["id"]


async def test_answer_that_is_wrong(world: ProcessWorld) -> None:
    """A card that Discord does not take at once gives way to plain words at once."""
    (exchange,) = await _start(world, [_meeting("POST", _wrong)])
    await _assert_apology(world, exchange)
