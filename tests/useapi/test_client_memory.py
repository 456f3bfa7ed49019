"""The memory that a malicious answer takes, in a process that reads only such answers."""

import asyncio
import sys
import zlib
from asyncio.subprocess import PIPE
from contextlib import suppress

import pytest
from aiohttp import web

from bot.useapi.client import MAX_ACCOUNT_BYTES, MAX_LIST_BYTES
from bot.useapi.fake import Behaviour, FakeApi
from tests.support.paths import REPOSITORY

MIB = 2**20
# The list may have 16 MiB; Python takes more memory than that while it reads and parses it.
MOST_GROWTH = 64 * MIB
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the peak memory of a process")

PROGRAM = """
import asyncio, contextlib, re, sys
from pathlib import Path
from bot.errors import UnreadableAnswer
from tests.support.api import open_client

def largest():
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

async def main():
    async with open_client(sys.argv[1], budget=60.0) as client:
        await client.fetch_account("good")
        before = largest()
        for read in (lambda: client.fetch_account("bad"), client.fetch_accounts) * 2:
            try:
                await read()
            except UnreadableAnswer:
                continue
            sys.exit("it was read")
        print(largest() - before)

asyncio.run(main())
"""


async def flood(request: web.Request) -> web.StreamResponse:
    """Answer with 100 MB."""
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        for _ in range(100):
            await response.write(b" " * MIB)
    return response


async def explode(_request: web.Request) -> web.StreamResponse:
    """Answer with a quarter of a megabyte that decompresses to 256 MiB."""
    packer = zlib.compressobj(1, wbits=31)
    body = b"".join(packer.compress(b" " * MIB) for _ in range(256)) + packer.flush()
    return web.Response(body=body, headers={"Content-Encoding": "gzip"})


def crowd(value: bytes, most: int) -> Behaviour:
    """Return a behaviour that answers with a list of this value, `most` times or as often as the limit allows."""

    async def behave(request: web.Request) -> web.StreamResponse:
        room = MAX_ACCOUNT_BYTES if "account" in request.match_info else MAX_LIST_BYTES
        number = min(most, (room - 20) // (len(value) + 1))
        return web.Response(body=b"[" + (value + b",") * number + b"0]")

    return behave


async def growth(hostile: Behaviour) -> int:
    """Return by how many bytes a process that has read a good answer grows when it reads such answers."""
    api = FakeApi({})

    async def behave(request: web.Request) -> web.StreamResponse:
        return web.json_response({}) if request.match_info.get("account") == "good" else await hostile(request)

    api.behave = behave
    async with api.serve() as base_url:
        command = (sys.executable, "-c", PROGRAM, base_url)
        process = await asyncio.create_subprocess_exec(*command, cwd=REPOSITORY, stdout=PIPE)
        output, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0
    return int(output)


@pytest.mark.parametrize("hostile", [flood, explode])
async def test_memory_stays_flat(hostile: Behaviour) -> None:
    """Neither a long nor a compressed answer makes the process grow by 64 MiB."""
    assert await growth(hostile) < MOST_GROWTH


@pytest.mark.parametrize("most", [500_000, MAX_LIST_BYTES])
@pytest.mark.parametrize("value", [b"{}", b'{"a":1}', b'"ab"'])
async def test_memory_stays_bounded_with_many_small_values(value: bytes, most: int) -> None:
    """An answer of very many small values makes the process grow by less than 192 MiB."""
    assert await growth(crowd(value, most)) < 3 * MOST_GROWTH
