"""The reminder engine and its surroundings, as the base of a Hypothesis state machine."""

import asyncio
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis.stateful import RuleBasedStateMachine

from bot.core.clock import TOLERANCE
from tests.support.engine.kit import Kit

CHANNELS = (11, 12)
LIFE = timedelta(days=30)


class Engine(RuleBasedStateMachine):
    """The engine on a real file. `template` is an empty database, which each engine copies."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        shutil.copy(self.template, f"{self.folder.name}/bot.db")
        self.kit = Kit(f"sqlite+aiosqlite:///{self.folder.name}/bot.db", CHANNELS, watches_jobs=True)
        self.clock, self.channels = self.kit.clock, self.kit.channels
        self.runner = asyncio.Runner()
        self.runner.run(self.kit.open())

    def elapse(self, passed: timedelta) -> None:
        """Let time pass."""
        self.clock.true += passed

    def run_poll(self) -> None:
        """Run a poll; with a wrong clock it sends nothing."""
        before = self._count_posts()
        self.runner.run(self.kit.poll())
        assert abs(self.clock.ahead) <= TOLERANCE or self._count_posts() == before

    def _count_posts(self) -> int:
        return sum(len(channel.posts) for channel in self.channels.by_id.values())

    def _set_expiry(self, account: str, expires_at: datetime) -> None:
        has_error = "error" in self.kit.api.accounts.get(account, {})
        self.kit.show(account, expires_at, expires_at - LIFE, error=has_error)

    def teardown(self) -> None:
        """Close everything."""
        self.runner.run(self.kit.close())
        self.runner.close()
        self.folder.cleanup()
