"""Finding accounts by id or name, with as few calls as possible."""

import asyncio

import pytest
from aiohttp import web

from bot.errors import AmbiguousName, ApiUnreachable, BotError, NoSuchAccount, SubscriptionLapsed, UseapiTokenRefused
from bot.useapi.client import ACCOUNTS_PATH
from tests.support.api import Gate, account, always, open_stage

LIST, ONE, TWO = ACCOUNTS_PATH, f"{ACCOUNTS_PATH}/1", f"{ACCOUNTS_PATH}/2"
ACCOUNTS = {
    "1": account("Jane", days=3),
    "2": account("Sam", days=1),
    "3": account("sam", days=2),
    "4": account("1"),
    "5": account("\u00c9lo\u00efse Stra\u00dfe"),
}


async def test_simultaneous_look_ups_of_one_account_share_a_call() -> None:
    """Twenty people who ask for an account at once cost one call."""
    async with open_stage(ACCOUNTS) as stage:
        with Gate(stage.standin) as gate:
            tasks = [asyncio.create_task(stage.directory.look_up("1")) for _ in range(20)]
            await gate.arrived.get()
        readings = await asyncio.gather(*tasks)
        assert {reading.account.name for reading in readings} == {"Jane"}
        assert stage.standin.calls == [ONE]


async def test_simultaneous_look_ups_of_two_accounts_do_not() -> None:
    """Different accounts are different calls."""
    async with open_stage(ACCOUNTS) as stage:
        readings = await asyncio.gather(stage.directory.look_up("1"), stage.directory.look_up("2"))
        assert [reading.account.id for reading in readings] == ["1", "2"]
        assert sorted(stage.standin.calls) == [ONE, TWO]


async def test_whoever_leaves_takes_the_answer_from_nobody() -> None:
    """Cancelling one who waits, even the first, leaves the call to the others."""
    async with open_stage(ACCOUNTS) as stage:
        with Gate(stage.standin) as gate:
            first, second, third = (asyncio.create_task(stage.directory.look_up("1")) for _ in range(3))
            await gate.arrived.get()
            first.cancel()
            third.cancel()
            await asyncio.wait([first, third])
            assert first.cancelled()
            assert third.cancelled()
        assert (await second).account.name == "Jane"
        assert stage.standin.calls == [ONE]


async def test_an_answer_nobody_waits_for_is_kept() -> None:
    """The call goes on when everyone has left, and serves who comes next."""
    async with open_stage(ACCOUNTS) as stage:
        with Gate(stage.standin) as gate:
            only = asyncio.create_task(stage.directory.look_up("1"))
            await gate.arrived.get()
            only.cancel()
            await asyncio.wait([only])
        assert (await stage.directory.look_up("1")).account.name == "Jane"
        assert stage.standin.calls == [ONE]


async def test_an_error_is_shared_and_not_kept() -> None:
    """Everyone who waits for a call gets its error; whoever asks next gets a new call."""
    async with open_stage(ACCOUNTS) as stage:
        stage.standin.behave = always(lambda: web.Response(status=402))
        results = await asyncio.gather(*(stage.directory.look_up("1") for _ in range(5)), return_exceptions=True)
        assert {type(result) for result in results} == {SubscriptionLapsed}
        assert stage.standin.calls == [ONE]
        stage.standin.behave = None
        assert (await stage.directory.look_up("1")).account.name == "Jane"


@pytest.mark.parametrize(("seconds", "calls"), [(0, 1), (14.9, 1), (15, 1), (15.1, 2), (3_600, 2), (-1, 2)])
async def test_an_answer_is_used_for_fifteen_seconds(seconds: float, calls: int) -> None:
    """An answer up to 15 seconds old will do; one older, or from the future, will not."""
    async with open_stage(ACCOUNTS) as stage:
        first = await stage.directory.look_up("1")
        stage.clock.move(seconds)
        second = await stage.directory.look_up("1")
        assert len(stage.standin.calls) == calls
        assert (second.read_at == first.read_at) is (calls == 1 or seconds == 0)


@pytest.mark.parametrize(("seconds", "calls"), [(0, [LIST]), (15, [LIST]), (15.1, [LIST, ONE])])
async def test_a_recent_list_answers_look_ups(seconds: float, calls: list[str]) -> None:
    """An account that was listed at most 15 seconds ago is not asked for again."""
    async with open_stage(ACCOUNTS) as stage:
        await stage.directory.read_all()
        stage.clock.move(seconds)
        assert (await stage.directory.look_up("1")).account.name == "Jane"
        assert stage.standin.calls == calls


