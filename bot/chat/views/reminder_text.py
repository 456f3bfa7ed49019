"""The words of a reminder: what each of its entries says, as a sentence, a card or a line of a list."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum

from discord.utils import format_dt

from bot.core.accounts import Account
from bot.core.entries import Entry, Relevance
from bot.core.incidents import Reason
from bot.core.links import RenewalLinks, message_link
from bot.core.notes import MAX_NOTE
from bot.core.notifications import FAILURES, Kind
from bot.core.status import Status
from bot.core.text import code, escaped
from bot.core.wording import (
    HOW_TO_RENEW,
    RENEWAL_TIME,
    say_bare_name,
    say_capabilities,
    say_count,
    say_credits,
    say_duration,
    say_full_name,
    say_life_left,
    say_reason_of_failure,
    say_remedy,
    say_short_name,
)

_FRESH_FOR = timedelta(minutes=5)
_MAX_ID = 60
_MAX_ERROR = 200
_MAX_ERROR_IN_LIST = 100
_MAX_NOTE_IN_LIST = 100
# A push notification shows little more.
_MAX_NAMES = 5
_MAX_STRAYS = 3
_LOW = "🪙"
_ALSO_ERROR = "useapi.net also reports an error"


class Alert(Enum):
    """What an open entry warns of."""

    EXPIRED = "the login has expired"
    ERROR = "the API reports an error"
    FAILING = "all jobs of the account fail"
    REMOVED = "the API does not list the account any more"
    EXPIRING = "the login will expire"
    UNDATED = "the API gives no expiry any more"
    UNCONFIRMED = "the login was not read lately"
    LOW_CREDITS = "the credits are lower than the subscription allows"
    UNREADABLE = "no account can be read"
    ALL_FAILING = "the jobs of all accounts get server errors"

    @property
    def has_failed(self) -> bool:
        """Whether the account does not work any more."""
        return self in (Alert.EXPIRED, Alert.ERROR, Alert.FAILING, Alert.REMOVED)

    @property
    def is_only_text(self) -> bool:
        """Whether a message about it alone needs no card."""
        return self in (
            Alert.ERROR,
            Alert.FAILING,
            Alert.REMOVED,
            Alert.LOW_CREDITS,
            Alert.UNREADABLE,
            Alert.ALL_FAILING,
        )


def alert_of(entry: Entry, now: datetime) -> Alert:
    """Return what an open entry warns of."""
    kind = entry.notification.kind
    if entry.snapshot is None:
        return Alert.ALL_FAILING if kind is Kind.FAILING else Alert.UNREADABLE
    account = entry.snapshot.account
    if kind is Kind.MISSING or not entry.is_listed:
        return Alert.REMOVED
    if kind is Kind.LOW_CREDITS:
        return Alert.LOW_CREDITS
    if kind in FAILURES:
        failure = Alert.ERROR if kind is Kind.ERROR else Alert.FAILING
        return Alert.EXPIRED if account.has_expired(now) else failure
    if not entry.is_dated or account.expires_at is None:
        return Alert.UNDATED
    if not entry.is_confirmed and now - entry.snapshot.read_at > _FRESH_FOR:
        return Alert.UNCONFIRMED
    return Alert.EXPIRED if account.has_expired(now) else Alert.EXPIRING


def status_of_alert(entry: Entry, now: datetime) -> Status:
    """Return the status whose emoji and colour an open entry has; one that comes early is no less of a warning."""
    match alert_of(entry, now):
        case Alert.EXPIRED | Alert.REMOVED:
            return Status.EXPIRED
        case Alert.ERROR | Alert.FAILING:
            return Status.ERROR
        case Alert.EXPIRING if entry.snapshot is not None and entry.snapshot.account.is_urgent(now):
            return Status.LAST_DAY
        case Alert.EXPIRING | Alert.LOW_CREDITS:
            return Status.EXPIRING
        case _:
            return Status.UNKNOWN


def say_alert(entry: Entry, now: datetime) -> str:
    """Return the sentence about the one open entry of a message; what a push notification shows.

    It stays true: it counts from when it was sent, and has no date that depends on the reader's time zone.
    """
    still = "still " if entry.notification.is_follow_up else ""
    if entry.snapshot is None:
        since = f" (since {format_dt(entry.since, 'f')})" if entry.since else ""
        if alert_of(entry, now) is Alert.ALL_FAILING:
            return f"⚪ **The jobs of all your MiniMax accounts {still}get server errors**{since}."
        fact = f"The bot {still}can't reach your MiniMax accounts"
        return f"⚪ **{fact}**{since}. Reminders go on with the last known dates."
    account, name = entry.snapshot.account, name_of(entry)
    sign = _sign(entry, now)
    login = "login renewed, but" if entry.is_renewed else "MiniMax login"
    if entry.is_renewed and entry.is_other_user:
        login = "the account now uses a different MiniMax user's login, which"
    also = f" ({_ALSO_ERROR})" if account.error is not None else ""
    match alert_of(entry, now):
        case Alert.REMOVED:
            return f"{sign} {name}: this account was removed from useapi.net."
        case Alert.ERROR:
            return f"{sign} {name}: useapi.net {still}reports an error."
        case Alert.FAILING:
            return f"{sign} {name}: its MiniMax jobs {still}fail, as {say_reason_of_failure(entry.reason)}."
        case Alert.LOW_CREDITS:
            return f"{sign} {name}: {_say_credits(entry)}."
        case Alert.UNDATED:
            return f"{sign} {name}: useapi.net no longer reports when this MiniMax login expires."
        case Alert.UNCONFIRMED if account.expires_at is not None:
            should = "should have expired" if account.has_expired(now) else "should expire"
            return f"{sign} {name}: MiniMax login {should} {format_dt(account.expires_at, 'f')} (not confirmed)."
        case Alert.EXPIRED:
            state = "is still expired" if still else "has expired"
            return f"{sign} {name}: {login} {state}{also}. Jobs on this account fail until it is renewed."
        case _:
            return f"{sign} {name}: {login} expires within {_say_left(entry, now)}{also}."


def say_alerts(entries: Sequence[Entry], now: datetime) -> str:
    """Return the sentence about several open entries, most urgent first."""
    low = [entry for entry in entries if alert_of(entry, now) is Alert.LOW_CREDITS]
    others = [entry for entry in entries if entry not in low]
    if not others:
        return f"{_LOW} **{say_count(len(low), 'MiniMax account')} are low on credits:** {_list_names(low)}."
    if low:
        about = say_alert(others[0], now) if len(others) == 1 else say_alerts(others, now)
        return f"{about} Low on credits: {_list_names(low)}."
    failed = [entry for entry in entries if alert_of(entry, now).has_failed]
    soon = [entry for entry in entries if not alert_of(entry, now).has_failed]
    listed = _list_names(entries)
    if not failed:
        if all(alert_of(entry, now) is Alert.EXPIRING for entry in soon):
            first, last = (choose(soon, key=lambda entry: _left(entry, now)) for choose in (min, max))
            when = f"within {_say_left(last, now)}"
            if status_of_alert(first, now) is Status.LAST_DAY is not status_of_alert(last, now):
                when = f"{when}, the first within {_say_left(first, now)}"
        else:
            when = "soon, or may have expired"
        return f"⏰ **{say_count(len(soon), 'MiniMax login')} expire {when}:** {listed}."
    is_other = not all(needs_renewal(entry, now) for entry in failed)
    is_news = not all(entry.notification.is_follow_up for entry in failed)
    what = say_count(len(failed), "MiniMax account" if is_other else "MiniMax login")
    verb = "need" if len(failed) > 1 else "needs"
    need = f"{verb} {'attention' if is_other else 'renewing'}"
    head = f"**{what} {need} now" if is_news else f"**{what} still {need}"
    if not soon:
        return f"🔴 {head}:** {listed}."
    return f"🔴 {head}**, {len(soon)} {'expire' if len(soon) > 1 else 'expires'} soon: {listed}."


def needs_renewal(entry: Entry, now: datetime) -> bool:
    """Whether an open entry asks for a renewal of the login."""
    match alert_of(entry, now):
        case Alert.FAILING:
            return entry.reason is Reason.REFUSED
        case Alert.REMOVED | Alert.LOW_CREDITS | Alert.UNREADABLE | Alert.ALL_FAILING:
            return False
        case _:
            return True


def say_more(entry: Entry, now: datetime) -> list[str]:
    """Return the lines that follow the sentence in a message without a card."""
    account = entry.snapshot.account if entry.snapshot else None
    match alert_of(entry, now):
        case Alert.ERROR if account is not None:
            valid = "Renewing the login usually clears the error."
            if account.expires_at is not None:
                valid = (
                    f"The login itself is valid until {format_dt(account.expires_at, 'D')}. "
                    "Renewing it usually clears the error."
                )
            return [f"> {escaped(account.error or '', _MAX_ERROR) or 'No text was given.'}", valid]
        case Alert.FAILING if account is not None:
            until, end = "", "a job succeeds"
            if entry.reason is Reason.REFUSED:
                end = f"the login is renewed, or {end}"
                if account.expires_at is not None:
                    until = f" By its date it would be valid until {format_dt(account.expires_at, 'D')}."
            return [f"{say_remedy(entry.reason)}{until}", f"This message turns green once {end}."]
        case Alert.LOW_CREDITS:
            return ["Add credits at MiniMax before jobs fail."]
        case Alert.ALL_FAILING:
            return ["useapi.net or MiniMax fails, not your accounts. This message turns green when jobs succeed again."]
        case Alert.REMOVED:
            return ["Reminders for it stop here. Add it again at useapi.net if that was a mistake."]
        case _:
            question = "Bot owner: is useapi.net up, and `USEAPI_TOKEN` still valid?"
            return [f"{question} This message turns green when it works again."]


def say_card(entry: Entry, now: datetime) -> list[str]:
    """Return the lines of the card about the one open entry of a message."""
    assert entry.snapshot is not None
    account = entry.snapshot.account
    jobs = say_capabilities(account)
    jobs = f"**{jobs}** jobs" if jobs else "jobs"
    if account.expires_at is None:
        return ["useapi.net gives no expiry date."]
    when = f"{format_dt(account.expires_at, 'F')} · **{format_dt(account.expires_at, 'R')}**"
    match alert_of(entry, now):
        case Alert.UNDATED:
            return [f"Last known expiry: {when}"]
        case Alert.UNCONFIRMED:
            should = "should have expired" if account.has_expired(now) else "should expire"
            return [f"Last checked {format_dt(entry.snapshot.read_at, 'R')}. The login {should} {when}"]
        case Alert.EXPIRED:
            return [f"Expired {when}", f"Stopped: {jobs}"]
        case _:
            life = say_life_left(account, now)
            return [f"Expires {when}", f"{life} · then {jobs} stop" if life else f"Then {jobs} stop"]


def say_line(entry: Entry, now: datetime) -> str:
    """Return what a message about several accounts says of an entry: its name, and smaller below, how it stands."""
    if entry.snapshot is None:
        return say_settled(entry, now) if not entry.needs_action else _say_shared_line(entry)
    name, detail = say_full_name(entry.snapshot.account), ""
    if entry.needs_action:
        sign = status_of_alert(entry, now).style.emoji
        detail = _say_detail(entry, now)
        if entry.assignment is not None:
            detail = f"{detail} · 🙋 <@{entry.assignment.user_id}>"
        if entry.note:
            detail = f"{detail} · 📝 {code(entry.note, _MAX_NOTE_IN_LIST)}"
    else:
        sign, detail = _say_outcome(entry, now)
    return f"{sign} {name}\n-# {detail}"


def say_settled(entry: Entry, now: datetime) -> str:
    """Return the line about an entry that asks for nothing any more, in a message without a card."""
    if entry.relevance is Relevance.SUPERSEDED:
        return say_replaced([entry])[0]
    if entry.snapshot is None:
        if entry.notification.kind is Kind.FAILING:
            return "✅ **The jobs of your MiniMax accounts succeed again.**"
        return "✅ **The bot can reach your MiniMax accounts again.**"
    sign, outcome = _say_outcome(entry, now)
    if entry.newer_id is not None:
        return f"-# {sign} {name_of(entry)}: {outcome}"
    thanks = f" Thanks, <@{entry.assignment.user_id}>!" if sign == "✅" and entry.assignment else ""
    login = "MiniMax login " if sign == "✅" and entry.notification.kind in (Kind.STAGE, Kind.RENEWED) else ""
    return f"{sign} {name_of(entry)}: {login}{outcome}{'' if outcome.endswith('?') else '.'}{thanks}"


def say_replaced(entries: Sequence[Entry]) -> list[str]:
    """Return a line for each newer message that replaces some of these entries."""
    by_newer: dict[int | None, list[Entry]] = {}
    for entry in entries:
        by_newer.setdefault(entry.newer_id, []).append(entry)
    lines = []
    for group in by_newer.values():
        names = ", ".join(_bare_name_of(one) for one in group if one.snapshot)
        lines.append(f"-# ↪️ {names or 'Your MiniMax accounts'}: {_say_newer(group[0])}")
    return lines


def say_unchanged(entries: Sequence[Entry], now: datetime) -> str:
    """Return, small, that a check has just found the open entries as they were."""
    is_renewable = any(entry.notification.kind is Kind.STAGE and entry.is_listed for entry in entries)
    return f"-# 🔄 Checked {format_dt(now, 'R')}: {'not renewed' if is_renewable else 'no change'}"


def say_how_to_renew(entry: Entry, renewal: RenewalLinks, now: datetime) -> str:
    """Return, small, how to renew the one open login of a message; a note says with which Google account.

    An account that needs something else has its note alone, or ""; so has one that a person is on, who knows how.
    """
    note = f"📝 {code(entry.note, MAX_NOTE + 3)}" if entry.note else ""
    if not needs_renewal(entry, now) or entry.assignment is not None:
        return f"-# {note}" if note else ""
    how = f"{note} · {RENEWAL_TIME}" if note else HOW_TO_RENEW
    # The brackets keep Discord from showing a preview of the page.
    return f"-# {how}, or [by hand](<{renewal.manual}>)."


def say_assignment(entry: Entry) -> str:
    """Return, small, who is assigned, "" if nobody is."""
    if entry.assignment is None:
        return ""
    return f"-# 🙋 <@{entry.assignment.user_id}> is on it ({format_dt(entry.assignment.assigned_at, 'R')})"


def say_strays(entries: Sequence[Entry], now: datetime) -> list[str]:
    """Return the small line about accounts that have appeared in place of renewals of these ones, if any have."""
    waiting = [entry for entry in entries if entry.strays and needs_renewal(entry, now)]
    strays = {account.id: account for entry in waiting for account in entry.strays}
    if not strays:
        return []
    appeared = _listed([say_full_name(account) for account in strays.values()], _MAX_STRAYS)
    new = "A new account" if len(strays) == 1 else "New accounts"
    unchanged = f"{_listed(list(map(name_of, waiting)), _MAX_STRAYS)} {'is' if len(waiting) == 1 else 'are'} unchanged"
    return [f"-# ⚠️ {new} {appeared} appeared, but {unchanged}. Was that the right Google account?"]


def name_of(entry: Entry) -> str:
    """Return the account's name, with its id if another account has the same name."""
    assert entry.snapshot is not None
    account = entry.snapshot.account
    return say_full_name(account) if entry.has_namesake else say_short_name(account)


