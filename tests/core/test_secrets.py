"""Masking and redaction."""

import base64
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.core.parsing import parse_account, parse_accounts
from bot.core.secrets import HIDDEN, Redactor, looks_secret, mask_token

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoiMSJ9.c2lnbmF0dXJl"
LONG = "A1b" + "-" * 26 + "y9Z"
SECRETS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=12, max_size=60)
AROUND = st.text("\u0436\u0449 \n", max_size=20)


@pytest.mark.parametrize(
    ("token", "shown"),
    [
        (LONG, "A1b•••y9Z"),
        ("A1b" + "-" * 5_000 + "y9Z", "A1b•••y9Z"),
        (LONG[:31], "••••••"),
        ("abc…secured…xyz", "••••••"),
        ("a", "••••••"),
        ("", "••••••"),
    ],
)
def test_a_token_shows_three_characters_at_each_end_if_it_is_long(token: str, shown: str) -> None:
    """From 32 characters on a token shows its first and last three; a shorter one shows nothing."""
    assert mask_token(token) == shown


@given(st.text(max_size=100))
def test_a_mask_tells_nothing_of_the_middle_or_the_length(token: str) -> None:
    """A mask has one of two lengths and never holds more than six of the token's characters."""
    mask = mask_token(token)
    if len(token) < 32:
        assert mask == "••••••"
    else:
        assert mask == token[:3] + "•••" + token[-3:]


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"token {JWT} refused", f"token {HIDDEN} refused"),
        (f"{JWT},{JWT}", f"{HIDDEN},{HIDDEN}"),
        ("Bearer user:123-AbC9", f"Bearer {HIDDEN}"),
        ("user:123-AbC9,user:4-x", f"{HIDDEN},{HIDDEN}"),
        ("20260131103000123-user:123-bot:google-flow failed", f"{HIDDEN} failed"),
        ("user:123, user%3A123", f"{HIDDEN}, {HIDDEN}"),
        ("eyJhbGciOi", HIDDEN),
        ("eyJust kidding", "eyJust kidding"),
        ("user: 12 - abc", "user: 12 - abc"),
        ("user:abc-123", "user:abc-123"),
        ("nothing to hide", "nothing to hide"),
        ("", ""),
    ],
)
def test_known_shapes_of_secrets_are_redacted_unasked(text: str, redacted: str) -> None:
    """JWTs, and tokens, users and jobs of useapi.net are hidden by a redactor without any secret too."""
    assert Redactor()(text) == redacted


@given(SECRETS, st.text(max_size=20), st.text(max_size=20))
def test_no_spelling_of_a_secret_survives(secret: str, before: str, after: str) -> None:
    """A secret is hidden as it stands and as a repr, JSON or a URL would spell it."""
    spellings = [secret, repr(secret)[1:-1], json.dumps(secret)[1:-1], quote(secret, safe="")]
    redact = Redactor([secret])
    for spelling in spellings:
        redacted = redact(f"{before}{spelling}{after}")
        assert HIDDEN in redacted
        assert not [hidden for hidden in spellings if hidden in redacted.replace(HIDDEN, "\n")]


def _in_base64(secret: str, before: int) -> str:
    return base64.b64encode(b"x" * before + secret.encode() + b"yz").decode()


# Ways in which a text may hold a secret, which whoever reads the text can undo.
DISGUISES: dict[str, Callable[[str], str]] = {
    "capitals": str.upper,
    "small letters": str.lower,
    "percent": lambda secret: "".join(f"%{ord(character):02x}" for character in secret),
    "some percent": lambda secret: "".join(f"%{ord(c):02X}" if at % 3 else c for at, c in enumerate(secret)),
    "base64": lambda secret: _in_base64(secret, 0),
    "base64, one later": lambda secret: _in_base64(secret, 1),
    "base64, two later": lambda secret: _in_base64(secret, 2),
    "base64 for addresses": lambda secret: _in_base64(secret, 0).replace("+", "-").replace("/", "_"),
    "zero width": "\u200b".join,
    "soft hyphens": lambda secret: "\u00ad".join(secret[at : at + 5] for at in range(0, len(secret), 5)),
    "cut at the end": lambda secret: secret[:-2],
    "cut at the begin": lambda secret: secret[2:],
    "cut at both ends": lambda secret: secret[2:-2],
}


def undone(text: str) -> str:
    """Return the text without case, percent encoding and invisible characters."""
    return unquote(text.replace("\u200b", "").replace("\u00ad", ""), errors="replace").lower()


@pytest.mark.parametrize("name", DISGUISES)
@given(secret=st.text("abcdefghXYZ0123456789_-.", min_size=20, max_size=60), before=AROUND, after=AROUND)
def test_no_disguise_saves_a_secret(name: str, secret: str, before: str, after: str) -> None:
    """Of a long secret, no sixteen characters in a row can be read in the redacted text, and the rest is kept."""
    held = DISGUISES[name](secret)
    redacted = Redactor([secret])(f"{before}{held}{after}")
    assert HIDDEN in redacted
    kept = redacted.replace(HIDDEN, "\n")
    readable = [part for part in _windows(secret.lower()) if part in undone(kept)]
    assert not [*readable, *(part for part in _windows(held) if part in kept)]
    assert redacted.startswith(before)
    assert redacted.endswith(after)


