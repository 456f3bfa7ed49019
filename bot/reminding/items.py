"""What a message tells of: each thing owed, with all that is needed to word it, and how it stands by now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.reminders import Told, is_same_token
from bot.reminding.planning import watch_for
from bot.store.accounts import Known, Token, get_known, get_tokens, login_of
from bot.store.claims import Claim, Subject, get_claims
from bot.store.deliveries import Kind, Owed, get_told
from bot.store.trouble import get_confirmed, get_open_troubles
from bot.store.watches import Watch, get_watches_in
from bot.useapi.directory import Reading

_ORDER = {Kind.GONE: 0, Kind.ERROR: 0, Kind.STEP: 1, Kind.RENEWED: 2, Kind.BLIND: 3}
_NEVER = datetime.max.replace(tzinfo=UTC)


class Standing(Enum):
    """What has become of the reason for a reminder."""

    OPEN = "as it was said, or worse"
    RENEWED = "the account has another token"
    SUPERSEDED = "a tighter step was said later"
    OVER = "the trouble has ended"


@dataclass(frozen=True, slots=True)
class Item:
    """A delivery with what is needed to word it.

    `token` is the one that a step is about; `is_confirmed` if the account was in the last list that was asked for.
    """

    owed: Owed
    known: Known | None
    watch: Watch | None
    token: Token | None = None
    standing: Standing = Standing.OPEN
    is_listed: bool = True
    is_confirmed: bool = True
    claim: Claim | None = None

    @property
    def subject(self) -> Subject:
        """Return what somebody takes on who says "I'm on it"."""
        return self.known.subject if self.known else (self.owed.account_id, 0)

    @property
    def is_bad(self) -> bool:
        """Whether it is news that somebody should act on; the others mention nobody and need no buttons."""
        return self.standing is Standing.OPEN and self.owed.kind is not Kind.RENEWED

    @property
    def is_owed(self) -> bool:
        """Whether it is still to be said: somebody watches, and there is reason, to which nothing worse was said."""
        is_known = self.known is not None or self.owed.kind is Kind.BLIND
        return self.watch is not None and is_known and self.standing is Standing.OPEN

    @property
    def is_other_login(self) -> bool:
        """Whether the account holds the login of another person than the one that was warned of."""
        users = {self.token.user_id if self.token else None, login_of(self.known.account) if self.known else None}
        return len(users - {None}) > 1


async def load_items(
    tx: AsyncConnection, carried: Sequence[Owed], fresh: Mapping[str, Reading] | None = None
) -> list[Item]:
    """Return what is known of what one channel is owed, or was told, the most pressing first.

    `fresh` is a list that was read just now.
    """
    if not carried:
        return []
    account_ids = {owed.account_id for owed in carried}
    known = await get_known(tx, account_ids)
    watches = await get_watches_in(tx, {carried[0].channel_id})
    steps = {owed.ref for owed in carried if owed.kind is Kind.STEP}
    tokens = await get_tokens(tx, steps)
    told = await get_told(tx, {carried[0].channel_id}, steps)
    open_troubles = await get_open_troubles(tx)
    claims = await get_claims(tx, {carried[0].channel_id})
    confirmed_at = await get_confirmed(tx)
    items = []
    for owed in carried:
        facts = known.get(owed.account_id)
        is_troubled = (owed.kind, owed.account_id) in open_troubles
        if fresh is not None:
            facts = _renew(facts, fresh.get(owed.account_id))
            is_troubled = owed.kind is Kind.GONE and owed.account_id not in fresh
        is_listed = (Kind.GONE, owed.account_id) not in open_troubles if fresh is None else owed.account_id in fresh
        item = Item(owed, facts, watch_for(owed, watches), tokens.get(owed.ref), is_listed=is_listed)
        is_confirmed = facts is not None and confirmed_at is not None and facts.read_at >= confirmed_at
        item = replace(item, claim=claims.get((owed.channel_id, item.subject)), is_confirmed=is_confirmed)
        said = told.get((owed.channel_id, owed.account_id, owed.ref), Told()).sent
        items.append(replace(item, standing=_standing(item, said, is_troubled=is_troubled)))
    return sorted(items, key=_urgency)


def _urgency(item: Item) -> tuple[bool, int, datetime]:
    """Sort what is open before what is settled, accounts that fail before those that expire, and these soonest first.

    That nothing can be read comes last: it says less than what it goes with.
    """
    expires_at = item.known.account.expires_at if item.known else None
    return item.standing is not Standing.OPEN, _ORDER[item.owed.kind], expires_at or _NEVER


def _renew(known: Known | None, reading: Reading | None) -> Known | None:
    if reading is None:
        return known
    return Known(reading.account, reading.read_at, known.token if known else None)


def _standing(item: Item, said: frozenset[int], *, is_troubled: bool) -> Standing:
    account = item.known.account if item.known else None
    match item.owed.kind:
        case Kind.STEP if account is not None and item.token is not None and account.expires_at is not None:
            # Before all else: of a token, the last reminder alone tells what has become of it.
            if min(said, default=item.owed.step) < item.owed.step:
                return Standing.SUPERSEDED
            is_same = is_same_token(account.expires_at, item.token.anchor)
            return Standing.OPEN if is_same else Standing.RENEWED
        case Kind.ERROR:
            return Standing.OVER if account is not None and account.error is None else Standing.OPEN
        case Kind.GONE | Kind.BLIND:
            return Standing.OPEN if is_troubled else Standing.OVER
        case _:
            return Standing.OPEN
