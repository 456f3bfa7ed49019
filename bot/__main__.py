"""`python -m bot`, and the program `minimax-bot`."""

import sys

from bot.cli.ending import INTERRUPTED, end_at_once_on_sigterm
from bot.cli.program import AS_MODULE, PACKAGES, report_missing


def main(prog: str = "minimax-bot") -> int:
    """Run the command line; SIGTERM and Ctrl-C stop it in order even while its modules are loaded."""
    if set(sys.argv[1:]) <= {"run"}:
        end_at_once_on_sigterm()
    try:
        from bot.cli.main import main as run_command_line

        return run_command_line(prog=prog)
    except KeyboardInterrupt:
        return INTERRUPTED
    except ModuleNotFoundError as error:
        if error.name not in PACKAGES:
            raise
        return report_missing(error.name)


if __name__ == "__main__":
    sys.exit(main(AS_MODULE))
