"""One pace for everything that the bot's token asks of Discord over REST."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from aiolimiter import AsyncLimiter

# Discord allows 50 a second. A bucket of one: a larger one lets twice as many through in its first second.
REQUESTS_A_SECOND = 45
# Answers to commands don't count against that limit, and must not wait.
_FREE = {"interactions", "webhooks"}


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


def build_trace() -> aiohttp.TraceConfig:
    """Return what discord.py takes as `http_trace`: each request waits for its turn before it is made."""
    limiter = AsyncLimiter(1, 1 / REQUESTS_A_SECOND)

    async def wait(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        tries = _TRIES.get()
        if tries is not None:
            tries.count += 1
        # Paths begin with /api and the version; the gateway's has neither.
        parts = params.url.path.split("/")
        if len(parts) > 3 and parts[3] not in _FREE:  # noqa: PLR2004
            await limiter.acquire()

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(wait)
    return trace