def _windows(text: str) -> list[str]:
    return [text[start : start + 16] for start in range(len(text) - 15)]


@given(st.text(max_size=200), SECRETS)
def test_a_text_without_a_secret_stays_as_it_is(text: str, secret: str) -> None:
    """A text that shares no sixteen characters with a secret is not touched."""
    assume(not any(part in undone(text) for part in _windows(secret.lower())))
    assume(secret not in text and not re.search(r"eyJ|user:", text))
    assert Redactor([secret])(text) == text


@given(SECRETS, SECRETS)
def test_a_secret_inside_another_does_not_shield_it(short: str, rest: str) -> None:
    """If one secret begins with another, the longer one is hidden whole."""
    redact = Redactor([short, short + rest])
    assert redact(f"<{short + rest}>") in (f"<{HIDDEN}>", HIDDEN)


@given(st.lists(SECRETS, min_size=1, max_size=4))
def test_redacting_twice_changes_nothing_more(secrets: list[str]) -> None:
    """What is redacted holds nothing to redact."""
    redact = Redactor(secrets)
    once = redact(" ".join(secrets))
    assert redact(once) == once


def test_empty_secrets_hide_nothing() -> None:
    """An empty secret leaves every text whole."""
    assert Redactor(["", ""])("as it was") == "as it was"


def test_a_redactor_does_not_tell_what_it_hides() -> None:
    """Neither repr nor str of a redactor holds its secrets."""
    redact = Redactor(["s3cret-value"])
    assert "s3cret" not in f"{redact!r}{redact!s}"


def texts_of(data: dict[str, Any]) -> str:
    """Return all that is known of the account in this object, as text."""
    return repr(parse_account("1", data, Redactor(["user:1-own"])))


@given(st.text("QXZJ0123456789_-.", min_size=8, max_size=80), st.text("ab ", max_size=3), st.text("ab ", max_size=3))
def test_an_account_keeps_no_more_of_its_token_than_the_mask(token: str, before: str, after: str) -> None:
    """Wherever the API repeats an account's token, the account holds only the mask."""
    held = f"{before}{token}{after}"
    user = {"name": held, "id": held, "avatar": f"https://cdn.example/{token}", "deviceID": held}
    jwt = {"token": token, "user": user, "host": held, "searchParams": held, "exp": held}
    known = texts_of({"jwt": jwt, "error": held, "account": held, "other": held, "maxJobs": held})
    windows = [token[start : start + 8] for start in range(len(token) - 7)]
    assert not [window for window in windows if window in known]


@pytest.mark.parametrize("field", ["name", "host", "error", "id"])
def test_a_token_behind_a_long_text_is_hidden(field: str) -> None:
    """A text is cut after its secrets are hidden: no part of one stays at the cut."""
    token = "opaque-t0ken-that-is-no-jwt-0123456789"
    for length in range(4_096 - len(token), 4_097):
        held = "x" * length + token
        jwt = {"token": token, "user": {"name": held, "id": held}, "host": held}
        known = parse_account("1", {"jwt": jwt, "error": held}, Redactor())
        kept = {"name": known.name, "host": known.host, "error": known.error, "id": known.user_id}[field] or ""
        assert "opaque" not in kept
        assert len(kept) <= 4_096


def test_an_id_that_holds_a_secret_is_no_account() -> None:
    """An entry of the list under a name that holds the bot's token is left out."""
    own = "user:1-owntoken0123456789"
    listed: dict[str, object] = {"good": {}, own: {}, f"x{own.upper()}": {}, own[:20]: {}}
    assert list(parse_accounts(listed.items(), Redactor([own]))) == ["good"]


def test_a_short_secret_hides_no_account() -> None:
    """A short password of a database, which is part of an id by chance, leaves the account in the list."""
    assert list(parse_accounts([("118733902", {})], Redactor(["1187"]))) == ["118733902"]


@pytest.mark.parametrize("place", ["the document", "the login", "the user"])
def test_a_dropped_value_is_dropped_everywhere(place: str) -> None:
    """What is dropped as a browser's fingerprint, wherever it stands, is also hidden in the fields that are kept."""
    device, uuid = "7301234567890123456", "0f0e0d0c-1111-2222-3333-444455556666"
    search = f"device_platform=web&app_id=3001&uuid={uuid}&browser=MacIntel"
    dropped = {"deviceID": device, "searchParams": search}
    own: dict[str, dict[str, Any]] = {place: dropped}
    for value in (device, search, uuid, search[4:-4], uuid.upper()):
        user = {"name": f"a {value}", "avatar": f"https://a.example/?{value}"} | own.get("the user", {})
        jwt = {"user": user, "host": value} | own.get("the login", {})
        known = texts_of({"jwt": jwt, "error": f"GET /?{value} failed"} | own.get("the document", {}))
        assert not [part for part in (device, uuid, uuid.upper(), search[4:20]) if part in known]
        assert "failed" in known


