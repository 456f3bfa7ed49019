"""The exception tree, split by who must act; every error carries the words that people read.

BotError
├── OperatorError          the operator
│   ├── SettingsError
│   ├── DiscordTokenRefused
│   ├── GatewayRefused
│   ├── UseapiTokenRefused       401
│   ├── SubscriptionLapsed       402
│   ├── AlreadyRunning
│   ├── CopyRefused
│   └── PortTaken
├── UserError              the user
│   ├── NoSuchAccount            404
│   ├── AmbiguousName
│   ├── ServerNotListed
│   ├── TooManyLookUps
│   ├── NotAllowed
│   ├── NothingLeft
│   ├── StaleButton
│   ├── CommandChanged
│   └── CannotRemind
├── TryLater               nobody: the same request may work later
│   ├── ApiBusy                  429
│   ├── AccountOnHold            596
│   ├── ApiUnreachable
│   ├── UnreadableAnswer
│   ├── StoreError
│   │   └── StoreAway
│   ├── DeliveryFailed
│   └── Stopping
└── InternalError          a bug

No exception holds a response body or a secret.
"""

import math
from collections.abc import Sequence
from datetime import timedelta

from bot.core.links import SETUP_GUIDE
from bot.core.wording import say_count, say_duration

_MINUTE = 60


class BotError(Exception):
    """An error that the bot raises on purpose; its message is for the log.

    People read `title`, `text` (what happened) and `advice` (what to do), and may ask for one of `account_ids` instead.
    `detail` is for the operator: the command line shows it, Discord never does.
    """

    title: str
    text: str
    advice: str
    detail: str = ""
    account_ids: tuple[str, ...] = ()


class InternalError(BotError):
    """The words for an error that nobody foresaw."""

    title = "Something broke"
    text = "The bot ran into an error of its own."
    advice = "Try again. If it happens again, report it to the bot's operator."


class OperatorError(BotError):
    """Only the operator can fix this."""


class SettingsError(OperatorError):
    """One or more settings are missing or wrong; `problems` names each, never its value."""

    title = "The settings need a change"
    advice = "Set them in .env or the environment."

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
        self.text = "\n".join(f"  {problem}" for problem in problems)


class DiscordTokenRefused(OperatorError):
    """Discord does not accept DISCORD_TOKEN."""

    title = "Discord refused DISCORD_TOKEN"
    text = "The bot can't log in with this token."
    advice = "Reset the token in the developer portal, put the new one into .env and restart the bot."


class GatewayRefused(OperatorError):
    """Discord accepts no connection of this version any more; the log shows the gateway's close code."""

    title = "Discord refused the connection"
    advice = "Update the bot."

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.text = f"Discord accepts no connection of this version of the bot (code {code})."


class UseapiTokenRefused(OperatorError):
    """useapi.net does not accept USEAPI_TOKEN (401)."""

    title = "The bot's useapi.net token was refused"
    text = "useapi.net does not accept the token this bot uses, so no account can be read. The accounts may be fine."
    advice = "The bot's operator must put a valid token into USEAPI_TOKEN and restart it."


class SubscriptionLapsed(OperatorError):
    """The useapi.net subscription has ended (402)."""

    title = "The useapi.net subscription has lapsed"
    text = "useapi.net answers no requests of this token until it is paid for again."
    advice = "The owner of the useapi.net subscription must renew it at useapi.net."


class AlreadyRunning(OperatorError):
    """Another process of this bot works with the same database file."""

    title = "The bot is already running"
    advice = "Stop it first, or give this one a DATABASE_URL of its own."

    def __init__(self, database_file: str) -> None:
        super().__init__(database_file)
        self.text = f"Another bot already works with {database_file}."


class CopyRefused(OperatorError):
    """The data can't be backed up, restored or moved."""

    title = "The data was not copied"

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(f"{text} {advice}")
        self.text = text
        self.advice = advice


class PortTaken(OperatorError):
    """Another program listens on the port that the demo was given."""

    text = "Another program listens on it."
    advice = "Choose another one with --port, or leave --port out."

    def __init__(self, port: int) -> None:
        super().__init__("port in use")
        self.title = f"Port {port} is in use"


class UserError(BotError):
    """The user can ask differently."""


class NoSuchAccount(UserError):
    """No configured account has this id or name; `account_ids` are those that exist, if they could be read."""

    title = "No such account"
    text = "No account with this id or user name is set up at useapi.net."

    def __init__(self, known: Sequence[str] = ()) -> None:
        super().__init__("no such account")
        self.account_ids = tuple(known)
        choose = "Pick one of these, or add the account first." if known else "Check the id or name."
        self.advice = f"{choose} Accounts are added at useapi.net: {SETUP_GUIDE}"


