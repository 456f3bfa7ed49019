"""`backup`, `restore` and `migrate-to`: copies of the database."""

import argparse
import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from bot.cli.command import DONE, Commands, Surroundings, load_settings
from bot.cli.owner import work_beside
from bot.core.wording import say_count
from bot.errors import CopyRefused

# What SQLAlchemy writes for a password.
_HIDDEN = "***"


def add_to(commands: Commands) -> None:
    """Add the three commands to the parser."""
    text = "Copy the SQLite database to a new file. The bot may be running."
    parser = commands.add_parser("backup", description=text)
    parser.add_argument("file", metavar="FILE", type=Path, help="the new file; an existing file is never overwritten")
    parser.set_defaults(work=backup)
    text = "Put a backup in the place of the database. The old database is kept under another name. Stop the bot first."
    parser = commands.add_parser("restore", description=text)
    parser.add_argument("file", metavar="FILE", type=Path, help="the backup")
    parser.set_defaults(work=restore)
    text = "Copy everything to another, empty database. SQLite to PostgreSQL or back. Stop the bot first."
    parser = commands.add_parser("migrate-to", description=text)
    parser.add_argument(
        "url", metavar="URL", type=_database_url, help="address of the empty database, as in DATABASE_URL"
    )
    parser.set_defaults(work=migrate)


def _database_url(text: str) -> str:
    from bot.core.database_url import parse_database_url

    try:
        return parse_database_url(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


@contextmanager
def _titled(title: str) -> Iterator[None]:
    try:
        yield
    except CopyRefused as error:
        error.title = title
        raise


def backup(args: argparse.Namespace, _around: Surroundings) -> int:
    """Back the database up.

    Raises:
        CopyRefused: the backup can't be made.
    """
    from bot.config import StoreSettings
    from bot.store.backups import back_up

    settings = load_settings(StoreSettings, quiet=True)
    work_beside(settings.database_url, folders=[args.file.parent])
    with _titled("No backup was made"):
        reminders = back_up(settings.database_url, args.file)
    print(f"Backed up {say_count(reminders, 'reminder')} to {args.file}.")
    return DONE


def restore(args: argparse.Namespace, around: Surroundings) -> int:
    """Put a backup in the place of the database.

    Raises:
        CopyRefused: the backup can't be restored. StoreError: the folder of the database can't be written.
    """
    from bot.config import StoreSettings
    from bot.store import backups

    settings = load_settings(StoreSettings, quiet=True)
    work_beside(settings.database_url)
    with _titled("Nothing was restored"):
        restored = backups.restore(settings.database_url, args.file, around.now())
    print(f"Restored {say_count(restored.subscriptions, 'reminder')} from {args.file} to {restored.file}.")
    if restored.kept is not None:
        print(f"The previous database is kept in {restored.kept}.")
    print("Reminders sent after this backup may be sent again.")
    return DONE


def migrate(args: argparse.Namespace, _around: Surroundings) -> int:
    """Copy everything to another database, and print the setting for it.

    Raises:
        CopyRefused: the data can't be copied.
    """
    from bot.config import StoreSettings
    from bot.core.database_url import passwords_in, with_password
    from bot.store.transfer import move

    settings = load_settings(StoreSettings, quiet=True, secrets=passwords_in(args.url))
    work_beside(settings.database_url, args.url)
    target = with_password(args.url, settings.password)
    rows = asyncio.run(move(settings.database_url, target))
    reminders, total = say_count(rows["subscriptions"], "reminder"), say_count(sum(rows.values()), "row")
    print(f"Copied and counted: {reminders}, {total} in all.")
    print("The old database is unchanged. Before you start the bot, set in .env or the environment:")
    print(f"\nDATABASE_URL={hide_password(args.url)}")
    if target != args.url:
        print(f"PGPASSWORD={_HIDDEN}")
    if passwords_in(target):
        print(f"\nReplace {_HIDDEN} by the password, which is not shown here.")
    return DONE


def hide_password(url: str) -> str:
    """Return the address of a database as people write it, with *** in the place of its password."""
    from sqlalchemy.engine import make_url

    from bot.core.database_url import passwords_in, spell

    if not passwords_in(url):
        return spell(url)
    parts = make_url(url)
    query = {name: _HIDDEN if name == "password" else value for name, value in parts.query.items()}
    return spell(parts.set(query=query).render_as_string().replace(quote(_HIDDEN), _HIDDEN))
