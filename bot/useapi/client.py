"""The client of useapi.net's MiniMax API: four GETs, bounded in number, time and size."""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from urllib.parse import quote

import aiohttp
import yarl
from pydantic import SecretStr

from bot import __version__
from bot.core.accounts import Account, is_possible_id
from bot.core.backoff import backoff
from bot.core.credits import Credits
from bot.core.jobs import MAX_JOBS, JobReport
from bot.core.parsing import parse_account, parse_accounts
from bot.core.secrets import Redactor
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.core.tls import find_tls_failure
from bot.core.usage_parsing import parse_credits, parse_jobs
from bot.errors import (
    AccountOnHold,
    AnswerCutOff,
    ApiBusy,
    ApiNotSecure,
    ApiSlow,
    ApiUnreachable,
    BotError,
    NoSuchAccount,
    UnreadableAnswer,
)
from bot.useapi.responses import check_status, parse_json, parse_members

_LOG = logging.getLogger(__name__)

ACCOUNTS_PATH = "/v1/minimax/accounts"
CREDITS_PATH = "/v1/minimax/features/"
JOBS_PATH = "/v2/account/stats"
MAX_CALLS = 64
# Calls that read all accounts have slots of their own: look-ups that hang never delay a poll.
MAX_LIST_CALLS = 2
# So have those that the bot can do without.
MAX_EXTRA_CALLS = 8
BUDGET_SECONDS = 10.0
MAX_ACCOUNT_BYTES = 2**20
MAX_LIST_BYTES = 2**24
MAX_CREDITS_BYTES = 2**20
MAX_JOBS_BYTES = 2**21
_TRIES = 3
_LONGEST_RETRY_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 60.0
_CONNECT_SECONDS = 3.0
# Larger bodies are parsed in a thread, so that other answers do not wait.
_PARSED_AT_ONCE = 2**18

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class Call:
    """A call to the API: when it ended, and how it failed.

    What the API says about a single account is no failure of the API.
    """

    at: datetime
    failure: BotError | None


