"""Why a TLS connection could not be made, in words for people."""

import ssl
from dataclasses import dataclass

# Codes of OpenSSL's verification.
_DATES = {9: "is not valid yet", 10: "has expired"}
_WITHOUT_TRUST = (18, 19, 20, 21, 24, 27)
_OTHER_NAME = (62, 63, 64)
# What OpenSSL makes of an answer that is not TLS; the spelling depends on its version.
_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "UNKNOWN_PROTOCOL")
_CUT_OFF = (ConnectionResetError, ConnectionAbortedError, ssl.SSLEOFError, ssl.SSLZeroReturnError)

_CLOCK = "Check the clock of the bot's machine. If it is right, the server, or a proxy in between, needs a new one."
_OTHER_SERVER = "Something else answers in its place: check the address, and the DNS and proxies of the bot's machine."

_TOO_OLD = "The system of the bot's machine, or a proxy in between, may be too old: update it."


@dataclass(frozen=True, slots=True)
class TlsFailure:
    """Why a TLS connection could not be made: `problem` follows the name of the server, `advice` is for the operator.

    One that is not `is_lasting` may be over in a moment.
    """

    problem: str
    advice: str
    is_lasting: bool = True

    def say(self, server: str) -> str:
        """Return what is wrong with the connection to a server, without a full stop."""
        return f"{server}{self.problem}"


UNTRUSTED = TlsFailure(
    "'s certificate isn't trusted",
    "If a company proxy or virus scanner reads the traffic, set SSL_CERT_FILE in the bot's environment to a file with "
    "its root certificate. Otherwise install the system's own: the package ca-certificates on Linux, "
    "Install Certificates.command on macOS.",
)
_HANDSHAKE = TlsFailure(
    " broke off the TLS handshake",
    "Try again in a minute. If it goes on, a firewall or proxy may block the bot's machine.",
    is_lasting=False,
)


def find_tls_failure(error: BaseException, *, is_connecting: bool = False) -> TlsFailure | None:
    """Return what kept a connection from becoming a TLS one; None if something else went wrong.

    If the error is certainly one of connecting, a connection that was cut off has broken during its handshake.
    """
    found: BaseException | None = error
    while found is not None:
        # aiohttp wraps such errors in its own, which have neither.
        if code := getattr(found, "verify_code", None):
            return _judge_certificate(code)
        if isinstance(found, _CUT_OFF) and (is_connecting or isinstance(found, ssl.SSLError)):
            return _HANDSHAKE
        # Files that can't be read are errors of other parts of OpenSSL.
        if isinstance(found, ssl.SSLError) and getattr(found, "library", None) == "SSL":
            return _judge_handshake(found.reason)
        found = found.__cause__
    return None


def _judge_certificate(code: int) -> TlsFailure:
    if code in _DATES:
        return TlsFailure(f"'s certificate {_DATES[code]}", _CLOCK)
    if code in _WITHOUT_TRUST:
        return UNTRUSTED
    if code in _OTHER_NAME:
        return TlsFailure("'s certificate belongs to another server", _OTHER_SERVER)
    return TlsFailure(f"'s certificate was refused (OpenSSL's code {code})", _OTHER_SERVER)


def _judge_handshake(reason: str) -> TlsFailure:
    if reason in _NO_TLS:
        return TlsFailure(" answers without TLS", _OTHER_SERVER)
    return TlsFailure(f" and the bot agree on no TLS connection ({reason})", _TOO_OLD)
