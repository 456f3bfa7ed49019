"""Interactions as Discord handles them: valid answers, their deadline, and the messages that users see."""

import asyncio
from http import HTTPStatus

from aiohttp import web

from tests.support.wire.journal import PATIENCE, Journal
from tests.support.wire.payloads import APPLICATION_ID, LOADING, PRIVATE, Json, build_message, visible
from tests.support.wire.rest import BASE, CALL, Call, answer, refuse, reset

DEADLINE = 3.0
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, FORM = 4, 5, 6, 7, 8, 9
_UNKNOWN_INTERACTION, _UNKNOWN_WEBHOOK, _ACKNOWLEDGED = 10062, 10015, 40060


class Exchange:
    """One interaction: the bot's requests about it (`calls`), and the messages that users saw (`shown`).

    `original` is its message as it is now. `lost_answers` are the errors (None for a cut connection) that replace
    Discord's answers to the next replies and edits.
    """

    def __init__(self, payload: Json, sent_at: float) -> None:
        self.id: str = payload["id"]
        self.token: str = payload["token"]
        self.sent_at = sent_at
        self.calls: Journal[Call] = Journal()
        self.shown: Journal[Json] = Journal()
        self.acknowledged_at: float | None = None
        self.shown_at: float | None = None
        self.original: Json | None = payload.get("message")
        self.lost_answers: list[int | None] = []

    async def acknowledgement(self, *, within: float = PATIENCE) -> Call:
        """Wait for the bot's first request about it."""
        return await self.calls.nth(1, within=within)

    async def answer(self, *, within: float = PATIENCE) -> Json:
        """Wait for the first message that users see, and return it."""
        return await self.shown.nth(1, within=within)

    def seconds_to_acknowledge(self) -> float:
        """Return the seconds from Discord's event to the arrival of an accepted reply; infinite without one."""
        return float("inf") if self.acknowledged_at is None else self.acknowledged_at - self.sent_at

    def seconds_to_answer(self) -> float:
        """Return the seconds from Discord's event to the first visible message; infinite without one."""
        return float("inf") if self.shown_at is None else self.shown_at - self.sent_at

    def show(self, message: Json) -> Json:
        """Show a message to users."""
        self.shown_at = self.shown_at or asyncio.get_running_loop().time()
        self.shown.add(message)
        return message


class Interactions:
    """The routes through which the bot answers interactions; `deadline` is the seconds for a first reply."""

    def __init__(self) -> None:
        self.deadline = DEADLINE
        self._exchanges: dict[str, Exchange] = {}

    def open(self, payload: Json) -> Exchange:
        """Start an interaction; its deadline counts from now."""
        exchange = Exchange(payload, asyncio.get_running_loop().time())
        self._exchanges[exchange.token] = exchange
        return exchange

    def forget(self) -> None:
        """Forget all interactions so far; they can't be answered any more."""
        self._exchanges.clear()

    def add_routes(self, app: web.Application) -> None:
        """Add this module's routes."""
        app.router.add_post(f"{BASE}/interactions/{{id}}/{{token}}/callback", self._reply)
        webhook = f"{BASE}/webhooks/{APPLICATION_ID}/{{token}}"
        app.router.add_patch(f"{webhook}/messages/@original", self._edit)
        app.router.add_delete(f"{webhook}/messages/@original", self._delete)
        app.router.add_post(webhook, self._follow_up)

    def _exchange(self, request: web.Request) -> Exchange | None:
        """Return the interaction of a request, and record the request there."""
        exchange = self._exchanges.get(request.match_info["token"])
        if exchange is not None:
            exchange.calls.add(request[CALL])
        return exchange

    async def _reply(self, request: web.Request) -> web.Response:
        exchange, now = self._exchange(request), asyncio.get_running_loop().time()
        if exchange is None or exchange.id != request.match_info["id"] or now - exchange.sent_at > self.deadline:
            return refuse(HTTPStatus.NOT_FOUND, _UNKNOWN_INTERACTION, "Unknown interaction")
        if exchange.acknowledged_at is not None:
            return refuse(HTTPStatus.BAD_REQUEST, _ACKNOWLEDGED, "Interaction has already been acknowledged.")
        exchange.acknowledged_at = now
        body = await request.json()
        return _answer(request, exchange, _reply_to(exchange, body["type"], body.get("data") or {}))

    async def _edit(self, request: web.Request) -> web.Response:
        exchange = self._exchange(request)
        if exchange is None or exchange.original is None:
            return refuse(HTTPStatus.NOT_FOUND, _UNKNOWN_WEBHOOK, "Unknown Webhook")
        return _answer(request, exchange, _edit_original(exchange, await request.json()))

    async def _follow_up(self, request: web.Request) -> web.Response:
        exchange = self._exchange(request)
        if exchange is None or exchange.acknowledged_at is None:
            return refuse(HTTPStatus.NOT_FOUND, _UNKNOWN_WEBHOOK, "Unknown Webhook")
        body = await request.json()
        if exchange.original is not None and exchange.original["flags"] & LOADING:
            return answer(_edit_original(exchange, body))
        return answer(exchange.show(build_message(body, flags=body.get("flags", 0) & PRIVATE)))

    async def _delete(self, request: web.Request) -> web.Response:
        exchange = self._exchange(request)
        if exchange is None or exchange.original is None:
            return refuse(HTTPStatus.NOT_FOUND, _UNKNOWN_WEBHOOK, "Unknown Webhook")
        exchange.original = None
        return web.Response(status=HTTPStatus.NO_CONTENT)


def _answer(request: web.Request, exchange: Exchange, data: Json) -> web.Response:
    """Return the answer to a request that was accepted, unless the answer gets lost."""
    if not exchange.lost_answers:
        return answer(data)
    status = exchange.lost_answers.pop(0)
    return reset(request) if status is None else refuse(status)


def _edit_original(exchange: Exchange, body: Json) -> Json:
    """Edit the message; a deferred answer becomes visible, as private or public as it was deferred."""
    assert exchange.original is not None
    kept_flags = exchange.original["flags"] & ~LOADING
    exchange.original = exchange.original | visible(body) | {"flags": kept_flags}
    return exchange.show(exchange.original)


def _reply_to(exchange: Exchange, kind: int, data: Json) -> Json:
    """Carry out a first reply of this kind, and return Discord's answer."""
    flags = data.get("flags", 0) & PRIVATE
    if kind == MESSAGE:
        exchange.original = exchange.show(build_message(data, flags=flags))
    elif kind == DEFERRED:
        exchange.original = build_message({}, flags=flags | LOADING)
    elif kind == UPDATE:
        _edit_original(exchange, data)
    if kind in (CHOICES, FORM) or exchange.original is None:
        return {"interaction": {"id": exchange.id, "type": kind}}
    message = exchange.original
    about = {
        "id": exchange.id,
        "type": kind,
        "response_message_id": message["id"],
        "response_message_loading": kind == DEFERRED,
        "response_message_ephemeral": bool(message["flags"] & PRIVATE),
    }
    return {"interaction": about, "resource": {"type": kind, "message": message}}
