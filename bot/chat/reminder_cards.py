"""What a reminder looks like: one plain sentence, and the card of each account."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import discord
from discord.utils import format_dt

from bot.chat.cards import AMBER, GREEN, GREY, RED, account_card
from bot.core.account import Account, Status
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
from bot.reminding.items import Item, Standing
from bot.reminding.sending import Payload
from bot.store.deliveries import Kind
from bot.useapi.directory import Reading

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


def render(items: Sequence[Item], footer_id: str, now: datetime) -> tuple[Payload, int]:
    """Return the payload of one message for the first of these items, and how many it holds."""
    cards: list[discord.Embed] = []
    for item in items[:MAX_CARDS]:
        card = _card(item, now)
        if cards and not _has_room(cards, card):
            break
        cards.append(card)
    taken = items[: len(cards)]
    roles, users = _mentions(taken, now)
    return _payload(taken, cards, footer_id, now, roles=roles, users=users), len(taken)


def render_again(items: Sequence[Item], footer_id: str, now: datetime, *, is_checked: bool = False) -> Payload:
    """Return what a message that was sent says now; `is_checked` if somebody just asked for the state.

    Superseded reminders are folded to a line. The others keep their cards, cut short where they don't fit any more.
    """
    items = _one_an_account(items)
    cards: list[discord.Embed] = []
    if any(item.standing is not Standing.SUPERSEDED for item in items):
        for item in items:
            card = _card(item, now)
            if is_checked and item.standing is Standing.OPEN:
                card.description = f"{card.description}\n{_say_unchanged(item, now)}"
            if not _has_room(cards, card):
                brief = f"{_subject(item)} {_state(item, now)}.{_say_claim(item)}"
                card = discord.Embed(description=brief, colour=card.colour)
            cards.append(card)
    return _payload(items, cards, footer_id, now)


def _one_an_account(items: Sequence[Item]) -> list[Item]:
    """Return the most pressing item of each account: a message may name one twice, for its expiry and for an error."""
    order = list(Standing)
    chosen: dict[str, Item] = {}
    for item in sorted(items, key=lambda item: order.index(item.standing)):
        chosen.setdefault(item.owed.account_id, item)
    return [item for item in items if chosen[item.owed.account_id] is item]


def _payload(
    items: Sequence[Item],
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
        "content": f"{cut(_sentence(items, now), MAX_CONTENT - len(mentions) - 1)} {mentions}".rstrip(),
        "embeds": [card.to_dict() for card in cards],
        "roles": list(roles),
        "users": list(users),
        "has_buttons": any(item.is_bad for item in items),
        # Of what can't be read at all, nothing can be taken on.
        "can_take": any(item.is_bad and item.known is not None for item in items),
    }


def _has_room(cards: Sequence[discord.Embed], card: discord.Embed) -> bool:
    return sum(map(len, cards)) + len(card) <= MAX_CARD_CHARACTERS


def _mentions(items: Sequence[Item], now: datetime) -> tuple[list[int], list[int]]:
    """Return the roles and the people to mention; good news mentions nobody.

    Who has taken an account on is mentioned instead of the role, from the last day on beside it.
    """
    bad = [item for item in items if item.is_bad]
    free = [item for item in bad if item.claim is None or (item.known and item.known.account.is_urgent(now))]
    roles = [item.watch.role_id for item in free if item.watch]
    users = [item.claim.user_id for item in bad if item.claim]
    return list(dict.fromkeys(filter(None, roles))), list(dict.fromkeys(users))


def _sentence(items: Sequence[Item], now: datetime) -> str:
    sign = _sign(items, now)
    if items[0].owed.kind is Kind.BLIND:
        return f"{sign} {_say_blindness(items[0])}"
    if len(items) > 1 and all(item.standing is Standing.SUPERSEDED for item in items):
        return (
            f"{sign} {say_count(len(items), 'MiniMax login')} have newer reminders: {', '.join(map(_subject, items))}."
        )
    said = [f"{_subject(item)} {_state(item, now)}" for item in items if item.known]
    late = " This message comes late." if any(item.owed.is_late for item in items if item.is_bad) else ""
    if len(said) == 1:
        return f"{sign} MiniMax login {said[0]}.{late}"
    return f"{sign} {say_count(len(said), 'MiniMax login')}: {'; '.join(said)}.{late}"


def _sign(items: Sequence[Item], now: datetime) -> str:
    """Return the sign of the worst of them."""
    bad = [item for item in items if item.is_bad]
    if bad:
        if bad[0].owed.kind is Kind.BLIND:
            return "⚪"
        return "🔴" if any(_is_over(item, now) for item in bad) else "⏰"
    if any(item.standing is Standing.RENEWED and item.is_other_login for item in items):
        return "⚠️"
    return "⏭️" if all(item.standing is Standing.SUPERSEDED for item in items) else "✅"


def _is_over(item: Item, now: datetime) -> bool:
    expires_at = item.known.account.expires_at if item.known else None
    is_expired = expires_at is not None and expires_at <= now
    return is_expired or not item.is_listed or item.owed.kind in (Kind.ERROR, Kind.GONE)


def _subject(item: Item) -> str:
    return say_name(item.known.account) if item.known else "The MiniMax accounts"


def _state(item: Item, now: datetime) -> str:
    """Return how the account stands, as the end of a sentence."""
    kind = item.owed.kind
    match item.standing:
        case Standing.SUPERSEDED:
            return "has a newer reminder"
        case Standing.OVER:
            return _GOOD_NEWS[kind]
        case Standing.OPEN if kind is not Kind.RENEWED:
            return _say_trouble(item, now)
        case _:
            return _say_renewed(item, now)


def _say_trouble(item: Item, now: datetime) -> str:
    if item.known is None:
        return "can't be read"
    if item.owed.kind is Kind.GONE or not item.is_listed:
        return "is no longer set up at useapi.net"
    if item.owed.kind is Kind.ERROR:
        return "is in error"
    if _is_doubtful(item, now):
        return say_unconfirmed(item.known.account, item.known.read_at, now)
    return say_standing(item.known.account, now)


def _is_doubtful(item: Item, now: datetime) -> bool:
    return item.known is not None and not item.is_confirmed and now - item.known.read_at > _FRESH_FOR


def _say_renewed(item: Item, now: datetime) -> str:
    assert item.known is not None
    account = item.known.account
    if item.is_other_login:
        return "holds another person's login now"
    if account.expires_at is None or account.expires_at <= now:
        return f"was renewed, but {say_standing(account, now)}"
    return f"is renewed until {say_date(account.expires_at)}"


def _say_blindness(item: Item) -> str:
    if item.standing is Standing.OVER:
        return "The MiniMax accounts can be read again."
    return "The MiniMax accounts could not be read for hours, so reminders here go by what was last known."


def _say_unchanged(item: Item, now: datetime) -> str:
    still = "Not renewed yet" if item.owed.kind is Kind.STEP and item.is_listed else "No change"
    return f"🔄 {still}, as of {format_dt(now, 'f')}."


def _card(item: Item, now: datetime) -> discord.Embed:
    if item.known is None:
        return _blindness_card(item)
    if item.standing is Standing.SUPERSEDED:
        return discord.Embed(description=f"{_subject(item)} has a newer reminder.", colour=GREY)
    card = account_card(Reading(item.known.account, item.known.read_at), now)
    for describe in (_describe_good_news, _describe_absence, _describe_stake):
        if describe(item, card, now):
            break
    card.description = f"{card.description}{_say_claim(item)}"
    return card


def _say_claim(item: Item) -> str:
    if item.claim is None or not item.is_bad:
        return ""
    return f"\n🙋 <@{item.claim.user_id}> is on it, since {format_dt(item.claim.claimed_at, 'R')}."


def _blindness_card(item: Item) -> discord.Embed:
    if item.standing is Standing.OVER:
        return discord.Embed(title="The accounts can be read again", colour=GREEN)
    advice = (
        "See that USEAPI_TOKEN is valid and that useapi.net is up. Nothing more is said of this; "
        "this message turns green when it is over."
    )
    return discord.Embed(title="The accounts can't be read", description=advice, colour=GREY)


def _describe_good_news(item: Item, card: discord.Embed, now: datetime) -> bool:
    assert item.known is not None
    account = item.known.account
    if item.standing is Standing.OVER:
        card.description = f"✅ **It {_GOOD_NEWS[item.owed.kind]}.** {card.description}"
        return True
    if item.standing is not Standing.RENEWED and item.owed.kind is not Kind.RENEWED:
        return False
    if item.is_other_login:
        card.colour = AMBER
        card.description = f"⚠️ **Another login.** It belongs to somebody else than before. {card.description}"
    elif account.expires_at is not None and account.status(now) in (Status.HEALTHY, Status.EXPIRING):
        card.colour = GREEN
        card.description = f"✅ **Renewed** until {format_dt(account.expires_at, 'f')}."
    return True


def _describe_absence(item: Item, card: discord.Embed, _now: datetime) -> bool:
    if item.is_listed and item.owed.kind is not Kind.GONE:
        return False
    card.colour = RED
    card.description = "🔴 **Gone.** useapi.net does not list this account any more."
    return True


def _describe_stake(item: Item, card: discord.Embed, now: datetime) -> bool:
    assert item.known is not None
    account = item.known.account
    if account.error is None and account.expires_at is not None and _is_doubtful(item, now):
        card.colour = GREY
        card.description = _say_doubt(account.expires_at, now - item.known.read_at)
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
