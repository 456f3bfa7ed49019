"""Tests of `/minimax-reminders add`, `list` and `remove` in a simulated Discord."""

import pytest
from simcord.backend.errors import SetupError
from simcord.results import ResponseMessage

from bot.store.subscriptions import NewSubscription, get_subscriptions, put_subscription
from tests.chat.test_check_now import buttons_of
from tests.support.chat.answers import embed_of
from tests.support.chat.reminders import DAY, add, posts_in, remove, show
from tests.support.world import GUILD_ID, OTHER_GUILD_ID, START, World, account


def stamp(days: float) -> str:
    """Return how Discord shows a moment so many days after the simulation's start."""
    return f"<t:{int(START.timestamp() + days * DAY)}:f>"


async def fill(world: World, number: int) -> None:
    """Watch so many accounts in the world's channel, the soonest expiry last."""
    ids = [str(1000 + n) for n in range(number)]
    world.standin.accounts = {key: account(key, f"User {key}", days=200 - n) for n, key in enumerate(ids)}
    for position, key in enumerate(ids):
        if position % 10 == 0:
            await world.env.advance_time(30)  # one person may ask ten times at once, then every three seconds
        assert await add(world, key, days="1")
    await world.env.advance_time(30)


async def listed(world: World) -> str:
    """Return the text of the list."""
    return embed_of(await show(world)).description or ""


async def test_adds_one_account_here(world: World) -> None:
    """A watch on one account goes to the channel one is in, with the default lead times, and says what comes next."""
    await world.poll_once()
    assert await add(world, "123456", days="7 3 1") == (
        f"Reminder added\nAccount 123456 in {world.channel.mention}: 7, 3, 1 days before, and when expired\n"
        f"Next reminder: 7 days before, on {stamp(5)}"
    )
    other = world.env.guild.create_text_channel("other")
    assert "14, 7, 3, 1 days before, and when expired\nNext reminder: now" in await add(world, "123456", channel=other)


async def test_adds_an_account_by_its_name(world: World) -> None:
    """A user name that one account has stands for its id."""
    assert "Account 123456 in" in await add(world, "jane doe")


@pytest.mark.parametrize("asked", ["all", " ALL ", "All accounts"])
async def test_adds_all_accounts(world: World, asked: str) -> None:
    """The choice, its value and its label mean all accounts; before the first read nothing is known to come."""
    answer = await add(world, asked)
    assert f"All accounts in {world.channel.mention}: 14, 7, 3, 1 days before" in answer
    assert answer.endswith("Next reminder: none that is known yet")


async def test_says_what_comes_next_when_expired(world: World) -> None:
    """With all lead times behind it, the next reminder is the one at the expiry."""
    await world.poll_once()
    await add(world, "234567", days="3")
    await world.poll_once()
    assert f"Next reminder: when it expires, on {stamp(3)}" in await add(world, "234567", days="3")


async def test_says_of_which_account_the_next_reminder_is(world: World) -> None:
    """A watch on all accounts names the one that it will tell of next, in its answer and in the list."""
    await world.poll_once()
    await add(world)
    await world.poll_once()
    comes_next = f"Sam Reed (234567), 1 day before, on {stamp(2)}"
    assert f"Next reminder: {comes_next}" in await add(world)
    assert f"Next: {comes_next} · [last reminder]" in await listed(world)


async def test_completion_offers_all_accounts_first(world: World) -> None:
    """Completion offers all accounts beside the single ones, as long as what is typed fits."""

    async def offered(typed: str) -> list[str]:
        choices = await world.manager.autocomplete(world.channel, "minimax-reminders add", "account", typed)
        return [choice["value"] for choice in choices]

    assert await offered("") == ["all", "345678", "234567", "123456"]
    assert await offered("All acc") == ["all"]
    assert await offered("sam") == ["345678", "234567"]
    world.standin.accounts = {str(n): account(str(n), days=n) for n in range(1, 41)}
    await world.env.advance_time(90)
    assert len(await offered("")) == 25


@pytest.mark.parametrize(
    ("typed", "understood"),
    [("14, 7 3,1", "14, 7, 3, 1"), ("1,30,7,7 30", "30, 7, 1"), ("365", "365"), ("1 2 3 4 5 6 7 8 8", "8, 7, 6, 5, 4")],
)
async def test_understands_typed_days(world: World, typed: str, understood: str) -> None:
    """Days come with commas or spaces, in any order; doubles are dropped."""
    assert f": {understood}" in await add(world, days=typed)


