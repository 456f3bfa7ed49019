"""The exception tree, split by who must act; every error carries the words that people read.

BotError
├── OperatorError          the operator
│   ├── SettingsError
│   ├── DiscordTokenRefused
│   ├── GatewayRefused
│   ├── UseapiTokenRefused       401
│   ├── SubscriptionLapsed       402
│   ├── WrongUser
│   ├── AlreadyRunning
│   ├── NoTerminal
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
│   ├── CreditsNotRead
│   ├── UnknownMessage
│   ├── StaleBoard
│   ├── NoteTooLong
│   ├── NoteHoldsSecret
│   ├── WrongDays
│   ├── WrongNumberOfDays
│   ├── NoSuchReminder
│   ├── TooManyReminders
│   ├── NothingToTest
│   ├── WrongChannelKind
│   ├── ChannelGone
│   ├── ThreadLocked
│   ├── BotNotInThread
│   ├── UserCannotPost
│   ├── BotCannotPost
│   ├── BotTimedOut
│   ├── PingsEveryone
│   ├── PingsBot
│   ├── PingsStranger
│   ├── PersonCannotSee
│   ├── UserCannotPing
│   └── BotCannotPing
├── TryLater               nobody: the same request may work later
│   ├── ApiBusy                  429
│   ├── AccountOnHold            596
│   ├── ApiUnreachable
│   │   ├── ApiNotSecure
│   │   ├── ApiSlow
│   │   └── CallForbidden        403
│   ├── TooManyAccounts
│   ├── UnreadableAnswer
│   │   └── AnswerCutOff
│   ├── SwitchedOff
│   ├── StoreError
│   │   └── StoreAway
│   ├── DiscordSilent
│   ├── OptionIncomplete
│   ├── DeliveryFailed
│   ├── BoardRefused
│   └── Stopping
└── InternalError          a bug

No exception holds a response body or a secret.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.core.links import SETUP_GUIDE
from bot.core.stages import LONGEST_LEAD_TIME
from bot.core.subscriptions import MAX_LEAD_TIMES
from bot.core.text import escaped, plain
from bot.core.tls import TlsFailure
from bot.core.wording import say_count, say_duration

_MINUTE = 60
_MAX_QUOTED = 60
_DAYS_EXAMPLE = "`14, 7, 3, 1`"

# The user name of an account, "" if it has none, and the account's id.
Suggestion = tuple[str, str]


class BotError(Exception):
    """An error that the bot raises on purpose; its message is for the log.

    People read `title` (the cause, without Markdown), `text` (what happened; empty if the title says it) and `advice`
    (what to do), and may ask for one of the `suggestions` instead: names and ids of accounts. `detail` is for the
    operator: the command line shows it, Discord never does. An error with `has_code` is a fault of the bot, and people
    get a code that finds it in the log. `operator_title` and `operator_advice` are for the operator, in place of the
    others.
    """

    title: str
    text: str = ""
    advice: str
    detail: str = ""
    suggestions: tuple[Suggestion, ...] = ()
    has_code = False
    operator_title: str = ""
    operator_advice: str = ""

    @property
    def account_ids(self) -> tuple[str, ...]:
        """Return the ids of the suggested accounts."""
        return tuple(account_id for _, account_id in self.suggestions)


class InternalError(BotError):
    """The words for an error that nobody foresaw."""

    title = "Something went wrong in the bot"
    advice = "Try again."
    has_code = True


class OperatorError(BotError):
    """Only the operator can fix this."""


class SettingsError(OperatorError):
    """One or more settings are missing or wrong; `problems` names each, never its value."""

    title = "Please fix these settings (in .env or the environment)"
    # `setup` asks for these three.
    asked = ("DISCORD_TOKEN ", "USEAPI_TOKEN ", "GUILD_IDS ")

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)
        if any(problem.startswith(self.asked) for problem in problems):
            self.advice = "`python -m bot setup` asks for them. New here? Try `python -m bot demo`."
        else:
            self.advice = "Then try again."
        self.text = "\n".join(f"  {problem}" for problem in problems)


class DiscordTokenRefused(OperatorError):
    """Discord does not accept DISCORD_TOKEN."""

    title = "Discord refused DISCORD_TOKEN"
    text = "The bot can't log in with this token."
    advice = (
        "Copy the whole token again, or reset it in the developer portal. Put it into .env, then start the bot again."
    )


class GatewayRefused(OperatorError):
    """Discord accepts no connection of this version any more; the log shows the gateway's close code."""

    title = "Discord refused the connection"
    advice = "Update the bot."

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.text = f"Discord accepts no connection of this version of the bot (code {code})."


