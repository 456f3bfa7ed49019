"""What never leaves the process, at the most talkative log level, whatever people, API and Discord do."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.core.wording import explain
from bot.useapi.fake import TOKEN as USEAPI_TOKEN
from tests.support.postgres import Postgres
from tests.support.process.scene import DAY, Reminding, open_reminding
from tests.support.process.stage import DEVICE_ID, JWT, SEARCH_PARAMS, build_account, build_settings
from tests.support.wire.gateway import Op
from tests.support.wire.payloads import CHANNEL_ID, Json, build_button_message
from tests.support.wire.process import BotProcess, run_bot
from tests.support.wire.rest import TOKEN as DISCORD_TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "pa55word-of-the-database"
NOWHERE = "http://127.0.0.1:9"
_NOBODYS = [USEAPI_TOKEN, JWT, *JWT.split("."), DEVICE_ID, SEARCH_PARAMS, "fingerprint", PASSWORD]
SECRETS = [DISCORD_TOKEN, *_NOBODYS]
# What the bot can tell by itself, in whatever text it stands.
_KNOWN = f"not foreseen: {DISCORD_TOKEN} {USEAPI_TOKEN} {JWT} {PASSWORD}"
_LEAKY = {"LOG_LEVEL": "DEBUG", "FAIL_TEST": f"not foreseen: {DISCORD_TOKEN} {USEAPI_TOKEN} {JWT}"}


def _telltale(account_id: str) -> dict[str, Any]:
    """Return an account, due soon, that repeats its secrets wherever a text is shown."""
    account = build_account(account_id)
    account["error"] = f"refresh failed for {JWT} with {USEAPI_TOKEN}"
    account["jwt"]["user"]["name"] = f"{JWT} {DISCORD_TOKEN}"
    account["jwt"]["exp"] -= 18 * DAY
    return account


async def _repeat_in_error(request: web.Request) -> web.Response:
    return web.Response(status=500, text=f"{JWT} {request.headers['Authorization']} {SEARCH_PARAMS}")


async def _repeat_in_no_json(request: web.Request) -> web.Response:
    return web.Response(text=f"<html>{JWT} {request.headers['Authorization']} {DEVICE_ID}</html>")


async def _press(scene: Reminding, custom_id: str, message: Json | None = None) -> None:
    await (await scene.discord.press(message or build_button_message(custom_id), custom_id)).answer()


async def _look_up_everything(scene: Reminding, *accounts: str) -> None:
    for account in (*accounts, "no-such-account", DISCORD_TOKEN, USEAPI_TOKEN, JWT):
        for share in ("no", "yes"):
            await (await scene.discord.slash(account, share=share)).answer()
    for account in accounts:
        await (await scene.discord.type_in(account)).acknowledgement()
        await _press(scene, f"minimax:check:{account}")


async def _be_reminded(scene: Reminding, healthy: str, telltale: str) -> None:
    """Use every command and button of the reminders, and see a reminder come, and be edited."""
    await _press(scene, f"minimax:remind:{healthy}")
    for account in (telltale, "all", USEAPI_TOKEN):
        await (await scene.discord.manage("add", account=account)).answer()
    reminder = await scene.channels.message_in(int(CHANNEL_ID))
    for custom_id in ("minimax:recheck", "minimax:take"):
        await _press(scene, custom_id, reminder)
    for command in ("list", "preview"):
        await (await scene.discord.manage(command)).answer()
    for command in ("test", "pause", "resume", "remove"):
        await (await scene.discord.manage(command, subscription="2")).answer()
    scene.set_expiry(telltale, days=40)
    await scene.channels.edits.nth(1)


async def _suffer(scene: Reminding, trouble: str) -> None:
    """Let the API and Discord repeat secrets in their errors."""
    for scene.api.behave in (_repeat_in_error, _repeat_in_no_json):
        await (await scene.discord.slash(trouble)).answer()
    scene.api.behave = None
    await scene.discord.gateway.send(Op.RECONNECT)
    await scene.discord.gateway.ready(nth=2)
    await scene.discord.gateway.dispatch("INTERACTION_CREATE", {"unreadable": True})
    await scene.discord.gateway.ready(nth=3)


async def _use_commands(bot: BotProcess, folder: Path, account: str) -> str:
    """Use the command line beside the bot; returns all that it printed."""
    elsewhere = f"postgresql+asyncpg://bot:{PASSWORD}@127.0.0.1:9/bot"
    commands = [["backup", f"{folder}/backup"], ["check"], ["account", account], ["accounts", "--json"]]
    commands += [["migrate-to", elsewhere]]
    ended = await asyncio.gather(*(bot.run_beside(*command) for command in commands))
    return "\n".join(output for _, output in ended)


@dataclass(frozen=True, slots=True)
class Left:
    """What has left a bot that has been through everything, by where it went, and its bot and stand-ins."""

    scene: Reminding
    traces: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def left(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Left]:
    """A bot at log level DEBUG that has been through everything, and has ended."""
    folder = tmp_path_factory.mktemp("secrets")
    async with open_reminding(f"sqlite+aiosqlite:///{folder}/bot.db") as scene:
        healthy, telltale, trouble = (scene.add_account(days=20) for _ in range(3))
        scene.api.accounts |= {telltale: _telltale(telltale), "failing": build_account("failing")}
        async with scene.run(**_LEAKY) as bot:
            await scene.discord.gateway.ready()
            await _look_up_everything(scene, healthy, telltale, "failing")
            await _be_reminded(scene, healthy, telltale)
            await _suffer(scene, trouble)
            # The commands that need no Discord don't know its token, which no API of theirs does either.
            scene.api.accounts[telltale]["jwt"]["user"]["name"] = f"{JWT} {USEAPI_TOKEN}"
            printed = await _use_commands(bot, folder, telltale)
            stored = [file.read_bytes() for file in folder.glob("bot.db*")]
        rest = scene.discord.rest
        traces = {
            "the log": bot.output,
            "what commands printed": printed,
            "requests to Discord": "\n".join(f"{one.method} {one.path} {json.dumps(one.json)}" for one in rest.calls),
            "requests to the API": "\n".join(scene.api.requests),
            "the database": b"".join(stored).decode("latin-1"),
            "the backup": (folder / "backup").read_bytes().decode("latin-1"),
        }
        yield Left(scene, traces)


_SEEN = {
    "the log": ["DEBUG", "Traceback", "not foreseen: [redacted]", "CREATE TABLE"],
    "what commands printed": ["Backed up", "Owner of", "watches"],
    "requests to Discord": [
        "Owner of",
        r"eyJ\u2022",
        "Test sent",
        "Reminder paused",
        explain(None).title,
    ],
    "requests to the API": ["/v1/minimax/accounts"],
    "the database": ["Owner of", "CREATE TABLE"],
    "the backup": ["Owner of", "CREATE TABLE"],
}


@pytest.mark.parametrize("where", _SEEN)
async def test_no_secret_leaves(left: Left, where: str) -> None:
    """None of the secrets is in anything that left the bot, where what may leave it is found."""
    assert [text for text in _SEEN[where] if text not in left.traces[where]] == []
    assert [secret for secret in SECRETS if secret in left.traces[where]] == []


async def test_tokens_are_where_they_belong(left: Left) -> None:
    """Each token goes to its own API in one header, to the gateway in identify and resume, and nowhere else."""
    rest, gateway = left.scene.discord.rest, left.scene.discord.gateway
    headers = [pair for call in rest.calls for pair in call.headers.items()]
    assert {name for name, value in headers if DISCORD_TOKEN in value} == {"Authorization"}
    assert {name for name, value in left.scene.api.headers if USEAPI_TOKEN in value} == {"Authorization"}
    told = [message["op"] for message in gateway.received if DISCORD_TOKEN in json.dumps(message)]
    assert told == [Op.IDENTIFY, Op.RESUME, Op.IDENTIFY]
    everything = json.dumps([headers, gateway.received.items])
    assert [secret for secret in _NOBODYS if secret in everything] == []
    assert DISCORD_TOKEN not in str(left.scene.api.headers)


async def test_crash(postgres: Postgres) -> None:
    """A crash whose error names the secrets writes none of them, not even the database's password."""
    url = postgres.create().replace("postgres:@", f"postgres:{PASSWORD}@")
    settings = build_settings(NOWHERE, LOG_LEVEL="DEBUG", DATABASE_URL=url, CRASH_TEST=_KNOWN)
    async with run_bot(NOWHERE, settings) as bot:
        assert await bot.ended() == 1
    assert PASSWORD in url
    assert "CRITICAL bot: Crashed" in bot.output
    assert [secret for secret in SECRETS if secret in bot.output] == []
