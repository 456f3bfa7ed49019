"""Tests of the embeds of accounts and errors, and of the lines in completion."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.views.account import account_embed
from bot.core.accounts import Account, AccountSnapshot, Capability
from bot.core.links import SETUP_GUIDE
from bot.core.notes import Note
from bot.core.parsing import parse_account
from bot.core.secrets import Redactor
from bot.core.status import AMBER, GREEN, GREY, ORANGE, RED
from bot.core.subscriptions import Subscription
from bot.core.wording import HOW_TO_RENEW
from tests.data import MARCH, load
from tests.support.chat.answers import fields_of
from tests.support.chat.limits import assert_fits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)

PIECES = st.sampled_from(["*", "_", "`", "@everyone", "[a](b)", "\\", "\u200b", "\u202e", "\n", " ", "x", "\U0001f600"])
TEXTS = st.builds(lambda text, times: text * times, st.text(max_size=8) | PIECES, st.sampled_from([1, 9, 400, 5_000]))
MOMENTS = st.none() | st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
BOOLS = st.none() | st.booleans()
ACCOUNTS = st.builds(
    Account,
    id=TEXTS,
    name=st.none() | TEXTS,
    user_id=st.none() | TEXTS,
    anonymous=BOOLS,
    avatar_url=st.none() | TEXTS.map("https://a.example/{}".format),
    expires_at=MOMENTS,
    issued_at=MOMENTS,
    host=st.none() | TEXTS,
    max_jobs=st.none() | st.integers(0, 10_000),
    capabilities=st.lists(st.builds(Capability, TEXTS.map("support{}".format), BOOLS), max_size=60).map(tuple),
    masked_token=st.none() | TEXTS,
    error=st.none() | TEXTS,
)


def card_of(
    account: Account, reminders: Sequence[Subscription] | None = None, note: Note | None = None
) -> discord.Embed:
    """Return the card of an account that was read just now."""
    return account_embed(AccountSnapshot(account, NOW), NOW, reminders, note)


def subscription(number: int = 1, **terms: Any) -> Subscription:
    """Return a subscription on all accounts in a channel of its own."""
    defaults: dict[str, Any] = {"account_id": None, "lead_times": (14, 7, 3, 1), "ping": None, "added_by": 1}
    return Subscription(1, 10**18 + number, id=number, **defaults | terms)


@settings(deadline=None)
@given(ACCOUNTS)
def test_every_card_fits_discords_limits(account: Account) -> None:
    """Discord accepts the card of an account with texts of any size, and of many channels."""
    note = Note("x" * 200, 10**18, NOW)
    assert_fits(card_of(account, [subscription(n, lead_times=tuple(range(365, 357, -1))) for n in range(50)], note))
    assert_fits(card_of(account))


@pytest.mark.parametrize("invisible", ["\u200b", "\u2060\u200d", "\u202e", "\ufeff "])
def test_texts_of_invisible_characters_leave_no_part_blank(invisible: str) -> None:
    """Discord accepts the card of an account whose name, host or error is invisible."""
    user = {"name": invisible, "id": invisible}
    data = {"jwt": {"user": user, "host": invisible, "token": invisible}, "error": invisible}
    assert_fits(card_of(parse_account("1", data, Redactor())))


def test_an_account_without_capabilities_has_a_card() -> None:
    """The card of an account without any known capability has no blank part."""
    assert_fits(card_of(Account("1")))


def test_the_card_of_the_documents_sample() -> None:
    """The card has the facts of the documents' sample, but neither its fingerprint nor its device."""
    card = card_of(parse_account("123456", load(MARCH), Redactor()))
    assert (card.title or "").replace("\\", "") == "<name>"
    assert (card.description or "").splitlines()[0] == "\U0001f534 **Expired <t:1734858598:R>** \u00b7 <t:1734858598:f>"
    values = fields_of(card)
    assert values.pop("Can do").startswith("\u2705\u00a0Video")
    assert values == {
        "Account ID": "`123456`",
        "Max jobs": "1",
        "Issued": "<t:1732266598:d>",
        "Anonymous account": "yes",
        "Renew": f"{HOW_TO_RENEW}, or [by hand]({SETUP_GUIDE}).",
    }
    assert card.footer.text == "token \u2022\u2022\u2022\u2022\u2022\u2022 \u00b7 Checked"
    assert card.timestamp == NOW
    assert "b5df53d1" not in str(card.to_dict())
    assert "123456789" not in str(card.to_dict())


