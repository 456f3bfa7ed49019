"""Fixtures for tests in a simulated Discord."""

from collections.abc import AsyncIterator

import pytest

from tests.support.world import World, account, open_world


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Run the bot for three accounts; two of them have the same name."""
    accounts = [account("123456"), account("234567", "Sam Reed", days=3), account("345678", "Sam Reed", days=-2)]
    async with open_world({entry["account"]: entry for entry in accounts}) as opened:
        yield opened
