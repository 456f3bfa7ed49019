"""Tests of `/minimax-reminders add`, `list` and `remove` in a simulated Discord."""

import pytest
from simcord.backend.errors import SetupError
from simcord.results import ResponseMessage

from bot.core.links import SETUP_GUIDE
from bot.core.subscriptions import NewSubscription
from bot.store.subscriptions import get_subscriptions, put_subscription
from tests.support.accounts import START, build_account
from tests.support.chat.answers import buttons_of, embed_of, message_of
from tests.support.chat.reminders import DAY, WITHOUT_FOLLOW_UPS, add, listed, posts_in, show_list, steer
from tests.support.world import GUILD_ID, OTHER_GUILD_ID, World

DEFAULTS = "14, 7, 3 and 1 day before, and on expiry"


def stamp(days: float, style: str = "f") -> str:
    """Return how Discord shows a moment so many days after the simulation's start."""
    return f"<t:{int(START.timestamp() + days * DAY)}:{style}>"


async def fill(world: World, number: int) -> None:
    """Add reminders for so many accounts in the world's channel, the soonest expiry last."""
    ids = [str(1000 + n) for n in range(number)]
    world.api.accounts = {key: build_account(key, f"User {key}", days=200 - n) for n, key in enumerate(ids)}
    for position, key in enumerate(ids):
        if position % 10 == 0:
            await world.env.advance_time(30)  # a user has a burst of ten, then one in three seconds
        assert await add(world, key, days="1")
    await world.env.advance_time(30)


async def test_adds_one_account_here(world: World) -> None:
    """A reminder for one account goes to this channel with the default days; the answer says when the next is due."""
    await world.poll_once()
    assert await add(world, "123456", days="7 3 1") == (
        f"Reminder added\n**Jane Doe** → {world.channel.mention} · 7, 3 and 1 day before, and on expiry · "
        f"pings nobody\nFirst reminder: {stamp(5, 'R')} (7 days before)"
    )
    other = world.env.guild.create_text_channel("other")
    answer = await add(world, "123456", channel=other)
    assert "14, 7, 3 and 1 day before, and on expiry · pings nobody\nFirst reminder: in a few seconds" in answer


@pytest.mark.parametrize("asked", ["jane doe", "Doe", "Jane Doe · expires in 12 days · 123456", "Jane Doe (123456)"])
async def test_adds_an_account_by_its_name(world: World, asked: str) -> None:
    """A name, a part of it, and a line that completion showed find the only account that they fit."""
    assert "**Jane Doe** → " in await add(world, asked)


@pytest.mark.parametrize("asked", ["all", " ALL ", "All accounts"])
async def test_adds_all_accounts(world: World, asked: str) -> None:
    """The value and the label of the choice mean all accounts; before the first poll, no next reminder is known."""
    answer = await add(world, asked)
    assert f"**All accounts** → {world.channel.mention} · 14, 7, 3 and 1 day before" in answer
    assert answer.endswith("First reminder: known after the next check, in a minute")


async def test_the_last_reminder_comes_at_the_expiry(world: World) -> None:
    """After all lead times, the next reminder is the one at the expiry."""
    await world.poll_once()
    await add(world, "234567", days="3")
    await world.poll_once()
    assert f"Next reminder: {stamp(3, 'R')} (on expiry)" in await add(world, "234567", days="3")


async def test_names_the_account_of_the_next_reminder(world: World) -> None:
    """The answer and the list name the account of the next reminder, where a reminder is for all accounts."""
    del world.api.accounts["345678"]
    await world.poll_once()
    await add(world)
    await world.poll_once()
    assert f"Next reminder: **Sam Reed** {stamp(2, 'R')} (1 day before)" in await add(world)
    assert f"Next: **Sam Reed** {stamp(2, 'R')} (1 day before) · [last message]" in await listed(world)


