"""Links that people get."""

SETUP_GUIDE = "https://useapi.net/docs/start-here/setup-minimax"


def message_link(guild_id: int, channel_id: int, message_id: int) -> str:
    """Return the address at which Discord shows a message."""
    return f"https://discord.com/channels/{guild_id}/{channel_id}/{message_id}"
