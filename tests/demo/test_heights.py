"""Tests of how much room a reminder takes on a phone, measured in the demo's page."""

import asyncio
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import sync_playwright

from bot.demo import Demo, build_page, open_demo
from tools.browser import ARGUMENTS, CHROMIUM, PHONE

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
# Accounts of the demo that need renewing, or will within a week.
URGENT = ("Lina Haddad", "Omar Farouk", "Mateo Silva", "Priya Raman")

pytestmark = pytest.mark.skipif(
    CHROMIUM is None and "CI" not in os.environ, reason="Chromium, which shows the page, is not installed"
)


def measure(address: str, message_id: int) -> tuple[float, str]:
    """Return the height of a message on a phone, in pixels and without the line of its author, and its text."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
        page.goto(address)
        message = page.locator(f'#channel-message-list > [data-message-id="{message_id}"]')
        message.wait_for()
        page.wait_for_function("[...document.images].every(image => image.complete)")
        box, content = message.bounding_box(), message.locator(".message-content").first.bounding_box()
        text = message.inner_text()
        browser.close()
    assert box is not None
    assert content is not None
    return box["y"] + box["height"] - content["y"], text


async def measure_reminder(demo: Demo) -> tuple[float, str]:
    """Return the height and the text of the newest reminder in the demo's channel."""
    reminder = [message for message in demo.channel.history() if demo.producers.mention in message.content][-1]
    async with build_page(demo) as page:
        return await asyncio.to_thread(measure, page.url, reminder.id)


async def test_a_reminder_of_one_account_leaves_room() -> None:
    """The reminder of one account takes a third of a phone's screen."""
    async with open_demo(lambda: NOW) as demo:
        height, text = await measure_reminder(demo)
        assert "Mateo Silva" in text
        assert height <= 300


async def test_a_reminder_of_four_accounts_leaves_room() -> None:
    """The reminder of four accounts, each in another state, takes half of a phone's screen."""
    async with open_demo(lambda: NOW) as demo:
        add = {"account": "all", "channel": demo.other_channel, "days": "7", "ping": demo.producers}
        await demo.manager.slash(demo.channel, "minimax-reminders add", **add)
        await demo.travel.poll_twice()
        height, text = await measure_reminder(replace(demo, channel=demo.other_channel))
        assert all(name in text for name in URGENT)
        assert "-#" not in text
        assert height <= 440
