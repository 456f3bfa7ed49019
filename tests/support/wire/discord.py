"""The stand-in of Discord: REST, gateway, and users of the bot's commands."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web

from tests.support.wire.channels import Channels
from tests.support.wire.gateway import PATH, Gateway
from tests.support.wire.interactions import Exchange, Interactions
from tests.support.wire.payloads import (
    AUTOCOMPLETE,
    BUTTON,
    GUILD_ID,
    SLASH,
    SUBMIT,
    Json,
    build_board_data,
    build_command_data,
    build_form_data,
    build_interaction,
    build_press_data,
    build_status_data,
    build_subcommand_data,
)
from tests.support.wire.rest import TOKEN, Rest
from tests.support.wire.virtual_time import read_clock

_BACKLOG = 4096
# 0 would wait without end.
_LEAVE_SECONDS = 0.1


class DiscordStandIn:
    """Serves one bot; `rest`, `gateway`, `channels` and `interactions` record its requests and hold faults.

    `now` is the clock of the `Date` in its answers.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        guild_ids: Iterable[int] = (GUILD_ID,),
        now: Callable[[], datetime] = read_clock,
    ) -> None:
        self.now = now
        self.rest = Rest(token=token)
        self.rest.guild_ids.update(guild_ids)
        self.gateway = Gateway(self.rest)
        self.url = ""
        self.interactions = Interactions()
        self.channels = Channels(now)

    @asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on a loopback port, 0 for a free one; yields the address."""
        app = self.rest.build_app()
        app.on_response_prepare.append(self._date)
        self.interactions.add_routes(app)
        self.channels.add_routes(app)
        app.router.add_get(PATH, self.gateway.handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=_LEAVE_SECONDS)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port, backlog=_BACKLOG).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            yield self.url
        finally:
            await runner.cleanup()

    async def _date(self, _request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Date"] = format_datetime(self.now(), usegmt=True)

    async def kick(self, guild_id: int) -> None:
        """Remove the bot from a server; Discord deletes its commands there."""
        self.rest.guild_ids.discard(guild_id)
        self.rest.commands.pop(guild_id, None)
        await self.gateway.announce_end(guild_id)

    async def invite(self, guild_id: int) -> None:
        """Invite the bot into a server."""
        self.rest.guild_ids.add(guild_id)
        await self.gateway.announce_guild(guild_id)

    def forget(self) -> None:
        """Forget everything recorded so far, for long runs."""
        self.rest.calls.items.clear()
        self.interactions.forget()
        self.gateway.forget()

    async def slash(
        self,
        account: str,
        *,
        share: str | None = None,
        guild_id: int | None = GUILD_ID,
        user_id: str | None = None,
    ) -> Exchange:
        """Use the command in a server or, without a guild id, in a direct message; by default as a new user."""
        options = {"account": account} | ({"share": share} if share else {})
        data = build_command_data(options, guild_id=guild_id)
        return await self._interact(build_interaction(SLASH, data, guild_id=guild_id, user_id=user_id))

    async def manage(self, subcommand: str, **options: str) -> Exchange:
        """Use a subcommand of the reminders in the server."""
        data = build_subcommand_data(subcommand, options)
        return await self._interact(build_interaction(SLASH, data, guild_id=GUILD_ID, user_id=None))

    async def ask_status(self) -> Exchange:
        """Use the command that shows whether the bot works for the server."""
        return await self._interact(
            build_interaction(SLASH, build_status_data(), guild_id=GUILD_ID, user_id=None),
        )

    async def use_board(self, command: str, channel_id: int) -> Exchange:
        """Add the board of a channel, or remove it."""
        data = build_board_data(command, channel_id)
        return await self._interact(build_interaction(SLASH, data, guild_id=GUILD_ID, user_id=None))

    async def slash_all(self, accounts: Iterable[str], *, share: str | None = None) -> list[Exchange]:
        """Use the command for all these accounts at once, each as another user."""
        return list(await asyncio.gather(*(self.slash(account, share=share) for account in accounts)))

    async def type_in(self, typed: str, *, guild_id: int | None = GUILD_ID) -> Exchange:
        """Type into the account option of the command."""
        data = build_command_data({"account": typed}, guild_id=guild_id, focused="account")
        return await self._interact(build_interaction(AUTOCOMPLETE, data, guild_id=guild_id, user_id=None))

    async def press(
        self, message: Json, custom_id: str, *, guild_id: int | None = GUILD_ID, user_id: str | None = None
    ) -> Exchange:
        """Press a button of a message."""
        data = build_press_data(custom_id)
        payload = build_interaction(BUTTON, data, guild_id=guild_id, user_id=user_id, message=message)
        return await self._interact(payload)

    async def submit(
        self, message: Json, custom_id: str, typed: str, *, guild_id: int | None = GUILD_ID, user_id: str | None = None
    ) -> Exchange:
        """Submit a form that a button of a message has opened."""
        data = build_form_data(custom_id, typed)
        payload = build_interaction(SUBMIT, data, guild_id=guild_id, user_id=user_id, message=message)
        return await self._interact(payload)

    async def forge(self, kind: int, data: Json, **more: Any) -> Exchange:
        """Send an interaction in the server that follows no schema, with more or other fields."""
        return await self._interact(build_interaction(kind, data, guild_id=GUILD_ID, user_id=None, **more))

    async def _interact(self, payload: Json) -> Exchange:
        exchange = self.interactions.open(payload)
        await self.gateway.dispatch("INTERACTION_CREATE", payload)
        return exchange
