"""Tests of `/minimax-account` in a simulated Discord."""

import re

import discord
import pytest
import sqlalchemy as sa
from aiohttp import web
from simcord.backend.errors import SetupError

from bot.core.links import SETUP_GUIDE
from tests.support.accounts import build_account
from tests.support.chat.answers import embed_of, fields_of, message_of
from tests.support.chat.reminders import add
from tests.support.hostile import STATUSES, with_status
from tests.support.world import GUILD_ID, World


async def test_answers_with_the_account(world: World) -> None:
    """The card shows user, status, capabilities, expiry and masked token, to the user alone."""
    result = await world.look_up("123456")
    card, fields = embed_of(result), fields_of(embed_of(result))
    assert result.ephemeral
    assert card.title == "Jane Doe"
    assert card.description == "🟢 **Expires <t:1768262400:R>** · <t:1768262400:f>\n▰▰▰▰▱▱▱▱▱▱ 40% left"
    assert card.timestamp == world.env.now()
    fields["Can do"] = fields["Can do"].replace("\N{NO-BREAK SPACE}", " ")
    assert fields == {
        "Can do": "✅ Video\n❔ Chat, Audio, Music: not reported",
        "Account ID": "`123456`",
        "Max jobs": "2",
        "Issued": "<t:1765670400:d>",
        "Reminders": "🔕 None yet. Press **Remind this channel**.",
    }
    assert card.footer.text == "hailuoai.video · token eyJ•••W5l · Checked"


async def test_shows_the_reminders_wherever_the_card_appears(world: World) -> None:
    """The card shows which channels of the server have a reminder for the account, and when; *Check now* does too."""
    other = world.env.guild.create_text_channel("other")
    await add(world, days="5, 2")
    await add(world, "123456", channel=other)
    await world.manager.slash(world.channel, "minimax-reminders pause", reminder="2")
    shown = f"🔔 {world.channel.mention}: 5 and 2 days before\n⏸️ {other.mention}: paused"
    card = message_of(await world.look_up("123456"))
    assert fields_of(card.embeds[0])["Reminders"] == shown
    await world.manager.slash(world.channel, "minimax-reminders remove", reminder="2")
    shown = f"🔔 {world.channel.mention}: 5 and 2 days before"
    checked = message_of(await world.manager.click(card, label="Check now"))
    assert fields_of(checked.embeds[0])["Reminders"] == shown
    listing = message_of(await world.manager.slash(world.channel, "minimax-overview"))
    opened = await world.manager.select(listing, ["123456"])
    assert fields_of(embed_of(opened))["Reminders"] == shown


async def test_shows_the_card_while_the_database_fails(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Without the database a look-up shows all but the reminders."""
    async with world.database.begin() as tx:
        await tx.execute(sa.text("ALTER TABLE subscriptions RENAME TO away"))
    card = embed_of(await world.look_up("123456"))
    assert (card.title, "Reminders" in fields_of(card)) == ("Jane Doe", False)
    assert "A card lacks its reminders and note: " in caplog.text


async def test_never_shows_a_fingerprint_or_token(world: World) -> None:
    """Neither the login's token nor the browser fingerprint reaches Discord."""
    await world.look_up("123456", share="yes")
    transcript = world.env.transcript()
    sent = str([request.json for request in world.env.http_requests])
    for secret in ("c2lnbmF0dXJl", "dev1ce-1d", "f1ngerpr1nt"):
        assert secret not in sent
        assert secret not in transcript


async def test_answers_in_one_request(world: World) -> None:
    """A look-up that is answered in time makes one request to Discord."""
    before = len(world.env.http_requests)
    await world.look_up("123456")
    assert [request.method for request in world.env.http_requests[before:]] == ["POST"]


async def test_shares_with_the_channel_on_request(world: World) -> None:
    """Everybody in the channel sees a shared answer."""
    result = await world.look_up("123456", share="yes")
    assert not result.ephemeral
    assert world.channel.last_message is not None


async def test_finds_an_account_by_its_unique_name(world: World) -> None:
    """A user name that only one account has finds it, in upper or lower case."""
    assert fields_of(embed_of(await world.look_up("jane doe")))["Account ID"] == "`123456`"


async def test_lists_the_accounts_for_an_unknown_id(world: World) -> None:
    """The answer to an unknown id holds the accounts that exist, soonest expiry first, and how to add one."""
    result = await world.look_up("999")
    card = embed_of(result)
    assert result.ephemeral
    assert card.title == 'No account called "999"'
    assert "• **Sam Reed** `345678`\n• **Sam Reed** `234567`\n• **Jane Doe** `123456`" in (card.description or "")
    assert SETUP_GUIDE in (card.description or "")


@pytest.mark.parametrize(("status", "title"), [*STATUSES.items(), (404, 'No account called "123456"')])
@pytest.mark.parametrize("share", ["yes", "no"])
async def test_explains_failures_of_the_api(world: World, status: int, title: str, share: str) -> None:
    """Each failure of the API is explained privately, without a code and the API's own text."""
    world.api.behave = with_status(status)
    result = await world.look_up("123456", share=share)
    card = embed_of(result)
    assert result.ephemeral
    assert card.title == title
    assert card.description
    assert "raw upstream" not in str(card.to_dict())
    assert "code" not in card.description


async def test_shows_the_wait_of_a_busy_api(world: World) -> None:
    """The answer shows the wait that a 429 asks for."""

    async def busy(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "90"})

    world.api.behave = busy
    assert "Try again in 2 minutes." in (embed_of(await world.look_up("123456")).description or "")


