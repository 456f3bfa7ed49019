"""Lines of completion, and how accounts are found by what people type."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.accounts import Account
from bot.core.naming import find_named, find_similar, say_choice

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MATEO = Account("118733902", name="Mateo Silva", expires_at=NOW + timedelta(hours=8))
AMARA = Account("104212880", name="Amara Okafor")
AMARA_TOO = Account("130088214", name="Amara Okafor")
OMAR = Account("127650038", name="Omar Farouk")
ACCOUNTS = [MATEO, AMARA, AMARA_TOO, OMAR, Account("5")]
TEXTS = st.text(max_size=120) | st.sampled_from(["#general", "@everyone", "a · b", "x" * 300])


@pytest.mark.parametrize(
    ("account", "label"),
    [
        (MATEO, "Mateo Silva · expires in 8 hours · 118733902"),
        (Account("123456", name="123456"), "123456 · expiry unknown"),
        (Account("123456", error="x"), "123456 · in error"),
        (Account("1", name="J\u202eane\nDoe", error="x"), "Jane Doe · in error · 1"),
        (Account("1", name="#a@b", error="x"), "\uff03a\uff20b · in error · 1"),
        (Account("y" * 64, name="x" * 200, error="x"), "x" * 21 + "… · in error · " + "y" * 64),
        (Account("y" * 200, error="x"), "y" * 99 + "…"),
    ],
)
def test_a_choice_is_name_state_and_id(account: Account, label: str) -> None:
    """The name comes first, since phones cut the end; a long name is cut so that the id stays whole."""
    assert say_choice(account, NOW) == label


@given(account_id=TEXTS, name=TEXTS, failing=st.booleans())
def test_every_choice_is_accepted_by_discord(account_id: str, name: str, *, failing: bool) -> None:
    """A line has 1 to 100 visible characters and no mark that becomes a mention."""
    label = say_choice(Account(account_id or "1", name=name, error="x" if failing else None), NOW)
    assert 1 <= len(label.strip()) <= len(label) <= 100
    assert len(label.splitlines()) == 1
    assert not set(label) & set("#@\u202e\u200b\n")


@given(st.text("abc123#@*. ", min_size=1, max_size=64).filter(lambda text: text == " ".join(text.split())), TEXTS)
def test_a_choice_that_comes_back_as_text_finds_its_account(account_id: str, name: str) -> None:
    """Each line of completion finds its account, also after its state has changed."""
    account = Account(account_id, name=name, expires_at=NOW + timedelta(days=3))
    label = say_choice(account, NOW - timedelta(days=1))
    assert find_named(label, [Account("other", name="other"), account])[0] == [account]


@pytest.mark.parametrize(
    ("asked", "found", "is_whole"),
    [
        (" mateo silva ", [MATEO], True),
        ("AMARA OKAFOR", [AMARA, AMARA_TOO], True),
        ("Mateo", [MATEO], False),
        ("far", [OMAR], False),
        ("ma", [MATEO, AMARA, AMARA_TOO, OMAR], False),
        ("Mateo Silva (118733902)", [MATEO], True),
        ("Amara Okafor 130088214", [AMARA_TOO], True),
        ("**Amara Okafor** `130088214`", [AMARA_TOO], True),
        ("118733902 · Mateo Silva · expires in 8 hours", [MATEO], True),
        ("nobody", [], False),
        (" ", [], False),
    ],
)
def test_accounts_are_found_by_name_part_and_label(asked: str, found: list[Account], *, is_whole: bool) -> None:
    """A whole name comes before a part of one; labels of this and the previous version name their account."""
    assert find_named(asked, ACCOUNTS) == (found, is_whole)


def test_a_whole_name_wins_over_a_part_of_another() -> None:
    """A name that is also a part of another one means the account that has it."""
    sam, samuel = Account("1", name="Sam"), Account("2", name="Samuel")
    assert find_named("sam", [samuel, sam]) == ([sam], True)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("Matteo Silva", [MATEO]),
        ("mateo slva", [MATEO]),
        ("Farouq", [OMAR]),
        ("118733901", [MATEO]),
        ("Amara Okafr", [AMARA, AMARA_TOO]),
        ("zzz", []),
        ("", []),
    ],
)
def test_similar_names_and_ids_are_found(asked: str, found: list[Account]) -> None:
    """Slips in a name, in a word of it or in an id still lead to the account."""
    assert find_similar(asked, ACCOUNTS) == found


def test_at_most_five_accounts_are_similar() -> None:
    """A list of equal names gives five suggestions."""
    assert len(find_similar("Sam Red", [Account(str(n), name="Sam Reed") for n in range(9)])) == 5
