"""The operator's view of a bot: its health and metrics over HTTP, and a monitor that it pings."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from tests.support.wire.journal import Journal

PING_PATH = "/ping/0badcafe-0badcafe"
PING_QUERY = "status=up&secret=0123456789"


class View:
    """The health and metrics that the bot serves on its port."""

    def __init__(self, port: int) -> None:
        self.port = port

    @property
    def settings(self) -> dict[str, str]:
        """Return the setting that makes the bot serve them."""
        return {"HEALTH_PORT": str(self.port)}

    async def get(self, path: str) -> tuple[int, str]:
        """Return status and body of an answer."""
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{self.port}{path}") as response:
            return response.status, await response.text()

    async def read(self, sample: str) -> float:
        """Return the value of a metric, spelled with its labels; zero if it is missing."""
        _, text = await self.get("/metrics")
        found = re.search(rf"^{re.escape(sample)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0


class Monitor:
    """A monitor that records each ping with its method and path, and answers with `response`."""

    def __init__(self) -> None:
        self.pings: Journal[str] = Journal()
        self.response: Callable[[], web.Response] = web.Response
        self.url = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Record a ping."""
        self.pings.add(f"{request.method} {request.path_qs}")
        return self.response()

    @property
    def settings(self) -> dict[str, str]:
        """Return the setting that makes the bot ping it."""
        return {"HEARTBEAT_URL": self.url}


@asynccontextmanager
async def open_monitor() -> AsyncIterator[Monitor]:
    """Serve a monitor on a free loopback port."""
    monitor, app = Monitor(), web.Application()
    app.router.add_route("*", "/{path:.*}", monitor.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        monitor.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PING_PATH}?{PING_QUERY}"
        yield monitor
    finally:
        await runner.cleanup()
