"""The accounts of one useapi.net token: equal calls are shared, and answers are reused for some seconds."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TypeVar

from pydantic import SecretStr

from bot.core.accounts import Account, AccountSnapshot, by_expiry, is_possible_id
from bot.core.naming import find_named, find_similar, is_label
from bot.core.secrets import Redactor
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.errors import AmbiguousName, ApiSlow, BotError, NoSuchAccount, Stopping, Suggestion, TryLater
from bot.useapi.client import BUDGET_SECONDS, Call, MiniMaxClient, build_session
from bot.useapi.shared_calls import SharedCalls
from bot.useapi.usage import Usage

REUSE_FOR = timedelta(seconds=15)
LIST_REUSE_FOR = timedelta(seconds=60)
LIST_WAIT_SECONDS = 1.5
# Completion is not rate limited as commands are, and each key would make a call.
LIST_RETRY_AFTER = timedelta(seconds=5)
MAX_KEPT = 4096
_FEW = 1_000

Answer = TypeVar("Answer")


@asynccontextmanager
async def open_directory(
    *,
    base_url: str,
    token: SecretStr,
    redact: Redactor,
    now: Callable[[], datetime],
    jitter: Callable[[], float] = random.random,
    budget: float = BUDGET_SECONDS,
    max_kept: int = MAX_KEPT,
    keep_connections: bool = True,
    telemetry: Telemetry = NO_TELEMETRY,
    witness: Callable[[str | None], None] = lambda _date: None,
) -> AsyncIterator["AccountDirectory"]:
    """Open a directory with a connection of its own, closed at the end.

    The arguments are those of `MiniMaxClient` and `AccountDirectory`; without `keep_connections` each call makes a new
    connection.
    """
    async with build_session(keep_connections=keep_connections) as session:
        client = MiniMaxClient(
            session,
            base_url=base_url,
            token=token,
            redact=redact,
            now=now,
            jitter=jitter,
            budget=budget,
            telemetry=telemetry,
            witness=witness,
        )
        directory = AccountDirectory(client, now=now, budget=budget, max_kept=max_kept)
        try:
            yield directory
        finally:
            directory.close()


class AccountDirectory:
    """Finds and reads accounts; at most `max_kept` answers about single accounts are kept.

    `usage` reads their jobs and credits.
    """

    def __init__(
        self,
        client: MiniMaxClient,
        *,
        now: Callable[[], datetime],
        budget: float = BUDGET_SECONDS,
        max_kept: int = MAX_KEPT,
    ) -> None:
        self._client = client
        self._budget = budget
        self._now = now
        self._max_kept = max_kept
        self._singles: dict[str, AccountSnapshot] = {}
        self._listing: dict[str, AccountSnapshot] = {}
        self._listed_at: datetime | None = None
        self._list_failed_at: datetime | None = None
        self._account_calls = SharedCalls[AccountSnapshot]()
        self._list_calls = SharedCalls[Mapping[str, AccountSnapshot]]()
        self._is_closed = False
        self.usage = Usage(client, now=now, max_kept=max_kept)

    @property
    def last_call(self) -> Call | None:
        """Return how the last call to the API ended, None before that."""
        return self._client.last_call

    def finds_secret(self, text: str) -> bool:
        """Whether a text holds one of the bot's own secrets."""
        return self._client.redact.finds_secret(text)

    async def look_up(self, asked: str) -> AccountSnapshot:
        """Find an account by its id, or else by a user name, or a part of one, that only one account has.

        A line of completion finds its account too.

        Raises:
            NoSuchAccount: none matches; holds similar ones, or else the existing ones, if they can be read.
            AmbiguousName: several accounts match.
            BotError: the API failed.
        """
        asked = asked.strip()
        # Names move between accounts, so only a current list decides that a text is a name.
        is_known_name = self._is_recent(self._listed_at, LIST_REUSE_FOR) and asked not in self._listing
        named, is_whole = await _find_named(asked, self._listing) if is_known_name else ([], False)
        if not (named and is_whole) and not is_possible_id(asked):
            raise await self._no_such_account(asked, self._listing)
        deadline = self._deadline()
        try:
            if named and is_whole:
                return await self.read(_only(asked, named, is_whole=True).id)
            if not is_label(asked):
                return await self.read(asked)
        except NoSuchAccount:
            pass
        return await self._look_up_in_list(asked, deadline)

    def _deadline(self) -> float:
        """Return until when a look-up that begins now may take, in loop time."""
        return asyncio.get_running_loop().time() + self._budget

    async def _read_all_by(self, deadline: float) -> Mapping[str, AccountSnapshot]:
        try:
            async with asyncio.timeout_at(deadline):
                return await self.read_all()
        except TimeoutError:
            raise ApiSlow("the list took too long") from None

    async def _look_up_in_list(self, asked: str, deadline: float) -> AccountSnapshot:
        try:
            listing = await self._read_all_by(deadline)
        except TryLater as error:
            # Digits were meant as an id, which certainly does not exist; a name may exist.
            if isinstance(error, Stopping) or not asked.isdigit():
                raise
            raise NoSuchAccount(self._client.redact(asked)) from None
        named, is_whole = await _find_named(asked, listing)
        if named:
            return listing[_only(asked, named, is_whole=is_whole).id]
        raise await self._no_such_account(asked, listing)

    async def read_again(self, account_id: str) -> AccountSnapshot:
        """Read one account with a new call.

        Raises:
            NoSuchAccount: it does not exist; holds the existing ones.
            BotError: the API failed.
        """
        deadline = self._deadline()
        try:
            return await self.read(account_id, fresh=True)
        except NoSuchAccount:
            listing = await self._read_all_by(deadline)
            raise await self._no_such_account(account_id, listing, is_typed=False) from None

    async def _no_such_account(
        self, asked: str, listing: Mapping[str, AccountSnapshot], *, is_typed: bool = True
    ) -> NoSuchAccount:
        def find() -> tuple[list[Account], list[Account]]:
            others = [account for account in _by_expiry(listing) if account.id != asked]
            return find_similar(asked, others) if is_typed else [], others

        similar, others = await _aside(len(listing), find)
        return NoSuchAccount(self._client.redact(asked), _suggestions(similar or others), are_similar=bool(similar))

    async def read(self, account_id: str, *, fresh: bool = False) -> AccountSnapshot:
        """Read one account; an answer up to 15 seconds old is reused, unless it must be `fresh`.

        Raises:
            BotError: as `MiniMaxClient.fetch_account`.
        """
        known = None if fresh else self._known(account_id)
        if known is not None:
            return known
        self._ensure_open()
        call = self._account_calls.join(account_id, lambda: self._fetch_account(account_id), fresh=fresh)
        return await self._wait(call)

    async def read_all(self, *, fresh: bool = False) -> Mapping[str, AccountSnapshot]:
        """Read all accounts, by id; an answer up to 15 seconds old is reused, unless it must be `fresh`.

        Raises:
            BotError: as `MiniMaxClient.fetch_accounts`.
        """
        if self._is_recent(self._listed_at, REUSE_FOR) and not fresh:
            return self._listing
        self._ensure_open()
        return await self._wait(self._list_calls.join("list", self._fetch_list, fresh=fresh))

    async def offer(self) -> list[Account]:
        """Return all known accounts, soonest expiry first, for completion; never raises, takes 1.5 seconds at most.

        A list older than 60 seconds is read again first, unless that failed within the last 5 seconds.
        """
        is_old = not self._is_recent(self._listed_at, LIST_REUSE_FOR)
        if is_old and not self._is_recent(self._list_failed_at, LIST_RETRY_AFTER) and not self._is_closed:
            await asyncio.wait({self._join_list_call()}, timeout=LIST_WAIT_SECONDS)
        newer = {key: snapshot for key, snapshot in self._singles.items() if self._is_newer_than_list(snapshot)}
        offered = self._listing | newer
        return await _aside(len(offered), lambda: _by_expiry(offered))

    def _is_newer_than_list(self, snapshot: AccountSnapshot) -> bool:
        return self._listed_at is None or self._listed_at < snapshot.read_at <= self._now()

    def close(self) -> None:
        """Let all waiting and later reads fail with Stopping."""
        self._is_closed = True
        self._account_calls.fail_all()
        self._list_calls.fail_all()
        self.usage.close()

    def _is_recent(self, moment: datetime | None, age: timedelta) -> bool:
        # The lower bound is for a clock that was set back.
        return moment is not None and timedelta(0) <= self._now() - moment <= age

    def _known(self, account_id: str) -> AccountSnapshot | None:
        snapshots = (self._singles.get(account_id), self._listing.get(account_id))
        recent = [snapshot for snapshot in snapshots if snapshot and self._is_recent(snapshot.read_at, REUSE_FOR)]
        return max(recent, key=lambda snapshot: snapshot.read_at, default=None)

    def _ensure_open(self) -> None:
        if self._is_closed:
            raise Stopping("the bot is stopping")

    async def _wait(self, call: asyncio.Task[Answer]) -> Answer:
        await asyncio.wait({call})
        if call.cancelled():
            raise Stopping("the bot is stopping")
        return call.result()

    def _join_list_call(self) -> asyncio.Task[Mapping[str, AccountSnapshot]]:
        return self._list_calls.join("list", self._fetch_list)

    async def _fetch_account(self, account_id: str) -> AccountSnapshot:
        asked_at = self._now()
        try:
            snapshot = AccountSnapshot(await self._client.fetch_account(account_id), asked_at)
        except NoSuchAccount:
            self._singles.pop(account_id, None)
            raise
        known = self._singles.pop(account_id, snapshot)
        # The answer of a later call may have arrived first. The upper bound is for a clock that was set back.
        is_overtaken = asked_at < known.read_at <= self._now()
        self._singles[account_id] = known if is_overtaken else snapshot
        if len(self._singles) > self._max_kept:
            del self._singles[next(iter(self._singles))]
        return snapshot

    async def _fetch_list(self) -> Mapping[str, AccountSnapshot]:
        asked_at = self._now()
        try:
            accounts = await self._client.fetch_accounts()
        except BotError:
            self._list_failed_at = self._now()
            raise
        self._listed_at = asked_at
        self._listing = {key: AccountSnapshot(account, asked_at) for key, account in accounts.items()}
        return self._listing


async def _aside(number: int, work: Callable[[], Answer]) -> Answer:
    """Return the result of pure work on so many accounts; on many, in a thread, so that other answers do not wait."""
    return work() if number <= _FEW else await asyncio.to_thread(work)


async def _find_named(asked: str, listing: Mapping[str, AccountSnapshot]) -> tuple[list[Account], bool]:
    """Find accounts by name; the API may list an account that it no longer gives by its id, which is left out."""
    return await _aside(
        len(listing), lambda: find_named(asked, (one for one in _by_expiry(listing) if one.id != asked))
    )


def _by_expiry(listing: Mapping[str, AccountSnapshot]) -> list[Account]:
    return sorted((item.account for item in listing.values()), key=by_expiry)


def _only(asked: str, accounts: Sequence[Account], *, is_whole: bool) -> Account:
    if len(accounts) > 1:
        raise AmbiguousName(asked, _suggestions(sorted(accounts, key=lambda one: one.id)), is_whole=is_whole)
    return accounts[0]


def _suggestions(accounts: Iterable[Account]) -> list[Suggestion]:
    return [(account.name or "", account.id) for account in accounts]
