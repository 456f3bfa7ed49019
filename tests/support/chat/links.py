"""The links by which people reach commands from a text."""

import re

from tests.support.world import GUILD_ID, World

_LINK = re.compile(r"</([^:>]+):[0-9]+>")


def as_written(text: str) -> str:
    """Return a text as the bot writes it: with commands as code in place of links."""
    return _LINK.sub(r"`/\1`", text)


def command_link(world: World, path: str, guild_id: int = GUILD_ID) -> str:
    """Return what Discord shows as a link to a command, such as "minimax-reminders add"."""
    command = world.env.backend.find_command(path.partition(" ")[0], guild_id)
    assert command is not None
    return f"</{path}:{command['id']}>"
