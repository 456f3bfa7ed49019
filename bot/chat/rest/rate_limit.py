"""One limit for all requests with the bot's token, and a stop long before Discord blocks its address."""

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

from bot.chat.rest.obstacles import Obstacles
from bot.core.timing import Timing

_LOG = logging.getLogger(__name__)

# Answers to commands don't count against Discord's limit and must not wait.
_FREE = {"interactions", "webhooks"}
# After so many times as many refusals as stop other requests, answers stop too.
_ANSWERS_FACTOR = 4
_UNAUTHORIZED, _TOO_MANY, _COUNTED = 401, 429, {401, 403, 429}
_DEFAULT_SECONDS = 60.0


class HeldBack(aiohttp.ClientError):
    """The request was not made: Discord has refused too many lately."""


class Fenced(aiohttp.ClientError):
    """The request was not made: this process is not the active one any more, and another one goes on."""


class Refusals:
    """Counts the answers that Discord counts against an address.

    `token_doubted` is set by each 401; `is_token_refused` once Discord has refused it for long.
    """

    def __init__(self, timing: Timing) -> None:
        self.token_doubted = asyncio.Event()
        self.is_token_refused = False
        self._timing = timing
        self._times: deque[float] = deque(maxlen=_ANSWERS_FACTOR * timing.max_refusals)
        self._is_logged = False

    def count(self, response: aiohttp.ClientResponse, *, is_answer: bool) -> None:
        """Count a refusal; other responses don't count."""
        # A shared limit that other bots have used up is not counted against this one.
        if response.status not in _COUNTED or response.headers.get("X-RateLimit-Scope") == "shared":
            return
        self._times.append(asyncio.get_running_loop().time())
        # Answers to commands carry no token.
        if response.status == _UNAUTHORIZED and not is_answer:
            self.token_doubted.set()

    def ensure_allowed(self, *, is_answer: bool) -> None:
        """Let a request be made.

        Raises:
            HeldBack: too many refusals within the last ten minutes.
        """
        is_held = self._has_had(self._timing.max_refusals * (_ANSWERS_FACTOR if is_answer else 1))
        if is_held and not self._is_logged:
            _LOG.warning("Discord refused %s requests within ten minutes; the next ones wait", len(self._times))
        self._is_logged = is_held or (is_answer and self._is_logged)
        if is_held:
            raise HeldBack("too many refusals")

    def _has_had(self, most: int) -> bool:
        if len(self._times) < most:
            return False
        return asyncio.get_running_loop().time() - self._times[-most] < self._timing.refusals_within


@dataclass
class Attempts:
    """How many requests were made; discord.py repeats some by itself."""

    count: int = 0


_ATTEMPTS: ContextVar[Attempts | None] = ContextVar("attempts", default=None)


@contextmanager
def count_attempts() -> Iterator[Attempts]:
    """Count the requests that are made in the block."""
    attempts = Attempts()
    token = _ATTEMPTS.set(attempts)
    try:
        yield attempts
    finally:
        _ATTEMPTS.reset(token)


def _resource(url: yarl.URL) -> str:
    """Return the resource of a request; empty for the gateway, whose path has neither /api nor a version."""
    _, *parts = url.path.split("/")
    return parts[2] if len(parts) > 2 else ""  # noqa: PLR2004


async def _enter(limiter: AsyncLimiter) -> None:
    if not limiter.has_capacity():
        _LOG.warning("Connected to Discord very often lately; the next connection waits for minutes at most")
    await limiter.acquire()


def _global_limit(response: aiohttp.ClientResponse) -> float:
    """Return for how many seconds Discord refuses all requests of the bot; 0.0 if it does not."""
    if response.status != _TOO_MANY or "X-RateLimit-Global" not in response.headers:
        return 0.0
    try:
        return float(response.headers["Retry-After"])
    except (KeyError, ValueError):
        return _DEFAULT_SECONDS


class DiscordLimits:
    """What Discord allows one bot, and what keeps it from Discord. A process has them once."""

    def __init__(self, timing: Timing) -> None:
        # A bucket of one: a larger one lets twice as many through in its first second.
        self.requests = AsyncLimiter(1, 1 / timing.requests_per_second)
        self.connections = AsyncLimiter(timing.connections, timing.connections * timing.seconds_per_connection)
        self.refusals = Refusals(timing)
        self.obstacles = Obstacles()


def build_trace(
    limits: DiscordLimits,
    *,
    open_gate: Callable[[], None],
    is_active: Callable[[], bool],
    witness: Callable[[str | None], None],
) -> aiohttp.TraceConfig:
    """Return the `http_trace` of discord.py's client: each request waits for its turn before it is made.

    Requests raise HeldBack instead while too many are refused, and, answers to commands excepted, Fenced once this
    process is not the active one. `open_gate` is called when a global limit is over, `witness` with the `Date` of each
    answer.
    """
    refusals = limits.refusals

    async def wait(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        if (attempts := _ATTEMPTS.get()) is not None:
            attempts.count += 1
        resource = _resource(params.url)
        is_answer = resource in _FREE
        if not resource:
            await _enter(limits.connections)
        elif not is_answer:
            await limits.requests.acquire()
        # Just before the request is made: the process may have been suspended while it waited.
        if not is_answer and not is_active():
            raise Fenced("this process is not active")
        if resource:
            refusals.ensure_allowed(is_answer=is_answer)

    async def count(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        witness(params.response.headers.get("Date"))
        resource = _resource(params.url)
        limits.obstacles.note(None, is_gateway=not resource)
        if resource:
            refusals.count(params.response, is_answer=resource in _FREE)
        if seconds := _global_limit(params.response):
            asyncio.get_running_loop().call_later(seconds, open_gate)

    async def note_failure(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        limits.obstacles.note(params.exception, is_gateway=not _resource(params.url))

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(wait)
    trace.on_request_end.append(count)
    trace.on_request_exception.append(note_failure)
    return trace