@pytest.mark.parametrize("typed", ["0", "366", "-1", "1.5", "seven", "7d", "\uff17", "7;3", "99999999999999999999999"])
async def test_refuses_days_that_are_none(world: World, typed: str) -> None:
    """What is not a whole number from 1 to 365 is refused with the rule and an example, and nothing is stored."""
    answer = await add(world, days=typed)
    assert "Each lead time is a whole number of days from 1 to 365." in answer
    assert '"14, 7, 3, 1"' in answer
    assert "No reminders yet" in await listed(world)


@pytest.mark.parametrize("typed", [" ", ",", "1 2 3 4 5 6 7 8 9"])
async def test_refuses_too_many_days_or_none(world: World, typed: str) -> None:
    """No day at all, and more than eight, are refused with the rule."""
    assert "There can be 1 to 8 lead times." in await add(world, days=typed)


async def test_refuses_an_unknown_account(world: World) -> None:
    """An account that does not exist is refused, with those that do."""
    answer = await add(world, "999")
    assert answer.startswith("No such account")
    assert "`345678`, `234567`, `123456`" in answer
    assert "No reminders yet" in await listed(world)


async def test_replaces_a_watch_wholly(world: World) -> None:
    """Adding the same account in the same channel shows before and after; what is omitted is the default."""
    await world.poll_once()
    role = world.env.guild.create_role("Ops", mentionable=True)
    await add(world, "123456", days="5", mention=role)
    here = world.channel.mention
    assert await add(world, "123456") == (
        f"Reminder changed\nAccount 123456 in {here}: 14, 7, 3, 1 days before, and when expired\n"
        f"Before: Account 123456 in {here}: 5 days before, and when expired, mentions {role.mention}\n"
        "Next reminder: now"
    )
    assert (await listed(world)).count("Jane Doe (123456)") == 1


async def test_holds_at_most_fifty_watches(world: World) -> None:
    """The 51st watch of a server is refused; a present one can still be changed, and a removed one replaced."""
    await fill(world, 50)
    assert "This server has 50 reminders already." in await add(world)
    assert (await add(world, "1000", days="9")).startswith("Reminder changed")
    await steer(world, "remove", "1")
    assert (await add(world)).startswith("Reminder added")


async def test_lists_the_soonest_reminder_first(world: World) -> None:
    """What is due now leads, then by date; what has nothing to come is last; each says where its channel stands."""
    await world.poll_once()
    quiet, late, soon = (world.env.guild.create_text_channel(name) for name in ("quiet", "late", "soon"))
    await add(world, "345678", channel=quiet)
    await world.poll_once()
    await add(world, "123456", channel=late, days="7")
    await add(world, "234567", channel=soon, days="1")
    await add(world, "345678")
    (post,) = posts_in(quiet)
    expired, nothing = "before, and when expired**", "Next: none that is known yet"
    quiet_yet = "no reminder sent yet"
    link = f"https://discord.com/channels/{GUILD_ID}/{quiet.id}/{post.id}"
    assert (await listed(world)).split("\n\n") == [
        f"**Sam Reed (345678) in {world.channel.mention}: 14, 7, 3, 1 days {expired}\nNext: now · {quiet_yet}",
        f"**Sam Reed (234567) in {soon.mention}: 1 day {expired}\nNext: 1 day before, on {stamp(2)} · {quiet_yet}",
        f"**Jane Doe (123456) in {late.mention}: 7 days {expired}\nNext: 7 days before, on {stamp(5)} · {quiet_yet}",
        f"**Sam Reed (345678) in {quiet.mention}: 14, 7, 3, 1 days {expired}\n{nothing} · [last reminder]({link})",
    ]


async def test_list_shows_a_channel_that_refuses(world: World) -> None:
    """A channel that takes no messages is marked, with the reason and the next try."""
    await add(world)
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    assert (
        "⚠️ It does not arrive: the bot lacks a permission in the channel. Next try <t:1767225660:R>."
        in await listed(world)
    )


async def page(world: World, message: ResponseMessage, label: str) -> ResponseMessage:
    """Let the manager turn to another page."""
    response = (await world.manager.click(message, label=label)).response
    assert response is not None
    assert response.id == message.id
    return response


