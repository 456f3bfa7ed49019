"""Works on many rows in slices, between which other tasks run: SQLAlchemy prepares all rows of a statement at once."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

One = TypeVar("One")
# So few that preparing their statement takes some milliseconds; a statement may have 32,766 parameters.
SLICE = 500


def sliced(things: Iterable[One]) -> Iterator[list[One]]:
    """Yield all things in lists of at most 500."""
    rest = iter(things)
    while found := list(islice(rest, SLICE)):
        yield found


async def execute_each(tx: AsyncConnection, statement: sa.Executable, rows: Iterable[Mapping[str, Any]]) -> None:
    """Execute a statement for each row of parameters; the rows are made slice by slice, if they are an iterator."""
    for some in sliced(rows):
        await tx.execute(statement, some)
