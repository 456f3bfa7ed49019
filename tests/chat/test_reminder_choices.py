"""Tests of the labels of reminders in completion, and that they are understood when they come back as text."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.chat.views.choices import find_labelled, reminder_labels
from bot.core.accounts import Account
from bot.core.subscriptions import Subscription
from tests.support.accounts import build_account
from tests.support.chat.reminders import add, listed, steer
from tests.support.store.samples import NOW
from tests.support.world import World

NAMES = st.sampled_from(["", "Sam", "#sam", "@sam", "x" * 200, "\u202e"])
IDS = st.sampled_from([None, "1", "2", "#3", "y" * 64])
# Two channels have no name that the reader may know.
CHANNELS = {2: "#pipeline", 3: "z" * 100}
SUBSCRIPTIONS = st.lists(
    st.builds(
        lambda account_id, channel_id, days, paused: Subscription(
            1, channel_id, account_id, tuple(sorted(days, reverse=True)), None, 5, paused_at=NOW if paused else None
        ),
        IDS,
        st.sampled_from([2, 3, 4, 10_004]),
        st.sets(st.integers(350, 365), min_size=1, max_size=8),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=100)
@given(SUBSCRIPTIONS, st.dictionaries(st.sampled_from(["1", "2", "#3"]), NAMES))
def test_labels_are_unique_and_understood(drawn: list[Subscription], names: dict[str, str]) -> None:
    """Each label has up to 100 characters, no mark that becomes a mention, no twin, and finds its reminder."""
    subscriptions = [
        Subscription(**{name: getattr(one, name) for name in Subscription.__dataclass_fields__} | {"id": number})
        for number, one in enumerate(drawn, 1)
    ]
    accounts = {key: Account(key, name=name) for key, name in names.items()}
    labels = reminder_labels(subscriptions, accounts, CHANNELS)
    assert len({label.casefold() for label in labels.values()}) == len(subscriptions)
    for key, label in labels.items():
        assert 1 <= len(label) <= 100
        assert not set(label) & set("#@\n")
        assert find_labelled(f" {label.upper()} ", labels) == [key]


async def offered(world: World, command: str, typed: str = "") -> list[str]:
    """Return the labels that a command offers to the manager."""
    choices = await world.manager.autocomplete(world.channel, f"minimax-reminders {command}", "reminder", typed)
    return [choice["name"] for choice in choices]


async def test_labels_tell_paused_and_alike_reminders_apart(world: World) -> None:
    """Paused reminders have a mark, and those with equal names show their days."""
    await world.poll_once()
    await add(world, "123456", days="5")
    await add(world, "234567", days="3")
    await add(world, "345678", days="2 1")
    await steer(world, "pause", "1")
    assert await offered(world, "remove") == [
        "⏸️ Jane Doe → pipeline · 5 days before",
        "Sam Reed → pipeline · 3 days before",
        "Sam Reed → pipeline · 2 and 1 day before",
    ]


async def test_a_choice_says_that_nothing_fits(world: World) -> None:
    """Where no reminder fits, one choice says so, and is answered in words if it is picked."""
    assert await offered(world, "remove") == ["No reminders yet"]
    assert await steer(world, "remove", "none") == ("No reminders yet\nAdd the first one: `/minimax-reminders add`.")
    await add(world)
    assert await offered(world, "resume") == ["No paused reminders"]
    assert await steer(world, "resume", "none") == ("No paused reminders\nAll reminders of this server are active.")
    assert await offered(world, "pause", "nowhere") == ["No reminder matches"]
    await steer(world, "pause")
    assert await offered(world, "pause") == ["No active reminders"]
    assert (await steer(world, "pause", "none")).startswith("No active reminders\n")
    assert (await steer(world, "remove", "none")).startswith("Reminder not found\n")
    assert "All accounts" in await listed(world)


async def test_a_label_that_was_typed_is_understood(world: World) -> None:
    """A whole label, or a part that one reminder alone has, means that reminder."""
    await world.poll_once()
    await add(world)
    await add(world, "123456")
    assert (await steer(world, "pause", "jane doe → pipeline")).startswith("Reminder paused\n**Jane Doe**")
    assert (await steer(world, "resume", "⏸️ Jane Doe → pipeline")).startswith("Reminder resumed\n**Jane Doe**")
    assert await steer(world, "remove", "pipeline") == (
        '2 reminders match "pipeline"\nPick one from the list that appears while you type.'
    )
    assert "now follows" in await steer(world, "remove", "Jane")
    assert "no longer gets reminders for all accounts" in await steer(world, "remove", "All accounts → pipeline")


@pytest.mark.parametrize("command", ["minimax-account", "minimax-reminders add"])
async def test_a_typed_line_of_completion_finds_its_account(world: World, command: str) -> None:
    """What completion shows may be typed or pasted, whatever characters the name has."""
    world.api.accounts["9"] = build_account("9", "#Mia @ night")
    choices: list[dict[str, Any]] = await world.manager.autocomplete(world.channel, command, "account", "mia")
    (label,) = (choice["name"] for choice in choices)
    assert label == "\uff03Mia \uff20 night · expires in 12 days · 9"
    assert [one["name"] for one in await world.manager.autocomplete(world.channel, command, "account", label)] == [
        label
    ]
    answer = await world.manager.slash(world.channel, command, account=label)
    assert "Mia" in str(answer.response and answer.response.embeds[0].to_dict())


async def test_an_account_called_all_is_one_account(world: World) -> None:
    """The choice of an account whose id is "all" is not the one of all accounts."""
    world.api.accounts["all"] = build_account("all", "Zed", days=12)
    await world.poll_once()
    choices = await world.manager.autocomplete(world.channel, "minimax-reminders add", "account", "zed")
    assert [choice["name"] for choice in choices] == ["Zed · expires in 12 days · all"]
    values = {
        choice["value"]
        for choice in await world.manager.autocomplete(world.channel, "minimax-reminders add", "account", "all")
    }
    assert len(values) == 2