async def test_the_newest_answer_counts() -> None:
    """Of a listed and a single answer, both recent, the later one is given."""
    async with open_stage({"1": account("Old")}) as stage:
        await stage.directory.read_all()
        stage.clock.move(5)
        stage.standin.accounts = {"1": account("New")}
        await stage.directory.read("1", fresh=True)
        assert (await stage.directory.read("1")).account.name == "New"


@pytest.mark.parametrize(("seconds", "calls"), [(15, 1), (15.1, 2)])
async def test_the_list_is_used_for_fifteen_seconds(seconds: float, calls: int) -> None:
    """A list up to 15 seconds old will do for whoever wants all accounts."""
    async with open_stage(ACCOUNTS) as stage:
        await stage.directory.read_all()
        stage.clock.move(seconds)
        assert set(await stage.directory.read_all()) == set(ACCOUNTS)
        assert len(stage.standin.calls) == calls


async def test_a_fresh_read_asks_again() -> None:
    """A fresh read is satisfied with no earlier answer, and its own serves those after it."""
    async with open_stage({"1": account("Old")}) as stage:
        await stage.directory.look_up("1")
        stage.standin.accounts = {"1": account("New")}
        assert (await stage.directory.read("1", fresh=True)).account.name == "New"
        assert (await stage.directory.look_up("1")).account.name == "New"
        assert stage.standin.calls == [ONE, ONE]


async def test_a_fresh_read_does_not_join_a_call_under_way() -> None:
    """A call that was made before someone asked for a fresh answer may already be old."""
    async with open_stage({"1": account("Old")}) as stage:
        with Gate(stage.standin) as gate:
            earlier = asyncio.create_task(stage.directory.read("1"))
            await gate.arrived.get()
            stage.standin.accounts["1"] = account("New")
            fresh = asyncio.create_task(stage.directory.read("1", fresh=True))
            await gate.arrived.get()
        assert (await earlier).account.name == "Old"
        assert (await fresh).account.name == "New"


async def test_an_earlier_call_that_ends_late_does_not_replace_a_fresh_answer() -> None:
    """What was asked for later is newer, whichever answer arrives last."""
    async with open_stage({"1": account("Old")}) as stage:
        with Gate(stage.standin) as gate:
            earlier = asyncio.create_task(stage.directory.read("1"))
            await gate.arrived.get()
            stage.standin.accounts, stage.standin.behave = {"1": account("New")}, None
            stage.clock.move(1)
            assert (await stage.directory.read("1", fresh=True)).account.name == "New"
            stage.clock.move(1)
        await earlier
        assert (await stage.directory.read("1")).account.name == "New"


@pytest.mark.parametrize("asked", ["Jane", "jane", "JANE", "  Jane "])
async def test_a_name_that_only_one_account_has_finds_it(asked: str) -> None:
    """A user name works like an id, whatever its case; it takes the list to know it."""
    async with open_stage(ACCOUNTS) as stage:
        assert (await stage.directory.look_up(asked)).account.id == "1"
        assert stage.standin.calls == [f"{ACCOUNTS_PATH}/{asked.strip()}", LIST]


async def test_a_known_name_is_not_taken_for_an_id() -> None:
    """Once listed, a name costs one call or none."""
    async with open_stage(ACCOUNTS) as stage:
        await stage.directory.read_all()
        stage.clock.move(20)
        assert (await stage.directory.look_up("jane")).account.id == "1"
        assert stage.standin.calls == [LIST, ONE]


async def test_names_compare_beyond_ascii() -> None:
    """Case does not matter in any script."""
    async with open_stage(ACCOUNTS) as stage:
        await stage.directory.read_all()
        assert (await stage.directory.look_up("\u00c9LO\u00cfSE STRASSE")).account.id == "5"


@pytest.mark.parametrize("listed_before", [True, False])
async def test_a_name_that_several_accounts_have_names_their_ids(*, listed_before: bool) -> None:
    """The asker learns which ids carry the name, and chooses."""
    async with open_stage(ACCOUNTS) as stage:
        if listed_before:
            await stage.directory.read_all()
        with pytest.raises(AmbiguousName) as caught:
            await stage.directory.look_up("SAM")
        assert (caught.value.name, caught.value.account_ids) == ("SAM", ("2", "3"))


