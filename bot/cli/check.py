"""`check`: whether everything is in place to run, and what to do about the rest."""

from collections.abc import Callable
from datetime import datetime

from bot.chat.gateway.client import build_client
from bot.chat.rest.survey import Finding, Grade, Survey, build_invite
from bot.config import Settings, secrets_of
from bot.core.accounts import Status
from bot.core.links import SETUP_GUIDE
from bot.core.secrets import Redactor
from bot.core.wording import explain, say_count
from bot.errors import BotError
from bot.useapi.directory import open_directory


def show_finding(finding: Finding) -> None:
    """Print one row: grade, what was found, what to do."""
    print(f"{finding.grade:<7} {finding.what}")
    if finding.advice:
        print(f"{'':<7} -> {finding.advice}")


async def _look_at_useapi(settings: Settings, now: Callable[[], datetime]) -> Finding:
    redact = Redactor(secrets_of(settings))
    async with open_directory(
        base_url=settings.base_url, token=settings.useapi_token, redact=redact, now=now
    ) as directory:
        try:
            readings = await directory.read_all()
        except BotError as error:
            problem = explain(error)
            return Finding(Grade.FAILED, problem.title, problem.advice)
    if not readings:
        return Finding(Grade.NOTE, "useapi.net answers, but no MiniMax account is set up", f"Add one: {SETUP_GUIDE}")
    count = sum(reading.account.status(now()) is not Status.HEALTHY for reading in readings.values())
    found = f"useapi.net answers: {say_count(len(readings), 'account')}"
    return Finding(Grade.OK, f"{found}, {count} in need of attention" if count else f"{found}, all healthy")


async def check(settings: Settings, *, now: Callable[[], datetime]) -> bool:
    """Print a table of findings and the invite link; return whether the bot can run."""
    findings = [Finding(Grade.OK, "The settings are complete"), await _look_at_useapi(settings, now)]
    for finding in findings:
        show_finding(finding)
    async with build_client() as client:
        async for finding in Survey(client).find(settings.discord_token.get_secret_value(), settings.guild_ids):
            findings.append(finding)
            show_finding(finding)
        if client.application_id is not None:
            print(f"\nInvite link: {build_invite(client.application_id)}")
    return all(finding.grade is not Grade.FAILED for finding in findings)
