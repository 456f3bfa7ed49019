"""The directory's offer for completion, its end, and the size of its cache."""

import asyncio

import pytest
from aiohttp import web

from bot.errors import AccountOnHold, ApiSlow, ApiUnreachable, NoSuchAccount, Stopping
from bot.useapi.client import ACCOUNTS_PATH
from bot.useapi.directory import AccountDirectory
from tests.support.accounts import build_account, by_id
from tests.support.api import Gate, serve_directory
from tests.support.hostile import answering
from tests.support.wire.virtual_time import in_virtual_time

LIST, ONE = ACCOUNTS_PATH, f"{ACCOUNTS_PATH}/1"
ACCOUNTS = by_id(
    build_account("1", "Jane", days=3),
    build_account("2", days=-1),
    build_account("3", days=None),
    build_account("4", days=2),
)


async def offered(directory: AccountDirectory) -> list[str]:
    """Return the offered ids."""
    return [one.id for one in await directory.offer()]


async def test_the_soonest_expiry_is_offered_first() -> None:
    """Accounts are offered by their expiry, those without one last."""
    async with serve_directory(ACCOUNTS) as served:
        assert await offered(served.directory) == ["2", "4", "1", "3"]


async def test_one_list_serves_a_burst_of_typing() -> None:
    """Completions that are requested while the list is being read share its call."""
    async with serve_directory(ACCOUNTS) as served:
        with Gate(served.api) as gate:
            tasks = [asyncio.create_task(offered(served.directory)) for _ in range(10)]
            await gate.arrived.get()
        assert {len(ids) for ids in await asyncio.gather(*tasks)} == {4}
        assert served.api.calls == [LIST]


@pytest.mark.parametrize(("seconds", "calls"), [(0, 1), (60, 1), (60.1, 2), (-1, 2)])
async def test_a_list_is_offered_for_sixty_seconds(seconds: float, calls: int) -> None:
    """A list over 60 seconds old, or from the future, is read again before it is offered."""
    async with serve_directory(ACCOUNTS) as served:
        await served.directory.offer()
        served.clock.move(seconds)
        served.api.accounts = {}
        assert (await offered(served.directory) == []) is (calls == 2)
        assert served.api.calls == [LIST] * calls


@in_virtual_time
async def test_a_slow_api_is_waited_for_1_5_seconds() -> None:
    """If the list takes longer than 1.5 seconds, the old one is offered; the new one once it has arrived."""
    async with serve_directory(by_id(build_account("1"))) as served:
        await served.directory.offer()
        served.clock.move(61)
        served.api.accounts = by_id(build_account("1"), build_account("2"))
        loop = asyncio.get_running_loop()
        with Gate(served.api) as gate:
            began = loop.time()
            assert await offered(served.directory) == ["1"]
            assert loop.time() - began == pytest.approx(1.5, abs=0.1)
            await gate.arrived.get()
        assert await offered(served.directory) == ["1", "2"]
        assert served.api.calls == [LIST, LIST]


@in_virtual_time
async def test_a_slow_first_list_offers_nothing() -> None:
    """If the first list takes longer than 1.5 seconds, the offer is empty."""
    async with serve_directory(ACCOUNTS) as served:
        with Gate(served.api):
            assert await offered(served.directory) == []


@pytest.mark.parametrize("status", [401, 402, 429, 500, 596])
async def test_completion_never_fails(status: int) -> None:
    """While the API fails, the last known accounts are offered, or none."""
    async with serve_directory(ACCOUNTS) as served:
        served.api.behave = answering(lambda: web.Response(status=status))
        assert await offered(served.directory) == []
        served.api.behave = None
        served.clock.move(6)
        assert len(await offered(served.directory)) == 4
        served.clock.move(61)
        served.api.behave = answering(lambda: web.Response(status=status))
        assert len(await offered(served.directory)) == 4


async def test_typing_does_not_flood_a_failing_api() -> None:
    """Completion requests a failing list every five seconds at most; commands request it at once."""
    async with serve_directory(ACCOUNTS) as served:
        served.api.behave = answering(lambda: web.Response(status=401))
        for _ in range(50):
            await served.directory.offer()
            served.clock.move(0.2)
        assert served.api.calls == [LIST, LIST]
        served.api.behave = None
        assert len(await served.directory.read_all()) == 4


async def test_a_look_up_updates_the_offer() -> None:
    """An account that was looked up after the list was read replaces or joins the listed ones."""
    async with serve_directory(by_id(build_account("1", "Old", days=1))) as served:
        await served.directory.offer()
        served.api.accounts = by_id(build_account("1", "New", days=30), build_account("9", "Added", days=2))
        served.clock.move(20)
        await served.directory.look_up("1")
        await served.directory.look_up("9")
        assert [one.name for one in await served.directory.offer()] == ["Added", "New"]


@pytest.mark.parametrize("asked_again", [True, False])
async def test_a_clock_set_back_does_not_keep_old_answers_on_offer(*, asked_again: bool) -> None:
    """An answer whose time lies in the future is replaced by the next one, single or in a list."""
    async with serve_directory(by_id(build_account("1", "Old"))) as served:
        await served.directory.look_up("1")
        served.clock.move(-3_600)
        served.api.accounts = by_id(build_account("1", "New"))
        if asked_again:
            assert (await served.directory.look_up("1")).account.name == "New"
            served.clock.move(1)
        assert [one.name for one in await served.directory.offer()] == ["New"]