@pytest.mark.parametrize("text", ["x" * 100_000, "x" * 15 + "y" * 100_000, "1" * 200_000, "ab" * 50_000])
def test_a_text_that_repeats_itself_is_read(text: str) -> None:
    """An account whose token and error repeat a character or two is read like any other, however long they are."""
    for token in ("x" * 8_000 + "z", "ab" * 4_000 + "z"):
        assert "failed" in texts_of({"jwt": {"token": token, "user": {"name": "failed"}}, "error": text})


@pytest.mark.parametrize("shape", [lambda value: {"a": {"b": value}}, lambda value: [["web", value]]])
def test_a_dropped_value_is_dropped_in_any_shape(shape: Callable[[str], object]) -> None:
    """A fingerprint that comes as an object or a list is hidden elsewhere as well; short words in it are not."""
    device = "7301234567890123456"
    known = texts_of({"deviceID": shape(device), "error": f"web device {device} failed"})
    assert device not in known
    assert "web device" in known


@pytest.mark.parametrize("around", [" {}", "{} ", "{}\n", "\t{}\r\n"])
def test_space_around_a_token_does_not_shield_it(around: str) -> None:
    """A token that comes with white space is hidden in the other fields all the same."""
    token = "opaque-t0ken-that-is-no-jwt-0123456789"
    known = texts_of({"jwt": {"token": around.format(token), "user": {"name": token}}, "error": f"refused {token}"})
    assert token not in known
    assert "opa•••789" in known


def test_a_token_is_not_taken_for_a_capability() -> None:
    """A flag whose name repeats the token is left out."""
    token = "ABCDEFGH0123456789abcdefghijklmnop"
    assert token not in texts_of({"jwt": {"token": token}, f"support{token}": True})


def test_the_bots_own_token_is_hidden_in_every_text() -> None:
    """The useapi.net token never becomes part of an account, whatever the API says."""
    held = "x user:1-own y"
    jwt = {"user": {"name": held, "id": held, "avatar": "https://a.example/user:1-own"}, "host": held}
    assert "user:1-own" not in texts_of({"jwt": jwt, "error": held})


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        "user:1234-AbCdEf",
        "USER:1234-abcdef",
        "use\u200br:12\u200b34-ab\u2060cd",
        "us\u034fer:1234-abcd",
        "user\N{FULLWIDTH COLON}1234\N{FULLWIDTH HYPHEN-MINUS}abcd",
        "".join(chr(ord(character) + 0xFEE0) for character in "user:1234-abcd"),
        "user:1234\N{EN DASH}abcd",
        "user%3A1234%2Dabcd",
        "user%253A1234-abcd",
        _encoded("user:1234-AbCdEfGh"),
        _encoded("password=hunter2").rstrip("="),
        base64.urlsafe_b64encode("token: ÿÿÿÿÿÿ".encode()).decode(),
        quote(_encoded("password=hunter2")),
        "Mia: password: hunter2",
        "pw=abc",
        "api_key = x",
        "API key: abc",
        "client_secret=abc",
        '{"password": "x"}',
        "Passwort: geheim",
        "pass\u00adword=abc",
        "https://example.com/?token=abc",
        "Authorization: Bearer abcdefgh",
        "123e4567-e89b-12d3-a456-426614174000",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "e3b0c44298fc1c149afbf4c8996fb924",
        "key k3Jq9ZpL0xW8vT2m of the API",
    ],
)
def test_secrets_that_people_type_are_recognised(text: str) -> None:
    """Tokens, JWTs, keys and named passwords are recognised, also encoded or broken by unseen characters."""
    assert looks_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "studio.north.production2024@gmail.com, Mia has the second factor",
        "StudioNorth2024Prod@gmail.com",
        "MiniMax user: 118020446 - Mia has the phone",
        "Mia has the password, Noah the second factor",
        "2FA: ask Mia, +49 170 1234567",
        "118020446123456789",
        "GoogleAccountOfStudioNorthTeam",
        "Donaudampfschifffahrtsgesellschaft2024",
        "https://wiki.example/accounts/minimax-logins-of-the-team",
        "@everyone **bold** [x](https://example.com) `x` <@123>",
        "key: ask Mia; compass: north",
        "🙋 Mia 👩‍👩‍👧 電話はミアさん, Ünal (Büro)",
    ],
)
def test_ordinary_notes_are_no_secrets(text: str) -> None:
    """Addresses, names, ids, phone numbers and sentences about who has a password are no secrets."""
    assert not looks_secret(text)


@given(st.text(max_size=200))
def test_any_text_can_be_judged(text: str) -> None:
    """No text, however odd, breaks the search for secrets, and none hides a token beside it."""
    looks_secret(text)
    assert looks_secret(f"{text} user:1234-AbCdEf")
