"""Servers on this machine that speak TLS, with certificates of their own, and some that fail to."""

import asyncio
import datetime as dt
import functools
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import trustme

from tests.support.network import OK_HEAD

# Servers that answer a handshake with something else, or hang up; or a request with what is no TLS.
PLAIN, CUT_OFF, ALERT, BROKEN = "plain", "cut off", "alert", "broken"
_ANSWERS = {
    PLAIN: b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    CUT_OFF: b"",
    ALERT: b"\x15\x03\x03\x00\x02\x02\x28",
}
# Certificates, all but one of an authority that `trusting` and `write_authority` make trusted.
GOOD, UNTRUSTED, EXPIRED, EARLY, FOREIGN = "good", "untrusted", "expired", "early", "foreign"
_ASKED_FOR_TLS = b"S"


@functools.cache
def _authority(name: str) -> trustme.CA:
    return trustme.CA(organization_name=name)


def _issue(kind: str) -> trustme.LeafCert:
    authority, now = _authority("another" if kind == UNTRUSTED else "ours"), dt.datetime.now(dt.UTC)
    days = {EXPIRED: (-9, -1), EARLY: (1, 9)}.get(kind, (-1, 9))
    not_before, not_after = (now + dt.timedelta(days=one) for one in days)
    names = ["other.example"] if kind == FOREIGN else ["localhost", "127.0.0.1"]
    return authority.issue_cert(*names, not_before=not_before, not_after=not_after)


@functools.cache
def _context(kind: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _issue(kind).configure_cert(context)
    return context


def trusting() -> ssl.SSLContext:
    """Return what a client needs to trust the authority of these certificates."""
    context = ssl.create_default_context()
    _authority("ours").configure_trust(context)
    return context


def write_authority(file: Path) -> Path:
    """Write the certificate of the authority, as SSL_CERT_FILE names it; returns the file."""
    _authority("ours").cert_pem.write_to_path(str(file))
    return file


@asynccontextmanager
async def serve_tls(kind: str, *, is_postgresql: bool = False) -> AsyncIterator[int]:
    """Serve with one of the certificates, or without TLS, until the block ends; yields the port.

    Requests are answered with an empty object. A server `is_postgresql` if TLS is asked for before the handshake.
    """

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            if is_postgresql:
                await reader.readexactly(8)
                writer.write(_ASKED_FOR_TLS)
            if kind in _ANSWERS:
                await reader.read(1)
                writer.write(_ANSWERS[kind])
            else:
                await writer.start_tls(_context(kind))
                await reader.readuntil(b"\r\n\r\n")
                if kind == BROKEN:
                    os.write(writer.get_extra_info("socket").fileno(), _ANSWERS[PLAIN])
                writer.write(OK_HEAD + b"Content-Length: 2\r\n\r\n{}")
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]
