"""One pace for everything that the bot's token asks of Discord, and a halt long before Discord shuts it out."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
import yarl
from aiolimiter import AsyncLimiter

_LOG = logging.getLogger(__name__)

# Discord allows 50 a second. A bucket of one: a larger one lets twice as many through in its first second.
REQUESTS_A_SECOND = 45
# Each connection may cost one of the 1,000 identifies a day; this many at once, then one in as many seconds.
CONNECTIONS, SECONDS_A_CONNECTION = 100, 100.0
# Discord shuts an address out for 10,000 answers of 401, 403 or 429 within ten minutes.
MOST_REFUSED, REFUSED_WITHIN = 2_000, 600.0
# Answers to commands don't count against the pace and must not wait; each is worth more than a reminder's next try.
_FREE = {"interactions", "webhooks"}
_MOST_REFUSED_ANSWERS = 4 * MOST_REFUSED
_UNAUTHORIZED, _TOO_MANY, _COUNTED = 401, 429, {401, 403, 429}
_UNNAMED_SECONDS = 60.0


class HeldBack(aiohttp.ClientError):
    """The request was not made: Discord has refused too many of late."""


class Refusals:
    """Counts the answers that Discord counts against an address; `token_doubted` is set by each 401."""

    def __init__(self) -> None:
        self.token_doubted = asyncio.Event()
        self._times: deque[float] = deque(maxlen=_MOST_REFUSED_ANSWERS)
        self._is_told = False

    def count(self, response: aiohttp.ClientResponse, *, is_answer: bool) -> None:
        """Count an answer of Discord's, if it is one of those."""
        # What others did to a shared limit is not counted against this bot.
        if response.status not in _COUNTED or response.headers.get("X-RateLimit-Scope") == "shared":
            return
        self._times.append(asyncio.get_running_loop().time())
        # Answers to commands carry no token.
        if response.status == _UNAUTHORIZED and not is_answer:
            self.token_doubted.set()

    def check(self, *, is_answer: bool) -> None:
        """Let a request be made.

        Raises:
            HeldBack: not before some of the refusals are ten minutes old.
        """
        is_held = self._has_had(_MOST_REFUSED_ANSWERS if is_answer else MOST_REFUSED)
        if is_held and not self._is_told:
            _LOG.warning("Discord refused %s requests within ten minutes; the next ones wait", len(self._times))
        self._is_told = is_held or (is_answer and self._is_told)
        if is_held:
            raise HeldBack("too many refusals")

    def _has_had(self, most: int) -> bool:
        if len(self._times) < most:
            return False
        return asyncio.get_running_loop().time() - self._times[-most] < REFUSED_WITHIN


@dataclass
class Tries:
    """How many requests were made; discord.py repeats some by itself."""

    count: int = 0


_TRIES: ContextVar[Tries | None] = ContextVar("tries", default=None)


@contextmanager
def count_tries() -> Iterator[Tries]:
    """Count the requests that are made in the block."""
    tries = Tries()
    token = _TRIES.set(tries)
    try:
        yield tries
    finally:
        _TRIES.reset(token)


def _resource(url: yarl.URL) -> str:
    """Return what a request is about; empty for the gateway, whose path has neither /api nor a version."""
    _, *parts = url.path.split("/")
    return parts[2] if len(parts) > 2 else ""  # noqa: PLR2004


async def _enter(limiter: AsyncLimiter) -> None:
    if not limiter.has_capacity():
        _LOG.warning("Connected to Discord very often of late; the next connection waits for minutes at most")
    await limiter.acquire()


def _global_limit(response: aiohttp.ClientResponse) -> float:
    """Return for how many seconds Discord stops all that the bot asks; 0.0 if it does not."""
    if response.status != _TOO_MANY or "X-RateLimit-Global" not in response.headers:
        return 0.0
    try:
        return float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return _UNNAMED_SECONDS


def build_trace(refusals: Refusals, open_gate: Callable[[], None]) -> aiohttp.TraceConfig:
    """Return what discord.py takes as `http_trace`: each request waits for its turn before it is made.

    Requests raise HeldBack instead while too many are refused. `open_gate` is called when a global limit is over.
    """
    limiter = AsyncLimiter(1, 1 / REQUESTS_A_SECOND)
    connections = AsyncLimiter(CONNECTIONS, CONNECTIONS * SECONDS_A_CONNECTION)

    async def wait(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        if (tries := _TRIES.get()) is not None:
            tries.count += 1
        resource = _resource(params.url)
        if not resource:
            await _enter(connections)
            return
        if resource not in _FREE:
            await limiter.acquire()
        refusals.check(is_answer=resource in _FREE)

    async def count(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        resource = _resource(params.url)
        if resource:
            refusals.count(params.response, is_answer=resource in _FREE)
        if seconds := _global_limit(params.response):
            asyncio.get_running_loop().call_later(seconds, open_gate)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(wait)
    trace.on_request_end.append(count)
    return trace
