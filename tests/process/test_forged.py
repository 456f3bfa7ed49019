"""Interactions that Discord's own clients do not send."""

from typing import Any

import pytest

from bot.useapi.client import ACCOUNTS_PATH
from tests.support.process.world import ProcessWorld
from tests.support.wire.interactions import CHOICES, Exchange
from tests.support.wire.payloads import (
    AUTOCOMPLETE,
    COMMAND,
    GUILD_ID,
    OTHER_GUILD_ID,
    PRIVATE,
    REMINDERS_COMMAND,
    SLASH,
    build_button_message,
    new_id,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEXT, INTEGER, BOOLEAN, USER, CHANNEL, ROLE = 3, 4, 5, 6, 7, 8
CHECK, RECHECK, PAGE = "minimax:check:", "minimax:recheck", "minimax:page:reminders:"
HUGE = "\u202e*@everyone" * 10_000


def option(name: str, value: Any, kind: int = TEXT, **more: Any) -> dict[str, Any]:
    """Return one option as a client sends it."""
    return {"type": kind, "name": name, "value": value, **more}


def command(*options: dict[str, Any], name: str = COMMAND, kind: int = 1) -> dict[str, Any]:
    """Return what the use of a command carries."""
    return {"id": new_id(), "name": name, "type": kind, "options": list(options), "guild_id": str(GUILD_ID)}


def reminders(subcommand: str, *options: dict[str, Any]) -> dict[str, Any]:
    """Return what the use of a subcommand carries."""
    return command({"type": 1, "name": subcommand, "options": list(options)}, name=REMINDERS_COMMAND)


async def text_of(exchange: Exchange) -> str:
    """Return the title and the text of the one private answer."""
    shown = await exchange.answer()
    assert shown["flags"] & PRIVATE
    (embed,) = shown["embeds"]
    return f"{embed['title']}\n{embed['description']}"


async def assert_unharmed(world: ProcessWorld, calls_before: int) -> None:
    """Fail unless the bot works as before on the same connection, and requested only accounts from the API."""
    identifies = world.discord.gateway.identifies
    assert "**Expires" in (await (await world.discord.slash(world.add_account())).answer())["embeds"][0]["description"]
    assert world.discord.gateway.identifies == identifies == 1
    for path in world.api.calls[calls_before:]:
        assert path == ACCOUNTS_PATH or path.rpartition("/")[0] == ACCOUNTS_PATH


@pytest.mark.parametrize(
    "data",
    [
        command(),
        command(option("account", 7, INTEGER)),
        command(option("account", 7)),
        command(option("account", None)),
        command(option("account", ["1"])),
        command(option("account", {"id": "1"})),
        command(option("account", True, BOOLEAN)),  # noqa: FBT003  (the value of an option)
        command(option("account", "1", USER)),
        command(option("account", "")),
        command(option("account", "\x00/../\x1b[2J")),
        command(option("account", HUGE)),
        command(option("account", "no-such"), option("share", "maybe")),
        command(option("account", "no-such"), option("share", 1, INTEGER)),
        command(option("account", "no-such"), option("admin", "yes")),
        command(option("account", "no-such"), option("account", "nor-this")),
        command({"type": 1, "name": "account", "options": [option("account", "1")]}),
        command(option("a", "b"), name="no-such-command"),
        command(kind=2),
        command(name=REMINDERS_COMMAND),
        reminders("drop-all"),
        reminders("add", option("account", "all"), option("days", 7, INTEGER)),
        reminders("add", option("account", "all"), option("days", "9" * 5_000)),
        reminders("add", option("account", "all"), option("channel", "1", CHANNEL)),
        reminders("add", option("account", "all"), option("channel", "1")),
        reminders("add", option("account", "all"), option("mention", "1", ROLE)),
        reminders("add", option("account", "all"), option("mention", "@everyone")),
        reminders("remove", option("reminder", "9" * 30)),
        reminders("remove", option("reminder", "-1 OR 1=1")),
        reminders("remove", option("reminder", 1, INTEGER)),
    ],
)
async def test_options_outside_the_schema(world: ProcessWorld, data: dict[str, Any]) -> None:
    """Options that are missing, unknown, too long or of another type are refused with a private text."""
    calls_before = len(world.api.calls)
    assert await text_of(await world.discord.forge(SLASH, data))
    await assert_unharmed(world, calls_before)


@pytest.mark.parametrize("kind", [SLASH, AUTOCOMPLETE])
async def test_a_thread_as_documented(world: ProcessWorld, kind: int) -> None:
    """A thread with the documented fields alone, fewer than discord.py reads, is completed and judged as any other."""
    calls_before, thread = len(world.api.calls), new_id()
    used = reminders("add", option("account", "all", focused=kind == AUTOCOMPLETE), option("channel", thread, CHANNEL))
    metadata = {"archived": False, "auto_archive_duration": 60, "archive_timestamp": "2026-01-01T00:00:00+00:00"}
    resolved = {"id": thread, "name": "renewals", "type": 11, "permissions": "0", "parent_id": new_id()}
    used["resolved"] = {"channels": {thread: resolved | {"thread_metadata": metadata}}}
    exchange = await world.discord.forge(kind, used)
    if kind == AUTOCOMPLETE:
        assert (await exchange.acknowledgement()).json["data"]["choices"]
    else:
        assert "You can't post" in await text_of(exchange)
    await assert_unharmed(world, calls_before)


@pytest.mark.parametrize(
    "typed", ["", "\x00\ud800", HUGE, "' OR 1=1 --", ".*", "\u202e"], ids=lambda typed: ascii(typed[:9])
)
@pytest.mark.parametrize("build", [command, lambda *options: reminders("remove", *options)])
async def test_typing_outside_the_schema(world: ProcessWorld, build: Any, typed: str) -> None:
    """Completion of any text is a list of at most 25 choices, also for an option that does not exist."""
    name = "account" if build is command else "reminder"
    calls_before = len(world.api.calls)
    exchange = await world.discord.forge(AUTOCOMPLETE, build(option(name, typed, focused=True)))
    call = await exchange.acknowledgement()
    assert call.json["type"] == CHOICES
    assert len(call.json["data"]["choices"]) <= 25
    await assert_unharmed(world, calls_before)


@pytest.mark.parametrize(
    ("custom_id", "text"),
    [
        (CHECK + "9" * 86, "No account called"),
        (CHECK + "9" * 5_000, "No account called"),
        (CHECK + "../../v2/accounts", "No account called"),
        (CHECK + "..", 'No account called ".."'),
        (CHECK + "\n\x00", "No such account"),
        (CHECK, "is outdated"),
        (RECHECK + ":1", "is outdated"),
        (RECHECK, "too old for the bot"),
        (PAGE + "99999", "is outdated"),
        (PAGE + "9" * 5_000, "is outdated"),
        (PAGE + "-1", "is outdated"),
        (PAGE + "1;2", "is outdated"),
        ("minimax:of-a-later-version:1", "is outdated"),
        ("minimax:", "is outdated"),
    ],
    ids=lambda text: ascii(text[:30]),
)
async def test_forged_buttons(world: ProcessWorld, custom_id: str, text: str) -> None:
    """A button that is outdated, forged, or names a missing account is refused with a private text."""
    calls_before = len(world.api.calls)
    exchange = await world.discord.press(build_button_message(custom_id), custom_id)
    assert text in await text_of(exchange)
    assert len(exchange.calls) == 1
    await assert_unharmed(world, calls_before)


async def test_page_beyond_the_list(world: ProcessWorld) -> None:
    """A button for a page beyond the list shows the last page."""
    exchange = await world.discord.press(build_button_message(PAGE + "9999"), PAGE + "9999")
    assert (await exchange.answer())["embeds"][0]["title"] == "Reminders in this server"


@pytest.mark.parametrize("guild_id", [OTHER_GUILD_ID, None], ids=["other server", "direct message"])
@pytest.mark.parametrize("custom_id", [RECHECK, PAGE + "0", "minimax:of-a-later-version:1"])
async def test_buttons_outside_the_listed_servers(world: ProcessWorld, custom_id: str, guild_id: int | None) -> None:
    """A button outside the listed servers is refused privately, without a call to the API."""
    calls_before = len(world.api.calls)
    exchange = await world.discord.press(build_button_message(custom_id), custom_id, guild_id=guild_id)
    assert await text_of(exchange)
    assert len(exchange.calls) == 1
    assert world.api.calls[calls_before:] == []
