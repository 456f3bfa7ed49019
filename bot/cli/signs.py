"""The signs at the beginning of a line on a terminal."""

from enum import Enum
from typing import TextIO


class Sign(Enum):
    """A sign, and the character in its place where the encoding lacks it."""

    GOOD = ("✓", "+")
    NOTE = ("!", "!")
    BAD = ("✗", "x")
    UNKNOWN = ("?", "?")

    def on(self, stream: TextIO) -> str:
        """Return the character for this stream."""
        sign, plain = self.value
        try:
            sign.encode(stream.encoding or "ascii")
        except (UnicodeEncodeError, LookupError):
            return plain
        return sign
