"""Tests of the demo in its simulated Discord."""

import asyncio
from datetime import UTC, datetime, timedelta

import discord
import pytest

from bot.cli.main import build_parser
from bot.demo import Demo, build_page, open_demo
from tests.support.chat.answers import embed_of

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


async def test_shows_each_status() -> None:
    """The demo's accounts have every status, in the shapes of both documents."""
    async with open_demo(lambda: NOW) as demo:
        verdicts = {}
        for account_id in demo.api.accounts:
            result = await demo.manager.slash(demo.channel, "minimax-account", account=account_id)
            verdicts[account_id] = (embed_of(result).description or "").split("**")[1]
            await demo.env.advance_time(3)
        assert list(verdicts.values()) == [
            "Healthy.",
            "Healthy.",
            "Expiring.",
            "Last day.",
            "Expired",
            "In error:",
            "Expiry unknown.",
            "Healthy.",
            "Healthy.",
            "Healthy.",
        ]


def reminders_in(demo: Demo) -> list[discord.Message]:
    """Return the reminders in the channel, oldest first; only they have content."""
    return [message for message in demo.channel.history() if message.content]


async def test_starts_with_a_look_up_and_a_reminder_in_the_channel() -> None:
    """A visitor sees a card, today's reminder and the buttons that let time pass before typing anything."""
    async with open_demo(lambda: NOW) as demo:
        look_up, reminder, control = demo.channel.history()[-3:]
        assert [message.created_at for message in (look_up, reminder, control)] == [NOW] * 3
        assert (look_up.embeds[0].title, look_up.embeds[0].timestamp) == ("Amara Okafor", NOW)
        sentence = "⏰ MiniMax login Mateo Silva (118733902) expires in 8 hours."
        assert reminder.content == f"{sentence} {demo.producers.mention}"
        assert control.embeds[0].title == "Time travel"


async def test_starts_with_reminders_of_the_days_before() -> None:
    """The channel has had reminders for some days: some are red, some green, some folded."""
    async with open_demo(lambda: NOW) as demo:
        reminders = reminders_in(demo)
        assert reminders[0].created_at == NOW - timedelta(days=6)
        assert {message.content[0] for message in reminders} == {"⏰", "🔴", "⏭", "✅"}
        assert any("is renewed until" in message.content for message in reminders)
        assert any(message.embeds == [] for message in reminders)


async def test_starts_some_days_later() -> None:
    """Each of the days has had its poll: reminders came on their day, and a renewal turned old ones green."""
    async with open_demo(lambda: NOW, days_later=4) as demo:
        last = [message for message in reminders_in(demo) if message.created_at >= NOW]
        dates = [message.created_at - NOW for message in last]
        assert dates == [timedelta(days=days) for days in (0, 1, 2, 3, 3, 4)]
        mateo = "✅ MiniMax login Mateo Silva (118733902) is renewed until 24 December 2026."
        folded = "⏭️ MiniMax login Mateo Silva (118733902) has a newer reminder."
        assert [message.content for message in last[:2]] == [folded, folded]
        assert mateo.removeprefix("✅ MiniMax login ") in last[2].content
        assert "Lina Haddad (121904571) expired 7 days ago" in last[3].content
        assert last[4].content == mateo
        assert "Priya Raman (118020446) expires in 21 hours" in last[5].content


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
        expired = "🔴 MiniMax login Mateo Silva (118733902) expired 16 hours ago."
        assert reminder.content == f"{expired} {demo.producers.mention}"
        assert reminder.created_at == moved.created_at == NOW + timedelta(days=1)
        assert "Demo: today is **23 November 2026**." in (moved.embeds[0].description or "")


@pytest.mark.parametrize("typed", ["-1", "366", "1.5", "soon", ""])
def test_refuses_wrong_days(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`--days-later` is a whole number from 0 to 365."""
    with pytest.raises(SystemExit):
        build_parser().parse_args(["demo", f"--days-later={typed}"])
    assert "must be a number from 0 to 365" in capsys.readouterr().err


async def test_shows_channels_and_roles_by_name() -> None:
    """The page shows a channel and a role in the text of an embed by name, as Discord does."""
    async with open_demo(lambda: NOW) as demo, build_page(demo) as page:
        shown = await page.snapshot()
        added = next(iter(shown["messages"].values()))
        text = str(added["embeds"])
        assert "'label': '#pipeline'" in text
        assert "'label': '@Producers'" in text


async def test_offers_the_command_to_the_manager_only() -> None:
    """Only the viewer with Manage Server gets the command."""
    async with open_demo(lambda: NOW) as demo:
        assert "minimax-account" in demo.manager.available_commands(demo.channel)
        assert demo.member.available_commands(demo.channel) == ()


async def test_shows_a_new_capability() -> None:
    """A capability that the documents do not have is shown in words."""
    async with open_demo(lambda: NOW) as demo:
        result = await demo.manager.slash(demo.channel, "minimax-account", account="Beta Tester")
        shown = str(embed_of(result).to_dict()).replace("\\xa0", " ")
        assert "✅ Voice clone" in shown
