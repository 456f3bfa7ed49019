"""The address of the database, and the password in it."""

from pathlib import Path

import pytest

from bot.config import StoreSettings, parse_database_url, passwords_in, read_settings, secrets_of
from bot.core.secrets import Redactor


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
        *((url, "must begin with sqlite+aiosqlite:///") for url in ("", "sqlite:///s3cret", "sqlite+aiosqlite:///")),
        *(
            (f"postgresql+asyncpg://{rest}", "%40")
            for rest in (
                *("bot:s3cret@s3cret@db/bot", "bot:s3/cret@db/bot", "bot:12/s3cret@db/bot", "bot:s3#cret@db/bot"),
                *("bot:12?s3cret@db/bot", "bot:s3cret@db:port/bot", "bot:s3cret@db:99999/bot", "[s3cret"),
            )
        ),
        ("postgresql+asyncpg://bot:s3cret@db/bot?sslmode=require", "?ssl=require"),
    ],
)
def test_anything_else_is_no_address_of_a_database(url: str, advice: str) -> None:
    """An ambiguous address is refused, with what to do, before part of a password is taken for a host."""
    with pytest.raises(ValueError, match=r"must|can't|has") as refused:
        parse_database_url(url)
    assert advice in str(refused.value)
    assert "s3" not in str(refused.value)