async def test_an_account_missing_from_a_later_list_is_not_offered() -> None:
    """An account that is missing from the newest list is not offered, even if it was looked up before."""
    async with serve_directory(by_id(build_account("1"), build_account("2"))) as served:
        await served.directory.look_up("1")
        served.clock.move(1)
        served.api.accounts = by_id(build_account("2"))
        assert await offered(served.directory) == ["2"]


async def test_closing_ends_all_waiting_and_later_reads() -> None:
    """Reads of an account or the list that wait, and later ones, fail with Stopping."""
    async with serve_directory(ACCOUNTS) as served:
        with Gate(served.api) as gate:
            waiting = [asyncio.create_task(served.directory.look_up("1")) for _ in range(3)]
            listing = asyncio.create_task(served.directory.read_all())
            for _ in range(2):
                await gate.arrived.get()
            served.directory.close()
            results = await asyncio.gather(*waiting, listing, return_exceptions=True)
            assert {type(result) for result in results} == {Stopping}
        for late in (
            served.directory.look_up("2"),
            served.directory.read("2", fresh=True),
            served.directory.read_all(),
        ):
            with pytest.raises(Stopping):
                await late
        assert len(served.api.calls) == 2


async def test_closing_ends_a_call_that_a_fresh_one_replaced() -> None:
    """A read that waits for an earlier call of the same account fails with Stopping as well."""
    async with serve_directory(ACCOUNTS) as served:
        with Gate(served.api) as gate:
            earlier = asyncio.create_task(served.directory.read("1"))
            await gate.arrived.get()
            fresh = asyncio.create_task(served.directory.read("1", fresh=True))
            await gate.arrived.get()
            served.directory.close()
            done, _ = await asyncio.wait([earlier, fresh], timeout=1)
            assert done == {earlier, fresh}
        for task in (earlier, fresh):
            with pytest.raises(Stopping):
                await task


async def test_closing_during_a_look_up_by_name_is_not_a_missing_account() -> None:
    """A look-up by name that is cut off by the end fails with Stopping, not as a missing account."""
    async with serve_directory(ACCOUNTS) as served:
        with Gate(served.api) as gate:
            asking = asyncio.create_task(served.directory.look_up("nobody"))
            assert await gate.arrived.get() == f"{ACCOUNTS_PATH}/nobody"
        with Gate(served.api) as gate:
            assert await gate.arrived.get() == LIST
            served.directory.close()
            with pytest.raises(Stopping):
                await asking


async def test_a_closed_directory_still_returns_known_answers() -> None:
    """After closing, recent answers are still returned and no call is made."""
    async with serve_directory(ACCOUNTS) as served:
        await served.directory.read_all()
        served.directory.close()
        assert (await served.directory.look_up("1")).account.name == "Jane"
        served.clock.move(3_600)
        assert len(await offered(served.directory)) == 4
        assert served.api.calls == [LIST]


async def test_the_number_of_kept_look_ups_is_bounded() -> None:
    """Of many accounts that were looked up one by one, only the latest are kept."""
    async with serve_directory(by_id(*(build_account(str(number)) for number in range(20))), max_kept=8) as served:
        for number in [*range(20), 13]:
            await served.directory.read(str(number), fresh=True)
        served.api.behave = answering(lambda: web.Response(status=402))
        assert sorted(await offered(served.directory), key=int) == [str(number) for number in range(12, 20)]


async def test_missing_accounts_are_not_kept() -> None:
    """Look-ups of missing accounts add nothing to the offer."""
    async with serve_directory({}) as served:
        served.api.behave = answering(lambda: web.Response(status=404))
        for number in range(20):
            with pytest.raises(NoSuchAccount):
                await served.directory.read(str(number))
        assert await offered(served.directory) == []


async def test_a_failed_list_raises_its_error() -> None:
    """Reading all accounts raises the error that completion hides."""
    async with serve_directory(ACCOUNTS) as served:
        served.api.behave = answering(lambda: web.Response(status=500))
        with pytest.raises(ApiUnreachable):
            await served.directory.read_all()


@in_virtual_time
async def test_a_look_up_by_name_has_one_budget_for_both_calls() -> None:
    """The second call of a look-up by name has only the time that the first one left."""
    async with serve_directory(by_id(build_account("1", "Jane")), budget=10.0) as served:
        served.api.delay = 6.0
        started = asyncio.get_running_loop().time()
        with pytest.raises(ApiSlow):
            await served.directory.look_up("Jane")
        assert asyncio.get_running_loop().time() - started == pytest.approx(10.0, abs=0.5)


@in_virtual_time
async def test_a_fresh_look_up_has_one_budget_for_both_calls() -> None:
    """What *Check now* reads about an account that is gone has only the time that the first call left."""
    async with serve_directory({}, budget=10.0) as served:
        served.api.delay = 6.0
        started = asyncio.get_running_loop().time()
        with pytest.raises(ApiSlow):
            await served.directory.read_again("1")
        assert asyncio.get_running_loop().time() - started == pytest.approx(10.0, abs=0.5)


async def test_a_name_is_not_missing_while_the_list_cannot_be_read() -> None:
    """Without the list, only a text of digits is certain to be no account; a name may exist."""
    async with serve_directory(by_id(build_account("1", "Jane"))) as served:

        async def no_list(request: web.Request) -> web.StreamResponse:
            return web.Response(status=404 if "account" in request.match_info else 596)

        served.api.behave = no_list
        with pytest.raises(AccountOnHold):
            await served.directory.look_up("Jane")
        with pytest.raises(NoSuchAccount):
            await served.directory.look_up("99")
