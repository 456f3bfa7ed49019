"""Tests of `/minimax-reminders preview`: what it says is what then happens."""

import random
import re
from collections import Counter

import discord
import pytest
from simcord.results import InteractionResult

from tests.chat.test_check_now import buttons_of
from tests.support.chat.answers import embed_of
from tests.chat.test_reminder_steering import poll_for, steer
from tests.support.chat.reminders import DAY, add, sent_contents, contents_in, show
from tests.support.world import START, World, account

_WHEN = re.compile(r"<t:(\d+):f>")
_ID = re.compile(r"\((\d{6})\)")


async def ask(world: World) -> InteractionResult:
    """Let the manager ask what is to come."""
    return await world.manager.slash(world.channel, "minimax-reminders preview")


async def foretold(world: World) -> list[str]:
    """Return the first page's messages to come."""
    return (embed_of(await ask(world)).description or "").split("\n\n")


async def pages(world: World) -> list[discord.Embed]:
    """Return the cards of all pages, turning them one by one."""
    message = (await ask(world)).response
    assert message is not None
    cards = list(message.embeds)
    while "Next" in buttons_of(message):
        await world.env.advance_time(3)
        await world.manager.click(message, label="Next")
        cards += message.embeds
    return cards


def at(days: float) -> str:
    """Return how a moment so many days after the start is shown."""
    stamp = int(START.timestamp() + days * DAY)
    return f"**<t:{stamp}:f> (<t:{stamp}:R>)**"


async def test_shows_what_comes_when_where_and_for_whom(world: World) -> None:
    """Each message to come has its moment, its channel, its accounts with their steps, and whom it mentions."""
    world.standin.accounts = {"123456": account("123456", days=40), "234567": account("234567", "Sam Reed", days=3)}
    role = world.env.guild.create_role("Ops", mentionable=True)
    other = world.env.guild.create_text_channel("other")
    await world.poll_once()
    await add(world, days="30 10", mention=role)
    await add(world, "234567", days="1", channel=other)
    here = world.channel.mention
    assert await foretold(world) == [
        f"**Now** in {here}\nSam Reed (234567), 10 days before\nmentions {role.mention}",
        f"{at(2)} in {other.mention}\nSam Reed (234567), 1 day before",
        f"{at(3)} in {here}\nSam Reed (234567), when it expires\nmentions {role.mention}",
        f"{at(3)} in {other.mention}\nSam Reed (234567), when it expires",
        f"{at(10)} in {here}\nJane Doe (123456), 30 days before\nmentions {role.mention}",
        f"{at(30)} in {here}\nJane Doe (123456), 10 days before\nmentions {role.mention}",
    ]


async def test_groups_the_accounts_of_one_message(world: World) -> None:
    """Accounts that come due in one minute share a line; more than five are counted."""
    ids = [str(200_000 + n) for n in range(7)]
    world.standin.accounts = {key: account(key, days=10 + n / 86_400) for n, key in enumerate(ids)}
    await world.poll_once()
    await add(world, days="5")
    first = ", 5 days before; ".join(f"Jane Doe ({key})" for key in ids[:5])
    assert (await foretold(world))[0] == f"{at(5)} in {world.channel.mention}\n{first}, 5 days before; and 2 more"


async def test_says_that_nothing_is_due(world: World) -> None:
    """Without a watch, without a known account and with all said, no reminder is due, and words say so."""
    world.standin.accounts = {"345678": account("345678", days=-2)}
    assert await foretold(world) == ["No reminder is due."]
    await add(world)
    assert await foretold(world) == ["No reminder is due."]
    await world.poll_once()
    assert await foretold(world) == ["No reminder is due."]
    await add(world, channel=world.env.guild.create_text_channel("other"))
    assert (await foretold(world))[0].startswith("**Now**")


