"""The words that every error carries."""

import pytest

from bot.core.links import SETUP_GUIDE
from bot.errors import (
    AccountOnHold,
    AlreadyRunning,
    AmbiguousName,
    ApiBusy,
    ApiUnreachable,
    BotError,
    CannotRemind,
    CommandChanged,
    CopyRefused,
    DeliveryFailed,
    DiscordTokenRefused,
    GatewayRefused,
    InternalError,
    NoSuchAccount,
    NotAllowed,
    NothingLeft,
    PortTaken,
    ServerNotListed,
    SettingsError,
    StaleButton,
    Stopping,
    StoreAway,
    StoreError,
    SubscriptionLapsed,
    TooManyLookUps,
    UnreadableAnswer,
    UseapiTokenRefused,
)

EVERY_ERROR: list[BotError] = [
    AccountOnHold("596"),
    AlreadyRunning("data/bot.db"),
    AmbiguousName(["1", "2"]),
    ApiBusy(),
    ApiUnreachable("status 502"),
    CommandChanged("CommandSignatureMismatch"),
    CannotRemind("You may not write there.", "Pick another channel."),
    CopyRefused("There is no file copy.db.", "Name the backup to restore."),
    DeliveryFailed("the channel is gone"),
    DiscordTokenRefused("refused"),
    GatewayRefused("4012"),
    InternalError(),
    NoSuchAccount(),
    NotAllowed("Manage Server is needed"),
    NothingLeft("nothing is open"),
    PortTaken(8000),
    ServerNotListed("not a listed server"),
    SettingsError(["LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR."]),
    StaleButton("no such button"),
    Stopping("the bot is stopping"),
    StoreError("locked"),
    SubscriptionLapsed("402"),
    TooManyLookUps(2.5),
    UnreadableAnswer("not JSON"),
    UseapiTokenRefused("401"),
]


def leaves(kind: type[BotError]) -> set[type[BotError]]:
    """Return the kinds of error that nothing derives from."""
    below = kind.__subclasses__()
    return set().union(*map(leaves, below)) if below else {kind}


def test_every_kind_of_error_is_checked() -> None:
    """The list above holds each kind of error; StoreAway has the words of a StoreError."""
    assert leaves(BotError) - {StoreAway} == {type(error) for error in EVERY_ERROR} - {StoreError}


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_every_error_has_words_of_its_own(error: BotError) -> None:
    """Each error has a title that no other has, and says in whole sentences what happened and what to do."""
    assert [other.title for other in EVERY_ERROR].count(error.title) == 1
    assert not error.title.endswith(".")
    assert error.text.endswith(".")
    assert error.advice.endswith((".", SETUP_GUIDE))


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
    """Both errors about the choice of an account carry the ids that exist."""
    assert NoSuchAccount(["1", "2"]).account_ids == ("1", "2")
    assert AmbiguousName(["1", "2"]).account_ids == ("1", "2")
    assert ApiBusy().account_ids == ()


def test_advice_on_an_unknown_account_depends_on_what_is_known() -> None:
    """Ids are only called a choice if there are any; the advice always names the way to add an account."""
    assert NoSuchAccount(["1"]).advice.startswith("Pick one of these")
    assert NoSuchAccount().advice.startswith("Check the id or name.")
    assert SETUP_GUIDE in NoSuchAccount().advice
