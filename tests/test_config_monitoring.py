"""The settings of health, metrics and heartbeat."""

from pathlib import Path

import pytest

from bot.config import Settings, read_settings, secrets_of
from bot.errors import SettingsError
from tests.support.settings import GOOD, read

TOKEN_VALUES = [GOOD["DISCORD_TOKEN"], GOOD["USEAPI_TOKEN"]]


def test_a_heartbeats_address_is_known_for_redaction_whole_and_in_part() -> None:
    """Its path and its query are secret by themselves; a path of a few letters is not redacted."""
    whole = "https://monitor.example/0badcafe-0badcafe?status=up&token=1"
    known = secrets_of(read(HEARTBEAT_URL=whole))
    assert sorted(known) == sorted(["0badcafe-0badcafe", "status=up&token=1", whole, *TOKEN_VALUES])
    assert "ping" not in secrets_of(read(HEARTBEAT_URL="https://monitor.example/ping"))


@pytest.mark.parametrize("url", ["https://monitor.example/0badcafe", "http://127.0.0.1:8001/x?y=z", "http://[::1]/x"])
def test_a_heartbeat_goes_over_https_or_stays_on_this_machine(url: str) -> None:
    """The address is kept as it is, and never shown by the settings."""
    settings = read(HEARTBEAT_URL=f" {url} ")
    assert settings.heartbeat_url is not None
    assert settings.heartbeat_url.get_secret_value() == url
    assert url not in repr(settings)


@pytest.mark.parametrize(
    ("host", "kept"),
    [("127.0.0.1", "127.0.0.1"), ("localhost", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("::", "::")],  # noqa: S104
)
def test_health_is_served_on_an_address_of_this_machine(host: str, kept: str) -> None:
    """Port and address are read; the default is no port, and the loopback address."""
    settings = read(HEALTH_PORT=" 9100 ", HEALTH_HOST=host)
    assert (settings.health_port, settings.health_host) == (9100, kept)
    assert (read().health_port, read().health_host) == (None, "127.0.0.1")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HEALTH_PORT", "0"),
        ("HEALTH_PORT", "65536"),
        ("HEALTH_PORT", "http"),
        ("HEALTH_HOST", "monitor.example"),
        ("HEARTBEAT_URL", "http://monitor.example/secret-value"),
        ("HEARTBEAT_URL", "https://user:secret-value@monitor.example"),
        ("HEARTBEAT_URL", "https://[secret-value"),
        ("HEARTBEAT_URL", "https:///secret-value"),
        ("HEARTBEAT_URL", "ftp://127.0.0.1/secret-value"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, name: str, value: str) -> None:
    """Each is reported by name, with what to do, without its value."""
    with pytest.raises(SettingsError) as caught:
        read_settings(Settings, GOOD | {name: value}, tmp_path / ".env")
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name} must")
    assert "secret-value" not in problem


def test_without_a_heartbeat_nothing_more_is_redacted() -> None:
    """Without an address there is no third secret."""
    assert read(HEARTBEAT_URL="").heartbeat_url is None
    assert sorted(secrets_of(read(HEARTBEAT_URL=""))) == sorted(TOKEN_VALUES)
