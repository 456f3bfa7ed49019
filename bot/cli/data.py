"""`backup`, `restore` and `migrate-to`: what they did, for whoever keeps the data."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.engine import make_url

from bot.config import StoreSettings, passwords_in
from bot.core.wording import say_count
from bot.store.backups import back_up, restore
from bot.store.transfer import move

# What SQLAlchemy writes for a password.
_HIDDEN = "***"


def _say_subscriptions(number: int) -> str:
    return "1 watch" if number == 1 else f"{number} watches"


def print_backup(settings: StoreSettings, file: Path) -> None:
    """Back the database up.

    Raises:
        BotError: it can't be done.
    """
    subscriptions = back_up(settings.database_url, file)
    print(f"Backed up to {file}: {_say_subscriptions(subscriptions)}.")


def print_restore(settings: StoreSettings, file: Path, *, now: Callable[[], datetime]) -> None:
    """Put a backup in the database's place.

    Raises:
        BotError: it can't be done.
    """
    done = restore(settings.database_url, file, now())
    print(f"Restored {done.file} from {file}: {_say_subscriptions(done.subscriptions)}.")
    if done.kept is not None:
        print(f"The database as it was before is kept in {done.kept}.")
    print("What the bot has sent since the backup was made, it may send once more.")


def hide_password(url: str) -> str:
    """Return a database's address as it is, but for the password."""
    if not passwords_in(url):
        return url
    parts = make_url(url)
    query = {name: _HIDDEN if name == "password" else value for name, value in parts.query.items()}
    return parts.set(query=query).render_as_string().replace(quote(_HIDDEN), _HIDDEN)


async def print_move(settings: StoreSettings, url: str) -> None:
    """Copy everything to another database.

    Raises:
        BotError: it can't be done.
    """
    rows = await move(settings.database_url, url)
    shown = hide_password(url)
    print(
        f"Copied and counted: {_say_subscriptions(rows['subscriptions'])}, {say_count(sum(rows.values()), 'row')} in all."
    )
    print("The old database is left as it was. Before you start the bot, set in .env or the environment:")
    print(f"\nDATABASE_URL={shown}\n")
    if shown != url:
        print(f"Write the password for {_HIDDEN}; it is not shown here.")
