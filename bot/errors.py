"""The exception tree, split by who must act.

BotError
├── OperatorError          whoever runs the bot
│   ├── SettingsError
│   ├── DiscordTokenRefused
│   ├── GatewayRefused
│   ├── UseapiTokenRefused       401
│   ├── SubscriptionLapsed       402
│   ├── AlreadyRunning
│   ├── CopyRefused
│   └── PortTaken
├── AskerError             whoever asked
│   ├── NoSuchAccount            404
│   ├── AmbiguousName
│   ├── ServerNotListed
│   ├── TooManyLookUps
│   ├── NotAllowed
│   ├── NothingLeft
│   ├── StaleButton
│   └── CannotRemind
└── TryLater               nobody: it passes
    ├── ApiBusy                  429
    ├── AccountOnHold            596
    ├── ApiUnreachable
    ├── UnreadableAnswer
    ├── StoreError
    │   └── StoreAway
    ├── DeliveryFailed
    └── Stopping

No exception holds a response body or a secret.
"""

from collections.abc import Sequence


class BotError(Exception):
    """Everything the bot raises on purpose."""


class OperatorError(BotError):
    """Only whoever runs the bot can mend this."""


class SettingsError(OperatorError):
    """One or more settings are missing or wrong; `problems` names each, never its value."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class DiscordTokenRefused(OperatorError):
    """Discord does not accept DISCORD_TOKEN."""


class GatewayRefused(OperatorError):
    """Discord takes no connection of this version any more; the text is its close code."""


class UseapiTokenRefused(OperatorError):
    """useapi.net does not accept USEAPI_TOKEN (401)."""


class SubscriptionLapsed(OperatorError):
    """The useapi.net subscription has ended (402)."""


class AlreadyRunning(OperatorError):
    """Another process of this bot works with the same database file."""


class CopyRefused(OperatorError):
    """The data can't be backed up, restored or moved as asked for; the text says why, and what to do, for people."""


class PortTaken(OperatorError):
    """Another program listens on the port that was asked for."""

    def __init__(self, port: int) -> None:
        super().__init__("port in use")
        self.port = port


class AskerError(BotError):
    """Whoever asked can ask differently."""


class NoSuchAccount(AskerError):
    """No configured account has this id or name; `known` holds the ids that exist, if they could be read."""

    def __init__(self, asked: str, known: Sequence[str] = ()) -> None:
        super().__init__("no such account")
        self.asked = asked
        self.known = tuple(known)


class AmbiguousName(AskerError):
    """Several accounts carry this user name; `ids` tells them apart."""

    def __init__(self, name: str, ids: Sequence[str]) -> None:
        super().__init__("several accounts carry this name")
        self.name = name
        self.ids = tuple(ids)


class ServerNotListed(AskerError):
    """The server is not in GUILD_IDS, or the command came from a direct message."""


class TooManyLookUps(AskerError):
    """One person asks faster than the bot answers; `retry_after` is in seconds."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("too many look-ups")
        self.retry_after = retry_after


class NotAllowed(AskerError):
    """A button is for those who may manage the server; the commands are guarded by Discord itself."""


class NothingLeft(AskerError):
    """Somebody takes a reminder on that nothing has to be done about any more."""


class StaleButton(AskerError):
    """A button of another version of this bot, or one that somebody made up."""


class CannotRemind(AskerError):
    """A reminder could not work as asked for; the text is the reason, `advice` what to do, both for people."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(reason)
        self.advice = advice


class TryLater(BotError):
    """Nobody has to act: the same request may work later."""


class ApiBusy(TryLater):
    """useapi.net asks for a pause (429); `retry_after` is in seconds, None if it named no time."""

    def __init__(self, retry_after: float | None = None) -> None:
        super().__init__("useapi.net is busy")
        self.retry_after = retry_after


class AccountOnHold(TryLater):
    """MiniMax has put the account on hold (596, a status of useapi.net's own)."""


class ApiUnreachable(TryLater):
    """useapi.net did not answer, or answered with a server error."""


class UnreadableAnswer(TryLater):
    """useapi.net answered 200 with something that is not the documented JSON."""


class StoreError(TryLater):
    """The database is locked, full, out of reach, or of a newer version; the text says which."""


class DeliveryFailed(TryLater):
    """A test message did not arrive, or perhaps not; the text says why."""


class StoreAway(StoreError):
    """The database's server does not take connections now; it may be starting, or out of reach."""


class Stopping(TryLater):
    """The bot is shutting down and takes no new work."""
