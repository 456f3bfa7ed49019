"""What people read, in plain text: durations, one-line states, and what went wrong."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.core.accounts import Account
from bot.core.status import Status
from bot.core.text import escaped, plain
from bot.errors import (
    AccountOnHold,
    AmbiguousName,
    ApiBusy,
    ApiUnreachable,
    BotError,
    CannotRemind,
    DeliveryFailed,
    NoSuchAccount,
    NotAllowed,
    NothingLeft,
    ServerNotListed,
    StaleButton,
    Stopping,
    StoreError,
    SubscriptionLapsed,
    TooManyLookUps,
    UnreadableAnswer,
    UseapiTokenRefused,
)

SETUP_GUIDE = "https://useapi.net/docs/start-here/setup-minimax"
MAX_IDS = 10
MAX_BLOCKED = 5
_MOST_CAPABILITIES = 8
_MINUTE = 60
_MAX_NAME = 60


def say_count(number: int, unit: str) -> str:
    """Return a number with its unit, in the plural where it belongs."""
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def say_duration(duration: timedelta) -> str:
    """Return a duration in its largest fitting unit: "12 days", "5 hours", "1 minute".

    Time left is rounded up; time gone by, given as a negative duration, is rounded down and said without a sign.
    """
    seconds = duration.total_seconds()
    for unit, length in (("day", 86_400), ("hour", 3_600)):
        if abs(seconds) > length:
            return say_count(abs(math.ceil(seconds / length)), unit)
    return say_count(max(1, abs(math.ceil(seconds / 60))), "minute")


def say_state(account: Account, now: datetime) -> str:
    """Return the state in a few words: "expires in 12 days", "in error"."""
    remaining = account.remaining(now) or timedelta(0)
    status = account.status(now)
    match status:
        case Status.ERROR:
            return "in error"
        case Status.UNKNOWN:
            return "expiry unknown"
        case Status.EXPIRED:
            return f"expired {say_duration(remaining)} ago"
        case Status.HEALTHY | Status.EXPIRING | Status.LAST_DAY:
            return f"expires in {say_duration(remaining)}"
        case _:
            assert_never(status)


def say_standing(account: Account, now: datetime) -> str:
    """Return how the account stands as the end of a sentence: "expires in 12 days and is in error"."""
    if account.error is not None:
        expiry = say_state(replace(account, error=None), now)
        return "is in error" if account.expires_at is None else f"{expiry} and is in error"
    return "has no known expiry" if account.expires_at is None else say_state(account, now)


def say_name(account: Account) -> str:
    """Return an account's name and id, or its id alone, safe to show in Discord."""
    # Cut first: escaping marks must not shorten the text.
    name, shown_id = (escaped(plain(part, _MAX_NAME), 2 * _MAX_NAME) for part in (account.name or "", account.id))
    return f"{name} ({shown_id})" if name else shown_id


def say_date(moment: datetime) -> str:
    """Return a day in UTC: "3 February 2026"."""
    return f"{moment.day} {moment:%B %Y}"


def say_unconfirmed(account: Account, read_at: datetime, now: datetime) -> str:
    """Return the state as it was last known, for when it could not be read since."""
    if account.expires_at is None:
        return "can't be read"
    day = f"{say_date(account.expires_at)} {account.expires_at:%H:%M} UTC"
    return f"was due to expire {day}, not confirmed for {say_duration(now - read_at)}"


def say_capabilities(account: Account) -> str:
    """Return what the account can do, for a sentence: "video and chat jobs"; "jobs" if nothing is known."""
    names = [escaped(one.label.lower(), 64) for one in account.capabilities if one.supported]
    if not names:
        return "jobs"
    if len(names) > _MOST_CAPABILITIES:
        names[_MOST_CAPABILITIES - 1 :] = ["other"]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{listed} jobs"


def say_blocked(channels: Sequence[tuple[str, str]]) -> str:
    """Return what people read about channels that refuse reminders: each a name and a reason."""
    news = f"⚠️ MiniMax reminders can't be delivered in {say_count(len(channels), 'channel')}:"
    advice = (
        "Nothing is lost: what is due is sent once it works again. Check the bot's permissions there, "
        "or change the reminder with `/minimax-reminders add` and `remove`."
    )
    return "\n".join([news, *_say_reasons(channels), advice])


def say_outdated(channels: Sequence[tuple[str, str]]) -> str:
    """Return what people read about boards that can't be kept current: each a channel's name and a reason."""
    news = f"⚠️ The board of MiniMax accounts can't be kept up to date in {say_count(len(channels), 'channel')}:"
    advice = "Fix that there, or remove the board with `/minimax-reminders board`."
    return "\n".join([news, *_say_reasons(channels), advice])


