"""Tests of `setup` on a real pseudo-terminal, against stand-ins of Discord and of the API."""

import stat
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from dotenv import dotenv_values

from bot.useapi.fake import TOKEN as USEAPI_TOKEN
from bot.useapi.fake import FakeApi
from tests.support.accounts import build_account, by_id
from tests.support.wire.discord import DiscordStandIn
from tests.support.wire.payloads import APPLICATION_ID, GUILD_ID, OTHER_GUILD_ID
from tests.support.wire.process import run_bot
from tests.support.wire.rest import TOKEN as DISCORD_TOKEN
from tests.support.wire.terminal import CTRL_C, CTRL_D, Terminal, open_terminal

WRONG_DISCORD, WRONG_USEAPI = "MTEwMDAw.wrong.token-of-another-bot", "user:77-anothertokenofuseapi"
COMPLETE = f"""# Mine
DISCORD_TOKEN={DISCORD_TOKEN}


GUILD_IDS={GUILD_ID}
USEAPI_TOKEN={USEAPI_TOKEN}
REMINDER_DAYS="7,1"  # enough
SOMETHING=else
"""


@dataclass
class Desk:
    """A terminal with `setup`, and Discord as it is there."""

    discord: DiscordStandIn
    terminal: Terminal

    async def give_tokens(self) -> None:
        """Answer the questions for both tokens."""
        await self.terminal.answer("DISCORD_TOKEN (not shown)", DISCORD_TOKEN)
        await self.terminal.answer("USEAPI_TOKEN (not shown)", USEAPI_TOKEN)

    def read_dotenv(self) -> dict[str, str | None]:
        """Return what `.env` sets now."""
        return dotenv_values(self.terminal.folder / ".env")


@asynccontextmanager
async def sit_down(dotenv: str | None = None, settings: Mapping[str, str] | None = None) -> AsyncIterator[Desk]:
    """Run `setup` for a bot that is in two servers; nothing that it shows may have a token."""
    api = FakeApi(by_id(build_account("123456")))
    discord = DiscordStandIn()
    discord.rest.guild_ids |= {GUILD_ID, OTHER_GUILD_ID}

    def prepare(folder: Path) -> None:
        if dotenv is not None:
            (folder / ".env").write_text(dotenv, encoding="utf-8")

    async with discord.serve() as url, api.serve() as api_url:
        given = {"USEAPI_BASE_URL": api_url, **(settings or {})}
        async with open_terminal(url, given, "setup", prepare=prepare) as terminal:
            yield Desk(discord, terminal)
            for token in (DISCORD_TOKEN, USEAPI_TOKEN, WRONG_DISCORD, WRONG_USEAPI):
                assert token not in terminal.screen


async def test_from_nothing_to_ready() -> None:
    """Two tokens and a choice of servers make a private `.env`, and the end is the verdict of `check`."""
    async with sit_down() as desk:
        await desk.give_tokens()
        await desk.terminal.shows("useapi.net answers: 1 account")
        await desk.terminal.answer("look again)", "1")
        assert await desk.terminal.ended() == 0
        last = desk.terminal.screen.strip().splitlines()[-1]
        assert last == "Ready. Start it with `minimax-bot`, then run /minimax-reminders add in Discord."
        file = desk.terminal.folder / ".env"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert desk.read_dotenv() == {
            "DISCORD_TOKEN": DISCORD_TOKEN,
            "GUILD_IDS": str(GUILD_ID),
            "USEAPI_TOKEN": USEAPI_TOKEN,
        }
        assert "# REMINDER_DAYS=14,7,3,1" in file.read_text(encoding="utf-8")