async def test_completion_offers_all_accounts_first(world: World) -> None:
    """Completion offers "all accounts" before the single ones, if it contains the typed text."""

    async def offered(typed: str) -> list[str]:
        choices = await world.manager.autocomplete(world.channel, "minimax-reminders add", "account", typed)
        return [choice["value"] for choice in choices]

    assert await offered("") == ["*all", "345678", "234567", "123456"]
    assert await offered("All acc") == ["*all"]
    assert await offered("sam") == ["345678", "234567"]
    world.api.accounts = {str(n): build_account(str(n), days=n) for n in range(1, 41)}
    await world.env.advance_time(90)
    assert len(await offered("")) == 25


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("14, 7 3,1", "14, 7, 3 and 1 day before"),
        ("1,30,7,7 30", "30, 7 and 1 day before"),
        ("365", "365 days before and on expiry"),
        ("1 2 3 4 5 6 7 8 8", "8, 7, 6, 5, 4, 3, 2 and 1 day before"),
    ],
)
async def test_understands_typed_days(world: World, typed: str, understood: str) -> None:
    """Days are separated by commas or spaces, in any order; repeated ones count once."""
    assert f"· {understood}" in await add(world, days=typed)


@pytest.mark.parametrize("typed", ["0", "366", "-1", "1.5", "seven", "7d", "\uff17", "7;3", "99999999999999999999999"])
async def test_refuses_wrong_days(world: World, typed: str) -> None:
    """Text that is not a whole number from 1 to 365 is refused with the rule and an example; nothing is saved."""
    answer = (await add(world, days=typed)).replace("\\", "")
    assert answer == (
        f'Days must be 1 to 365\n"{typed}" doesn\'t work. '
        "Separate whole numbers with commas, for example `14, 7, 3, 1`."
    )
    assert "No reminders yet" in await listed(world)


@pytest.mark.parametrize("typed", [" ", ",", "1 2 3 4 5 6 7 8 9"])
async def test_refuses_too_many_days_or_none(world: World, typed: str) -> None:
    """No day at all and more than eight days are refused with the rule."""
    assert await add(world, days=typed) == "Give 1 to 8 numbers of days\nFor example `14, 7, 3, 1`."


async def test_refuses_an_unknown_account(world: World) -> None:
    """An account that does not exist is refused with those that do."""
    assert await add(world, "999") == (
        'No account called "999"\nThese accounts exist:\n'
        "• **Sam Reed** `345678`\n• **Sam Reed** `234567`\n• **Jane Doe** `123456`\n\n"
        f"Not set up yet? [Add it at useapi.net]({SETUP_GUIDE})."
    )
    assert "No reminders yet" in await listed(world)


async def test_has_at_most_fifty_reminders(world: World) -> None:
    """The 51st reminder of a server is refused; a present one can be changed, and one added after a removal."""
    await fill(world, 50)
    assert "This server has 50 reminders already" in await add(world)
    assert (await add(world, "1000", days="9")).startswith("Reminder updated")
    await steer(world, "remove", "1")
    assert (await add(world)).startswith("Reminder added")


async def test_lists_the_soonest_reminder_first(world: World) -> None:
    """The list begins with due reminders and ends with those without a next one; each has its own last message."""
    await world.poll_once()
    quiet, late, soon = (world.env.guild.create_text_channel(name) for name in ("quiet", "late", "soon"))
    await add(world, "345678", channel=quiet, **WITHOUT_FOLLOW_UPS)
    await world.poll_once()
    await add(world, "123456", channel=late, days="7")
    await add(world, "234567", channel=soon, days="1")
    await add(world, "345678")
    (post,) = posts_in(quiet)
    silent, none = "none sent yet", "Already expired; the next reminder comes after a renewal"
    twin, once = "**Sam Reed** `345678`", " before and on expiry · pings nobody"
    link = f"https://discord.com/channels/{GUILD_ID}/{quiet.id}/{post.id}"
    assert (await listed(world)).split("\n\n") == [
        f"{twin} → {world.channel.mention}\n{DEFAULTS} · pings nobody\nNext: in a few seconds · {silent}",
        f"**Sam Reed** `234567` → {soon.mention}\n1 day{once}\nNext: {stamp(2, 'R')} (1 day before) · {silent}",
        f"**Jane Doe** → {late.mention}\n7 days{once}\nNext: {stamp(5, 'R')} (7 days before) · {silent}",
        f"{twin} → {quiet.mention}\n{DEFAULTS} · no follow-ups · pings nobody\n{none} · [last message]({link})",
    ]


