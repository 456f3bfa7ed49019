"""The pictures in `docs` show what the bot says today."""

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.support.paths import REPOSITORY
from tools.pictures import DOCS, TEXTS, read_story

KEPT: dict[str, list[list[str]]] = json.loads(TEXTS.read_text(encoding="utf-8"))


async def test_the_pictures_show_what_the_bot_says_today() -> None:
    """The story of the pictures, played again, has the texts that they show."""
    assert await read_story() == KEPT, "Take the pictures again: make pictures"


@pytest.mark.parametrize("name", KEPT)
def test_each_picture_is_kept_and_used(name: str) -> None:
    """Each picture has its frames, and a page of the documents shows it."""
    with Image.open(DOCS / f"{name}.png") as picture:
        assert getattr(picture, "n_frames", 1) == len(KEPT[name])
    pages = [REPOSITORY / "README.md", *DOCS.glob("*.md")]
    assert any(f"{name}.png" in page.read_text(encoding="utf-8") for page in pages)


def test_there_is_no_other_picture() -> None:
    """No picture is kept that the story does not take."""
    assert {file.stem for file in Path(DOCS).glob("*.png")} == {*KEPT, "icon"}
