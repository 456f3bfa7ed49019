"""Masking of tokens for people, redaction of secrets in any text."""

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

HIDDEN = "[redacted]"
_MASK_FROM = 32
_SHOWN = 3

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,2}")
_USEAPI_TOKEN = re.compile(r"user:\d+-[A-Za-z0-9]+")


def mask_token(token: str) -> str:
    """Return what may be shown of a token: its first and last three characters if it is long, else nothing."""
    if len(token) < _MASK_FROM:
        return "••••••"
    return f"{token[:_SHOWN]}•••{token[-_SHOWN:]}"


def _spellings(secret: str) -> set[str]:
    """Return the forms in which a secret may stand in a log: as it is, in a repr, in JSON, in a URL."""
    return {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe="", errors="surrogatepass")}


class Redactor:
    """Replaces the given secrets, JWTs and useapi.net tokens in text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        self._exact = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return the text without any secret."""
        for secret in self._exact:
            text = text.replace(secret, HIDDEN)
        return _USEAPI_TOKEN.sub(HIDDEN, _JWT.sub(HIDDEN, text))

    def __repr__(self) -> str:
        return "<Redactor>"
