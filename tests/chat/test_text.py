"""Tests of texts from outside, made safe for Discord."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.text import code, escaped
from tests.support.chat.limits import is_inert

PIECES = ["*", "**", "_", "__", "~~", "||", "`", "```", "\\", "[", "]", "(", ")", "](", "<", ">", "# ", "> ", "- "]
PIECES += ["@everyone", "@here", "<@123456789012345678>", "<#123456789012345678>", "https://e.example"]
PIECES += ["a", " ", "\n", "\u200b"]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=15).map("".join)


@pytest.mark.parametrize(
    "text",
    [
        "**bold** *it* _it_ __u__ ~~s~~ ||spoiler||",
        "`code` ``code`` ```block```",
        "\\*not bold\\*",
        "ends in \\",
        "snake_case_name",
        "[text](https://evil.example)",
        "[a](b) [click](https://evil.example)",
        "[**bold**](https://evil.example)",
        "[[a]](https://evil.example)",
        "@everyone @here",
        "<@123456789012345678> <@!123456789012345678> <@&123456789012345678>",
        "<#123456789012345678>",
        "</minimax-account:123456789012345678>",
        "<t:1767225600:R>",
        "<:name:123456789012345678> <a:name:123456789012345678>",
        "<id:customize>",
        "# heading",
        "### heading",
        "> quote",
        ">>> quote",
        "- item",
        "-# small",
        "* item",
        "\u200b# heading",
        "line\n# heading",
    ],
)
def test_markup_stays_plain_text(text: str) -> None:
    """Markdown, masked links, mentions and line marks from outside have no effect."""
    assert is_inert(escaped(text, 256))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Jane Doe", "Jane Doe"),
        ("hailuoai.video", "hailuoai.video"),
        ("M\u00fcller & S\u00f6hne, 50 %", "M\u00fcller & S\u00f6hne, 50 %"),
        ("\u202egnp.exe", "gnp.exe"),
        ("a\u2066b\u2069\u200bc\ufeff", "abc"),
        ("two\nlines", "two lines"),
        ("\u200b\u2060", ""),
        ("", ""),
    ],
)
def test_ordinary_texts_stay_and_invisible_characters_go(text: str, shown: str) -> None:
    """Ordinary characters stay; direction overrides and zero-width characters are removed."""
    assert escaped(text, 100) == shown


@given(TEXTS | st.text(st.characters()), st.integers(16, 300))
def test_every_text_is_inert_and_within_the_limit(text: str, limit: int) -> None:
    """The escaped form of any text has no live markup and keeps the limit."""
    shown = escaped(text, limit)
    assert len(shown) <= limit
    assert len(shown.splitlines()) <= 1
    assert is_inert(shown)


@pytest.mark.parametrize("text", ["*" * 1000, "@everyone" * 200, "\\" * 1000, "<@123456789012345678>" * 50, "[" * 999])
@pytest.mark.parametrize("limit", [64, 80, 256, 1024])
def test_a_text_that_grows_when_escaped_still_fits(text: str, limit: int) -> None:
    """A text of marks alone is cut so that its escaped form fits and still shows something."""
    assert limit // 8 <= len(escaped(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "limit", "shown"),
    [
        ("123456", 80, "`123456`"),
        ("a`b``c", 80, "`a'b''c`"),
        ("*a*", 80, "`*a*`"),
        ("a\nb\u202ec", 80, "`a bc`"),
        ("", 80, "` `"),
        ("\u200b", 80, "` `"),
        ("123456", 8, "`123456`"),
        ("1234567", 8, "`12345\u2026`"),
        ("/minimax-status", 17, "`\u200b/minimax-stat\u2026`"),
    ],
)
def test_code_is_one_line_that_no_backtick_ends(text: str, limit: int, shown: str) -> None:
    """Inline code holds the plain text, can't be ended by it, and is never empty."""
    assert code(text, limit) == shown


@given(TEXTS | st.text(st.characters()), st.integers(4, 100))
def test_every_code_is_closed_and_within_the_limit(text: str, limit: int) -> None:
    """Inline code begins and ends with the only two backticks in it."""
    shown = code(text, limit)
    assert 3 <= len(shown) <= limit
    assert (shown[0], shown[-1], shown.count("`")) == ("`", "`", 2)
