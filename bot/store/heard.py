"""Saves and loads what channels have heard: the last notification of each kind that arrived about an account."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.entries import LastMessage
from bot.core.notifications import FAILURES, Kind, Notification
from bot.core.rules import (
    FOLLOW_UPS_APART,
    MAX_MESSAGES_WITHIN,
    NOTHING_HEARD,
    Heard,
    HeardIncident,
    HeardStage,
    stage_heard_with,
)
from bot.store.slices import execute_each, sliced
from bot.store.tables import accounts, heard, insert_into, messages, notifications, unique_target

# A channel and an account of it; None stands for the accounts as a whole.
Pair = tuple[int, str | None]
_KEY = ["guild_id", "channel_id", "kind"]
_PAGE = 500


async def get_heard(
    tx: AsyncConnection, where: Collection[int], now: datetime, *, by_channel: bool = False
) -> dict[Pair, Heard]:
    """Return what the channels of these guilds, or these channels, have heard.

    A pair is left out if its channel has heard nothing about the account.
    """
    name = "channel_id" if by_channel else "guild_id"
    counts = await _count_messages(tx, notifications.c[name].in_(where), now)
    found = {pair: Heard(messages=number) for pair, number in counts.items()}
    last_id: int | None = -1
    while last_id is not None:
        # In pages: other tasks run in between.
        page = sa.select(heard).where(heard.c[name].in_(where), heard.c.id > last_id).order_by(heard.c.id).limit(_PAGE)
        rows: Sequence[sa.Row[tuple[object, ...]]] = (await tx.execute(page)).all()
        last_id = rows[-1].id if len(rows) == _PAGE else None
        for row in rows:
            pair = row.channel_id, row.account_id
            known = found.get(pair, NOTHING_HEARD)
            known = replace(known, last_at=max(row.heard_at, known.last_at or row.heard_at))
            if row.kind == Kind.STAGE:
                found[pair] = replace(known, stage=HeardStage(row.ref, row.stage, row.expires_at))
            else:
                incident = {Kind(row.kind): HeardIncident(row.ref, row.stage)}
                found[pair] = replace(known, incidents={**known.incidents, **incident})
    return found


async def _count_messages(tx: AsyncConnection, where: sa.ColumnElement[bool], now: datetime) -> dict[Pair, int]:
    since = now - MAX_MESSAGES_WITHIN
    query = (
        sa.select(notifications.c.channel_id, notifications.c.account_id, sa.func.count().label("number"))
        .where(where, notifications.c.sent_at > since, notifications.c.sent_at <= now)
        .group_by(notifications.c.channel_id, notifications.c.account_id)
    )
    return {(row.channel_id, row.account_id): row.number for row in await tx.execute(query)}


async def get_followed_up(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> set[int]:
    """Return the channels of these guilds that got a follow-up within a day."""
    query = sa.select(notifications.c.channel_id).where(
        notifications.c.guild_id.in_(guild_ids),
        notifications.c.sent_at > now - FOLLOW_UPS_APART,
        notifications.c.sent_at <= now,
        notifications.c.is_follow_up,
    )
    return set((await tx.execute(query)).scalars())


async def get_last_heard(
    tx: AsyncConnection, channel_ids: Collection[int]
) -> dict[int, dict[str | None, dict[Kind, LastMessage]]]:
    """Return the messages that channels last heard of each account in, by channel, account and kind."""
    found: dict[int, dict[str | None, dict[Kind, LastMessage]]] = {}
    for row in await tx.execute(sa.select(heard).where(heard.c.channel_id.in_(channel_ids))):
        of_account = found.setdefault(row.channel_id, {}).setdefault(row.account_id, {})
        of_account[Kind(row.kind)] = LastMessage(row.ref, row.message_id)
    return found


async def put_heard(tx: AsyncConnection, sent: Collection[Notification], now: datetime) -> None:
    """Save that these notifications have arrived."""
    login_ids = await _get_login_ids(tx, {one.account_id for one in sent if one.kind in FAILURES and one.expires_at})
    rows = []
    for one in sent:
        if one.kind not in (Kind.STAGE, Kind.RENEWED):
            rows.append(_row(one, now, kind=one.kind, ref=one.ref, stage=one.stage))
        stage = stage_heard_with(one, login_ids.get(one.account_id or "", 0), now)
        if stage is not None:
            about = {"ref": stage.login_id, "stage": stage.stage, "expires_at": stage.expires_at}
            rows.append(_row(one, now, kind=Kind.STAGE, **about))
    for is_about_all in (False, True):
        found = [row for row in rows if (row["account_id"] is None) is is_about_all]
        insert = insert_into(tx, heard)
        names = ("ref", "stage", "expires_at", "heard_at", "message_id")
        target = unique_target(_KEY, None if is_about_all else "")
        values = {name: insert.excluded[name] for name in names}
        await execute_each(tx, insert.on_conflict_do_update(**target, set_=values), found)


async def _get_login_ids(tx: AsyncConnection, account_ids: Collection[str | None]) -> dict[str, int]:
    if not account_ids:
        return {}
    query = sa.select(accounts.c.account_id, accounts.c.login_id).where(accounts.c.account_id.in_(account_ids))
    return {row.account_id: row.login_id for row in await tx.execute(query) if row.login_id is not None}


def _row(one: Notification, now: datetime, **about: object) -> dict[str, object]:
    place = {"guild_id": one.guild_id, "channel_id": one.channel_id, "account_id": one.account_id}
    return {**place, "expires_at": None, "heard_at": now, "message_id": one.message_id, **about}


async def move_heard(tx: AsyncConnection, moved: Iterable[tuple[int, str, HeardStage]]) -> None:
    """Save that an expiry, by channel and account, moved without a message."""
    update = (
        heard.update()
        .where(
            heard.c.channel_id == sa.bindparam("in_channel"),
            heard.c.account_id == sa.bindparam("of_account"),
            heard.c.kind == Kind.STAGE,
        )
        .values(ref=sa.bindparam("login"), expires_at=sa.bindparam("moved_to"))
    )
    rows = [
        {"in_channel": channel_id, "of_account": account_id, "login": stage.login_id, "moved_to": stage.expires_at}
        for channel_id, account_id, stage in moved
    ]
    await execute_each(tx, update, rows)


async def schedule_last_edits(
    tx: AsyncConnection,
    account_ids: Iterable[str | None],
    now: datetime,
    *,
    channel_id: int | None = None,
    guild_id: int | None = None,
) -> None:
    """Schedule the edit of the messages in which all channels, or those of one guild, or one last heard of accounts."""
    in_channel = sa.true() if channel_id is None else heard.c.channel_id == channel_id
    in_guild = sa.true() if guild_id is None else heard.c.guild_id == guild_id
    wanted = set(account_ids)
    about = [heard.c.account_id.in_(some) for some in sliced(wanted - {None})]
    about += [heard.c.account_id.is_(None)] if None in wanted else []
    for one in about:
        last = sa.select(heard.c.message_id).where(one, in_channel, in_guild)
        where = messages.c.id.in_(last) & messages.c.discord_id.is_not(None)
        await tx.execute(messages.update().where(where).values(edit_at=now))


async def schedule_offer_edits(tx: AsyncConnection, channel_id: int, now: datetime) -> None:
    """Schedule the edit of a channel's messages about new accounts."""
    offers = sa.select(heard.c.message_id).where(heard.c.channel_id == channel_id, heard.c.kind == Kind.NEW_ACCOUNT)
    where = messages.c.id.in_(offers) & messages.c.discord_id.is_not(None)
    await tx.execute(messages.update().where(where).values(edit_at=now))


async def delete_heard(tx: AsyncConnection, pairs: Iterable[Pair]) -> None:
    """Delete what channels have heard of accounts that no subscription of theirs covers any more."""
    delete = heard.delete().where(
        heard.c.channel_id == sa.bindparam("in_channel"), heard.c.account_id == sa.bindparam("of_account")
    )
    await execute_each(tx, delete, [{"in_channel": channel_id, "of_account": one} for channel_id, one in pairs])