async def test_a_wrong_token_is_asked_for_again() -> None:
    """A token that is misspelt or refused is named at once, and the next one is tried, without quotes around it."""
    async with sit_down() as desk:
        await desk.terminal.answer("DISCORD_TOKEN (not shown)", "Bearer 123")
        await desk.terminal.shows("Paste the token alone")
        await desk.terminal.answer("DISCORD_TOKEN (not shown)", "")
        await desk.terminal.shows("DISCORD_TOKEN is missing")
        await desk.terminal.answer("DISCORD_TOKEN (not shown)", USEAPI_TOKEN)
        await desk.terminal.shows("belongs in USEAPI_TOKEN")
        await desk.terminal.answer("DISCORD_TOKEN (not shown)", WRONG_DISCORD)
        await desk.terminal.shows("Discord refused DISCORD_TOKEN\n  Copy it again, or reset it")
        await desk.terminal.answer("Another token", f'"{DISCORD_TOKEN}"')
        await desk.terminal.answer("USEAPI_TOKEN (not shown)", WRONG_USEAPI)
        await desk.terminal.shows("useapi.net rejected the bot's token\n  Copy USEAPI_TOKEN again from the mail")
        await desk.terminal.answer("Another token", USEAPI_TOKEN)
        await desk.terminal.answer("look again)", "1, 2")
        assert await desk.terminal.ended() == 0
        assert desk.read_dotenv()["GUILD_IDS"] == f"{GUILD_ID},{OTHER_GUILD_ID}"


async def test_discord_away_is_tried_again() -> None:
    """While Discord fails, Enter tries the same token again."""
    async with sit_down() as desk:
        desk.discord.rest.fail("GET", "/users/@me$", 503)
        await desk.terminal.answer("DISCORD_TOKEN (not shown)", DISCORD_TOKEN)
        await desk.terminal.shows("Discord can't be reached")
        desk.discord.rest.faults.clear()
        await desk.terminal.answer("Enter to try this one again", "")
        await desk.terminal.shows("Discord knows the bot as")


async def test_waits_for_the_invitation() -> None:
    """A bot in no server gets the link that invites it, and the list once it is in."""
    async with sit_down() as desk:
        desk.discord.rest.guild_ids.clear()
        await desk.give_tokens()
        await desk.terminal.shows(f"client_id={APPLICATION_ID}")
        await desk.terminal.answer("when you have invited it", "")
        await desk.terminal.shows("in no server yet")
        desk.discord.rest.guild_ids.add(OTHER_GUILD_ID)
        await desk.terminal.answer("when you have invited it", "")
        await desk.terminal.shows(f"({OTHER_GUILD_ID})")
        await desk.terminal.answer("look again)", "7")
        await desk.terminal.shows("Give numbers from 1 to 1")
        await desk.terminal.answer("look again)", "1")
        assert await desk.terminal.ended() == 0
        assert desk.read_dotenv()["GUILD_IDS"] == str(OTHER_GUILD_ID)


async def test_nothing_is_replaced_without_a_yes() -> None:
    """Each setting that is there stays, unless the answer is yes; so does everything else in the file."""
    async with sit_down(COMPLETE) as desk:
        await desk.terminal.answer("DISCORD_TOKEN is set in .env already. Replace it? [y/N]", "maybe")
        await desk.terminal.answer("Answer y or n.\nDISCORD_TOKEN is set in .env already. Replace it? [y/N]", "")
        await desk.terminal.answer("USEAPI_TOKEN is set in .env already. Replace it? [y/N]", "n")
        await desk.terminal.answer("GUILD_IDS is set in .env already. Replace it? [y/N]", "y")
        await desk.terminal.answer("look again)", "2")
        assert await desk.terminal.ended() == 0
        text = (desk.terminal.folder / ".env").read_text(encoding="utf-8")
        assert text == COMPLETE.replace(f"GUILD_IDS={GUILD_ID}", f"GUILD_IDS={OTHER_GUILD_ID}")
        assert "Wrote GUILD_IDS to .env" in desk.terminal.screen
        assert "Reset Token" not in desk.terminal.screen