def test_leaves_out_what_says_nothing() -> None:
    """The card of an account without any facts has its id, and that the capabilities are not reported."""
    card = card_of(parse_account("1", {"jwt": {"user": {"isAnonymous": False, "id": "1"}}}, Redactor()))
    unknown = "\u2754\u00a0Video, Chat, Audio, Music: not\u00a0reported"
    assert fields_of(card) == {"Can do": unknown, "Account ID": "`1`"}
    assert card.footer.text == "Checked"


EXPIRY = "<t:{0}:R>** \u00b7 <t:{0}:f>"
RENEW = "Jobs on this account fail until the login is renewed."
UNDATED = "useapi.net gives none, so there can be no expiry reminders for this account."


@pytest.mark.parametrize(
    ("left", "colour", "first", "second"),
    [
        (30 * DAY, GREEN, "\U0001f7e2 **Expires {}", None),
        (7 * DAY + TICK, GREEN, "\U0001f7e2 **Expires {}", None),
        (7 * DAY, AMBER, "\U0001f7e1 **Expires {}", None),
        (DAY + TICK, AMBER, "\U0001f7e1 **Expires {}", None),
        (DAY, ORANGE, "\U0001f7e0 **Expires {}", None),
        (TICK, ORANGE, "\U0001f7e0 **Expires {}", None),
        (timedelta(0), RED, "\U0001f534 **Expired {}", RENEW),
        (-40 * DAY, RED, "\U0001f534 **Expired {}", RENEW),
        (None, GREY, "\u26aa **No expiry date reported**", UNDATED),
    ],
)
def test_the_first_words_say_the_state(left: timedelta | None, colour: int, first: str, second: str | None) -> None:
    """Colour, sign and words show the state, with the expiry in the reader's zone and what to do."""
    expires_at = None if left is None else NOW + left
    card = card_of(Account("1", expires_at=expires_at))
    expiry = "" if expires_at is None else EXPIRY.format(int(expires_at.timestamp()))
    if colour == ORANGE:
        expiry = expiry.replace("** \u00b7 ", "**: renew today \u00b7 ")
    assert card.colour == discord.Colour(colour)
    assert (card.description or "").splitlines() == [first.format(expiry), *([second] if second else [])]


@pytest.mark.parametrize(("left", "verb"), [(30 * DAY, "Expires"), (DAY, "Expires"), (-DAY, "Expired"), (None, None)])
def test_an_error_comes_first_and_keeps_the_expiry(left: timedelta | None, verb: str | None) -> None:
    """The card of an account with an error shows the error, what to do, and the expiry where it is known."""
    expires_at = None if left is None else NOW + left
    card = card_of(Account("1", expires_at=expires_at, error="login *failed*"))
    expiry = [] if expires_at is None else [f"**{verb} {EXPIRY.format(int(expires_at.timestamp()))}"]
    assert card.colour == discord.Colour(RED)
    assert (card.description or "").splitlines() == [
        "\u26a0\ufe0f **useapi.net reports an error:** login \\*failed\\*",
        "If it doesn't clear up, renew the login.",
        *expiry,
    ]


@pytest.mark.parametrize(
    ("left", "bar"),
    [
        (30 * DAY, "\u25b0" * 10 + " 100% left"),
        (15 * DAY, "\u25b0" * 5 + "\u25b1" * 5 + " 50% left"),
        (3 * DAY, "\u25b0" + "\u25b1" * 9 + " 10% left"),
    ],
)
def test_a_bar_shows_how_much_of_the_life_is_left(left: timedelta, bar: str) -> None:
    """The bar has ten cells and a percentage."""
    expires = NOW + left
    card = card_of(Account("1", expires_at=expires, issued_at=expires - 30 * DAY))
    assert (card.description or "").splitlines()[1:] == [bar]


