"""Keeps the connection to Discord: discord.py gives up where this does not."""

import asyncio
import logging
from collections.abc import Callable

import aiohttp
import discord

from bot.chat.gateway.client import AccountBot
from bot.core.rate_limit import backoff
from bot.errors import DiscordTokenRefused, GatewayRefused

_LOG = logging.getLogger(__name__)

_AUTHENTICATION_FAILED = 4004
_UNAUTHORIZED = 401
_STEADY_SECONDS = 300.0
_ASKED_APART = 60.0
# Each costs a handshake, so a crowd shares them. Posts that hang hold 64 at most, and leave the others to answers.
_MOST_CONNECTIONS = 256


class Connection:
    """Logs in once, then connects again and again, within Discord's 1,000 identifies a day."""

    def __init__(self, client: discord.Client, *, jitter: Callable[[], float]) -> None:
        self._client = client
        self._jitter = jitter
        self._failures = 0

    async def keep(self, token: str) -> None:
        """Stay connected until cancelled.

        Raises:
            DiscordTokenRefused: Discord does not accept the token, now or any more.
            GatewayRefused: nor will it this version's connection, however often it is tried.
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
            self._client.http.connector = aiohttp.TCPConnector(limit=_MOST_CONNECTIONS)
            try:
                await self._client.login(token)
                return
            except discord.LoginFailure:
                raise DiscordTokenRefused("Discord refused the token") from None
            except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
                _LOG.warning("Discord can't be reached: %s", type(error).__name__)
            await self._client.http.close()
            await self._pause("Logging in")

    async def _abandon_socket(self) -> None:
        socket = self._client.ws
        if socket is not None and socket.open:
            await socket.close(code=4000)

    async def _pause(self, what: str) -> None:
        self._failures += 1
        wait = backoff(self._failures, self._jitter())
        _LOG.info("%s again in %.1f s", what, wait)
        await asyncio.sleep(wait)


async def watch_token(bot: AccountBot) -> None:
    """Ask Discord about the token whenever it was refused anywhere, until cancelled.

    Raises:
        DiscordTokenRefused: the token is no good any more.
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
        except (discord.DiscordException, aiohttp.ClientError, OSError) as error:
            _LOG.warning("Discord can't be asked about the token: %s", type(error).__name__)
        await asyncio.sleep(_ASKED_APART)
