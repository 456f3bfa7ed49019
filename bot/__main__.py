"""`python -m bot`, and the program `minimax-bot`."""

import sys

from bot.cli.ending import INTERRUPTED, end_at_once_on_sigterm


def main(prog: str = "minimax-bot") -> int:
    """Run the command line; SIGTERM and Ctrl-C stop it in order even while its modules are loaded."""
    if set(sys.argv[1:]) <= {"run"}:
        end_at_once_on_sigterm()
    try:
        from bot.cli.main import main as run_command_line
    except KeyboardInterrupt:
        return INTERRUPTED
    return run_command_line(prog=prog)


if __name__ == "__main__":
    sys.exit(main("python -m bot"))
