"""`setup`: asks for the required settings, tries each at once, and writes them to `.env`."""

import argparse
import asyncio
import getpass
import io
import os
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.check import check, look_at_useapi, print_finding
from bot.cli.command import DOTENV, Commands, Surroundings
from bot.cli.ending import INTERRUPTED
from bot.cli.owner import work_as_owner_of
from bot.cli.signs import Sign
from bot.errors import NoTerminal, SettingsError

if TYPE_CHECKING:
    from bot.chat.rest.survey import Finding

_NUMBER = re.compile(r"\d{1,20}", re.ASCII)


def add_to(commands: Commands) -> None:
    """Add the command to the parser."""
    text = (
        "Ask for the settings, try them, and write .env. "
        "Tokens are not shown while you type or paste them. Nothing is written before all questions are answered."
    )
    commands.add_parser("setup", description=text).set_defaults(work=setup)


def setup(args: argparse.Namespace, around: Surroundings) -> int:
    """Ask for the tokens and the servers, write `.env`, and end with what `check` finds.

    Raises:
        NoTerminal: standard input or output is no terminal.
        SettingsError: `.env` can't be read or written, or another setting is wrong.
        WrongUser: root works in the folder of several users.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise NoTerminal("no terminal")
    given = _read_given()
    _check_other_settings()
    try:
        answers = _ask(given, around)
    except (KeyboardInterrupt, EOFError):
        print("\nNothing was changed.")
        return INTERRUPTED
    if answers:
        _write(answers)
        # On Windows the folder decides who can read it.
        private = "" if sys.platform == "win32" else ", which only you can read"
        print(f"\nWrote {', '.join(answers)} to {DOTENV}{private}.\n")
    return check(args, around)


def _read_given() -> dict[str, str]:
    """Return the settings that `.env` has."""
    from bot.config import read_dotenv

    work_as_owner_of([Path()])
    if DOTENV.is_symlink():
        raise SettingsError([f"{DOTENV} is a link. Change the file that it names, or remove the link."])
    if not os.access(DOTENV.parent, os.W_OK) or (DOTENV.exists() and not DOTENV.is_file()):
        raise SettingsError([f"{DOTENV} can't be written here. Run this in a folder of your own."])
    return read_dotenv(DOTENV)


def _check_other_settings() -> None:
    """Check the settings that no question is about, before the operator types anything.

    Raises:
        SettingsError: some are wrong.
    """
    from bot.config import Settings, read_settings

    try:
        read_settings(Settings, os.environ, DOTENV)
    except SettingsError as error:
        others = [problem for problem in error.problems if not problem.startswith(SettingsError.asked)]
        if others:
            raise SettingsError(others) from None


def _ask(given: Mapping[str, str], around: Surroundings) -> dict[str, str]:
    """Return the settings to write, by name: those that are new or that the operator wants to replace."""
    for name in ("DISCORD_TOKEN", "USEAPI_TOKEN", "GUILD_IDS"):
        if os.environ.get(name):
            print(f"! {name} is set in the environment, which outranks {DOTENV}.")
    where = "The bot's token: discord.com/developers/applications, your application, Bot, Reset Token."
    discord_token = _ask_token("DISCORD_TOKEN", given, where, _try_discord)
    print()
    where = "The useapi.net token: in the mail or page that you got with your subscription; it begins with user:."
    useapi_token = _ask_token("USEAPI_TOKEN", given, where, lambda token: _try_useapi(token, around))
    guild_ids = _ask_servers(discord_token, given.get("GUILD_IDS", ""))
    answers = {"DISCORD_TOKEN": discord_token, "USEAPI_TOKEN": useapi_token, "GUILD_IDS": guild_ids}
    return {name: value for name, value in answers.items() if value != given.get(name)}


def _ask_token(name: str, given: Mapping[str, str], where: str, attempt: Callable[[str], "Finding"]) -> str:
    """Return a token that works: the one that is set, unless the operator wants to replace it, or else the next.

    `where` says where to find one.
    """
    from bot.chat.rest.survey import Grade

    value = given.get(name, "")
    if not value or _confirm(f"{name} is set in {DOTENV} already. Replace it?"):
        print(where)
        value = _ask_secret(f"{name} (not shown): ")
    while True:
        if problem := _find_problem(name, value):
            print(f"{Sign.BAD.on(sys.stdout)} {problem}")
            value = _ask_secret(f"{name} (not shown): ")
            continue
        finding = attempt(value)
        print_finding(finding)
        if finding.grade is not Grade.FAILED:
            return value
        value = _ask_secret("Another token, or Enter to try this one again: ") or value


def _ask_secret(prompt: str) -> str:
    # Quotes come with a token that is copied out of a file.
    return getpass.getpass(prompt).strip().strip("\"'")


def _confirm(question: str) -> bool:
    while (answer := input(f"{question} [y/N] ").strip().lower()) not in ("y", "yes", "n", "no", ""):
        print("Answer y or n.")
    return answer in ("y", "yes")


def _find_problem(name: str, value: str) -> str:
    """Return what is wrong with the spelling of a setting, "" if nothing is."""
    from bot.config import Settings, read_settings

    try:
        read_settings(Settings, {name: value}, Path())
    except SettingsError as error:
        return next((problem for problem in error.problems if problem.startswith(f"{name} ")), "")
    return ""


def _try_discord(token: str) -> "Finding":
    from bot.chat.gateway.client import build_client
    from bot.chat.rest.survey import Survey

    async def log_in() -> "Finding":
        async with build_client() as client:
            return await Survey(client).log_in(token)

    return asyncio.run(log_in())


def _try_useapi(token: str, around: Surroundings) -> "Finding":
    from bot.config import UseapiSettings, read_settings
    from bot.core.clock import ClockGuard

    settings = read_settings(UseapiSettings, {**os.environ, "USEAPI_TOKEN": token}, DOTENV)
    return asyncio.run(look_at_useapi(settings, ClockGuard(around.now, around.monotonic)))


def _ask_servers(token: str, given: str) -> str:
    """Ask which of the bot's servers may use it, and wait until it is in one; return their ids as in GUILD_IDS."""
    if given and (problem := _find_problem("GUILD_IDS", given)):
        print(f"\n{Sign.BAD.on(sys.stdout)} {problem}")
    elif given and not _confirm(f"\nGUILD_IDS is set in {DOTENV} already. Replace it?"):
        return given
    while True:
        finding, invite, names = asyncio.run(_find_servers(token))
        if finding is not None:
            print_finding(finding)
            input("Press Enter to try again: ")
            continue
        servers = sorted(names, key=lambda guild_id: names[guild_id].casefold())
        print("\nServers that the bot is in:" if servers else "\nThe bot is in no server yet.")
        for number, guild_id in enumerate(servers, 1):
            print(f"  {number}  {names[guild_id]} ({guild_id})")
        print(f"{'Another one? ' if servers else ''}Invite it: {invite}")
        if not servers:
            input("Press Enter when you have invited it: ")
            continue
        if chosen := _choose(servers):
            return ",".join(map(str, chosen))


