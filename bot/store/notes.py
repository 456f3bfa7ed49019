"""Saves and loads notes on accounts; no query returns one to another server."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.notes import Note
from bot.store.tables import insert_into, notes

_NOTES_OF_GUILDS = sa.select(notes).where(notes.c.guild_id.in_(sa.bindparam("guilds", expanding=True)))
_NOTES_ON_ACCOUNTS = _NOTES_OF_GUILDS.where(notes.c.account_id.in_(sa.bindparam("accounts", expanding=True)))


async def get_note(tx: AsyncConnection, guild_id: int, account_id: str) -> Note | None:
    """Return a guild's note on an account, None if it has none."""
    return (await get_notes(tx, [guild_id], [account_id])).get((guild_id, account_id))


async def get_notes(
    tx: AsyncConnection, guild_ids: Collection[int], account_ids: Collection[str] | None = None
) -> dict[tuple[int, str], Note]:
    """Return the notes of these guilds by guild and account, of all accounts or of these."""
    if account_ids is None:
        rows = await tx.execute(_NOTES_OF_GUILDS, {"guilds": list(guild_ids)})
    else:
        rows = await tx.execute(_NOTES_ON_ACCOUNTS, {"guilds": list(guild_ids), "accounts": list(account_ids)})
    return {(row.guild_id, row.account_id): Note(row.text, row.changed_by, row.changed_at) for row in rows}


async def set_note(tx: AsyncConnection, guild_id: int, account_id: str, note: Note | None) -> None:
    """Save a guild's note on an account in place of the one before, or delete that (None)."""
    if note is None:
        where = (notes.c.guild_id == guild_id) & (notes.c.account_id == account_id)
        await tx.execute(notes.delete().where(where))
        return
    values = {"text": note.text, "changed_by": note.changed_by, "changed_at": note.changed_at}
    insert = insert_into(tx, notes).values(guild_id=guild_id, account_id=account_id, **values)
    await tx.execute(insert.on_conflict_do_update(index_elements=["guild_id", "account_id"], set_=values))
