"""Keeps the connection to Discord, also where discord.py gives up."""

import asyncio
import logging
import sys
from collections.abc import Callable

import aiohttp
import discord

from bot.chat.gateway.client import AccountBot
from bot.chat.rest.failures import DISCORD_ERRORS
from bot.core.backoff import backoff, start_pause
from bot.core.timing import DEFAULT_TIMING, Timing
from bot.core.wording import say_count
from bot.errors import DiscordTokenRefused, GatewayRefused

_LOG = logging.getLogger(__name__)

_AUTHENTICATION_FAILED = 4004
_UNAUTHORIZED = 401
_STEADY_SECONDS = 300.0
_LOOKS = 12
_CANCEL_SECONDS = 1.0
# Each costs a handshake, so a crowd shares them. Posts that hang use 64 at most, which leaves the others to answers.
_MAX_CONNECTIONS = 256


class Connection:
    """Logs in once, then connects again and again, within Discord's 1,000 identifies a day."""

    def __init__(self, client: AccountBot, *, jitter: Callable[[], float], timing: Timing = DEFAULT_TIMING) -> None:
        self._client = client
        self._jitter = jitter
        self._timing = timing
        self._failures = 0

    async def keep(self, token: str, *, is_start: bool = True) -> None:
        """Stay connected until cancelled.

        Raises:
            DiscordTokenRefused: `is_start`, and Discord does not accept the token.
            GatewayRefused: Discord accepts no connection of this version.
        """
        await self._log_in(token, is_start=is_start)
        await self._pace_start()
        clock = asyncio.get_running_loop().time
        while not self._client.is_closed():
            started = clock()
            try:
                await self._connect()
            except discord.ConnectionClosed as error:
                if error.code != _AUTHENTICATION_FAILED:
                    raise GatewayRefused(str(error.code)) from None
                _LOG.warning("Discord's gateway refused the token that the login accepted")
                self._client.refusals.token_doubted.set()
                await self._open_again(token)
            except Exception:  # discord.py ends on its first refused connection and on an event it can't parse
                # Of a failed TLS connection the log has the cause already.
                _LOG.warning("The connection to Discord ended", exc_info=self._client.obstacles.current is None)
            await self._abandon_socket()
            if clock() - started > _STEADY_SECONDS:
                self._failures = 0
            await self._pause("Connecting")

    async def _pace_start(self) -> None:
        """Wait if earlier starts have used many of the day's identifies: something may start the bot in a loop."""
        try:
            async with asyncio.timeout(self._timing.discord_request):
                _, _, limit = await self._client.http.get_bot_gateway()
            wait = start_pause(limit["remaining"], limit["total"], limit["reset_after"] / 1000)
        except (*DISCORD_ERRORS, KeyError, TypeError) as error:
            _LOG.warning("How often the bot may connect can't be read: %s", type(error).__name__)
            return
        if wait:
            left = say_count(limit["remaining"], "more connection")
            _LOG.warning("Discord allows %s today; connecting in %.0f s", left, wait)
            await asyncio.sleep(wait)

    async def _connect(self) -> None:
        """Connect, and keep to the session, until that fails or there is no session for two minutes."""
        connecting = asyncio.create_task(self._client.connect(), name="connect")
        looking = asyncio.create_task(self._look_for_session(), name="look-for-session")
        try:
            await asyncio.wait({connecting, looking}, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                connecting.result()
        finally:
            await _end({connecting, looking})

    async def _open_again(self, token: str) -> None:
        """Undo that discord.py has closed the client, without which no request can be made."""
        self._client.clear()
        await self._client.__aenter__()
        await self._log_in(token, is_start=False)

    async def _look_for_session(self) -> None:
        """Return once there has been no session for two minutes."""
        clock = asyncio.get_running_loop().time
        connected_at = clock()
        while clock() - connected_at < self._timing.fresh_session_after:
            await asyncio.sleep(self._timing.fresh_session_after / _LOOKS)
            if self._client.is_connected:
                connected_at = clock()
        _LOG.warning("No session with Discord for %.0f s; asking for a new one", self._timing.fresh_session_after)

    async def _log_in(self, token: str, *, is_start: bool) -> None:
        while True:
            # A session of its own each time, and closing it closes its connector too.
            self._client.http.connector = aiohttp.TCPConnector(limit=_most_connections())
            try:
                async with asyncio.timeout(self._timing.discord_requests):
                    await self._client.login(token)
                return
            except discord.LoginFailure:
                if is_start:
                    raise DiscordTokenRefused("Discord refused the token") from None
                _LOG.error("Discord refuses DISCORD_TOKEN")
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
    if sys.platform == "win32":  # it has no such limit
        return _MAX_CONNECTIONS
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MAX_CONNECTIONS if limit == resource.RLIM_INFINITY else min(_MAX_CONNECTIONS, limit // 2)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    """Cancel tasks until they end: discord.py loses a cancellation that comes just as a connection fails."""
    pending = tasks
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=_CANCEL_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)


async def monitor_token(bot: AccountBot, *, timing: Timing = DEFAULT_TIMING) -> None:
    """Check the token whenever Discord has refused it, until cancelled; `bot.refusals` then holds the result."""
    refusals, clock = bot.refusals, asyncio.get_running_loop().time
    refused_at: float | None = None
    await bot.logged_in.wait()
    while True:
        await refusals.token_doubted.wait()
        try:
            async with asyncio.timeout(timing.discord_requests):
                await bot.application_info()
        except DISCORD_ERRORS as error:
            if isinstance(error, discord.HTTPException) and error.status == _UNAUTHORIZED:
                refused_at = clock() if refused_at is None else refused_at
            else:
                _LOG.warning("The token can't be checked: %s", type(error).__name__)
        else:
            refusals.token_doubted.clear()
            refused_at = None
        is_refused = refused_at is not None and clock() - refused_at >= timing.token_refused_after
        if is_refused and not refusals.is_token_refused:
            _LOG.error("%s. %s The bot goes on trying", DiscordTokenRefused.title, DiscordTokenRefused.advice)
        elif refusals.is_token_refused and not is_refused:
            _LOG.info("Discord accepts DISCORD_TOKEN again")
        refusals.is_token_refused = is_refused
        await asyncio.sleep(timing.token_checks_apart)
