"""The directory finds accounts by id or name, with as few calls as possible."""

import asyncio

import pytest
from aiohttp import web

from bot.errors import AmbiguousName, ApiUnreachable, BotError, NoSuchAccount, SubscriptionLapsed, UseapiTokenRefused
from bot.useapi.client import ACCOUNTS_PATH
from tests.support.accounts import build_account, by_id
from tests.support.api import Gate, serve_directory
from tests.support.hostile import answering

LIST, ONE, TWO = ACCOUNTS_PATH, f"{ACCOUNTS_PATH}/1", f"{ACCOUNTS_PATH}/2"
ACCOUNTS = by_id(
    build_account("1", "Jane", days=3),
    build_account("2", "Sam", days=1),
    build_account("3", "sam", days=2),
    build_account("4", "1", days=None),
    build_account("5", "\u00c9lo\u00efse Stra\u00dfe", days=None),
)


async def test_simultaneous_look_ups_of_one_account_share_a_call() -> None:
    """Twenty look-ups of one account at the same time cost one call."""
    async with serve_directory(ACCOUNTS) as served:
        with Gate(served.api) as gate:
            tasks = [asyncio.create_task(served.directory.look_up("1")) for _ in range(20)]
            await gate.arrived.get()
        snapshots = await asyncio.gather(*tasks)
        assert {snapshot.account.name for snapshot in snapshots} == {"Jane"}
        assert served.api.calls == [ONE]


async def test_simultaneous_look_ups_of_two_accounts_are_two_calls() -> None:
    """Look-ups of different accounts share no call."""
    async with serve_directory(ACCOUNTS) as served:
        snapshots = await asyncio.gather(served.directory.look_up("1"), served.directory.look_up("2"))
        assert [snapshot.account.id for snapshot in snapshots] == ["1", "2"]
        assert sorted(served.api.calls) == [ONE, TWO]


async def test_a_cancelled_look_up_does_not_cancel_the_shared_call() -> None:
    """When a look-up is cancelled, even the first, the others still get the answer."""
    async with serve_directory(ACCOUNTS) as served:
        with Gate(served.api) as gate:
            first, second, third = (asyncio.create_task(served.directory.look_up("1")) for _ in range(3))
            await gate.arrived.get()
            first.cancel()
            third.cancel()
            await asyncio.wait([first, third])
            assert first.cancelled()
            assert third.cancelled()
        assert (await second).account.name == "Jane"
        assert served.api.calls == [ONE]


async def test_the_answer_of_a_cancelled_look_up_is_kept() -> None:
    """A call whose look-ups are all cancelled goes on, and answers the next look-up."""
    async with serve_directory(ACCOUNTS) as served:
        with Gate(served.api) as gate:
            only = asyncio.create_task(served.directory.look_up("1"))
            await gate.arrived.get()
            only.cancel()
            await asyncio.wait([only])
        assert (await served.directory.look_up("1")).account.name == "Jane"
        assert served.api.calls == [ONE]


async def test_an_error_is_shared_and_not_kept() -> None:
    """All look-ups that share a call get its error; the next look-up makes a new call."""
    async with serve_directory(ACCOUNTS) as served:
        served.api.behave = answering(lambda: web.Response(status=402))
        results = await asyncio.gather(*(served.directory.look_up("1") for _ in range(5)), return_exceptions=True)
        assert {type(result) for result in results} == {SubscriptionLapsed}
        assert served.api.calls == [ONE]
        served.api.behave = None
        assert (await served.directory.look_up("1")).account.name == "Jane"


@pytest.mark.parametrize(("seconds", "calls"), [(0, 1), (14.9, 1), (15, 1), (15.1, 2), (3_600, 2), (-1, 2)])
async def test_an_answer_is_reused_for_fifteen_seconds(seconds: float, calls: int) -> None:
    """An answer up to 15 seconds old is reused; an older one, or one from the future, is not."""
    async with serve_directory(ACCOUNTS) as served:
        first = await served.directory.look_up("1")
        served.clock.move(seconds)
        second = await served.directory.look_up("1")
        assert len(served.api.calls) == calls
        assert (second.read_at == first.read_at) is (calls == 1 or seconds == 0)


