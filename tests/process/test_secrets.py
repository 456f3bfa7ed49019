"""No secret leaves the process, at log level DEBUG, whatever users, the API and Discord send."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from bot.errors import InternalError
from bot.useapi.client import CREDITS_PATH, JOBS_PATH
from bot.useapi.fake import TOKEN as USEAPI_TOKEN
from bot.useapi.fake import USER_NUMBER, build_job
from tests.support.accounts import DEVICE_ID, JWT, SEARCH_PARAMS, build_account, by_id
from tests.support.network import NOWHERE
from tests.support.postgres import Postgres
from tests.support.process.deployment import Deployment, open_deployment
from tests.support.wire.gateway import Op
from tests.support.wire.launch import Launch
from tests.support.wire.payloads import CHANNEL_ID, Json, build_button_message
from tests.support.wire.process import BotProcess, run_bot
from tests.support.wire.rest import TOKEN as DISCORD_TOKEN
from tests.support.wire.standins import build_settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

PASSWORD = "pa55word-of-the-database"
_UNSAVED = "unsaved"
_NEVER_SENT = [USEAPI_TOKEN, JWT, *JWT.split("."), DEVICE_ID, SEARCH_PARAMS, PASSWORD]
SECRETS = [DISCORD_TOKEN, str(USER_NUMBER), *_NEVER_SENT]
# The text of an unexpected error; the bot redacts these secrets in any text.
_FAILURE = f"unexpected: {DISCORD_TOKEN} {USEAPI_TOKEN} {JWT}"


def _build_leaky_account(account_id: str) -> dict[str, Any]:
    """Return an account, two days before its expiry, that repeats secrets in every text that is shown."""
    account = build_account(account_id, f"{JWT} {DISCORD_TOKEN}", days=2, now=datetime.now(UTC))
    account["error"] = f"refresh failed for {JWT} with {USEAPI_TOKEN} at /?{SEARCH_PARAMS} of {DEVICE_ID}"
    return account


async def _repeat_in_error(request: web.Request) -> web.Response:
    return web.Response(status=500, text=f"{JWT} {request.headers['Authorization']} {SEARCH_PARAMS}")


async def _repeat_in_html(request: web.Request) -> web.Response:
    return web.Response(text=f"<html>{JWT} {request.headers['Authorization']} {DEVICE_ID}</html>")


async def _press(deployment: Deployment, custom_id: str, message: Json | None = None) -> None:
    await (await deployment.discord.press(message or build_button_message(custom_id), custom_id)).answer()


async def _look_up_everything(deployment: Deployment, *accounts: str) -> None:
    for account in (*accounts, "no-such-account", DISCORD_TOKEN, USEAPI_TOKEN, JWT):
        for share in ("no", "yes"):
            await (await deployment.discord.slash(account, share=share)).answer()
    for account in accounts:
        await (await deployment.discord.type_in(account)).acknowledgement()
        await _press(deployment, f"minimax:check:{account}")
        await _press(deployment, f"minimax:usage:{account}")


async def _use_reminders(deployment: Deployment, healthy: str, leaky: str) -> None:
    """Use every command and button of the reminders, and wait for a reminder and its edit."""
    await _press(deployment, f"minimax:remind:{healthy}")
    for account in (leaky, "all", USEAPI_TOKEN):
        await (await deployment.discord.manage("add", account=account)).answer()
    reminder = await deployment.channels.message_in(int(CHANNEL_ID))
    for custom_id in ("minimax:recheck", "minimax:take"):
        await _press(deployment, custom_id, reminder)
    for command in ("list", "preview"):
        await (await deployment.discord.manage(command)).answer()
    for command in ("test", "pause", "resume", "remove"):
        await (await deployment.discord.manage(command, reminder="2")).answer()
    deployment.set_expiry(leaky, days=40)
    await deployment.channels.edits.nth(1)


async def _fail(deployment: Deployment, account: str) -> None:
    """Let the API and Discord repeat secrets in their errors, and a command fail unexpectedly."""
    for deployment.api.behave in (_repeat_in_error, _repeat_in_html):
        await (await deployment.discord.slash(account)).answer()
    deployment.api.behave = None
    added = await (await deployment.discord.manage("add", account=_UNSAVED)).answer()
    assert added["embeds"][0]["title"] == InternalError.title
    await deployment.discord.gateway.send(Op.RECONNECT)
    await deployment.discord.gateway.ready(nth=2)
    # An interaction that can't be read is logged; after another such event the bot makes a new connection.
    for event in ("INTERACTION_CREATE", "GUILD_DELETE"):
        await deployment.discord.gateway.dispatch(event, {"id": _FAILURE})
    await deployment.discord.gateway.ready(nth=3)


async def _use_commands(bot: BotProcess, folder: Path, account: str) -> str:
    """Use the command line beside the bot; returns its output."""
    elsewhere = f"postgresql+asyncpg://bot:{PASSWORD}@127.0.0.1:9/bot"
    commands = [["backup", f"{folder}/backup"], ["check"], ["account", account], ["accounts", "--json"]]
    commands += [["migrate-to", elsewhere]]
    ended = await asyncio.gather(*(bot.run_beside(*command) for command in commands))
    return "\n".join(output for _, output in ended)


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything that has left a bot, by where it went, and the deployment."""

    deployment: Deployment
    texts: dict[str, str]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def traces(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Traces]:
    """The traces of a bot at log level DEBUG that has met every kind of input and failure."""
    folder = tmp_path_factory.mktemp("secrets")
    async with open_deployment(f"sqlite+aiosqlite:///{folder}/bot.db") as deployment:
        healthy, leaky, failing = (deployment.add_account(days=20) for _ in range(3))
        deployment.api.accounts |= by_id(
            _build_leaky_account(leaky), build_account(_UNSAVED, days=20, now=datetime.now(UTC))
        )
        deployment.api.jobs = [build_job(leaky, datetime.now(UTC) - timedelta(minutes=n), 401) for n in range(4)]
        job_id = deployment.api.jobs[0]["jobid"]
        deployment.api.credits = {leaky: {"totalCredits": 7, "memberName": f"{JWT} {job_id}", "expireText": job_id}}
        launch = Launch(unsaved=_UNSAVED, failure=_FAILURE)
        settings = {"LOG_LEVEL": "DEBUG", "WATCH_JOBS": "yes"}
        async with deployment.run(launch=launch, settings=settings) as bot:
            await deployment.discord.gateway.ready()
            await _look_up_everything(deployment, healthy, leaky)
            await _use_reminders(deployment, healthy, leaky)
            await _fail(deployment, failing)
            # Commands without Discord don't know its token, and neither does useapi.net.
            deployment.api.accounts[leaky]["jwt"]["user"]["name"] = f"{JWT} {USEAPI_TOKEN}"
            printed = await _use_commands(bot, folder, leaky)
            stored = [file.read_bytes() for file in folder.glob("bot.db*")]
        rest = deployment.discord.rest
        texts = {
            "the log": bot.output,
            "the output of commands": printed,
            "requests to Discord": "\n".join(f"{one.method} {one.path} {json.dumps(one.json)}" for one in rest.calls),
            "requests to the API": "\n".join(deployment.api.requests),
            "the database": b"".join(stored).decode("latin-1"),
            "the backup": (folder / "backup").read_bytes().decode("latin-1"),
        }
        yield Traces(deployment, texts)


