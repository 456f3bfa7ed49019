"""Answers of an API that is broken or malicious."""

import asyncio
import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from aiohttp import web

from bot.errors import AccountOnHold, ApiBusy, ApiUnreachable, SubscriptionLapsed, UnreadableAnswer, UseapiTokenRefused
from bot.useapi.client import MAX_LIST_BYTES
from bot.useapi.fake import Behaviour

Build = Callable[[], web.Response]


def _json(body: bytes, **headers: str) -> Build:
    return lambda: web.Response(body=body, headers={"Content-Type": "application/json", **headers})


@cache
def _bomb(megabytes: int) -> bytes:
    return gzip.compress(b" " * (megabytes * 2**20), compresslevel=1)


# Answers with status 200 that can't be read.
UNREADABLE: dict[str, Build] = {
    "html": lambda: web.Response(text="<html><h1>Just a moment...</h1></html>", content_type="text/html"),
    "nothing": _json(b""),
    "a list": _json(b"[]"),
    "a number": _json(b"NaN"),
    "cut off": _json(b'{"123456": {"jwt": {"user'),
    "other charset": _json(
        '{"name": "J\u00fcrgen"}'.encode("latin-1"), **{"Content-Type": "text/plain; charset=x-odd"}
    ),
    "deep": _json(b'{"123456":' * 100_000),
    "digits": _json(b'{"123456": ' + b"9" * 1_000_000 + b"}"),
    "too large": lambda: web.Response(body=b" " * (MAX_LIST_BYTES + 1)),
    "bomb": lambda: web.Response(body=_bomb(64), headers={"Content-Encoding": "gzip"}),
}


# The title of the error that each status leads to; of 200 with a body that can't be read.
STATUSES = {
    401: UseapiTokenRefused.title,
    402: SubscriptionLapsed.title,
    429: ApiBusy.title,
    596: AccountOnHold.title,
    400: ApiUnreachable.title,
    503: ApiUnreachable.title,
    302: UnreadableAnswer.title,
    200: UnreadableAnswer.title,
}


async def drip(request: web.Request) -> web.StreamResponse:
    """Answer byte by byte, without end."""
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)
    return response


def with_status(status: int) -> Behaviour:
    """Return a behaviour that answers every request with this status, and a text that users must not see."""
    return answering(
        lambda: web.Response(status=status, text="<html>raw upstream text</html>", headers={"Location": "/elsewhere"})
    )


def answering(build: Build) -> Behaviour:
    """Return a behaviour that answers every request like this."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        return build()

    return behave


def raw_accounts(accounts: dict[str, Any], **numbers: str) -> Behaviour:
    """Return a behaviour that answers with these accounts, and these spellings in place of the numbers 0.5 in `jwt`."""

    def dump(value: Any) -> str:
        text = json.dumps(value)
        for name, number in numbers.items():
            text = text.replace(f'"{name}": 0.5', f'"{name}": {number}')
        return text

    async def behave(request: web.Request) -> web.StreamResponse:
        account_id = request.match_info.get("account")
        return web.Response(text=dump(accounts if account_id is None else accounts[account_id]))

    return behave
