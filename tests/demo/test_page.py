"""Tests of the demo's page in a real browser."""

import asyncio
import contextlib
import os
import re
import shutil
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.support.paths import REPOSITORY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SECONDS = 1000.0
DESKTOP, PHONE = (1280, 900), (390, 844)
_TRIES = 10

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ, reason="Chromium, which shows the page, is not installed"
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Run a browser for all tests; each has pages of its own."""
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        await launched.close()


@asynccontextmanager
async def run_demo() -> AsyncIterator[tuple[Process, str]]:
    """Run `python -m bot demo` as a process of its own; yield it with the page's address."""
    command = (sys.executable, "-m", "bot", "demo", "--no-open")
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, cwd=REPOSITORY)
    assert process.stdout is not None
    line = (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    address = re.search(r"http://127\.0\.0\.1:\d+/\S+", line)
    assert address is not None
    yield process, address.group()
    if process.returncode is None:
        process.kill()
    await process.wait()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def demo() -> AsyncIterator[tuple[Process, str]]:
    """Run a demo for all tests, which may add messages to it."""
    async with run_demo() as running:
        yield running


@asynccontextmanager
async def open_page(browser: Browser, address: str, size: tuple[int, int]) -> AsyncIterator[Page]:
    """Open the demo's page in a window of this size."""
    page = await browser.new_page(viewport={"width": size[0], "height": size[1]})
    page.set_default_timeout(15 * SECONDS)
    expect.set_options(timeout=15 * SECONDS)
    await page.goto(address)
    await expect(page.get_by_text("Amara Okafor")).to_be_visible()
    yield page
    await page.close()


@pytest_asyncio.fixture(loop_scope="module", params=[DESKTOP, PHONE], ids=["desktop", "phone"])
async def page(request: pytest.FixtureRequest, demo: tuple[Process, str], browser: Browser) -> AsyncIterator[Page]:
    """Open the page in the size of a desktop and of a phone."""
    async with open_page(browser, demo[1], request.param) as opened:
        yield opened


async def look_up(page: Page, typed: str, offered: str) -> None:
    """Type the command, pick what completion offers, and send it."""
    composer = page.locator("#channel-composer-input")
    await composer.click()
    await composer.press_sequentially("/mini")
    await page.get_by_role("option", name=re.compile("minimax-account ")).click()
    await page.keyboard.type(typed)
    await expect(page.get_by_role("option", name=offered)).to_be_visible()
    await page.keyboard.press("Enter")
    # The page requests completion once more, with the picked value, and ignores keys until it has the answer.
    for _ in range(_TRIES):
        await page.keyboard.press("Enter")
        with contextlib.suppress(AssertionError):
            await expect(page.get_by_role("button", name="Exit command mode")).to_have_count(0, timeout=SECONDS)
            return
    pytest.fail("the page does not send the command")


async def test_answers_the_typed_command(page: Page) -> None:
    """A visitor types the command, picks an account that completion offers, and sees its card."""
    cards = page.get_by_text("Expiry unknown.")
    before = await cards.count()
    await look_up(page, "studio", "130088214 · Studio North · expiry unknown")
    await expect(cards).to_have_count(before + 1)
    await expect(cards.last).to_be_visible()


async def test_check_now_refreshes_a_card(page: Page) -> None:
    """The button under a card works, and the page still fits the window."""
    look_up = page.get_by_role("article").filter(has_text="Amara Okafor")
    await look_up.get_by_role("button", name="Check now").click()
    await expect(page.locator("#action-status")).to_have_text("Callback completed")
    await expect(look_up.get_by_text("Healthy.", exact=True)).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_a_press_lets_time_pass(browser: Browser) -> None:
    """After a press the page shows, without a refresh, the messages of the days that passed."""
    async with run_demo() as (_, address), open_page(browser, address, PHONE) as page:
        await page.get_by_role("button", name="1 day later").click()
        sent = page.get_by_role("log").get_by_text("MiniMax login Mateo Silva (118733902) expired 16 hours ago.")
        await expect(sent).to_be_visible()
        await expect(page.get_by_role("button", name="7 days later")).to_be_enabled()


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
async def test_offers_the_command_to_the_manager_only(page: Page) -> None:
    """The page offers the command to the viewer with Manage Server, not to the other one."""
    composer = page.locator("#channel-composer-input")
    command = page.get_by_role("option", name=re.compile("minimax-account "))
    await composer.press_sequentially("/mini")
    await expect(command).to_be_visible()
    await composer.fill("")
    await page.get_by_label("Viewing as").select_option("Noah · editor")
    await expect(page.locator("#action-status")).to_have_text("Action completed")
    await composer.press_sequentially("/mini")
    await expect(composer).to_have_value("/mini")
    await expect(command).to_have_count(0)


async def test_says_that_a_port_is_in_use(demo: tuple[Process, str]) -> None:
    """A port that another program uses is refused in words."""
    port = demo[1].partition("127.0.0.1:")[2].partition("/")[0]
    command = (sys.executable, "-m", "bot", "demo", "--no-open", "--port", port)
    second = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, cwd=REPOSITORY)
    _, errors = await asyncio.wait_for(second.communicate(), 60)
    assert (second.returncode, f"Port {port} is in use" in errors.decode()) == (2, True)
    assert "Traceback" not in errors.decode()


async def test_ends_at_ctrl_c() -> None:
    """Ctrl-C ends the demo with status 0."""
    async with run_demo() as (process, _):
        process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(process.wait(), 60) == 0
