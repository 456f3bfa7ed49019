"""Tests of the demo in its simulated Discord."""

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import discord
import pytest
import simcord.preview
from PIL import Image, ImageChops, ImageStat

from bot.cli.main import build_parser
from bot.core.links import message_link
from bot.demo import GUILD_ID, build_page, open_demo
from bot.demo.icon import draw_icon
from bot.demo.page import CHANGES
from tests.support.chat.answers import embed_of, options_of
from tests.support.demo import NOW, day_of, reminders_in
from tests.support.paths import REPOSITORY


async def test_shows_a_renewal_and_a_mistake() -> None:
    """A press leads to the wrong account first, then to the renewal and thanks; it lasts when a day passes."""
    async with open_demo(lambda: NOW) as demo:
        reminder = reminders_in(demo)[-1]
        seen: asyncio.Queue[str] = asyncio.Queue()

        async def look() -> None:
            first, *rest = [one for one in reminders_in(demo) if one.id >= reminder.id]
            cards = [card.description or "" for card in first.embeds]
            seen.put_nowait("\n".join([first.content, *cards, *(one.content for one in rest)]))

        demo.renewals.seconds, demo.renewals.on_change = 0.0, look
        await demo.manager.click(reminder, label="I'm on it")
        async with asyncio.timeout(30):
            mistake, renewal = await seen.get(), await seen.get()
        assert "A new account **Mia Private** `161740025` appeared, but **Mateo Silva** is unchanged." in mistake
        assert renewal.startswith("-# ✅ **Mateo Silva**: [renewed](")
        assert renewal.endswith(f"Thanks, {demo.manager.mention}!")
        await demo.travel.go(1)
        assert "**Mateo Silva**: MiniMax login has expired" not in reminders_in(demo)[-1].content


async def test_a_renewal_of_failing_jobs_lasts() -> None:
    """The account whose jobs fail is well once it is renewed, also on the next days."""
    async with open_demo(lambda: NOW) as demo:
        changed = asyncio.Queue[None]()

        async def note() -> None:
            changed.put_nowait(None)

        demo.renewals.seconds, demo.renewals.on_change = 0.0, note
        reminder = next(one for one in reminders_in(demo) if "Beta Tester, Priya Raman" in one.content)
        (menu,) = (await demo.manager.click(reminder, label="I'm on it")).followups
        values = {one["label"]: one["value"] for one in options_of(menu)}
        await demo.manager.select(menu, [values["Beta Tester"]])
        async with asyncio.timeout(30):
            # The wrong account comes first.
            await changed.get()
            await changed.get()
        for days in (0, 1, 1):
            await demo.travel.go(days)
            card = await demo.manager.slash(demo.channel, "minimax-account", account="Beta Tester")
            assert "Its jobs fail" not in (embed_of(card).description or "")


async def test_starts_some_days_later() -> None:
    """Each of the days has had its poll: reminders came on their day, and a renewal turned old ones green."""
    async with open_demo(lambda: NOW, days_later=4) as demo:
        last = [message for message in reminders_in(demo) if message.created_at >= NOW]
        assert [day_of(message.created_at) for message in last] == [0, 1, 2, 3, 3, 4]
        links = [message_link(GUILD_ID, demo.channel.id, message.id) for message in last]
        replaced = "-# ↪️ {}: replaced by a [newer reminder]({})"
        assert [message.content for message in last[:2]] == [
            replaced.format("Mateo Silva", links[1]),
            replaced.format("Mateo Silva", links[2]),
        ]
        working = discord.utils.format_dt(NOW + timedelta(days=24), "D")
        assert last[2].content.splitlines() == [
            f"✅ **Beta Tester**: no longer failing, login valid until {working}.",
            f"-# ✅ **Mateo Silva**: [renewed]({links[4]})",
            replaced.format("Priya Raman", links[5]),
        ]
        sentence = "🔴 **2 MiniMax logins still need renewing:** Lina Haddad, Omar Farouk."
        assert last[3].content == f"{sentence} {demo.producers.mention}"
        until = discord.utils.format_dt(NOW + timedelta(days=32, hours=8), "D")
        assert last[4].content == f"✅ **Mateo Silva**: MiniMax login renewed, valid until {until}."
        assert last[5].content.startswith(
            "⏰ **2 MiniMax logins expire within 14 days, the first within 21 hours:** Priya Raman, "
        )


async def test_a_press_lets_a_day_pass() -> None:
    """The button moves the time, the bot sends what is due by then, and the buttons move to the end."""
    async with open_demo(lambda: NOW) as demo:
        arrived = asyncio.Event()

        async def arrive() -> None:
            arrived.set()

        demo.travel.on_arrival = arrive
        control = demo.channel.last_message
        assert control is not None
        await demo.member.click(control, label="1 day later")
        async with asyncio.timeout(20):
            await arrived.wait()
        folded, reminder, moved = demo.channel.history()[-3:]
        assert folded.embeds == []
        expired = "🔴 **Mateo Silva**: MiniMax login has expired. Jobs on this account fail until it is renewed."
        assert reminder.content == f"{expired} {demo.producers.mention}"
        assert [day_of(message.created_at) for message in (reminder, moved)] == [1, 1]
        assert moved.embeds[0].title == "Three things to try"
        today = re.search(r"today is \*\*<t:(\d+):D>", moved.embeds[0].description or "")
        assert today is not None
        assert day_of(datetime.fromtimestamp(int(today[1]), UTC)) == 1


async def test_discord_and_the_page_go_by_the_bots_clock() -> None:
    """While real time passes all clocks run alike, so what the bot calls past is past for its reader."""
    real = NOW
    async with open_demo(lambda: real) as demo, build_page(demo) as page:
        started = demo.clock.now()
        real += timedelta(minutes=3)
        assert demo.clock.now() == demo.env.now() == started + timedelta(minutes=3)
        shown_by_page = datetime.fromisoformat((await page.snapshot())["profile"]["presentationTime"])
        assert started + timedelta(minutes=3) <= shown_by_page <= demo.clock.now()
        result = await demo.manager.slash(demo.channel, "minimax-status")
        shown = [int(moment) for moment in re.findall(r"<t:(\d+)", str(embed_of(result).to_dict()))]
        assert min(shown) <= demo.env.now().timestamp() < max(shown)


@pytest.mark.parametrize(("path", "theirs"), [(path, old) for path in CHANGES for old, _ in CHANGES[path]])
def test_each_change_of_simcords_page_finds_its_place(path: str, theirs: str) -> None:
    """Each text of simcord's page that the demo replaces is there once."""
    file = Path(simcord.preview.__file__).parent / "static" / (path.strip("/") or "index.html")
    assert file.read_text(encoding="utf-8").count(theirs) == 1


def test_the_icon_in_the_documents_is_the_demos() -> None:
    """`docs/icon.png`, which operators upload in the portal, is the icon that the demo draws."""
    with Image.open(REPOSITORY / "docs" / "icon.png") as kept:
        difference = ImageChops.difference(kept.convert("RGB"), draw_icon())
    # Versions of Pillow differ in rounding.
    assert max(high for _, high in ImageStat.Stat(difference).extrema) < 24


@pytest.mark.parametrize("typed", ["-1", "366", "1.5", "soon", ""])
def test_refuses_wrong_days(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--days-later` is a whole number from 0 to 365."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["demo", f"--days-later={typed}"])
    assert "must be a number from 0 to 365" in capsys.readouterr().err
