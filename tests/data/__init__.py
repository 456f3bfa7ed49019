"""Answers of the API: the samples of both documents, unchanged, and variants of them."""

import json
from pathlib import Path
from typing import Any

OCTOBER = "account.2024-10-11"
MARCH = "account.2025-03-17"


def load(name: str) -> dict[str, Any]:
    """Return the object in a file of this folder."""
    found = json.loads((Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found
