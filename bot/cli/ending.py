"""Ends the process on SIGTERM: at once before the bot has opened anything, and in time ever after."""

import os
import signal
import threading

# Docker and systemd kill a process after ten.
STOP_SECONDS = 9.0
# What shells report for a program that Ctrl-C ended.
INTERRUPTED = 130
# Here instead of a heavier import.
_DONE = 0


def end_at_once_on_sigterm() -> None:
    """Let SIGTERM end the process with status 0, until the bot handles it itself."""
    signal.signal(signal.SIGTERM, lambda _number, _frame: os._exit(_DONE))


def end_in_time(seconds: float = STOP_SECONDS) -> None:
    """End the process with status 0 after this time, whatever it still waits for.

    A thread does it, as the bot may wait for a thread of its own: for a host name, or a locked file. It loses nothing
    that way, as it may be killed at any moment.
    """
    timer = threading.Timer(seconds, os._exit, (_DONE,))
    timer.daemon = True
    timer.start()
