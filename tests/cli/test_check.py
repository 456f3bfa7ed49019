"""Tests of `check`, run as a real process against stand-ins of Discord and of the API."""

import re
from datetime import UTC, datetime

import pytest

from bot.useapi.fake import Behaviour, FakeApi
from tests.support.accounts import build_account, by_id
from tests.support.hostile import UNREADABLE, answering
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.payloads import APPLICATION_ID, OTHER_GUILD_ID
from tests.support.wire.process import run_bot
from tests.support.wire.standins import build_settings

VIEW, SEND, EMBED, HISTORY, THREADS = 1 << 10, 1 << 11, 1 << 14, 1 << 16, 1 << 38
NEEDED = VIEW | SEND | EMBED | HISTORY | THREADS


async def check(
    discord: DiscordStandIn, *account_ids: str, behave: Behaviour | None = None, **changes: str
) -> tuple[int, str]:
    """Run `check`; returns its exit status and output."""
    api = FakeApi(by_id(*(build_account(account_id, now=datetime.now(UTC)) for account_id in account_ids)))
    api.behave = behave
    async with discord.serve() as url, api.serve() as api_url:
        async with run_bot(url, build_settings(api_url, **changes), "check", is_forked=True) as bot:
            status, output = await bot.ended(), bot.output
        assert discord.gateway.identifies == 0
    return status, output


async def test_everything_in_place() -> None:
    """Everything in place ends with status 0 and the next step, over REST alone."""
    discord = DiscordStandIn()
    discord.rest.bot_permissions = str(NEEDED)
    status, output = await check(discord, "123456")
    assert status == 0
    assert "✗" not in output
    assert "Invite" not in output
    last = output.splitlines()[-1]
    assert last == "Ready. Start it with `minimax-bot`, then run /minimax-reminders add in Discord."
    assert "useapi.net answers: 1 account, all healthy" in output
    assert re.search(r"^✓ The database will be created at the first start: /.+/bot\.db$", output, re.MULTILINE)
    assert "Server Listed" in output


@pytest.mark.parametrize(
    ("guilds", "chosen"), [(f"{OTHER_GUILD_ID}", True), (f"{OTHER_GUILD_ID},{OTHER_GUILD_ID + 1}", False)]
)
async def test_the_invite_link_asks_for_no_more_than_is_needed(guilds: str, *, chosen: bool) -> None:
    """A bot that is not in a server gets the link once: with the bot's id, its two scopes and the minimal rights."""
    _, output = await check(DiscordStandIn(), GUILD_IDS=guilds)
    (link,) = re.findall(r"^Invite link: (\S+)$", output, re.MULTILINE)
    assert f"client_id={APPLICATION_ID}" in link
    assert "scope=bot+applications.commands" in link
    assert f"permissions={NEEDED}" in link
    assert (f"guild_id={OTHER_GUILD_ID}" in link) is chosen
    assert output.count("oauth2") == 1


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"DISCORD_TOKEN": "MTEwMDAw.other.discord-token"}, "Discord refused DISCORD_TOKEN"),
        ({"USEAPI_TOKEN": "user:77-otheruseapitoken"}, "useapi.net rejected the bot's token"),
        ({"GUILD_IDS": str(OTHER_GUILD_ID)}, f"The bot is not in server {OTHER_GUILD_ID}"),
        ({"DATABASE_URL": "postgresql://bot:s3cret@127.0.0.1:9/bot"}, "The database can't be used: it can't be opened"),
        (
            {"DATABASE_URL": "sqlite:////etc/passwd/bot.db"},
            "it can't be opened (NotADirectoryError: /etc/passwd is no folder)",
        ),
        ({"GUILD_IDS": "0"}, "GUILD_IDS must be server ids"),
        ({"DISCORD_TOKEN": ""}, "DISCORD_TOKEN is missing"),
    ],
)
async def test_a_failure_is_reported_with_what_to_do(change: dict[str, str], found: str) -> None:
    """Each obstacle to running the bot ends with status 1, in words and without a value."""
    status, output = await check(DiscordStandIn(), behave=None, **change)
    assert status == 1
    assert found in output
    assert "Traceback" not in output
    assert not [value for name, value in change.items() if name.endswith("TOKEN") and value and value in output]


