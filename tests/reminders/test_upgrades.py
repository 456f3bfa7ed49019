"""The first polls after an upgrade from an earlier version: nothing is repeated, and nothing is lost."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.core.accounts import Account
from bot.core.notifications import Kind
from bot.store.accounts import get_snapshots
from bot.store.database import open_database
from bot.store.tables import messages, subscriptions
from tests.support.engine.channels import Channel, Content, Heard, Post
from tests.support.engine.polls import Said, open_polls
from tests.support.store.samples import CHANNEL, DAY, GUILD, HOUR, NOW
from tests.support.store.schemas import DUMPS, Rows, lay_dump, lay_rows

pytestmark = pytest.mark.usefixtures("no_errors")

MINUTE = timedelta(minutes=1)
NONCE = "0123456789abcdef01234567"
ACCOUNT = "123456"
PAYLOAD = json.dumps({"content": "due", "embeds": [], "roles": []})


def _pending(written: Rows) -> set[Said]:
    rows = written["deliveries"] if "deliveries" in written else written["notifications"]
    return {
        (row["channel_id"], row["account_id"], Kind.STAGE, row["stage"] if "stage" in row else row["step"])
        for row in rows
        if row["state"] == "pending"
    }


@pytest.mark.parametrize("has_arrived", [True, False])
@pytest.mark.parametrize("dump", DUMPS, ids=lambda dump: dump.stem)
async def test_an_old_database_goes_on(dump: Path, database_url: str, tmp_path: Path, *, has_arrived: bool) -> None:
    """What was pending is sent when its channel is tried again; what was sent, or is not due any more, is not."""
    written = await lay_dump(dump, database_url, tmp_path)
    async with open_database(database_url) as database:
        async with database.begin() as tx:
            snapshots = (await get_snapshots(tx)).values()
            in_use = sa.union(sa.select(subscriptions.c.channel_id), sa.select(messages.c.channel_id))
            channel_ids = list((await tx.execute(in_use)).scalars())
            in_flight = (await tx.execute(sa.select(messages).where(messages.c.nonce == NONCE))).one()
        read_at = max(one.read_at for one in snapshots)
        async with open_polls(database, GUILD, channel_ids, read_at + 5 * MINUTE) as polls:
            polls.show(one.account for one in snapshots if not one.has_incident(Kind.MISSING))
            old = (in_flight.channel_id, ACCOUNT, Kind.STAGE, 1)
            if has_arrived:
                post = Post(NONCE, in_flight.first_attempt_at, Content((Heard(ACCOUNT, Kind.STAGE, 1, 1),)))
                polls.channels.by_id[in_flight.channel_id].posts.append(post)
            await polls.run(2)
            polls.now += 7 * HOUR
            await polls.run(2)
            assert len(_pending(written)) == 1
            assert set(polls.said) == _pending(written) | ({old} if has_arrived else set())
            assert len(polls.said) == 1 + has_arrived


@dataclass(frozen=True)
class Case:
    """A channel and an account as the last version left them, and what the channel hears next.

    `days` are the days left of each login, oldest first, and `notifications` are: kind, login or incident, stage,
    state. `error_since` is since how many days the account has an error, and `days_now` are the days left by now, if
    the login was replaced during the upgrade.
    """

    days: tuple[float, ...]
    notifications: tuple[tuple[str, int, int, str], ...] = ()
    error_since: float | None = None
    days_now: float | None = None


@dataclass(frozen=True)
class Laid:
    """A case in a database with others: its number tells its account, its channel and its rows from theirs."""

    number: int
    case: Case

    @property
    def account_id(self) -> str:
        """The id of its account."""
        return str(100_000 + self.number)

    @property
    def channel_id(self) -> int:
        """The id of its channel."""
        return CHANNEL + self.number

    def account(self) -> Account:
        """Return the account as the API gives it now."""
        case = self.case
        days = case.days[-1] if case.days_now is None else case.days_now
        error = None if case.error_since is None else "login failed"
        return Account(self.account_id, user_id=self.account_id, expires_at=NOW + days * DAY, error=error)

    def arrive(self, channel: Channel) -> None:
        """Let the messages in flight be found in the channel."""
        for number, (kind, ref, stage, state) in enumerate(self.case.notifications, 1):
            if state == "sending":
                said = Content((Heard(self.account_id, Kind(kind), self._id(ref), stage),))
                channel.posts.append(Post(self._nonce(number), NOW - 5 * MINUTE, said))

    def rows(self) -> Rows:
        """Return its rows in the last version's database."""
        case, place = self.case, {"guild_id": GUILD, "channel_id": self.channel_id}
        by_state = {"sent": None, "sending": PAYLOAD}
        return {
            "accounts": [self._account()],
            "logins": [self._login(number, days) for number, days in enumerate(case.days, 1)],
            "incidents": [] if case.error_since is None else [self._error(case.error_since)],
            "subscriptions": [SUBSCRIPTION | place | {"id": self.number, "account_id": self.account_id}],
            "messages": [
                MESSAGE
                | place
                | {"id": self._id(number), "nonce": self._nonce(number), "state": state, "payload": by_state[state]}
                for number, (*_, state) in enumerate(case.notifications, 1)
                if state in by_state
            ],
            "notifications": [
                NOTIFICATION
                | place
                | {"id": self._id(number), "account_id": self.account_id, "kind": kind, "stage": stage, "state": state}
                # An incident is named by its number, a login by its id.
                | {"ref": ref if kind == "error" else self._id(ref)}
                | {"message_id": self._id(number) if state in by_state else None}
                for number, (kind, ref, stage, state) in enumerate(case.notifications, 1)
            ],
        }

    def _id(self, number: int) -> int:
        return 10 * self.number + number

    def _nonce(self, number: int) -> str:
        return f"{self._id(number):08}{NONCE[8:]}"

    def _account(self) -> dict[str, Any]:
        known = Account(self.account_id, user_id=self.account_id, error=self.account().error)
        facts = {name: getattr(known, name) for name in Account.__dataclass_fields__}
        facts |= {"expires_at": (NOW + self.case.days[-1] * DAY).isoformat()}
        read_at, login_id = _milliseconds(NOW - 5 * MINUTE), self._id(len(self.case.days))
        return {"account_id": known.id, "facts": json.dumps(facts), "read_at": read_at, "login_id": login_id}

    def _login(self, number: int, days: float) -> dict[str, Any]:
        expires_at = _milliseconds(NOW + days * DAY)
        dates = {"first_expires_at": expires_at, "expires_at": expires_at, "life_seconds": None}
        ids = {"id": self._id(number), "previous_id": self._id(number - 1) if number > 1 else None}
        return dates | ids | {"account_id": self.account_id, "user_id": self.account_id}

    def _error(self, days: float) -> dict[str, Any]:
        since = _milliseconds(NOW - days * DAY)
        state = {"bad_polls": 9, "bad_since": since, "good_since": None, "number": 1, "is_open": 1}
        return {"id": self.number, "kind": "error", "account_id": self.account_id} | state


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


