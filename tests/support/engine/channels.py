"""Channels in memory that accept posts as Discord does, and a process that may die at each step of its work."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from bot.chat.views.rendering import Views
from bot.core.entries import Entry
from bot.core.messages import Message, OutgoingMessage
from bot.core.notifications import FAILURES, Kind
from bot.core.overview import Overview
from bot.core.subscriptions import Ping
from bot.reminders.context import Refused, Save, Uncertain

NONCE_MEMORY = timedelta(minutes=5)
_INTERVAL = timedelta(minutes=5)


class Crash(BaseException):
    """The process is dead: every further step of it fails too."""


class Life:
    """Counts the steps of a process that can be seen from outside; it dies at a chosen one."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.ends_at_post = False

    def step(self) -> None:
        """Make a step.

        Raises:
            Crash: this is the last one, or the process died before.
        """
        if self.left is None:
            return
        self.left = max(0, self.left - 1)
        if not self.left:
            raise Crash

    def step_from_post(self) -> None:
        """Make the step from a stored post to its answer, the last one where that was asked for.

        Raises:
            Crash: as for any step.
        """
        if self.ends_at_post:
            self.left = 0
        self.step()


class Condition(Enum):
    """How a channel reacts to posts."""

    WORKS = "works"
    REFUSES = "refuses for good"
    AWAY = "can't be reached"
    LOSES_POSTS = "loses posts"
    LOSES_ANSWERS = "stores posts and loses the answers"
    CLOSES = "stores a post, loses the answer and refuses from then on"
    HANGS = "stores posts and answers nothing, its history included"
    NO_HISTORY = "accepts posts and does not show its history"
    VANISHES = "loses posts and answers nothing, its history included"


@dataclass(frozen=True, slots=True)
class Heard:
    """One notification of a message; `ref` is a login's id, or an incident's number.

    `expires_at` is the expiry of the account as it was known when the message was written. An error has one only if its
    message says that the login has expired.
    """

    account_id: str | None
    kind: Kind
    ref: int
    stage: int
    expires_at: datetime | None = None

    @property
    def is_follow_up(self) -> bool:
        """Whether it repeats that a login has expired or an incident goes on."""
        return self.stage < 0


@dataclass(frozen=True, slots=True)
class Content:
    """What a message carries, and the roles and users that it mentions."""

    heard: tuple[Heard, ...]
    roles: tuple[int, ...] = ()
    users: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Post:
    """A message as people see it."""

    nonce: str
    at: datetime
    content: Content

    @property
    def heard(self) -> tuple[Heard, ...]:
        """Return its notifications."""
        return self.content.heard


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said from some time on, as a post or an edit of it."""

    at: datetime
    post: Post
    message: OutgoingMessage

    def is_good_news(self, account_id: str | None) -> bool:
        """Whether it is green about this account."""
        return any(
            line.removeprefix("-# ").startswith("\N{WHITE HEAVY CHECK MARK}")
            for line in _lines_about(self.message, account_id)
        )


def _lines_about(message: OutgoingMessage, account_id: str | None) -> list[str]:
    """Return the lines of a message, and of its card, that name an account or all of them."""
    texts = [message.content, *(str(embed.get("description", "")) for embed in message.embeds)]
    lines = [line for text in texts for line in text.splitlines()]
    return [line for line in lines if account_id is None or f"`{account_id}`" in line]


@dataclass
class Channel:
    """One channel: its messages, oldest first, its condition, and when it refused a message for the last time.

    `versions` are all that its messages have ever said.
    """

    condition: Condition = Condition.WORKS
    posts: list[Post] = field(default_factory=list)
    versions: list[Version] = field(default_factory=list)
    refused_at: datetime | None = None

    @property
    def heard(self) -> list[Heard]:
        """Return all notifications that arrived, in order."""
        return [heard for post in self.posts for heard in post.heard]


def _heard(entry: Entry) -> Heard:
    one, account = entry.notification, entry.snapshot.account if entry.snapshot else None
    expires_at = one.expires_at
    if one.kind not in FAILURES and account is not None:
        expires_at = expires_at or account.expires_at
    return Heard(one.account_id, one.kind, one.ref, one.stage or 0, expires_at)


class Rendering:
    """The bot's rendering, which remembers the content of each message by its footer id."""

    def __init__(self) -> None:
        self.contents: dict[str, Content] = {}
        self._views = Views(_INTERVAL)

    def render(self, entries: Sequence[Entry], footer_id: str, now: datetime) -> OutgoingMessage:
        """Return the bot's own message."""
        message = self._views.render(entries, footer_id, now)
        self.contents[footer_id] = Content(tuple(map(_heard, entries)), message.roles, message.users)
        return message

    def render_again(
        self, entries: Sequence[Entry], footer_id: str, now: datetime, *, is_checked: bool = False
    ) -> OutgoingMessage:
        """Return the bot's own edit."""
        return self._views.render_again(entries, footer_id, now, is_checked=is_checked)

    def render_board(self, overview: Overview, footer_id: str, now: datetime) -> tuple[OutgoingMessage, str]:
        """Return the bot's own board."""
        return self._views.render_board(overview, footer_id, now)


