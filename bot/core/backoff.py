"""How long to wait before the next attempt."""

# Of the identifies that Discord allows in a day; starts of a bot that is well use far fewer.
_FREE_SHARE = 0.5
_DAY = 86_400.0


def backoff(failures: int, jitter: float, *, first: float = 1.0, most: float = 300.0) -> float:
    """Return the seconds to wait after this many failures in a row (1 or more): doubling, capped, spread.

    Args:
        failures: how many attempts failed, at least 1.
        jitter: a random number from 0 to 1; the wait is between half and all of the doubled value.
        first: the longest wait after one failure.
        most: the longest wait of all.
    """
    doubled = first * 2.0 ** min(failures - 1, 32)
    return float(min(most, doubled) * (0.5 + jitter / 2))


def start_pause(remaining: int, total: int, reset_after: float) -> float:
    """Return the seconds to wait before an identify, so that those of this day last, however often the bot is started.

    Args:
        remaining: how many identifies Discord still allows.
        total: how many it allows in a day.
        reset_after: the seconds until the next day begins.
    """
    if remaining > (1 - _FREE_SHARE) * total:
        return 0.0
    return min(max(0.0, reset_after), _DAY) / max(1, remaining)