async def test_leaves_out_what_is_paused(world: World) -> None:
    """A paused watch brings nothing, nor does the one on all for its account."""
    await world.poll_once()
    await add(world)
    await add(world, "123456")
    await steer(world, "pause", "2")
    assert "123456" not in "".join(await foretold(world))
    await steer(world, "pause", "1")
    assert await foretold(world) == ["No reminder is due."]
    await steer(world, "resume", "2")
    assert (await foretold(world))[0] == f"**Now** in {world.channel.mention}\nJane Doe (123456), 14 days before"


@pytest.mark.parametrize("name", ["Jo", "*" * 60])
async def test_turns_pages_that_hold_everything(world: World, name: str) -> None:
    """More than ten messages, or more than fits into one card, come in pages; nothing is cut off or left out."""
    ids = [str(200_000 + n) for n in range(60)]
    world.standin.accounts = {key: account(key, name, days=10 + n // 5 * 1.5) for n, key in enumerate(ids)}
    await world.poll_once()
    await add(world, days="1")
    turned = await pages(world)
    texts = [page.description or "" for page in turned]
    assert all(len(text) <= 4096 and text.count("**<t:") <= 10 for text in texts)
    assert (len(turned) == 3) == (name == "Jo")
    assert (turned[1].footer.text or "").endswith(f"Page 2 of {len(turned)}")
    assert Counter(_ID.findall("".join(texts))) == dict.fromkeys(ids, 2)


async def test_says_now_of_what_a_refusing_channel_is_still_owed(world: World) -> None:
    """What could not be delivered yet is still due, in the preview and in the list."""
    await add(world, "123456")
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    assert (await foretold(world))[0] == f"**Now** in {world.channel.mention}\nJane Doe (123456), 14 days before"
    assert "Next: now · no reminder sent yet" in (embed_of(await show(world)).description or "")


async def test_promises_nothing_of_an_account_that_is_gone(world: World) -> None:
    """While useapi.net does not list an account, its steps are not to come; back again, they are."""
    await add(world, "123456")
    await world.poll_once()
    back = world.standin.accounts.pop("123456")
    await poll_for(world, 0.25, every=3600)
    assert contents_in(world.channel)[-1].endswith("is no longer set up at useapi.net.")
    assert await foretold(world) == ["No reminder is due."]
    world.standin.accounts["123456"] = back
    await world.poll_once()
    assert len(await foretold(world)) == 4


async def told_in_30_days(world: World) -> Counter[tuple[int, str]]:
    """Pass twice a day for 30 days; return on which half day each account was told of, as often as it was."""
    told: Counter[tuple[int, str]] = Counter()
    for half_day in range(61):
        before = len(sent_contents(world))
        await world.poll_once()
        told.update((half_day, key) for post in sent_contents(world)[before:] for key in _ID.findall(post))
        await world.env.advance_time(DAY / 2)
    return told


@pytest.mark.parametrize("seed", range(2))
async def test_what_it_says_is_what_then_happens(world: World, seed: int) -> None:
    """Over 30 days, every message that was foretold comes in the pass after its moment, and no other."""
    chance = random.Random(seed)
    ids = [str(200_000 + n) for n in range(4)]
    lives = {key: chance.choice([None, -2.3, chance.uniform(0, 45), chance.uniform(0, 45)]) for key in ids}
    world.standin.accounts = {key: account(key, days=days) for key, days in lives.items()}
    await world.poll_once()
    await add(world, days=" ".join(str(chance.randint(1, 45)) for _ in range(5)))
    await add(world, ids[0], days=str(chance.randint(1, 20)))
    expected: Counter[tuple[int, str]] = Counter()
    for page in await pages(world):
        for block in (page.description or "").split("\n\n"):
            moment = _WHEN.search(block)
            waits = float(moment[1]) - world.env.now().timestamp() if moment else 0.0
            expected.update((int(-(-waits // (DAY / 2))), key) for key in _ID.findall(block))
    assert await told_in_30_days(world) == expected
