"""Plain texts for people: numbers, durations, states and channel problems."""

import math
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import assert_never

from bot.core.accounts import Account
from bot.core.incidents import Reason
from bot.core.status import Status
from bot.core.text import code, escaped, plain

RENEWAL_TIME = "about five minutes"
HOW_TO_RENEW = f"Sign in with the Google account that belongs to this login: {RENEWAL_TIME}"
CLOCK_ADVICE = "Set it, and turn on time synchronisation (NTP)."
MAX_BLOCKED = 5
_MAX_CAPABILITIES = 8
_MAX_NAME = 44
_BAR_CELLS = 10
_REASONS = {
    Reason.REFUSED: "MiniMax refuses the login",
    Reason.OUT_OF_CREDITS: "it is out of credits",
    Reason.ON_HOLD: "it is on hold at MiniMax",
}
_REMEDIES = {
    Reason.REFUSED: "Renew the login.",
    Reason.OUT_OF_CREDITS: "Add credits at MiniMax.",
    Reason.ON_HOLD: "That can last a few hours and usually ends by itself. If not, log in to MiniMax and see why.",
}
_TIME = re.compile(r"<t:(\d{1,11}):f>")


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
            return f"expired {_say_nearly(remaining)} ago"
        case Status.HEALTHY | Status.EXPIRING | Status.LAST_DAY:
            return f"expires in {_say_nearly(remaining)}"
        case _:
            assert_never(status)


def _say_nearly(duration: timedelta) -> str:
    """Return a duration, left or gone by, rounded to the nearest as in Discord's relative times."""
    seconds = abs(duration.total_seconds())
    for unit, length in (("day", 86_400), ("hour", 3_600)):
        if seconds >= 0.9 * length:
            return say_count(round(seconds / length), unit)
    return say_count(max(1, round(seconds / 60)), "minute")


def say_credits(number: int) -> str:
    """Return a number of credits: "1 credit", "1,240 credits"."""
    return f"{number:,} credit{'' if number == 1 else 's'}"


def say_reason_of_failure(reason: Reason | None) -> str:
    """Return why all jobs of an account fail: "it is out of credits"; without a reason, that none is known."""
    return _REASONS[reason] if reason else "the reason is not known"


def say_remedy(reason: Reason | None) -> str:
    """Return what to do about failing jobs."""
    return _REMEDIES[reason] if reason else "Look at the account at MiniMax."


def say_days(lead_times: Sequence[int]) -> str:
    """Return lead times, which are in days: "14, 7, 3 and 1 day before"."""
    *others, last = map(str, lead_times)
    listed = f"{', '.join(others)} and {last}" if others else last
    return f"{listed} {'day' if last == '1' else 'days'} before"


def say_short_name(account: Account) -> str:
    """Return an account's name in bold, or its id as code; for messages that show the id elsewhere."""
    name = escaped(plain(account.name or "", _MAX_NAME), 2 * _MAX_NAME)
    return f"**{name}**" if name else code(account.id, _MAX_NAME)


def say_bare_name(account: Account) -> str:
    """Return an account's name without marks, or its id as code; for lists of names inside a sentence."""
    return escaped(plain(account.name or "", _MAX_NAME), 2 * _MAX_NAME) or code(account.id, _MAX_NAME)


def say_full_name(account: Account) -> str:
    """Return an account's name in bold and its id as code, or its id alone."""
    name = escaped(plain(account.name or "", _MAX_NAME), 2 * _MAX_NAME)
    return f"**{name}** {code(account.id, _MAX_NAME)}" if name else code(account.id, _MAX_NAME)


def say_told_apart(account: Account, shared: Collection[str]) -> str:
    """Return an account's name, with its id if the name is among those that several accounts have."""
    return say_full_name(account) if account.name in shared else say_short_name(account)


def say_capabilities(account: Account, *, before_last: str = " and ") -> str:
    """Return what the account can do as a list, "video, chat and audio"; "" if nothing is known."""
    names = [escaped(one.label.lower(), 64) for one in account.capabilities if one.supported]
    if len(names) > _MAX_CAPABILITIES:
        names[_MAX_CAPABILITIES - 1 :] = ["other"]
    return before_last.join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def say_life_left(account: Account, now: datetime) -> str:
    """Return a bar and a percentage of the login's life that is left, "" if that is not known."""
    share = account.remaining_share(now)
    if share is None:
        return ""
    filled = round(share * _BAR_CELLS)
    return f"{'▰' * filled}{'▱' * (_BAR_CELLS - filled)} {share:.0%} left"


def say_timed_out(until: datetime) -> str:
    """Return why a channel refuses: a moderator has timed the bot out."""
    return f"the bot is timed out until <t:{int(until.timestamp())}:f>; remove the timeout"


def say_reason(reason: str, limit: int) -> str:
    """Return why a channel refuses on one line that shows its times, with all other marks switched off."""
    begin, *rest = _TIME.split(reason, maxsplit=1)
    if not rest:
        return escaped(reason, limit)
    seconds, end = rest
    return f"{escaped(begin, limit)} <t:{seconds}:f>{escaped(end, limit)}"


def say_reason_plainly(reason: str) -> str:
    """Return why a channel refuses for a log, where nothing turns a mark into a time."""
    return _TIME.sub(lambda found: f"{datetime.fromtimestamp(int(found[1]), UTC):%Y-%m-%d %H:%M UTC}", reason)


def say_blocked(channels: Sequence[tuple[str, str]]) -> str:
    """Return what people read about channels that refuse reminders: each a name and a reason."""
    news = f"{_say_blocked_in(len(channels))}:"
    advice = (
        "Nothing is lost: due reminders are sent once it works again. Check the bot's permissions there, "
        "or change the reminder with `/minimax-reminders add` and `remove`."
    )
    return "\n".join([news, *_say_reasons(channels), advice])


def say_blocked_count(channels: int) -> str:
    """Return what a whole channel reads about others that refuse reminders: how many."""
    return f"{_say_blocked_in(channels)}. Server managers see which, and why: `/minimax-reminders list`"


def _say_blocked_in(channels: int) -> str:
    return f"⚠️ MiniMax reminders can't be delivered in {say_count(channels, 'channel')}"


def say_outdated(channels: Sequence[tuple[str, str]]) -> str:
    """Return what people read about boards that can't be kept current: each a channel's name and a reason."""
    news = f"{_say_outdated_in(len(channels))}:"
    advice = "Fix that there, or remove the board with `/minimax-board remove`."
    return "\n".join([news, *_say_reasons(channels), advice])


def say_outdated_count(channels: int) -> str:
    """Return what a whole channel reads about boards that can't be kept current: how many."""
    return f"{_say_outdated_in(channels)}. Server managers see which, and why: `/minimax-reminders list`"


def _say_outdated_in(channels: int) -> str:
    return f"⚠️ The board of MiniMax accounts can't be kept up to date in {say_count(channels, 'channel')}"


def _say_reasons(places: Sequence[tuple[str, str]]) -> list[str]:
    """Return a line for each of the first places, and one for the rest."""
    lines = [f"- {place}: {say_reason(reason, 150)}" for place, reason in places[:MAX_BLOCKED]]
    if len(places) > MAX_BLOCKED:
        lines.append(f"- and {len(places) - MAX_BLOCKED} more, see `/minimax-reminders list`")
    return lines
