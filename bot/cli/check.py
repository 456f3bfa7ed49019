"""`check`: whether everything is in place to run, and what to do if it is not."""

import argparse
import asyncio
import functools
import sys
from typing import TYPE_CHECKING

from bot.cli.command import (
    DONE,
    FAILED,
    Commands,
    Surroundings,
    load_settings,
    print_error,
    say_advice,
    without_marks,
)
from bot.cli.owner import work_beside
from bot.cli.program import spell_start
from bot.cli.signs import Sign
from bot.core.links import SETUP_GUIDE
from bot.core.status import Status
from bot.core.wording import CLOCK_ADVICE, say_count, say_skew
from bot.errors import BotError, SettingsError, StoreError, WrongUser

if TYPE_CHECKING:
    from bot.chat.rest.survey import Finding
    from bot.config import Settings, UseapiSettings
    from bot.core.clock import ClockGuard

# By the name of the grade: its module loads discord.py.
_SIGNS = {"OK": Sign.GOOD, "NOTE": Sign.NOTE, "FAILED": Sign.BAD}


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = (
        "Check that everything is ready to run. "
        "It tries the settings, the database, the clock, both tokens, each server and the bot's permissions there."
    )
    commands.add_parser("check", description=text).set_defaults(work=check)


def check(args: argparse.Namespace, around: Surroundings) -> int:
    """Check the settings, the database, useapi.net and Discord."""
    from bot.config import Settings
    from bot.core.clock import ClockGuard

    try:
        settings = load_settings(Settings, quiet=True)
        work_beside(settings.database_url)
    except (SettingsError, WrongUser) as error:
        print_error(error, args.program)
        return FAILED
    clock = ClockGuard(around.now, around.monotonic)
    return DONE if asyncio.run(print_findings(settings, clock, program=args.program)) else FAILED


async def print_findings(settings: "Settings", clock: "ClockGuard", *, program: str) -> bool:
    """Print the findings, the invite link if a server needs it, and the verdict; return whether the bot can run.

    `program` is this program as the operator types it.
    """
    from bot.chat.gateway.client import build_client
    from bot.chat.rest.survey import Finding, Grade, Survey, build_invite

    findings = [
        Finding(Grade.OK, "The settings are complete"),
        await _look_at_database(settings.database_url),
        await look_at_useapi(settings, clock),
    ]
    if not clock.is_trusted:
        findings.append(Finding(Grade.FAILED, f"The clock of this machine is {say_skew(clock.skew)}", CLOCK_ADVICE))
    for finding in findings:
        print_finding(finding)
    async with build_client() as client:
        async for finding in Survey(client).find(settings.discord_token.get_secret_value(), settings.guild_ids):
            findings.append(finding)
            print_finding(finding)
        uninvited = [finding.uninvited for finding in findings if finding.uninvited is not None]
        if uninvited and client.application_id is not None:
            only = uninvited[0] if len(uninvited) == 1 else None
            print(f"\nInvite link: {build_invite(client.application_id, only)}")
    failed = sum(finding.grade is Grade.FAILED for finding in findings)
    if failed:
        sign = Sign.BAD.on(sys.stdout)
        print(f"\nNot ready: {say_count(failed, 'thing')} to fix, see {sign} above.")
    else:
        print(f"\nReady. Start it with `{spell_start(program)}`, then run /minimax-reminders add in Discord.")
    return not failed


async def _look_at_database(url: str) -> "Finding":
    """Return what opening the database finds, without a change in it."""
    from bot.chat.rest.survey import Finding, Grade
    from bot.store.database import SCHEMA, find_schema, sqlite_file

    try:
        schema = await find_schema(url)
    except StoreError as error:
        return Finding(Grade.FAILED, f"{error.operator_title}: {error.detail}", error.operator_advice)
    if schema is None:
        file = sqlite_file(url)
        place = "" if file is None else f": {file.absolute()}"
        return Finding(Grade.OK, f"The database will be created at the first start{place}")
    what = "The database can be used"
    return Finding(Grade.OK, what if schema == SCHEMA else f"{what}, and will be migrated at the next start")


async def look_at_useapi(settings: "UseapiSettings", clock: "ClockGuard") -> "Finding":
    """Return what reading the accounts with these settings finds."""
    from bot.chat.rest.survey import Finding, Grade
    from bot.config import secrets_of
    from bot.core.secrets import Redactor
    from bot.useapi.directory import open_directory

    redact = Redactor(secrets_of(settings))
    async with open_directory(
        base_url=settings.base_url,
        token=settings.useapi_token,
        redact=redact,
        now=clock.now,
        witness=functools.partial(clock.witness, "useapi.net"),
    ) as directory:
        try:
            snapshots = await directory.read_all()
        except BotError as error:
            return Finding(Grade.FAILED, error.title, without_marks(say_advice(error)))
    if not snapshots:
        return Finding(Grade.NOTE, "useapi.net answers, but no MiniMax account is set up", f"Add one: {SETUP_GUIDE}")
    count = sum(snapshot.account.status(clock.now()) is not Status.HEALTHY for snapshot in snapshots.values())
    found = f"useapi.net answers: {say_count(len(snapshots), 'account')}"
    return Finding(Grade.OK, f"{found}, {count} in need of attention" if count else f"{found}, all healthy")


def print_finding(finding: "Finding") -> None:
    """Print a finding with its sign, and below it what to do."""
    print(f"{_SIGNS[finding.grade.name].on(sys.stdout)} {finding.what}")
    if finding.advice:
        print(f"  {finding.advice}")
