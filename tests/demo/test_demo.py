"""Tests of what the demo shows, in the simulated Discord."""

from datetime import UTC, datetime

from bot.demo import open_demo

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


async def test_shows_each_state() -> None:
    """The demo's accounts cover every state there is, in both documents' shapes."""
    async with open_demo(lambda: NOW) as demo:
        verdicts = {}
        for account_id in demo.standin.accounts:
            result = await demo.manager.slash(demo.channel, "minimax-account", account=account_id)
            assert result.response is not None
            (card,) = result.response.embeds
            verdicts[account_id] = (card.description or "").split("**")[1]
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


async def test_starts_with_a_look_up_in_the_channel() -> None:
    """A visitor sees a card before typing anything, dated today."""
    async with open_demo(lambda: NOW) as demo:
        message = demo.channel.last_message
        assert message is not None
        assert message.embeds[0].title == "Amara Okafor"
        assert message.embeds[0].timestamp == NOW
        assert message.created_at == NOW


async def test_offers_the_command_to_the_manager_only() -> None:
    """Of the two viewers only the one with Manage Server gets the command."""
    async with open_demo(lambda: NOW) as demo:
        assert "minimax-account" in demo.manager.available_commands(demo.channel)
        assert demo.member.available_commands(demo.channel) == ()


async def test_shows_a_new_capability() -> None:
    """A flag that the documents do not know is shown in words."""
    async with open_demo(lambda: NOW) as demo:
        result = await demo.manager.slash(demo.channel, "minimax-account", account="Beta Tester")
        assert result.response is not None
        shown = str(result.response.embeds[0].to_dict()).replace("\\xa0", " ")
        assert "✅ Voice clone" in shown