async def test_the_last_message_is_about_the_accounts_of_the_reminder(world: World) -> None:
    """A reminder of which nothing was sent has no last message, whatever else its channel got."""
    world.api.accounts["130088214"] = build_account("130088214", "Studio North", days=None)
    await add(world)
    await world.poll_once()
    await add(world, "130088214")
    await add(world, "123456")
    blocks = (await listed(world)).split("\n\n")
    (post,) = posts_in(world.channel)
    assert [block.splitlines()[0].partition(" → ")[0] for block in blocks] == [
        "**All accounts**",
        "**Jane Doe**",
        "**Studio North**",
    ]
    link = f"[last message](https://discord.com/channels/{GUILD_ID}/{world.channel.id}/{post.id})"
    assert [link in block for block in blocks] == [True, True, False]
    assert blocks[2].splitlines()[2:] == [
        '-# replaces "All accounts" for **Studio North** in this channel',
        "No expiry date reported, so nothing is planned · none sent yet",
    ]


async def test_the_list_leads_to_what_is_to_come(world: World) -> None:
    """A button under the list shows the next 30 days; without reminders the list says how to add one."""
    empty = await show_list(world)
    assert embed_of(empty).description == "No reminders yet. Add the first one: `/minimax-reminders add`"
    assert not buttons_of(message_of(empty))
    await add(world)
    await world.poll_once()
    shown = message_of(await show_list(world))
    assert (await page(world, shown, "Next 30 days")).embeds[0].title == "Next 30 days: 7 reminders"


async def test_list_shows_a_channel_that_refuses(world: World) -> None:
    """The list shows that a channel refuses messages, why, and when the next attempt comes."""
    await add(world)
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    assert (
        "**Jane Doe**, waiting (14 days before) · none sent yet\n"
        "⚠️ Not delivered: the bot lacks a permission in the channel. Next try <t:1767225660:R>." in await listed(world)
    )


async def page(world: World, message: ResponseMessage, label: str) -> ResponseMessage:
    """Let the manager turn to another page."""
    response = message_of(await world.manager.click(message, label=label))
    assert response.id == message.id
    return response


@pytest.mark.parametrize("restarted", [False, True])
async def test_turns_pages(world: World, *, restarted: bool) -> None:
    """More than ten reminders have pages, whose buttons work after a restart too."""
    await fill(world, 21)
    first = message_of(await show_list(world))
    assert set(buttons_of(first)) == {"Next 30 days", "▶"}
    if restarted:
        await world.restart()
    assert first.embeds[0].footer.text == "Page 1 of 3"
    second = await page(world, first, "▶")
    assert (second.embeds[0].footer.text, set(buttons_of(second))) == ("Page 2 of 3", {"Next 30 days", "◀", "▶"})
    third = await page(world, second, "▶")
    assert (third.embeds[0].description or "").count(" → ") == 1
    assert set(buttons_of(third)) == {"Next 30 days", "◀"}
    assert (await page(world, third, "◀")).embeds[0].footer.text == "Page 2 of 3"


async def test_shows_the_last_page_that_is_left(world: World) -> None:
    """A button to a page that does not exist any more shows the last page."""
    await fill(world, 11)
    first = message_of(await show_list(world))
    await steer(world, "remove", "1")
    turned = await page(world, first, "▶")
    assert (turned.embeds[0].footer.text, set(buttons_of(turned))) == (None, {"Next 30 days"})


