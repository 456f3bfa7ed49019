"""The address of the database, and the password in it."""

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.config import StoreSettings, read_settings, secrets_of
from bot.core.database_url import parse_database_url, passwords_in, spell, with_password
from bot.core.secrets import Redactor
from bot.errors import SettingsError, StoreError
from bot.store.database import find_schema, open_database, sqlite_file
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
        *((url, "must begin with sqlite:/// or postgresql://") for url in ("", "mysql://s3cret", "sqlite:/s3cret")),
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


@pytest.mark.parametrize(
    ("url", "password", "whole"),
    [
        ("postgresql+asyncpg://bot@db/bot", "s3/c&t", "postgresql+asyncpg://bot@db/bot?password=s3%2Fc%26t"),
        ("postgresql+asyncpg://db/bot?ssl=require", "a", "postgresql+asyncpg://db/bot?ssl=require&password=a"),
        ("postgresql+asyncpg://bot:own@db/bot", "a", "postgresql+asyncpg://bot:own@db/bot"),
        ("postgresql+asyncpg://bot@db/bot?password=own", "a", "postgresql+asyncpg://bot@db/bot?password=own"),
        ("postgresql+asyncpg://bot@db/bot", "", "postgresql+asyncpg://bot@db/bot"),
        ("sqlite+aiosqlite:///bot.db", "a", "sqlite+aiosqlite:///bot.db"),
    ],
)
def test_an_address_without_a_password_gets_that_of_the_settings(url: str, password: str, whole: str) -> None:
    """PGPASSWORD counts where the address of a server has no password of its own."""
    assert with_password(url, password) == whole


@pytest.mark.parametrize(
    "address",
    ["sqlite:///data/bot.db", "sqlite:////srv/100% mine.db", "postgresql://bot:pa%20ss@db:5432/bot?ssl=require"],
)
def test_an_address_is_shown_as_people_write_it(address: str) -> None:
    """What is printed is what was given, and can be given again."""
    assert spell(parse_database_url(address)) == address


def test_a_password_that_no_address_can_hold_is_refused(tmp_path: Path) -> None:
    """Bytes that are not UTF-8, as of a terminal with another encoding, are named instead of ending in a traceback."""
    environ = {"DATABASE_URL": "postgresql://bot@db/bot", "PGPASSWORD": "schl\udcfcssel"}
    with pytest.raises(SettingsError, match="PGPASSWORD is not in UTF-8"):
        read_settings(StoreSettings, environ, tmp_path / ".env")


async def _ask_for_password(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
    """Act as a PostgreSQL server that asks for the password in clear text, and refuses it; return the password."""
    await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
    writer.write(b"R" + (8).to_bytes(4) + (3).to_bytes(4))
    assert await reader.readexactly(1) == b"p"
    password = await reader.readexactly(int.from_bytes(await reader.readexactly(4)) - 4)
    fields = b"SFATAL\0C28P01\0Mpassword authentication failed\0\0"
    writer.write(b"E" + (len(fields) + 4).to_bytes(4) + fields)
    writer.close()
    return password.rstrip(b"\0").decode()


@pytest.mark.parametrize(("environ", "password"), [({}, "of #the/file"), ({"PGPASSWORD": "outr&anks"}, "outr&anks")])
async def test_the_password_in_the_file_reaches_the_server(
    environ: dict[str, str], password: str, tmp_path: Path
) -> None:
    """PGPASSWORD of `.env`, or of the environment, is what the server gets; its refusal is reported in words."""
    given: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        given.append(await _ask_for_password(reader, writer))

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        address = f"postgresql://bot@127.0.0.1:{port}/bot?ssl=disable"
        (tmp_path / ".env").write_text(f"DATABASE_URL={address}\nPGPASSWORD='of #the/file'\n")
        settings = read_settings(StoreSettings, environ, tmp_path / ".env")
        with pytest.raises(StoreError, match="password authentication failed"):
            await find_schema(settings.database_url)
    assert set(given) == {password}
    assert password in secrets_of(settings)
    assert password not in repr(settings)
