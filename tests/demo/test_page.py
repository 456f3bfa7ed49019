"""Tests of the demo's page in a real browser."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, Route, expect

from bot.demo.page import TITLE
from tests.support.paths import REPOSITORY
from tools.browser import CHROMIUM, DESKTOP, PHONE

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ, reason="Chromium, which shows the page, is not installed"
    ),
]


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
        # A killed demo leaves its database behind.
        process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.wait(), 60)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def address() -> AsyncIterator[str]:
    """Run a demo for all tests, which may add messages to it; return its page's address."""
    async with run_demo() as (_, address):
        yield address


@asynccontextmanager
async def open_page(browser: Browser, address: str, size: tuple[int, int]) -> AsyncIterator[Page]:
    """Open the demo's page in a window of this size."""
    page = await browser.new_page(viewport={"width": size[0], "height": size[1]})
    await page.goto(address)
    await page.wait_for_function("() => simcordPreview.ready && simcordPreview.lastAction")
    yield page
    await page.close()


@pytest_asyncio.fixture(
    scope="module", loop_scope="session", params=[DESKTOP, PHONE], ids=["desktop", "phone"], name="page"
)
async def page_of_size(request: pytest.FixtureRequest, address: str, browser: Browser) -> AsyncIterator[Page]:
    """Open the page in the size of a desktop and of a phone, for all tests of that size."""
    async with open_page(browser, address, request.param) as opened:
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


async def type_command(page: Page, text: str) -> None:
    """Type a text into the composer, as a whole and without a pause, and wait until it has become a command."""
    composer = page.locator("#channel-composer-input")
    await composer.click()
    await page.keyboard.type(text)
    await expect(page.get_by_role("button", name="Exit command mode")).to_be_visible()


async def test_answers_the_typed_command(page: Page) -> None:
    """A visitor types the command and a part of a name; Enter picks the account, and Enter again shows its card."""
    cards = page.locator(".embed-title").filter(has_text="Studio North")
    before = await cards.count()
    await type_command(page, "/minimax-account studio")
    await expect(page.get_by_role("option", name=re.compile("Studio North"))).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".command-option-input")).to_have_value(re.compile("^Studio North"))
    await expect(page.get_by_role("listbox")).to_have_count(0)
    await page.keyboard.press("Enter")
    await expect(cards).to_have_count(before + 1)
    await expect(cards.last).to_be_in_viewport()
    await wait_for_newest(page)


async def test_sends_a_command_typed_in_one_go(page: Page) -> None:
    """Enter right after the last letter sends what was typed, once, even while completion is under way."""
    cards = page.locator(".embed-title").filter(has_text="Jonas Weber")
    before = await cards.count()
    pressed = asyncio.Event()
    sent: list[str] = []

    async def hold(route: Route) -> None:
        await pressed.wait()
        sent.append((route.request.post_data_json or {})["kind"])
        await route.continue_()

    await page.route("**/api/action", hold)
    await type_command(page, "/minimax-account jonas")
    await page.wait_for_function("() => simcordPreview.pendingAction")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Enter")
    pressed.set()
    await expect(page.get_by_role("button", name="Exit command mode")).to_have_count(0)
    await expect(cards).to_have_count(before + 1)
    await page.get_by_role("button", name="Refresh").click()
    await page.wait_for_function("() => simcordPreview.ready")
    assert sent.count("run_command") == 1
    await page.unroute("**/api/action")


async def test_offers_accounts_before_anything_is_typed(page: Page) -> None:
    """Completion has accounts as soon as the option is chosen."""
    await type_command(page, "/minimax-account ")
    await expect(page.get_by_role("option", name=re.compile("Studio North"))).to_be_visible()
    await page.get_by_role("button", name="Exit command mode").click()
    await page.locator("#channel-composer-input").fill("")


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


