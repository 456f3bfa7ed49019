"""The form for a note over Discord's protocol: it opens as the first answer, or words say that it is too late."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot.core.notes import MAX_NOTE
from bot.core.timing import DEFAULT_TIMING
from bot.errors import Stopping
from tests.support.accounts import build_account
from tests.support.wire.inline import InlineWorld, open_inline_world
from tests.support.wire.interactions import DEADLINE, DEFERRED, DEFERRED_UPDATE, FORM, Exchange
from tests.support.wire.payloads import PRIVATE, Json, build_button_message
from tests.support.wire.rest import reset
from tests.support.wire.virtual_time import in_virtual_time

NOTE = "video@studio.example"
SLOW_NETWORK = 0.4


async def press(world: InlineWorld, account: str) -> tuple[Json, Exchange]:
    """Press *Note* under the card of an account; return its message and the exchange."""
    message = build_button_message(f"minimax:edit-note:{account}")
    return message, await world.discord.press(message, f"minimax:edit-note:{account}")


async def value_of(exchange: Exchange) -> str | None:
    """Wait for a form; return the text that it begins with."""
    call = await exchange.acknowledgement()
    assert call.json["type"] == FORM
    value: str | None = call.json["data"]["components"][0]["component"].get("value")
    return value


@in_virtual_time
async def test_a_form_opens_at_once_and_the_card_follows(tmp_path: Path) -> None:
    """While useapi.net is slow the form opens in time all the same; the submission is deferred, then edits the card."""
    async with open_inline_world(tmp_path) as world:
        account, held = world.add_account(), world.hold_api()
        world.discord.rest.round_trip = SLOW_NETWORK
        message, opened = await press(world, account)
        assert await value_of(opened) is None
        assert opened.seconds_to_acknowledge() <= 2 * SLOW_NETWORK < DEADLINE
        sent = await world.discord.submit(message, f"minimax:note:{account}", NOTE)
        assert (await sent.acknowledgement()).json["type"] == DEFERRED_UPDATE
        assert sent.seconds_to_acknowledge() < DEADLINE
        held.release()
        shown = await sent.answer()
        assert shown["id"] == message["id"]
        assert f"`{NOTE}`" in str(shown["embeds"])
        _, again = await press(world, account)
        assert await value_of(again) == NOTE


@in_virtual_time
async def test_a_form_that_comes_too_late_is_answered_in_words(tmp_path: Path) -> None:
    """Where the answer had to be deferred, no form can follow: words say to press again."""
    timing = replace(DEFAULT_TIMING, answer_within=0.0)
    async with open_inline_world(tmp_path, timing=timing) as world:
        _, opened = await press(world, world.add_account())
        assert (await opened.acknowledgement()).json["type"] == DEFERRED
        shown = await opened.answer()
        assert shown["flags"] & PRIVATE
        assert shown["embeds"][0]["title"] == "The form couldn't open in time"


@in_virtual_time
async def test_a_form_whose_answer_is_lost_is_repeated(tmp_path: Path) -> None:
    """A broken connection repeats the form once, as it does other answers."""
    async with open_inline_world(tmp_path) as world:
        world.discord.rest.meet("POST", "/callback$", reset)
        _, opened = await press(world, world.add_account())
        assert await value_of(opened) is None
        assert len(world.discord.rest.requests("POST", "/callback$")) == 2


@in_virtual_time
async def test_forms_share_the_budget_of_buttons(tmp_path: Path) -> None:
    """Of 40 presses and submissions of one user at once thirty are accepted, the others refused in words."""
    async with open_inline_world(tmp_path) as world:
        account, user_id = world.add_account(), "1100000000000000013"
        message, too_long = build_button_message(f"minimax:check:{account}"), "x" * (MAX_NOTE + 1)
        presses = [world.discord.press(message, f"minimax:check:{account}", user_id=user_id) for _ in range(20)]
        forms = [world.discord.submit(message, f"minimax:note:{account}", too_long, user_id=user_id) for _ in range(20)]
        exchanges = await asyncio.gather(*presses, *forms)
        titles = [one["embeds"][0]["title"] for one in await asyncio.gather(*(one.answer() for one in exchanges))]
        assert titles.count("Too many clicks at once") == 10


@in_virtual_time
async def test_a_stopping_bot_refuses_forms_in_words(tmp_path: Path) -> None:
    """A press and a submission during a stop are answered in words, and save nothing."""
    async with open_inline_world(tmp_path) as world:
        account = world.add_account()
        world.application.responder.close()
        message, opened = await press(world, account)
        sent = await world.discord.submit(message, f"minimax:note:{account}", NOTE)
        for exchange in (opened, sent):
            assert (await exchange.answer())["embeds"][0]["title"] == Stopping.title


@in_virtual_time
async def test_the_settings_name_the_pages_on_renewing(tmp_path: Path) -> None:
    """The button of a card leads to RENEW_URL, and its text to RENEW_MANUAL_URL."""
    guided, manual = "https://wiki.example/renew", "https://wiki.example/manual"
    async with open_inline_world(tmp_path, RENEW_URL=guided, RENEW_MANUAL_URL=manual) as world:
        world.api.accounts["1"] = build_account("1", days=2, now=datetime.now(UTC))
        shown = await (await world.discord.slash("1")).answer()
        assert shown["components"][0]["components"][0]["url"] == guided
        assert f"or [by hand]({manual})" in str(shown["embeds"])
