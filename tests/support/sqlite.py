"""An empty SQLite database of the newest schema, which takes a while to make: once, and then copied."""

from pathlib import Path

from bot.store.database import open_database

_made: list[bytes] = []


async def lay_database(folder: Path) -> str:
    """Put an empty database into the folder; returns its address."""
    file = folder / "bot.db"
    url = f"sqlite+aiosqlite:///{file}"
    if not _made:
        async with open_database(url):
            pass
        _made.append(file.read_bytes())
    file.touch(mode=0o600)
    file.write_bytes(_made[0])
    return url
