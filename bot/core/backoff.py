"""How long to wait before the next attempt."""


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
