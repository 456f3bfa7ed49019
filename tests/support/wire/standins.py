"""The two stand-ins between which a bot works, and the accounts and delays that they give it."""

import asyncio
import itertools
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from bot.useapi.fake import TOKEN as USEAPI_TOKEN
from bot.useapi.fake import FakeApi
from tests.support.accounts import build_account, by_id
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.payloads import GUILD_ID
from tests.support.wire.rest import TOKEN as DISCORD_TOKEN

_FIRST_ACCOUNT = 104_000_000


def build_settings(api_url: str, **changes: str) -> dict[str, str]:
    """Return the environment of a bot for one server, with changes."""
    return {
        "DISCORD_TOKEN": DISCORD_TOKEN,
        "USEAPI_TOKEN": USEAPI_TOKEN,
        "GUILD_IDS": str(GUILD_ID),
        "USEAPI_BASE_URL": api_url,
        # Tests count the calls for accounts.
        "WATCH_JOBS": "no",
        **changes,
    }


def owner_of(account_id: str) -> str:
    """Return the user name of an account that a stand-in sets up."""
    return f"Owner of {account_id}"


class HeldApi:
    """Holds all answers of the fake API back until it is released; `called` is set by the first call."""

    def __init__(self, api: FakeApi) -> None:
        self._api = api
        self._released = asyncio.Event()
        self.called = asyncio.Event()
        self.status = 200

    async def __call__(self, request: web.Request) -> web.StreamResponse:
        """Answer one call, once released."""
        self.called.set()
        await self._released.wait()
        return web.json_response(self._api.accounts.get(request.match_info.get("account", "")), status=self.status)

    def release(self, status: int = 200) -> None:
        """Send all answers, with this status."""
        self.status = status
        self._api.behave = None
        self._released.set()


@dataclass
class StandIns:
    """Discord and useapi.net, as one bot sees them."""

    discord: DiscordStandIn
    api: FakeApi
    _held: list[HeldApi] = field(default_factory=list, kw_only=True)
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(_FIRST_ACCOUNT), kw_only=True)

    def add_accounts(self, number: int) -> list[str]:
        """Set up accounts that the bot has not read yet, 20 days before their expiry; returns their ids."""
        added, now = [str(next(self._numbers)) for _ in range(number)], datetime.now(UTC)
        self.api.accounts |= by_id(*(build_account(one, owner_of(one), days=20, now=now) for one in added))
        return added

    def add_account(self) -> str:
        """Set up an account that the bot has not read yet; returns its id."""
        return self.add_accounts(1)[0]

    async def settle(self) -> None:
        """Use one more command and wait for its answer: by then the bot has sent everything about those before it."""
        await (await self.discord.slash("no-such-account")).answer()

    def hold_api(self) -> HeldApi:
        """Hold all further answers of the API back."""
        held = HeldApi(self.api)
        self._held.append(held)
        self.api.behave = held
        return held

    def reset(self) -> None:
        """Release the API, and let both stand-ins answer as usual."""
        for held in self._held:
            held.release()
        self.api.behave, self.api.delay = None, 0.0
        self.discord.rest.round_trip = 0.0