async def test_says_what_to_try(page: Page) -> None:
    """The page has the bot's name and icon, and shows three things to try as soon as it is open."""
    assert await page.title() == TITLE
    await expect(page.locator(".preview-brand strong")).to_have_text("MiniMax Account Bot")
    log = page.get_by_role("log")
    for text in ("Three things to try", "Look up an account", "Let time pass", "Take a reminder"):
        await expect(log.get_by_text(text)).to_have_count(1)
    icons = page.locator("link[rel=icon]")
    assert await icons.get_attribute("href") == "/icon.png"
    assert await page.evaluate("fetch('/icon.png').then(answer => answer.headers.get('content-type'))") == "image/png"


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


async def test_a_mistake_is_no_news_on_the_terminal(browser: Browser) -> None:
    """A command with a value that the bot refuses is answered in the page and logs nothing; Ctrl-C ends the demo."""
    async with run_demo() as (process, address), open_page(browser, address, PHONE) as page:
        await wait_for_newest(page)
        await expect(page.get_by_role("button", name="1 day later")).to_be_in_viewport()
        await type_command(page, "/minimax-account nobody")
        await expect(page.get_by_text("No options match")).to_be_visible()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Only you can see this").first).to_be_visible()
        await wait_for_newest(page)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        assert await asyncio.wait_for(process.stderr.read(), 60) == b""
        assert await asyncio.wait_for(process.wait(), 60) == 0


async def test_check_now_refreshes_a_card(page: Page) -> None:
    """The button under a card works, and the page still fits the window."""
    card = page.get_by_role("article").filter(has_text="Amara Okafor")
    before = await page.evaluate("() => simcordPreview.lastAction.requestId")
    await card.get_by_role("button", name="Check now").click()
    await page.wait_for_function(
        "before => simcordPreview.ready && simcordPreview.lastAction.requestId !== before", arg=before
    )
    done = await page.evaluate("() => simcordPreview.lastAction")
    assert (done["dispatched"], done["rejected"], done["settlement"]) == (True, False, "settled")
    await expect(page.locator("#action-status")).to_have_text("")
    await expect(card.get_by_text("Video").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@pytest.mark.parametrize("page", [PHONE], indirect=True, ids=["phone"])
async def test_a_press_lets_time_pass(page: Page) -> None:
    """After a press the page shows, without a refresh, the messages of the day that passed and what else to try."""
    await page.get_by_role("button", name="1 day later").click()
    sent = page.locator(".message-content").filter(has_text=re.compile("Mateo Silva.* expired")).last
    await expect(sent).to_be_visible()
    await wait_for_newest(page)
    await expect(page.get_by_role("button", name="7 days later")).to_be_enabled()
    await expect(page.get_by_role("log").get_by_text("Take a reminder")).to_be_in_viewport()


@pytest.mark.parametrize("page", [DESKTOP], indirect=True, ids=["desktop"])
async def test_offers_the_command_to_the_manager_only(page: Page) -> None:
    """The page offers the command to the viewer with Manage Server, not to the other one."""
    composer = page.locator("#channel-composer-input")
    command = page.get_by_role("option", name=re.compile("minimax-account "))
    viewer = page.get_by_label("Viewing as")
    for name, offered in (("Noah · editor", 0), ("Mia · manager", 1)):
        await viewer.select_option(name)
        await page.wait_for_function("() => simcordPreview.ready && simcordPreview.lastAction")
        await composer.press_sequentially("/mini")
        await expect(composer).to_have_value("/mini")
        await expect(command).to_have_count(offered)
        await composer.fill("")


async def test_an_address_that_opens_no_demo_says_what_to_do(browser: Browser, address: str) -> None:
    """Without what follows "#", and with that of a demo that has ended, the page says which address to open."""
    place = address.partition("#")[0]
    page = await browser.new_page()
    for wrong, words in ((place, "Open the whole address"), (f"{place}#ended", "This demo has ended.")):
        await page.goto("about:blank")
        await page.goto(wrong)
        said = page.locator("#live-status")
        await expect(said).to_contain_text(words)
        box = await said.bounding_box()
        assert box is not None
        assert box["height"] > 10
    await page.close()
