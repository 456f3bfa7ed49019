"""Saves and loads assignments."""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.core.assignments import Assignment, Subject
from bot.store.tables import assignments, insert_into


async def get_assignments(tx: AsyncConnection, channel_ids: Collection[int]) -> dict[tuple[int, Subject], Assignment]:
    """Return the assignments in these channels, by channel and subject."""
    rows = await tx.execute(sa.select(assignments).where(assignments.c.channel_id.in_(channel_ids)))
    return {
        (row.channel_id, Subject(row.account_id, row.login_id)): Assignment(row.user_id, row.assigned_at)
        for row in rows
    }


async def get_assigned_users(tx: AsyncConnection, channel_ids: Collection[int]) -> list[tuple[int, Assignment]]:
    """Return the assignments in these channels, each with its guild."""
    rows = await tx.execute(sa.select(assignments).where(assignments.c.channel_id.in_(channel_ids)))
    return [(row.guild_id, Assignment(row.user_id, row.assigned_at)) for row in rows]


async def delete_assignments_of(tx: AsyncConnection, guild_id: int, user_id: int) -> None:
    """End all assignments of a user in a guild."""
    where = (assignments.c.guild_id == guild_id) & (assignments.c.user_id == user_id)
    await tx.execute(assignments.delete().where(where))


async def put_assignment(
    tx: AsyncConnection, guild_id: int, channel_id: int, subject: Subject, assignment: Assignment
) -> None:
    """Assign somebody in a channel, in place of the person before."""
    key = {"guild_id": guild_id, "channel_id": channel_id, **subject._asdict()}
    values = {"user_id": assignment.user_id, "assigned_at": assignment.assigned_at}
    insert = insert_into(tx, assignments).values(**key, **values)
    await tx.execute(insert.on_conflict_do_update(index_elements=list(key), set_=values))


async def delete_assignment(tx: AsyncConnection, channel_id: int, subject: Subject) -> None:
    """End the assignment of a subject in a channel."""
    where = (
        (assignments.c.channel_id == channel_id)
        & (assignments.c.account_id == subject.account_id)
        & (assignments.c.login_id == subject.login_id)
    )
    await tx.execute(assignments.delete().where(where))


async def delete_other_assignments(tx: AsyncConnection, account_id: str, login_ids: Collection[int]) -> None:
    """End all assignments of an account but those of these logins."""
    where = (assignments.c.account_id == account_id) & assignments.c.login_id.not_in(login_ids)
    await tx.execute(assignments.delete().where(where))