def build_session(*, keep_connections: bool = True) -> aiohttp.ClientSession:
    """Return a session for the client: no cookies, no proxy or netrc from the environment, no pool limit of its own."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=not keep_connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Accept": "application/json", "User-Agent": f"minimax-account-bot/{__version__}"},
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_SECONDS),
    )


class MiniMaxClient:
    """Reads the accounts of one useapi.net token, first come, first served.

    At most 64 calls for single accounts, two for lists of all accounts, and eight for jobs and credits are made at a
    time.

    `budget` is the seconds that a call may take with the wait for a slot and all its attempts; `jitter` returns random
    numbers from 0 to 1. `witness` gets the `Date` of each answer. `last_call` is None before the first call has ended.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        base_url: str,
        token: SecretStr,
        redact: Redactor,
        now: Callable[[], datetime],
        jitter: Callable[[], float],
        budget: float = BUDGET_SECONDS,
        telemetry: Telemetry = NO_TELEMETRY,
        witness: Callable[[str | None], None] = lambda _date: None,
    ) -> None:
        self._session = session
        self._base_url = base_url
        self._token = token
        self.redact = redact
        self._now = now
        self._jitter = jitter
        self._budget = budget
        self._account_slots = asyncio.Semaphore(MAX_CALLS)
        self._list_slots = asyncio.Semaphore(MAX_LIST_CALLS)
        self._extra_slots = asyncio.Semaphore(MAX_EXTRA_CALLS)
        self._busy_until = -math.inf
        self._telemetry = telemetry
        self._witness = witness
        self.last_call: Call | None = None

    async def fetch_account(self, account_id: str) -> Account:
        """Read one account.

        Raises:
            NoSuchAccount: no account has this id (404), or the id can't be part of a path, or is a secret.
            BotError: see `check_status` and `parse_account`.
        """
        # A secret that was pasted as an id must not get into the logs of useapi.net.
        if not is_possible_id(account_id) or self.redact.finds_secret(account_id):
            raise NoSuchAccount(self.redact(account_id))
        try:
            with self._noting():
                path = f"{ACCOUNTS_PATH}/{quote(account_id, safe='')}"
                body = await self._fetch(path, MAX_ACCOUNT_BYTES, self._account_slots)
                return await _aside(body, lambda: parse_account(account_id, parse_json(body), self.redact))
        except NoSuchAccount:
            raise NoSuchAccount(self.redact(account_id)) from None

    async def fetch_accounts(self) -> dict[str, Account]:
        """Read all accounts, by id; an empty object and a 404 both mean that none is configured.

        Raises:
            BotError: see `check_status` and `parse_accounts`.
        """
        try:
            with self._noting():
                body = await self._fetch(ACCOUNTS_PATH, MAX_LIST_BYTES, self._list_slots)
                return await _aside(body, lambda: parse_accounts(parse_members(body), self.redact))
        except NoSuchAccount:
            return {}

    async def fetch_credits(self, account_id: str) -> Credits:
        """Read the credits of one account, which calls MiniMax; a failure says nothing about the account.

        Raises:
            NoSuchAccount: the API does not know it (404), or the id can't be asked for.
            BotError: see `check_status` and `parse_credits`.
        """
        if not is_possible_id(account_id) or self.redact.finds_secret(account_id):
            raise NoSuchAccount(self.redact(account_id))
        path = f"{CREDITS_PATH}?account={quote(account_id, safe='')}"
        body = await self._fetch(path, MAX_CREDITS_BYTES, self._extra_slots)
        return await _aside(body, lambda: parse_credits(parse_json(body), self.redact, self._now()))

    async def fetch_jobs(self) -> JobReport:
        """Read the newest jobs of all accounts, which are some minutes old.

        Raises:
            NoSuchAccount: the API does not offer them (404).
            BotError: see `check_status` and `parse_jobs`.
        """
        path = f"{JOBS_PATH}?bot=minimax&limit={MAX_JOBS}"
        body = await self._fetch(path, MAX_JOBS_BYTES, self._extra_slots)
        return await _aside(body, lambda: parse_jobs(parse_json(body), self.redact, self._now()))

    @contextmanager
    def _noting(self) -> Iterator[None]:
        """Remember how a call ends; one that is cancelled has no end."""
        try:
            yield
        except (NoSuchAccount, AccountOnHold):
            self.last_call = Call(self._now(), None)
            raise
        except BotError as error:
            self.last_call = Call(self._now(), error)
            raise
        self.last_call = Call(self._now(), None)

    async def _fetch(self, path: str, limit: int, slots: asyncio.Semaphore) -> bytes:
        """Return the body of the answer, at most `limit` bytes; the wait for a free slot is part of the budget.

        A call for jobs or credits is counted apart, and no pause that it is asked for keeps other calls waiting.
        """
        clock, is_extra = asyncio.get_running_loop().time, slots is self._extra_slots
        deadline = clock() + self._budget
        async with _slot_of(slots, deadline):
            if (pause := self._busy_until - clock()) > 0:
                raise ApiBusy(pause)
            for failures in range(1, _TRIES):
                try:
                    return await self._get(path, limit, deadline, is_extra=is_extra)
                except (ApiBusy, ApiUnreachable) as error:
                    if not is_extra:
                        self._note_pause(error, clock())
                    wait = self._wait_before_retry(error, failures)
                    if wait is None or clock() + wait >= deadline:
                        raise
                    _LOG.info("useapi.net failed (%s), trying again in %.2f s", error, wait)
                    self._telemetry.retried("api")
                await asyncio.sleep(wait)
            return await self._get(path, limit, deadline, is_extra=is_extra)

    def _wait_before_retry(self, error: ApiBusy | ApiUnreachable, failures: int) -> float | None:
        """Return the seconds to wait before the next attempt, None if there should be none."""
        if isinstance(error, ApiNotSecure) and error.is_lasting:
            return None
        if isinstance(error, ApiUnreachable):
            return backoff(failures, self._jitter(), first=0.5)
        asked = error.retry_after
        if asked is None or asked > _LONGEST_RETRY_SECONDS:
            return None
        return max(asked, backoff(failures, self._jitter(), first=0.5))

    def _note_pause(self, error: ApiBusy | ApiUnreachable, now: float) -> None:
        """Remember a requested pause that is too long to wait for, a minute at most: until then no call is made."""
        if isinstance(error, ApiBusy) and error.retry_after is not None and error.retry_after > _LONGEST_RETRY_SECONDS:
            self._busy_until = now + min(error.retry_after, _LONGEST_PAUSE_SECONDS)

    async def _get(self, path: str, limit: int, deadline: float, *, is_extra: bool) -> bytes:
        count = self._telemetry.extra_called if is_extra else self._telemetry.api_called
        headers = {"Authorization": f"Bearer {self._token.get_secret_value()}"}
        url = yarl.URL(self._base_url + path, encoded=True)
        try:
            async with asyncio.timeout_at(deadline):
                response = await self._session.get(url, headers=headers, allow_redirects=False)
        except (aiohttp.ClientError, OSError) as error:
            count("unreachable")
            if asyncio.get_running_loop().time() >= deadline:
                raise ApiSlow(type(error).__name__) from None
            # A connection that breaks later has had its handshake.
            is_connecting = isinstance(error, aiohttp.ClientConnectorError)
            failure = find_tls_failure(error, is_connecting=True) if is_connecting else None
            raise (ApiNotSecure(failure) if failure else ApiUnreachable(type(error).__name__)) from None
        async with response:
            self._witness(response.headers.get("Date"))
            count(str(response.status))
            check_status(response.status, response.headers, self._now())
            return await _read_body(response, limit, deadline)


@asynccontextmanager
async def _slot_of(slots: asyncio.Semaphore, deadline: float) -> AsyncIterator[None]:
    """Hold one of the slots.

    Raises:
        ApiSlow: the calls before take all slots until the deadline (loop time).
    """
    try:
        async with asyncio.timeout_at(deadline):
            await slots.acquire()
    except TimeoutError:
        raise ApiSlow("other calls took all slots") from None
    try:
        yield
    finally:
        slots.release()


async def _aside(body: bytes, parse: Callable[[], Parsed]) -> Parsed:
    return parse() if len(body) <= _PARSED_AT_ONCE else await asyncio.to_thread(parse)


async def _read_body(response: aiohttp.ClientResponse, limit: int, deadline: float) -> bytes:
    """Return the decompressed body.

    Raises:
        UnreadableAnswer: it is larger than the limit (in bytes).
        AnswerCutOff: it is cut off, or not complete by the deadline (loop time).
    """
    body = bytearray()
    try:
        async with asyncio.timeout_at(deadline):
            async for chunk in response.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise UnreadableAnswer(f"over {limit} bytes")
    except (aiohttp.ClientError, OSError) as error:
        raise AnswerCutOff(f"broke off: {type(error).__name__}") from None
    return bytes(body)
