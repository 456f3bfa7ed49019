"""The words that every error carries."""

import re
from datetime import UTC, datetime

import pytest

from bot.core.links import SETUP_GUIDE
from bot.core.tls import UNTRUSTED
from bot.errors import (
    AccountOnHold,
    AlreadyRunning,
    AmbiguousName,
    AnswerCutOff,
    ApiBusy,
    ApiNotSecure,
    ApiSlow,
    ApiUnreachable,
    BoardRefused,
    BotCannotPing,
    BotCannotPost,
    BotError,
    BotNotInThread,
    BotTimedOut,
    CallForbidden,
    ChannelGone,
    CommandChanged,
    CopyRefused,
    CreditsNotRead,
    DeliveryFailed,
    DiscordSilent,
    DiscordTokenRefused,
    GatewayRefused,
    InternalError,
    NoSuchAccount,
    NoSuchReminder,
    NotAllowed,
    NoteHoldsSecret,
    NoTerminal,
    NoteTooLong,
    NothingLeft,
    NothingToTest,
    OptionIncomplete,
    PersonCannotSee,
    PingsBot,
    PingsEveryone,
    PingsStranger,
    PortTaken,
    ServerNotListed,
    SettingsError,
    StaleBoard,
    StaleButton,
    Stopping,
    StoreAway,
    StoreError,
    SubscriptionLapsed,
    SwitchedOff,
    ThreadLocked,
    TooManyAccounts,
    TooManyLookUps,
    TooManyReminders,
    UnknownMessage,
    UnreadableAnswer,
    UseapiTokenRefused,
    UserCannotPing,
    UserCannotPost,
    WrongChannelKind,
    WrongDays,
    WrongNumberOfDays,
    WrongUser,
)

EVERY_ERROR: list[BotError] = [
    AccountOnHold("596"),
    AlreadyRunning("data/bot.db"),
    AmbiguousName("Sam", [("Sam", "1"), ("Sam", "2")]),
    BoardRefused("the channel is gone"),
    BotCannotPing("Editors"),
    BotCannotPost("ops", ["Send Messages"]),
    BotNotInThread("not let in"),
    BotTimedOut(datetime(2030, 1, 1, tzinfo=UTC)),
    ChannelGone("no such channel"),
    ThreadLocked("plans"),
    DiscordSilent("no answer in time"),
    DiscordSilent("ClientConnectorCertificateError", UNTRUSTED),
    ApiNotSecure(UNTRUSTED),
    ApiBusy(),
    ApiSlow("other calls took all slots"),
    ApiUnreachable("status 502"),
    CommandChanged("CommandSignatureMismatch"),
    CreditsNotRead("WATCH_JOBS is no"),
    CopyRefused("There is no file copy.db.", "Name the backup to restore."),
    DeliveryFailed("the channel is gone"),
    DiscordTokenRefused("refused"),
    GatewayRefused("4012"),
    InternalError(),
    NoSuchAccount(),
    NoteHoldsSecret(),
    NoteTooLong(200),
    NotAllowed("Manage Server is needed"),
    NoTerminal("no terminal"),
    NothingLeft("nothing is open"),
    NoSuchReminder(),
    NothingToTest("**Jane**"),
    OptionIncomplete("KeyError"),
    PersonCannotSee("Noah", "ops"),
    PingsBot(),
    PingsStranger("Noah"),
    PingsEveryone("the role of everybody"),
    PortTaken(8000),
    ServerNotListed("not a listed server"),
    SettingsError(["LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR."]),
    StaleBoard("no such board"),
    StaleButton("no such button"),
    Stopping("the bot is stopping"),
    StoreError("locked"),
    SubscriptionLapsed("402"),
    SwitchedOff("status 404", datetime(2030, 1, 1, tzinfo=UTC)),
    TooManyAccounts("more than 20,000 accounts"),
    TooManyLookUps(2.5),
    TooManyReminders(50),
    UnknownMessage("not in the database"),
    UnreadableAnswer("not JSON"),
    UseapiTokenRefused("401"),
    UserCannotPing("Editors"),
    UserCannotPost("ops", ["View Channel", "Send Messages"]),
    WrongChannelKind("kind voice"),
    WrongDays("0"),
    WrongNumberOfDays("none"),
    WrongUser("several users", ["alice", "user 61234"]),
]


