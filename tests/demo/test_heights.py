"""Tests of how much room a reminder takes on a phone, measured in the demo's page."""

import asyncio
import math
import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from playwright.sync_api import sync_playwright

from bot.demo import Demo, build_page, open_demo
from tools.browser import ARGUMENTS, CHROMIUM, PHONE

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
# Accounts of the demo that need renewing, or will within a week.
URGENT = ("Lina Haddad", "Omar Farouk", "Beta Tester", "Mateo Silva", "Priya Raman")

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


def newest_reminder(demo: Demo) -> int:
    """Return the id of the newest reminder in the demo's channel."""
    return [message for message in demo.channel.history() if demo.producers.mention in message.content][-1].id


async def measure_message(demo: Demo, message_id: int) -> tuple[float, str]:
    """Return the height and the text of a message in the demo's channel."""
    async with build_page(demo) as page:
        return await asyncio.to_thread(measure, page.url, message_id)


async def test_a_reminder_of_one_account_leaves_room() -> None:
    """The reminder of one account takes a third of a phone's screen, also with a short note."""
    async with open_demo(lambda: NOW) as demo:
        # Nothing is renewed meanwhile.
        demo.renewals.seconds = math.inf
        reminder = newest_reminder(demo)
        height, text = await measure_message(demo, reminder)
        assert "Mateo Silva" in text
        assert "Sign in with the Google account" in text
        assert height <= 300
        shown = next(one for one in demo.channel.history() if one.id == reminder)
        for label in ("I'm on it", "Check now"):
            await demo.member.click(shown, label=label)
        height, text = await measure_message(demo, reminder)
        assert "is on it" in text
        assert "not renewed" in text
        assert height <= 300
        await demo.member.click(shown, label="I'm on it")
        card = await demo.manager.slash(demo.channel, "minimax-account", account="118733902")
        assert card.response is not None
        opened = await demo.manager.click(card.response, label="Note")
        await demo.manager.submit_modal(opened, {"note": "mateo.video@gmail.com, Mia's phone"})
        await demo.travel.poll_twice()
        height, text = await measure_message(demo, reminder)
        assert "Mia's phone" in text
        assert height <= 300


async def test_a_reminder_of_five_accounts_leaves_room() -> None:
    """The reminder of five accounts, each in another state, takes little more than half of a phone's screen."""
    async with open_demo(lambda: NOW) as demo:
        add = {"account": "all", "channel": demo.other_channel, "days": "7", "ping": demo.producers}
        await demo.manager.slash(demo.channel, "minimax-reminders add", **add)
        await demo.travel.poll_twice()
        other = replace(demo, channel=demo.other_channel)
        height, text = await measure_message(other, newest_reminder(other))
        assert all(name in text for name in URGENT)
        assert "-#" not in text
        assert height <= 480
