"""Durations, states and explanations in words."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.accounts import Account
from bot.core.wording import MAX_IDS, SETUP_GUIDE, explain, say_duration, say_standing, say_state
from bot.errors import (
    AccountOnHold,
    AmbiguousName,
    ApiBusy,
    ApiUnreachable,
    BotError,
    CannotRemind,
    DeliveryFailed,
    NoSuchAccount,
    NotAllowed,
    NothingLeft,
    ServerNotListed,
    StaleButton,
    Stopping,
    StoreError,
    SubscriptionLapsed,
    TooManyLookUps,
    UnreadableAnswer,
    UseapiTokenRefused,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE, HOUR, DAY = 60, 3_600, 86_400
EVERY_ERROR: list[BotError] = [
    UseapiTokenRefused("401"),
    SubscriptionLapsed("402"),
    AccountOnHold("596"),
    ApiUnreachable("status 502"),
    UnreadableAnswer("not JSON"),
    ServerNotListed("not a listed server"),
    StaleButton("no such button"),
    Stopping("the bot is stopping"),
    StoreError("locked"),
    CannotRemind("You may not write there.", "Pick another channel."),
    DeliveryFailed("the channel is gone"),
    NotAllowed("Manage Server is needed"),
    NothingLeft("nothing is open"),
    NoSuchAccount("1"),
    AmbiguousName("jane", ["1", "2"]),
    ApiBusy(),
    TooManyLookUps(2.5),
]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (30 * DAY, "30 days"),
        (29 * DAY + 1, "30 days"),
        (2 * DAY, "2 days"),
        (DAY + 1, "2 days"),
        (DAY + 0.000001, "2 days"),
        (DAY, "24 hours"),
        (DAY - 1, "24 hours"),
        (23 * HOUR, "23 hours"),
        (2 * HOUR, "2 hours"),
        (HOUR + 1, "2 hours"),
        (HOUR, "60 minutes"),
        (HOUR - 1, "60 minutes"),
        (2 * MINUTE, "2 minutes"),
        (MINUTE + 1, "2 minutes"),
        (MINUTE, "1 minute"),
        (1, "1 minute"),
        (0.000001, "1 minute"),
        (0, "1 minute"),
    ],
)
def test_time_left_is_rounded_up(seconds: float, words: str) -> None:
    """A duration ahead is said in its largest fitting unit, rounded up."""
    assert say_duration(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 minute"),
        (MINUTE - 1, "1 minute"),
        (2 * MINUTE - 1, "1 minute"),
        (2 * MINUTE, "2 minutes"),
        (HOUR - 1, "59 minutes"),
        (HOUR, "60 minutes"),
        (HOUR + 1, "1 hour"),
        (2 * HOUR - 1, "1 hour"),
        (DAY - 1, "23 hours"),
        (DAY, "24 hours"),
        (DAY + 1, "1 day"),
        (2 * DAY - 1, "1 day"),
        (2 * DAY, "2 days"),
        (40 * DAY + HOUR, "40 days"),
    ],
)
def test_time_gone_by_is_rounded_down(seconds: float, words: str) -> None:
    """A duration in the past is said without a sign, rounded down."""
    assert say_duration(timedelta(seconds=-seconds)) == words


@given(st.timedeltas())
def test_every_duration_is_a_positive_whole_number_of_a_unit(duration: timedelta) -> None:
    """No duration reads as nothing, as negative or in the wrong number."""
    number, unit = say_duration(duration).split(" ")
    assert int(number) >= 1
    assert unit.removesuffix("s") in ("minute", "hour", "day")
    assert unit.endswith("s") == (int(number) != 1)


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (Account("1", expires_at=NOW + timedelta(days=12)), "expires in 12 days"),
        (Account("1", expires_at=NOW + timedelta(days=3)), "expires in 3 days"),
        (Account("1", expires_at=NOW + timedelta(hours=5)), "expires in 5 hours"),
        (Account("1", expires_at=NOW + timedelta(seconds=20)), "expires in 1 minute"),
        (Account("1", expires_at=NOW), "expired 1 minute ago"),
        (Account("1", expires_at=NOW - timedelta(days=40)), "expired 40 days ago"),
        (Account("1"), "expiry unknown"),
        (Account("1", error="no"), "in error"),
        (Account("1", expires_at=NOW - timedelta(days=40), error="no"), "in error"),
    ],
)
def test_a_state_is_said_in_a_few_words(account: Account, words: str) -> None:
    """Each status has its own few words."""
    assert say_state(account, NOW) == words


@pytest.mark.parametrize(
    ("account", "words"),
    [
        (Account("1", expires_at=NOW + timedelta(days=12)), "expires in 12 days"),
        (Account("1"), "has no known expiry"),
        (Account("1", error="no"), "is in error"),
        (Account("1", expires_at=NOW + timedelta(days=2), error="no"), "expires in 2 days and is in error"),
        (Account("1", expires_at=NOW - timedelta(days=40), error="no"), "expired 40 days ago and is in error"),
    ],
)
def test_an_account_is_said_to_stand_in_a_sentence(account: Account, words: str) -> None:
    """What ends a sentence has a verb, and an error does not hide the expiry."""
    assert say_standing(account, NOW) == words


def leaves(kind: type[BotError]) -> set[type[BotError]]:
    """Return the kinds of error that nothing derives from."""
    below = kind.__subclasses__()
    return set().union(*map(leaves, below)) if below else {kind}


def test_every_error_a_person_can_meet_is_in_the_table() -> None:
    """Only the errors that end the process before anyone can ask have no words for askers."""
    unmet = {kind.__name__ for kind in leaves(BotError)} - {type(error).__name__ for error in EVERY_ERROR}
    assert unmet == {
        "SettingsError",
        "DiscordTokenRefused",
        "GatewayRefused",
        "PortTaken",
        "AlreadyRunning",
        "CopyRefused",
        "StoreAway",
    }


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
def test_every_error_has_words_of_its_own(error: BotError) -> None:
    """Each error is told with a title, what happened and what to do, none shared with another error."""
    problem = explain(error)
    assert problem != explain(None)
    assert problem.happened.endswith(".")
    assert problem.advice.endswith(".") or problem.advice.endswith(SETUP_GUIDE)
    titles = [explain(other).title for other in EVERY_ERROR]
    assert titles.count(problem.title) == 1


def test_an_unforeseen_error_is_owned_up_to() -> None:
    """An error nobody foresaw is called the bot's own, and whoever runs the bot is to be told."""
    problem = explain(None)
    assert "error of its own" in problem.happened
    assert "whoever runs this bot" in problem.advice
    assert explain(BotError("a new kind")) == problem


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
    assert explain(ApiBusy(seconds)).advice == f"Try again {wait}."


