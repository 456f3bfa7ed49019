"""Serves the health (`/healthz`) and the metrics (`/metrics`) over HTTP."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.errors import SettingsError
from bot.monitoring.health import Health
from bot.monitoring.metrics import Metrics

_LOG = logging.getLogger(__name__)

# Monitors make a connection for each look. More connections, or longer ones, would keep files from the bot's work.
_MOST_CONNECTIONS = 64
# So many are accepted at once, before those that are too many can be ended.
_BACKLOG = 16
# From the connection to its end: a look waits for the database, and perhaps for the look before it.
_CONNECTION_SECONDS = 15.0


class _Refusing(asyncio.Protocol):
    """A connection that is one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """End it at once."""
        assert isinstance(transport, asyncio.Transport)
        transport.abort()


def _accept(server: web.Server) -> asyncio.Protocol:
    """Return the handler of a new connection, which ends in time."""
    if len(server.connections) >= _MOST_CONNECTIONS:
        return _Refusing()
    handler = server()

    def end() -> None:
        if handler.transport is not None:
            handler.transport.abort()

    asyncio.get_running_loop().call_later(_CONNECTION_SECONDS, end)
    return handler


@asynccontextmanager
async def serve_health(host: str, port: int, health: Health, metrics: Metrics) -> AsyncIterator[None]:
    """Listen until the block ends.

    Raises:
        SettingsError: the address can't be listened on.
    """

    async def answer_health(_request: web.Request) -> web.Response:
        verdict = await health.judge(is_public=True)
        status = HTTPStatus.SERVICE_UNAVAILABLE if verdict.problems else HTTPStatus.OK
        return web.json_response(text=verdict.to_json(), status=status)

    async def answer_metrics(_request: web.Request) -> web.Response:
        body = metrics.render(await health.take_state())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/healthz", answer_health)
    app.router.add_get("/metrics", answer_metrics)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    server = runner.server
    assert server is not None
    try:
        try:
            loop = asyncio.get_running_loop()
            listening = await loop.create_server(lambda: _accept(server), host, port, backlog=_BACKLOG)
        except OSError as error:
            raise SettingsError([_explain(error, host, port)]) from None
        _LOG.info("Health and metrics are served on %s, port %s", host, port)
        try:
            yield
        finally:
            listening.close()
    finally:
        await runner.cleanup()


def _explain(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"HEALTH_PORT: another program listens on port {port} already. Choose another port."
        case errno.EACCES:
            return f"HEALTH_PORT: this user may not listen on port {port}. Choose one from 1024 to 65535."
        case _:
            return f"HEALTH_HOST: {host} is no address of this machine. Use 127.0.0.1, or 0.0.0.0 for all of them."
