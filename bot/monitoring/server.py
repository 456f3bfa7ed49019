"""Tells over HTTP whether the bot is well (`/healthz`), and how it is doing (`/metrics`)."""

import errno
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from bot.core.secrets import Redactor
from bot.errors import SettingsError
from bot.monitoring.metrics import Metrics
from bot.monitoring.vitals import Vitals

_LOG = logging.getLogger(__name__)

HEALTH_PATH, METRICS_PATH = "/healthz", "/metrics"


class _Handlers:
    def __init__(self, vitals: Vitals, metrics: Metrics, redact: Redactor) -> None:
        self._vitals = vitals
        self._metrics = metrics
        self._redact = redact

    async def tell_health(self, _request: web.Request) -> web.Response:
        """Answer 200 if the bot is well, else 503 with the reasons."""
        incidents = [self._redact(trouble) for trouble in await self._vitals.find_troubles()]
        status = HTTPStatus.SERVICE_UNAVAILABLE if incidents else HTTPStatus.OK
        return web.json_response({"is_well": not incidents, "troubles": incidents}, status=status)

    async def tell_metrics(self, _request: web.Request) -> web.Response:
        """Answer all metrics."""
        body = self._metrics.render(await self._vitals.take_snapshot())
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})


@asynccontextmanager
async def serve_health(host: str, port: int, vitals: Vitals, metrics: Metrics, redact: Redactor) -> AsyncIterator[None]:
    """Listen until the block ends.

    Raises:
        SettingsError: the address can't be listened on.
    """
    handlers, app = _Handlers(vitals, metrics, redact), web.Application()
    app.router.add_get(HEALTH_PATH, handlers.tell_health)
    app.router.add_get(METRICS_PATH, handlers.tell_metrics)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            raise SettingsError([_explain(error, host, port)]) from None
        _LOG.info("Health and metrics are told on %s, port %s", host, port)
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
