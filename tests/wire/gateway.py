"""Discord's gateway: a WebSocket with identify, resume and replay, and the faults of a test."""

import json
from dataclasses import dataclass, field
from enum import IntEnum
from http import HTTPStatus
from typing import Any

from aiohttp import WSMsgType, web

from tests.wire.journal import Journal
from tests.wire.payloads import APPLICATION_ID, Json, build_user
from tests.wire.rest import Rest

PATH = "/gateway/"
AUTHENTICATION_FAILED = 4004
_HEARTBEAT_MS = 41_250


class Op(IntEnum):
    """What a gateway message is for."""

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
    """What Discord remembers of a bot between connections: the events, for a resume to replay."""

    id: str
    events: list[Json] = field(default_factory=list)

    def number(self, event: str, data: Any) -> Json:
        """Return the event as it is sent, with the session's next sequence number."""
        message = {"op": Op.DISPATCH, "t": event, "s": len(self.events) + 1, "d": data}
        self.events.append(message)
        return message


class Gateway:
    """Serves one bot: its newest connection is the one that gets the events."""

    def __init__(self, rest: Rest) -> None:
        self._rest = rest
        self.received: Journal[Json] = Journal()
        self.upgrades: Journal[bool] = Journal()
        self.started: Journal[Op] = Journal()
        self.closes: Journal[int | None] = Journal()
        self.upgrades_to_refuse = 0
        self.refuse_identify = False
        self._sessions: dict[str, Session] = {}
        self._current: tuple[Session, web.WebSocketResponse] | None = None

    @property
    def identifies(self) -> int:
        """Return how often a bot identified itself."""
        return len(self.received.matching(lambda message: message["op"] == Op.IDENTIFY))

    @property
    def resumes(self) -> int:
        """Return how often a bot asked to resume a session."""
        return len(self.received.matching(lambda message: message["op"] == Op.RESUME))

    async def ready(self, *, nth: int = 1) -> Op:
        """Wait for the n-th time that a session began or went on; returns which of the two."""
        return await self.started.nth(nth)

    async def dispatch(self, event: str, data: Any) -> None:
        """Send an event; without a connection it waits in the session for a resume."""
        assert self._sessions, "no bot has identified itself yet"
        message = list(self._sessions.values())[-1].number(event, data)
        await self._rest.travel()
        if self._current is not None:
            await _send(self._current[1], message)

    async def send(self, op: Op, data: Any = None) -> None:
        """Send a message that is no event."""
        assert self._current is not None
        await _send(self._current[1], {"op": op, "d": data})

    async def close(self, code: int) -> None:
        """Close the connection with this code; events from now on wait for a resume."""
        assert self._current is not None
        (_, socket), self._current = self._current, None
        await socket.close(code=code)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one connection."""
        is_accepted = len(self.upgrades) >= self.upgrades_to_refuse
        self.upgrades.add(is_accepted)
        if not is_accepted:
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE)
        socket = web.WebSocketResponse(compress=False, max_msg_size=0)
        await socket.prepare(request)
        await _send(socket, {"op": Op.HELLO, "d": {"heartbeat_interval": _HEARTBEAT_MS}})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._receive(socket, json.loads(message.data))
        finally:
            self.closes.add(socket.close_code)
            if self._current is not None and self._current[1] is socket:
                self._current = None
        return socket

    async def _receive(self, socket: web.WebSocketResponse, message: Json) -> None:
        self.received.add(message)
        match message["op"]:
            case Op.HEARTBEAT:
                await _send(socket, {"op": Op.HEARTBEAT_ACK})
            case Op.IDENTIFY:
                await self._identify(socket, message["d"])
            case Op.RESUME:
                await self._resume(socket, message["d"])

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> None:
        if self.refuse_identify or data["token"] != self._rest.token:
            await socket.close(code=AUTHENTICATION_FAILED, message=b"Authentication failed.")
            return
        session = Session(f"session-{self.identifies}")
        self._sessions[session.id] = session
        await _send(socket, session.number("READY", self._ready_data(session, socket)))
        self._current = session, socket
        self.started.add(Op.IDENTIFY)

    def _ready_data(self, session: Session, socket: web.WebSocketResponse) -> Json:
        host, port = socket.get_extra_info("sockname")
        return {
            "v": 10,
            "user": build_user(APPLICATION_ID, "bot", bot=True),
            "guilds": [{"id": str(guild_id), "unavailable": True} for guild_id in sorted(self._rest.guild_ids)],
            "session_id": session.id,
            "resume_gateway_url": f"ws://{host}:{port}{PATH}",
            "application": {"id": APPLICATION_ID, "flags": 0},
        }

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> None:
        session = self._sessions.get(data["session_id"])
        if session is None or data["token"] != self._rest.token:
            await _send(socket, {"op": Op.INVALID_SESSION, "d": False})
            return
        for message in session.events[data["seq"] :]:
            await _send(socket, message)
        await _send(socket, session.number("RESUMED", {}))
        self._current = session, socket
        self.started.add(Op.RESUME)


async def _send(socket: web.WebSocketResponse, message: Json) -> None:
    await socket.send_str(json.dumps(message))