SUBSCRIPTION = {
    "channel_name": "pipeline",
    "lead_times": "14,7,3,1",
    "ping": None,
    "added_by": 5,
    "next_check_at": _milliseconds(NOW + DAY),
    "paused_at": None,
}
MESSAGE = {
    "kind": "notifications",
    "first_attempt_at": _milliseconds(NOW - 5 * MINUTE),
    "discord_id": None,
    "edit_at": None,
}
NOTIFICATION = {"due_at": _milliseconds(NOW - DAY), "is_late": 0}

REPEATS_NOTHING = {
    "nothing was due": Case((20,)),
    "stage sent": Case((6,), (("stage", 1, 14, "sent"), ("stage", 1, 7, "sent"))),
    "stage sent, wider ones superseded": Case((2,), (("stage", 1, 14, "superseded"), ("stage", 1, 3, "sent"))),
    "superseded by the login before": Case(
        (3, 6), (("stage", 1, 7, "sent"), ("stage", 2, 14, "superseded"), ("stage", 2, 7, "superseded"))
    ),
    "renewed during the upgrade, never heard of": Case(
        (6,), (("stage", 1, 14, "superseded"), ("stage", 1, 7, "pending")), days_now=30
    ),
    "renewed sent": Case((1, 30), (("stage", 1, 1, "sent"), ("renewed", 1, 0, "sent"))),
    "renewed sent, the new login's stages superseded": Case(
        (1, 6),
        (
            ("stage", 1, 1, "sent"),
            ("renewed", 1, 0, "sent"),
            ("stage", 2, 14, "superseded"),
            ("stage", 2, 7, "superseded"),
        ),
    ),
    "error announced": Case((20,), (("error", 1, 0, "sent"),), error_since=0.1),
    "error announced and old": Case((20,), (("error", 1, 0, "sent"),), error_since=9),
    "error announced, stage sent before": Case(
        (6,), (("stage", 1, 7, "sent"), ("error", 1, 0, "sent")), error_since=0.1
    ),
    "expired sent": Case((-0.1,), (("stage", 1, 1, "sent"), ("stage", 1, 0, "sent"))),
    "expired 10 days ago": Case((-10,), (("stage", 1, 0, "sent"),)),
    "expired 40 days ago": Case((-40,), (("stage", 1, 0, "sent"),)),
    "expired and failing": Case((-10,), (("stage", 1, 0, "sent"), ("error", 1, 0, "sent")), error_since=2),
}
LOSES_NOTHING: dict[str, tuple[Case, tuple[Kind, int]]] = {
    "stage pending": (Case((6,), (("stage", 1, 14, "superseded"), ("stage", 1, 7, "pending"))), (Kind.STAGE, 7)),
    "stage pending after another": (
        Case((6,), (("stage", 1, 14, "sent"), ("stage", 1, 7, "pending"))),
        (Kind.STAGE, 7),
    ),
    "stage pending, a more urgent one due": (Case((2,), (("stage", 1, 7, "pending"),)), (Kind.STAGE, 3)),
    "renewed pending": (Case((1, 30), (("stage", 1, 1, "sent"), ("renewed", 1, 0, "pending"))), (Kind.RENEWED, 0)),
    "renewed during the upgrade": (Case((1,), (("stage", 1, 1, "sent"),), days_now=30), (Kind.RENEWED, 0)),
    "renewed for days during the upgrade": (Case((1,), (("stage", 1, 1, "sent"),), days_now=5), (Kind.STAGE, 7)),
    "renewed sent, then a stage": (
        Case((1, 6), (("stage", 1, 1, "sent"), ("renewed", 1, 0, "sent"), ("stage", 2, 14, "superseded"))),
        (Kind.STAGE, 7),
    ),
    "renewed pending, a wider stage of the new login superseded": (
        Case((1, 6), (("stage", 1, 1, "sent"), ("renewed", 1, 0, "pending"), ("stage", 2, 14, "superseded"))),
        (Kind.STAGE, 7),
    ),
    "renewed pending, the stage of the new login superseded": (
        Case((1, 6), (("stage", 1, 1, "sent"), ("renewed", 1, 0, "pending"), ("stage", 2, 7, "superseded"))),
        (Kind.STAGE, 7),
    ),
    "error pending": (Case((20,), (("error", 1, 0, "pending"),), error_since=0.1), (Kind.ERROR, 0)),
    "expired pending": (
        Case((-0.1,), (("stage", 1, 1, "sent"), ("stage", 1, 0, "pending"))),
        (Kind.STAGE, 0),
    ),
    "expired pending for 10 days": (
        Case((-10,), (("stage", 1, 1, "sent"), ("stage", 1, 0, "pending"))),
        (Kind.STAGE, -7),
    ),
    "an error ended": (Case((6,), (("stage", 1, 14, "sent"), ("error", 1, 0, "sent"))), (Kind.STAGE, 7)),
}


