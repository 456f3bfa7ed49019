"""Many people, or one, who press without end: what it costs the others, and what the log says."""

import asyncio
import logging
from pathlib import Path

import pytest

from bot.core.rate_limit import BUTTONS, MESSAGE_BUTTONS
from tests.support.wire.inline import InlineWorld, open_inline_world
from tests.support.wire.interactions import Exchange
from tests.support.wire.payloads import build_button_message
from tests.support.wire.virtual_time import in_virtual_time

CHECK, UNKNOWN = "minimax:check:", "minimax:nothing"
PEOPLE = [str(1_100_000_000_000_000_100 + number) for number in range(8)]


async def press_all(world: InlineWorld, custom_id: str) -> list[str]:
    """Let each person press the button of one message as often as one may; return the titles of the answers."""
    message = build_button_message(custom_id)
    exchanges: list[Exchange] = await asyncio.gather(
        *(world.discord.press(message, custom_id, user_id=user_id) for user_id in PEOPLE for _ in range(BUTTONS.burst))
    )
    answers = await asyncio.gather(*(exchange.answer() for exchange in exchanges))
    return [answer["embeds"][0]["title"] for answer in answers]


@in_virtual_time
async def test_a_crowd_shares_the_budget_of_a_message(tmp_path: Path) -> None:
    """People who all keep to their own limits are refused at a message that gets too many presses, and only there."""
    async with open_inline_world(tmp_path) as world:
        account, other = world.add_account(), world.add_account()
        titles = await press_all(world, CHECK + account)
        assert titles.count("Too many clicks on this message at once") == len(titles) - MESSAGE_BUTTONS.burst
        elsewhere = await world.discord.press(build_button_message(CHECK + other), CHECK + other)
        assert "**Expires" in (await elsewhere.answer())["embeds"][0]["description"]


@in_virtual_time
async def test_a_flood_of_refusals_is_one_line_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Hundreds of refused presses within a minute leave one line for each kind, with their number and no name."""
    async with open_inline_world(tmp_path) as world:
        with caplog.at_level(logging.INFO, logger="bot"):
            titles = await press_all(world, UNKNOWN)
        assert titles.count("This button is outdated") == MESSAGE_BUTTONS.burst
        lines = [one.getMessage() for one in caplog.records if one.getMessage().startswith("Refused")]
        assert [line.partition(";")[0] for line in lines] == [
            f"Refused (10 times since the last such line): {kind}" for kind in ("StaleButton", "TooManyLookUps")
        ]
