"""A gateway of Discord to which no TLS connection can be made."""

import asyncio

import discord.gateway
import pytest
import yarl
from pydantic import SecretStr

from bot.chat.gateway.client import AccountBot
from bot.chat.gateway.connection import Connection
from bot.chat.gateway.responder import Responder
from bot.core.secrets import Redactor
from bot.useapi.directory import open_directory
from bot.useapi.guild_access import GuildAccess
from tests.support.network import NOWHERE
from tests.support.tls import UNTRUSTED, serve_tls
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.redirect import discord_connected_to
from tests.support.wire.rest import TOKEN
from tests.support.wire.virtual_time import in_virtual_time, read_clock

_MINUTE = 60.0


@in_virtual_time
async def test_the_cause_is_logged_once_and_forgotten_after_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    """A gateway whose certificate is not trusted is named with the cause; once it answers, nothing is in the way."""
    stand_in = DiscordStandIn(guild_ids=())
    nobody = open_directory(base_url=NOWHERE, token=SecretStr("x"), redact=Redactor(), now=read_clock)
    async with stand_in.serve() as url, serve_tls(UNTRUSTED) as port, nobody as directory:
        bot = AccountBot(access=GuildAccess((), directory), responder=Responder(now=read_clock), jitter=lambda: 0.0)
        with discord_connected_to(url):
            good = discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
            discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(f"wss://localhost:{port}/")
            async with bot:
                keeping = asyncio.create_task(Connection(bot, jitter=lambda: 0.0).keep(TOKEN))
                await asyncio.sleep(_MINUTE)
                assert bot.obstacles.current is not None
                discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = good
                await stand_in.gateway.ready()
                assert bot.obstacles.current is None
                keeping.cancel()
                await asyncio.wait({keeping})
    records = [record for record in caplog.records if record.name.startswith("bot.chat")]
    causes = [record for record in records if "Discord's certificate isn't trusted. If a" in record.getMessage()]
    assert len(causes) == 1
    assert len(records) > 1
    assert not any(record.exc_info for record in records)
