"""Interactions with fewer fields than discord.py reads: it would end the connection, and nobody would get an answer."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.wire.inline import open_inline_world
from tests.support.wire.payloads import CHANNEL_ID, GUILD_ID, SLASH, build_command_data, build_subcommand_data, new_id
from tests.support.wire.standins import owner_of

THREAD = {"id": "1100000000000000777", "type": 11, "name": "renewals", "parent_id": CHANNEL_ID}
CHANNELS: dict[str, Any] = {
    "a thread": THREAD,
    "a thread with nulls": THREAD | {"parent_id": None, "owner_id": None, "thread_metadata": None},
    "a thread with some metadata": THREAD | {"thread_metadata": {"archived": True}},
    "a private thread": THREAD | {"type": 12},
    "no name": {"id": CHANNEL_ID, "type": 0},
    "the id alone": {"id": CHANNEL_ID},
    "a kind of channel to come": {"id": CHANNEL_ID, "type": 99},
    "none": None,
}
TITLES = ("Reminder added", "Nothing changed", "Wrong kind of channel")


async def test_channels_with_few_fields(tmp_path: Path) -> None:
    """Commands are answered in words wherever they are used, over the same connection."""
    async with open_inline_world(tmp_path) as world:
        account = world.add_account()
        for name, channel in CHANNELS.items():
            data = build_command_data({"account": account}, guild_id=GUILD_ID)
            used = await world.discord.forge(SLASH, data, channel=channel)
            assert owner_of(account) in (await used.answer())["embeds"][0]["title"], name
            adding = build_subcommand_data("add", {"account": account})
            added = await world.discord.forge(SLASH, adding, channel=channel)
            assert (await added.answer())["embeds"][0]["title"] in TITLES, name
        assert world.discord.gateway.identifies == 1


async def test_an_interaction_that_cannot_be_read_ends_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What no library can read is logged, and the next command is answered over the same connection."""
    async with open_inline_world(tmp_path) as world:
        account = world.add_account()
        await world.discord.gateway.dispatch("INTERACTION_CREATE", {"id": new_id(), "type": SLASH})
        assert owner_of(account) in str(await (await world.discord.slash(account)).answer())
        assert world.discord.gateway.identifies == 1
    assert "can't be read" in caplog.text
