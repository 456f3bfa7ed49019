"""The faults of a soak: each kind that the promise covers, caused for a moment at a random time."""

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus

import sqlalchemy as sa
from aiohttp import web
from sqlalchemy.ext.asyncio import create_async_engine

from tests.support.network import NOWHERE
from tests.support.postgres import Postgres
from tests.support.process.deployment import Deployment
from tests.support.relay import Relay
from tests.support.wire.channels import FORBIDDEN, Part
from tests.support.wire.payloads import GUILD_ID
from tests.support.wire.rest import MISSING_ACCESS, Fault, refuse

# Nobody listens there.
DEAD_GATEWAY = NOWHERE.replace("http", "ws")
_GATEWAY_CLOSED = 4000
# Jumps of the machine's clock, all more than the bot tolerates.
_SMALLEST_JUMP, _LARGEST_JUMP = timedelta(minutes=10), timedelta(hours=50)
_END_BACKENDS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid() AND random() < :share"
)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around the bots: the stand-ins, a PostgreSQL server perhaps, and the network between.

    `relays` lead to Discord, the API and perhaps PostgreSQL, whose address for the bots is `database_url`.
    """

    deployment: Deployment
    postgres: Postgres | None
    relays: tuple[Relay, ...]
    database_url: str


class Faults:
    """Causes faults, drawn at random; `done` counts them by name."""

    def __init__(self, around: Surroundings, chance: random.Random, done: Counter[str]) -> None:
        self._around = around
        self._deployment = around.deployment
        self._discord = around.deployment.discord
        self._chance = chance
        self._done = done
        self.channels: list[int] = []
        self._kinds: list[Callable[[], Awaitable[None]]] = [
            self._fail_discord,
            self._lose_answers,
            self._hang_channel,
            self._refuse_content,
            self._kick,
            self._drop_session,
            self._fail_api,
            self._fall_silent,
            self._jump,
        ]
        self._kinds += [self._crash_database, self._end_backends] if around.postgres else []

    async def cause_some(self) -> None:
        """Cause up to three kinds of faults at once, and end them."""
        chosen = self._chance.sample(self._kinds, self._chance.randint(0, 3))
        await asyncio.gather(*(cause() for cause in chosen))

    async def pause(self) -> None:
        """Wait for a moment."""
        await asyncio.sleep(self._chance.uniform(0.1, 1.0))

    def set_clock_wrong(self) -> None:
        """Set the machine's clock wrong by minutes to days, ahead or behind."""
        jump = self._chance.uniform(_SMALLEST_JUMP.total_seconds(), _LARGEST_JUMP.total_seconds())
        self._deployment.set_machine_clock(self._chance.choice([-1, 1]) * timedelta(seconds=jump))
        self._count("clock jumps")

    def _count(self, name: str, number: int = 1) -> None:
        self._done[name] += number

    @contextlib.contextmanager
    def _failing(self, *faults: Fault) -> Iterator[None]:
        """Let requests to Discord fail until the block ends."""
        self._discord.rest.faults += faults
        try:
            yield
        finally:
            for fault in faults:
                self._discord.rest.faults.remove(fault)

    async def _jump(self) -> None:
        self.set_clock_wrong()
        await self.pause()
        self._deployment.set_machine_clock(timedelta(0))

    async def _fail_discord(self) -> None:
        """Let requests about channels fail; the history stays readable in the end, as the promise requires."""
        if self._chance.random() < 0.5:
            fault = _refusing("POST", HTTPStatus.FORBIDDEN, FORBIDDEN, times=self._chance.randint(1, 6))
        else:
            status = self._chance.choice([HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.BAD_GATEWAY])
            fault = _refusing(self._chance.choice(["POST", "GET"]), status)
        self._count("faults of Discord")
        with self._failing(fault):
            await self.pause()

    async def _lose_answers(self) -> None:
        status = self._chance.choice([None, HTTPStatus.INTERNAL_SERVER_ERROR])
        for channel in self._chance.sample(self.channels, 2):
            self._deployment.channels.lose_answer(channel, status)
        self._count("answers of Discord lost", 2)

    async def _hang_channel(self) -> None:
        channel = self._chance.choice(self.channels)
        self._deployment.channels.hanging.add(channel)
        self._count("channels that hang")
        await self.pause()
        self._deployment.channels.hanging.discard(channel)

    async def _refuse_content(self) -> None:
        """Let some channels refuse embeds, their pictures, or buttons and menus, but not text."""
        refused = self._deployment.channels.refused_parts
        for channel in self._chance.sample(self.channels, 3):
            refused[channel] = set(self._chance.sample(list(Part), self._chance.randint(1, len(Part))))
        self._count("channels that refuse contents", 3)
        await self.pause()
        refused.clear()

    async def _kick(self) -> None:
        """Remove the bot from the server, where it can do nothing any more, and invite it again."""
        if not self._discord.gateway.identifies:
            return
        await self._discord.kick(GUILD_ID)
        self._count("kicks and invitations")
        methods = ("GET", "POST", "PATCH", "DELETE")
        with self._failing(*(_refusing(method, HTTPStatus.FORBIDDEN, MISSING_ACCESS) for method in methods)):
            await self.pause()
        await self._discord.invite(GUILD_ID)

    async def _drop_session(self) -> None:
        """Close the connection to the gateway; new sessions get an address for resumes that may be dead."""
        gateway = self._discord.gateway
        gateway.resume_url = self._chance.choice([DEAD_GATEWAY, self._gateway_url])
        if gateway.open_sessions:
            await gateway.close(_GATEWAY_CLOSED)
            self._count("connections to the gateway closed")

    @property
    def _gateway_url(self) -> str:
        return f"{self._deployment.discord_url.replace('http', 'ws')}/gateway/"

    async def _fail_api(self) -> None:
        status = self._chance.choice([HTTPStatus.BAD_GATEWAY, HTTPStatus.UNAUTHORIZED, HTTPStatus.OK])

        async def fail(_request: web.Request) -> web.Response:
            return web.Response(status=status, text="<html>")

        self._deployment.api.behave = fail
        self._count("faults of the API")
        await self.pause()
        self._deployment.api.behave = None

    async def _fall_silent(self) -> None:
        """Let all connections to one server fall silent; new ones work at once, or after a moment."""
        relay = self._chance.choice(self._around.relays)
        self._count("connections that fall silent")
        if self._chance.random() < 0.5:
            relay.forget()
            return
        relay.hang()
        await self.pause()
        relay.resume()

    async def _crash_database(self) -> None:
        postgres = self._around.postgres
        if postgres is None or self._chance.random() < 0.5:
            return
        self._count("crashes of PostgreSQL")
        await asyncio.to_thread(postgres.crash)
        try:
            await self.pause()
        finally:
            await asyncio.to_thread(postgres.start)

    async def _end_backends(self) -> None:
        """Terminate some of the bots' connections to PostgreSQL, chosen at random."""
        engine = create_async_engine(self._deployment.database_url)
        try:
            async with engine.begin() as connection:
                ended = await connection.execute(sa.text(_END_BACKENDS), {"share": self._chance.random()})
                self._count("connections to PostgreSQL terminated", len(ended.all()))
        except (sa.exc.SQLAlchemyError, OSError):
            # The server is just restarting.
            return
        finally:
            await engine.dispose()


def _refusing(method: str, status: int, code: int = 0, *, times: int | None = None) -> Fault:
    """Return an error of requests about channels."""
    return Fault(method, re.compile("/channels/"), lambda _request: refuse(status, code), times)
