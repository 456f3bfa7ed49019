"""What a reminder looks like: one plain sentence, and the card of each account."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import discord
from discord.utils import format_dt

from bot.chat import text
from bot.chat.cards import GREEN, GREY, RED, account_card
from bot.core.account import Account, Status
from bot.core.text import cut, plain
from bot.core.wording import SETUP_GUIDE, say_capabilities, say_count, say_state, say_unconfirmed
from bot.reminding.delivery import Item
from bot.store.deliveries import Kind
from bot.useapi.directory import Reading

MAX_CARDS = 10
# Discord's limit is 6,000 over all embeds; a little is left for the footers.
MAX_CARD_CHARACTERS = 5800
MAX_CONTENT = 2000
_MAX_NAME = 60
_FRESH_FOR = timedelta(minutes=5)


def _name(account: Account) -> str:
    name = plain(account.name or "", _MAX_NAME)
    return (
        f"{text.escaped(name, 2 * _MAX_NAME)} ({plain(account.id, _MAX_NAME)})"
        if name
        else plain(account.id, _MAX_NAME)
    )


def _state(item: Item, now: datetime) -> str:
    if item.known is None:
        return "can't be read"
    match item.owed.kind:
        case Kind.RENEWED:
            return "is renewed"
        case Kind.GONE:
            return "is no longer set up at useapi.net"
        case Kind.ERROR:
            return "is in error"
        case _ if now - item.known.read_at > _FRESH_FOR:
            return say_unconfirmed(item.known.account, item.known.read_at, now)
        case _:
            return say_state(item.known.account, now)


def _sentence(items: Sequence[Item], now: datetime) -> str:
    if items[0].owed.kind is Kind.BLIND:
        return "⚪ The MiniMax accounts could not be read for hours, so reminders here go by what was last known."
    said = [f"{_name(item.known.account)} {_state(item, now)}" for item in items if item.known]
    late = " This message comes late." if any(item.owed.is_late for item in items) else ""
    if len(said) == 1:
        return f"{_sign(items[0], now)} MiniMax login {said[0]}.{late}"
    return f"{_sign(items[0], now)} {say_count(len(said), 'MiniMax login')}: {'; '.join(said)}.{late}"


def _sign(item: Item, now: datetime) -> str:
    if item.owed.kind is Kind.RENEWED:
        return "✅"
    is_over = (
        item.known is not None and item.known.account.expires_at is not None and item.known.account.expires_at <= now
    )
    return "🔴" if is_over or item.owed.kind in (Kind.ERROR, Kind.GONE) else "⏰"


def _advice(account: Account, now: datetime) -> str:
    jobs = say_capabilities(account)
    jobs = jobs[:1].upper() + jobs[1:]
    if account.expires_at is None:
        return f"{jobs} of this account depend on it."
    verb = "stopped" if account.expires_at <= now else "stop"
    return f"{jobs} of this account {verb} at {format_dt(account.expires_at, 'f')}. [How to renew]({SETUP_GUIDE})."


def _card(item: Item, now: datetime) -> discord.Embed:
    if item.known is None:
        advice = "See that USEAPI_TOKEN is valid and that useapi.net is up. Nothing else is said of this until it ends."
        return discord.Embed(title="The accounts can't be read", description=advice, colour=GREY)
    account = item.known.account
    card = account_card(Reading(account, item.known.read_at), now)
    match item.owed.kind:
        case Kind.RENEWED:
            card.colour = GREEN
        case Kind.GONE:
            card.colour = RED
            card.description = "🔴 **Gone.** useapi.net does not list this account any more."
        case _:
            card.description = f"{card.description}\n{_advice(account, now)}"
    return card


def render(items: Sequence[Item], footer_id: str, now: datetime) -> tuple[dict[str, Any], int]:
    """Return the payload of one message for the first of these items, and how many it holds.

    The payload is JSON: `content`, `embeds`, and the `roles` that may be mentioned.
    """
    cards: list[discord.Embed] = []
    for item in items[:MAX_CARDS]:
        card = _card(item, now)
        if cards and not _has_room(cards, card):
            break
        cards.append(card)
    cards[-1].set_footer(text=f"Read from useapi.net · {footer_id}")
    taken = items[: len(cards)]
    return {
        "content": _content(taken, now),
        "embeds": [card.to_dict() for card in cards],
        "roles": _roles(taken),
    }, len(taken)


def _has_room(cards: Sequence[discord.Embed], card: discord.Embed) -> bool:
    return sum(map(len, cards)) + len(card) <= MAX_CARD_CHARACTERS


def render_cards(readings: Iterable[Reading], now: datetime) -> list[discord.Embed]:
    """Return the cards of a reminder whose accounts were read again, as many as still fit."""
    cards: list[discord.Embed] = []
    for reading in readings:
        card = account_card(reading, now)
        if reading.account.status(now) is not Status.HEALTHY:
            card.description = f"{card.description}\n{_advice(reading.account, now)}"
        if cards and not _has_room(cards, card):
            break
        cards.append(card)
    return cards


def _roles(items: Sequence[Item]) -> list[int]:
    """Return the roles to mention; good news mentions nobody."""
    bad = [item for item in items if item.owed.kind is not Kind.RENEWED]
    return list(dict.fromkeys(item.watch.role_id for item in bad if item.watch and item.watch.role_id))


def _content(items: Sequence[Item], now: datetime) -> str:
    mentions = " ".join(f"<@&{role_id}>" for role_id in _roles(items))
    return f"{cut(_sentence(items, now), MAX_CONTENT - len(mentions) - 1)} {mentions}".rstrip()
