"""The credits of an account, as useapi.net reads them from MiniMax."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Portion:
    """Some credits that expire at a time."""

    credits: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Credits:
    """The credits of one account; None stands for "not reported".

    `plan_note` and `expiry_note` are MiniMax's own words about the ends of the plan and of credits; `portions` are the
    credits that expire, soonest first.
    """

    read_at: datetime
    total: int | None = None
    plan: str | None = None
    plan_note: str | None = None
    expiry_note: str | None = None
    portions: tuple[Portion, ...] = ()
