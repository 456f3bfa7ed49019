"""Every interaction is acknowledged within three seconds: with a slow API, a slow network, and a thousand people."""

import asyncio
import re
from pathlib import Path
from typing import Any

import discord
import pytest

from bot.chat.rest.survey import Grade, Survey
from bot.core.timing import DEFAULT_TIMING
from bot.errors import ApiSlow, Stopping, UnreadableAnswer
from bot.useapi.client import ACCOUNTS_PATH, BUDGET_SECONDS, MAX_CALLS
from tests.support.hostile import drip
from tests.support.wire.inline import open_inline_world
from tests.support.wire.interactions import DEADLINE, DEFERRED, DEFERRED_UPDATE, Exchange
from tests.support.wire.payloads import GUILD_ID, PRIVATE, build_button_message
from tests.support.wire.rest import TOKEN
from tests.support.wire.standins import owner_of
from tests.support.wire.virtual_time import in_virtual_time

CHECK = "minimax:check:"
PEOPLE = 1000
MOST_CONNECTIONS = 256
# Round trips of an ordinary and of a slow network, in seconds.
NETWORK, SLOW_NETWORK = 0.1, 0.4
OTHER_CHANNEL = 1_200_000_000_000_000_000
# Until a command says that Discord does not answer.
MOST_SECONDS = 20


def methods_of(exchange: Exchange) -> list[str]:
    """Return the methods of the requests about an interaction, in order."""
    return [call.method for call in exchange.calls]


async def answers_of(exchanges: list[Exchange]) -> list[dict[str, Any]]:
    """Wait for the answers to all interactions."""
    return await asyncio.gather(*(exchange.answer() for exchange in exchanges))


@pytest.mark.parametrize(("share", "is_private"), [("no", True), ("yes", False)])
@in_virtual_time
async def test_slow_look_up(tmp_path: Path, share: str, *, is_private: bool) -> None:
    """A look-up that waits for the API is deferred in time, also over a slow network, and edited later."""
    async with open_inline_world(tmp_path) as world:
        account, held = world.add_account(), world.hold_api()
        world.discord.rest.round_trip = SLOW_NETWORK
        exchange = await world.discord.slash(account, share=share)
        first = await exchange.acknowledgement()
        assert first.json["type"] == DEFERRED
        assert not exchange.shown.items
        held.release()
        assert bool((await exchange.answer())["flags"] & PRIVATE) is is_private
        await world.settle()
        assert methods_of(exchange) == ["POST", "PATCH"]
        # The event's way, the time that the API gets, and the way back.
        assert exchange.seconds_to_acknowledge() <= SLOW_NETWORK + DEFAULT_TIMING.answer_within < DEADLINE


@in_virtual_time
async def test_slow_check_now(tmp_path: Path) -> None:
    """A *Check now* that waits for the API is acknowledged in time without a visible change, and edited later."""
    async with open_inline_world(tmp_path) as world:
        account, held = world.add_account(), world.hold_api()
        message = build_button_message(CHECK + account)
        exchange = await world.discord.press(message, CHECK + account)
        first = await exchange.acknowledgement()
        assert first.json["type"] == DEFERRED_UPDATE
        held.release()
        assert (await exchange.answer())["id"] == message["id"]
        await world.settle()
        assert methods_of(exchange) == ["POST", "PATCH"]
        assert exchange.seconds_to_acknowledge() < DEADLINE


@pytest.mark.usefixtures("many_files")
@in_virtual_time
async def test_a_thousand_look_ups_of_one_account(tmp_path: Path) -> None:
    """A thousand look-ups of one account at once share one API call and at most 256 connections to Discord."""
    async with open_inline_world(tmp_path) as world:
        world.discord.rest.round_trip, world.api.delay = NETWORK, 0.05
        account = world.add_account()
        exchanges = await world.discord.slash_all([account] * PEOPLE)
        await answers_of(exchanges)
        assert [call for call in world.api.calls if call != ACCOUNTS_PATH] == [f"{ACCOUNTS_PATH}/{account}"]
        assert max(exchange.seconds_to_acknowledge() for exchange in exchanges) < DEADLINE
        assert len(world.discord.rest.connections) <= MOST_CONNECTIONS


@pytest.mark.usefixtures("many_files")
@in_virtual_time
async def test_a_thousand_look_ups_of_different_accounts(tmp_path: Path) -> None:
    """A thousand look-ups of different accounts, each of which the API takes 0.6 seconds for, are deferred in time.

    Each is answered with its own account, with at most 64 API calls at a time. The deferrals are spread over time.
    """
    async with open_inline_world(tmp_path) as world:
        accounts = world.add_accounts(PEOPLE)
        world.discord.rest.round_trip, world.api.delay = NETWORK, 0.6
        exchanges = await world.discord.slash_all(accounts)
        shown = await answers_of(exchanges)
        assert [message["embeds"][0]["title"] for message in shown] == [owner_of(account) for account in accounts]
        assert world.api.most_at_once == MAX_CALLS
        assert max(exchange.seconds_to_acknowledge() for exchange in exchanges) < DEADLINE
        deferred = [exchange for exchange in exchanges if exchange.calls.items[0].json["type"] == DEFERRED]
        assert len(deferred) >= PEOPLE - 3 * MAX_CALLS
        times = sorted(exchange.seconds_to_acknowledge() for exchange in deferred)
        assert times[0] < DEFAULT_TIMING.answer_within - 0.4
        assert len({round(seconds, 2) for seconds in times}) > 20


