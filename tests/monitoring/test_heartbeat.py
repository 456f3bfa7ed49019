"""The heartbeat: its request, and its warnings."""

import asyncio
import logging

import pytest
from pydantic import SecretStr

from bot.monitoring.heartbeat import Heartbeat, open_heartbeat
from tests.support.network import Script, closed_port, serve_bare
from tests.support.tls import UNTRUSTED, serve_tls
from tests.support.wire.virtual_time import in_virtual_time

PATH = "/ping/0badcafe%2F?token=%20s3cret"


@pytest.mark.parametrize("status", [200, 204])
async def test_requests_the_address_to_the_letter(status: int, caplog: pytest.LogCaptureFixture) -> None:
    """A ping is one GET of the address as it was given; any successful answer will do, and none is read."""
    script = Script(b"HTTP/1.1 %d Fine\r\nContent-Length: 1000000\r\n\r\n" % status)
    async with serve_bare(script) as server, open_heartbeat(SecretStr(server.base_url + PATH)) as heartbeat:
        await heartbeat.beat()
    (request,) = server.requests
    assert request.startswith(f"GET {PATH} HTTP/1.1\r\n".encode())
    assert b"Cookie" not in request
    assert caplog.records == []


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (Script(b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"), "status 302"),
        (Script(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "status 404"),
        (Script(b"no HTTP at all\r\n\r\n"), "can't be reached"),
        (Script(reset=True), "can't be reached"),
        (Script(hang=True), "can't be reached: TimeoutError"),
    ],
    ids=["redirect", "not found", "nonsense", "reset", "silence"],
)
async def test_a_failure_is_one_warning_without_the_address(
    script: Script, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A failure raises nothing, leads to no other request, and is logged in words."""
    async with serve_bare(script) as server, open_heartbeat(SecretStr(server.base_url + PATH)) as opened:
        hasty = Heartbeat(opened.session, SecretStr(server.base_url + PATH), budget=0.2)
        with caplog.at_level(logging.DEBUG):
            await hasty.beat()
    assert {request.split(b" ")[1] for request in server.requests} == {PATH.encode()}
    (record,) = (record for record in caplog.records if record.name == "bot.monitoring.heartbeat")
    assert record.levelname == "WARNING"
    assert reason in record.getMessage()
    assert "0badcafe" not in caplog.text


async def test_a_monitor_out_of_reach(caplog: pytest.LogCaptureFixture) -> None:
    """A monitor that can't be reached is a warning."""
    async with open_heartbeat(SecretStr(f"http://127.0.0.1:{closed_port()}{PATH}")) as heartbeat:
        await heartbeat.beat()
    assert "HEARTBEAT_URL can't be reached" in caplog.text
    assert "0badcafe" not in caplog.text


async def test_a_certificate_that_is_not_trusted(caplog: pytest.LogCaptureFixture) -> None:
    """The warning says why no TLS connection to the monitor can be made."""
    async with (
        serve_tls(UNTRUSTED) as port,
        open_heartbeat(SecretStr(f"https://localhost:{port}{PATH}")) as heartbeat,
    ):
        await heartbeat.beat()
    assert "HEARTBEAT_URL can't be reached: the server's certificate isn't trusted. If a company" in caplog.text
    assert "0badcafe" not in caplog.text


@in_virtual_time
async def test_a_stop_is_not_delayed() -> None:
    """A ping in progress ends at once when the bot stops."""
    async with serve_bare(Script(hang=True)) as server, open_heartbeat(SecretStr(server.base_url + PATH)) as heartbeat:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(heartbeat.beat(), 0.1)
    assert len(server.requests) == 1


async def test_an_impossible_host_name(caplog: pytest.LogCaptureFixture) -> None:
    """An address with an impossible host is one warning, and does not end the polls."""
    async with open_heartbeat(SecretStr(f"https://pings..example{PATH}")) as heartbeat:
        await heartbeat.beat()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "pings" not in caplog.text
