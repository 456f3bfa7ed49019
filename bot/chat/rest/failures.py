"""What a failed request to Discord means."""

import aiohttp
import discord

from bot.chat.rest.rate_limit import HeldBack
from bot.reminders.context import Refused, Uncertain

# Everything that a request through discord.py raises when Discord or the network fails.
DISCORD_ERRORS = (discord.DiscordException, aiohttp.ClientError, OSError)
# Failures of requests that never reached Discord.
NEVER_SENT = (aiohttp.ClientConnectorError, HeldBack)

# Discord does not know the member, or the user.
UNKNOWN_USER = (10007, 10013)

_UNKNOWN_MESSAGE = 10008
# Codes with which a channel refuses until somebody changes something, in words for people.
_LASTING = {
    10003: "the channel is gone",
    10004: "the bot is not in the server any more",
    50001: "the bot may not see the channel",
    50013: "the bot lacks a permission in the channel",
    50083: "the thread is archived",
    160005: "the thread is locked",
    50008: "messages can't be sent to this kind of channel",
    50024: "messages can't be sent to this kind of channel",
    50009: "the channel asks for a verification that bots can't pass",
    200000: "AutoMod blocks the message",
}
_TOO_MANY = 429
_SERVER_ERROR = 500


def classify(error: Exception) -> Refused | Uncertain:
    """Return what a failed request means: certainly not done, or perhaps done."""
    match error:
        case discord.HTTPException() if error.status >= _SERVER_ERROR:
            return Uncertain(f"status {error.status}")
        case discord.HTTPException() if error.status == _TOO_MANY:
            return Uncertain("too many requests")
        case discord.HTTPException():
            return Refused(
                _LASTING.get(error.code, f"Discord's code {error.code or error.status}"),
                is_lasting=error.code in _LASTING,
                is_message_gone=error.code == _UNKNOWN_MESSAGE,
            )
        case aiohttp.ClientConnectorError():
            return Refused("Discord can't be reached", is_lasting=False)
        case HeldBack():
            return Refused("Discord refuses too much at the moment", is_lasting=False)
        case _:
            return Uncertain("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)
