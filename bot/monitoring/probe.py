"""Asks the running bot over HTTP whether it is well; without aiohttp, which takes long to load."""

import http.client
import ipaddress
import json

# Longer than the bot itself waits for its database, shorter than Docker waits for this.
_SECONDS = 8.0
_MOST_BYTES = 2**16


def ask_health(host: str, port: int, *, seconds: float = _SECONDS) -> str | None:
    """Return what is wrong with the bot that listens there, in words; None if it is well."""
    connection = http.client.HTTPConnection(_reachable(host), port, timeout=seconds)
    try:
        connection.request("GET", "/healthz")
        answer = json.loads(connection.getresponse().read(_MOST_BYTES))
        return None if answer["is_well"] is True else "\n".join(map(str, answer["troubles"]))
    except ConnectionRefusedError:
        return f"No bot listens on port {port}: it is not running, or started a moment ago."
    except OSError:
        return f"The bot does not answer on port {port}: it hangs or is gone."
    except (http.client.HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return f"What listens on port {port} is not this bot. Choose another HEALTH_PORT."
    finally:
        connection.close()


def _reachable(host: str) -> str:
    """Return where to ask a bot that listens on this address; "all addresses" is none to ask at."""
    address = ipaddress.ip_address(host)
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004