@pytest.mark.parametrize(("seconds", "calls"), [(0, [LIST]), (15, [LIST]), (15.1, [LIST, ONE])])
async def test_a_recent_list_answers_look_ups(seconds: float, calls: list[str]) -> None:
    """An account that was listed at most 15 seconds ago is not requested again."""
    async with serve_directory(ACCOUNTS) as served:
        await served.directory.read_all()
        served.clock.move(seconds)
        assert (await served.directory.look_up("1")).account.name == "Jane"
        assert served.api.calls == calls


async def test_the_newest_answer_counts() -> None:
    """Of a list and a single answer, both recent, the later one is returned."""
    async with serve_directory(by_id(build_account("1", "Old"))) as served:
        await served.directory.read_all()
        served.clock.move(5)
        served.api.accounts = by_id(build_account("1", "New"))
        await served.directory.read("1", fresh=True)
        assert (await served.directory.read("1")).account.name == "New"


@pytest.mark.parametrize(("seconds", "calls"), [(15, 1), (15.1, 2)])
async def test_the_list_is_reused_for_fifteen_seconds(seconds: float, calls: int) -> None:
    """A list up to 15 seconds old is returned without a call."""
    async with serve_directory(ACCOUNTS) as served:
        await served.directory.read_all()
        served.clock.move(seconds)
        assert set(await served.directory.read_all()) == set(ACCOUNTS)
        assert len(served.api.calls) == calls


async def test_a_fresh_read_makes_a_new_call() -> None:
    """A fresh read uses no earlier answer, and later look-ups use its answer."""
    async with serve_directory(by_id(build_account("1", "Old"))) as served:
        await served.directory.look_up("1")
        served.api.accounts = by_id(build_account("1", "New"))
        assert (await served.directory.read("1", fresh=True)).account.name == "New"
        assert (await served.directory.look_up("1")).account.name == "New"
        assert served.api.calls == [ONE, ONE]


async def test_a_fresh_read_does_not_join_a_running_call() -> None:
    """A fresh read makes its own call even while an earlier call for the account is running."""
    async with serve_directory(by_id(build_account("1", "Old"))) as served:
        with Gate(served.api) as gate:
            earlier = asyncio.create_task(served.directory.read("1"))
            await gate.arrived.get()
            served.api.accounts["1"] = build_account("1", "New")
            fresh = asyncio.create_task(served.directory.read("1", fresh=True))
            await gate.arrived.get()
        assert (await earlier).account.name == "Old"
        assert (await fresh).account.name == "New"


async def test_fresh_reads_share_one_call() -> None:
    """However many fresh reads come at once, an account and the list each cost one call beside the running one."""
    async with serve_directory(by_id(build_account("1", "Old"))) as served:
        with Gate(served.api) as gate:
            earlier = [asyncio.create_task(served.directory.read("1")) for _ in range(2)]
            await gate.arrived.get()
            fresh = [asyncio.create_task(served.directory.read("1", fresh=True)) for _ in range(100)]
            await gate.arrived.get()
            lists = [asyncio.create_task(served.directory.read_all(fresh=True)) for _ in range(100)]
            await gate.arrived.get()
        await asyncio.gather(*earlier, *fresh, *lists)
        assert sorted(served.api.calls) == [LIST, ONE, ONE]