IN_FLIGHT: dict[str, tuple[Case, tuple[Kind, int]]] = {
    "stage": (Case((6,), (("stage", 1, 14, "sent"), ("stage", 1, 7, "sending"))), (Kind.STAGE, 7)),
    "first stage": (Case((6,), (("stage", 1, 14, "superseded"), ("stage", 1, 7, "sending"))), (Kind.STAGE, 7)),
    "renewed": (Case((1, 30), (("stage", 1, 1, "sent"), ("renewed", 1, 0, "sending"))), (Kind.RENEWED, 0)),
    "renewed, the stage of the new login superseded": (
        Case((1, 6), (("stage", 1, 1, "sent"), ("renewed", 1, 0, "sending"), ("stage", 2, 7, "superseded"))),
        (Kind.STAGE, 7),
    ),
    "error": (Case((20,), (("error", 1, 0, "sending"),), error_since=0.1), (Kind.ERROR, 0)),
    "expired": (Case((-0.1,), (("stage", 1, 0, "sending"),)), (Kind.STAGE, 0)),
}


async def heard_after(
    cases: Mapping[str, Case], url: str, *, arrived: bool = False
) -> dict[str, list[tuple[Kind, int]]]:
    """Return what the channel of each case hears in the first polls of this version, all in one database.

    Messages in flight had arrived or not.
    """
    laid = {name: Laid(number, case) for number, (name, case) in enumerate(cases.items(), 1)}
    rows: Rows = {}
    for one in laid.values():
        for table, added in one.rows().items():
            rows.setdefault(table, []).extend(added)
    await lay_rows(rows, "0004", url)
    channel_ids = [one.channel_id for one in laid.values()]
    async with open_database(url) as database, open_polls(database, GUILD, channel_ids, NOW) as polls:
        polls.show(one.account() for one in laid.values())
        channels = {name: polls.channels.by_id[one.channel_id] for name, one in laid.items()}
        if arrived:
            for name, one in laid.items():
                one.arrive(channels[name])
        before = {name: len(channel.posts) for name, channel in channels.items()}
        await polls.run(4)
        return {
            name: [(one.kind, one.stage) for post in channel.posts[before[name] :] for one in post.heard]
            for name, channel in channels.items()
        }


async def test_an_upgrade_repeats_nothing(database_url: str) -> None:
    """What a channel has heard from the last version is not said again by this one."""
    assert await heard_after(REPEATS_NOTHING, database_url) == {name: [] for name in REPEATS_NOTHING}


async def test_an_upgrade_loses_nothing(database_url: str) -> None:
    """What was due before the upgrade, or has become due meanwhile, is said once."""
    cases = {name: case for name, (case, _) in LOSES_NOTHING.items()}
    assert await heard_after(cases, database_url) == {name: [heard] for name, (_, heard) in LOSES_NOTHING.items()}


async def test_a_message_in_flight_is_settled(database_url: str) -> None:
    """If it did not arrive, what it said is sent."""
    cases = {name: case for name, (case, _) in IN_FLIGHT.items()}
    assert await heard_after(cases, database_url) == {name: [heard] for name, (_, heard) in IN_FLIGHT.items()}


async def test_a_message_in_flight_that_arrived_is_not_repeated(database_url: str) -> None:
    """If it is found in its channel, it was heard."""
    cases = {name: case for name, (case, _) in IN_FLIGHT.items()}
    assert await heard_after(cases, database_url, arrived=True) == {name: [] for name in cases}