@pytest.mark.usefixtures("many_files")
@in_virtual_time
async def test_more_look_ups_than_the_api_answers(tmp_path: Path) -> None:
    """Look-ups that find no free API call within ten seconds are answered then, with words."""
    async with open_inline_world(tmp_path) as world:
        accounts = world.add_accounts(4 * MAX_CALLS)
        world.discord.rest.round_trip, world.api.delay = NETWORK, 4.0
        began = asyncio.get_running_loop().time()
        exchanges = await world.discord.slash_all(accounts)
        titles = [message["embeds"][0]["title"] for message in await answers_of(exchanges)]
        assert asyncio.get_running_loop().time() - began < BUDGET_SECONDS + 1.0
        answered = {title for title in titles if title != ApiSlow.title}
        assert len(answered) == 2 * MAX_CALLS
        assert answered < {owner_of(account) for account in accounts}
        assert max(exchange.seconds_to_acknowledge() for exchange in exchanges) < DEADLINE


@in_virtual_time
async def test_one_user_flooding(tmp_path: Path) -> None:
    """Of 300 commands and presses of one user at once ten reach the API; another user is answered in time."""
    async with open_inline_world(tmp_path) as world:
        accounts, user_id = world.add_accounts(301), "1100000000000000013"
        before = len(world.api.calls)
        commands = [world.discord.slash(account, user_id=user_id) for account in accounts[:150]]
        presses = [
            world.discord.press(build_button_message(CHECK + account), CHECK + account, user_id=user_id)
            for account in accounts[150:300]
        ]
        exchanges = await asyncio.gather(*commands, *presses)
        other = await world.discord.slash(accounts[300])
        assert "**Expires" in (await other.answer())["embeds"][0]["description"]
        assert other.seconds_to_acknowledge() < DEADLINE
        titles = [message["embeds"][0]["title"] for message in await answers_of(exchanges)]
        assert titles.count("Too many commands at once") == 130
        assert titles.count("Too many clicks at once") == 120
        assert len(world.api.calls) - before == 51


@in_virtual_time
async def test_a_crowd_at_one_button(tmp_path: Path) -> None:
    """A hundred people who press one shared button at once cost one API call, and delay nobody else's look-up."""
    async with open_inline_world(tmp_path) as world:
        world.api.delay = 1.0
        account, other = world.add_account(), world.add_account()
        message, before = build_button_message(CHECK + account), len(world.api.calls)
        people = [str(1_100_000_000_000_000_100 + number) for number in range(100)]
        presses = await asyncio.gather(
            *(world.discord.press(message, CHECK + account, user_id=user_id) for user_id in people)
        )
        exchange = await world.discord.slash(other)
        assert owner_of(other) in str(await exchange.answer())
        assert exchange.seconds_to_answer() < 1.5
        await answers_of(presses)
        assert sorted(world.api.calls[before:]) == sorted(f"{ACCOUNTS_PATH}/{one}" for one in (account, other))


@in_virtual_time
async def test_endless_answers(tmp_path: Path) -> None:
    """An API that answers byte by byte without end costs a look-up ten seconds, and completion less than three."""
    async with open_inline_world(tmp_path) as world:
        world.api.behave = drip
        typing = await world.discord.type_in("1")
        assert (await typing.acknowledgement()).json["data"]["choices"] == []
        exchange = await world.discord.slash("123456")
        assert (await exchange.answer())["embeds"][0]["title"] == UnreadableAnswer.title
        assert typing.seconds_to_acknowledge() < DEADLINE
        assert exchange.seconds_to_acknowledge() < DEADLINE
        assert exchange.seconds_to_answer() == pytest.approx(DEFAULT_TIMING.api_budget, abs=0.5)


@in_virtual_time
async def test_stop_while_the_api_is_silent(tmp_path: Path) -> None:
    """The last answers take eight of the ten seconds that service managers wait; new commands are refused at once."""
    async with open_inline_world(tmp_path) as world:
        account, held = world.add_account(), world.hold_api()
        early = await world.discord.slash(account)
        await held.called.wait()
        clock = asyncio.get_running_loop().time
        began = clock()
        stopping = asyncio.create_task(world.application.drain())
        late = await world.discord.slash(world.add_account())
        assert (await late.answer())["embeds"][0]["title"] == Stopping.title
        assert late.seconds_to_answer() < 0.1
        await stopping
        assert clock() - began < 8.0
        shown = await early.answer()
        assert shown["embeds"][0]["title"] == Stopping.title
        assert shown["flags"] & PRIVATE


@in_virtual_time
async def test_discord_that_hangs_is_answered_in_words(tmp_path: Path) -> None:
    """A command that asks Discord about a channel, and gets no answer, is answered in words soon."""
    async with open_inline_world(tmp_path) as world:
        world.discord.rest.hanging = re.compile(rf"^/guilds/{GUILD_ID}$")
        began = asyncio.get_running_loop().time()
        exchange = await world.discord.use_board("add", OTHER_CHANNEL)
        answer = await exchange.answer()
        assert answer["embeds"][0]["title"] == "Discord doesn't answer"
        assert asyncio.get_running_loop().time() - began < MOST_SECONDS


@pytest.mark.parametrize("hanging", ["^/users/@me", "^/guilds/"])
@in_virtual_time
async def test_a_check_ends_although_discord_hangs(tmp_path: Path, hanging: str) -> None:
    """The checks of the command line name the request that got no answer, and end."""
    async with open_inline_world(tmp_path) as world, discord.Client(intents=discord.Intents.none()) as client:
        world.discord.rest.hanging = re.compile(hanging)
        began = asyncio.get_running_loop().time()
        findings = [one async for one in Survey(client).find(TOKEN, [GUILD_ID])]
        assert findings[-1].grade is Grade.FAILED
        assert "TimeoutError" in findings[-1].what
        assert asyncio.get_running_loop().time() - began < MOST_SECONDS
