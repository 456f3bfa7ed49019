"""Tests of how much room a reminder takes on a phone, measured in the demo's page."""

import math
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from playwright.async_api import Browser, Locator, expect
from simcord.preview import Preview

from bot.demo import Demo, build_page, open_demo
from tests.support.demo import NOW
from tools.browser import CHROMIUM, PHONE

# Accounts of the demo that need renewing, or will within a week.
URGENT = ("Lina Haddad", "Omar Farouk", "Beta Tester", "Mateo Silva", "Priya Raman")

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(
        CHROMIUM is None and "CI" not in os.environ, reason="Chromium, which shows the page, is not installed"
    ),
]


@asynccontextmanager
async def show_newest_reminder(browser: Browser, demo: Demo) -> AsyncIterator[tuple[Preview, int, Locator]]:
    """Open the channel's page on a phone; yield it with the id of the newest reminder and where that is shown."""
    newest = [message for message in demo.channel.history() if demo.producers.mention in message.content][-1].id
    async with build_page(demo) as preview:
        page = await browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
        await page.goto(preview.url)
        yield preview, newest, page.locator(f'#channel-message-list > [data-message-id="{newest}"]')
        await page.close()


async def measure(message: Locator, *words: str) -> float:
    """Return the height of a message in pixels, without the line of its author, once it has these words."""
    for text in words:
        await expect(message).to_contain_text(text)
    await message.page.wait_for_function("() => simcordPreview.ready")
    box, content = await message.bounding_box(), await message.locator(".message-content").first.bounding_box()
    assert box is not None
    assert content is not None
    return box["y"] + box["height"] - content["y"]


async def test_a_reminder_of_one_account_leaves_room(browser: Browser) -> None:
    """The reminder of one account takes a third of a phone's screen, also with a short note."""
    async with open_demo(lambda: NOW) as demo, show_newest_reminder(browser, demo) as (preview, reminder, message):
        # Nothing is renewed meanwhile.
        demo.renewals.seconds = math.inf
        assert await measure(message, "Mateo Silva", "Sign in with the Google account") <= 300
        shown = next(one for one in demo.channel.history() if one.id == reminder)
        for label in ("I'm on it", "Check now"):
            await demo.member.click(shown, label=label)
        await preview.refresh()
        assert await measure(message, "is on it", "not renewed") <= 300
        await demo.member.click(shown, label="I'm on it")
        card = await demo.manager.slash(demo.channel, "minimax-account", account="118733902")
        assert card.response is not None
        opened = await demo.manager.click(card.response, label="Note")
        await demo.manager.submit_modal(opened, {"note": "mateo.video@gmail.com, Mia's phone"})
        await demo.travel.poll_twice()
        await preview.refresh()
        assert await measure(message, "Mia's phone") <= 300


async def test_a_reminder_of_five_accounts_leaves_room(browser: Browser) -> None:
    """The reminder of five accounts, each in another state, takes little more than half of a phone's screen."""
    async with open_demo(lambda: NOW) as demo:
        add = {"account": "all", "channel": demo.other_channel, "days": "7", "ping": demo.producers}
        await demo.manager.slash(demo.channel, "minimax-reminders add", **add)
        await demo.travel.poll_twice()
        async with show_newest_reminder(browser, replace(demo, channel=demo.other_channel)) as (_, _, message):
            assert await measure(message, *URGENT) <= 480
            await expect(message).not_to_contain_text("-#")
