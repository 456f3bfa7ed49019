"""Tests of what people read, and what the log says, when something went wrong."""

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.views.errors import error_embed, error_text
from bot.errors import AmbiguousName, BotError, InternalError, NoSuchAccount, StoreError, TooManyLookUps, WrongDays
from tests.support.chat.answers import message_of, text_of
from tests.support.chat.limits import is_inert
from tests.support.chat.reminders import add
from tests.support.world import World

PIECES = st.sampled_from(["*", "`", "@everyone", "[a](b)", "\\", "\u200b", "\u202e", "\n", " ", "\U0001f600"])
TEXTS = st.builds(lambda text, times: text * times, st.text(max_size=8) | PIECES, st.sampled_from([1, 9, 400]))
SUGGESTIONS = st.lists(st.tuples(TEXTS, TEXTS), max_size=30)


@settings(max_examples=60, deadline=None)
@given(TEXTS, SUGGESTIONS)
def test_every_error_fits_discords_limits(asked: str, known: list[tuple[str, str]]) -> None:
    """Discord accepts the answer, whatever was asked for and whatever accounts exist."""
    for error in (NoSuchAccount(asked, known), AmbiguousName(asked, known), WrongDays(asked), InternalError()):
        embed = error_embed(error, "0123abcd")
        assert 1 <= len((embed.title or "").strip()) <= len(embed.title or "") <= 256
        assert len(embed.description or "") <= 4096
        assert is_inert((embed.title or "").replace("@\u200b", ""))
        assert len(error_text(error, "0123abcd")) <= 2000


@pytest.mark.parametrize(
    ("error", "title", "description"),
    [
        (
            NoSuchAccount("Mateo", [("Mateo Silva", "1"), ("", "2`")], are_similar=True),
            'No account called "Mateo"',
            f"Did you mean one of these?\n• **Mateo Silva** `1`\n• `2'`\n\n{NoSuchAccount.advice}",
        ),
        (
            AmbiguousName("Amara Okafor", [("Amara Okafor", "1"), ("Amara Okafor", "2")]),
            '2 accounts are called "Amara Okafor"',
            "Use the ID of the one you mean:\n• **Amara Okafor** `1`\n• **Amara Okafor** `2`",
        ),
        (
            WrongDays("0"),
            "Days must be 1 to 365",
            '"0" doesn\'t work. Separate whole numbers with commas, for example `14, 7, 3, 1`.',
        ),
        (TooManyLookUps(2.0), "Too many commands at once", "Try again in 2 seconds."),
        (
            InternalError(),
            "Something went wrong in the bot",
            "Try again. If it keeps happening, tell the bot's owner this code: `0123abcd`",
        ),
        (
            StoreError("db.internal"),
            "The bot couldn't load or save that",
            "Try again in a minute. If it keeps happening, tell the bot's owner this code: `0123abcd`",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BotError) else "",
)
def test_an_error_is_a_cause_a_sentence_and_a_next_step(error: BotError, title: str, description: str) -> None:
    """The title is the cause; only a fault of the bot has a code."""
    embed = error_embed(error, "0123abcd")
    assert (embed.title, embed.description, embed.footer.text) == (title, description, None)


def test_an_error_names_ten_accounts() -> None:
    """An error names ten accounts, counts the others, and says where they are."""
    embed = error_embed(NoSuchAccount("x", [("", str(number)) for number in range(25)]), "0123abcd")
    assert "• `9`\nand 15 more: `/minimax-overview`\n" in (embed.description or "")


async def test_similar_names_are_suggested(world: World) -> None:
    """A misspelled name is answered with the accounts that have a similar one."""
    answer = text_of(await world.look_up("Jnae Doe"))
    assert answer.startswith('No account called "Jnae Doe"\nDid you mean this one?\n• **Jane Doe** `123456`\n\n')
    assert "Sam" not in answer


async def test_a_part_of_a_name_finds_its_account(world: World) -> None:
    """A part that one name alone has is enough; one that several have is answered with all of them."""
    assert message_of(await world.look_up("jane")).embeds[0].title == "Jane Doe"
    assert text_of(await world.look_up("Reed")) == (
        '2 accounts match "Reed"\nUse the ID of the one you mean:\n• **Sam Reed** `234567`\n• **Sam Reed** `345678`'
    )
    assert text_of(await world.look_up("sam reed")).startswith('2 accounts are called "sam reed"')


async def test_a_mistake_of_a_user_is_not_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """A typing mistake leaves no line in the log at INFO; a failure of the API does."""
    with caplog.at_level(logging.INFO, logger="bot"):
        await add(world, days="0")
        await world.look_up("nobody")
        assert [record for record in caplog.records if record.levelno >= logging.INFO] == []


async def test_turning_pages_uses_up_no_commands(world: World) -> None:
    """Thirty presses and twenty commands in a row are answered; the next of each waits."""
    message = message_of(await world.look_up("123456"))
    await world.env.advance_time(60)
    for _ in range(30):
        await world.manager.click(message, label="Check now")
    assert text_of(await world.manager.click(message, label="Check now")) == (
        "Too many clicks at once\nTry again in 1 second."
    )
    for _ in range(20):
        assert message_of(await world.look_up("123456")).embeds[0].title == "Jane Doe"
    assert text_of(await world.look_up("123456")) == "Too many commands at once\nTry again in 3 seconds."
