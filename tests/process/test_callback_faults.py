"""Discord's trouble with answers to commands: an answer may be lost, the bot and its next answer are not."""

from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from http import HTTPStatus

import pytest
import pytest_asyncio
from aiohttp import web

from tests.support.process.stage import Stage, open_stage
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
async def running_stage() -> AsyncIterator[Stage]:
    """A bot that defers earlier than it has to."""
    async with open_stage(ANSWER_TEST_SECONDS="0.7") as stage:
        yield stage


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
async def test_answer_refused(stage: Stage, respond: Respond) -> None:
    """An answer that Discord refuses for good is logged and not repeated; the next command is answered."""
    account = stage.add_account()
    logged = len(stage.bot.lines.matching(_is_loss))
    stage.discord.rest.meet("POST", "/callback$", respond)
    exchange = await stage.discord.slash(account)
    await stage.bot.lines.find(_is_loss, nth=logged + 1)
    assert (await (await stage.discord.slash(account)).answer())["embeds"]
    assert not exchange.shown.items


@pytest.mark.parametrize("respond", _LATE.values(), ids=_LATE)
async def test_answer_put_off(stage: Stage, respond: Respond) -> None:
    """An answer that Discord puts off for a moment is given all the same, once."""
    stage.discord.rest.meet("POST", "/callback$", respond)
    exchange = await stage.discord.slash(stage.add_account())
    assert (await exchange.answer())["embeds"]
    await stage.settle()
    assert len(exchange.shown) == 1


def _is_loss(line: str) -> bool:
    return "may not have been shown" in line


async def test_completion_refused(stage: Stage) -> None:
    """A list that Discord does not take is lost, or comes a little later; the next key typed brings one."""
    account = stage.add_account()
    await (await stage.discord.slash(account)).answer()
    responds = [*_LOST.values(), _wrong, *_LATE.values()]
    exchanges = [await stage.discord.type_in(account) for _ in responds]
    for respond, exchange in zip(responds, exchanges, strict=True):
        stage.discord.rest.meet("POST", exchange.token, respond)
    for exchange in exchanges:
        await stage.discord.rest.request("POST", exchange.token)
    offer = await (await stage.discord.type_in(account)).acknowledgement()
    assert [choice["value"] for choice in offer.json["data"]["choices"]] == [account]
    assert not [exchange for exchange in exchanges[: len(_LOST) + 1] if exchange.calls.items]
    # What is tried again must not meet another test's fault; the last one, a reset, is not.
    for exchange in exchanges[len(_LOST) + 1 : -1]:
        await exchange.acknowledgement()


async def test_command_that_comes_twice(stage: Stage) -> None:
    """A command that Discord delivers twice is answered once, and the API is asked once."""
    account, calls_before = stage.add_account(), len(stage.api.calls)
    data = build_command_data({"account": account}, guild_id=GUILD_ID)
    payload = build_interaction(SLASH, data, guild_id=GUILD_ID, user_id=None)
    exchange = stage.discord.interactions.open(payload)
    for _ in range(2):
        await stage.discord.gateway.dispatch("INTERACTION_CREATE", payload)
    assert (await exchange.answer())["embeds"]
    await stage.bot.says(f"Interaction {payload['id']} came twice")
    await stage.settle()
    assert len(exchange.calls) == 1
    assert len([call for call in stage.api.calls[calls_before:] if account in call]) == 1


Incident = Callable[[Stage, Exchange], None]


def _meeting(method: str, respond: Respond) -> Incident:
    return lambda stage, exchange: stage.discord.rest.meet(method, exchange.token, respond)


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


async def _start(stage: Stage, incidents: Iterable[Incident], *, share: str = "no") -> list[Exchange]:
    """Let somebody look up an account for each trouble."""
    incidents = list(incidents)
    exchanges = await stage.discord.slash_all(stage.add_accounts(len(incidents)), share=share)
    for trouble, exchange in zip(incidents, exchanges, strict=True):
        trouble(stage, exchange)
    return exchanges


async def _defer_all(stage: Stage, incidents: Iterable[Incident]) -> list[Exchange]:
    """Let somebody look up an account for each trouble, twice, the second time shared; the API is slow for all."""
    held, incidents = stage.hold_api(), list(incidents)
    exchanges = [one for share in ("no", "yes") for one in await _start(stage, incidents, share=share)]
    for exchange in exchanges:
        await exchange.acknowledgement()
    held.release()
    return exchanges