def leaves(kind: type[BotError]) -> set[type[BotError]]:
    """Return the kinds of error that nothing derives from."""
    below = kind.__subclasses__()
    return set().union(*map(leaves, below)) if below else {kind}


def test_every_kind_of_error_is_checked() -> None:
    """The list above holds each kind of error; some have the words of the kind above them."""
    same_words = {StoreAway: StoreError, CallForbidden: ApiUnreachable, AnswerCutOff: UnreadableAnswer}
    assert {same_words.get(kind, kind) for kind in leaves(BotError)} == {type(error) for error in EVERY_ERROR}


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_every_error_has_words_of_its_own(error: BotError) -> None:
    """Each error has the cause as its title, which no other has, one sentence at most, and one next step."""
    assert [other.title for other in EVERY_ERROR].count(error.title) == 1
    assert not error.title.endswith(".")
    assert not set(error.title) & set("*`")
    assert error.text == "" or error.text.endswith((".", ":"))
    assert error.advice == "" or error.advice.endswith(".")
    assert error.advice or error.suggestions


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_words_are_those_of_the_glossary(error: BotError) -> None:
    """No error speaks of rights, watches, mending or trouble."""
    words = f"{error.title} {error.text} {error.advice}".lower()
    assert not re.search(r"\b(rights?|watch|mend|trouble|whoever|operator)\b", words)


def test_a_store_error_keeps_its_detail_from_users() -> None:
    """The reason of a database failure may name hosts and files, so that only the operator gets it."""
    error = StoreError("no such table on db.internal")
    assert error.detail == "no such table on db.internal"
    assert "db.internal" not in error.title + error.text + error.advice


@pytest.mark.parametrize(
    ("seconds", "wait"),
    [
        (None, "in a minute"),
        (0.0, "in 1 second"),
        (29.1, "in 30 seconds"),
        (60.0, "in 1 minute"),
        (90.0, "in 2 minutes"),
        (86_400.0, "in 24 hours"),
    ],
)
def test_a_busy_api_names_its_pause(seconds: float | None, wait: str) -> None:
    """The pause that useapi.net asked for is passed on, rounded up."""
    assert ApiBusy(seconds).advice == f"Try again {wait}."


@pytest.mark.parametrize(("seconds", "wait"), [(3.0, "3 seconds"), (2.1, "3 seconds"), (0.2, "1 second")])
def test_asking_too_fast_names_the_seconds(seconds: float, wait: str) -> None:
    """A user who asks too fast learns how many seconds to wait, rounded up."""
    assert TooManyLookUps(seconds).advice == f"Try again in {wait}."


def test_accounts_to_choose_from_are_offered() -> None:
    """Both errors about the choice of an account carry names and ids."""
    known = [("Jane", "1"), ("", "2")]
    assert NoSuchAccount("x", known).suggestions == tuple(known)
    assert AmbiguousName("jane", known).account_ids == ("1", "2")
    assert ApiBusy().suggestions == ()


def test_an_unknown_account_is_named_in_the_title() -> None:
    """The title quotes what was asked for; the text says whether the accounts below are similar ones, or all."""
    assert NoSuchAccount("Mateo S").title == 'No account called "Mateo S"'
    assert NoSuchAccount(" ").title == "No such account"
    two = [("Jane", "1"), ("June", "2")]
    assert NoSuchAccount("x", two, are_similar=True).text == "Did you mean one of these?"
    assert NoSuchAccount("x", two[:1], are_similar=True).text == "Did you mean this one?"
    assert NoSuchAccount("x", [("Jane", "1")]).text == "These accounts exist:"
    assert NoSuchAccount("x").text == ""
    assert SETUP_GUIDE in NoSuchAccount("x").advice


def test_an_ambiguous_name_says_how_many_accounts_have_it() -> None:
    """The title tells a whole name from a part of several names."""
    accounts = [("Amara Okafor", "1"), ("Omar Okafor", "2")]
    assert AmbiguousName("Okafor", accounts, is_whole=False).title == '2 accounts match "Okafor"'
    assert AmbiguousName("Amara Okafor", accounts).title == '2 accounts are called "Amara Okafor"'


def test_only_faults_of_the_bot_have_a_code() -> None:
    """People get a code to report for a bug and for a database failure, and for nothing else."""
    assert {type(error) for error in EVERY_ERROR if error.has_code} == {InternalError, StoreError}
