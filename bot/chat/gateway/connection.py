"""Keeps the connection to Discord, also where discord.py gives up."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp
import discord

from bot.chat.gateway.client import AccountBot
from bot.chat.rest.failures import DISCORD_ERRORS
from bot.core.backoff import backoff
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.errors import DiscordTokenRefused, GatewayRefused

_LOG = logging.getLogger(__name__)

_AUTHENTICATION_FAILED = 4004
_UNAUTHORIZED = 401
_STEADY_SECONDS = 300.0
_CHECKS_APART = 60.0
# Each costs a handshake, so a crowd shares them. Posts that hang use 64 at most, which leaves the others to answers.
_MAX_CONNECTIONS = 256


class Connection:
    """Logs in once, then connects again and again, within Discord's 1,000 identifies a day."""

    def __init__(self, client: discord.Client, *, jitter: Callable[[], float], timing: Timing = DEFAULT_TIMING) -> None:
        self._client = client
        self._jitter = jitter
        self._timing = timing
        self._failures = 0

    async def keep(self, token: str) -> None:
        """Stay connected until cancelled.

        Raises:
            DiscordTokenRefused: Discord does not accept the token, or no longer does.
            GatewayRefused: Discord accepts no connection of this version.
        """
        await self._log_in(token)
        clock = asyncio.get_running_loop().time
        while not self._client.is_closed():
            started = clock()
            try:
                await self._client.connect()
            except discord.ConnectionClosed as error:
                if error.code == _AUTHENTICATION_FAILED:
                    raise DiscordTokenRefused("Discord closed the connection: authentication failed") from None
                raise GatewayRefused(str(error.code)) from None
            except Exception:  # discord.py ends on its first refused connection and on an event it can't parse
                _LOG.warning("The connection to Discord ended", exc_info=True)
                await self._abandon_socket()
            if clock() - started > _STEADY_SECONDS:
                self._failures = 0
            await self._pause("Connecting")

    async def _log_in(self, token: str) -> None:
        while True:
            # A session of its own each time, and closing it closes its connector too.
            self._client.http.connector = aiohttp.TCPConnector(limit=_most_connections())
            try:
                await self._client.login(token)
                return
            except discord.LoginFailure:
                raise DiscordTokenRefused("Discord refused the token") from None
            except DISCORD_ERRORS as error:
                _LOG.warning("Discord can't be reached: %s", type(error).__name__)
            await self._client.http.close()
            await self._pause("Logging in")

    async def _abandon_socket(self) -> None:
        socket = self._client.ws
        if socket is not None and socket.open:
            await socket.close(code=4000)

    async def _pause(self, what: str) -> None:
        self._failures += 1
        wait = backoff(
            self._failures, self._jitter(), first=self._timing.reconnect_first, most=self._timing.reconnect_most
        )
        _LOG.info("%s again in %.1f s", what, wait)
        await asyncio.sleep(wait)


def _most_connections() -> int:
    """Return how many connections may be open: half of the files that this process may open, as some allow only 256."""
    try:
        import resource
    except ImportError:  # Windows, which has no such limit
        return _MAX_CONNECTIONS
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_CONNECTIONS if limit == resource.RLIM_INFINITY else min(_MAX_CONNECTIONS, limit // 2)


async def monitor_token(bot: AccountBot) -> None:
    """Check the token whenever a request was refused because of it, until cancelled.

    Raises:
        DiscordTokenRefused: Discord does not accept the token any more.
    """
    doubted = bot.refusals.token_doubted
    await bot.logged_in.wait()
    while True:
        await doubted.wait()
        try:
            await bot.application_info()
            doubted.clear()
        except discord.HTTPException as error:
            if error.status == _UNAUTHORIZED:
                raise DiscordTokenRefused("Discord does not accept the token any more") from None
        except DISCORD_ERRORS as error:
            _LOG.warning("The token can't be checked: %s", type(error).__name__)
        await asyncio.sleep(_CHECKS_APART)