async def test_late_answer(stage: Stage) -> None:
    """Whether Discord took a deferral or an edit and did not say so, or puts it off: the card appears, in one place."""
    exchanges = await _defer_all(stage, _SLOW.values())
    for exchange in exchanges:
        shown = await exchange.answer()
        assert shown["embeds"]
        assert {message["id"] for message in exchange.shown} == {shown["id"]}
    assert not [fault for fault in stage.discord.rest.faults if fault.times]


async def test_late_apology_whose_connection_broke(stage: Stage) -> None:
    """What went wrong is said as surely as what went well."""
    held = stage.hold_api()
    exchanges = [one for share in ("no", "yes") for one in await _start(stage, [_meeting("PATCH", reset)], share=share)]
    for exchange in exchanges:
        await exchange.acknowledgement()
    held.release(HTTPStatus.PAYMENT_REQUIRED)
    private, shared = exchanges
    for exchange, nth in ((private, 1), (shared, 2)):
        shown = await exchange.shown.nth(nth)
        assert shown["embeds"][0]["title"] == "The useapi.net subscription has lapsed"
        assert shown["flags"] & PRIVATE


async def test_quick_answer_whose_confirmation_got_lost(stage: Stage) -> None:
    """A card that Discord shows but does not confirm stays as it is, and nothing else is shown."""
    held, logged = stage.hold_api(), len(stage.bot.lines.matching(_is_loss))
    exchanges = await _start(stage, [_losing(500), _losing(None)])
    held.release()
    # That it was shown all the same is more than the bot can know.
    await stage.bot.lines.find(_is_loss, nth=logged + 2)
    for exchange in exchanges:
        assert (await exchange.answer())["embeds"]
        assert len(exchange.shown) == 1


async def test_late_answer_refused(stage: Stage) -> None:
    """An answer that comes too late is logged and not repeated; the next command is answered."""
    logged = len(stage.bot.lines.matching(_is_loss))
    refusals = [_meeting("PATCH", partial(_refuse, one)) for one in _TOO_LATE]
    exchanges = await _defer_all(stage, refusals)
    await stage.bot.lines.find(_is_loss, nth=logged + len(exchanges))
    await stage.settle()
    assert not [exchange for exchange in exchanges if exchange.shown.items]


def _wrong(_request: web.Request) -> web.Response:
    return refuse(400, 50035)


async def _assert_apology(stage: Stage, exchange: Exchange, *, nth: int = 1) -> None:
    """Fail unless the last that is shown are plain and private words, with a reference that the log has."""
    shown = await exchange.shown.nth(nth)
    assert shown["content"].startswith("**Something broke.**")
    assert not shown["embeds"]
    assert shown["flags"] & PRIVATE
    reference = shown["content"].rpartition("Reference ")[2].rstrip(")")
    await stage.bot.says(f"Discord does not take answer {reference}")
    await stage.settle()
    assert len(exchange.shown) == nth


async def test_late_answer_that_is_wrong(stage: Stage) -> None:
    """An edit that Discord does not take gives way to plain words for the asker alone; nothing stays "thinking"."""
    private, shared = await _defer_all(stage, [_meeting("PATCH", _wrong)])
    await _assert_apology(stage, private)
    await _assert_apology(stage, shared, nth=2)
    assert shared.original is None


@pytest.mark.parametrize("is_slow", [False, True])
async def test_renewed_card_that_is_wrong(stage: Stage, *, is_slow: bool) -> None:
    """A card that can't be renewed stays as it is, and whoever pressed its button is told in plain words."""
    custom_id = f"minimax:check:{stage.add_account()}"
    held, message = stage.hold_api(), build_button_message(custom_id)
    exchange = await stage.discord.press(message, custom_id)
    _meeting("PATCH" if is_slow else "POST", _wrong)(stage, exchange)
    if is_slow:
        await exchange.acknowledgement()
    held.release()
    await _assert_apology(stage, exchange)
    assert exchange.shown.items[0]["id"] != message["id"]


async def test_answer_that_is_wrong(stage: Stage) -> None:
    """A card that Discord does not take at once gives way to plain words at once."""
    (exchange,) = await _start(stage, [_meeting("POST", _wrong)])
    await _assert_apology(stage, exchange)
