"""What completion is offered, what closing does, and how much is kept."""

import asyncio

import pytest
from aiohttp import web

from bot.errors import AccountOnHold, ApiUnreachable, NoSuchAccount, Stopping
from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.directory import LIST_WAIT_SECONDS, AccountDirectory
from tests.support.api import Gate, account, always, open_stage

LIST, ONE = ACCOUNTS_PATH, f"{ACCOUNTS_PATH}/1"
ACCOUNTS = {"1": account("Jane", days=3), "2": account(days=-1), "3": account(), "4": account(days=2)}


async def offered(directory: AccountDirectory) -> list[str]:
    """Return the ids on offer."""
    return [one.id for one in await directory.offer()]


async def test_the_soonest_expiry_is_offered_first() -> None:
    """Accounts are offered by urgency, those without an expiry last."""
    async with open_stage(ACCOUNTS) as stage:
        assert await offered(stage.directory) == ["2", "4", "1", "3"]


async def test_one_list_serves_a_burst_of_typing() -> None:
    """Keystrokes that come while the list is under way share its call."""
    async with open_stage(ACCOUNTS) as stage:
        with Gate(stage.standin) as gate:
            tasks = [asyncio.create_task(offered(stage.directory)) for _ in range(10)]
            await gate.arrived.get()
        assert {len(ids) for ids in await asyncio.gather(*tasks)} == {4}
        assert stage.standin.calls == [LIST]


@pytest.mark.parametrize(("seconds", "calls"), [(0, 1), (60, 1), (60.1, 2), (-1, 2)])
async def test_a_list_is_offered_for_sixty_seconds(seconds: float, calls: int) -> None:
    """A list over 60 seconds old, or from the future, is read again before it is offered."""
    async with open_stage(ACCOUNTS) as stage:
        await stage.directory.offer()
        stage.clock.move(seconds)
        stage.standin.accounts = {}
        assert (await offered(stage.directory) == []) is (calls == 2)
        assert stage.standin.calls == [LIST] * calls


async def test_a_slow_api_is_waited_for_a_moment_only() -> None:
    """After 1.5 seconds the old list is offered; the new one once it is there."""
    async with open_stage({"1": account()}) as stage:
        await stage.directory.offer()
        stage.clock.move(61)
        stage.standin.accounts = {"1": account(), "2": account()}
        loop = asyncio.get_running_loop()
        with Gate(stage.standin) as gate:
            began = loop.time()
            assert await offered(stage.directory) == ["1"]
            assert LIST_WAIT_SECONDS - 0.05 <= loop.time() - began < 3.0
            await gate.arrived.get()
        assert await offered(stage.directory) == ["1", "2"]
        assert stage.standin.calls == [LIST, LIST]


async def test_nothing_is_offered_while_nothing_is_known() -> None:
    """A slow first list offers nothing rather than keeping people waiting."""
    async with open_stage(ACCOUNTS) as stage:
        with Gate(stage.standin):
            assert await offered(stage.directory) == []


@pytest.mark.parametrize("status", [401, 402, 429, 500, 596])
async def test_trouble_is_no_error_of_completion(status: int) -> None:
    """With the API in trouble nothing is offered, or what was known before."""
    async with open_stage(ACCOUNTS) as stage:
        stage.standin.behave = always(lambda: web.Response(status=status))
        assert await offered(stage.directory) == []
        stage.standin.behave = None
        stage.clock.move(6)
        assert len(await offered(stage.directory)) == 4
        stage.clock.move(61)
        stage.standin.behave = always(lambda: web.Response(status=status))
        assert len(await offered(stage.directory)) == 4


async def test_typing_does_not_hammer_an_api_in_trouble() -> None:
    """However fast people type, a list that fails is asked for every five seconds at most; commands still ask."""
    async with open_stage(ACCOUNTS) as stage:
        stage.standin.behave = always(lambda: web.Response(status=401))
        for _ in range(50):
            await stage.directory.offer()
            stage.clock.move(0.2)
        assert stage.standin.calls == [LIST, LIST]
        stage.standin.behave = None
        assert len(await stage.directory.read_all()) == 4


async def test_an_account_looked_up_since_the_list_is_offered_as_it_was_then() -> None:
    """A later look-up replaces or adds to what the list says."""
    async with open_stage({"1": account("Old", days=1)}) as stage:
        await stage.directory.offer()
        stage.standin.accounts = {"1": account("New", days=30), "9": account("Added", days=2)}
        stage.clock.move(20)
        await stage.directory.look_up("1")
        await stage.directory.look_up("9")
        assert [one.name for one in await stage.directory.offer()] == ["Added", "New"]


@pytest.mark.parametrize("asked_again", [True, False])
async def test_a_clock_set_back_keeps_no_old_answer_on_offer(*, asked_again: bool) -> None:
    """An answer from what is now the future gives way to the next one, alone or in a list."""
    async with open_stage({"1": account("Old")}) as stage:
        await stage.directory.look_up("1")
        stage.clock.move(-3_600)
        stage.standin.accounts = {"1": account("New")}
        if asked_again:
            assert (await stage.directory.look_up("1")).account.name == "New"
            stage.clock.move(1)
        assert [one.name for one in await stage.directory.offer()] == ["New"]


