"""Answers of an API that is broken, or means harm."""

import asyncio
import gzip
import json
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any

from aiohttp import web

from bot.useapi.client import MAX_LIST_BYTES
from bot.useapi.fake import Behaviour

Build = Callable[[], web.Response]


def _json(body: bytes, **headers: str) -> Build:
    return lambda: web.Response(body=body, headers={"Content-Type": "application/json", **headers})


@cache
def _bomb(megabytes: int) -> bytes:
    return gzip.compress(b" " * (megabytes * 2**20), compresslevel=1)


# Each comes with status 200 and can't be read.
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


# What each status is told as; of 200 it is a body that can't be read.
STATUSES = {
    401: "The bot's useapi.net token was refused",
    402: "The useapi.net subscription has lapsed",
    429: "useapi.net is busy",
    596: "The account is on hold at MiniMax",
    400: "useapi.net can't be reached",
    503: "useapi.net can't be reached",
    302: "useapi.net's answer can't be read",
    200: "useapi.net's answer can't be read",
}


async def drip(request: web.Request) -> web.StreamResponse:
    """Answer byte by byte, and never to the end."""
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b" ")
            await asyncio.sleep(0.01)
    return response


def with_status(status: int) -> Behaviour:
    """Return a behaviour that answers everything with this status, and a text that nobody must see."""
    return answering(
        lambda: web.Response(status=status, text="<html>raw upstream text</html>", headers={"Location": "/elsewhere"})
    )


def answering(build: Build) -> Behaviour:
    """Return a behaviour of the stand-in that answers everything like this."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        return build()

    return behave


def raw_accounts(accounts: dict[str, Any], **numbers: str) -> Behaviour:
    """Return a behaviour that gives these accounts with fields of `jwt` that JSON of Python's would not write."""

    def dump(value: Any) -> str:
        text = json.dumps(value)
        for name, number in numbers.items():
            text = text.replace(f'"{name}": 0.5', f'"{name}": {number}')
        return text

    async def behave(request: web.Request) -> web.StreamResponse:
        account_id = request.match_info.get("account")
        return web.Response(text=dump(accounts if account_id is None else accounts[account_id]))

    return behave
