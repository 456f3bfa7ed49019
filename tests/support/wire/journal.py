"""A list of events that a test can wait for."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

# Seconds after which a missing item is a failure, also on a busy machine.
PATIENCE = 60.0
_SHOWN = 20


class Journal(Generic[Item]):
    """A growing list; a wait for an item ends when it is added, or at once if it was added before."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self._is_closed = False
        self._grew = asyncio.Event()

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self.items)

    def add(self, item: Item) -> None:
        """Append an item and wake all waiting tasks."""
        self.items.append(item)
        self._grew.set()

    def close(self) -> None:
        """Add nothing more, and end all waits."""
        self._is_closed = True
        self._grew.set()

    def matching(self, matches: Callable[[Item], bool]) -> list[Item]:
        """Return the items so far that match."""
        return [item for item in self.items if matches(item)]

    async def find(self, matches: Callable[[Item], bool], *, nth: int = 1, within: float = PATIENCE) -> Item:
        """Wait for the n-th matching item, and return it.

        Raises:
            AssertionError: it was not added within that many seconds, or can't be any more.
        """
        try:
            async with asyncio.timeout(within):
                return await self._await_item(matches, nth)
        except (TimeoutError, EOFError):
            last = "\n".join(str(item) for item in self.items[-_SHOWN:])
            raise AssertionError(f"not among {len(self.items)} items within {within} s; the last:\n{last}") from None

    async def nth(self, number: int, *, within: float = PATIENCE) -> Item:
        """Wait for the n-th item, counted from 1, and return it."""
        return await self.find(lambda _item: True, nth=number, within=within)

    async def _await_item(self, matches: Callable[[Item], bool], nth: int) -> Item:
        seen = 0
        while True:
            while seen < len(self.items):
                item = self.items[seen]
                seen += 1
                nth -= matches(item)
                if not nth:
                    return item
            if self._is_closed:
                raise EOFError
            self._grew.clear()
            await self._grew.wait()
