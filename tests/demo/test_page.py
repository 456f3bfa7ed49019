"""Tests of the demo's page in a real browser."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright, expect

from bot.demo.page import TITLE
from tests.support.paths import REPOSITORY
from tools.browser import ARGUMENTS, CHROMIUM, DESKTOP, PHONE

SECONDS = 1000.0
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
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, cwd=REPOSITORY)
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


async def wait_for_newest(page: Page) -> None:
    """Wait until the newest message is in view: as a whole, or from its beginning if it is higher than the window."""
    await page.wait_for_function(
        """() => {
            const log = document.getElementById("channel-timeline").getBoundingClientRect();
            const last = document.getElementById("channel-message-list").lastElementChild.getBoundingClientRect();
            const fits = last.height <= log.height;
            return Math.abs(fits ? Math.min(0, log.bottom - last.bottom) : last.top - log.top) < 2;
        }"""
    )


async def look_up(page: Page, typed: str, offered: str | None) -> None:
    """Type the command, pick what completion offers, if it is to offer anything, and send it."""
    composer = page.locator("#channel-composer-input")
    await composer.click()
    await composer.press_sequentially("/mini")
    await page.get_by_role("option", name=re.compile("minimax-account ")).click()
    await page.keyboard.type(typed)
    if offered is None:
        await expect(page.get_by_text("No options match")).to_be_visible()
    else:
        await expect(page.get_by_role("option", name=re.compile(offered))).to_be_visible()
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
    cards = page.locator(".embed-title").filter(has_text="Studio North")
    before = await cards.count()
    await look_up(page, "studio", "Studio North")
    await expect(cards).to_have_count(before + 1)
    await expect(cards.last).to_be_in_viewport()
    await wait_for_newest(page)


async def test_offers_accounts_before_anything_is_typed(page: Page) -> None:
    """Completion has accounts as soon as the option is chosen."""
    composer = page.locator("#channel-composer-input")
    await composer.click()
    await composer.press_sequentially("/mini")
    await page.get_by_role("option", name=re.compile("minimax-account ")).click()
    await expect(page.get_by_role("option", name=re.compile("Studio North"))).to_be_visible()


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
async def test_enter_sends_what_the_mouse_chose(page: Page) -> None:
    """A visitor who clicks a choice sends the command with Enter, as in Discord."""
    cards = page.locator(".embed-title").filter(has_text="Jonas Weber")
    before = await cards.count()
    composer = page.locator("#channel-composer-input")
    await composer.click()
    await composer.press_sequentially("/mini")
    await page.get_by_role("option", name=re.compile("minimax-account ")).click()
    await page.get_by_role("option", name=re.compile("Jonas Weber")).click()
    await expect(page.locator(".command-option-input")).to_have_value(re.compile("104377015"))
    await page.keyboard.press("Enter")
    await expect(cards).to_have_count(before + 1)


async def test_welcomes_the_visitor(page: Page) -> None:
    """The page has the bot's name and icon, and shows three things to try as soon as it is open."""
    assert await page.title() == TITLE
    await expect(page.locator(".preview-brand strong")).to_have_text("MiniMax Account Bot")
    welcome = page.get_by_role("log").get_by_text("Three things to try")
    assert await welcome.count() == 1
    for step in ("Look up an account", "Let time pass", "Take a reminder"):
        await expect(page.get_by_role("log").get_by_text(step)).to_have_count(1)
    icons = page.locator("link[rel=icon]")
    assert await icons.get_attribute("href") == "/icon.png"
    assert await page.evaluate("fetch('/icon.png').then(answer => answer.headers.get('content-type'))") == "image/png"


async def test_opens_at_the_newest_message(browser: Browser) -> None:
    """On a phone the welcome and its buttons are in view before anything is scrolled."""
    async with run_demo() as (_, address), open_page(browser, address, PHONE) as page:
        await wait_for_newest(page)
        await expect(page.get_by_role("log").get_by_text("Three things to try")).to_be_in_viewport()
        await expect(page.get_by_role("button", name="1 day later")).to_be_in_viewport()


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
async def test_says_relative_times_as_discord_does(page: Page) -> None:
    """A relative time is rounded to the nearest unit, in the units of Discord's app."""
    said = {
        20: "in a few seconds",
        -60: "a minute ago",
        -4 * 60: "4 minutes ago",
        3600: "in an hour",
        8 * 3600 + 5: "in 8 hours",
        -23 * 3600: "a day ago",
        -2.9 * 86400: "3 days ago",
        21.3 * 86400: "in 21 days",
        30 * 86400: "in a month",
        -400 * 86400: "a year ago",
    }
    say_all = "all => import('/demo.js').then(page => all.map(page.sayRelative))"
    assert await page.evaluate(say_all, list(said)) == list(said.values())


async def test_a_visitors_mistake_is_no_news_on_the_terminal(browser: Browser) -> None:
    """A command with a value that the bot refuses is answered in the page, and logs nothing."""
    async with run_demo() as (process, address), open_page(browser, address, PHONE) as page:
        await look_up(page, "nobody", None)
        await expect(page.get_by_text("Only you can see this").first).to_be_visible()
        await wait_for_newest(page)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert await asyncio.wait_for(process.stderr.read(), 60) == b""


async def test_check_now_refreshes_a_card(page: Page) -> None:
    """The button under a card works, and the page still fits the window."""
    look_up = page.get_by_role("article").filter(has_text="Amara Okafor")
    await look_up.get_by_role("button", name="Check now").click()
    await expect(page.locator("#action-status")).to_have_text("Callback completed")
    await expect(look_up.get_by_text("Video").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_a_press_lets_time_pass(browser: Browser) -> None:
    """After a press the page shows, without a refresh, the messages of the days that passed."""
    async with run_demo() as (_, address), open_page(browser, address, PHONE) as page:
        await page.get_by_role("button", name="1 day later").click()
        sent = page.locator(".message-content").filter(has_text=re.compile("Mateo Silva.* expired")).last
        await expect(sent).to_be_visible()
        await wait_for_newest(page)
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
