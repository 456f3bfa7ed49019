"""Channels in memory that take posts as Discord does, and a process that may die at each step of its work."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from bot.reminders.entries import Entry

from bot.chat.views import reminder as reminder_cards
from bot.reminders.context import Payload, Refused, Uncertain
from bot.store.notifications import Kind

NONCE_MEMORY = timedelta(minutes=5)


class Crash(BaseException):
    """The process is dead: whatever it was at, and whatever it tries now."""


class Life:
    """Counts the steps of a process that can be seen from outside; it dies at a chosen one."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.ends_at_post = False

    def stage(self) -> None:
        """Take a step.

        Raises:
            Crash: this is the last one, or the process died before.
        """
        if self.left is None:
            return
        self.left = max(0, self.left - 1)
        if not self.left:
            raise Crash

    def step_from_post(self) -> None:
        """Take the step from a stored post to its answer, the last one where that was asked for.

        Raises:
            Crash: as for any step.
        """
        if self.ends_at_post:
            self.left = 0
        self.stage()


class Mood(Enum):
    """How a channel takes posts."""

    WORKS = "works"
    REFUSES = "refuses for good"
    AWAY = "can't be reached"
    LOSES_POSTS = "loses posts"
    LOSES_ANSWERS = "stores posts and loses the answers"
    CLOSES = "stores a post, loses the answer and refuses from then on"
    HANGS = "stores posts and tells nothing, not even its history"
    NO_HISTORY = "takes posts and tells nothing of older ones"
    VANISHES = "loses posts and tells nothing, not even its history"


@dataclass(frozen=True, slots=True)
class Said:
    """What a message says about one account; `ref` is a token's id, or an episode's number."""

    account_id: str
    kind: Kind
    ref: int
    stage: int

    @property
    def about(self) -> tuple[str, int, bool]:
        """Return what it is about: a token of an account, or an episode of trouble."""
        return self.account_id, self.ref, self.kind in (Kind.STEP, Kind.RENEWED)


@dataclass(frozen=True, slots=True)
class Post:
    """A message as people see it."""

    nonce: str
    at: datetime
    said: tuple[Said, ...]


@dataclass
class Channel:
    """One channel: its messages, oldest first, and how it takes the next; `refusing_since` its last success."""

    mood: Mood = Mood.WORKS
    posts: list[Post] = field(default_factory=list)
    refusing_since: datetime | None = None

    @property
    def said(self) -> list[Said]:
        """Return everything that was said, in order."""
        return [said for post in self.posts for said in post.said]


def render(entries: Sequence[Entry], footer_id: str, now: datetime) -> tuple[Payload, int]:
    """Return the bot's own message, with what it says for programs too."""
    payload, taken = reminder_cards.render(entries, footer_id, now)
    owed = [entry.owed for entry in entries[:taken]]
    return payload | {"said": [[one.account_id, one.kind, one.ref, one.stage] for one in owed]}, taken


def render_again(entries: Sequence[Entry], footer_id: str, now: datetime) -> Payload:
    """Return the bot's own edit."""
    return reminder_cards.render_again(entries, footer_id, now)


class Rendered:
    """The bot's rendering, with what a message says for programs too."""

    render = staticmethod(render)
    render_again = staticmethod(render_again)


class Channels:
    """Takes posts, by channel; honours nonces for as long as Discord."""

    def __init__(self, channel_ids: Collection[int], life: Life, now: Callable[[], datetime]) -> None:
        self.by_id = {channel_id: Channel() for channel_id in channel_ids}
        self._life = life
        self._now = now

    async def post(self, channel_id: int, payload: Payload, nonce: str) -> int | None:
        """Take a post, as the protocol says."""
        self._life.stage()
        channel = self.by_id[channel_id]
        self._refuse(channel)
        if channel.mood in (Mood.LOSES_POSTS, Mood.VANISHES):
            raise Uncertain("lost")
        number = self._store(channel, payload, nonce)
        self._life.step_from_post()
        if channel.mood is Mood.CLOSES:
            channel.mood = Mood.REFUSES
            raise Uncertain("answer lost")
        if channel.mood in (Mood.LOSES_ANSWERS, Mood.HANGS):
            raise Uncertain("answer lost")
        channel.refusing_since = None
        return number

    def _refuse(self, channel: Channel) -> None:
        if channel.mood in (Mood.REFUSES, Mood.AWAY):
            channel.refusing_since = channel.refusing_since or self._now()
            raise Refused(channel.mood.value, is_lasting=channel.mood is Mood.REFUSES)

    def _store(self, channel: Channel, payload: Payload, nonce: str) -> int:
        for number, post in enumerate(channel.posts, 1):
            if post.nonce == nonce and self._now() - post.at <= NONCE_MEMORY:
                return number
        said = tuple(Said(account_id, Kind(kind), ref, stage) for account_id, kind, ref, stage in payload["said"])
        channel.posts.append(Post(nonce, self._now(), said))
        return len(channel.posts)

    async def find(self, channel_id: int, footer_id: str, after: datetime) -> int | None:  # noqa: ARG002
        """Look through all that is there, as the protocol says."""
        self._life.stage()
        channel = self.by_id[channel_id]
        if channel.mood in (Mood.NO_HISTORY, Mood.HANGS, Mood.VANISHES, Mood.AWAY):
            raise Uncertain("no history now")
        return next((n for n, post in enumerate(channel.posts, 1) if post.nonce.startswith(footer_id)), None)

    async def write_to(self, user_id: int, text: str) -> None:
        """Take a direct message."""
        self._life.stage()
        assert user_id
        assert text

    async def audit(self, guild_id: int, roles: Mapping[int, Collection[int]]) -> Mapping[int, str | None]:
        """Find nothing wrong."""
        self._life.stage()
        assert guild_id
        return dict.fromkeys(roles)

    async def delete(self, channel_id: int, message_id: int) -> None:
        """Take a message away, as the protocol says."""
        self._life.stage()
        self._refuse(self.by_id[channel_id])
        raise AssertionError(f"no reminder is ever deleted, but {message_id} was to be")

    async def edit(self, channel_id: int, message_id: int, payload: Payload) -> None:
        """Take an edit of a message that is there."""
        self._life.stage()
        self._refuse(self.by_id[channel_id])
        assert self.by_id[channel_id].posts[message_id - 1]
        assert payload["content"]
