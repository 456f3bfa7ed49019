"""Tests of `/minimax-reminders preview`, and that its reminders are the ones that are sent."""

import random
import re
from collections import Counter

import discord
import pytest
from simcord.results import InteractionResult

from tests.support.accounts import START, build_account, by_id
from tests.support.chat.answers import buttons_of, embed_of, message_of
from tests.support.chat.reminders import (
    DAY,
    WITHOUT_FOLLOW_UPS,
    add,
    contents_in,
    listed,
    poll_for,
    sent_contents,
    steer,
)
from tests.support.world import World

_WHEN = re.compile(r"<t:(\d+):f>")
_ID = re.compile(r"\((\d{6})\)")


async def ask(world: World) -> InteractionResult:
    """Let the manager use the command."""
    return await world.manager.slash(world.channel, "minimax-reminders preview")


async def previewed(world: World) -> list[str]:
    """Return the messages on the first page."""
    return (embed_of(await ask(world)).description or "").split("\n\n")


async def pages(world: World) -> list[discord.Embed]:
    """Turn all pages, and return their embeds."""
    message = message_of(await ask(world))
    embeds = list(message.embeds)
    while "Next" in buttons_of(message):
        await world.env.advance_time(3)
        await world.manager.click(message, label="Next")
        embeds += message.embeds
    return embeds


def at(days: float) -> str:
    """Return how Discord shows a moment so many days after the simulation's start."""
    stamp = int(START.timestamp() + days * DAY)
    return f"**<t:{stamp}:f> (<t:{stamp}:R>)**"


async def test_shows_when_and_where_each_message_comes(world: World) -> None:
    """Each message has its time, its channel, its accounts with their stages, and its mentions."""
    world.api.accounts = {
        "123456": build_account("123456", days=40),
        "234567": build_account("234567", "Sam Reed", days=3),
    }
    role = world.env.guild.create_role("Ops", mentionable=True)
    other = world.env.guild.create_text_channel("other")
    await world.poll_once()
    await add(world, days="20 10", mention=role)
    await add(world, "234567", days="1", channel=other)
    here = world.channel.mention
    assert await previewed(world) == [
        f"**Now** in {here}\nSam Reed (234567), 10 days before\nmentions {role.mention}",
        f"{at(2)} in {other.mention}\nSam Reed (234567), 1 day before",
        f"{at(3)} in {here}\nSam Reed (234567), when it expires\nmentions {role.mention}",
        f"{at(3)} in {other.mention}\nSam Reed (234567), when it expires",
        f"{at(20)} in {here}\nJane Doe (123456), 20 days before\nmentions {role.mention}",
        f"{at(30)} in {here}\nJane Doe (123456), 10 days before\nmentions {role.mention}",
    ]


async def test_groups_the_accounts_of_one_message(world: World) -> None:
    """Accounts that are due in the same minute share a line; more than five are counted."""
    ids = [str(200_000 + n) for n in range(7)]
    world.api.accounts = {key: build_account(key, days=10 + n / 86_400) for n, key in enumerate(ids)}
    await world.poll_once()
    await add(world, days="5")
    first = ", 5 days before; ".join(f"Jane Doe ({key})" for key in ids[:5])
    assert (await previewed(world))[0] == f"{at(5)} in {world.channel.mention}\n{first}, 5 days before; and 2 more"


async def test_says_that_nothing_is_due(world: World) -> None:
    """Without a reminder, a known account and follow-ups after the last stage, the preview says that none is due."""
    world.api.accounts = by_id(build_account("345678", days=-2))
    assert await previewed(world) == ["No reminder is due."]
    await add(world)
    assert await previewed(world) == ["No reminder is due."]
    await world.poll_once()
    assert await previewed(world) == [f"{at(1)} in {world.channel.mention}\nJane Doe (345678), 3 days after"]
    await add(world, **WITHOUT_FOLLOW_UPS)
    assert await previewed(world) == ["No reminder is due."]
    await add(world, channel=world.env.guild.create_text_channel("other"))
    assert (await previewed(world))[0].startswith("**Now**")