class UseapiTokenRefused(OperatorError):
    """useapi.net does not accept USEAPI_TOKEN (401)."""

    title = "useapi.net rejected the bot's token"
    text = "Your accounts may be fine."
    advice = "Bot owner: put a valid token into `USEAPI_TOKEN`, then start the bot again."
    operator_advice = "Copy USEAPI_TOKEN again from the mail or page that you got with your subscription."


class SubscriptionLapsed(OperatorError):
    """The useapi.net subscription has ended (402)."""

    title = "The useapi.net subscription has ended"
    text = "useapi.net doesn't answer until it is renewed."
    advice = "Bot owner: renew the subscription at useapi.net."
    operator_advice = "Renew the subscription at useapi.net."


class WrongUser(OperatorError):
    """Root works in a folder of somebody else, whose files could steer it."""

    title = "Root should not work here"

    def __init__(self, reason: str, owners: Sequence[str]) -> None:
        super().__init__(reason)
        self.text = f"Files there could make root do what {' and '.join(owners)} could not."
        self.advice = f"Run this as {' or '.join(owners)}, for example with runuser or setpriv."


class AlreadyRunning(OperatorError):
    """Another process of this bot works with the same database file."""

    title = "The bot is already running"
    advice = "Stop it first, or give this one a DATABASE_URL of its own."

    def __init__(self, database_file: str) -> None:
        super().__init__(database_file)
        self.text = f"Another bot already works with {database_file}."


class NoTerminal(OperatorError):
    """A command that asks questions has nobody to ask."""

    title = "Setup needs a terminal"
    text = "It asks questions."
    advice = "Without one, copy .env.example to .env and fill it in."


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
    """No account has this id or name; `suggestions` are those with a similar one, or else all that are known."""

    title = "No such account"
    advice = f"Not set up yet? [Add it at useapi.net]({SETUP_GUIDE})."

    def __init__(self, asked: str = "", suggestions: Sequence[Suggestion] = (), *, are_similar: bool = False) -> None:
        super().__init__("no such account")
        if shown := plain(asked, _MAX_QUOTED):
            self.title = f'No account called "{shown}"'
        self.suggestions = tuple(suggestions)
        if suggestions:
            these = "one of these" if len(suggestions) > 1 else "this one"
            self.text = f"Did you mean {these}?" if are_similar else "These accounts exist:"


class AmbiguousName(UserError):
    """Several accounts have this name, or (not `is_whole`) a name with this part: the `suggestions`."""

    text = "Use the ID of the one you mean:"
    advice = ""

    def __init__(self, asked: str, suggestions: Sequence[Suggestion], *, is_whole: bool = True) -> None:
        super().__init__("several accounts have this name")
        which = "are called" if is_whole else "match"
        self.title = f'{len(suggestions)} accounts {which} "{plain(asked, _MAX_QUOTED)}"'
        self.suggestions = tuple(suggestions)


class ServerNotListed(UserError):
    """The server is not in GUILD_IDS, or the command came from a direct message."""

    title = "This server isn't set up for the bot"
    text = "It works only in servers its owner has listed, not in direct messages."
    advice = "Bot owner: add this server's ID to `GUILD_IDS`."


