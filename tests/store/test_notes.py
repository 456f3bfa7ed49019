"""Notes in the database."""

from dataclasses import replace

from bot.core.notes import Note
from bot.store.database import Database
from bot.store.notes import get_note, get_notes, set_note
from tests.support.store.samples import DAY, GUILD, NOW

OTHER = GUILD + 1
NOTE = Note("J\N{LATIN SMALL LETTER U WITH DIAERESIS}rgen \N{FOX FACE} '%s\"", 1_500_000_000_000_000_001, NOW)


async def test_a_note_belongs_to_one_server(database: Database) -> None:
    """A server's note on an account is replaced by its next one and deleted alone; no other server gets it."""
    changed = replace(NOTE, text="changed", changed_at=NOW + DAY)
    async with database.begin() as tx:
        await set_note(tx, GUILD, "1", NOTE)
        await set_note(tx, OTHER, "1", replace(NOTE, text="theirs"))
        await set_note(tx, GUILD, "2", NOTE)
        assert await get_note(tx, GUILD, "1") == NOTE
        await set_note(tx, GUILD, "1", changed)
    async with database.begin() as tx:
        assert await get_notes(tx, [GUILD]) == {(GUILD, "1"): changed, (GUILD, "2"): NOTE}
        assert await get_notes(tx, [GUILD], ["1", "3"]) == {(GUILD, "1"): changed}
        await set_note(tx, GUILD, "1", None)
        await set_note(tx, GUILD, "1", None)
        assert await get_note(tx, GUILD, "1") is None
        assert set(await get_notes(tx, [GUILD, OTHER])) == {(GUILD, "2"), (OTHER, "1")}
