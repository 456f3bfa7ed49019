"""Notes as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.notes import MAX_NOTE, parse_note
from bot.core.secrets import Redactor
from bot.errors import NoteHoldsSecret, NoteTooLong

SECRET = "correct-horse-battery"


def parse(typed: str) -> str:
    """Return a note as a bot parses it that has one secret."""
    return parse_note(typed, Redactor([SECRET]).finds_secret)


@given(st.text(st.characters(codec="ascii"), max_size=60))
def test_a_note_is_one_line(typed: str) -> None:
    """A note has no line breaks and no control characters; a text without anything visible is empty."""
    note = parse(f"{typed} \r\n\t\u200b\u202e\x00")
    assert note == " ".join("".join(c if c.isprintable() else " " for c in typed).split())


@pytest.mark.parametrize("typed", ["", "  \n ", "\u200b\u2060", "\u202e\x00"])
def test_nothing_visible_is_an_empty_note(typed: str) -> None:
    """White space and invisible characters alone are an empty note."""
    assert parse(typed) == ""


def test_a_note_has_a_longest_length() -> None:
    """A note has up to 200 characters; a longer one is refused, not cut."""
    assert parse("é" * MAX_NOTE) == "é" * MAX_NOTE
    with pytest.raises(NoteTooLong):
        parse("é" * (MAX_NOTE + 1))


@pytest.mark.parametrize("typed", [SECRET, SECRET.upper(), f"x {SECRET[:16]}", "pass: abc"])
def test_a_secret_is_no_note(typed: str) -> None:
    """The bot's own secrets, and what looks like one, are refused; the error does not repeat them."""
    with pytest.raises(NoteHoldsSecret) as refused:
        parse(typed)
    error = refused.value
    assert typed not in f"{error} {error.title} {error.text} {error.advice}"
