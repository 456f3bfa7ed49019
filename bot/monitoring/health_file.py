"""The health report: a small file by which other processes learn whether the running bot is healthy.

It is read every half a minute by a process of its own, so this module imports only what is quick to load.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from bot.store.files import replace_text

HEALTH_FILE = Path("data/health.json")
# Four reports: one this old means that the process hangs or has ended.
STALE_AFTER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The health of the bot at one moment: one sentence for each problem, none if it is healthy.

    A standby waits until the active process ends; it neither answers nor sends.
    """

    at: datetime
    problems: tuple[str, ...]
    is_standby: bool = False

    def to_json(self) -> str:
        """Return the report as JSON."""
        report = {
            "at": self.at.isoformat(),
            "healthy": not self.problems,
            "standby": self.is_standby,
            "problems": self.problems,
        }
        return json.dumps(report, ensure_ascii=False)


def write_report(file: Path, verdict: Verdict) -> None:
    """Replace the report in one step.

    Raises:
        OSError: the file can't be written.
    """
    replace_text(file, verdict.to_json())


def read_verdict(file: Path, now: datetime) -> Verdict:
    """Return the verdict of the bot that writes this report; its problems may be those of the report itself."""
    try:
        verdict = _parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        problem = f"The bot isn't running in this folder (no {file}), or has just started."
    except OSError as error:
        problem = f"{file} can't be read: {error.strerror}."
    except (ValueError, KeyError, TypeError, RecursionError):
        problem = f"{file} is not a report of this bot. Delete it; a running bot writes it again."
    else:
        age = now - verdict.at
        if -STALE_AFTER <= age <= STALE_AFTER:
            return verdict
        problem = f"The bot has not reported for {age.total_seconds():.0f} seconds: it hangs or has ended."
        if age < -STALE_AFTER:
            problem = "The bot's last report is from the future: check the clock of this machine."
    return Verdict(now, (problem,))


def _parse(text: str) -> Verdict:
    report = json.loads(text)
    at, healthy, problems = datetime.fromisoformat(report["at"]), report["healthy"], report["problems"]
    is_standby = report["standby"]
    is_list = isinstance(problems, list) and all(isinstance(problem, str) for problem in problems)
    if at.tzinfo is None or not is_list or healthy is not (not problems) or not isinstance(is_standby, bool):
        raise ValueError("not a report")
    return Verdict(at, tuple(problems), is_standby=is_standby)
