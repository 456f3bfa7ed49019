"""Errors of Discord, and of the network in front of it, in place of an answer."""

import json
from http import HTTPStatus

from aiohttp import web

_PAGE = "<!DOCTYPE html><html><head><title>Error {status}</title></head><body>cloudflare</body></html>"


def limited(retry_after: float, *, is_global: bool = False) -> web.Response:
    """Return Discord's own 429: for one route, or for all requests of the bot."""
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": is_global}
    headers = {"Content-Type": "application/json", "Via": "1.1 google", "Retry-After": str(retry_after)}
    headers |= {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"} if is_global else {}
    return web.Response(body=json.dumps(body).encode(), status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)


def page(status: int) -> web.Response:
    """Return an error as the network in front of Discord words it: HTML, without Discord's headers."""
    return web.Response(text=_PAGE.format(status=status), status=status, content_type="text/html")
