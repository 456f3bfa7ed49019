"""A fake of useapi.net's MiniMax API on this machine, for the demo and the tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from bot.useapi.client import ACCOUNTS_PATH

TOKEN = "user:0-standin"  # noqa: S105  (opens nothing)
# A thousand look-ups at once open a connection each.
_BACKLOG = 4096
Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FakeApi:
    """Answers as the API's documents say, or as `behave` does.

    `delay` is the seconds before each answer, `calls` the paths of all calls so far, `most_at_once` the largest number
    of calls at the same time. `now` is the clock of its `Date`, without it that of the machine.
    """

    def __init__(
        self, accounts: dict[str, Any], *, delay: float = 0.0, now: Callable[[], datetime] | None = None
    ) -> None:
        self.accounts = accounts
        self.delay = delay
        self.now = now
        self.behave: Behaviour | None = None
        self.calls: list[str] = []
        self.most_at_once = 0
        self._at_once = 0

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.calls.append(request.raw_path)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            await asyncio.sleep(self.delay)
            return await (self.behave or self._documented)(request)
        finally:
            self._at_once -= 1

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        if self.now is not None:
            response.headers["Date"] = format_datetime(self.now(), usegmt=True)

    async def _documented(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "Unauthorized", "code": 401}, status=401)
        account_id = request.match_info.get("account")
        if account_id is None:
            return web.json_response(self.accounts)
        if account_id not in self.accounts:
            return web.Response(status=404, text="Configuration not found.")
        return web.json_response(self.accounts[account_id])

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve on a free loopback port; yields the base URL."""
        app = web.Application()
        app.on_response_prepare.append(self._date)
        app.router.add_get(ACCOUNTS_PATH, self._answer)
        app.router.add_get(ACCOUNTS_PATH + "/{account:[^/]+}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=_BACKLOG)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
