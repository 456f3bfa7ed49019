"""What a reminder looks like: one plain sentence, and the card of each account."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import discord
from discord.utils import format_dt

from bot.chat.views.account import AMBER, GREEN, GREY, RED, account_card
from bot.core.accounts import Account, Status
from bot.core.text import cut, escaped, plain
from bot.core.wording import (
    SETUP_GUIDE,
    say_capabilities,
    say_count,
    say_date,
    say_duration,
    say_standing,
    say_unconfirmed,
)
from bot.reminders.context import Payload
from bot.reminders.entries import Entry, Relevance
from bot.store.notifications import Kind
from bot.useapi.directory import AccountSnapshot

MAX_CARDS = 10
# Discord's limit is 6,000 over all embeds; a little is left for the footers.
MAX_CARD_CHARACTERS = 5800
MAX_CONTENT = 2000
_MAX_NAME = 60
_FRESH_FOR = timedelta(minutes=5)
_GOOD_NEWS = {Kind.ERROR: "works again", Kind.GONE: "is set up again"}


def say_name(account: Account) -> str:
    """Return an account's name and id, or its id alone, safe to show."""
    # Cut first: marks are no reason to show less of it.
    name, shown_id = (escaped(plain(part, _MAX_NAME), 2 * _MAX_NAME) for part in (account.name or "", account.id))
    return f"{name} ({shown_id})" if name else shown_id


def render(entries: Sequence[Entry], footer_id: str, now: datetime) -> tuple[Payload, int]:
    """Return the payload of one message for the first of these items, and how many it holds."""
    cards: list[discord.Embed] = []
    for entry in entries[:MAX_CARDS]:
        card = _card(entry, now)
        if cards and not _has_room(cards, card):
            break
        cards.append(card)
    taken = entries[: len(cards)]
    roles, users = _mentions(taken, now)
    return _payload(taken, cards, footer_id, now, roles=roles, users=users), len(taken)


def render_again(entries: Sequence[Entry], footer_id: str, now: datetime, *, is_checked: bool = False) -> Payload:
    """Return what a message that was sent says now; `is_checked` if somebody just asked for the state.

    Superseded reminders are folded to a line. The others keep their cards, cut short where they don't fit any more.
    """
    entries = _one_an_account(entries)
    cards: list[discord.Embed] = []
    if any(entry.relevance is not Relevance.SUPERSEDED for entry in entries):
        for entry in entries:
            card = _card(entry, now)
            if is_checked and entry.relevance is Relevance.OPEN:
                card.description = f"{card.description}\n{_say_unchanged(entry, now)}"
            if not _has_room(cards, card):
                brief = f"{_subject(entry)} {_state(entry, now)}.{_say_assignment(entry)}"
                card = discord.Embed(description=brief, colour=card.colour)
            cards.append(card)
    return _payload(entries, cards, footer_id, now)


def _one_an_account(entries: Sequence[Entry]) -> list[Entry]:
    """Return the most pressing item of each account: a message may name one twice, for its expiry and for an error."""
    order = list(Relevance)
    chosen: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: order.index(entry.relevance)):
        chosen.setdefault(entry.owed.account_id, entry)
    return [entry for entry in entries if chosen[entry.owed.account_id] is entry]


def _payload(
    entries: Sequence[Entry],
    cards: Sequence[discord.Embed],
    footer_id: str,
    now: datetime,
    *,
    roles: Sequence[int] = (),
    users: Sequence[int] = (),
) -> Payload:
    """Return a message as JSON; the roles and people that are named are those that it may mention."""
    if cards:
        cards[-1].set_footer(text=f"Read from useapi.net · {footer_id}")
    mentions = " ".join([*(f"<@&{role_id}>" for role_id in roles), *(f"<@{user_id}>" for user_id in users)])
    return {
        "content": f"{cut(_sentence(entries, now), MAX_CONTENT - len(mentions) - 1)} {mentions}".rstrip(),
        "embeds": [card.to_dict() for card in cards],
        "roles": list(roles),
        "users": list(users),
        "has_buttons": any(entry.is_bad for entry in entries),
        # Of what can't be read at all, nothing can be taken on.
        "can_take": any(entry.is_bad and entry.known is not None for entry in entries),
    }


