"""The API client and the account directory on the fake API, in the process of the test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self

import aiohttp
from aiohttp import web
from pydantic import SecretStr

from bot.core.secrets import Redactor
from bot.core.telemetry import NO_TELEMETRY, Telemetry
from bot.useapi.client import MiniMaxClient, build_session
from bot.useapi.directory import MAX_KEPT, AccountDirectory, open_directory
from bot.useapi.fake import TOKEN, FakeApi
from tests.support.accounts import START


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    at: datetime = START

    def __call__(self) -> datetime:
        """Return the time."""
        return self.at

    def move(self, seconds: float) -> None:
        """Move the time forwards, or backwards."""
        self.at += timedelta(seconds=seconds)


def no_pause() -> float:
    """Return the jitter that makes every pause between two attempts zero."""
    return -1.0


@asynccontextmanager
async def open_client(
    base_url: str,
    *,
    budget: float = 10.0,
    now: datetime = START,
    token: str = TOKEN,
    witness: Callable[[str | None], None] = lambda _date: None,
    telemetry: Telemetry = NO_TELEMETRY,
    session: aiohttp.ClientSession | None = None,
) -> AsyncIterator[MiniMaxClient]:
    """Open a client that retries at once."""
    async with session or build_session() as opened:
        yield MiniMaxClient(
            opened,
            base_url=base_url,
            token=SecretStr(token),
            redact=Redactor([token]),
            now=lambda: now,
            jitter=no_pause,
            budget=budget,
            witness=witness,
            telemetry=telemetry,
        )


@dataclass
class ServedDirectory:
    """A directory with its clock and the fake API that it reads."""

    directory: AccountDirectory
    api: FakeApi
    clock: Clock


@asynccontextmanager
async def serve_directory(
    accounts: dict[str, Any], *, budget: float = 10.0, max_kept: int = MAX_KEPT
) -> AsyncIterator[ServedDirectory]:
    """Open a directory of these accounts whose clock stands still."""
    api, clock = FakeApi(accounts), Clock()
    async with (
        api.serve() as base_url,
        open_directory(
            base_url=base_url,
            token=SecretStr(TOKEN),
            redact=Redactor([TOKEN]),
            now=clock,
            jitter=no_pause,
            budget=budget,
            max_kept=max_kept,
        ) as directory,
    ):
        yield ServedDirectory(directory, api, clock)


class Gate:
    """Holds the fake API's answers back until it is opened, or its block ends; each answer is as of its request.

    `arrived` gets the path of each request.
    """

    def __init__(self, api: FakeApi) -> None:
        self.arrived = asyncio.Queue[str]()
        self._accounts = api.accounts
        self._open = asyncio.Event()
        api.behave = self._answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def open(self) -> None:
        """Send all answers."""
        self._open.set()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        account_id = request.match_info.get("account")
        found = self._accounts if account_id is None else self._accounts.get(account_id)
        response = web.json_response(found, status=404 if found is None else 200)
        self.arrived.put_nowait(request.raw_path)
        await self._open.wait()
        return response