@pytest.mark.parametrize(("seconds", "wait"), [(3.0, "3 seconds"), (2.1, "3 seconds"), (0.2, "1 second")])
def test_asking_too_fast_names_the_seconds(seconds: float, wait: str) -> None:
    """Whoever asks too fast learns how many seconds to wait, rounded up."""
    assert explain(TooManyLookUps(seconds)).advice == f"Try again in {wait}."


@pytest.mark.parametrize(("count", "shown", "more"), [(0, 0, 0), (1, 1, 0), (10, 10, 0), (11, 10, 1), (500, 10, 490)])
def test_at_most_ten_ids_are_offered(count: int, shown: int, more: int) -> None:
    """A problem offers ten ids and counts the rest."""
    ids = [str(number) for number in range(count)]
    for problem in (explain(NoSuchAccount("x", ids)), explain(AmbiguousName("x", ids))):
        assert problem.ids == tuple(ids[:MAX_IDS])
        assert (len(problem.ids), problem.more_ids) == (shown, more)


def test_advice_on_an_unknown_account_depends_on_what_is_known() -> None:
    """Ids are only called a choice where there are any; the way to add an account is always named."""
    assert explain(NoSuchAccount("x", ["1"])).advice.startswith("Pick one of these")
    assert explain(NoSuchAccount("x")).advice.startswith("See that the id or name is right.")
    assert SETUP_GUIDE in explain(NoSuchAccount("x")).advice