async def test_leaves_out_paused_reminders(world: World) -> None:
    """A paused reminder has no messages, nor has the one for all about its account."""
    await world.poll_once()
    await add(world)
    await add(world, "123456")
    await steer(world, "pause", "2")
    assert "123456" not in "".join(await previewed(world))
    await steer(world, "pause", "1")
    assert await previewed(world) == ["No reminder is due."]
    await steer(world, "resume", "2")
    assert (await previewed(world))[0] == f"**Now** in {world.channel.mention}\nJane Doe (123456), 14 days before"


@pytest.mark.parametrize("name", ["Jo", "*" * 60])
async def test_turns_pages_with_every_message(world: World, name: str) -> None:
    """More than ten messages, and more text than one embed holds, have pages; no message is cut or left out."""
    ids = [str(200_000 + n) for n in range(60)]
    world.api.accounts = {key: build_account(key, name, days=10 + n // 5 * 1.5) for n, key in enumerate(ids)}
    await world.poll_once()
    await add(world, days="1")
    turned = await pages(world)
    texts = [page.description or "" for page in turned]
    assert all(len(text) <= 4096 and text.count("**<t:") <= 10 for text in texts)
    assert (len(turned) == 3) == (name == "Jo")
    assert (turned[1].footer.text or "").endswith(f"Page 2 of {len(turned)}")
    assert Counter(_ID.findall("".join(texts))) == dict.fromkeys(ids, 2)


async def test_a_refused_reminder_is_due_now(world: World) -> None:
    """The preview and the list show a reminder that its channel has refused as due now."""
    await add(world, "123456")
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    assert (await previewed(world))[0] == f"**Now** in {world.channel.mention}\nJane Doe (123456), 14 days before"
    assert "Next: now · no reminder sent yet" in await listed(world)


async def test_leaves_out_a_missing_account(world: World) -> None:
    """The preview has no stages of an account that useapi.net does not list; once it is back, it has."""
    await add(world, "123456")
    await world.poll_once()
    back = world.api.accounts.pop("123456")
    await poll_for(world, 0.25, every=3600)
    assert contents_in(world.channel)[-1].endswith("is no longer set up at useapi.net.")
    assert await previewed(world) == ["No reminder is due."]
    world.api.accounts["123456"] = back
    await world.poll_once()
    assert len(await previewed(world)) == 4


async def sent_in_30_days(world: World) -> Counter[tuple[int, str]]:
    """Poll twice a day for 30 days; count the reminders by half day and account."""
    sent: Counter[tuple[int, str]] = Counter()
    for half_day in range(61):
        before = len(sent_contents(world))
        await world.poll_once()
        sent.update((half_day, key) for post in sent_contents(world)[before:] for key in _ID.findall(post))
        await world.env.advance_time(DAY / 2)
    return sent


@pytest.mark.parametrize("seed", range(2))
async def test_the_previewed_reminders_are_sent(world: World, seed: int) -> None:
    """During 30 days, the poll after its time sends every message of the preview, and no other."""
    chance = random.Random(seed)
    ids = [str(200_000 + n) for n in range(4)]
    lives = {key: chance.choice([None, -2.3, chance.uniform(0, 45), chance.uniform(0, 45)]) for key in ids}
    world.api.accounts = {key: build_account(key, days=days) for key, days in lives.items()}
    await world.poll_once()
    await add(world, days=" ".join(str(chance.randint(1, 45)) for _ in range(5)), **WITHOUT_FOLLOW_UPS)
    await add(world, ids[0], days=str(chance.randint(1, 20)), **WITHOUT_FOLLOW_UPS)
    expected: Counter[tuple[int, str]] = Counter()
    for page in await pages(world):
        for block in (page.description or "").split("\n\n"):
            moment = _WHEN.search(block)
            waits = float(moment[1]) - world.env.now().timestamp() if moment else 0.0
            expected.update((int(-(-waits // (DAY / 2))), key) for key in _ID.findall(block))
    assert await sent_in_30_days(world) == expected