async def test_what_is_set_and_works_is_only_checked() -> None:
    """With everything kept, the file is not written again."""
    async with sit_down(COMPLETE) as desk:
        before = (desk.terminal.folder / ".env").stat()
        for name in ("DISCORD_TOKEN", "USEAPI_TOKEN", "GUILD_IDS"):
            await desk.terminal.answer(f"{name} is set in .env already. Replace it? [y/N]", "")
        assert await desk.terminal.ended() == 0
        after = (desk.terminal.folder / ".env").stat()
        assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D], ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("dotenv", [None, "# Mine\nSOMETHING=else\n"], ids=["new", "changed"])
async def test_an_interrupt_leaves_everything_as_it_was(key: str, dotenv: str | None) -> None:
    """Ctrl-C or Ctrl-D at the last question writes nothing, and ends as shells expect."""
    async with sit_down(dotenv) as desk:
        await desk.give_tokens()
        await desk.terminal.shows("look again)")
        assert await desk.terminal.interrupt(key) == 130
        await desk.terminal.shows("Nothing was changed.")
        file = desk.terminal.folder / ".env"
        assert (file.read_text(encoding="utf-8") if file.exists() else None) == dotenv
        assert [one.name for one in desk.terminal.folder.iterdir()] == ([".env"] if dotenv else [])


async def test_an_interrupt_in_a_secret_leaves_everything_as_it_was() -> None:
    """Ctrl-C while a token is typed writes nothing."""
    async with sit_down() as desk:
        await desk.terminal.shows("DISCORD_TOKEN (not shown)")
        assert await desk.terminal.interrupt(CTRL_C) == 130
        assert list(desk.terminal.folder.iterdir()) == []


async def test_another_wrong_setting_ends_it_before_anything_is_typed() -> None:
    """A wrong setting that no question is about is named at once, without the advice to run `setup`."""
    async with sit_down("CHECK_INTERVAL_SECONDS=0\n") as desk:
        assert await desk.terminal.ended() == 2
        await desk.terminal.shows("CHECK_INTERVAL_SECONDS must")
        await desk.terminal.shows("Then try again.")
        assert "setup" not in desk.terminal.screen
        assert "not shown" not in desk.terminal.screen


async def test_servers_that_are_none_are_asked_for() -> None:
    """A GUILD_IDS that is wrong can't be kept: its problem is shown, and the question follows."""
    async with sit_down("GUILD_IDS=abc\n") as desk:
        await desk.give_tokens()
        await desk.terminal.shows("GUILD_IDS must be server ids")
        await desk.terminal.answer("look again)", "1")
        assert await desk.terminal.ended() == 0
        assert desk.read_dotenv()["GUILD_IDS"] == str(GUILD_ID)


async def test_the_environment_is_pointed_out() -> None:
    """A setting in the environment outranks the file, and the first lines say so."""
    async with sit_down(settings={"GUILD_IDS": str(GUILD_ID)}) as desk:
        await desk.terminal.shows("GUILD_IDS is set in the environment, which outranks .env.")


@pytest.mark.parametrize("kind", ["folder", "link"])
async def test_a_file_that_it_cannot_write(kind: str) -> None:
    """A `.env` that is a folder or a link is refused in words before the first question, and stays."""

    def prepare(folder: Path) -> None:
        if kind == "folder":
            (folder / ".env").mkdir()
        else:
            (folder / ".env").symlink_to(folder / "elsewhere")

    async with open_terminal("", {}, "setup", prepare=prepare) as terminal:
        assert await terminal.ended() == 2
        await terminal.shows("Please fix these settings")
        assert [one.name for one in terminal.folder.iterdir()] == [".env"]


@pytest.mark.parametrize("dotenv", [None, COMPLETE], ids=["new", "complete"])
async def test_without_a_terminal(dotenv: str | None) -> None:
    """Where nobody can answer, it ends with status 2 and says what to do instead."""
    async with run_bot("", {}, "setup", dotenv=dotenv, is_forked=True) as bot:
        assert await bot.ended() == 2
        assert "needs a terminal" in bot.output
        assert ".env.example" in bot.output