class TooManyLookUps(UserError):
    """A user, or many together, ask faster than the bot answers; `advice` says in how many seconds to ask again."""

    def __init__(self, retry_after: float, what: str = "commands") -> None:
        super().__init__("too many look-ups")
        self.title = f"Too many {what} at once"
        self.advice = f"Try again in {say_count(math.ceil(retry_after), 'second')}."


class NotAllowed(UserError):
    """A button is for members with Manage Server; Discord itself guards the commands."""

    title = "You need the Manage Server permission"
    advice = "Ask a server manager to do this."


class NothingLeft(UserError):
    """A user wants to be assigned to a reminder whose accounts need nothing any more."""

    title = "Already taken care of"
    text = "The login was renewed, or a newer reminder replaced this one."
    advice = "Press *Check now* if you want to see for yourself."


class StaleButton(UserError):
    """A button of another version of this bot, or a forged one."""

    title = "This button is outdated"
    advice = "Run the command again."


class CommandChanged(UserError):
    """A command as an earlier version of this bot registered it; Discord's apps keep that for a while."""

    title = "This command has changed"
    text = "Your Discord app still shows an older version of it."
    advice = "Reload Discord (Ctrl+R on a computer), then use the command again."


class CreditsNotRead(UserError):
    """A reminder about credits is asked for, and the operator has switched off the reading of credits."""

    title = "This bot doesn't read credits"
    advice = "Leave out `credits-below`. Bot owner: set `WATCH_JOBS` to yes, then start the bot again."


class UnknownMessage(UserError):
    """A button under a message that the database does not know."""

    title = "This message is too old for the bot"
    advice = "Use `/minimax-account` instead."


class StaleBoard(UserError):
    """A button under a board that was removed, or posted again."""

    title = "This board isn't updated any more"
    advice = "Use `/minimax-overview` instead."


class NoteTooLong(UserError):
    """A note has too many characters; Discord's apps accept no longer one."""

    advice = "Shorten it, then try again."

    def __init__(self, most: int) -> None:
        super().__init__("a long note")
        self.title = f"A note has at most {most} characters"


class NoteHoldsSecret(UserError):
    """A note seems to hold a secret; neither the log nor the answer repeats it."""

    title = "That looks like a password or a token"
    text = "Nothing was saved: secrets don't belong in Discord."
    advice = "Write which Google account it is, and who has the second factor."


class WrongDays(UserError):
    """The text is not a list of days."""

    title = f"Days must be 1 to {LONGEST_LEAD_TIME}"
    advice = f"Separate whole numbers with commas, for example {_DAYS_EXAMPLE}."

    def __init__(self, typed: str) -> None:
        super().__init__("wrong days")
        self.text = f'"{escaped(typed, _MAX_QUOTED)}" doesn\'t work.'


class WrongNumberOfDays(UserError):
    """A reminder has at least one lead time, and a few at most."""

    title = f"Give 1 to {MAX_LEAD_TIMES} numbers of days"
    advice = f"For example {_DAYS_EXAMPLE}."


class NoSuchReminder(UserError):
    """A command is for a reminder that does not exist; `title` says what there is instead."""

    title = "Reminder not found"
    advice = "Pick one from the list that appears while you type."

    def __init__(self, title: str = title, advice: str = advice) -> None:
        super().__init__("no such reminder")
        self.title, self.advice = title, advice


class TooManyReminders(UserError):
    """The server has as many reminders as it may have."""

    advice = "Delete one with `/minimax-reminders remove` first."

    def __init__(self, most: int) -> None:
        super().__init__("too many reminders")
        self.title = f"This server has {most} reminders already"


class NothingToTest(UserError):
    """No account of a reminder has a known expiry; `subject` is the account in words, None if it is for all."""

    title = "Nothing to test yet"
    advice = "Try again after the next check."

    def __init__(self, subject: str | None) -> None:
        super().__init__("no known expiry")
        self.text = f"useapi.net reports no expiry date for {subject or 'any account'}."


