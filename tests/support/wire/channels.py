"""Discord's channels: posts with their nonces, the history, direct messages, and the ways in which a post is lost."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from http import HTTPStatus

from aiohttp import web

from tests.support.wire.journal import Journal
from tests.support.wire.payloads import (
    DIRECT_CHANNEL,
    GUILD_ID,
    Json,
    build_channel,
    build_message,
    build_thread,
    build_user,
    new_id,
)
from tests.support.wire.rest import BASE, CALL, answer, refuse, reset

UNKNOWN_CHANNEL = 10003
UNKNOWN_MESSAGE = 10008
FORBIDDEN = 50013
ARCHIVED = 50083
LOCKED = 160005
INVALID_BODY = 50035
_MOST_LISTED = 50


class Moment(StrEnum):
    """How far a post has come: received, stored in the channel, or answered."""

    ARRIVED = "arrived"
    STORED = "stored"
    ANSWERED = "answered"


# Gets the channel; returns whether the request goes on, or else its connection is cut.
Hook = Callable[[int], bool]


class Part(StrEnum):
    """What a channel may refuse in a message; pictures are those of an embed."""

    PICTURES = "pictures"
    EMBEDS = "embeds"
    CONTROLS = "components"

    def find_in(self, body: Json) -> str | None:
        """Return the path of this part, as Discord names it in an error; None if the message has none."""
        embeds = body.get("embeds") or []
        if self is not Part.PICTURES:
            return f"{self}.0" if body.get(self) else None
        places = [(number, name) for number, one in enumerate(embeds) for name in ("image", "thumbnail") if name in one]
        return f"embeds.{places[0][0]}.{places[0][1]}.url" if places else None


class Channels:
    """Accepts posts to any channel.

    `posts` are the channels of all attempts, `messages` the messages that were stored, `edits` the messages after each
    edit, `direct_messages` those to users, `searches` the channels whose history was read. `nonce_memory` is how many
    seconds a nonce prevents a second message. `hooks` are called at a moment of each post, `lost_answers` are the
    errors (None for a cut connection) that replace the answers of a channel, channels in `hanging` never answer, and
    those in `gone` were deleted. `refused_parts` are what a channel refuses in a message, with `refused_with` as the
    error; a post is judged before its nonce. `threads` are channels that are threads, some `archived` or `locked`.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.posts: Journal[int] = Journal()
        self.messages: Journal[Json] = Journal()
        self.direct_messages: Journal[Json] = Journal()
        self.edits: Journal[Json] = Journal()
        self.searches: Journal[int] = Journal()
        self.nonce_memory = 300.0
        self.hooks: dict[Moment, Hook] = {}
        self.lost_answers: dict[int, list[int | None]] = {}
        self.hanging: set[int] = set()
        self.gone: set[int] = set()
        self.refused_parts: dict[int, set[Part]] = {}
        self.refused_with = INVALID_BODY
        self.threads: set[int] = set()
        self.archived: set[int] = set()
        self.locked: set[int] = set()
        self._nonces: dict[tuple[int, str], tuple[float, Json]] = {}
        self._deleted: set[str] = set()
        self._direct: set[int] = set()

    def add_routes(self, app: web.Application) -> None:
        """Add this module's routes."""
        path = f"{BASE}/channels/{{channel}}/messages"
        app.router.add_get(f"{BASE}/guilds/{{guild}}/channels", self._list_channels)
        app.router.add_get(f"{BASE}/channels/{{channel}}", self._get_channel)
        app.router.add_patch(f"{BASE}/channels/{{channel}}", self._edit_channel)
        app.router.add_post(f"{BASE}/users/@me/channels", self._open_direct_channel)
        app.router.add_post(path, self._post)
        app.router.add_get(path, self._list)
        app.router.add_patch(f"{path}/{{message}}", self._edit)
        app.router.add_delete(f"{path}/{{message}}", self._delete)

    def seen_in(self, channel_id: int) -> list[Json]:
        """Return the messages of a channel, oldest first."""
        return self.messages.matching(lambda message: message["channel_id"] == str(channel_id))

    async def message_in(self, channel_id: int, *, nth: int = 1, within: float = 15.0) -> Json:
        """Wait for the n-th message of a channel."""
        return await self.messages.find(
            lambda message: message["channel_id"] == str(channel_id), nth=nth, within=within
        )

    def lose_answer(self, channel_id: int, status: int | None = None) -> None:
        """Store the channel's next message, but answer with this error, or cut the connection."""
        self.lost_answers.setdefault(channel_id, []).append(status)

    def delete(self, message: Json) -> None:
        """Delete a message; a repetition of its nonce is answered accordingly."""
        self._deleted.add(message["id"])

    def forget_nonces(self) -> None:
        """Forget all nonces, as Discord does after some minutes."""
        self._nonces.clear()

    def _goes_on(self, moment: Moment, channel_id: int) -> bool:
        hook = self.hooks.get(moment)
        return hook is None or hook(channel_id)

    async def _post(self, request: web.Request) -> web.StreamResponse:
        channel_id = int(request.match_info["channel"])
        self.posts.add(channel_id)
        if channel_id in self.hanging:
            await asyncio.Event().wait()
        if not self._goes_on(Moment.ARRIVED, channel_id):
            return reset(request)
        if refusal := self._refuse_parts(channel_id, request[CALL].json):
            return refusal
        if channel_id in self.locked:
            return refuse(HTTPStatus.FORBIDDEN, LOCKED, "Thread is locked")
        # A post opens a thread that archived itself.
        self.archived.discard(channel_id)
        message = self._store(channel_id, request[CALL].json)
        if not self._goes_on(Moment.STORED, channel_id):
            return reset(request)
        if lost := self.lost_answers.get(channel_id):
            status = lost.pop(0)
            return reset(request) if status is None else refuse(status)
        if message["id"] in self._deleted:
            return refuse(HTTPStatus.NOT_FOUND, UNKNOWN_MESSAGE, "Unknown Message")
        response = answer(message)
        await response.prepare(request)
        await response.write_eof()
        self._goes_on(Moment.ANSWERED, channel_id)
        return response

    def _refuse_parts(self, channel_id: int, body: Json) -> web.Response | None:
        """Return the error about the first part that the channel refuses; None if it takes the message."""
        paths = [part.find_in(body) for part in Part if part in self.refused_parts.get(channel_id, ())]
        path = next((path for path in paths if path is not None), None)
        if path is None:
            return None
        error: Json = {"message": "Invalid Form Body", "code": self.refused_with}
        if self.refused_with == INVALID_BODY:
            errors: Json = {"_errors": [{"code": "REFUSED", "message": "refused"}]}
            for name in reversed(path.split(".")):
                errors = {name: errors}
            error["errors"] = errors
        return answer(error, HTTPStatus.BAD_REQUEST)

    def _store(self, channel_id: int, body: Json) -> Json:
        now, nonce = asyncio.get_running_loop().time(), body.get("nonce")
        if nonce is not None and body.get("enforce_nonce"):
            stored_at, message = self._nonces.get((channel_id, nonce), (float("-inf"), {}))
            if now - stored_at <= self.nonce_memory:
                return message
        message = build_message(body) | {"type": 0, "channel_id": str(channel_id), "nonce": nonce}
        # People can compare these times with the `Date` of answers.
        message |= {"id": new_id(self._now()), "timestamp": self._now().isoformat()}
        message["content"] = message["content"].strip()
        del message["webhook_id"]
        if nonce is not None:
            self._nonces[channel_id, nonce] = now, message
        (self.direct_messages if channel_id in self._direct else self.messages).add(message)
        return message

    async def _edit(self, request: web.Request) -> web.Response:
        message_id = request.match_info["message"]
        if int(request.match_info["channel"]) in self.gone:
            return refuse(HTTPStatus.NOT_FOUND, UNKNOWN_CHANNEL, "Unknown Channel")
        (message,) = self.messages.matching(lambda message: message["id"] == message_id)
        if message_id in self._deleted:
            return refuse(HTTPStatus.NOT_FOUND, UNKNOWN_MESSAGE, "Unknown Message")
        channel_id = int(message["channel_id"])
        if channel_id in self.archived:
            return refuse(HTTPStatus.BAD_REQUEST, ARCHIVED, "Thread is archived")
        if refusal := self._refuse_parts(channel_id, request[CALL].json):
            return refusal
        edited = message | request[CALL].json
        self.edits.add(edited)
        return answer(edited)

    async def _delete(self, request: web.Request) -> web.Response:
        if int(request.match_info["channel"]) in self.archived:
            return refuse(HTTPStatus.BAD_REQUEST, ARCHIVED, "Thread is archived")
        self._deleted.add(request.match_info["message"])
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _list_channels(self, request: web.Request) -> web.Response:
        """Answer with every channel that was ever posted in, as channels of the requested server."""
        guild_id = request.match_info["guild"]
        posted_in = sorted(set(self.posts.items) - self._direct - self.gone - self.threads)
        return answer([build_channel(channel_id, guild_id) for channel_id in posted_in])

    async def _get_channel(self, request: web.Request) -> web.Response:
        channel_id = int(request.match_info["channel"])
        if channel_id in self.gone:
            return refuse(HTTPStatus.NOT_FOUND, UNKNOWN_CHANNEL, "Unknown Channel")
        return answer(self._describe(channel_id))

    async def _edit_channel(self, request: web.Request) -> web.Response:
        channel_id = int(request.match_info["channel"])
        if channel_id in self.locked:
            return refuse(HTTPStatus.FORBIDDEN, FORBIDDEN, "Missing Permissions")
        if request[CALL].json == {"archived": False}:
            self.archived.discard(channel_id)
        return answer(self._describe(channel_id))

    def _describe(self, channel_id: int) -> Json:
        if channel_id not in self.threads:
            return build_channel(channel_id, str(GUILD_ID))
        return build_thread(
            channel_id, GUILD_ID, is_archived=channel_id in self.archived, is_locked=channel_id in self.locked
        )

    async def _open_direct_channel(self, request: web.Request) -> web.Response:
        channel_id = new_id()
        self._direct.add(int(channel_id))
        recipients = [build_user(request[CALL].json["recipient_id"])]
        return answer({"id": channel_id, "type": DIRECT_CHANNEL, "recipients": recipients, "last_message_id": None})

    async def _list(self, request: web.Request) -> web.Response:
        channel_id, query = int(request.match_info["channel"]), request.query
        self.searches.add(channel_id)
        after, before = int(query.get("after", 0)), int(query.get("before", 2**63))
        present = [
            message
            for message in self.seen_in(channel_id)
            if after < int(message["id"]) < before and message["id"] not in self._deleted
        ]
        limit = int(query.get("limit", _MOST_LISTED))
        # With `after`, Discord returns the messages next to it; always the newest first.
        chosen = present[:limit] if "after" in query else present[-limit:]
        return answer(chosen[::-1])
