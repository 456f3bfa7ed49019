"""What keeps TLS connections to Discord from being made: a wrong clock or certificate, or something in between."""

import logging
from dataclasses import dataclass

import aiohttp

from bot.core.tls import TlsFailure, find_tls_failure

_LOG = logging.getLogger(__name__)

# A handshake may break off once.
_ENOUGH = 2


def find_obstacle(error: BaseException) -> TlsFailure | None:
    """Return the failed TLS connection that caused an error of a request to Discord; None if nothing like it did."""
    # A connection that breaks later has had its handshake.
    return find_tls_failure(error, is_connecting=True) if isinstance(error, aiohttp.ClientConnectorError) else None


@dataclass
class _Seen:
    failure: TlsFailure
    times: int = 0


class Obstacles:
    """Remembers how the last connection to the gateway, and the last one for a request, failed; logs new failures."""

    def __init__(self) -> None:
        self._seen: dict[bool, _Seen] = {}

    def note(self, error: BaseException | None, *, is_gateway: bool) -> None:
        """Note how a request ended, with an answer if the error is None."""
        before, failure = self._seen.pop(is_gateway, None), find_obstacle(error) if error else None
        if failure is None:
            return
        seen = before if before is not None and before.failure == failure else _Seen(failure)
        seen.times += 1
        self._seen[is_gateway] = seen
        if seen.times == 1:
            _LOG.error("%s. %s", failure.say("Discord"), failure.advice)

    @property
    def current(self) -> TlsFailure | None:
        """Return what is in the way now; None if nothing is."""
        failing = (one.failure for one in self._seen.values() if one.failure.is_lasting or one.times >= _ENOUGH)
        return next(failing, None)
