"""Lead times as people type them, and which subscription covers an account."""

from dataclasses import replace

import pytest

from bot.core.subscriptions import Subscription, covered_accounts, parse_lead_times, subscription_for
from tests.support.store.samples import CHANNEL, GUILD, NOW

# Too large, behind zeros: no calendar, and no int() of Python's, accepts the last two.
HIDDEN = ("000999", "0000199999999999", "00001" + "0" * 5000)


ALL = Subscription(GUILD, CHANNEL, "pipeline", None, (7,), None, 5, id=1, next_check_at=NOW, paused_at=None)
OWN = replace(ALL, account_id="1", id=2)
OTHER = replace(ALL, account_id="2", id=3)


@pytest.mark.parametrize(
    ("typed", "lead_times"),
    [
        ("14, 7, 3, 1", (14, 7, 3, 1)),
        ("14 7 3 1", (14, 7, 3, 1)),
        ("1,3,,7 , 14,", (14, 7, 3, 1)),
        ("7 7 07", (7,)),
        ("365", (365,)),
        ("1 2 3 4 5 6 7 8 8", (8, 7, 6, 5, 4, 3, 2, 1)),
    ],
)
def test_lead_times_are_read_as_people_type_them(typed: str, lead_times: tuple[int, ...]) -> None:
    """Commas, blanks, order and repeats don't matter; the widest comes first."""
    assert parse_lead_times(typed) == lead_times


@pytest.mark.parametrize(
    "typed", ["0", "366", "-1", "1.5", "+3", "seven", "3d", "7;3", "³", "٣", "1_0", "9" * 5000, *HIDDEN]
)
def test_other_text_is_refused_in_words(typed: str) -> None:
    """Text other than whole days from 1 to 365 is refused by naming that rule."""
    with pytest.raises(ValueError, match=r"^Each lead time is a whole number of days from 1 to 365\.$"):
        parse_lead_times(typed)


@pytest.mark.parametrize("typed", ["", " , ", "1 2 3 4 5 6 7 8 9"])
def test_there_are_one_to_eight_lead_times(typed: str) -> None:
    """No lead time at all and more than eight are refused by naming that rule."""
    with pytest.raises(ValueError, match=r"^There can be 1 to 8 lead times\.$"):
        parse_lead_times(typed)


@pytest.mark.parametrize(
    ("in_channel", "covering"),
    [
        ([], None),
        ([OTHER], None),
        ([ALL], ALL),
        ([OWN], OWN),
        ([ALL, OWN, OTHER], OWN),
        ([OWN, ALL], OWN),
        ([ALL, OTHER], ALL),
        ([replace(ALL, paused_at=NOW)], None),
        ([replace(OWN, paused_at=NOW)], None),
        ([ALL, replace(OWN, paused_at=NOW)], None),
        ([replace(ALL, paused_at=NOW), OWN], OWN),
    ],
)
def test_the_subscription_on_an_account_replaces_the_one_on_all(
    in_channel: list[Subscription], covering: Subscription | None
) -> None:
    """In one channel an account's own subscription covers it, even while paused; else the one on all accounts does."""
    assert subscription_for("1", in_channel) == covering


def test_a_subscription_covers_known_accounts_only() -> None:
    """The one on all covers every account without its own; one on an account covers that account, once it is known."""
    in_channel = [ALL, OTHER]
    assert covered_accounts(ALL, in_channel, ["1", "2", "3"]) == ["1", "3"]
    assert covered_accounts(OTHER, in_channel, ["1", "2", "3"]) == ["2"]
    assert covered_accounts(OTHER, in_channel, ["1", "3"]) == []