class AmbiguousName(UserError):
    """Several accounts have this user name; `account_ids` tell them apart."""

    title = "Several accounts have this name"
    text = "The user name you gave belongs to more than one account."
    advice = "Ask again with the id of the one you mean."

    def __init__(self, account_ids: Sequence[str]) -> None:
        super().__init__("several accounts have this name")
        self.account_ids = tuple(account_ids)


class ServerNotListed(UserError):
    """The server is not in GUILD_IDS, or the command came from a direct message."""

    title = "This bot does not serve this place"
    text = "It answers only in the servers that its operator has listed, never in direct messages."
    advice = "Use the command in one of those servers, or ask for this server's id to be added to GUILD_IDS."


class TooManyLookUps(UserError):
    """A user asks faster than the bot answers; `advice` says in how many seconds to ask again."""

    title = "A little slower, please"
    text = "You asked a lot in a short time."

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many look-ups")
        self.advice = f"Try again in {say_count(math.ceil(retry_after), 'second')}."


class NotAllowed(UserError):
    """A button is for those who may manage the server; Discord itself guards the commands."""

    title = "This is for those who may manage the server"
    text = "It needs the permission Manage Server, which you don't have here."
    advice = "Ask somebody who has it."


class NothingLeft(UserError):
    """A user wants to be assigned to a reminder whose accounts need nothing any more."""

    title = "Nothing is left to do"
    text = "The accounts of this reminder are renewed or working again, or a later reminder has replaced it."
    advice = "Press *Check now* if you want to see for yourself."


class StaleButton(UserError):
    """A button of another version of this bot, or a forged one."""

    title = "This button no longer works"
    text = "This version of the bot does not know it."
    advice = "Use the command again: its answer brings new buttons."


class CommandChanged(UserError):
    """A command as an earlier version of this bot registered it; Discord's apps keep that for a while."""

    title = "This command has changed"
    text = "Your Discord app still shows an older version of it."
    advice = "Reload Discord (Ctrl+R on a computer), then use the command again."


class CannotRemind(UserError):
    """A reminder could not work."""

    title = "This reminder can't work"

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.text = reason
        self.advice = advice


class TryLater(BotError):
    """Nobody has to act: the same request may work later."""


class ApiBusy(TryLater):
    """useapi.net asks for a pause (429); `retry_after` is in seconds, None if it named no time."""

    title = "useapi.net is busy"
    text = "It asked this bot to slow down."

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("useapi.net is busy")
        self.retry_after = retry_after
        if retry_after is None:
            wait = "a minute"
        elif retry_after < _MINUTE:
            wait = say_count(max(1, math.ceil(retry_after)), "second")
        else:
            wait = say_duration(timedelta(seconds=retry_after))
        self.advice = f"Try again in {wait}."


class AccountOnHold(TryLater):
    """MiniMax has put the account on hold (596, a status of useapi.net's own)."""

    title = "The account is on hold at MiniMax"
    text = "MiniMax has paused this account. That can last a few hours, and usually ends by itself."
    advice = "Try again later. If it stays on hold, log in to MiniMax and see what it says."


class ApiUnreachable(TryLater):
    """useapi.net did not answer, or answered with a server error."""

    title = "useapi.net can't be reached"
    text = "useapi.net did not answer, or answered with an error of its own."
    advice = "Try again in a minute. If it goes on, check that useapi.net is up and that the bot's machine reaches it."


class UnreadableAnswer(TryLater):
    """useapi.net answered 200 with something other than the documented JSON."""

    title = "useapi.net's answer can't be read"
    text = "useapi.net answered, but not with account data this bot understands."
    advice = "Try again in a minute. If it goes on, report it to the bot's operator."


class StoreError(TryLater):
    """The database is locked, full, out of reach, or of a newer version; `detail` says which."""

    title = "The database can't be used"
    text = "Your request could not be stored or read."
    advice = "Try again in a minute. If it goes on, report it to the bot's operator."

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class StoreAway(StoreError):
    """The database's server accepts no connections now; it may be starting, or out of reach."""


class DeliveryFailed(TryLater):
    """A test message did not arrive, or perhaps not; `text` says why."""

    title = "The test did not arrive"
    advice = "Fix that, or pick another channel, and test again. Real reminders would fail there in the same way."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.text = f"Discord's answer: {reason}."


class Stopping(TryLater):
    """The bot is shutting down and accepts no new work."""

    title = "The bot is restarting"
    text = "It accepts no new work while it shuts down."
    advice = "Try again in a minute."