@pytest.mark.parametrize("restarted", [False, True])
async def test_turns_pages(world: World, *, restarted: bool) -> None:
    """More than ten watches come in pages, whose buttons work after a restart too."""
    await fill(world, 21)
    first = (await show(world)).response
    assert first is not None
    assert set(buttons_of(first)) == {"Next"}
    if restarted:
        await world.restart()
    assert first.embeds[0].footer.text == "Page 1 of 3"
    second = await page(world, first, "Next")
    assert (second.embeds[0].footer.text, set(buttons_of(second))) == ("Page 2 of 3", {"Previous", "Next"})
    third = await page(world, second, "Next")
    assert (third.embeds[0].description or "").count("Account") == 1
    assert set(buttons_of(third)) == {"Previous"}
    assert (await page(world, third, "Previous")).embeds[0].footer.text == "Page 2 of 3"


async def test_shows_the_last_page_that_is_left(world: World) -> None:
    """A button to a page that has gone meanwhile shows the last one."""
    await fill(world, 11)
    first = (await show(world)).response
    assert first is not None
    await steer(world, "remove", "1")
    turned = await page(world, first, "Next")
    assert (turned.embeds[0].footer.text, buttons_of(turned)) == (None, {})


async def test_a_page_of_the_longest_watches_fits(world: World) -> None:
    """Ten watches with the longest ids and the most days stay within Discord's limits, none cut off."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    ids = [str(n) + "*" * 62 for n in range(10, 20)]
    world.standin.accounts = {key: account(key) for key in ids}
    for key in ids:
        await add(world, key, days="365 364 363 362 361 360 359 358", mention=role)
    await world.env.advance_time(30)
    text = await listed(world)
    assert len(text) <= 4096
    assert text.count("Next:") == 10


async def test_removes_a_watch_picked_from_completion(world: World) -> None:
    """Completion offers the server's watches by account and channel; the picked one is gone, and nothing is said."""
    await add(world)
    await add(world, "123456")

    async def offered(typed: str) -> list[dict[str, str]]:
        return await world.manager.autocomplete(world.channel, "minimax-reminders remove", "reminder", typed)

    first = {"name": "All accounts in #pipeline", "value": "1"}
    second = {"name": "Account 123456 in #pipeline", "value": "2"}
    assert await offered("") == [first, second]
    assert await offered("PIPE") == [first, second]
    assert await offered(" 1234") == [second]
    assert await offered("nowhere") == []
    assert (
        await steer(world, "remove", "1")
        == f"Reminder removed\nAll accounts in {world.channel.mention}: no reminders any more."
    )
    assert await offered("") == [second]
    await steer(world, "remove", "2")
    await world.poll_once()
    assert posts_in(world.channel) == []


async def test_says_nothing_that_is_still_owed_to_a_removed_watch(world: World) -> None:
    """What a refusing channel could not be told is dropped with its watch."""
    await add(world)
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    await steer(world, "remove", "1")
    await world.env.advance_time(3600)
    await world.poll_once()
    assert posts_in(world.channel) == []


@pytest.mark.parametrize("reminder", ["999", "nonsense", "-1", "1.0", "\u0661", "9" * 18, "9" * 19, "9" * 100])
async def test_refuses_to_remove_what_is_not_there(world: World, subscription: str) -> None:
    """An id that is none, or none of a watch, is refused in words."""
    await add(world)
    assert "There is no such reminder in this server." in await steer(world, "remove", subscription)
    assert "All accounts" in await listed(world)


async def test_other_servers_watches_are_out_of_reach(world: World) -> None:
    """A watch of another server is neither listed nor offered, and its id removes nothing."""
    foreign = NewSubscription(OTHER_GUILD_ID, 7, "theirs", "123456", (7,), None, None, 1)
    async with world.database.begin() as tx:
        stored, _ = await put_subscription(tx, foreign, START)
    assert "There is no such reminder in this server." in await steer(world, "remove", str(stored.id))
    assert await world.manager.autocomplete(world.channel, "minimax-reminders remove", "reminder", "") == []
    assert "No reminders yet" in await listed(world)
    async with world.database.begin() as tx:
        assert await get_subscriptions(tx, OTHER_GUILD_ID) == [stored]


@pytest.mark.parametrize(
    ("command", "options"), [("add", {"account": "all"}), ("list", {}), ("remove", {"watch": "1"})]
)
async def test_is_for_managers_of_the_server(world: World, command: str, options: dict[str, str]) -> None:
    """Without Manage Server none of the commands is offered."""
    await add(world)
    assert f"minimax-reminders {command}" in world.manager.available_commands(world.channel)
    assert world.member.available_commands(world.channel) == ()
    with pytest.raises(SetupError):
        await world.member.slash(world.channel, f"minimax-reminders {command}", **options)