def _listed(names: Sequence[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _bare_name_of(entry: Entry) -> str:
    """Return the account's name for a list of names."""
    assert entry.snapshot is not None
    account = entry.snapshot.account
    name = say_bare_name(account)
    return f"{name} {code(account.id, _MAX_ID)}" if entry.has_namesake and account.name else name


def _sign(entry: Entry, now: datetime) -> str:
    match alert_of(entry, now):
        case Alert.ERROR | Alert.FAILING:
            return Status.ERROR.style.emoji
        case Alert.LOW_CREDITS:
            return _LOW
        case Alert.EXPIRED | Alert.REMOVED:
            return "🔴"
        case _:
            has_expired = entry.snapshot is not None and entry.snapshot.account.has_expired(now)
            return "🔴" if has_expired else "⏰"


def _list_names(entries: Sequence[Entry]) -> str:
    names = [_bare_name_of(entry) for entry in entries if entry.snapshot]
    listed = ", ".join(names[:_MAX_NAMES])
    return f"{listed} and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else listed


def _say_credits(entry: Entry) -> str:
    low = entry.low_credits
    if low is None:
        return "low on credits"
    return f"{say_credits(low.total)} left, below {low.threshold:,}"


def _left(entry: Entry, now: datetime) -> timedelta:
    """Return how much time was left when the message was sent."""
    expires_at = entry.snapshot.account.expires_at if entry.snapshot else None
    return timedelta(0) if expires_at is None else expires_at - (entry.said_at or now)


def _say_left(entry: Entry, now: datetime) -> str:
    return say_duration(_left(entry, now))


def _say_detail(entry: Entry, now: datetime) -> str:
    """Return how an open account is, for a list."""
    assert entry.snapshot is not None
    account = entry.snapshot.account
    expires_at = account.expires_at
    also = f" · {_ALSO_ERROR}" if account.error is not None else ""
    match alert_of(entry, now):
        case Alert.REMOVED:
            return "removed from useapi.net"
        case Alert.ERROR:
            return f"error: {escaped(account.error or '', _MAX_ERROR_IN_LIST) or 'no text was given'}"
        case Alert.FAILING:
            return f"jobs fail: {say_reason_of_failure(entry.reason)}"
        case Alert.LOW_CREDITS:
            return _say_credits(entry)
        case Alert.EXPIRED if expires_at is not None:
            stopped = say_capabilities(account, before_last=", ") or "jobs"
            return f"expired {format_dt(expires_at, 'R')} · {stopped} stopped{also}"
        case Alert.UNCONFIRMED if expires_at is not None:
            should = "should have expired" if account.has_expired(now) else "should expire"
            checked = format_dt(entry.snapshot.read_at, "R")
            return f"{should} {format_dt(expires_at, 'f')} · last checked {checked}{also}"
        case Alert.EXPIRING if expires_at is not None:
            renewed = "renewed, but " if entry.is_renewed else ""
            return f"{renewed}expires {format_dt(expires_at, 'R')}{also}"
        case _:
            known = f" · last known: {format_dt(expires_at, 'f')}" if expires_at else ""
            return f"no expiry date reported{known}"


def _say_shared_line(entry: Entry) -> str:
    since = f"since {format_dt(entry.since, 'f')} · " if entry.since else ""
    if entry.notification.kind is Kind.FAILING:
        return f"⚪ **The jobs of all your MiniMax accounts get server errors**\n-# {since}useapi.net or MiniMax fails"
    return f"⚪ **The bot can't reach your MiniMax accounts**\n-# {since}reminders go on with the last known dates"


def _say_outcome(entry: Entry, now: datetime) -> tuple[str, str]:
    """Return the sign and the words of an entry that asks for nothing any more."""
    assert entry.snapshot is not None
    failure = _say_failure(entry, now)
    if entry.relevance is Relevance.SUPERSEDED or (failure and entry.newer_id is not None):
        return "↪️", _say_newer(entry)
    if entry.relevance is Relevance.OVER:
        good = {
            Kind.ERROR: "working again",
            Kind.FAILING: "no longer failing",
            Kind.LOW_CREDITS: "enough credits again",
            Kind.MISSING: "back at useapi.net",
            Kind.UNDATED: "useapi.net reports the expiry date again",
        }[entry.notification.kind]
    elif entry.is_other_user:
        if entry.newer_id is not None:
            return "⚠️", f"[a different MiniMax user's login]({_link(entry, entry.newer_id)})"
        return "⚠️", "the account now uses a different MiniMax user's login. Was that on purpose?"
    else:
        good = "renewed"
    if failure:
        return "⚠️", f"{good}, but {failure}"
    if entry.newer_id is not None:
        return "✅", f"[{good}]({_link(entry, entry.newer_id)})"
    expires_at = _valid_until(entry, entry.snapshot.account)
    if expires_at is None or entry.notification.kind in (Kind.UNDATED, Kind.LOW_CREDITS):
        return "✅", good
    valid = "valid" if entry.relevance is not Relevance.OVER else "login valid"
    return "✅", f"{good}, {valid} until {format_dt(expires_at, 'D')}"


def _valid_until(entry: Entry, account: Account) -> datetime | None:
    """Return the expiry that good news is about: the present one, unless the login was renewed again since."""
    one, login = entry.notification, entry.snapshot.login if entry.snapshot else None
    is_past = one.kind is Kind.RENEWED and login is not None and login.id != one.ref
    return one.expires_at if is_past else account.expires_at


def _say_failure(entry: Entry, now: datetime) -> str:
    """Return how the account has failed again since, "" if it has not."""
    if entry.snapshot is None:
        return ""
    if not entry.is_listed:
        return "was removed from useapi.net"
    match entry.snapshot.account.status(now):
        case Status.ERROR:
            return "useapi.net reports an error"
        case Status.EXPIRED:
            return "the login has expired"
        case _ if entry.snapshot.has_incident(Kind.FAILING) and entry.notification.kind is not Kind.LOW_CREDITS:
            return "its jobs fail"
        case _:
            return ""


def _say_newer(entry: Entry) -> str:
    if entry.newer_id is None:
        return "replaced by a newer reminder"
    return f"replaced by a [newer reminder]({_link(entry, entry.newer_id)})"


def _link(entry: Entry, message_id: int) -> str:
    return message_link(entry.notification.guild_id, entry.notification.channel_id, message_id)
