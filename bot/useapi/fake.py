"""A fake of useapi.net's MiniMax API on this machine, for the demo and the tests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from bot.useapi.client import ACCOUNTS_PATH, CREDITS_PATH, JOBS_PATH

TOKEN = "user:0-standin"  # noqa: S105  (opens nothing)
# The user of useapi.net in the ids of jobs.
USER_NUMBER = 7340471958
# A thousand look-ups at once open a connection each.
_BACKLOG = 4096
Behaviour = Callable[[web.Request], Awaitable[web.StreamResponse]]


def build_job(account_id: str, at: datetime, code: int = 201) -> dict[str, Any]:
    """Return the row of a job that ended with this status."""
    return {
        "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "jobid": f"{at:%Y%m%d%H%M%S}000-user:{USER_NUMBER}-bot:minimax",
        "config": account_id,
        "endpoint": "post-videos-create",
        "status": "Created",
        "func": "v1-minimax-videos-create",
        "code": code,
        "msec": 4523,
    }


class FakeApi:
    """Answers as the API's documents say, or as `behave` does.

    `jobs` are the rows of the answer about usage, newest first, and `credits` the answers about features by account.
    `delay` is the seconds before each answer, `calls` the paths of all calls so far, `most_at_once` the largest number
    of calls at the same time. `now` is the clock of its `Date`, without it that of the machine.
    """

    def __init__(
        self, accounts: dict[str, Any], *, delay: float = 0.0, now: Callable[[], datetime] | None = None
    ) -> None:
        self.accounts = accounts
        self.jobs: list[dict[str, Any]] = []
        self.credits: dict[str, dict[str, Any]] = {}
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
            return await (self.behave or self.answer_as_documented)(request)
        finally:
            self._at_once -= 1

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        if self.now is not None:
            response.headers["Date"] = format_datetime(self.now(), usegmt=True)

    async def answer_as_documented(self, request: web.Request) -> web.StreamResponse:
        """Answer one request as the API's documents say."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"error": "Unauthorized", "code": 401}, status=401)
        if request.path == JOBS_PATH:
            return web.json_response(self._count_usage(int(request.query.get("limit", "50000"))))
        if request.path == CREDITS_PATH:
            return self._answer_credits(request.query.get("account"))
        account_id = request.match_info.get("account")
        if account_id is None:
            return web.json_response(self.accounts)
        if account_id not in self.accounts:
            return web.Response(status=404, text="Configuration not found.")
        return web.json_response(self.accounts[account_id])

    def _count_usage(self, limit: int) -> dict[str, Any]:
        rows = self.jobs[:limit]
        answer: dict[str, Any] = {"bot": "minimax", "date": "", "total": len(rows), "data": rows}
        if rows:
            codes = Counter(str(row.get("code")) for row in rows)
            answer["summary"] = {"from": rows[-1]["timestamp"], "to": rows[0]["timestamp"], "by_code": codes}
        return answer

    def _answer_credits(self, account_id: str | None) -> web.Response:
        if account_id not in self.credits:
            error = "Unable to find configuration" if account_id else "Parameter account is required"
            status = 404 if account_id else 400
            return web.json_response({"error": error, "code": status}, status=status)
        return web.json_response(self.credits[account_id])

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Serve on a free loopback port; yields the base URL."""
        app = web.Application()
        app.on_response_prepare.append(self._date)
        app.router.add_get(ACCOUNTS_PATH, self._answer)
        app.router.add_get(ACCOUNTS_PATH + "/{account:[^/]+}", self._answer)
        app.router.add_get(JOBS_PATH, self._answer)
        app.router.add_get(CREDITS_PATH, self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, backlog=_BACKLOG)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()
