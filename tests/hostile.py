"""Answers of an API that is broken, or means harm."""

import gzip
import json
from collections.abc import Callable
from functools import cache
from typing import Any

from aiohttp import web

from bot.useapi.client import MAX_LIST_BYTES

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


def answering(build: Build) -> Callable[[web.Request], Any]:
    """Return a behaviour of the stand-in that answers everything like this."""

    async def behave(_request: web.Request) -> web.StreamResponse:
        return build()

    return behave


def raw_accounts(accounts: dict[str, Any], **numbers: str) -> Callable[[web.Request], Any]:
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
