"""Saves and loads what channels have heard: the last notification of each kind that arrived about an account."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

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
# The columns that choose channels.
_SCOPES = ("channel_id", "guild_id")
_HEARD_IN_CHANNELS = sa.select(heard).where(heard.c.channel_id.in_(sa.bindparam("channels", expanding=True)))
_FOLLOWED_UP = sa.select(notifications.c.channel_id).where(
    notifications.c.guild_id.in_(sa.bindparam("guilds", expanding=True)),
    notifications.c.sent_at > sa.bindparam("since"),
    notifications.c.sent_at <= sa.bindparam("now"),
    notifications.c.is_follow_up,
)
_LOGIN_IDS = sa.select(accounts.c.account_id, accounts.c.login_id).where(
    accounts.c.account_id.in_(sa.bindparam("accounts", expanding=True))
)
_OF_PAIR = (heard.c.channel_id == sa.bindparam("in_channel")) & (heard.c.account_id == sa.bindparam("of_account"))
_MOVE = (
    heard.update()
    .where(_OF_PAIR, heard.c.kind == Kind.STAGE)
    .values(ref=sa.bindparam("login"), expires_at=sa.bindparam("moved_to"))
)
_DELETE = heard.delete().where(_OF_PAIR)


def _build_page(scope: str) -> sa.Select[Any]:
    """Return the query for the next page of what these channels, or the channels of these guilds, have heard."""
    is_in_scope, is_next = heard.c[scope].in_(sa.bindparam("ids", expanding=True)), heard.c.id > sa.bindparam("last_id")
    return sa.select(heard).where(is_in_scope, is_next).order_by(heard.c.id).limit(_PAGE)


def _build_count(scope: str) -> sa.Select[Any]:
    """Return the query for how many recent messages each of them got about each account."""
    pair = notifications.c.channel_id, notifications.c.account_id
    is_in_scope = notifications.c[scope].in_(sa.bindparam("ids", expanding=True))
    is_recent = (notifications.c.sent_at > sa.bindparam("since")) & (notifications.c.sent_at <= sa.bindparam("now"))
    return sa.select(*pair, sa.func.count().label("number")).where(is_in_scope, is_recent).group_by(*pair)


def _build_edits(*conditions: sa.ColumnElement[bool]) -> tuple[sa.Update, sa.Update]:
    """Return the updates that schedule edits of what was last heard: about some accounts, and about all as a whole."""
    is_about_some = heard.c.account_id.in_(sa.bindparam("about", expanding=True))
    return _build_edit(is_about_some, *conditions), _build_edit(heard.c.account_id.is_(None), *conditions)


def _build_edit(*conditions: sa.ColumnElement[bool]) -> sa.Update:
    last = sa.select(heard.c.message_id).where(*conditions)
    is_sent = messages.c.discord_id.is_not(None)
    return messages.update().where(messages.c.id.in_(last), is_sent).values(edit_at=sa.bindparam("now"))


_PAGES = {scope: _build_page(scope) for scope in _SCOPES}
_COUNTS = {scope: _build_count(scope) for scope in _SCOPES}
_EDITS = _build_edits()
_EDITS_IN = {scope: _build_edits(heard.c[scope] == sa.bindparam("scope_id")) for scope in _SCOPES}
_EDIT_OFFERS = _build_edit(heard.c.channel_id == sa.bindparam("in_channel"), heard.c.kind == Kind.NEW_ACCOUNT)


async def get_heard(
    tx: AsyncConnection, ids: Collection[int], now: datetime, *, by_channel: bool = False
) -> dict[Pair, Heard]:
    """Return what the channels of these guilds, or these channels, have heard.

    A pair is left out if its channel has heard nothing about the account.
    """
    scope = "channel_id" if by_channel else "guild_id"
    counted = await tx.execute(_COUNTS[scope], {"ids": list(ids), "since": now - MAX_MESSAGES_WITHIN, "now": now})
    found = {(row.channel_id, row.account_id): Heard(messages=row.number) for row in counted}
    last_id: int | None = -1
    while last_id is not None:
        # In pages: other tasks run in between.
        rows = (await tx.execute(_PAGES[scope], {"ids": list(ids), "last_id": last_id})).all()
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


async def get_followed_up(tx: AsyncConnection, guild_ids: Collection[int], now: datetime) -> set[int]:
    """Return the channels of these guilds that got a follow-up within a day."""
    values = {"guilds": list(guild_ids), "since": now - FOLLOW_UPS_APART, "now": now}
    return set((await tx.execute(_FOLLOWED_UP, values)).scalars())


async def get_last_heard(
    tx: AsyncConnection, channel_ids: Collection[int]
) -> dict[int, dict[str | None, dict[Kind, LastMessage]]]:
    """Return the messages that channels last heard of each account in, by channel, account and kind."""
    found: dict[int, dict[str | None, dict[Kind, LastMessage]]] = {}
    for row in await tx.execute(_HEARD_IN_CHANNELS, {"channels": list(channel_ids)}):
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
        if not found:
            continue
        insert = insert_into(tx, heard)
        names = ("ref", "stage", "expires_at", "heard_at", "message_id")
        target = unique_target(_KEY, None if is_about_all else "")
        values = {name: insert.excluded[name] for name in names}
        await execute_each(tx, insert.on_conflict_do_update(**target, set_=values), found)


async def _get_login_ids(tx: AsyncConnection, account_ids: Collection[str | None]) -> dict[str, int]:
    if not account_ids:
        return {}
    rows = await tx.execute(_LOGIN_IDS, {"accounts": list(account_ids)})
    return {row.account_id: row.login_id for row in rows if row.login_id is not None}


def _row(one: Notification, now: datetime, **about: object) -> dict[str, object]:
    place = {"guild_id": one.guild_id, "channel_id": one.channel_id, "account_id": one.account_id}
    return {**place, "expires_at": None, "heard_at": now, "message_id": one.message_id, **about}


async def move_heard(tx: AsyncConnection, moved: Iterable[tuple[int, str, HeardStage]]) -> None:
    """Save that an expiry, by channel and account, moved without a message."""
    rows = [
        {"in_channel": channel_id, "of_account": account_id, "login": stage.login_id, "moved_to": stage.expires_at}
        for channel_id, account_id, stage in moved
    ]
    await execute_each(tx, _MOVE, rows)


async def schedule_last_edits(tx: AsyncConnection, account_ids: Iterable[str | None], now: datetime) -> None:
    """Schedule the edit of the messages in which any channel last heard of these accounts."""
    await _schedule(tx, _EDITS, account_ids, {"now": now})


async def schedule_last_edits_in_channel(
    tx: AsyncConnection, channel_id: int, account_ids: Iterable[str | None], now: datetime
) -> None:
    """Schedule the edit of the messages in which a channel last heard of these accounts."""
    await _schedule(tx, _EDITS_IN["channel_id"], account_ids, {"scope_id": channel_id, "now": now})


async def schedule_last_edits_in_guild(
    tx: AsyncConnection, guild_id: int, account_ids: Iterable[str | None], now: datetime
) -> None:
    """Schedule the edit of the messages in which the channels of a guild last heard of these accounts."""
    await _schedule(tx, _EDITS_IN["guild_id"], account_ids, {"scope_id": guild_id, "now": now})


async def _schedule(
    tx: AsyncConnection,
    edits: tuple[sa.Update, sa.Update],
    account_ids: Iterable[str | None],
    values: Mapping[str, object],
) -> None:
    about_some, about_all = edits
    wanted = set(account_ids)
    for some in sliced(wanted - {None}):
        await tx.execute(about_some, {**values, "about": some})
    if None in wanted:
        await tx.execute(about_all, values)


async def schedule_offer_edits(tx: AsyncConnection, channel_id: int, now: datetime) -> None:
    """Schedule the edit of a channel's messages about new accounts."""
    await tx.execute(_EDIT_OFFERS, {"in_channel": channel_id, "now": now})


async def delete_heard(tx: AsyncConnection, pairs: Iterable[Pair]) -> None:
    """Delete what channels have heard of accounts that no subscription of theirs covers any more."""
    await execute_each(tx, _DELETE, [{"in_channel": channel_id, "of_account": one} for channel_id, one in pairs])
