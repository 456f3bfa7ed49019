"""The rows of the table of results, and their Markdown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

RIVALS = ("lean", "tutorial", "hikari")
_VERDICTS = {True: "yes", False: "**no**", None: ""}


@dataclass(frozen=True, slots=True)
class Row:
    """One figure: ours, those of the rivals that have it, and whether the target is met (None: no target)."""

    what: str
    ours: str
    target: str = ""
    is_met: bool | None = None
    rivals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scale:
    """The size of each load."""

    rounds: int = 3
    one_by_one: int = 20
    offered: int = 25
    load: int = 20_000
    idle: int = 9_000
    listed: int = 5000
    crowd: int = 1000
    starts: int = 7
    servers: int = 10_000
    look_ups: int = 50_000
    polls: int = 336
    reminders: int = 2000
    takeover: int = 500


QUICK = Scale(
    rounds=1,
    one_by_one=5,
    offered=5,
    load=2_000,
    idle=500,
    listed=1000,
    crowd=100,
    starts=2,
    servers=1000,
    look_ups=3000,
    polls=40,
    reminders=200,
    takeover=60,
)


def ratio(ours: float, theirs: float) -> float:
    """Return ours as a multiple of theirs, rounded as it is shown: the verdict is about the figure in the table."""
    return round(ours / theirs, 2)


def to_markdown(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    head = ["what", "target", "met", "ours", *RIVALS]
    lines = [_line(head), _line(["---"] * len(head))]
    for row in rows:
        rivals = [row.rivals.get(name, "") for name in RIVALS]
        lines.append(_line([row.what, row.target, _VERDICTS[row.is_met], row.ours, *rivals]))
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