class WrongChannelKind(UserError):
    """Reminders and boards can't be in a channel of this kind."""

    title = "Wrong kind of channel"
    text = "Reminders and boards go to text channels, announcement channels and threads."
    advice = "Pick one of those."


class ChannelGone(UserError):
    """The channel, or the one above a thread, was deleted."""

    title = "This channel is gone"
    advice = "Pick another one."


class ThreadLocked(UserError):
    """A moderator has locked the thread."""

    advice = "Unlock it, give the bot's role *Manage Threads*, or pick another channel."

    def __init__(self, thread_name: str) -> None:
        super().__init__("a locked thread")
        self.title = f"The thread #{thread_name} is locked"


class BotNotInThread(UserError):
    """Nobody has let the bot into a private thread."""

    title = "The bot isn't in this private thread"
    advice = "Mention the bot in the thread, which lets it in, then try again."


class UserCannotPost(UserError):
    """The user may not see a channel or write there; `missing` names the permissions.

    `channel_name` is None if the user may not see it.
    """

    advice = "Pick a channel that you can write in."

    def __init__(self, channel_name: str | None, missing: Sequence[str]) -> None:
        super().__init__(f"the user lacks {', '.join(missing)}")
        self.title = f"You can't post in #{channel_name}" if channel_name else "You can't post there"
        self.text = f"You don't have {_listed(missing)} there."


class BotCannotPost(UserError):
    """The bot may not post in a channel; `missing` names the permissions."""

    def __init__(self, channel_name: str, missing: Sequence[str]) -> None:
        super().__init__(f"the bot lacks {', '.join(missing)}")
        self.title = f"The bot can't post in #{channel_name}"
        self.advice = f"Give its role {_listed(missing)} there, then try again."


class BotTimedOut(UserError):
    """A moderator has timed the bot out until a time."""

    title = "The bot is timed out in this server"
    advice = "Remove the timeout in the bot's menu in the member list, then try again."

    def __init__(self, until: datetime) -> None:
        super().__init__(f"until {until.isoformat()}")
        self.text = f"A moderator did that; it ends <t:{int(until.timestamp())}:f>."


class PingsEveryone(UserError):
    """The role to ping is the one that everybody has."""

    title = "Reminders can't ping @everyone"
    advice = "Pick the role of the people who renew, or one person."


class PingsBot(UserError):
    """The member to ping is a bot."""

    title = "Reminders can't ping a bot"
    advice = "Pick the person who renews, or a role."


class PingsStranger(UserError):
    """The person to ping is not in the server."""

    advice = "Pick a member of this server, or a role."

    def __init__(self, name: str) -> None:
        super().__init__("not a member")
        self.title = f"{name} isn't in this server"


class PersonCannotSee(UserError):
    """The member to ping may not see the channel."""

    text = "A ping there would reach nobody."
    advice = "Give them *View Channel* there, or pick somebody else."

    def __init__(self, name: str, channel_name: str) -> None:
        super().__init__("a member can't see a channel")
        self.title = f"{name} can't see #{channel_name}"


class _CannotPing(UserError):
    """Somebody may not ping a role."""

    who: str
    advice = "Turn on *Allow anyone to @mention this role* in the role's settings, or pick another role."

    def __init__(self, role_name: str) -> None:
        super().__init__("a role is not open to mentions")
        self.title = f"{self.who} can't ping @{role_name}"


class UserCannotPing(_CannotPing):
    """The user may not ping a role."""

    who = "You"


class BotCannotPing(_CannotPing):
    """The bot may not ping a role."""

    who = "The bot"


class TryLater(BotError):
    """Nobody has to act: the same request may work later."""


class ApiBusy(TryLater):
    """useapi.net asks for a pause (429); `retry_after` is in seconds, None if it named no time."""

    title = "useapi.net is busy"
    text = "useapi.net is limiting requests."

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


