"""Settings from the environment and `.env`."""

from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bot.config import (
    DEFAULT_API,
    LogSettings,
    Settings,
    StoreSettings,
    UseapiSettings,
    read_settings,
    secrets_of,
)
from bot.core import database_url
from bot.core.links import GUIDED_SETUP, SETUP_GUIDE, RenewalLinks
from bot.errors import SettingsError
from tests.support.settings import GOOD, NO_FILE, read

TOKENS = ["DISCORD_TOKEN", "USEAPI_TOKEN"]


def test_each_command_needs_only_its_own_settings() -> None:
    """Reading accounts takes the API's token alone, the database its address, and logging no setting."""
    settings = read_settings(UseapiSettings, {"USEAPI_TOKEN": "user:1-useapi"}, NO_FILE)
    assert (settings.useapi_token.get_secret_value(), settings.base_url) == ("user:1-useapi", DEFAULT_API)
    database_url = "sqlite+aiosqlite:///elsewhere.db"
    assert read_settings(StoreSettings, {"DATABASE_URL": database_url}, NO_FILE).database_url == database_url
    assert read_settings(LogSettings, {}, NO_FILE) == LogSettings(LOG_LEVEL="INFO", LOG_FORMAT="text")


def problems_of(environ: dict[str, str], dotenv: Path = NO_FILE) -> tuple[str, ...]:
    """Return the problems that these settings have."""
    with pytest.raises(SettingsError) as caught:
        read_settings(Settings, environ, dotenv)
    return caught.value.problems


def test_three_settings_are_enough() -> None:
    """Two tokens and the servers suffice; the rest has defaults."""
    settings = read()
    assert settings.discord_token.get_secret_value() == "d1scord.t0ken"
    assert settings.useapi_token.get_secret_value() == "user:1-useapi"
    assert settings.guild_ids == (123,)
    assert (settings.base_url, settings.log_level, settings.log_format) == (DEFAULT_API, "INFO", "text")


@pytest.mark.parametrize("environ", [{}, dict.fromkeys(GOOD, ""), {"PATH": "/bin"}])
def test_all_missing_settings_are_reported_at_once(environ: dict[str, str]) -> None:
    """Each required setting that is missing or empty has its own line."""
    problems = problems_of(environ)
    assert sorted(problem.partition(" is missing. ")[0] for problem in problems) == sorted(GOOD)
    assert str(SettingsError(problems)) == "; ".join(problems)


def test_all_wrong_settings_are_reported_at_once_by_name_and_never_by_value() -> None:
    """Missing and wrong settings stand in one error, without their values."""
    wrong = {
        "USEAPI_TOKEN": "Bearer s3cret-one",
        "GUILD_IDS": "s3cret-two",
        "USEAPI_BASE_URL": "ftp://s3cret-three",
        "LOG_LEVEL": "s3cret-four",
        "LOG_FORMAT": "s3cret-five",
    }
    problems = problems_of(wrong)
    assert {problem.split(" ")[0] for problem in problems} == {"DISCORD_TOKEN", *wrong}
    assert len(problems) == 6
    assert "s3cret" not in "".join(problems)
    assert all(problem.endswith(".") for problem in problems)


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize(
    ("value", "token"), [("abcd.1234", "abcd.1234"), ("  abcd.1234\n", "abcd.1234"), ("user-1-aB", "user-1-aB")]
)
def test_a_token_is_stripped(name: str, value: str, token: str) -> None:
    """White space around a pasted token is removed."""
    settings = read(**{name: value})
    found = settings.discord_token if name == "DISCORD_TOKEN" else settings.useapi_token
    assert found.get_secret_value() == token


@pytest.mark.parametrize("name", TOKENS)
@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("   ", "is empty"),
        ("DISCORD_TOKEN=abcdefgh", "starts with the name of a setting"),
        ("Bearer abc", "'Bearer' or 'Bot'"),
        ("bearer abc", "'Bearer' or 'Bot'"),
        ("Bot abc", "'Bearer' or 'Bot'"),
        ("BOT  abc", "'Bearer' or 'Bot'"),
        ("abcdefg", "too short"),
        ("abc def", "no token has"),
        ("abc\ndef", "no token has"),
        ("abc\tdef", "no token has"),
        ("abc\x00def", "no token has"),
        ("abc\u2026xyz", "no token has"),
        ("\u201cabc\u201d", "no token has"),
        ("t\xf6ken", "no token has"),
    ],
)
def test_a_token_that_can_not_be_one_is_refused(name: str, value: str, advice: str) -> None:
    """Prefixes, inner spaces, control and non-ASCII characters are caught before anything is sent."""
    (problem,) = problems_of(GOOD | {name: value})
    assert problem.startswith(f"{name} ")
    assert advice in problem


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("DISCORD_TOKEN", "user:1234-s3cret", "USEAPI_TOKEN"),
        ("DISCORD_TOKEN", " User:1234-s3cret", "USEAPI_TOKEN"),
        ("USEAPI_TOKEN", "MTEwMDAwMDAwMDAwMDAwMDAx.GaBcDe.s3cret_s3cret-s3cret", "DISCORD_TOKEN"),
        ("USEAPI_TOKEN", "OTk5.GaBcDe.s3cret", "DISCORD_TOKEN"),
    ],
)
def test_a_token_in_the_place_of_the_other_is_refused(name: str, value: str, meant: str) -> None:
    """A token that is clearly the other company's is caught before anything is sent, without its value."""
    kind = Settings if name == "DISCORD_TOKEN" else UseapiSettings
    with pytest.raises(SettingsError) as caught:
        read_settings(kind, GOOD | {name: value}, NO_FILE)
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name} holds ")
    assert f"belongs in {meant}." in problem
    assert "s3cret" not in problem


