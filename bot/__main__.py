"""`python -m bot`, and the program `minimax-bot`."""

import sys

from bot.cli.ending import end_at_once_on_sigterm


def main(prog: str = "minimax-bot") -> int:
    """Run the command line; SIGTERM stops the bot in order even while its modules are loaded."""
    if set(sys.argv[1:]) <= {"run"}:
        end_at_once_on_sigterm()
    from bot.cli.main import main as run_command_line

    return run_command_line(prog=prog)


if __name__ == "__main__":
    sys.exit(main("python -m bot"))
