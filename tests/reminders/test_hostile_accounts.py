"""A hostile API: whole accounts reach the database, or nothing does."""

import itertools
import json
from typing import Any

from bot.core.parsing import parse_accounts
from bot.core.secrets import Redactor
from bot.reminders.planning import draw_up_plan, load_situation, save_plan
from bot.reminders.recording import record_reading
from bot.store.accounts import get_snapshots
from bot.store.database import Database, open_database
from bot.useapi.responses import parse_members
from tests.support.store.samples import GUILD, NOW, put

IDS = ["", ".", "a/../b", "'; DROP TABLE accounts; --", "\x00", "\ud800", "9" * 256, "\U0001f600" * 256, "9" * 100_000]
TEXTS = ["\x00", "\ud800", "a\x00b", "\U0001f600" * 5_000, "%s %(a)s :b ?", "\\u0000", "'\"", "\u202e@everyone"]
NUMBERS = ["NaN", "Infinity", "-1", "1e400", "9" * 400, "4102444800", "946684800000", "0.1"]


def hostile_list(text: str, number: str) -> bytes:
    """Return the list endpoint's body: an account for each id, full of the text and the number."""
    user = {"id": text, "name": text, "avatar": text}
    entry: dict[str, Any] = {"jwt": {"token": text, "user": user, "host": text, "exp": 0.5, "iat": 0.5}, "error": text}
    return json.dumps(dict.fromkeys([*IDS, "good"], entry | {"maxJobs": 0.5})).replace("0.5", number).encode()


async def test_hostile_accounts_are_kept_as_they_were_read(database_url: str) -> None:
    """Whatever texts and numbers a list holds, the poll saves every account of it, and finds it again unchanged."""
    async with open_database(database_url) as database:
        await put(database)
        for text, number in itertools.product(TEXTS, NUMBERS):
            await _read_and_compare(database, text, number)


async def _read_and_compare(database: Database, text: str, number: str) -> None:
    read = parse_accounts(parse_members(hostile_list(text, number)), Redactor())
    async with database.begin() as tx:
        await record_reading(tx, read, NOW)
        await save_plan(tx, await draw_up_plan(await load_situation(tx, {GUILD}, NOW), NOW), NOW)
        snapshots = await get_snapshots(tx)
    assert {key: one.account for key, one in snapshots.items()} == read
    assert set(read) == {"a/../b", "'; DROP TABLE accounts; --", "9" * 256, "\U0001f600" * 256, "good"}
