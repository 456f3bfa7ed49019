"""Tests of what a visitor of the demo finds at its start."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.demo import Demo, build_page, open_demo, serve
from bot.errors import PortTaken
from tests.support.chat.answers import embed_of
from tests.support.demo import NOW, day_of, reminders_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[Demo]:
    """Open a demo for all tests, which look accounts up and change nothing."""
    opened, leave = asyncio.get_running_loop().create_future(), asyncio.Event()

    async def keep_open() -> None:
        async with open_demo(lambda: NOW) as running:
            opened.set_result(running)
            await leave.wait()

    # simcord must end in the task in which it began, and the two halves of a fixture have one each.
    task = asyncio.create_task(keep_open())
    await asyncio.wait([task, opened], return_when=asyncio.FIRST_COMPLETED)
    if opened.done():
        yield opened.result()
        leave.set()
    await task


async def test_shows_each_status(demo: Demo) -> None:
    """The demo's accounts have every status, in the shapes of both documents."""
    verdicts = {}
    for account_id in demo.api.accounts:
        result = await demo.manager.slash(demo.channel, "minimax-account", account=account_id)
        verdicts[account_id] = (embed_of(result).description or "").partition(" ")[0]
    assert list(verdicts.values()) == ["🟢", "🟢", "🟡", "🟠", "🔴", "⚠️", "⚪", "🟢", "🟢", "🟢"]


async def test_starts_with_a_look_up_and_a_reminder_in_the_channel(demo: Demo) -> None:
    """A visitor sees a card, today's reminder and the buttons that let time pass before typing anything."""
    look_up, reminder, control = demo.channel.history()[-3:]
    assert [day_of(message.created_at) for message in (look_up, reminder, control)] == [0, 0, 0]
    card = look_up.embeds[0]
    assert card.timestamp is not None
    assert (card.title, day_of(card.timestamp)) == ("Amara Okafor", 0)
    sentence = "⏰ **Mateo Silva**: MiniMax login expires within 8 hours."
    assert reminder.content == f"{sentence} {demo.producers.mention}"
    assert control.embeds[0].title == "Three things to try"


async def test_starts_with_reminders_of_the_days_before(demo: Demo) -> None:
    """The channel has had reminders for some days: some are red, some green, some folded, one is about credits."""
    reminders = reminders_in(demo)
    assert day_of(reminders[0].created_at) == -6
    assert {message.content.split()[0] for message in reminders} == {"⏰", "🔴", "-#", "✅", "🪙"}
    assert any("renewed, valid until" in message.content for message in reminders)
    assert any(message.embeds == [] for message in reminders)


async def test_shows_failing_jobs_and_low_credits(demo: Demo) -> None:
    """One account's jobs fail, as a message with others says, and another account is low on credits."""
    texts = [f"{one.content} {[embed.description for embed in one.embeds]}" for one in reminders_in(demo)]
    assert any("🪙 **Jonas Weber**: 80 credits left, below 100." in text for text in texts)
    assert any("jobs fail: MiniMax refuses the login" in text for text in texts)
    card = await demo.manager.slash(demo.channel, "minimax-account", account="Beta Tester")
    assert "Its jobs fail" in (embed_of(card).description or "")


async def test_shows_channels_and_roles_by_name(demo: Demo) -> None:
    """The page shows a channel and a role in the text of an embed by name, as Discord does."""
    async with build_page(demo) as page:
        shown = await page.snapshot()
        added = next(iter(shown["messages"].values()))
        text = str(added["embeds"])
        assert "'label': '#pipeline'" in text
        assert "'label': '@Producers'" in text


async def test_offers_the_command_to_the_manager_only(demo: Demo) -> None:
    """Only the viewer with Manage Server gets the command."""
    assert "minimax-account" in demo.manager.available_commands(demo.channel)
    assert demo.member.available_commands(demo.channel) == ()


async def test_shows_a_new_capability(demo: Demo) -> None:
    """A capability that the documents do not have is shown in words."""
    result = await demo.manager.slash(demo.channel, "minimax-account", account="Beta Tester")
    shown = str(embed_of(result).to_dict()).replace("\\xa0", " ")
    assert "✅ Voice clone" in shown


async def test_says_that_a_port_is_in_use(demo: Demo) -> None:
    """A port that another program uses is refused."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortTaken):
            await serve(build_page(demo, port), port, open_browser=False)
