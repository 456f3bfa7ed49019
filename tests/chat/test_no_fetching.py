"""Tests that the bot fetches no address that its data holds."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from tests.support.accounts import build_account
from tests.support.chat.answers import embed_of, message_of
from tests.support.chat.reminders import add, posts_in
from tests.support.world import World

NAME = "trap.example"


@dataclass
class Trap:
    """A server at an address that the data holds: the `visits` to it, and the names that were `resolved`."""

    port: int = 0
    visits: list[object] = field(default_factory=list)
    resolved: list[str] = field(default_factory=list)

    async def visit(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Record a visit and close the connection."""
        self.visits.append(writer.get_extra_info("peername"))
        writer.close()

    def resolve(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """Return a resolver that records each name, and resolves the trap's own to the trap."""

        def resolve(host: Any, *rest: Any, **more: Any) -> Any:
            self.resolved.append(str(host))
            return real("127.0.0.1" if host == NAME else host, *rest, **more)

        return resolve


@asynccontextmanager
async def open_trap(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Trap]:
    """Serve the trap under a name that looks public."""
    trap = Trap()
    monkeypatch.setattr(socket, "getaddrinfo", trap.resolve(socket.getaddrinfo))
    async with await asyncio.start_server(trap.visit, "127.0.0.1", 0) as server:
        trap.port = server.sockets[0].getsockname()[1]
        yield trap


def with_address(account_id: str, url: str, *, is_fingerprint: bool = False) -> dict[str, Any]:
    """Return an account with the address in every field that may hold one; in a fingerprint it is hidden everywhere."""
    entry = build_account(account_id, url, days=2, error=url, callback=url, replyUrl=url)
    entry["jwt"]["user"] |= {"avatar": url, "id": url}
    entry["jwt"] |= {"host": url, "url": url}
    if is_fingerprint:
        entry["jwt"]["searchParams"] = f"url={url}"
    return entry


def test_the_trap_records_visits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A visit by name is resolved and recorded, so that the tests below can fail."""

    async def visit() -> Trap:
        async with open_trap(monkeypatch) as trap:
            reader, writer = await asyncio.open_connection(NAME, trap.port)
            assert await reader.read() == b""
            writer.close()
            return trap

    trap = asyncio.run(visit())
    assert (len(trap.visits), trap.resolved) == (1, [NAME])


async def use_everything(world: World) -> str | None:
    """Add a reminder, complete, look up, share, press and poll; return the address of the card's picture."""
    await add(world)
    await world.complete("")
    await world.look_up("2")
    shown = message_of(await world.look_up("1", share="yes"))
    await world.manager.click(shown, label="Check now")
    await world.poll_once()
    assert len(posts_in(world.channel)) == 2
    return shown.embeds[0].thumbnail.url


@pytest.mark.parametrize("host", [NAME, "127.0.0.1", "localhost"])
async def test_no_address_from_data_is_ever_fetched(world: World, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """Look-up, completion, button and reminders fetch no address of an account."""
    async with open_trap(monkeypatch) as trap:
        url = f"http://{host}:{trap.port}/a.png"
        world.api.accounts = {"1": with_address("1", url), "2": with_address("2", url, is_fingerprint=True)}
        assert await use_everything(world) == (url if host == NAME else None)
    assert trap.visits == []
    assert NAME not in trap.resolved


async def test_no_address_from_a_header_is_ever_fetched(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """No header of an answer that points elsewhere is followed."""
    async with open_trap(monkeypatch) as trap:
        url = f"http://{NAME}:{trap.port}/"
        headers = {
            "Location": url,
            "Link": f"<{url}>; rel=preload",
            "Refresh": f"0; url={url}",
            "Content-Location": url,
        }

        async def point_elsewhere(request: web.Request) -> web.StreamResponse:
            return web.Response(status=200 if "account" in request.match_info else 302, headers=headers)

        world.api.behave = point_elsewhere
        assert embed_of(await world.look_up("1")).title == "useapi.net's answer can't be read"
        await world.complete("")
        await world.poll_once()
    assert len(world.api.calls) == 3
    assert trap.visits == []
    assert NAME not in trap.resolved