async def test_an_earlier_call_that_ends_late_does_not_replace_a_fresh_answer() -> None:
    """The answer of the later call is the newer one, even if the earlier call ends last."""
    async with serve_directory(by_id(build_account("1", "Old"))) as served:
        with Gate(served.api) as gate:
            earlier = asyncio.create_task(served.directory.read("1"))
            await gate.arrived.get()
            served.api.accounts, served.api.behave = by_id(build_account("1", "New")), None
            served.clock.move(1)
            assert (await served.directory.read("1", fresh=True)).account.name == "New"
            served.clock.move(1)
        await earlier
        assert (await served.directory.read("1")).account.name == "New"


@pytest.mark.parametrize("asked", ["Jane", "jane", "JANE", "  Jane "])
async def test_a_unique_name_finds_its_account(asked: str) -> None:
    """A user name in any case works like an id; an unknown one costs one more call, for the list."""
    async with serve_directory(ACCOUNTS) as served:
        assert (await served.directory.look_up(asked)).account.id == "1"
        assert served.api.calls == [f"{ACCOUNTS_PATH}/{asked.strip()}", LIST]


async def test_a_listed_name_is_not_requested_as_an_id() -> None:
    """A look-up by a listed name costs one call at most."""
    async with serve_directory(ACCOUNTS) as served:
        await served.directory.read_all()
        served.clock.move(20)
        assert (await served.directory.look_up("jane")).account.id == "1"
        assert served.api.calls == [LIST, ONE]


async def test_names_compare_beyond_ascii() -> None:
    """Names are compared without regard to case in any script."""
    async with serve_directory(ACCOUNTS) as served:
        await served.directory.read_all()
        assert (await served.directory.look_up("\u00c9LO\u00cfSE STRASSE")).account.id == "5"


@pytest.mark.parametrize("listed_before", [True, False])
async def test_an_ambiguous_name_is_answered_with_the_ids(*, listed_before: bool) -> None:
    """The error for a name of several accounts holds their ids."""
    async with serve_directory(ACCOUNTS) as served:
        if listed_before:
            await served.directory.read_all()
        with pytest.raises(AmbiguousName) as caught:
            await served.directory.look_up("SAM")
        assert caught.value.account_ids == ("2", "3")


@pytest.mark.parametrize("listed_before", [True, False])
async def test_an_id_wins_over_a_name(*, listed_before: bool) -> None:
    """If the name of one account is the id of another, the id decides."""
    async with serve_directory(ACCOUNTS) as served:
        if listed_before:
            await served.directory.read_all()
        assert (await served.directory.look_up("1")).account.name == "Jane"


async def test_a_name_from_an_old_list_does_not_win_over_a_new_id() -> None:
    """An account that was added after the list was read is found by its id, even if the list has it as a name."""
    async with serve_directory(by_id(build_account("4", "1"))) as served:
        await served.directory.read_all()
        served.api.accounts["1"] = build_account("1", "Jane")
        served.clock.move(86_400)
        assert (await served.directory.look_up("1")).account.name == "Jane"


async def test_a_name_is_looked_up_in_a_current_list() -> None:
    """A name that has moved to another account since the last list finds that account."""
    async with serve_directory(by_id(build_account("1", "Jane"), build_account("2", "Sam"))) as served:
        await served.directory.read_all()
        served.api.accounts.update(by_id(build_account("1", "Sam"), build_account("2", "Jane")))
        served.clock.move(86_400)
        assert (await served.directory.look_up("Jane")).account.id == "2"


async def test_a_name_of_a_deleted_account_is_looked_up_again() -> None:
    """If the account with a name was deleted, the account that has the name now is found."""
    async with serve_directory(by_id(build_account("1", "Jane"))) as served:
        await served.directory.read_all()
        served.clock.move(20)
        served.api.accounts = by_id(build_account("2", "Jane"))
        assert (await served.directory.look_up("Jane")).account.id == "2"


async def test_an_unknown_account_is_answered_with_the_existing_ids() -> None:
    """The error holds the existing ids, soonest expiry first."""
    async with serve_directory(ACCOUNTS) as served:
        with pytest.raises(NoSuchAccount) as caught:
            await served.directory.look_up(" 999 ")
        assert caught.value.account_ids == ("2", "3", "1", "4", "5")
        assert served.api.calls == [f"{ACCOUNTS_PATH}/999", LIST]


