"""Discord's limits on text, which discord.py does not check, and links to messages."""

MAX_TITLE = 256
MAX_DESCRIPTION = 4096
MAX_FIELD = 1024
MAX_CHOICE = 100
MAX_CUSTOM_ID = 100
MAX_CHOICES = 25
# The longest text that the option of a command accepts for an account; a menu offers no longer id either.
MAX_ACCOUNT_ID = 64


def message_link(guild_id: int, channel_id: int, message_id: int) -> str:
    """Return the address at which Discord shows a message."""
    return f"https://discord.com/channels/{guild_id}/{channel_id}/{message_id}"
