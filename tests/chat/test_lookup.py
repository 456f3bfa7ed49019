"""Tests of `/minimax-account` in a simulated Discord."""

import discord
import pytest
from aiohttp import web
from simcord.backend.errors import SetupError

from bot.core.links import SETUP_GUIDE
from tests.support.accounts import build_account
from tests.support.chat.answers import embed_of, fields_of
from tests.support.hostile import STATUSES, with_status
from tests.support.world import GUILD_ID, World


async def test_answers_with_the_account(world: World) -> None:
    """The card shows user, status, capabilities, expiry and masked token, to the user alone."""
    result = await world.look_up("123456")
    card, fields = embed_of(result), fields_of(embed_of(result))
    assert result.ephemeral
    assert card.title == "Jane Doe"
    assert card.description == "🟢 **Healthy.** The login expires <t:1768262400:R>."
    assert card.timestamp == world.env.now()
    fields["Capabilities"] = fields["Capabilities"].replace("\N{NO-BREAK SPACE}", " ")
    assert fields == {
        "Expires": "<t:1768262400:f> (<t:1768262400:R>)\n▰▰▰▰▱▱▱▱▱▱ 40% of its life left",
        "Capabilities": "✅ Video · ❔ Chat (not reported) · ❔ Audio (not reported) · ❔ Music (not reported)",
        "Account": "`123456`",
        "Anonymous": "no",
        "Max jobs": "2",
        "Issued": "<t:1765670400:d>",
        "Host": "hailuoai.video",
        "Token": "`eyJ•••W5l`",
    }


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
    assert fields_of(embed_of(await world.look_up("jane doe")))["Account"] == "`123456`"


async def test_offers_the_ids_of_a_name_that_is_not_unique(world: World) -> None:
    """The answer to a user name that two accounts have holds their ids."""
    card = embed_of(await world.look_up("Sam Reed"))
    assert card.title == "Several accounts have this name"
    assert "`234567`, `345678`" in (card.description or "")


async def test_lists_the_accounts_for_an_unknown_id(world: World) -> None:
    """The answer to an unknown id holds the ids that exist, soonest expiry first, and how to add an account."""
    result = await world.look_up("999")
    card = embed_of(result)
    assert result.ephemeral
    assert card.title == "No such account"
    assert "`345678`, `234567`, `123456`" in (card.description or "")
    assert SETUP_GUIDE in (card.description or "")


@pytest.mark.parametrize(("status", "title"), [*STATUSES.items(), (404, "No such account")])
@pytest.mark.parametrize("share", ["yes", "no"])
async def test_explains_failures_of_the_api(world: World, status: int, title: str, share: str) -> None:
    """Each failure of the API is explained privately, with advice and a reference, without the API's own text."""
    world.api.behave = with_status(status)
    result = await world.look_up("123456", share=share)
    card = embed_of(result)
    assert result.ephemeral
    assert card.title == title
    assert "**What to do:**" in (card.description or "")
    assert "raw upstream" not in str(card.to_dict())
    assert (card.footer.text or "").startswith("Reference ")


async def test_shows_the_wait_of_a_busy_api(world: World) -> None:
    """The answer shows the wait that a 429 asks for."""

    async def busy(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=429, headers={"Retry-After": "90"})

    world.api.behave = busy
    assert "Try again in 2 minutes." in (embed_of(await world.look_up("123456")).description or "")


async def test_puts_the_reference_into_the_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The reference in an error's footer finds its line in the log."""
    with caplog.at_level("INFO"):
        card = embed_of(await world.look_up("999"))
    reference = (card.footer.text or "").removeprefix("Reference ")
    (record,) = (one for one in caplog.records if getattr(one, "reference", "") == reference)
    assert reference in record.getMessage()
    assert {"guild_id", "user_id"} <= vars(record).keys()


async def test_answers_in_words_after_a_bug(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An unforeseen error is answered in words, with the reference of its traceback in the log."""

    def fail(*_: object, **_options: object) -> discord.Embed:
        raise ZeroDivisionError

    # The embed of an error has no fields.
    monkeypatch.setattr(discord.Embed, "add_field", fail)
    card = embed_of(await world.look_up("123456"))
    assert card.title == "Something broke"
    assert "ZeroDivisionError" in caplog.text
    assert (card.footer.text or "").removeprefix("Reference ") in caplog.text


async def test_limits_the_rate_of_each_user(world: World) -> None:
    """After a burst of ten, a user waits three seconds for each look-up; other users don't."""
    for _ in range(10):
        assert embed_of(await world.look_up("123456")).title == "Jane Doe"
    refused = embed_of(await world.look_up("123456"))
    assert refused.title == "A little slower, please"
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
        "minimax-accounts",
        "minimax-reminders",
        "minimax-status",
    ]
    assert not any(commands[guild] for guild in commands if guild != GUILD_ID)


async def test_completes_by_id_and_name(world: World) -> None:
    """Completion offers accounts by id or name, soonest expiry first, with the id as value."""
    assert await world.complete("") == [
        {"name": "345678 · Sam Reed · expired 2 days ago", "value": "345678"},
        {"name": "234567 · Sam Reed · expires in 3 days", "value": "234567"},
        {"name": "123456 · Jane Doe · expires in 12 days", "value": "123456"},
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
