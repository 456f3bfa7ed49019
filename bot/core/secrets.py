"""Masking of tokens for people, redaction of secrets in any text, recognition of secrets that people type."""

import base64
import binascii
import contextlib
import functools
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote, unquote

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
# A token of useapi.net, the number of a user, or the id of a job, which holds that number.
_USEAPI_USER = re.compile(r"(?:(?<!\d)\d+-)?user(?::|%3[Aa])\d+(?:-[A-Za-z0-9]+)*(?::[a-z-]+)?")
# A name of a secret and its value: "password: x", "api_key=x", "Bearer x".
_NAMED = re.compile(
    r"(?<![a-z])(?:pass(?:word|wort|wd|phrase|code)?|kennwort|pwd?|secret|token|cookie|authorization"
    r"|(?:api|access|private|secret)[ _-]?key)[\"']?\s*[:=]\s*\S|(?<![a-z])bearer\s+\S{8}",
    re.IGNORECASE,
)
_UUID = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}(?![0-9a-f])", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_WORD = re.compile(r"[A-Za-z0-9]{16,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
# An encoded text may hold another one.
_ENCODED_TWICE = 2
_URL_SAFE = str.maketrans("-_", "+/")
_KIND = re.compile(r"[A-Z]+|[a-z]+|[0-9]+")
_MIXED = re.compile(r"[A-Za-z]+|[0-9]+")
# Letters and spaces that no font shows.
_UNSEEN = "\u115f\u1160\u2800\u3164\uffa0"


def mask_token(token: str) -> str:
    """Return what may be shown of a token: its first and last three characters if it is long, else nothing."""
    if len(token) < _MASK_FROM:
        return "••••••"
    return f"{token[:_SHOWN]}•••{token[-_SHOWN:]}"


def _spellings(secret: str) -> set[str]:
    """Return the forms in which a secret may stand in a log: as it is, in a repr, in JSON, in a URL."""
    return {secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe="", errors="surrogatepass")}


class Redactor:
    """Replaces the given secrets, JWTs, and tokens, user numbers and job ids of useapi.net in text.

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
        return _USEAPI_USER.sub(HIDDEN, _JWT.sub(HIDDEN, self._hide_parts(text)))

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
        for first in _find_parts(self._folded, folded):
            start = places[first]
            if start >= end:
                kept += [text[end:start], HIDDEN]
            end = max(end, places[first + _PART])
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


def _find_parts(secrets: str, text: str) -> Iterator[int]:
    """Yield where each part of a secret begins in a text, in order; both are folded, and parts may overlap."""
    # Of a text that repeats itself, a part is searched for once.
    is_known = functools.cache(secrets.__contains__)
    # A part holds one of these blocks whole, wherever it begins.
    for begin in range(0, len(text) - _BLOCK + 1, _BLOCK):
        if is_known(text[begin : begin + _BLOCK]):
            first, last = max(0, begin + _BLOCK - _PART), min(begin, len(text) - _PART)
            yield from (at for at in range(first, last + 1) if is_known(text[at : at + _PART]))


def looks_secret(text: str) -> bool:
    """Whether a text that somebody typed seems to hold a password, a token, a key or a JWT, also an encoded one."""
    return any(map(_shows_secret, _read_encoded(_without_disguise(text), _ENCODED_TWICE)))


def _shows_secret(text: str) -> bool:
    if any(shape.search(text) for shape in (_JWT, _NAMED, _UUID)) or _USEAPI_USER.search(text.casefold()):
        return True
    # Names in addresses may be long.
    return any(map(_is_random, _WORD.findall(_EMAIL.sub(" ", text))))


def _is_random(word: str) -> bool:
    """Whether letters and digits, or capitals and small letters, take turns more often than in a name."""
    return len(_MIXED.findall(word)) > 4 or len(_KIND.findall(word)) > len(word) * 2 / 5  # noqa: PLR2004


def _without_disguise(text: str) -> str:
    """Return a text in plain letters and dashes, without characters that nobody sees."""
    kinds = [(character, unicodedata.category(character)) for character in unicodedata.normalize("NFKD", text)]
    return "".join(
        "-" if kind == "Pd" else character
        for character, kind in kinds
        if kind not in ("Cf", "Mn", "Me") and character not in _UNSEEN
    )


def _read_encoded(text: str, depth: int) -> Iterator[str]:
    """Yield a text, and what its parts say that are percent-encoded or in base64."""
    yield text
    if depth == 0:
        return
    if (decoded := unquote(text)) != text:
        yield from _read_encoded(_without_disguise(decoded), depth - 1)
    for word in _BASE64.findall(text):
        with contextlib.suppress(binascii.Error, UnicodeDecodeError):
            padded = word.translate(_URL_SAFE) + "=" * (-len(word) % 4)
            yield from _read_encoded(_without_disguise(base64.b64decode(padded).decode()), depth - 1)