async def test_an_account_missing_from_a_later_list_is_not_offered() -> None:
    """What the newest list no longer has was deleted, even if it was looked up before."""
    async with open_stage({"1": account(), "2": account()}) as stage:
        await stage.directory.look_up("1")
        stage.clock.move(1)
        stage.standin.accounts = {"2": account()}
        assert await offered(stage.directory) == ["2"]


async def test_closing_tells_everyone_who_waits_or_comes() -> None:
    """Whoever waits, for an account or the list, and whoever comes later is told that the bot is stopping."""
    async with open_stage(ACCOUNTS) as stage:
        with Gate(stage.standin) as gate:
            waiting = [asyncio.create_task(stage.directory.look_up("1")) for _ in range(3)]
            listing = asyncio.create_task(stage.directory.read_all())
            for _ in range(2):
                await gate.arrived.get()
            stage.directory.close()
            results = await asyncio.gather(*waiting, listing, return_exceptions=True)
            assert {type(result) for result in results} == {Stopping}
        for late in (stage.directory.look_up("2"), stage.directory.read("2", fresh=True), stage.directory.read_all()):
            with pytest.raises(Stopping):
                await late
        assert len(stage.standin.calls) == 2


async def test_closing_reaches_a_call_that_a_fresh_one_replaced() -> None:
    """Whoever waits for an earlier call of the same account is told as well, at once."""
    async with open_stage(ACCOUNTS) as stage:
        with Gate(stage.standin) as gate:
            earlier = asyncio.create_task(stage.directory.read("1"))
            await gate.arrived.get()
            fresh = asyncio.create_task(stage.directory.read("1", fresh=True))
            await gate.arrived.get()
            stage.directory.close()
            done, _ = await asyncio.wait([earlier, fresh], timeout=1)
            assert done == {earlier, fresh}
        for task in (earlier, fresh):
            with pytest.raises(Stopping):
                await task


async def test_closing_during_a_look_up_by_name_is_no_missing_account() -> None:
    """If the bot stops while a name is looked for, nobody is told that the account does not exist."""
    async with open_stage(ACCOUNTS) as stage:
        with Gate(stage.standin) as gate:
            asking = asyncio.create_task(stage.directory.look_up("nobody"))
            assert await gate.arrived.get() == f"{ACCOUNTS_PATH}/nobody"
        with Gate(stage.standin) as gate:
            assert await gate.arrived.get() == LIST
            stage.directory.close()
            with pytest.raises(Stopping):
                await asking


async def test_a_closed_directory_still_gives_what_it_knows() -> None:
    """Closing makes no call and hides no recent answer."""
    async with open_stage(ACCOUNTS) as stage:
        await stage.directory.read_all()
        stage.directory.close()
        assert (await stage.directory.look_up("1")).account.name == "Jane"
        stage.clock.move(3_600)
        assert len(await offered(stage.directory)) == 4
        assert stage.standin.calls == [LIST]


async def test_what_is_kept_of_single_look_ups_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many accounts looked up one by one, only the latest are kept."""
    monkeypatch.setattr("bot.useapi.directory._MOST_KEPT", 8)
    async with open_stage({str(number): account() for number in range(20)}) as stage:
        for number in [*range(20), 13]:
            await stage.directory.read(str(number), fresh=True)
        stage.standin.behave = always(lambda: web.Response(status=402))
        assert sorted(await offered(stage.directory), key=int) == [str(number) for number in range(12, 20)]


async def test_nothing_is_kept_of_accounts_that_do_not_exist() -> None:
    """Look-ups that find nothing leave nothing to offer."""
    async with open_stage({}) as stage:
        stage.standin.behave = always(lambda: web.Response(status=404))
        for number in range(20):
            with pytest.raises(NoSuchAccount):
                await stage.directory.read(str(number))
        assert await offered(stage.directory) == []


async def test_a_failed_list_says_why() -> None:
    """Whoever asks for all accounts, unlike completion, learns what is wrong."""
    async with open_stage(ACCOUNTS) as stage:
        stage.standin.behave = always(lambda: web.Response(status=500))
        with pytest.raises(ApiUnreachable):
            await stage.directory.read_all()


async def test_a_look_up_by_name_has_one_budget_for_both_calls() -> None:
    """What the first call took is missing for the second; the asker does not wait twice."""
    async with open_stage({"1": account("Jane")}, budget=0.4) as stage:
        stage.standin.delay = 0.3
        started = asyncio.get_running_loop().time()
        with pytest.raises(ApiUnreachable):
            await stage.directory.look_up("Jane")
        assert asyncio.get_running_loop().time() - started < 0.55


async def test_a_name_is_not_denied_while_the_list_cannot_be_read() -> None:
    """That a name is no id says little; that digits are none is certain."""
    async with open_stage({"1": account("Jane")}) as stage:

        async def no_list(request: web.Request) -> web.StreamResponse:
            return web.Response(status=404 if "account" in request.match_info else 596)

        stage.standin.behave = no_list
        with pytest.raises(AccountOnHold):
            await stage.directory.look_up("Jane")
        with pytest.raises(NoSuchAccount):
            await stage.directory.look_up("99")