def _has_room(cards: Sequence[discord.Embed], card: discord.Embed) -> bool:
    return sum(map(len, cards)) + len(card) <= MAX_CARD_CHARACTERS


def _mentions(entries: Sequence[Entry], now: datetime) -> tuple[list[int], list[int]]:
    """Return the roles and the people to mention; good news mentions nobody.

    Who has taken an account on is mentioned instead of the role, from the last day on beside it.
    """
    bad = [entry for entry in entries if entry.is_bad]
    free = [entry for entry in bad if entry.assignment is None or (entry.known and entry.known.account.is_urgent(now))]
    roles = [entry.subscription.role_id for entry in free if entry.subscription]
    users = [entry.assignment.user_id for entry in bad if entry.assignment]
    return list(dict.fromkeys(filter(None, roles))), list(dict.fromkeys(users))


def _sentence(entries: Sequence[Entry], now: datetime) -> str:
    sign = _sign(entries, now)
    if entries[0].owed.kind is Kind.BLIND:
        return f"{sign} {_say_blindness(entries[0])}"
    if len(entries) > 1 and all(entry.relevance is Relevance.SUPERSEDED for entry in entries):
        return f"{sign} {say_count(len(entries), 'MiniMax login')} have newer reminders: {', '.join(map(_subject, entries))}."
    said = [f"{_subject(entry)} {_state(entry, now)}" for entry in entries if entry.known]
    late = " This message comes late." if any(entry.owed.is_late for entry in entries if entry.is_bad) else ""
    if len(said) == 1:
        return f"{sign} MiniMax login {said[0]}.{late}"
    return f"{sign} {say_count(len(said), 'MiniMax login')}: {'; '.join(said)}.{late}"


def _sign(entries: Sequence[Entry], now: datetime) -> str:
    """Return the sign of the worst of them."""
    bad = [entry for entry in entries if entry.is_bad]
    if bad:
        if bad[0].owed.kind is Kind.BLIND:
            return "⚪"
        return "🔴" if any(_is_over(entry, now) for entry in bad) else "⏰"
    if any(entry.relevance is Relevance.RENEWED and entry.is_other_login for entry in entries):
        return "⚠️"
    return "⏭️" if all(entry.relevance is Relevance.SUPERSEDED for entry in entries) else "✅"


def _is_over(entry: Entry, now: datetime) -> bool:
    expires_at = entry.known.account.expires_at if entry.known else None
    is_expired = expires_at is not None and expires_at <= now
    return is_expired or not entry.is_listed or entry.owed.kind in (Kind.ERROR, Kind.GONE)


def _subject(entry: Entry) -> str:
    return say_name(entry.known.account) if entry.known else "The MiniMax accounts"


def _state(entry: Entry, now: datetime) -> str:
    """Return how the account stands, as the end of a sentence."""
    kind = entry.owed.kind
    match entry.relevance:
        case Relevance.SUPERSEDED:
            return "has a newer reminder"
        case Relevance.OVER:
            return _GOOD_NEWS[kind]
        case Relevance.OPEN if kind is not Kind.RENEWED:
            return _say_trouble(entry, now)
        case _:
            return _say_renewed(entry, now)


def _say_trouble(entry: Entry, now: datetime) -> str:
    if entry.known is None:
        return "can't be read"
    if entry.owed.kind is Kind.GONE or not entry.is_listed:
        return "is no longer set up at useapi.net"
    if entry.owed.kind is Kind.ERROR:
        return "is in error"
    if _is_doubtful(entry, now):
        return say_unconfirmed(entry.known.account, entry.known.read_at, now)
    return say_standing(entry.known.account, now)


def _is_doubtful(entry: Entry, now: datetime) -> bool:
    return entry.known is not None and not entry.is_confirmed and now - entry.known.read_at > _FRESH_FOR


def _say_renewed(entry: Entry, now: datetime) -> str:
    assert entry.known is not None
    account = entry.known.account
    if entry.is_other_login:
        return "holds another person's login now"
    if account.expires_at is None or account.expires_at <= now:
        return f"was renewed, but {say_standing(account, now)}"
    return f"is renewed until {say_date(account.expires_at)}"


