"""PostgreSQL servers to which no TLS connection can be made."""

from pathlib import Path

import pytest

from bot.core.database_url import parse_database_url
from tests.support.store.samples import refusal
from tests.support.tls import ALERT, CUT_OFF, EARLY, EXPIRED, FOREIGN, PLAIN, UNTRUSTED, serve_tls, write_authority


def url_of(port: int) -> str:
    """Return the address of a database whose server must prove who it is."""
    return parse_database_url(f"postgresql://bot:s3cret@localhost:{port}/bot?sslmode=verify-full")


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (UNTRUSTED, "the server's certificate isn't trusted. Set PGSSLROOTCERT"),
        (EXPIRED, "the server's certificate has expired. Check the clock"),
        (EARLY, "the server's certificate is not valid yet. Check the clock"),
        (FOREIGN, "the server's certificate belongs to another server. "),
        (PLAIN, "the server answers without TLS. "),
        (ALERT, "the server and the bot agree on no TLS connection "),
        (CUT_OFF, "the server broke the connection off"),
    ],
)
async def test_the_cause_is_named(kind: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal says what is wrong with the server's certificate, and what to do."""
    monkeypatch.setenv("PGSSLROOTCERT", str(write_authority(tmp_path / "authority.pem")))
    async with serve_tls(kind, is_postgresql=True) as port:
        said = await refusal(url_of(port))
    assert words in said
    assert "s3cret" not in said


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_without_a_certificate_to_compare_with(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server can be checked only with the certificate of its authority, which a setting names."""
    monkeypatch.setenv("HOME", str(tmp_path))
    if content is not None:
        (file := tmp_path / "authority.pem").write_text(content, encoding="utf-8")
        monkeypatch.setenv("PGSSLROOTCERT", str(file))
    assert "check the server with can't be read. Set PGSSLROOTCERT" in await refusal(url_of(9))