@pytest.mark.parametrize("value", ["a.b.c-12345", "MTEw.GaBcDe", "eyJhbGciOiJ9.eyJzdWIiOiJ9.c2ln", "user-1234-abc"])
def test_a_token_of_unknown_shape_is_accepted(value: str) -> None:
    """Only a clear swap is refused: either company may change the shape of its tokens."""
    assert read(DISCORD_TOKEN=value, USEAPI_TOKEN=value).useapi_token.get_secret_value() == value


@pytest.mark.parametrize(
    ("value", "ids"),
    [
        ("1", (1,)),
        ("123,456", (123, 456)),
        (" 123 , 456 ", (123, 456)),
        ("123,\n456,", (123, 456)),
        (",123,,", (123,)),
        ("456,123,456", (456, 123)),
        ("0123", (123,)),
        (str(2**64 - 1), (2**64 - 1,)),
    ],
)
def test_server_ids_are_separated_by_commas(value: str, ids: tuple[int, ...]) -> None:
    """Spaces, empty parts and repeats are forgiven; the order stays."""
    assert read(GUILD_IDS=value).guild_ids == ids


@pytest.mark.parametrize(
    "value",
    [
        *(" ", ",", " , ", "0", "-1", "+1", "1.5", "0x1F", "1e9", "abc", "123 456", "123;456", "[123]", "1_000"),
        *("\u0663", "123,abc", str(2**64), "9" * 400, "9" * 5_000),
    ],
)
def test_anything_else_is_no_server_id(value: str) -> None:
    """Anything else is refused, with the way to find the id of a server."""
    (problem,) = problems_of(GOOD | {"GUILD_IDS": value})
    assert problem.startswith(("GUILD_IDS must be server ids", "GUILD_IDS is empty"))


@pytest.mark.parametrize(
    ("value", "url"),
    [
        ("https://api.useapi.net", "https://api.useapi.net"),
        ("  https://api.useapi.net/ ", "https://api.useapi.net"),
        ("https://proxy.example:8443/useapi//", "https://proxy.example:8443/useapi"),
        ("HTTPS://api.useapi.net", "HTTPS://api.useapi.net"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_address_of_the_api(value: str, url: str) -> None:
    """The address is https, or plain http on this very machine."""
    assert read(USEAPI_BASE_URL=value).base_url == url


@pytest.mark.parametrize(
    "value",
    [
        "http://api.useapi.net",
        "http://192.168.0.1",
        "http://0.0.0.0",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "https://",
        "https://:443",
        "api.useapi.net",
        "//api.useapi.net",
        "ftp://api.useapi.net",
        "file:///etc/passwd",
        "https://user@api.useapi.net",
        "https://user:pass@api.useapi.net",
        "https://api.useapi.net?x=1",
        "https://api.useapi.net#x",
        "https://api.useapi.net?",
        "https://api.useapi.net#",
        "https://api.useapi.net:port",
        "https://api.useapi.net:99999",
        "https://[::1",
        "https://api useapi.net",
        "https://api.useapi.net/a b",
        "https://api.us\xe9api.net",
        "https://api.useapi.net/\x00",
        "nonsense",
    ],
)
def test_anything_else_is_no_address_of_the_api(value: str) -> None:
    """A plain address elsewhere, user info, queries, fragments and nonsense are refused."""
    (problem,) = problems_of(GOOD | {"USEAPI_BASE_URL": value})
    assert problem.startswith("USEAPI_BASE_URL must be an https:// address")


@pytest.mark.parametrize(
    ("name", "value", "read_as"),
    [
        ("LOG_LEVEL", "debug", "DEBUG"),
        ("LOG_LEVEL", " Warning ", "WARNING"),
        ("LOG_LEVEL", "ERROR", "ERROR"),
        ("LOG_LEVEL", "", "INFO"),
        ("LOG_FORMAT", "JSON", "json"),
        ("LOG_FORMAT", " text ", "text"),
        ("LOG_FORMAT", "", "text"),
    ],
)
def test_log_settings_are_read_in_any_case(name: str, value: str, read_as: str) -> None:
    """Case and space do not matter, an empty value is the default."""
    settings = read(**{name: value})
    assert read_as == (settings.log_level if name == "LOG_LEVEL" else settings.log_format)


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("LOG_LEVEL", "TRACE", "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR."),
        ("LOG_LEVEL", "10", "LOG_LEVEL must be DEBUG, INFO, WARNING or ERROR."),
        ("LOG_FORMAT", "xml", "LOG_FORMAT must be text or json."),
    ],
)
def test_other_log_settings_are_refused(name: str, value: str, problem: str) -> None:
    """Anything else is refused, with the choices."""
    assert problems_of(GOOD | {name: value}) == (problem,)


# No token that is refused begins with an x.
@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=11, max_size=60).map("x{}".format))
def test_no_token_shows_in_settings_or_their_errors(token: str) -> None:
    """Neither the settings' repr nor an error about another setting holds a token."""
    assume(token not in database_url.DEFAULT + DEFAULT_API)
    environ = GOOD | {"DISCORD_TOKEN": token, "USEAPI_TOKEN": token}
    settings = read_settings(Settings, environ, NO_FILE)
    with pytest.raises(SettingsError) as caught:
        read_settings(Settings, environ | {"GUILD_IDS": token + "x"}, NO_FILE)
    for text in (repr(settings), str(settings), settings.model_dump_json(), repr(caught.value), str(caught.value)):
        assert token not in text