def _say_blindness(entry: Entry) -> str:
    if entry.relevance is Relevance.OVER:
        return "The MiniMax accounts can be read again."
    return "The MiniMax accounts could not be read for hours, so reminders here go by what was last known."


def _say_unchanged(entry: Entry, now: datetime) -> str:
    still = "Not renewed yet" if entry.owed.kind is Kind.STEP and entry.is_listed else "No change"
    return f"🔄 {still}, as of {format_dt(now, 'f')}."


def _card(entry: Entry, now: datetime) -> discord.Embed:
    if entry.known is None:
        return _blindness_card(entry)
    if entry.relevance is Relevance.SUPERSEDED:
        return discord.Embed(description=f"{_subject(entry)} has a newer reminder.", colour=GREY)
    card = account_card(AccountSnapshot(entry.known.account, entry.known.read_at), now)
    for describe in (_describe_good_news, _describe_absence, _describe_stake):
        if describe(entry, card, now):
            break
    card.description = f"{card.description}{_say_assignment(entry)}"
    return card


def _say_assignment(entry: Entry) -> str:
    if entry.assignment is None or not entry.is_bad:
        return ""
    return f"\n🙋 <@{entry.assignment.user_id}> is on it, since {format_dt(entry.assignment.assigned_at, 'R')}."


def _blindness_card(entry: Entry) -> discord.Embed:
    if entry.relevance is Relevance.OVER:
        return discord.Embed(title="The accounts can be read again", colour=GREEN)
    advice = (
        "See that USEAPI_TOKEN is valid and that useapi.net is up. Nothing more is said of this; "
        "this message turns green when it is over."
    )
    return discord.Embed(title="The accounts can't be read", description=advice, colour=GREY)


def _describe_good_news(entry: Entry, card: discord.Embed, now: datetime) -> bool:
    assert entry.known is not None
    account = entry.known.account
    if entry.relevance is Relevance.OVER:
        card.description = f"✅ **It {_GOOD_NEWS[entry.owed.kind]}.** {card.description}"
        return True
    if entry.relevance is not Relevance.RENEWED and entry.owed.kind is not Kind.RENEWED:
        return False
    if entry.is_other_login:
        card.colour = AMBER
        card.description = f"⚠️ **Another login.** It belongs to somebody else than before. {card.description}"
    elif account.expires_at is not None and account.status(now) in (Status.HEALTHY, Status.EXPIRING):
        card.colour = GREEN
        card.description = f"✅ **Renewed** until {format_dt(account.expires_at, 'f')}."
    return True


def _describe_absence(entry: Entry, card: discord.Embed, _now: datetime) -> bool:
    if entry.is_listed and entry.owed.kind is not Kind.GONE:
        return False
    card.colour = RED
    card.description = "🔴 **Gone.** useapi.net does not list this account any more."
    return True


def _describe_stake(entry: Entry, card: discord.Embed, now: datetime) -> bool:
    assert entry.known is not None
    account = entry.known.account
    if account.error is None and account.expires_at is not None and _is_doubtful(entry, now):
        card.colour = GREY
        card.description = _say_doubt(account.expires_at, now - entry.known.read_at)
    else:
        card.description = f"{card.description}\n{_advice(account, now)}"
    return True


def _say_doubt(expires_at: datetime, age: timedelta) -> str:
    return (
        f"⚪ **Not confirmed** for {say_duration(age)}. The login was due to expire {format_dt(expires_at, 'f')}. "
        f"[How to renew]({SETUP_GUIDE})."
    )


def _advice(account: Account, now: datetime) -> str:
    jobs = say_capabilities(account)
    jobs = jobs[:1].upper() + jobs[1:]
    if account.expires_at is None:
        return f"{jobs} of this account depend on it."
    fate = "stopped" if account.expires_at <= now else "of this account stop"
    return f"{jobs} {fate} at {format_dt(account.expires_at, 'f')}. [How to renew]({SETUP_GUIDE})."