class ApiNotSecure(ApiUnreachable):
    """No TLS connection to useapi.net could be made: its certificate, the clock or a proxy is wrong."""

    text = "So the bot reads nothing from it."

    def __init__(self, failure: TlsFailure) -> None:
        self.title = failure.say("useapi.net")
        super().__init__(f"{self.title}. {failure.advice}")
        self.advice, self.operator_advice = f"Bot owner: {failure.advice}", failure.advice
        self.is_lasting = failure.is_lasting


class ApiSlow(ApiUnreachable):
    """useapi.net took all the time that a look-up has, for this call or for those before it."""

    title = "useapi.net is slow at the moment"
    text = "It did not answer in time."
    advice = "Try again in a minute. If it goes on, check that useapi.net is up."


class CallForbidden(ApiUnreachable):
    """useapi.net forbids this call (403)."""


class UnreadableAnswer(TryLater):
    """useapi.net answered 200 with something other than the documented JSON."""

    title = "useapi.net's answer can't be read"
    text = "useapi.net answered, but not with account data this bot understands."
    advice = "Try again in a minute. If it goes on, tell the bot's owner."


class AnswerCutOff(UnreadableAnswer):
    """The connection broke in the middle of useapi.net's answer."""


class TooManyAccounts(TryLater):
    """useapi.net lists more accounts than the bot reads."""

    title = "useapi.net lists too many accounts"
    text = "useapi.net lists more accounts than this bot can read."
    advice = "Try again in a minute. If it goes on, tell the bot's owner."


class SwitchedOff(TryLater):
    """useapi.net does not offer something as its documents say, so the bot does not ask for it `until` then.

    `is_news` if it has just been found out.
    """

    title = "useapi.net doesn't offer this at the moment"

    def __init__(self, reason: str, until: datetime, *, is_news: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.until, self.is_news = reason, until, is_news
        self.advice = f"The bot asks again <t:{int(until.timestamp())}:R>."


class StoreError(TryLater):
    """The database is locked, full, out of reach, or of an unknown schema; `detail` says which."""

    title = "The bot couldn't load or save that"
    operator_title = "The database can't be used"
    advice = "Try again in a minute."
    has_code = True

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class StoreAway(StoreError):
    """The database's server accepts no connections now; it may be starting, or out of reach."""


class DiscordSilent(TryLater):
    """Discord does not answer a question that a command needs."""

    title = "Discord doesn't answer"
    text = "So the bot can't see whether it may post there."
    advice = "Try again in a minute."

    def __init__(self, reason: str, failure: TlsFailure | None = None) -> None:
        super().__init__(reason)
        if failure is not None:
            self.title, self.advice = failure.say("Discord"), f"Bot owner: {failure.advice}"


class OptionIncomplete(TryLater):
    """Discord does not describe the channel, role or person of an option well enough to decide on it."""

    title = "Discord didn't describe what you picked"
    text = "The bot needs to know more about that channel, role or person."
    advice = "Try again. For a channel, you can also use the command in it and leave out `channel`."


class DeliveryFailed(TryLater):
    """A test message did not arrive, or perhaps not; `text` says why."""

    title = "The test did not arrive"
    advice = "Real reminders would fail there in the same way: fix that, or pick another channel, and test again."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.text = f"Discord's answer: {reason}."


class BoardRefused(TryLater):
    """A channel does not accept a board; `text` says why."""

    title = "The board could not be posted"
    advice = "Fix that, or pick another channel, then try again."

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.text = f"Discord's answer: {reason}."


class Stopping(TryLater):
    """The bot is shutting down and accepts no new work."""

    title = "The bot is restarting"
    text = "It accepts no new work while it shuts down."
    advice = "Try again in a minute."


def _listed(permissions: Sequence[str]) -> str:
    """Return permissions as Discord's settings call them: "*Send Messages* and *Embed Links*"."""
    *others, last = (f"*{name}*" for name in permissions)
    return f"{', '.join(others)} and {last}" if others else last
