"""Counts what may come very often, so that the log has one line a minute about it."""

from datetime import datetime, timedelta

_APART = timedelta(minutes=1)


class Repeats:
    """Counts events by their kind; there are few kinds."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._logged_at: dict[str, datetime] = {}

    def count(self, kind: str, now: datetime, *, least: int = 1) -> int:
        """Count an event; return how many the log should mention now, 0 if it should have no line.

        A kind has a line once there are `least` events that no line has mentioned, and a minute after its last line.
        """
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        logged_at = self._logged_at.get(kind)
        # The clock may have been set back.
        if count < least or (logged_at is not None and abs(now - logged_at) < _APART):
            return 0
        self._logged_at[kind] = now
        return self._counts.pop(kind)
