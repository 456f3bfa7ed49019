"""Tests of `/minimax-reminders upcoming`, and that its reminders are the ones that are sent."""

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
    sent_bodies,
    steer,
)
from tests.support.world import World

_WHEN = re.compile(r"^<t:(\d+):f>")
_NAME = re.compile(r"\*\*Jane (\d+)\*\*")
FOOTER = "Assuming nobody renews. Errors are reported as they happen."
NOTHING_DUE = "Nothing due in the next 30 days."
NO_REMINDERS = "No reminders yet. Add the first one: `/minimax-reminders add`"


async def ask(world: World) -> InteractionResult:
    """Let the manager use the command."""
    return await world.manager.slash(world.channel, "minimax-reminders upcoming")


async def foreseen(world: World) -> list[str]:
    """Return the lines on the first page, without the one that says what they have in common."""
    lines = (embed_of(await ask(world)).description or "").splitlines()
    return lines[2:] or lines


async def pages(world: World) -> list[discord.Embed]:
    """Turn all pages, and return their embeds."""
    message = message_of(await ask(world))
    embeds = list(message.embeds)
    while "▶" in buttons_of(message):
        await world.env.advance_time(3)
        await world.manager.click(message, label="▶")
        embeds += message.embeds
    return embeds


def at(days: float) -> str:
    """Return how Discord shows a moment so many days after the simulation's start."""
    return f"<t:{int(START.timestamp() + days * DAY)}:f>"


async def test_shows_each_reminder_on_a_line(world: World) -> None:
    """Each reminder has its time, a sign, its account and what is left; what all share is said once."""
    world.api.accounts = by_id(build_account(days=35), build_account("234567", "Sam Reed", days=3))
    role = world.env.guild.create_role("Ops", mentionable=True)
    await world.poll_once()
    await add(world, days="7 5 1", ping=role)
    embed = embed_of(await ask(world))
    assert (embed.title, embed.footer.text) == ("Next 30 days: 5 reminders", FOOTER)
    assert (embed.description or "").splitlines() == [
        f"All go to {world.channel.mention} and ping {role.mention}.",
        "",
        "**Now** · 🟡 **Sam Reed** 3 days left",
        f"{at(2)} · 🟠 **Sam Reed** 1 day left",
        f"{at(3)} · 🔴 **Sam Reed** expires",
        f"{at(28)} · 🟡 **Jane Doe** 7 days left",
        f"{at(30)} · 🟡 **Jane Doe** 5 days left",
    ]


async def test_says_where_a_reminder_differs(world: World) -> None:
    """A reminder for another channel, or that pings somebody else than most, says so; an early one pings nobody."""
    world.api.accounts = by_id(build_account(days=12), build_account("234567", "Sam Reed", days=3))
    role = world.env.guild.create_role("Ops", mentionable=True)
    other = world.env.guild.create_text_channel("other")
    await world.poll_once()
    await add(world, "123456", days="10 5 4 3", ping=role)
    await add(world, "234567", days="1", channel=other)
    lines = (embed_of(await ask(world)).description or "").splitlines()
    usual = f"They go to {world.channel.mention} and ping {role.mention}, unless the line says otherwise."
    assert (lines[0], lines[2:]) == (
        usual,
        [
            f"{at(2)} · 🟡 **Jane Doe** 10 days left · pings nobody",
            f"{at(2)} · 🟠 **Sam Reed** 1 day left · {other.mention} · pings nobody",
            f"{at(3)} · 🔴 **Sam Reed** expires · {other.mention} · pings nobody",
            f"{at(7)} · 🟡 **Jane Doe** 5 days left",
            f"{at(8)} · 🟡 **Jane Doe** 4 days left",
            f"{at(9)} · 🟡 **Jane Doe** 3 days left",
            f"{at(12)} · 🔴 **Jane Doe** expires",
        ],
    )


async def test_says_that_nothing_is_due(world: World) -> None:
    """Without a reminder the answer says how to add one; with one, that nothing is due, and promises nothing."""
    world.api.accounts = by_id(build_account("345678", days=-2))
    empty = embed_of(await ask(world))
    assert (empty.description, empty.footer.text) == (NO_REMINDERS, None)
    await add(world)
    nothing = embed_of(await ask(world))
    assert (nothing.description, nothing.footer.text) == (NOTHING_DUE, None)
    await world.poll_once()
    assert await foreseen(world) == [f"{at(1)} · 🔴 **Jane Doe** expired 3 days ago"]
    await add(world, **WITHOUT_FOLLOW_UPS)
    assert await foreseen(world) == [NOTHING_DUE]
    await add(world, channel=world.env.guild.create_text_channel("other"))
    assert (await foreseen(world))[0] == "**Now** · 🔴 **Jane Doe** expired 2 days ago"


async def test_leaves_out_paused_reminders(world: World) -> None:
    """A paused reminder has no messages, nor has the one for all about its account."""
    await world.poll_once()
    await add(world)
    await add(world, "123456")
    await steer(world, "pause", "2")
    assert "Jane Doe" not in "".join(await foreseen(world))
    await steer(world, "pause", "1")
    assert await foreseen(world) == [NOTHING_DUE]
    await steer(world, "resume", "2")
    assert (await foreseen(world))[0] == "**Now** · 🟡 **Jane Doe** 12 days left"