async def test_the_verdict_counts_what_is_to_be_fixed() -> None:
    """The last line of a check that fails says how many things are to be fixed, and where they stand."""
    status, output = await check(
        DiscordStandIn(), USEAPI_TOKEN="user:77-otheruseapitoken", GUILD_IDS=f"{OTHER_GUILD_ID}"
    )
    assert status == 1
    assert output.splitlines()[-1] == "Not ready: 2 things to fix, see ✗ above."
    assert len([line for line in output.splitlines() if line.startswith("✗ ")]) == 2
    assert "Copy USEAPI_TOKEN again" in output


async def test_a_typo_in_a_required_name_is_pointed_out() -> None:
    """A missing setting is reported along with another name that looks like it."""
    status, output = await check(DiscordStandIn(), USEAPI_TOKEN="", USEAPI_TOKN="user:77-otheruseapitoken")
    assert status == 1
    assert "USEAPI_TOKEN is missing" in output
    assert "Did you mean USEAPI_TOKEN?" in output


async def test_missing_rights_are_named() -> None:
    """The rights that the bot's role lacks are listed."""
    discord = DiscordStandIn()
    discord.rest.bot_permissions = str(VIEW | SEND | THREADS)
    status, output = await check(discord)
    assert status == 1
    assert "Grant its role: embed links, read message history." in output


async def test_a_timeout_is_named() -> None:
    """A moderator's timeout is the finding, in place of permissions that nobody has to grant."""
    discord = DiscordStandIn()
    discord.rest.bot_permissions = str(NEEDED)
    discord.rest.timed_out_until = "2099-01-01T00:00:00+00:00"
    status, output = await check(discord)
    assert status == 1
    assert "The bot is timed out in server Listed" in output
    assert "until 2099-01-01 00:00 UTC" in output
    assert "Remove the timeout" in output
    assert "Grant its role" not in output


async def test_a_server_that_accepts_no_commands() -> None:
    """A bot that was invited without the scope for commands fails the check."""
    discord = DiscordStandIn()
    discord.rest.fail("GET", r"/commands$", 403, code=50001)
    status, output = await check(discord)
    assert status == 1
    assert "may not add commands" in output


async def test_a_public_bot_is_a_note() -> None:
    """A bot that anybody may invite gets a note, and passes the check."""
    discord = DiscordStandIn()
    discord.rest.application["bot_public"] = True
    status, output = await check(discord)
    assert status == 0
    assert "Switch Public Bot off" in output


async def test_commands_that_go_elsewhere_are_a_failure() -> None:
    """An endpoint address in the portal keeps commands from the bot."""
    discord = DiscordStandIn()
    discord.rest.application["interactions_endpoint_url"] = "https://elsewhere.example"
    status, output = await check(discord)
    assert status == 1
    assert "Clear Interactions Endpoint URL" in output


async def test_no_account_is_a_note() -> None:
    """An empty list of accounts gets a note, with how to add one."""
    status, output = await check(DiscordStandIn())
    assert status == 0
    assert "no MiniMax account is set up" in output


async def test_discord_out_of_reach() -> None:
    """Without Discord the check fails in words."""
    discord = DiscordStandIn()
    discord.rest.fail("GET", "/users/@me$", 503)
    status, output = await check(discord)
    assert status == 1
    assert "Discord can't be reached" in output


async def test_an_answer_that_cannot_be_read() -> None:
    """An API that answers without accounts fails the check in words; the rest is still checked."""
    status, output = await check(DiscordStandIn(), behave=answering(UNREADABLE["bomb"]))
    assert status == 1
    assert "✗ useapi.net's answer can't be read" in output
    assert "Server Listed" in output
    assert "Traceback" not in output
