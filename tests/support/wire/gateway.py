"""Discord's gateway: a WebSocket with identify, resume and replay, and the faults of a test."""

import contextlib
import json
import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from http import HTTPStatus
from typing import Any

from aiohttp import WSMsgType, web

from tests.support.wire.journal import Journal
from tests.support.wire.payloads import APPLICATION_ID, Json, build_joined_guild, build_user
from tests.support.wire.rest import Rest

PATH = "/gateway/"
AUTHENTICATION_FAILED = 4004
_HEARTBEAT_MS = 41_250
_GUILDS_INTENT = 1

Deflate = Callable[[bytes], bytes]


class Op(IntEnum):
    """The operation of a gateway message."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


@dataclass
class Session:
    """A session, which outlives its connections: a resume replays its events."""

    id: str
    hears_of_servers: bool
    events: list[Json] = field(default_factory=list)
    last: int = 0

    def number(self, event: str, data: Any, *, keep: bool = True) -> Json:
        """Return an event as it is sent, with the session's next sequence number."""
        self.last += 1
        message = {"op": Op.DISPATCH, "t": event, "s": self.last, "d": data}
        if keep:
            self.events.append(message)
        return message


def _build_deflate(kind: str | None) -> Deflate | None:
    """Return the compression that a bot asks for, None for text."""
    if kind == "zlib-stream":
        zlib_stream = zlib.compressobj()
        return lambda data: zlib_stream.compress(data) + zlib_stream.flush(zlib.Z_SYNC_FLUSH)
    return _build_zstd() if kind == "zstd-stream" else None


def _build_zstd() -> Deflate:
    """Return the compression that discord.py prefers where it can: with zstandard, or from Python 3.14 on."""
    if sys.version_info >= (3, 14):
        from compression import zstd

        stream = zstd.ZstdCompressor()
        return lambda data: stream.compress(data, stream.FLUSH_BLOCK)
    import zstandard

    zstd_stream = zstandard.ZstdCompressor().compressobj()
    block: int = zstandard.COMPRESSOBJ_FLUSH_BLOCK
    return lambda data: bytes(zstd_stream.compress(data) + zstd_stream.flush(block))


class Socket(web.WebSocketResponse):
    """A connection; its messages are compressed if the bot asked for that."""

    def __init__(self, deflate: Deflate | None) -> None:
        super().__init__(compress=False, max_msg_size=0)
        self._deflate = deflate

    async def send(self, message: Json) -> None:
        """Send a message."""
        text = json.dumps(message)
        if self._deflate is None:
            await self.send_str(text)
        else:
            await self.send_bytes(self._deflate(text.encode()))


