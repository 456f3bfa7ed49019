"""Discord's REST API: login, servers and registered commands, and the faults of a test."""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from aiohttp import web

from tests.support.openapi import check_body
from tests.support.wire.journal import PATIENCE, Journal
from tests.support.wire.payloads import (
    ALL_PERMISSIONS,
    APPLICATION_ID,
    Json,
    as_registered,
    build_application,
    build_bot_member,
    build_guild,
    build_user,
)

BASE = "/api/v10"
TOKEN = "MTEwMDAwMDAwMDAwMDAwMDAwMQ.standin.discord-token-that-opens-nothing"
MISSING_ACCESS = 50001
UNKNOWN_GUILD = 10004
_MOST_GUILDS = 200

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Respond = Callable[[web.Request], web.Response]


@dataclass(frozen=True, slots=True)
class Call:
    """One REST request; `at` is the loop's time on arrival."""

    method: str
    path: str
    json: Any
    headers: Mapping[str, str]
    at: float


CALL = web.RequestKey("call", Call)


@dataclass(slots=True)
class Fault:
    """An error in place of the answer to some calls; `times` is how often, None without end."""

    method: str
    path: re.Pattern[str]
    respond: Respond
    times: int | None = None

    def take(self, call: Call) -> bool:
        """Whether this call fails; counts it."""
        if self.times == 0 or call.method != self.method or not self.path.search(call.path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


def answer(data: Any, status: int = HTTPStatus.OK) -> web.Response:
    """Return JSON with exactly the content type that discord.py checks; a charset would make it text."""
    return web.Response(body=json.dumps(data).encode(), status=status, headers={"Content-Type": "application/json"})


def refuse(status: int, code: int = 0, message: str = "") -> web.Response:
    """Return an error as Discord words it."""
    return answer({"message": message or HTTPStatus(status).phrase, "code": code}, status)


def reset(request: web.Request) -> web.Response:
    """Cut the connection in place of an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


class Rest:
    """Records each request, then answers it with a fault or through its route.

    `round_trip` is the network's delay in seconds, `unknown` the requests without a route, `connections` the addresses
    that the requests came from. Requests whose path matches `hanging` are never answered. A moderator has timed the bot
    out until `timed_out_until`. `start_limit` returns how many identifies are allowed.
    """

    def __init__(self, *, token: str = TOKEN) -> None:
        self.token = token
        self.calls: Journal[Call] = Journal()
        self.unknown: Journal[Call] = Journal()
        self.connections: set[Any] = set()
        self.faults: list[Fault] = []
        self.round_trip = 0.0
        self.hanging: re.Pattern[str] | None = None
        self.guild_ids: set[int] = set()
        self.commands: dict[int, list[Json]] = {}
        self.bot_permissions = ALL_PERMISSIONS
        self.timed_out_until: str | None = None
        self.application: Json = build_application()
        self.start_limit: Callable[[], Json] = lambda: {"total": 1000, "remaining": 1000, "reset_after": 0}

    def fail(self, method: str, path: str, status: int, *, code: int = 0, times: int | None = None) -> None:
        """Answer calls whose path matches the pattern with an error."""
        self.meet(method, path, lambda _request: refuse(status, code), times=times)

    def meet(self, method: str, path: str, respond: Respond, *, times: int | None = 1) -> None:
        """Answer calls whose path matches the pattern like this."""
        self.faults.append(Fault(method, re.compile(path), respond, times))

    def requests(self, method: str, path: str) -> list[Call]:
        """Return the calls so far whose path matches the pattern."""
        return self.calls.matching(_matcher(method, path))

    async def request(self, method: str, path: str, *, nth: int = 1, within: float = PATIENCE) -> Call:
        """Wait for the n-th call whose path matches the pattern."""
        return await self.calls.find(_matcher(method, path), nth=nth, within=within)

    async def travel(self) -> None:
        """Wait as long as the network takes one way."""
        if self.round_trip:
            await asyncio.sleep(self.round_trip / 2)

    def build_app(self) -> web.Application:
        """Return the application with the routes of this module."""
        app = web.Application(middlewares=[self._record])
        app.router.add_get(f"{BASE}/users/@me", self._authorized(self._get_me))
        app.router.add_get(f"{BASE}/oauth2/applications/@me", self._authorized(self._get_application))
        app.router.add_get(f"{BASE}/gateway/bot", self._authorized(self._get_gateway))
        app.router.add_get(f"{BASE}/users/@me/guilds", self._authorized(self._get_guilds))
        app.router.add_get(f"{BASE}/guilds/{{guild}}", self._authorized(self._get_guild))
        app.router.add_get(f"{BASE}/guilds/{{guild}}/members/{APPLICATION_ID}", self._authorized(self._get_member))
        commands = f"{BASE}/applications/{APPLICATION_ID}/guilds/{{guild}}/commands"
        app.router.add_get(commands, self._authorized(self._get_commands))
        app.router.add_put(commands, self._authorized(self._put_commands))
        return app

    @web.middleware
    async def _record(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(BASE):
            return await handler(request)
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        body = await request.read()
        await self.travel()
        now = asyncio.get_running_loop().time()
        path = request.path.removeprefix(BASE)
        call = Call(request.method, path, json.loads(body) if body else None, dict(request.headers), now)
        self.calls.add(call)
        check_body(call.method, path, call.json)
        request[CALL] = call
        if self.hanging is not None and self.hanging.search(path):
            await asyncio.Event().wait()
        response = self._fail(request) or await self._answer(request, handler)
        await self.travel()
        return response

    def _fail(self, request: web.Request) -> web.Response | None:
        fault = next((fault for fault in self.faults if fault.take(request[CALL])), None)
        return fault.respond(request) if fault else None

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is not None:
            self.unknown.add(request[CALL])
            return refuse(request.match_info.http_exception.status)
        return await handler(request)

    def _authorized(self, handler: Handler) -> Handler:
        async def check(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != f"Bot {self.token}":
                return refuse(HTTPStatus.UNAUTHORIZED)
            return await handler(request)

        return check

    async def _get_me(self, _request: web.Request) -> web.Response:
        return answer(build_user(APPLICATION_ID, "bot", bot=True))

    async def _get_application(self, _request: web.Request) -> web.Response:
        return answer(self.application)

    async def _get_guilds(self, request: web.Request) -> web.Response:
        after, limit = int(request.query.get("after", 0)), int(request.query.get("limit", _MOST_GUILDS))
        listed = sorted(guild_id for guild_id in self.guild_ids if guild_id > after)[:limit]
        return answer([_partial_guild(guild_id) for guild_id in listed])

    async def _get_gateway(self, request: web.Request) -> web.Response:
        limit = {**self.start_limit(), "max_concurrency": 1}
        return answer({"url": f"ws://{request.host}/gateway/", "shards": 1, "session_start_limit": limit})

    async def _get_guild(self, request: web.Request) -> web.Response:
        guild_id = int(request.match_info["guild"])
        if guild_id not in self.guild_ids:
            return refuse(HTTPStatus.NOT_FOUND, UNKNOWN_GUILD, "Unknown Guild")
        return answer(build_guild(guild_id, self.bot_permissions))

    async def _get_member(self, request: web.Request) -> web.Response:
        member = build_bot_member(int(request.match_info["guild"]))
        return answer(member | {"communication_disabled_until": self.timed_out_until})

    async def _get_commands(self, request: web.Request) -> web.Response:
        guild_id = int(request.match_info["guild"])
        if guild_id not in self.guild_ids:
            return refuse(HTTPStatus.FORBIDDEN, MISSING_ACCESS, "Missing Access")
        return answer(self.commands.get(guild_id, []))

    async def _put_commands(self, request: web.Request) -> web.Response:
        guild_id = int(request.match_info["guild"])
        if guild_id not in self.guild_ids:
            return refuse(HTTPStatus.FORBIDDEN, MISSING_ACCESS, "Missing Access")
        self.commands[guild_id] = as_registered(await request.json(), str(guild_id))
        return answer(self.commands[guild_id])


def _matcher(method: str, path: str) -> Callable[[Call], bool]:
    pattern = re.compile(path)
    return lambda call: call.method == method and pattern.search(call.path) is not None


def _partial_guild(guild_id: int) -> Json:
    return {
        "id": str(guild_id),
        "name": "Listed",
        "icon": None,
        "banner": None,
        "owner": False,
        "permissions": "0",
        "features": [],
        "approximate_member_count": 3,
        "approximate_presence_count": 1,
    }