async def test_answers_in_words_after_a_bug(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen error is answered in words, with a code that finds its traceback in the log."""

    def fail(*_: object, **_options: object) -> discord.Embed:
        raise ZeroDivisionError

    # The embed of an error has no fields.
    monkeypatch.setattr(discord.Embed, "add_field", fail)
    card = embed_of(await world.look_up("123456"))
    assert card.title == "Something went wrong in the bot"
    assert "ZeroDivisionError" in caplog.text
    (code,) = re.findall(r"`([0-9a-f]{8})`", card.description or "")
    (record,) = (one for one in caplog.records if getattr(one, "reference", "") == code)
    assert code in record.getMessage()
    assert {"guild_id", "user_id"} <= vars(record).keys()


async def test_limits_the_rate_of_each_user(world: World) -> None:
    """After a burst of twenty, a user waits three seconds for each look-up; other users don't."""
    for _ in range(20):
        assert embed_of(await world.look_up("123456")).title == "Jane Doe"
    refused = embed_of(await world.look_up("123456"))
    assert refused.title == "Too many commands at once"
    assert "Try again in 3 seconds." in (refused.description or "")
    guild = world.env.guild
    other = guild.add_member(
        world.env.create_user("lou"),
        roles=[guild.create_role("M", permissions=discord.Permissions(administrator=True))],
    )
    assert embed_of(await other.slash(world.channel, "minimax-account", account="123456")).title == "Jane Doe"
    await world.env.advance_time(3)
    assert embed_of(await world.look_up("123456")).title == "Jane Doe"


async def test_is_for_managers_of_the_server(world: World) -> None:
    """Discord does not offer the command to a member without Manage Server."""
    assert "minimax-account" in world.manager.available_commands(world.channel)
    assert world.member.available_commands(world.channel) == ()
    with pytest.raises(SetupError):
        await world.member.slash(world.channel, "minimax-account", account="123456")


async def test_exists_in_listed_servers_only(world: World) -> None:
    """The command is registered in the listed server, not globally."""
    commands = world.env.backend.commands
    assert [command["name"] for command in commands[GUILD_ID].values()] == [
        "minimax-account",
        "minimax-overview",
        "minimax-reminders",
        "minimax-board",
        "minimax-status",
    ]
    assert not any(commands[guild] for guild in commands if guild != GUILD_ID)


async def test_completes_by_id_and_name(world: World) -> None:
    """Completion offers accounts by id or name, most urgent first, with the id as value."""
    assert await world.complete("") == [
        {"name": "Sam Reed · expired 2 days ago · 345678", "value": "345678"},
        {"name": "Sam Reed · expires in 3 days · 234567", "value": "234567"},
        {"name": "Jane Doe · expires in 12 days · 123456", "value": "123456"},
    ]
    assert [choice["value"] for choice in await world.complete("jane")] == ["123456"]
    assert [choice["value"] for choice in await world.complete("3456")] == ["345678", "234567", "123456"]


async def test_completes_at_most_25(world: World) -> None:
    """Completion offers no more than Discord's 25 choices."""
    world.api.accounts = {str(n): build_account(str(n), f"User {n}", days=n) for n in range(1, 41)}
    choices = await world.complete("")
    assert [choice["value"] for choice in choices] == [str(n) for n in range(1, 26)]


async def test_completion_answers_the_look_up_that_follows(world: World) -> None:
    """The look-up of an account that was just offered makes no call to the API."""
    await world.complete("jane")
    calls = len(world.api.calls)
    assert embed_of(await world.look_up("123456")).title == "Jane Doe"
    assert len(world.api.calls) == calls


async def test_completes_nothing_when_the_api_is_down(world: World) -> None:
    """Completion stays empty, without an error, while the API fails."""
    world.api.behave = with_status(500)
    assert await world.complete("") == []
