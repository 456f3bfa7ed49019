"""Pings an address after each complete poll, so that a monitor elsewhere notices when the pings stop."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
import yarl
from pydantic import SecretStr

from bot import __version__
from bot.core.tls import find_tls_failure

_LOG = logging.getLogger(__name__)

_SECONDS = 10.0


class Heartbeat:
    """Pings an address. It is a secret, so failures are logged by their name alone."""

    def __init__(self, session: aiohttp.ClientSession, url: SecretStr, *, budget: float = _SECONDS) -> None:
        self.session = session
        self._url = url
        self._budget = budget

    async def beat(self) -> None:
        """Ping once, within ten seconds; failure is a warning."""
        url = yarl.URL(self._url.get_secret_value(), encoded=True)
        try:
            async with asyncio.timeout(self._budget), self.session.get(url, allow_redirects=False) as response:
                status = response.status
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: an impossible host name
            is_connecting = isinstance(error, aiohttp.ClientConnectorError)
            failure = find_tls_failure(error, is_connecting=True) if is_connecting else None
            reason = f"{failure.say('the server')}. {failure.advice}" if failure else type(error).__name__
            _LOG.warning("HEARTBEAT_URL can't be reached: %s", reason)
            return
        if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
            _LOG.warning("HEARTBEAT_URL answered with status %s", status)


@asynccontextmanager
async def open_heartbeat(url: SecretStr) -> AsyncIterator[Heartbeat]:
    """Open a heartbeat with a connection of its own: no cookies, no proxy or netrc from the environment."""
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(force_close=True),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": f"minimax-account-bot/{__version__}"},
    ) as session:
        yield Heartbeat(session, url)
