"""How often the log mentions what comes again and again."""

from datetime import UTC, datetime, timedelta

from bot.core.repeats import Repeats

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_a_flood_has_one_line_a_minute() -> None:
    """The first event has a line, and after a minute the next one, which counts all in between; kinds are apart."""
    repeats = Repeats()
    assert [repeats.count("a", NOW + seconds * MINUTE / 60) for seconds in range(60)] == [1, *[0] * 59]
    assert repeats.count("b", NOW) == 1
    assert repeats.count("a", NOW + MINUTE) == 60
    assert repeats.count("a", NOW + MINUTE) == 0


def test_a_few_need_no_line() -> None:
    """Where only many matter, the line comes with the last of so many, also if hours lie between them."""
    repeats = Repeats()
    assert [repeats.count("a", NOW, least=3) for _ in range(5)] == [0, 0, 3, 0, 0]
    assert repeats.count("a", NOW + 60 * MINUTE, least=3) == 3


def test_a_clock_set_back_silences_nothing() -> None:
    """After the clock jumps back by a day, the next event has a line."""
    repeats = Repeats()
    assert repeats.count("a", NOW) == 1
    assert repeats.count("a", NOW - timedelta(days=1)) == 1
