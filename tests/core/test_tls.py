"""The reasons why a TLS connection could not be made, found in the real errors of Python and OpenSSL."""

import ssl

import aiohttp
import pytest

from bot.core.tls import find_tls_failure
from tests.support.network import closed_port
from tests.support.tls import ALERT, CUT_OFF, EARLY, EXPIRED, FOREIGN, PLAIN, UNTRUSTED, serve_tls, trusting


async def fail_to_connect(url: str) -> aiohttp.ClientConnectorError:
    """Return the error of a client that trusts the authority of the tests."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusting())) as session:
        with pytest.raises(aiohttp.ClientConnectorError) as caught:
            await session.get(url)
    return caught.value


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
@pytest.mark.parametrize(
    ("kind", "problem", "advice"),
    [
        (UNTRUSTED, "It's certificate isn't trusted", "SSL_CERT_FILE"),
        (EXPIRED, "It's certificate has expired", "clock"),
        (EARLY, "It's certificate is not valid yet", "clock"),
        (FOREIGN, "It's certificate belongs to another server", "DNS"),
        (PLAIN, "It answers without TLS", "proxies"),
        (ALERT, "It and the bot agree on no TLS connection (SSLV3_ALERT_HANDSHAKE_FAILURE)", "update"),
        (CUT_OFF, "It broke off the TLS handshake", "firewall"),
    ],
)
async def test_a_failure_has_its_cause_and_advice(host: str, kind: str, problem: str, advice: str) -> None:
    """Each way to fail has its own words and its own advice."""
    async with serve_tls(kind) as port:
        error = await fail_to_connect(f"https://{host}:{port}")
    failure = find_tls_failure(error, is_connecting=True)
    assert failure is not None
    assert failure.say("It") == problem
    assert advice in failure.advice
    assert failure.is_lasting is (kind != CUT_OFF)


async def test_other_failures_are_none_of_tls() -> None:
    """A refused connection, a silent server and a connection that breaks later have nothing to do with certificates."""
    refused = await fail_to_connect(f"https://127.0.0.1:{closed_port()}")
    assert find_tls_failure(refused, is_connecting=True) is None
    assert find_tls_failure(TimeoutError(), is_connecting=True) is None
    assert find_tls_failure(ConnectionResetError()) is None


@pytest.mark.parametrize("code", [23, 66])
def test_an_unknown_code_is_named(code: int) -> None:
    """What OpenSSL finds besides, such as a certificate that was revoked, is named by its code."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    failure = find_tls_failure(error)
    assert failure is not None
    assert failure.say("useapi.net") == f"useapi.net's certificate was refused (OpenSSL's code {code})"
