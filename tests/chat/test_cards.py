"""Tests of the embeds of accounts and errors, and of the lines in completion."""

from datetime import UTC, datetime, timedelta

import discord
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.views.account import account_embed, choice_label
from bot.chat.views.errors import error_embed
from bot.core.accounts import Account, AccountSnapshot, Capability
from bot.core.parsing import parse_account
from bot.core.secrets import Redactor
from bot.core.status import AMBER, GREEN, GREY, ORANGE, RED
from bot.errors import AmbiguousName, BotError, InternalError, NoSuchAccount, TooManyLookUps
from tests.data import MARCH, load
from tests.support.chat.answers import fields_of
from tests.support.chat.limits import assert_fits

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)
FIELDS = {"Expires", "Capabilities", "Account", "Anonymous", "Max jobs", "Issued", "Host", "Token"}

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


def card_of(account: Account, now: datetime = NOW) -> discord.Embed:
    """Return the card of an account that was read just now."""
    return account_embed(AccountSnapshot(account, NOW), now)


@settings(deadline=None)
@given(ACCOUNTS)
def test_every_card_fits_discords_limits(account: Account) -> None:
    """Discord accepts the card of an account with texts of any size."""
    assert_fits(card_of(account))


@settings(deadline=None)
@given(ACCOUNTS)
def test_every_choice_fits_discords_limits(account: Account) -> None:
    """A line of completion has 1 to 100 visible characters, on one line."""
    label = choice_label(account, NOW)
    assert 1 <= len(label.strip()) <= len(label) <= 100
    assert len(label.splitlines()) == 1
    assert not set(label) & set("\u202e\u200b\n")


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, max_size=30))
def test_every_error_fits_discords_limits(ids: list[str]) -> None:
    """Discord accepts the answer, whatever ids exist."""
    for error in (NoSuchAccount(ids), AmbiguousName(ids), TooManyLookUps(3.0), InternalError()):
        assert_fits(error_embed(error, "0123abcd"))


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
    assert fields_of(card).keys() == FIELDS
    values = fields_of(card)
    assert "<t:1734858598:f> (<t:1734858598:R>)" in values["Expires"]
    assert (values["Account"], values["Anonymous"], values["Max jobs"]) == ("`123456`", "yes", "1")
    assert (values["Issued"], values["Host"]) == ("<t:1732266598:d>", "not reported")
    assert values["Capabilities"].startswith("\u2705\u00a0Video")
    assert card.timestamp == NOW
    assert "b5df53d1" not in str(card.to_dict())
    assert "123456789" not in str(card.to_dict())


def test_unknown_fields_are_called_not_reported() -> None:
    """Every field of an empty account says that the API does not report it."""
    values = fields_of(card_of(parse_account("1", {}, Redactor())))
    for name in FIELDS - {"Account", "Capabilities"}:
        assert values[name] == "not reported"
    assert values["Capabilities"].count("(not\u00a0reported)") == 4


@pytest.mark.parametrize(
    ("left", "error", "colour", "word"),
    [
        (30 * DAY, None, GREEN, "**Healthy.**"),
        (7 * DAY + TICK, None, GREEN, "**Healthy.**"),
        (7 * DAY, None, AMBER, "**Expiring.**"),
        (DAY + TICK, None, AMBER, "**Expiring.**"),
        (DAY, None, ORANGE, "**Last day.**"),
        (TICK, None, ORANGE, "**Last day.**"),
        (timedelta(0), None, RED, "**Expired**"),
        (-40 * DAY, None, RED, "**Expired**"),
        (30 * DAY, "no", RED, "**In error:**"),
        (DAY, "no", RED, "**In error:**"),
        (-DAY, "no", RED, "**In error:**"),
        (None, "no", RED, "**In error:**"),
        (None, None, GREY, "**Expiry unknown.**"),
    ],
)
def test_colour_and_verdict_follow_the_status(
    left: timedelta | None, error: str | None, colour: int, word: str
) -> None:
    """The colour shows the status, and a word says the same to people who don't see colours."""
    card = card_of(Account("1", expires_at=None if left is None else NOW + left, error=error))
    assert card.colour == discord.Colour(colour)
    assert word in (card.description or "")


