"""A process that waits for something ends all the same."""

import subprocess
import sys

import pytest

from tests.support.paths import REPOSITORY

_STUCK = """
import threading
from bot.cli.ending import end_in_time
threading.Thread(target=threading.Event().wait).start()
end_in_time(0.1)
"""


@pytest.mark.parametrize("wait", ["", "threading.Event().wait()"])
def test_a_process_that_is_stuck_ends(wait: str) -> None:
    """A process whose threads wait for ever ends with status 0 once its time is up."""
    done = subprocess.run(  # noqa: S603  (our own program)
        [sys.executable, "-c", _STUCK + wait], cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