class Gateway:
    """Serves the processes of one bot; each of their sessions gets all events, as from Discord.

    The journals record messages of the bot (`received`), accepted and refused connections (`upgrades`), sessions that
    began or were resumed (`started`) and close codes (`closes`).
    """

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.received: Journal[Json] = Journal()
        self.upgrades: Journal[bool] = Journal()
        self.started: Journal[Op] = Journal()
        self.closes: Journal[int | None] = Journal()
        self.upgrades_to_refuse = 0
        self.refuse_identify = False
        # Where a session is to be resumed, if not here.
        self.resume_url = ""
        # How each session ends as soon as it begins: by a close code, as invalid, or (None) by a refused connection.
        self.endings: Iterator[int | Op | None] | None = None
        self._sessions: dict[str, Session] = {}
        # The connections of the sessions, the newest last.
        self._sockets: dict[str, Socket] = {}

    @property
    def identifies(self) -> int:
        """Return how often a bot has identified."""
        return len(self.received.matching(lambda message: message["op"] == Op.IDENTIFY))

    @property
    def resumes(self) -> int:
        """Return how often a bot has asked to resume a session."""
        return len(self.received.matching(lambda message: message["op"] == Op.RESUME))

    @property
    def open_sessions(self) -> int:
        """Return how many sessions have a connection."""
        return len(self._sockets)

    @property
    def _newest(self) -> Socket:
        """Return the newest connection."""
        return list(self._sockets.values())[-1]

    def forget(self) -> None:
        """Forget the events so far; a resume replays none of them."""
        for session in self._sessions.values():
            session.events.clear()

    async def ready(self, *, nth: int = 1) -> Op:
        """Wait until a session begins or is resumed for the n-th time; returns which of the two."""
        return await self.started.nth(nth)

    async def announce_guild(self, guild_id: int) -> None:
        """Send that a server is there, to sessions with the intent for servers."""
        await self._dispatch("GUILD_CREATE", build_joined_guild(guild_id), self._hearing())

    async def announce_end(self, guild_id: int, *, is_outage: bool = False) -> None:
        """Send that a server is not there any more: the bot was removed, or there is an outage."""
        data = {"id": str(guild_id)} | ({"unavailable": True} if is_outage else {})
        await self._dispatch("GUILD_DELETE", data, self._hearing())

    def _hearing(self) -> list[str]:
        return [key for key in self._reached() if self._sessions[key].hears_of_servers]

    def _reached(self) -> list[str]:
        assert self._sessions, "no bot has identified itself yet"
        return list(self._sockets) or [list(self._sessions)[-1]]

    async def dispatch(self, event: str, data: Any) -> None:
        """Send an event to each connected session; without any it waits for a resume of the newest session."""
        await self._dispatch(event, data, self._reached())

    async def _dispatch(self, event: str, data: Any, reached: list[str]) -> None:
        messages = {session_id: self._sessions[session_id].number(event, data) for session_id in reached}
        await self._rest.travel()
        for session_id, message in messages.items():
            socket = self._sockets.get(session_id)
            if socket is not None:
                # The process may have been killed just now.
                with contextlib.suppress(ConnectionResetError):
                    await socket.send(message)

    async def send(self, op: Op, data: Any = None) -> None:
        """Send a message other than an event."""
        await self._newest.send({"op": op, "d": data})

    async def garble(self, frame: bytes) -> None:
        """Send a frame that is no message."""
        await self._newest.send_bytes(frame)

    async def close(self, code: int) -> None:
        """Close the connection with this code; later events wait for a resume."""
        _, socket = self._sockets.popitem()
        await socket.close(code=code)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection."""
        is_accepted = len(self.upgrades) >= self.upgrades_to_refuse
        self.upgrades.add(is_accepted)
        if not is_accepted:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        socket = Socket(_build_deflate(request.query.get("compress")))
        await socket.prepare(request)
        await socket.send({"op": Op.HELLO, "d": {"heartbeat_interval": _HEARTBEAT_MS}})
        try:
            async for message in socket:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await self._receive(socket, json.loads(message.data))
        finally:
            self.closes.add(socket.close_code)
            for session_id in [key for key, present in self._sockets.items() if present is socket]:
                del self._sockets[session_id]
        return socket

    async def _receive(self, socket: Socket, message: Json) -> None:
        self.received.add(message)
        match message["op"]:
            case Op.HEARTBEAT:
                await socket.send({"op": Op.HEARTBEAT_ACK})
            case Op.IDENTIFY:
                await self._identify(socket, message["d"])
            case Op.RESUME:
                await self._resume(socket, message["d"])

    async def _identify(self, socket: Socket, data: Json) -> None:
        if self.refuse_identify or data["token"] != self._rest.token:
            await socket.close(code=AUTHENTICATION_FAILED, message=b"Authentication failed.")
            return
        session = Session(f"session-{self.identifies}", bool(data["intents"] & _GUILDS_INTENT))
        self._sessions[session.id] = session
        await socket.send(session.number("READY", self._ready_data(session, socket)))
        if session.hears_of_servers:
            for guild_id in sorted(self._rest.guild_ids):
                # Not kept for a resume: many servers would take more memory than the bot.
                await socket.send(session.number("GUILD_CREATE", build_joined_guild(guild_id), keep=False))
        await self._start(session, socket, Op.IDENTIFY)

    def _ready_data(self, session: Session, socket: Socket) -> Json:
        host, port = socket.get_extra_info("sockname")
        return {
            "v": 10,
            "user": build_user(APPLICATION_ID, "bot", bot=True),
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in sorted(self._rest.guild_ids)],
            "session_id": session.id,
            "resume_gateway_url": self.resume_url or f"ws://{host}:{port}{PATH}",
            "application": {"id": APPLICATION_ID, "flags": 0},
        }

    async def _resume(self, socket: Socket, data: Json) -> None:
        session = self._sessions.get(data["session_id"])
        if session is None or data["token"] != self._rest.token:
            await socket.send({"op": Op.INVALID_SESSION, "d": False})
            return
        for message in session.events:
            if message["s"] > data["seq"]:
                await socket.send(message)
        await socket.send(session.number("RESUMED", {}))
        await self._start(session, socket, Op.RESUME)

    async def _start(self, session: Session, socket: Socket, by: Op) -> None:
        # A session that is resumed is the newest one again.
        self._sockets.pop(session.id, None)
        self._sockets[session.id] = socket
        self.started.add(by)
        if self.endings is not None:
            await self._end(next(self.endings))

    async def _end(self, ending: int | Op | None) -> None:
        if ending is Op.INVALID_SESSION:
            await self.send(ending, data=False)
            return
        if ending is None:
            self.upgrades_to_refuse = len(self.upgrades) + 1
        await self.close(ending or 4000)