def test_the_secrets_are_known_for_redaction() -> None:
    """Both tokens are named to the redactor, and nothing else."""
    assert sorted(secrets_of(read())) == ["d1scord.t0ken", "user:1-useapi"]
    assert secrets_of(read_settings(LogSettings, GOOD, NO_FILE)) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CHECK_INTERVAL_SECONDS", "0"),
        ("CHECK_INTERVAL_SECONDS", "1.5"),
        ("CHECK_INTERVAL_SECONDS", "86401"),
        ("CHECK_INTERVAL_SECONDS", "9" * 17),
        ("REMINDER_DAYS", "0"),
        ("REMINDER_DAYS", "1,2,3,4,5,6,7,8,9"),
        ("DATABASE_URL", "mysql://secret-value@host/db"),
    ],
)
def test_wrong_reminder_settings_are_refused(tmp_path: Path, name: str, value: str) -> None:
    """Each is reported by name, with an example, without its value."""
    with pytest.raises(SettingsError) as caught:
        read_settings(Settings, GOOD | {name: value}, tmp_path / ".env")
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name} must")
    assert "secret-value" not in problem


def test_reminder_settings_are_read(tmp_path: Path) -> None:
    """Days are sorted, widest first, however they are typed."""
    given = GOOD | {"CHECK_INTERVAL_SECONDS": "60", "REMINDER_DAYS": "1 7, 3"}
    settings = read_settings(Settings, given, tmp_path / ".env")
    assert (settings.check_interval, settings.reminder_days) == (60, (7, 3, 1))


def test_pages_on_renewing_can_be_others() -> None:
    """The pages are useapi.net's guided setup and its manual, unless the settings name others."""
    assert read().renewal == RenewalLinks(GUIDED_SETUP, SETUP_GUIDE)
    own = RenewalLinks("https://wiki.example/renew?a=1#b", "https://wiki.example/by/hand")
    assert read(RENEW_URL=f" {own.guided} ", RENEW_MANUAL_URL=own.manual).renewal == own


@pytest.mark.parametrize(
    "value",
    [
        "http://wiki.example/s3cret",
        "HTTP://wiki.example/s3cret",
        "wiki.example/s3cret",
        "https:///s3cret",
        "https://user:s3cret@wiki.example/",
        "https://localhost/s3cret",
        "https://127.0.0.1/s3cret",
        "https://wiki.example/s3cret)(x",
        "https://wiki.example/<s3cret>",
        "https://wiki.example/s3cret page",
        "https://wiki.example/s3\ncret",
        "https://wíki.example/s3cret",
        "https://wiki.example/s3cret" + "x" * 500,
        "https://[s3cret",
        "javascript:alert('s3cret')",
        "data:text/html,s3cret",
    ],
)
@pytest.mark.parametrize("name", ["RENEW_URL", "RENEW_MANUAL_URL"])
def test_a_page_that_a_message_cannot_link_is_refused(name: str, value: str) -> None:
    """Only a public https:// page that Discord's buttons and texts can link is accepted."""
    (problem,) = problems_of(GOOD | {name: value})
    assert problem.startswith(f"{name} must be the https:// address of a public page")
    assert "s3cret" not in problem