@pytest.mark.parametrize("name", ["Jane {}", "*" * 60])
async def test_turns_pages_with_every_reminder(world: World, name: str) -> None:
    """More than 15 reminders, and more text than one embed holds, have pages; no line is cut or left out."""
    ids = [str(200_000 + n) for n in range(60)]
    world.api.accounts = {key: build_account(key, name.format(n), days=10 + n // 5 * 1.5) for n, key in enumerate(ids)}
    await world.poll_once()
    await add(world, days="1")
    turned = await pages(world)
    texts = [page.description or "" for page in turned]
    lines = [line for text in texts for line in text.splitlines()[2:]]
    assert all(len(text) <= 4096 and len(text.splitlines()) <= 17 for text in texts)
    assert turned[1].footer.text == f"{FOOTER} · Page 2 of {len(turned)}"
    assert len(lines) == 120
    assert all(line.endswith((" expires", " 1 day left")) for line in lines)
    if name != "*" * 60:
        assert len(turned) == 8
        assert set(Counter(_NAME.findall("\n".join(lines))).values()) == {2}


async def test_a_refused_reminder_is_due_now(world: World) -> None:
    """The answer shows a reminder that its channel has refused as due now, and the list as waiting."""
    await add(world, "123456")
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013)
    await world.poll_once()
    assert (await foreseen(world))[0] == "**Now** · 🟡 **Jane Doe** 12 days left"
    assert "Next: **Jane Doe**, waiting (14 days before) · none sent yet" in await listed(world)


async def test_shows_an_error_that_was_not_sent_yet(world: World) -> None:
    """An error that a channel has refused is due now, with the sign of errors."""
    await add(world, "123456", days="1")
    await world.poll_once()
    world.api.accounts["123456"]["error"] = "login failed"
    world.env.inject_error("POST", "/channels/*/messages", status=403, code=50013, times=None)
    await world.poll_twice()
    assert await foreseen(world) == ["**Now** · ⚠️ **Jane Doe** error"]


async def test_leaves_out_a_missing_account(world: World) -> None:
    """The answer has no stages of an account that useapi.net does not list; once it is back, it has."""
    await add(world, "123456")
    await world.poll_once()
    back = world.api.accounts.pop("123456")
    await poll_for(world, 0.25, every=3600)
    assert "was removed from useapi.net" in contents_in(world.channel)[-1]
    assert await foreseen(world) == [NOTHING_DUE]
    world.api.accounts["123456"] = back
    await world.poll_once()
    assert len(await foreseen(world)) == 4


async def sent_in_30_days(world: World) -> Counter[tuple[int, str]]:
    """Poll twice a day for 30 days; count the reminders by half day and account."""
    sent: Counter[tuple[int, str]] = Counter()
    for half_day in range(61):
        before = len(sent_bodies(world))
        await world.poll_once()
        for body in sent_bodies(world)[before:]:
            # One account stands in the footer of its card, several in its lines.
            sent.update((half_day, key) for key in set(re.findall(r"20000\d", str(body["embeds"]))))
        await world.env.advance_time(DAY / 2)
    return sent


@pytest.mark.parametrize("seed", range(2))
async def test_the_upcoming_reminders_are_sent(world: World, seed: int) -> None:
    """During 30 days, the poll after its time sends every upcoming message, and no other."""
    chance = random.Random(seed)
    ids = [str(200_000 + n) for n in range(4)]
    lives = {key: chance.choice([None, -2.3, chance.uniform(0, 45), chance.uniform(0, 45)]) for key in ids}
    world.api.accounts = {key: build_account(key, f"Jane {key}", days=days) for key, days in lives.items()}
    await world.poll_once()
    await add(world, days=" ".join(str(chance.randint(1, 45)) for _ in range(5)), **WITHOUT_FOLLOW_UPS)
    await add(world, ids[0], days=str(chance.randint(1, 20)), **WITHOUT_FOLLOW_UPS)
    expected: Counter[tuple[int, str]] = Counter()
    for page in await pages(world):
        for line in (page.description or "").splitlines()[2:]:
            moment = _WHEN.search(line)
            waits = float(moment[1]) - world.env.now().timestamp() if moment else 0.0
            expected.update((int(-(-waits // (DAY / 2))), name) for name in _NAME.findall(line))
    assert await sent_in_30_days(world) == expected


async def test_tells_accounts_with_one_name_apart(world: World) -> None:
    """The id follows a name that several of the accounts have."""
    world.api.accounts = by_id(build_account(days=12), build_account("234567", "Jane Doe", days=3))
    await world.poll_once()
    await add(world, days="1")
    lines = (embed_of(await ask(world)).description or "").splitlines()
    assert f"{at(2)} · 🟠 **Jane Doe** `234567` 1 day left" in lines
    assert f"{at(11)} · 🟠 **Jane Doe** `123456` 1 day left" in lines