@pytest.mark.parametrize(
    ("left", "bar"),
    [
        (30 * DAY, "\u25b0" * 10 + " 100% of its life left"),
        (15 * DAY, "\u25b0" * 5 + "\u25b1" * 5 + " 50% of its life left"),
        (3 * DAY, "\u25b0" + "\u25b1" * 9 + " 10% of its life left"),
        (timedelta(0), "\u25b1" * 10 + " 0% of its life left"),
        (-5 * DAY, "\u25b1" * 10 + " 0% of its life left"),
    ],
)
def test_a_bar_shows_how_much_of_the_life_is_left(left: timedelta, bar: str) -> None:
    """The bar has ten cells and a percentage."""
    expires = NOW + left
    values = fields_of(card_of(Account("1", expires_at=expires, issued_at=expires - 30 * DAY)))
    assert values["Expires"].splitlines()[1:] == [bar]


def test_no_bar_without_a_date_of_issue() -> None:
    """A login whose life is unknown has no bar."""
    assert len(fields_of(card_of(Account("1", expires_at=NOW + DAY)))["Expires"].splitlines()) == 1


@pytest.mark.parametrize(
    ("supported", "shown"),
    [
        (True, "\u2705\u00a0Video"),
        (False, "\u274c\u00a0Video\u00a0(no)"),
        (None, "\u2754\u00a0Video\u00a0(not\u00a0reported)"),
    ],
)
def test_a_capability_is_yes_no_or_unknown(shown: str, *, supported: bool | None) -> None:
    """A missing flag is not shown as a no, and each state has a word."""
    card = card_of(Account("1", capabilities=(Capability("supportVideo", supported=supported),)))
    assert fields_of(card)["Capabilities"] == shown


@pytest.mark.parametrize(("user_id", "is_shown"), [("2", True), ("1", False), (None, False)])
def test_the_user_id_is_shown_if_it_differs(user_id: str | None, *, is_shown: bool) -> None:
    """A user id that equals the account's is not repeated."""
    assert ("User id" in fields_of(card_of(Account("1", user_id=user_id)))) is is_shown


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


@pytest.mark.parametrize(
    ("account", "label"),
    [
        (Account("123456", name="Jane", expires_at=NOW + 12 * DAY), "123456 \u00b7 Jane \u00b7 expires in 12 days"),
        (Account("123456", name="123456"), "123456 \u00b7 expiry unknown"),
        (Account("123456", error="x"), "123456 \u00b7 in error"),
        (Account("1", name="J\u202eane\nDoe", error="x"), "1 \u00b7 Jane Doe \u00b7 in error"),
        (Account("1", name="x" * 200, error="x"), "1 \u00b7 " + "x" * 84 + "\u2026 \u00b7 in error"),
        (Account("\u202e12\n3", error="x"), "12 3 \u00b7 in error"),
    ],
)
def test_a_choice_names_id_name_and_state(account: Account, label: str) -> None:
    """A long name is cut so that the state stays visible."""
    assert choice_label(account, NOW) == label


@pytest.mark.parametrize("error", [InternalError(), NoSuchAccount(["1", "2`"]), TooManyLookUps(2.0)])
def test_an_error_has_text_advice_and_reference(error: BotError) -> None:
    """Every error says what happened, what to do and the reference of its log line; account ids are inline code."""
    embed = error_embed(error, "0123abcd")
    assert embed.title == error.title
    assert embed.footer.text == "Reference 0123abcd"
    assert (embed.description or "").startswith(f"{error.text}\n\n**What to do:** {error.advice}")
    assert ("`1`, `2'`" in (embed.description or "")) is isinstance(error, NoSuchAccount)


def test_an_error_names_ten_account_ids() -> None:
    """An error names ten account ids and counts the others."""
    embed = error_embed(NoSuchAccount([str(number) for number in range(25)]), "0123abcd")
    assert (embed.description or "").endswith("`9` and 15 more")