def _choose(servers: Sequence[int]) -> list[int]:
    """Ask for the numbers of some servers; return their ids, none if the operator wants to see the list again."""
    while typed := input("Numbers of those that may use it and see all accounts, such as 1,2 (Enter: look again): "):
        numbers = [int(one) if _NUMBER.fullmatch(one) else 0 for one in typed.replace(",", " ").split()]
        if numbers and all(0 < number <= len(servers) for number in numbers):
            return [servers[number - 1] for number in dict.fromkeys(numbers)]
        print(f"{Sign.BAD.on(sys.stdout)} Give numbers from 1 to {len(servers)}, separated by commas.")
    return []


async def _find_servers(token: str) -> "tuple[Finding | None, str, Mapping[int, str]]":
    """Return why Discord does not answer, or None; the link that invites the bot; and its servers' names by id."""
    from bot.chat.gateway.client import build_client
    from bot.chat.rest.failures import DISCORD_ERRORS
    from bot.chat.rest.survey import Grade, Survey, build_invite, explain

    async with build_client() as client:
        survey = Survey(client)
        finding = await survey.log_in(token)
        if finding.grade is Grade.FAILED:
            return finding, "", {}
        assert client.application_id is not None
        try:
            names = await survey.fetch_servers()
        except DISCORD_ERRORS as error:
            return explain(error, "The bot's servers can't be read"), "", {}
        return None, build_invite(client.application_id), names


def _write(values: Mapping[str, str]) -> None:
    """Write these settings to `.env`; everything else in it stays, and a new file begins as `.env.example` does."""
    from dotenv.parser import parse_stream

    from bot.cli.settings_text import settings_example
    from bot.store.files import PRIVATE, replace_text

    text = DOTENV.read_text(encoding="utf-8-sig") if DOTENV.exists() else settings_example()
    lines, missing = [], dict(values)
    for binding in parse_stream(io.StringIO(text)):
        if binding.key is not None and binding.key in values:
            missing.pop(binding.key, None)
            # Blank lines before it belong to it.
            original = binding.original.string
            blank = original[: len(original) - len(original.lstrip())]
            lines.append(f"{blank}{binding.key}={values[binding.key]}\n")
        else:
            lines.append(binding.original.string)
    if missing and lines and not lines[-1].endswith("\n"):
        lines.append("\n")
    lines += [f"{name}={value}\n" for name, value in missing.items()]
    try:
        replace_text(DOTENV, "".join(lines), PRIVATE)
    except OSError as error:
        raise SettingsError([f"{DOTENV} can't be written ({error.strerror})."]) from None
