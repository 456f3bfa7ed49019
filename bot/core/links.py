"""Links that people get."""

from dataclasses import dataclass

SETUP_GUIDE = "https://useapi.net/docs/start-here/setup-minimax"
GUIDED_SETUP = "https://useapi.net/assets/setup-browser/minimax"


@dataclass(frozen=True, slots=True)
class RenewalLinks:
    """Where people renew a login: guided, in a remote browser, and by hand, after a manual."""

    guided: str = GUIDED_SETUP
    manual: str = SETUP_GUIDE


DEFAULT_RENEWAL = RenewalLinks()


def message_link(guild_id: int, channel_id: int, message_id: int) -> str:
    """Return the address at which Discord shows a message."""
    return f"https://discord.com/channels/{guild_id}/{channel_id}/{message_id}"
