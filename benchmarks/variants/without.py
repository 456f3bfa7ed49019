"""`python -m benchmarks.variants.without NAME`: our bot without one of its optimisations."""

import importlib
import sys

from bot.cli.main import main

# Where each optimisation is set, and the value that turns it off.
_OFF: dict[str, tuple[str, str, float]] = {
    "reserve": ("bot.chat.gateway.responder", "_DEFERRAL_SECONDS", 0.0),
    "connections": ("bot.chat.gateway.connection", "_MAX_CONNECTIONS", sys.maxsize),
    "thread": ("bot.useapi.client", "_PARSED_AT_ONCE", sys.maxsize),
}
# What the bot imports only where it is needed.
_LATE_IMPORTS = ("bot.monitoring.metrics", "bot.monitoring.server", "alembic.command")


def _turn_off(name: str) -> None:
    if name == "late-imports":
        for needed in _LATE_IMPORTS:
            importlib.import_module(needed)
        return
    where, setting, value = _OFF[name]
    module = importlib.import_module(where)
    # A renamed setting must fail here: turned off it would measure nothing.
    assert hasattr(module, setting), f"{where} has no {setting}"
    setattr(module, setting, value)


_turn_off(sys.argv[1])
sys.exit(main([]))
