"""Plain texts for people: numbers, durations, states and channel problems."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from bot.core.accounts import Account
from bot.core.status import Status
from bot.core.text import code, escaped, plain

CLOCK_ADVICE = "Set it, and turn on time synchronisation (NTP)."
MAX_BLOCKED = 5
_MAX_CAPABILITIES = 8
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


def say_skew(skew: timedelta) -> str:
    """Return how wrong a clock is: "2 hours ahead", "20 days behind"."""
    minutes = round(abs(skew) / timedelta(minutes=1))
    return f"{say_duration(timedelta(minutes=-minutes))} {'ahead' if skew > timedelta(0) else 'behind'}"


def say_wrong_clock(skew: timedelta) -> str:
    """Return what the operator must know about a machine's clock that is so far ahead."""
    return f"The clock of this machine is {say_skew(skew)}, so no reminder is sent. {CLOCK_ADVICE}"


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


def say_days(lead_times: Sequence[int]) -> str:
    """Return lead times, which are in days: "14, 7, 3 and 1 day before"."""
    *others, last = map(str, lead_times)
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{listed} {'day' if last == '1' else 'days'} before"


def say_short_name(account: Account) -> str:
    """Return an account's name in bold, or its id as code; for messages that show the id elsewhere."""
    name = escaped(plain(account.name or "", _MAX_NAME), 2 * _MAX_NAME)
    return f"**{name}**" if name else code(account.id, _MAX_NAME)


def say_full_name(account: Account) -> str:
    """Return an account's name in bold and its id as code, or its id alone."""
    name = escaped(plain(account.name or "", _MAX_NAME), 2 * _MAX_NAME)
    return f"**{name}** {code(account.id, _MAX_NAME)}" if name else code(account.id, _MAX_NAME)


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


def say_undated(account: Account) -> str:
    """Return the state of an account whose expiry the API no longer gives, by its last known date."""
    if account.expires_at is None:
        return "has no known expiry"
    day = f"{say_date(account.expires_at)} {account.expires_at:%H:%M} UTC"
    return f"no longer shows its expiry, which was last known as {day}"


def say_capabilities(account: Account) -> str:
    """Return what the account can do, for a sentence: "video and chat jobs"; "jobs" if nothing is known."""
    names = [escaped(one.label.lower(), 64) for one in account.capabilities if one.supported]
    if not names:
        return "jobs"
    if len(names) > _MAX_CAPABILITIES:
        names[_MAX_CAPABILITIES - 1 :] = ["other"]
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"{listed} jobs"


def say_blocked(channels: Sequence[tuple[str, str]]) -> str:
    """Return what people read about channels that refuse reminders: each a name and a reason."""
    news = f"⚠️ MiniMax reminders can't be delivered in {say_count(len(channels), 'channel')}:"
    advice = (
        "Nothing is lost: due reminders are sent once it works again. Check the bot's permissions there, "
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