async def test_an_unknown_account_is_the_error_even_if_the_list_fails() -> None:
    """If the list can't be read, the error for an unknown account holds no ids."""
    async with serve_directory(ACCOUNTS) as served:

        async def behave(request: web.Request) -> web.StreamResponse:
            return web.Response(status=502 if request.path == LIST else 404)

        served.api.behave = behave
        with pytest.raises(NoSuchAccount) as caught:
            await served.directory.look_up("999")
        assert caught.value.account_ids == ()


async def test_a_deleted_account_is_not_among_the_existing_ids() -> None:
    """The error for a deleted account does not hold its id, even if the list still has it."""
    async with serve_directory(ACCOUNTS) as served:
        served.api.behave = answering(lambda: web.Response(status=404))
        with pytest.raises(NoSuchAccount) as caught:
            await served.directory.look_up("1")
        assert "1" not in caught.value.account_ids


@pytest.mark.parametrize("asked", ["", " ", ".", "..", "a\x00b", "a\nb", "\ud800"])
@pytest.mark.parametrize(("listed_before", "known"), [(True, ("2", "3", "1", "4", "5")), (False, ())])
async def test_an_impossible_id_is_refused_without_a_call(
    asked: str, *, listed_before: bool, known: tuple[str, ...]
) -> None:
    """A text that can't be an id costs no call; the error holds the ids that are already known."""
    async with serve_directory(ACCOUNTS) as served:
        if listed_before:
            await served.directory.read_all()
        with pytest.raises(NoSuchAccount) as caught:
            await served.directory.look_up(asked)
        assert caught.value.account_ids == known
        assert served.api.calls == [LIST] * listed_before


@pytest.mark.parametrize(("asked", "account_id"), [("jan", "1"), ("Stra", "5"), ("Jane \u00b7 in error \u00b7 1", "1")])
async def test_a_part_of_a_name_and_a_label_find_their_account(asked: str, account_id: str) -> None:
    """A part that only one name has, and a line of completion, work like an id."""
    async with serve_directory(ACCOUNTS) as served:
        assert (await served.directory.look_up(asked)).account.id == account_id


async def test_a_label_is_never_requested_as_an_id() -> None:
    """A line of completion costs one call, for the list."""
    async with serve_directory(ACCOUNTS) as served:
        await served.directory.look_up("Jane \u00b7 expires in 3 days \u00b7 1")
        assert served.api.calls == [LIST]


async def test_similar_accounts_are_suggested_with_their_names() -> None:
    """The error for a misspelled name holds the accounts that have a similar one."""
    async with serve_directory(ACCOUNTS) as served:
        with pytest.raises(NoSuchAccount) as caught:
            await served.directory.look_up("Jnae")
        assert caught.value.suggestions == (("Jane", "1"),)


async def test_a_part_of_several_names_is_ambiguous() -> None:
    """The error for a part of several names holds them all."""
    async with serve_directory(by_id(build_account("1", "Sam Reed"), build_account("2", "Samira"))) as served:
        with pytest.raises(AmbiguousName) as caught:
            await served.directory.look_up("sam")
        assert caught.value.suggestions == (("Sam Reed", "1"), ("Samira", "2"))


@pytest.mark.parametrize(
    ("status", "kind"), [(401, UseapiTokenRefused), (402, SubscriptionLapsed), (500, ApiUnreachable)]
)
async def test_other_errors_are_raised_as_they_are(status: int, kind: type[BotError]) -> None:
    """Only for a missing account does the directory read the list."""
    async with serve_directory(ACCOUNTS) as served:
        served.api.behave = answering(lambda: web.Response(status=status))
        with pytest.raises(kind):
            await served.directory.look_up("1")
        assert LIST not in served.api.calls
