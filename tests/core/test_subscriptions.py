"""Lead times as people type them, and which subscription covers an account."""

from dataclasses import replace

import pytest

from bot.core.subscriptions import Subscription, active_subscription, by_account, covering, parse_lead_times
from tests.support.store.samples import CHANNEL, GUILD, NOW

# Too large, behind zeros: no calendar, and no int() of Python's, accepts the last two.
HIDDEN = ("000999", "0000199999999999", "00001" + "0" * 5000)


ALL = Subscription(GUILD, CHANNEL, None, (7,), None, 5, id=1, paused_at=None)
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
    ("in_channel", "active"),
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
    in_channel: list[Subscription], active: Subscription | None
) -> None:
    """In one channel an account's own subscription covers it, even while paused; else the one on all accounts does."""
    assert active_subscription("1", in_channel) == active


def test_a_paused_subscription_still_covers_its_account() -> None:
    """What covers an account does not depend on pauses."""
    paused = replace(OWN, paused_at=NOW)
    assert covering("1", by_account([ALL, paused])) == paused
    assert covering("2", by_account([ALL, paused])) == ALL
    assert covering("2", by_account([paused])) is None


@pytest.mark.parametrize(
    ("in_channel", "active"),
    [
        ([], None),
        ([OTHER], OTHER),
        ([ALL], ALL),
        ([ALL, OWN], OWN),
        ([replace(OWN, paused_at=NOW)], None),
        ([ALL, replace(OWN, paused_at=NOW)], ALL),
        ([replace(ALL, paused_at=NOW), OTHER], OTHER),
    ],
)
def test_any_active_subscription_hears_about_the_accounts_as_a_whole(
    in_channel: list[Subscription], active: Subscription | None
) -> None:
    """A notification about all accounts belongs to any subscription of its channel that is not paused."""
    assert active_subscription(None, in_channel) == active
