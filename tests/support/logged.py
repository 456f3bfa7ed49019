"""Errors that the bot logged, for tests that expect none."""

import logging


class Errors(logging.Handler):
    """Keeps the messages of records at ERROR and above."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a record."""
        self.messages.append(self.format(record))