class Channels:
    """Accepts posts, by channel; honours nonces for as long as Discord."""

    def __init__(
        self, channel_ids: Collection[int], life: Life, rendering: Rendering, now: Callable[[], datetime]
    ) -> None:
        self.by_id = {channel_id: Channel() for channel_id in channel_ids}
        self._life = life
        self._rendering = rendering
        self._now = now

    async def post(
        self,
        channel_id: int,
        message: OutgoingMessage,
        nonce: str,
        *,
        guild_id: int | None = None,  # noqa: ARG002  (there are no commands to link)
        save: Save | None = None,  # noqa: ARG002  (no content is refused)
    ) -> int | None:
        """Accept a post, as the protocol says."""
        self._life.step()
        assert message.content
        channel = self.by_id[channel_id]
        self._refuse(channel)
        if channel.condition in (Condition.LOSES_POSTS, Condition.VANISHES):
            raise Uncertain("lost")
        number = self._store(channel, nonce, message)
        self._life.step_from_post()
        if channel.condition is Condition.CLOSES:
            channel.condition = Condition.REFUSES
            raise Uncertain("answer lost")
        if channel.condition in (Condition.LOSES_ANSWERS, Condition.HANGS):
            raise Uncertain("answer lost")
        return number

    def _refuse(self, channel: Channel) -> None:
        if channel.condition in (Condition.REFUSES, Condition.AWAY):
            channel.refused_at = self._now()
            raise Refused(channel.condition.value, is_lasting=channel.condition is Condition.REFUSES)

    def _store(self, channel: Channel, nonce: str, message: OutgoingMessage) -> int:
        for number, post in enumerate(channel.posts, 1):
            if post.nonce == nonce and self._now() - post.at <= NONCE_MEMORY:
                return number
        channel.posts.append(Post(nonce, self._now(), self._rendering.contents[nonce[:8]]))
        channel.versions.append(Version(self._now(), channel.posts[-1], message))
        return len(channel.posts)

    async def find(self, message: Message) -> int | None:
        """Search all messages, as the protocol says."""
        self._life.step()
        channel = self.by_id[message.channel_id]
        if channel.condition in (Condition.NO_HISTORY, Condition.HANGS, Condition.VANISHES, Condition.AWAY):
            raise Uncertain("no history now")
        return next((n for n, post in enumerate(channel.posts, 1) if post.nonce == message.nonce), None)

    async def send_direct(self, user_id: int, text: str) -> None:
        """Accept a direct message."""
        self._life.step()
        assert user_id
        assert text

    async def is_member(self, guild_id: int, user_id: int) -> bool:
        """Return that everybody is in the guild."""
        self._life.step()
        return bool(guild_id and user_id)

    async def check_channels(self, guild_id: int, pings: Mapping[int, Collection[Ping]]) -> Mapping[int, str | None]:
        """Find no problem."""
        self._life.step()
        assert guild_id
        return dict.fromkeys(pings)

    async def find_absent(self, guild_id: int, channel_ids: Collection[int]) -> Collection[int]:
        """Miss no channel."""
        self._life.step()
        assert guild_id
        assert channel_ids
        return ()

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Refuse to delete a reminder."""
        self._life.step()
        self._refuse(self.by_id[channel_id])
        raise AssertionError(f"no reminder is ever deleted, but {message_id} was to be")

    async def edit(
        self,
        channel_id: int,
        message_id: int,
        message: OutgoingMessage,
        *,
        guild_id: int | None = None,  # noqa: ARG002  (there are no commands to link)
    ) -> None:
        """Accept an edit of a message that exists."""
        self._life.step()
        channel = self.by_id[channel_id]
        self._refuse(channel)
        assert message.content
        channel.versions.append(Version(self._now(), channel.posts[message_id - 1], message))