def _say_reasons(places: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each of the first places, and one for the rest."""
    lines = [f"- {place}: {escaped(reason, 150)}" for place, reason in places[:MAX_BLOCKED]]
    if len(places) > MAX_BLOCKED:
        lines.append(f"- and {len(places) - MAX_BLOCKED} more, see `/minimax-reminders list`")
    return lines


@dataclass(frozen=True, slots=True)
class Problem:
    """What a person is told when something went wrong; `ids` are account ids worth trying."""

    title: str
    happened: str
    advice: str
    ids: tuple[str, ...] = ()
    more_ids: int = 0


def _with_ids(title: str, happened: str, advice: str, ids: tuple[str, ...]) -> Problem:
    return Problem(title, happened, advice, ids[:MAX_IDS], max(0, len(ids) - MAX_IDS))


_ADD_ACCOUNT = f"Accounts are added at useapi.net: {SETUP_GUIDE}"
_UNEXPECTED = Problem(
    "Something broke",
    "The bot ran into an error of its own.",
    "Try again. If it happens again, tell whoever runs this bot.",
)
_SIMPLE: dict[type[BotError], Problem] = {
    UseapiTokenRefused: Problem(
        "The bot's useapi.net token was refused",
        "useapi.net does not accept the token this bot uses, so no account can be read. The accounts may be fine.",
        "Whoever runs this bot must put a valid token into USEAPI_TOKEN and restart it.",
    ),
    SubscriptionLapsed: Problem(
        "The useapi.net subscription has lapsed",
        "useapi.net answers no requests of this token until it is paid for again.",
        "Whoever owns the useapi.net subscription must renew it at useapi.net.",
    ),
    AccountOnHold: Problem(
        "The account is on hold at MiniMax",
        "MiniMax has paused this account. That can last a few hours, and ends by itself as a rule.",
        "Try again later. If it stays on hold, log in to MiniMax and see what it says.",
    ),
    ApiUnreachable: Problem(
        "useapi.net can't be reached",
        "useapi.net did not answer, or answered with an error of its own.",
        "Try again in a minute. If it goes on, see that useapi.net is up and that the bot's machine reaches it.",
    ),
    UnreadableAnswer: Problem(
        "useapi.net's answer can't be read",
        "useapi.net answered, but not with account data this bot understands.",
        "Try again in a minute. If it goes on, tell whoever runs this bot.",
    ),
    ServerNotListed: Problem(
        "This bot does not serve this place",
        "It answers only in the servers that whoever runs it has listed, never in direct messages.",
        "Use the command in one of those servers, or ask for this server's id to be added to GUILD_IDS.",
    ),
    NotAllowed: Problem(
        "This is for those who may manage the server",
        "It needs the permission Manage Server, which you don't have here.",
        "Ask somebody who has it.",
    ),
    NothingLeft: Problem(
        "Nothing is left to do",
        "What this reminder told of is renewed or mended already, or a later reminder has replaced it.",
        "Press *Check now* if you want to see for yourself.",
    ),
    StaleButton: Problem(
        "This button no longer works",
        "It is not one of those that this version of the bot knows.",
        "Use the command again: its answer brings new buttons.",
    ),
    StoreError: Problem(
        "The bot's database is in trouble",
        "What you asked for could not be stored or read.",
        "Try again in a minute. If it goes on, tell whoever runs this bot.",
    ),
    Stopping: Problem(
        "The bot is restarting",
        "It takes no new work while it shuts down.",
        "Try again in a minute.",
    ),
}


def _explain_no_account(error: NoSuchAccount) -> Problem:
    advice = "Pick one of these, or add the account first." if error.known else "See that the id or name is right."
    return _with_ids(
        "No such account",
        "No account with this id or user name is set up at useapi.net.",
        f"{advice} {_ADD_ACCOUNT}",
        error.known,
    )


def _explain_busy(error: ApiBusy) -> Problem:
    wait = "in a minute"
    if error.retry_after is not None and error.retry_after < _MINUTE:
        wait = f"in {say_count(max(1, math.ceil(error.retry_after)), 'second')}"
    elif error.retry_after is not None:
        wait = f"in {say_duration(timedelta(seconds=error.retry_after))}"
    return Problem("useapi.net is busy", "It asked this bot to slow down.", f"Try again {wait}.")


def _explain_no_reminder(error: CannotRemind | DeliveryFailed) -> Problem:
    if isinstance(error, CannotRemind):
        return Problem("This reminder can't work", str(error), error.advice)
    return Problem(
        "The test did not arrive",
        f"Discord's answer: {error}.",
        "Mend that, or pick another channel, and test again. Real reminders would fail there in the same way.",
    )


def explain(error: BotError | None) -> Problem:
    """Return what to tell the person who asked; None stands for an error nobody foresaw."""
    match error:
        case NoSuchAccount():
            return _explain_no_account(error)
        case AmbiguousName():
            return _with_ids(
                "Several accounts have this name",
                "The user name you gave belongs to more than one account.",
                "Ask again with the id of the one you mean.",
                error.ids,
            )
        case ApiBusy():
            return _explain_busy(error)
        case CannotRemind() | DeliveryFailed():
            return _explain_no_reminder(error)
        case TooManyLookUps():
            seconds = say_count(math.ceil(error.retry_after), "second")
            return Problem("A little slower, please", "You asked a lot in a short time.", f"Try again in {seconds}.")
        case _:
            return _SIMPLE.get(type(error), _UNEXPECTED) if error else _UNEXPECTED
