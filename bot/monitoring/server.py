"""Serves the health (`/healthz`) and the metrics (`/metrics`) over HTTP."""

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


@asynccontextmanager
async def serve_health(host: str, port: int, health: Health, metrics: Metrics) -> AsyncIterator[None]:
    """Listen until the block ends.

    Raises:
        SettingsError: the address can't be listened on.
    """

    async def answer_health(_request: web.Request) -> web.Response:
        verdict = await health.judge()
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
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError([_explain(error, host, port)]) from None
        _LOG.info("Health and metrics are served on %s, port %s", host, port)
        yield
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
