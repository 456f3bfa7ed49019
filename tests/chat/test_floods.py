"""Very many accounts that change at once: one message a poll, with one ping."""

import re

from tests.support.accounts import build_account, by_id
from tests.support.chat.reminders import add, poll_for, posts_in, sent_bodies
from tests.support.world import World

LINES = 25


def set_up(world: World, number: int, *, days: float, **fields: str) -> None:
    """Let the API list so many accounts that expire so many days from now."""
    now = world.env.now()
    world.api.accounts = by_id(
        *(
            build_account(str(one), f"Owner {one}", days=days, now=now, **fields)
            for one in range(10_000, 10_000 + number)
        )
    )


def assert_counted(text: str, number: int) -> None:
    """Fail unless a text names up to 25 accounts, and counts the others of so many."""
    listed, more = re.split(r"\band (?=\d+ more: )", text, maxsplit=1)
    named = set(re.findall(r"Owner \d+", listed))
    assert 0 < len(named) <= LINES
    assert int(more.split()[0]) == number - len(named)


async def test_whatever_happens_to_many_accounts_is_one_message(world: World) -> None:
    """Stages, the expiry, follow-ups, renewals and errors: up to 25 lines, a count, and a ping at most."""
    number, told = 100, 0
    role = world.env.guild.create_role("Ops", mentionable=True)
    set_up(world, number, days=2.5)
    await add(world, days="3", ping=role)

    async def expect_one(words: str, *, pings: bool = True) -> None:
        """Expect one more message that says this."""
        nonlocal told
        (body,) = sent_bodies(world)[told:]
        told += 1
        assert words in body["content"]
        assert body["content"].count(role.mention) == int(pings)
        assert_counted(body["embeds"][0]["description"] if body["embeds"] else body["content"], number)

    await world.poll_once()
    await expect_one(f"{number} MiniMax logins expire within 3 days")
    await poll_for(world, 3)
    await expect_one(f"{number} MiniMax logins need renewing now")
    await poll_for(world, 1)
    await expect_one(f"{number} MiniMax logins still need renewing")
    set_up(world, number, days=40)
    await world.poll_twice()
    await expect_one("MiniMax login renewed", pings=False)
    await poll_for(world, 1)
    set_up(world, number, days=39, error="on hold")
    await world.poll_twice()
    await expect_one(f"{number} MiniMax logins need renewing now")


async def test_a_thousand_accounts_are_one_message_also_once_it_is_edited(world: World) -> None:
    """A thousand accounts in one poll are one message; when all are renewed, it shows 25 lines and a count again."""
    set_up(world, 1_000, days=2)
    await add(world)
    await world.poll_once()
    (post,) = posts_in(world.channel)
    assert_counted(str(post.embeds[0].description), 1_000)
    set_up(world, 1_000, days=40)
    await world.poll_twice()
    edited, news = posts_in(world.channel)
    assert edited.id == post.id
    for one in (edited, news):
        assert_counted(one.content, 1_000)
