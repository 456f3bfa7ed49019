"""Texts from outside in one safe line."""

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.text import MAX_URL, cut, defused, defused_json, is_web_url, plain


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("ab cd", 4, "ab…"),
        ("abcd", 1, "…"),
        ("", 1, ""),
    ],
)
def test_a_long_text_ends_in_an_ellipsis(text: str, limit: int, shown: str) -> None:
    """A text is cut to the limit, and shows that it was."""
    assert cut(text, limit) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Jane Doe", "Jane Doe"),
        ("  Jane \t Doe\n", "Jane Doe"),
        ("a\nb\r\nc\x0bd\x0ce\x85f\u2028g\u2029h", "a b c d e f g h"),
        ("\x1b[31mred\x00", "[31mred"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u2066b\u2069c\u200ed\u061ce", "abcde"),
        ("zero\u200bwidth\u200d\ufeff\u00ad", "zerowidth"),
        ("half\ud800pair\udfff", "halfpair"),
        ("M\u00fcller \u738b\u5c0f\u660e \U0001f600", "M\u00fcller \u738b\u5c0f\u660e \U0001f600"),
        ("\u200b\u202e\ud800\n", ""),
    ],
)
def test_a_plain_text_is_one_visible_line(text: str, shown: str) -> None:
    """Line breaks become spaces; control, direction, zero-width and broken characters go."""
    assert plain(text, 100) == shown


@given(st.text(st.characters()), st.integers(2, 50))
def test_every_plain_text_is_printable_and_within_the_limit(text: str, limit: int) -> None:
    """Whatever comes in, one line of printable characters comes out, no longer than allowed."""
    shown = plain(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert shown == shown.strip()
    assert not [character for character in shown if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")]


def test_invisible_characters_in_front_do_not_hide_the_text() -> None:
    """A text behind a handful of invisible characters is still shown."""
    assert plain("\u200b" * 20 + "Jane", 10) == "Jane"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/x.png", True),
        ("HTTP://A.EXAMPLE", True),
        ("https://a.example/".ljust(MAX_URL, "x"), True),
        ("https://a.example/".ljust(MAX_URL + 1, "x"), False),
        ("ftp://a.example", False),
        ("javascript:https://a.example", False),
        ("attachment://x.png", False),
        (" https://a.example", False),
        ("", False),
    ],
)
def test_a_picture_has_a_web_address_of_bearable_length(url: str, *, expected: bool) -> None:
    """Discord takes http and https addresses of up to 2048 characters."""
    assert is_web_url(url) is expected


@given(st.text(st.characters()))
def test_what_is_defused_says_the_same(text: str) -> None:
    """Escapes take the place of all that steers a terminal; JSON means what it meant."""
    document = json.dumps([text], indent=2, ensure_ascii=False)
    assert json.loads(defused_json(document)) == [text]
    shown = defused(text) + defused_json(document).replace("\n", "")
    assert not [one for one in shown if unicodedata.category(one) == "Cc" or one in "\u2028\u2029\u202e\u2066"]
