"""A real PgBouncer in front of a PostgreSQL server of the tests."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.support.network import closed_port

# Debian installs it where only root's path leads.
PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
needs_pgbouncer = pytest.mark.skipif(
    PGBOUNCER is None and "CI" not in os.environ, reason="PgBouncer is not installed (Debian: pgbouncer)"
)
MODES = ("transaction", "session")


@contextmanager
def serve_pgbouncer(url: str, folder: Path, mode: str, *, connections: int = 40) -> Iterator[str]:
    """Run PgBouncer until the block ends; yields the address that leads through it to the database.

    All clients share so many connections to the server. Everything else is as it is by default.
    """
    assert PGBOUNCER is not None
    server, port = sa.make_url(url), closed_port()
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host={server.query['host']} user={server.username}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = {mode}\ndefault_pool_size = {connections}\n"
        "log_connections = 0\nlog_disconnections = 0\nlog_stats = 0\n"
    )
    # It runs for no root, and only the user of the server gets at its socket.
    owner = Path(str(server.query["host"])).stat().st_uid
    user = owner if os.geteuid() == 0 else None
    command = [PGBOUNCER, "/dev/stdin"]
    with (
        config.open() as given,
        subprocess.Popen(command, cwd="/", stdin=given, stderr=subprocess.PIPE, text=True, user=user) as process,  # noqa: S603
    ):
        assert process.stderr is not None
        try:
            said = ""
            while "process up" not in (line := process.stderr.readline()):
                said += line
                assert line, said
            yield server.set(host="127.0.0.1", port=port, query={}).render_as_string()
        finally:
            process.kill()
