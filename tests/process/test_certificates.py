"""Certificates of an authority that SSL_CERT_FILE makes trusted."""

from pathlib import Path

from tests.support.tls import EXPIRED, FOREIGN, GOOD, serve_tls, write_authority
from tests.support.wire.process import run_bot
from tests.support.wire.standins import build_settings


async def test_an_authority_of_the_operator(tmp_path: Path) -> None:
    """An authority of the operator's own is trusted; what else is wrong with its certificates is named."""
    environment = {"SSL_CERT_FILE": str(write_authority(tmp_path / "authority.pem"))}
    async with serve_tls(GOOD) as good, serve_tls(EXPIRED) as expired, serve_tls(FOREIGN) as foreign:
        settings = build_settings(f"https://localhost:{good}") | environment
        async with run_bot(f"https://localhost:{expired}", settings, "check") as bot:
            assert await bot.ended() == 1
            assert "useapi.net answers, but no MiniMax account is set up" in bot.output
            assert "✗ Discord's certificate has expired\n  Check the clock" in bot.output
        settings = build_settings(f"https://localhost:{foreign}") | environment
        async with run_bot(f"https://localhost:{good}", settings, "accounts", "--json") as bot:
            assert await bot.ended() == 2
            assert '"kind": "api_not_secure"' in bot.output
            assert "useapi.net's certificate belongs to another server" in bot.output