@pytest.mark.parametrize("listed_before", [True, False])
async def test_an_id_wins_over_a_name(*, listed_before: bool) -> None:
    """If one account's name is another's id, the id is meant."""
    async with open_stage(ACCOUNTS) as stage:
        if listed_before:
            await stage.directory.read_all()
        assert (await stage.directory.look_up("1")).account.name == "Jane"


async def test_a_name_from_an_old_list_does_not_win_over_a_new_id() -> None:
    """An account that was added since the list was read is found by its id, whatever names the list holds."""
    async with open_stage({"4": account("1")}) as stage:
        await stage.directory.read_all()
        stage.standin.accounts["1"] = account("Jane")
        stage.clock.move(86_400)
        assert (await stage.directory.look_up("1")).account.name == "Jane"


async def test_a_name_that_moved_to_another_account_is_followed() -> None:
    """A name is looked for in a current list, not in the one of yesterday."""
    async with open_stage({"1": account("Jane"), "2": account("Sam")}) as stage:
        await stage.directory.read_all()
        stage.standin.accounts.update({"1": account("Sam"), "2": account("Jane")})
        stage.clock.move(86_400)
        assert (await stage.directory.look_up("Jane")).account.id == "2"


async def test_a_name_whose_account_is_gone_is_looked_for_again() -> None:
    """If the account that had a name is gone, whoever has it now is found."""
    async with open_stage({"1": account("Jane")}) as stage:
        await stage.directory.read_all()
        stage.clock.move(20)
        stage.standin.accounts = {"2": account("Jane")}
        assert (await stage.directory.look_up("Jane")).account.id == "2"


async def test_an_unknown_account_is_answered_with_those_that_exist() -> None:
    """The hint names the other ids, soonest expiry first."""
    async with open_stage(ACCOUNTS) as stage:
        with pytest.raises(NoSuchAccount) as caught:
            await stage.directory.look_up(" 999 ")
        assert caught.value.account_ids == ("2", "3", "1", "4", "5")
        assert stage.standin.calls == [f"{ACCOUNTS_PATH}/999", LIST]


async def test_an_unknown_account_is_told_even_if_the_list_fails() -> None:
    """Without a list there is no hint, but the answer stays the same."""
    async with open_stage(ACCOUNTS) as stage:

        async def behave(request: web.Request) -> web.StreamResponse:
            return web.Response(status=502 if request.path == LIST else 404)

        stage.standin.behave = behave
        with pytest.raises(NoSuchAccount) as caught:
            await stage.directory.look_up("999")
        assert caught.value.account_ids == ()


async def test_an_account_that_just_vanished_is_no_hint_to_itself() -> None:
    """An id that the API no longer knows is not offered, even if the list still has it."""
    async with open_stage(ACCOUNTS) as stage:
        stage.standin.behave = always(lambda: web.Response(status=404))
        with pytest.raises(NoSuchAccount) as caught:
            await stage.directory.look_up("1")
        assert "1" not in caught.value.account_ids


@pytest.mark.parametrize("asked", ["", " ", ".", "..", "a\x00b", "a\nb", "\ud800"])
@pytest.mark.parametrize(("listed_before", "known"), [(True, ("2", "3", "1", "4", "5")), (False, ())])
async def test_an_impossible_id_is_answered_without_a_call(
    asked: str, *, listed_before: bool, known: tuple[str, ...]
) -> None:
    """What can't be an id costs no call; the ids known already are the hint."""
    async with open_stage(ACCOUNTS) as stage:
        if listed_before:
            await stage.directory.read_all()
        with pytest.raises(NoSuchAccount) as caught:
            await stage.directory.look_up(asked)
        assert caught.value.account_ids == known
        assert stage.standin.calls == [LIST] * listed_before


@pytest.mark.parametrize(
    ("status", "kind"), [(401, UseapiTokenRefused), (402, SubscriptionLapsed), (500, ApiUnreachable)]
)
async def test_other_trouble_is_told_as_it_is(status: int, kind: type[BotError]) -> None:
    """Only an account that does not exist sends the directory to the list."""
    async with open_stage(ACCOUNTS) as stage:
        stage.standin.behave = always(lambda: web.Response(status=status))
        with pytest.raises(kind):
            await stage.directory.look_up("1")
        assert LIST not in stage.standin.calls