_SEEN = {
    "the log": ["DEBUG", "Traceback", "unexpected: [redacted]", "CREATE TABLE"],
    "the output of commands": ["Backed up", "Owner of", "reminders"],
    "requests to Discord": [
        "Owner of",
        r"eyJ\u2022",
        "Test sent",
        "7 credits",
        "Its jobs fail",
        "Reminder paused",
        InternalError.title,
    ],
    "requests to the API": ["/v1/minimax/accounts", JOBS_PATH, CREDITS_PATH],
    "the database": ["Owner of", "CREATE TABLE"],
    "the backup": ["Owner of", "CREATE TABLE"],
}


@pytest.mark.parametrize("where", _SEEN)
async def test_no_secret_leaves(traces: Traces, where: str) -> None:
    """No secret is in anything that left the bot; the texts that may leave it are there."""
    assert [text for text in _SEEN[where] if text not in traces.texts[where]] == []
    assert [secret for secret in SECRETS if secret in traces.texts[where]] == []


async def test_each_token_goes_to_its_own_api(traces: Traces) -> None:
    """Each token goes to its own API in one header, to the gateway in identify and resume, and nowhere else."""
    rest, gateway = traces.deployment.discord.rest, traces.deployment.discord.gateway
    headers = [pair for call in rest.calls for pair in call.headers.items()]
    assert {name for name, value in headers if DISCORD_TOKEN in value} == {"Authorization"}
    assert {name for name, value in traces.deployment.api.headers if USEAPI_TOKEN in value} == {"Authorization"}
    sent = [message["op"] for message in gateway.received if DISCORD_TOKEN in json.dumps(message)]
    assert sent == [Op.IDENTIFY, Op.RESUME, Op.IDENTIFY]
    everything = json.dumps([headers, gateway.received.items])
    assert [secret for secret in _NEVER_SENT if secret in everything] == []
    assert DISCORD_TOKEN not in str(traces.deployment.api.headers)


async def test_crash(postgres: Postgres, tmp_path: Path) -> None:
    """A crash whose error holds the secrets logs none of them, not even the password of the database."""
    url = postgres.create().replace("postgres:@", f"postgres:{PASSWORD}@")
    clock = tmp_path / "clock"
    clock.write_text(f"{_FAILURE} {PASSWORD}")
    settings = build_settings(NOWHERE, LOG_LEVEL="DEBUG", DATABASE_URL=url)
    async with run_bot(NOWHERE, settings, launch=Launch(clock=clock)) as bot:
        assert await bot.ended() == 1
    assert PASSWORD in url
    assert "CRITICAL bot: Crashed" in bot.output
    assert "unexpected: [redacted]" in bot.output
    assert [secret for secret in SECRETS if secret in bot.output] == []
