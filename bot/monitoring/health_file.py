"""The health report: a small file by which other processes learn whether the running bot is healthy.

It is read every half a minute by a process of its own, so this module imports only what is quick to load.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

HEALTH_FILE = Path("data/health.json")
# Four reports: one this old means that the process hangs or has ended.
STALE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The health of the bot at one moment: one sentence for each problem, none if it is healthy."""

    at: datetime
    problems: tuple[str, ...]

    def to_json(self) -> str:
        """Return the report as JSON."""
        return json.dumps(
            {"at": self.at.isoformat(), "healthy": not self.problems, "problems": self.problems}, ensure_ascii=False
        )


def write_report(file: Path, verdict: Verdict) -> None:
    """Replace the report in one step.

    Raises:
        OSError: the file can't be written.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".new")
    draft.write_text(verdict.to_json(), encoding="utf-8")
    draft.replace(file)


def find_problems(file: Path, now: datetime) -> tuple[str, ...]:
    """Return the problems of the bot that writes this report, or of the report itself; none if the bot is healthy."""
    try:
        verdict = _parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return (f"No bot reports to {file} in this folder: it is not running, or has just started.",)
    except OSError as error:
        return (f"{file} can't be read: {error.strerror}.",)
    except (ValueError, KeyError, TypeError, RecursionError):
        return (f"{file} is not a report of this bot. Delete it; a running bot writes it again.",)
    age = now - verdict.at
    if age > STALE_AFTER:
        return (f"The bot has not reported for {age.total_seconds():.0f} seconds: it hangs or has ended.",)
    if age < -STALE_AFTER:
        return ("The bot's last report is from the future: check the clock of this machine.",)
    return verdict.problems


def _parse(text: str) -> Verdict:
    report = json.loads(text)
    at, healthy, problems = datetime.fromisoformat(report["at"]), report["healthy"], report["problems"]
    is_list = isinstance(problems, list) and all(isinstance(problem, str) for problem in problems)
    if at.tzinfo is None or not is_list or healthy is not (not problems):
        raise ValueError("not a report")
    return Verdict(at, tuple(problems))
