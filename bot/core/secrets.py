"""Masking of tokens for people, redaction of secrets in any text."""

import base64
import functools
import itertools
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

HIDDEN = "[redacted]"
_MASK_FROM = 32
_SHOWN = 3

_JWT = re.compile(r"eyJ[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*){0,2}")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
# Letters in any case, and the two alphabets of base64.
_ALIKE = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ-_", "abcdefghijklmnopqrstuvwxyz+/")
# So many characters in a row are no coincidence; a block is half of that.
_PART, _BLOCK = 16, 8
_BETWEEN = "\ue000"
_SHORTEST = 8
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
    """Replaces the given secrets, JWTs and useapi.net tokens in text.

    Of a secret of 16 characters or more, each part of that length is replaced too, in any case, percent-encoded, in
    base64, or broken by invisible characters.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._given = [secret for secret in secrets if secret]
        known = {spelling for secret in self._given for spelling in _spellings(secret)}
        self._exact = sorted(known, key=len, reverse=True)

    @functools.cached_property
    def _folded(self) -> str:
        """All secrets that are long enough for parts, and their forms in base64."""
        given = [secret for secret in self._given if len(secret) >= _PART]
        return _BETWEEN.join(_fold(text)[0] for secret in given for text in (secret, *_in_base64(secret)))

    def __call__(self, text: str) -> str:
        """Return the text without any secret."""
        for secret in self._exact:
            text = text.replace(secret, HIDDEN)
        return _USEAPI_TOKEN.sub(HIDDEN, _JWT.sub(HIDDEN, self._hide_parts(text)))

    def finds_secret(self, text: str) -> bool:
        """Whether a text holds a secret; a short one, which may be part of any number, does not count."""
        return self._of_long_ones(text) != text

    @functools.cached_property
    def _of_long_ones(self) -> "Redactor":
        return Redactor(secret for secret in self._given if len(secret) >= _SHORTEST)

    def _hide_parts(self, text: str) -> str:
        if len(text) < _PART or not self._folded:
            return text
        folded, places = _fold(text)
        kept, end = [], 0
        for first, last in sorted(_parts_of(self._folded, folded)):
            start = places[first]
            if start >= end:
                kept += [text[end:start], HIDDEN]
            end = max(end, places[last + 1])
        return "".join([*kept, text[end:]])

    def __repr__(self) -> str:
        return "<Redactor>"


def _in_base64(secret: str) -> Iterator[str]:
    """Return how a secret reads in base64, by its place within what is encoded."""
    for before, changed in ((0, 0), (1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + secret.encode(errors="surrogatepass")).decode()
        # The last characters depend on what follows.
        yield encoded.rstrip("=")[changed:-1]


def _fold(text: str) -> tuple[str, Sequence[int]]:
    """Return a text without differences of spelling, and where each of its characters begins in the text.

    The places have one more item: the end of the text.
    """
    if text.isascii() and "%" not in text:
        return text.translate(_ALIKE), range(len(text) + 1)
    folded, places, at = [], [], 0
    while at < len(text):
        escape = _ESCAPE.match(text, at)
        character = chr(int(escape[1], 16)) if escape else text[at]
        if unicodedata.category(character) != "Cf":
            folded.append(character)
            places.append(at)
        at = escape.end() if escape else at + 1
    return "".join(folded).translate(_ALIKE), [*places, len(text)]


def _parts_of(secrets: str, text: str) -> Iterator[tuple[int, int]]:
    """Return the first and last places of each part of a secret in a text, both folded."""
    # A part holds one of these blocks whole, wherever it begins.
    for begin in range(0, len(text) - _BLOCK + 1, _BLOCK):
        at = secrets.find(text[begin : begin + _BLOCK])
        while at >= 0:
            before = _count_alike(reversed(secrets[:at]), reversed(text[:begin]))
            after = _count_alike(secrets[at + _BLOCK :], text[begin + _BLOCK :])
            if before + _BLOCK + after >= _PART:
                yield begin - before, begin + _BLOCK + after - 1
            at = secrets.find(text[begin : begin + _BLOCK], at + 1)


def _count_alike(one: Iterable[str], other: Iterable[str]) -> int:
    """Return how many characters both begin with."""
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