async def test_a_page_of_the_longest_reminders_fits(world: World) -> None:
    """Ten reminders with the longest ids and the most days keep Discord's limits, and none is cut."""
    role = world.env.guild.create_role("Ops", mentionable=True)
    ids = [str(n) + "*" * 62 for n in range(10, 20)]
    world.api.accounts = {key: build_account(key) for key in ids}
    for key in ids:
        await add(world, key, days="365 364 363 362 361 360 359 358", ping=role)
    await world.env.advance_time(30)
    text = await listed(world)
    assert len(text) <= 4096
    assert text.count("Next: known after the next check · none sent yet") == 10


async def test_removes_a_reminder_picked_from_completion(world: World) -> None:
    """Completion offers the server's reminders by account and channel; a removed one sends nothing."""
    await add(world)
    await add(world, "123456")

    async def offered(typed: str) -> list[dict[str, str]]:
        return await world.manager.autocomplete(world.channel, "minimax-reminders remove", "reminder", typed)

    await world.poll_once()
    first = {"name": "All accounts → pipeline · 14, 7, 3 and 1 day before", "value": "1"}
    second = {"name": "Jane Doe → pipeline · 14, 7, 3 and 1 day before", "value": "2"}
    assert await offered("") == [first, second]
    assert await offered("PIPE") == [first, second]
    assert await offered(" jane") == [second]
    assert await offered("nowhere") == [{"name": "No reminder matches", "value": "none"}]
    sent = len(posts_in(world.channel))
    assert await steer(world, "remove", "1") == (
        f"Reminder removed\n{world.channel.mention} no longer gets reminders for all accounts.\n"
        "It still gets those for **Jane Doe**."
    )
    assert await offered("") == [second]
    assert await steer(world, "remove", "2") == (
        f"Reminder removed\n{world.channel.mention} no longer gets reminders for **Jane Doe**."
    )
    await world.env.advance_time(DAY)
    await world.poll_once()
    assert len(posts_in(world.channel)) == sent
    assert await offered("") == [{"name": "No reminders yet", "value": "none"}]


async def test_removing_deletes_pending_notifications(world: World) -> None:
    """Notifications that a channel refused are deleted with their reminder."""
    await add(world)
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    await steer(world, "remove", "1")
    await world.env.advance_time(3600)
    await world.poll_once()
    assert posts_in(world.channel) == []


@pytest.mark.parametrize("reminder", ["999", "nonsense", "-1", "1.0", "\u0661", "9" * 18, "9" * 19, "9" * 100])
async def test_refuses_to_remove_an_unknown_reminder(world: World, reminder: str) -> None:
    """An id of no reminder, and text that is no id, are refused in words."""
    await add(world)
    assert await steer(world, "remove", reminder) == (
        "Reminder not found\nPick one from the list that appears while you type."
    )
    assert "All accounts" in await listed(world)


async def test_reminders_of_other_servers_are_out_of_reach(world: World) -> None:
    """A reminder of another server is neither listed nor offered, and its id removes nothing."""
    foreign = NewSubscription(OTHER_GUILD_ID, 7, "123456", (7,), None, 1)
    async with world.database.begin() as tx:
        stored, _ = await put_subscription(tx, foreign)
    assert (await steer(world, "remove", str(stored.id))).startswith("No reminders yet")
    offered = await world.manager.autocomplete(world.channel, "minimax-reminders remove", "reminder", "")
    assert [choice["value"] for choice in offered] == ["none"]
    assert "No reminders yet" in await listed(world)
    async with world.database.begin() as tx:
        assert await get_subscriptions(tx, OTHER_GUILD_ID) == [stored]


@pytest.mark.parametrize(
    ("command", "options"), [("add", {"account": "all"}), ("list", {}), ("remove", {"reminder": "1"})]
)
async def test_is_for_managers_of_the_server(world: World, command: str, options: dict[str, str]) -> None:
    """Discord offers none of the commands to a member without Manage Server."""
    await add(world)
    assert f"minimax-reminders {command}" in world.manager.available_commands(world.channel)
    assert world.member.available_commands(world.channel) == ()
    with pytest.raises(SetupError):
        await world.member.slash(world.channel, f"minimax-reminders {command}", **options)