def test_no_bar_without_a_date_of_issue_or_once_expired() -> None:
    """A login whose life is unknown or over has no bar."""
    for account in (
        Account("1", expires_at=NOW + DAY),
        Account("1", expires_at=NOW - DAY, issued_at=NOW - 30 * DAY),
    ):
        assert "left" not in (card_of(account).description or "")


def test_each_capability_is_yes_no_or_unknown() -> None:
    """What an account can do is on the first line; a missing flag is not shown as a no; no word is on its own."""
    flags = {"supportVideo": True, "supportVoiceClone": True, "supportChat": False, "supportAudio": None}
    shown = tuple(Capability(flag, supported=supported) for flag, supported in flags.items())
    assert fields_of(card_of(Account("1", capabilities=shown)))["Can do"] == (
        "\u2705\u00a0Video \u00b7 \u2705\u00a0Voice\u00a0clone\n"
        "\u274c\u00a0Chat \u00b7 \u2754\u00a0Audio: not\u00a0reported"
    )
    assert fields_of(card_of(Account("1", capabilities=shown[:1])))["Can do"] == "\u2705\u00a0Video"


def test_shows_the_reminders_of_the_account() -> None:
    """Each channel with a reminder is named with its days, or that it is paused; the rest is counted."""
    account = Account("1", expires_at=NOW + DAY)
    places = [f"<#{10**18 + n}>" for n in range(3)]
    reminders = [subscription(0), subscription(1, lead_times=(1,)), subscription(2, paused_at=NOW)]
    assert fields_of(card_of(account, reminders))["Reminders"].splitlines() == [
        f"\U0001f514 {places[0]}: 14, 7, 3 and 1 day before",
        f"\U0001f514 {places[1]}: 1 day before",
        f"\u23f8\ufe0f {places[2]}: paused",
    ]
    undated = fields_of(card_of(Account("1"), reminders[:1]))["Reminders"]
    assert undated == f"\U0001f514 {places[0]}: errors only"
    many = fields_of(card_of(account, [subscription(n) for n in range(9)]))["Reminders"]
    assert many.splitlines()[-1] == "and 3 more"
    assert fields_of(card_of(account, []))["Reminders"] == "\U0001f515 None yet. Press **Remind this channel**."
    assert fields_of(card_of(Account("9" * 90), []))["Reminders"] == "\U0001f515 None yet."
    assert "Reminders" not in fields_of(card_of(account))


@pytest.mark.parametrize(("user_id", "is_shown"), [("2", True), ("1", False), (None, False)])
def test_the_user_id_is_shown_if_it_differs(user_id: str | None, *, is_shown: bool) -> None:
    """A user id that equals the account's is not repeated."""
    assert ("User ID" in fields_of(card_of(Account("1", user_id=user_id)))) is is_shown


@pytest.mark.parametrize(
    ("url", "is_shown"),
    [
        ("https://a.example/x.png", True),
        ("http://a.example/x.png", True),
        ("javascript:alert(1)", False),
        ("attachment://x.png", False),
        ("https://a.example/" + "x" * 3_000, False),
        (None, False),
    ],
)
def test_an_avatar_is_shown_if_it_is_a_web_address(url: str | None, *, is_shown: bool) -> None:
    """Only http and https addresses within Discord's limit become the thumbnail."""
    assert (card_of(Account("1", avatar_url=url)).thumbnail.url == url) is (is_shown or url is None)


@pytest.mark.parametrize("name", [None, "", "\u200b", " \n"])
def test_an_account_without_a_visible_name_is_titled_by_its_id(name: str | None) -> None:
    """The title is never blank."""
    assert (card_of(Account("123456", name=name)).title or "").strip("`") == "123456"
