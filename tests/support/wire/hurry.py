"""A loop whose time jumps whenever nothing happens, for stand-ins and bot in one process: a day takes seconds."""

import asyncio
import selectors

# As long as something that is on its way over this machine's network may take.
_GRACE_SECONDS = 0.0003


class _Impatient(selectors.DefaultSelector):
    """Waits no longer than the grace; `skipped` is how many seconds of waiting it left out."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing will be soon, act as if the time had passed."""
        if timeout is None:
            return super().select()
        ready = super().select(min(timeout, _GRACE_SECONDS))
        if not ready:
            self.skipped += max(timeout, 0.0)
        return ready


class HurriedLoop(asyncio.SelectorEventLoop):
    """The loop; nothing may run in it that waits for other processes."""

    def __init__(self) -> None:
        self._impatient = _Impatient()
        super().__init__(self._impatient)

    def time(self) -> float:
        """Return the time with what was skipped."""
        return super().time() + self._impatient.skipped
