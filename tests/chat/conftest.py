"""Fixtures for tests in a simulated Discord."""

from collections.abc import AsyncIterator

import pytest

from tests.support.accounts import build_account
from tests.support.world import World, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Run the bot for three accounts; two of them have the same name."""
    accounts = [
        build_account("123456"),
        build_account("234567", "Sam Reed", days=3),
        build_account("345678", "Sam Reed", days=-2),
    ]
    async with open_world(accounts) as opened:
        yield opened
