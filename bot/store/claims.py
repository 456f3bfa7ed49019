"""Who has taken on to renew an account: per channel and token, so that a new token starts free."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.store.tables import claims, insert_into

# An account's id and its token's, 0 for an account without one.
Subject = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Claim:
    """Who has taken it on, and when."""

    user_id: int
    claimed_at: datetime


async def get_claims(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[tuple[int, Subject], Claim]:
    """Return who has taken on what in these channels, by channel and subject."""
    rows = await tx.execute(sa.select(claims).where(claims.c.channel_id.in_(channel_ids)))
    return {(row.channel_id, (row.account_id, row.token_id)): Claim(row.user_id, row.claimed_at) for row in rows}


async def put_claim(tx: AsyncConnection, guild_id: int, channel_id: int, subject: Subject, claim: Claim) -> None:
    """Let somebody take an account on, in place of whoever had."""
    key = {"guild_id": guild_id, "channel_id": channel_id, "account_id": subject[0], "token_id": subject[1]}
    values = {"user_id": claim.user_id, "claimed_at": claim.claimed_at}
    insert = insert_into(tx, claims).values(**key, **values)
    await tx.execute(insert.on_conflict_do_update(index_elements=list(key), set_=values))


async def drop_claim(tx: AsyncConnection, channel_id: int, subject: Subject) -> None:
    """Let an account be nobody's again."""
    account_id, token_id = subject
    of = (claims.c.channel_id == channel_id) & (claims.c.account_id == account_id) & (claims.c.token_id == token_id)
    await tx.execute(claims.delete().where(of))


async def drop_old_claims(tx: AsyncConnection, account_id: str, token_ids: Collection[int]) -> None:
    """Forget who had taken an account on, but for these of its tokens."""
    of = (claims.c.account_id == account_id) & claims.c.token_id.not_in(token_ids)
    await tx.execute(claims.delete().where(of))
