"""The address of the database, and the password in it."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.config import StoreSettings, read_settings, secrets_of
from bot.core.database_url import parse_database_url, passwords_in
from bot.core.secrets import Redactor
from bot.store.database import open_database, sqlite_file
from tests.support.postgres import Postgres


def test_the_databases_password_is_a_secret(tmp_path: Path) -> None:
    """A password in DATABASE_URL is redacted like the tokens, and does not show in the settings' repr."""
    url = "postgresql+asyncpg://bot:pass%2Fword-1@db.example/bot"
    settings = read_settings(StoreSettings, {"DATABASE_URL": url}, tmp_path / ".env")
    assert "pass/word-1" in secrets_of(settings)
    assert "word-1" not in repr(settings)
    assert "word-1" not in Redactor(secrets_of(settings))(f"cannot connect to {url}")


@pytest.mark.parametrize(
    ("url", "secrets"),
    [
        ("sqlite+aiosqlite:////srv/a:b@c/bot.db", []),
        ("postgresql+asyncpg://bot@db/bot", []),
        ("postgresql+asyncpg://bot:s3cret:@db:5432/bot", ["s3cret:"]),
        ("postgresql+asyncpg://bot:s3%2Fcret@db/bot", ["s3%2Fcret", "s3/cret"]),
        ("postgresql+asyncpg://bot@db/bot?password=s3cret&ssl=require", ["s3cret"]),
    ],
)
def test_where_a_databases_password_may_stand(url: str, secrets: list[str]) -> None:
    """Each address is accepted, and its password is redacted both as it is spelled and decoded."""
    assert passwords_in(parse_database_url(f" {url}\n")) == secrets


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        *((url, "must begin with sqlite+aiosqlite:///") for url in ("", "mysql://s3cret", "sqlite:/s3cret")),
        *(
            (f"sqlite+aiosqlite:///{rest}", "must name a file")
            for rest in ("", ":memory:", "file:s3cret?mode=memory&uri=true")
        ),
        ("sqlite+aiosqlite:///s3cret?.db", "a ? in the name"),
        ("sqlite+aiosqlite:///s3cret.db?cache=shared", "a ? in the name"),
        ("sqlite+aiosqlite:///a%20s3cret.db", "Write the name as it is"),
        ("sqlite+aiosqlite:///data/bot.db # s3cret", "Leave the comment out"),
        ("sqlite+aiosqlite:///s3cret/", "names a folder"),
        ("sqlite+aiosqlite:////", "names a folder"),
        ("sqlite+aiosqlite:///~nobody-has-this-name/s3cret.db", "no such home folder"),
        *(
            (f"postgresql+asyncpg://{rest}", "%40")
            for rest in (
                *("bot@db/bot?password=pw#s3cret",),
                *("bot:s3cret@s3cret@db/bot", "bot:s3/cret@db/bot", "bot:12/s3cret@db/bot", "bot:s3#cret@db/bot"),
                *(
                    "bot@db/bot?password=pw#s3cret",
                    "bot:12?s3cret@db/bot",
                    "bot:s3cret@db:port/bot",
                    "bot:s3cret@db:99999/bot",
                    "[s3cret",
                ),
            )
        ),
        ("postgresql+asyncpg://bot:s3cret@db/bot?sslmode=s3cret", "another ssl= or sslmode= than disable"),
        ("postgres://bot:s3cret@db/bot?shiny=s3cret&sslmode=require&odd=s3cret", "does not know: shiny, odd. Leave"),
        (
            "postgres://bot@db/bot?sslmode=verify-full&sslrootcert=s3cret",
            "has sslrootcert=. Leave it out, and set PG",
        ),
        ("postgres://bot@db/bot?target_session_attrs=s3cret", "another target_session_attrs= than any, primary"),
        ("postgres://bot:s3cret@db/bot?odd=1&sslmode=s3cret", "odd. Leave them out; and it has another ssl="),
    ],
)
def test_anything_else_is_no_address_of_a_database(url: str, advice: str) -> None:
    """An ambiguous address is refused, with what to do, before part of a password is taken for a host."""
    with pytest.raises(ValueError, match=r"must|can't|has|names|begins") as refused:
        parse_database_url(url)
    assert advice in str(refused.value)
    assert "s3" not in str(refused.value)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("postgres://bot:pw@db/bot", "postgresql+asyncpg://bot:pw@db/bot"),
        ("postgresql://bot:pw@db:6543/bot?sslmode=require", "postgresql+asyncpg://bot:pw@db:6543/bot?ssl=require"),
        (
            "postgresql://u:p@ep-cool.eu.aws.neon.tech/neondb?sslmode=require&channel_binding=require",
            "postgresql+asyncpg://u:p@ep-cool.eu.aws.neon.tech/neondb?ssl=require",
        ),
        (
            "postgres://postgres.ref:p@aws-0.pooler.supabase.com:6543/postgres?pgbouncer=true&connection_limit=1",
            "postgresql+asyncpg://postgres.ref:p@aws-0.pooler.supabase.com:6543/postgres",
        ),
        (
            "postgres://u:p@ec2-1.compute.amazonaws.com:5432/d8?application_name=my bot&options=endpoint%3Dx",
            "postgresql+asyncpg://u:p@ec2-1.compute.amazonaws.com:5432/d8?application_name=my%20bot&options=endpoint%3Dx",
        ),
        ("postgres:///bot?host=/run/postgresql", "postgresql+asyncpg:///bot?host=/run/postgresql"),
        (
            "postgresql+asyncpg://bot@/bot?host=/run/postgresql",
            "postgresql+asyncpg://bot@/bot?host=/run/postgresql",
        ),
    ],
)
def test_addresses_as_hosts_give_them(given: str, meant: str) -> None:
    """Other spellings and the options of other drivers are understood, or left out where they mean nothing here."""
    assert parse_database_url(given) == meant
    assert parse_database_url(meant) == meant


@pytest.mark.parametrize(
    "name", ["bot.db", "a b/100% bot.db", "\N{WHITE SMILING FACE}/ä#@:;&=+.db", "bot.lock", "%.db", "50%-x.db"]
)
async def test_exactly_the_named_file(tmp_path: Path, name: str) -> None:
    """The database is in the file of that name, whatever characters it holds."""
    url = parse_database_url(f"sqlite+aiosqlite:///{tmp_path}/{name}")
    async with open_database(url):
        pass
    assert sqlite_file(url) == tmp_path / name
    assert _files_in(tmp_path) == [name]


def _files_in(folder: Path) -> list[str]:
    return [str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()]


def test_a_home_folder_is_meant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name that begins with ~ is one in the home folder, as in a shell."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert sqlite_file(parse_database_url("sqlite+aiosqlite:///~/bot.db")) == tmp_path / "bot.db"


async def test_settings_of_a_connection_reach_the_server(postgres: Postgres) -> None:
    """The name of the application and other options of a connection are set on the server."""
    url = postgres.create()
    given = f"{url}{'&' if '?' in url else '?'}application_name=minimax bot&options=-c search_path%3Dpublic,pg_temp"
    async with open_database(parse_database_url(given)) as database, database.begin() as tx:
        assert (await tx.execute(sa.text("SHOW application_name"))).scalar() == "minimax bot"
        assert (await tx.execute(sa.text("SHOW search_path"))).scalar() == "public,pg_temp"
