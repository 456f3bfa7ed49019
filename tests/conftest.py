"""Fixtures for all tests."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from bot.config import Settings
from tests.support.databases import give_back, lay_sqlite, take_postgres
from tests.support.openapi import take_problems
from tests.support.postgres import Postgres, serve_postgres

# A shell that runs the tests in the background makes them, and the processes that they start, ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How fast examples are drawn depends on the machine.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
# For long searches by hand, in tests that don't set their number of examples.
settings.register_profile("long", settings(), max_examples=20_000)


# Their tests run processes, a browser, the whole bot over simulated hours, or very many examples; copy many databases;
# or measure memory.
SLOW = {
    *("chat", "cli", "demo", "process", "reminders", "wire"),
    *("test_alerts.py", "test_backups.py", "test_client_memory.py", "test_transfer.py"),
    *("test_fuzz.py", "test_parsing_untrusted.py"),
}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the slow modules at once if only quick tests are asked for: collecting them takes as long as running."""
    return True if config.option.markexpr == "quick" and collection_path.name in SLOW else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the quick tests: those outside `SLOW` that use no PostgreSQL."""
    for item in items:
        if not is_slow(item):
            item.add_marker(pytest.mark.quick)


def is_slow(item: pytest.Item) -> bool:
    """Whether a test is left out of the quick lane."""
    callspec = getattr(item, "callspec", None)
    uses_postgres = "postgres" in getattr(item, "fixturenames", ()) or (
        callspec is not None and "postgresql" in callspec.params.values()
    )
    return uses_postgres or bool(SLOW & set(item.path.relative_to(Path(__file__).parent).parts))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Hide the settings and the `.env` of the person who runs the tests."""
    for field in Settings.model_fields.values():
        monkeypatch.delenv(str(field.alias), raising=False)
    monkeypatch.chdir(tmp_path)
    yield
    assert not set(os.environ) & {str(field.alias) for field in Settings.model_fields.values()}


@pytest.fixture(autouse=True)
def valid_bodies() -> Iterator[None]:
    """Fail if the bot has sent a body to Discord that does not fit Discord's own document."""
    yield
    assert take_problems() == []


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server that the tests of this process share."""
    with serve_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def new_database(postgres: Postgres) -> Callable[[], str]:
    """A function that creates an empty database on that server and returns its address."""
    return postgres.create


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/bot.db"
    create: Callable[[], str] = request.getfixturevalue("new_database")
    return create()


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database of each kind with the newest schema, without rows."""
    if request.param == "sqlite":
        yield asyncio.run(lay_sqlite(tmp_path))
        return
    server: Postgres = request.getfixturevalue("postgres")
    url = asyncio.run(take_postgres(server))
    yield url
    asyncio.run(give_back(server, url))
