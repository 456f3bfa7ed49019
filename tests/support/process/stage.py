"""A process of the bot between its two stand-ins, ready for commands."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from bot.useapi.fake import TOKEN as USEAPI_TOKEN
from bot.useapi.fake import FakeApi
from tests.support.wire.discord_standin import DiscordStandIn
from tests.support.wire.payloads import GUILD_ID
from tests.support.wire.process import BotProcess, run_bot
from tests.support.wire.rest import TOKEN as DISCORD_TOKEN

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoibWlkZGxlLW9mLXRoZS1qd3QifQ.c2lnbmF0dXJlLW9mLXRoZS1qd3Q"
DEVICE_ID = "device-90210-fingerprint"
SEARCH_PARAMS = "device_platform=web&uuid=0f0e0d0c-fingerprint"
_DAY = 86_400.0
_FIRST_ACCOUNT = 104_000_000
# What asyncio logs when an error was lost on its way.
LOST_ERRORS = ("never retrieved", "never awaited", "exception in callback")


def build_settings(api_url: str, **changes: str) -> dict[str, str]:
    """Return the environment of a bot for one server, with changes."""
    return {
        "DISCORD_TOKEN": DISCORD_TOKEN,
        "USEAPI_TOKEN": USEAPI_TOKEN,
        "GUILD_IDS": str(GUILD_ID),
        "USEAPI_BASE_URL": api_url,
        **changes,
    }


def build_account(account_id: str) -> dict[str, Any]:
    """Return an account object as the API gives it, 20 days before its expiry."""
    expires = time.time() + 20 * _DAY
    user = {"deviceID": DEVICE_ID, "id": account_id, "isAnonymous": False, "name": f"Owner of {account_id}"}
    jwt = {
        "token": JWT,
        "user": user,
        "exp": expires,
        "iat": expires - 30 * _DAY,
        "host": "hailuoai.video",
        "searchParams": SEARCH_PARAMS,
    }
    return {"account": account_id, "jwt": jwt, "maxJobs": 3, "supportVideo": True}


class HeldApi:
    """An API that keeps everyone waiting until it is released; `called` is set by the first call."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self._released = asyncio.Event()
        self.called = asyncio.Event()
        self.status = 200

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer one call once released."""
        self.called.set()
        await self._released.wait()
        return web.json_response(self._api.accounts.get(request.match_info.get("account", "")), status=self.status)

    def release(self, status: int = 200) -> None:
        """Let all calls be answered, with this status."""
        self.status = status
        self._api.behave = None
        self._released.set()


@dataclass
class Stage:
    """A bot that is connected and has read the accounts once, when there were none."""

    discord: DiscordStandIn
    api: FakeApi
    bot: BotProcess
    _held: list[HeldApi] = field(default_factory=list)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(_FIRST_ACCOUNT))

    def add_accounts(self, number: int) -> list[str]:
        """Set up accounts that the bot has not read yet, and return their ids."""
        added = [str(next(self._numbers)) for _ in range(number)]
        self.api.accounts.update({account_id: build_account(account_id) for account_id in added})
        return added

    def add_account(self) -> str:
        """Set up an account that the bot has not read yet, and return its id."""
        return self.add_accounts(1)[0]

    async def settle(self) -> None:
        """Let one more command come and go, after which the bot has sent what it had to send about those before."""
        await (await self.discord.slash("no-such-account")).answer()

    def hold_api(self) -> HeldApi:
        """Let the API keep everyone waiting from now on."""
        held = HeldApi(self.api)
        self._held.append(held)
        self.api.behave = held
        return held

    def reset(self) -> None:
        """Let the stand-ins forget how they were told to behave, and keep nobody waiting."""
        for held in self._held:
            held.release()
        self.api.behave, self.api.delay = None, 0.0
        self.discord.rest.round_trip = 0.0


@asynccontextmanager
async def open_stage(discord: DiscordStandIn | None = None, **changes: str) -> AsyncIterator[Stage]:
    """Run the bot until the block ends; then it must stop in good order, no error lost, no request unforeseen."""
    discord, api = discord or DiscordStandIn(), FakeApi({})
    async with discord.serve() as url, api.serve() as api_url:
        async with run_bot(url, build_settings(api_url, **changes)) as bot:
            await bot.says("useapi.net answers")
            await discord.gateway.ready()
            stage = Stage(discord, api, bot)
            try:
                yield stage
            finally:
                stage.reset()
            assert await bot.stop() == 0
        assert not discord.rest.unknown.items
        assert not [line for line in bot.lines if any(text in line.lower() for text in LOST_ERRORS)]
