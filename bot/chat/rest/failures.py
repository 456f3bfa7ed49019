"""What a failed request to Discord means, and what to try next: `judge` is the one place that decides it."""

import re
from dataclasses import dataclass
from enum import Enum, auto

import aiohttp
import discord

from bot.chat.rest.obstacles import find_obstacle
from bot.chat.rest.rate_limit import HeldBack
from bot.reminders.context import Refused, Uncertain

# Everything that a request through discord.py raises when Discord or the network fails.
DISCORD_ERRORS = (discord.DiscordException, aiohttp.ClientError, OSError)
# Failures of requests that never reached Discord.
NEVER_SENT = (aiohttp.ClientConnectorError, HeldBack)

# Discord does not know the member, or the user.
UNKNOWN_USER = (10007, 10013)

_UNKNOWN_MESSAGE = 10008
_ARCHIVED = 50083
_NO_PERMISSION = 50013
# What a channel or a server refuses until somebody changes something, in words for people.
_PLACES = {
    10003: "the channel is gone",
    10004: "the bot is not in the server any more",
    50001: "the bot can't see the channel",
    50005: "the message is not the bot's own",
    50007: "the person accepts no direct messages",
    50008: "messages can't be sent to this kind of channel",
    50009: "the channel asks for a verification that bots can't pass",
    _NO_PERMISSION: "the bot lacks a permission in the channel",
    50024: "messages can't be sent to this kind of channel",
    _ARCHIVED: "the thread is archived",
    160005: "the thread is locked",
    160006: "the server has too many open threads",
}
# What is wrong with the message itself; so is everything else that is a bad request.
_CONTENTS = {
    200000: "AutoMod blocks the message",
    200001: "AutoMod blocks the title",
    240000: "Discord blocks a link in the message",
}
# Limits that end by themselves: edits and posts at a time, slow mode, a busy Discord.
_PASSING = (20016, 20022, 20028, 20029, 30046, 40004, 40062, 130000)
_BAD_REQUEST, _UNAUTHORIZED, _NO_REQUEST, _TOO_LARGE, _TOO_MANY, _SERVER_ERROR = 400, 401, 408, 413, 429, 500
# discord.py's text of an error names each part that Discord refuses: "In embeds.0.thumbnail.url: ...".
_PART = re.compile(r"^In (\w+)", re.MULTILINE)


class Remedy(Enum):
    """What may help after a failure."""

    NONE = auto()
    PLAINER = auto()
    OPEN_THREAD = auto()
    ASK_FOR_TIMEOUT = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a failed request means, what may help, and which parts of the message Discord refuses, if it says so."""

    failure: Refused | Uncertain
    remedy: Remedy = Remedy.NONE
    parts: frozenset[str] = frozenset()


def judge(error: Exception) -> Verdict:
    """Return what a failed request means: certainly not done, or perhaps done; and what to try next."""
    match error:
        case discord.HTTPException() if error.status >= _SERVER_ERROR or error.status == _NO_REQUEST:
            return Verdict(Uncertain(f"status {error.status}"))
        case discord.HTTPException() if error.status == _TOO_MANY:
            return Verdict(Uncertain("too many requests"))
        case discord.HTTPException():
            return _judge_refusal(error)
        case aiohttp.ClientConnectorError():
            obstacle = find_obstacle(error)
            reason = obstacle.say("Discord") if obstacle else "Discord can't be reached"
            return Verdict(Refused(reason, is_lasting=False))
        case HeldBack():
            return Verdict(Refused("Discord refuses too much at the moment", is_lasting=False))
        case _:
            return Verdict(Uncertain("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__))


def _judge_refusal(error: discord.HTTPException) -> Verdict:
    """Judge what Discord does certainly not do; codes that are unknown here are as lasting as known ones."""
    code = error.code
    if error.status == _UNAUTHORIZED or code in _PASSING:
        reason = "Discord refuses the bot's token" if error.status == _UNAUTHORIZED else "Discord limits the channel"
        return Verdict(Refused(f"{reason} at the moment", is_lasting=False))
    if code == _UNKNOWN_MESSAGE:
        return Verdict(Refused("the message is gone", is_lasting=True, is_message_gone=True))
    if code in _PLACES:
        remedy = {_ARCHIVED: Remedy.OPEN_THREAD, _NO_PERMISSION: Remedy.ASK_FOR_TIMEOUT}.get(code, Remedy.NONE)
        return Verdict(Refused(_PLACES[code], is_lasting=True), remedy)
    refusal = Refused(
        _CONTENTS.get(code, f"Discord refuses the message (code {code or error.status})"), is_lasting=True
    )
    if error.status in (_BAD_REQUEST, _TOO_LARGE):
        return Verdict(refusal, Remedy.PLAINER, frozenset(_PART.findall(error.text)))
    return Verdict(refusal)


def classify(error: Exception) -> Refused | Uncertain:
    """Return what a failed request means, where nothing else is to be tried."""
    return judge(error).failure
