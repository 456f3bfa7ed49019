"""Takes the pictures in `docs` from the demo: `python -m tools.pictures`.

The demo plays one story at a fixed time. `docs/pictures.json` keeps the texts that each picture shows; a test plays the
story again and compares, so that no picture outlives the words in it.
"""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, TypeAlias

import discord
from PIL import Image, ImageChops
from playwright.sync_api import Page, sync_playwright
from simcord.results import InteractionResult, ResponseMessage

from bot.demo import Demo, build_page, open_demo
from bot.demo.icon import encode_icon
from tools.browser import ARGUMENTS, CHROMIUM

DOCS = Path(__file__).resolve().parents[1] / "docs"
TEXTS = DOCS / "pictures.json"
NOW = datetime(2026, 11, 28, 9, 30, tzinfo=UTC)
LOOKED_UP = "Priya Raman"
# Between two commands of one member; the bot limits how fast they may come.
_PAUSE_SECONDS = 3
_DAYS_UNTIL_RENEWED = 3

Shown: TypeAlias = discord.Message | ResponseMessage

_DESKTOP, _PHONE = 860, 390
_MARGIN = 16
_FRAME_MILLISECONDS = (2600, 2600, 3600)
_SCALE = 2
# Only the messages of the picture.
_STYLE = """
.preview-toolbar, .channel-header, .channel-composer, .history-button, .timeline-day-divider, .reply-button,
.channel-message {{ display: none !important; }}
{shown} {{ display: block !important; }}
#channel-message-list {{ padding: 8px 0 16px !important; }}
"""


@dataclass(frozen=True, slots=True)
class Scene:
    """Messages of the demo's channel as a picture shows them; several scenes of one picture are its frames."""

    picture: str
    width: int
    messages: Sequence[Shown]

    def read_texts(self) -> list[str]:
        """Return what the messages say, top to bottom."""
        return [text for message in self.messages for text in read_texts(message)]


async def play(demo: Demo) -> AsyncIterator[Scene]:
    """Play the story, and yield a scene whenever the channel shows one."""
    manager, channel = demo.manager, demo.channel

    async def ask(command: str, **options: Any) -> ResponseMessage:
        await demo.env.advance_time(_PAUSE_SECONDS)
        return _response_of(await manager.slash(channel, command, **options))

    reminder = channel.history()[-2]
    yield Scene("reminder", _PHONE, [reminder])
    for width, picture in ((_DESKTOP, "account"), (_PHONE, "account-phone")):
        yield Scene(picture, width, [await ask("minimax-account", account=LOOKED_UP)])
    yield Scene("overview", _DESKTOP, [await ask("minimax-overview")])
    yield Scene("list", _DESKTOP, [await ask("minimax-reminders list")])
    await demo.env.advance_time(_PAUSE_SECONDS)
    await manager.click(reminder, custom_id=_button_of(reminder, "minimax:take"))
    yield Scene("reminder", _PHONE, [_again(demo, reminder)])
    await demo.travel.go(_DAYS_UNTIL_RENEWED)
    news = [message for message in channel.history() if message.content.startswith("✅")][-1]
    yield Scene("reminder", _PHONE, [_again(demo, reminder), *([news] if news.id != reminder.id else [])])


def _response_of(result: InteractionResult) -> ResponseMessage:
    assert result.response is not None
    return result.response


def _again(demo: Demo, message: discord.Message) -> discord.Message:
    """Return a message as it is now."""
    return next(one for one in demo.channel.history() if one.id == message.id)


def _controls_of(message: Shown) -> Iterator[dict[str, Any]]:
    for row in message.components:
        payload: Any = row if isinstance(row, dict) else row.to_dict()
        yield from payload.get("components", ())


def _button_of(message: Shown, beginning: str) -> str:
    ids = [str(control.get("custom_id", "")) for control in _controls_of(message)]
    return next(one for one in ids if one.startswith(beginning))


def read_texts(message: Shown) -> list[str]:
    """Return the texts of a message, top to bottom, without what differs from run to run: ids and moments."""
    texts = [message.content]
    for embed in message.embeds:
        texts += [embed.title or "", *(embed.description or "").splitlines()]
        texts += [f"{field.name}: {line}" for field in embed.fields for line in str(field.value).splitlines()]
        texts.append(embed.footer.text or "")
    for control in _controls_of(message):
        texts.append(str(control.get("label") or control.get("placeholder") or ""))
        texts += [str(option["label"]) for option in control.get("options", ())]
    return [_without_ids(text) for text in texts if text]


def _without_ids(text: str) -> str:
    text = re.sub(r"<t:\d+", "<t:0", text)
    return re.sub(r"\b\d{17,20}\b", "0", re.sub(r"\b(?=[a-f]*\d)[0-9a-f]{8}\b", "00000000", text))


async def read_story() -> dict[str, list[list[str]]]:
    """Play the story without a browser; return the texts of each picture, a list for each of its frames."""
    texts: dict[str, list[list[str]]] = {}
    async with open_demo(lambda: NOW) as demo:
        async for scene in play(demo):
            texts.setdefault(scene.picture, []).append(scene.read_texts())
    return texts


def _photograph(page: Page, address: str, scene: Scene) -> Image.Image:
    page.set_viewport_size({"width": scene.width, "height": 900})
    # Only another address loads the page again.
    page.goto("about:blank")
    page.goto(address)
    shown = ", ".join(f'#channel-message-list > [data-message-id="{message.id}"]' for message in scene.messages)
    page.wait_for_selector(shown.split(", ")[-1])
    page.add_style_tag(content=_STYLE.format(shown=shown))
    page.wait_for_function("simcordPreview.ready && simcordPreview.lastAction")
    page.wait_for_function("[...document.images].every(image => image.complete && image.naturalWidth)")
    shot = page.locator("#channel-message-list").screenshot(animations="disabled")
    image = Image.open(BytesIO(shot)).convert("RGB")
    return image if scene.width == _PHONE else _without_empty_side(image)


def _without_empty_side(image: Image.Image) -> Image.Image:
    background = Image.new("RGB", image.size, image.getpixel((0, 0)))
    _, _, right, _ = ImageChops.difference(image, background).getbbox() or (0, 0, image.width, 0)
    return image.crop((0, 0, min(right + _MARGIN * _SCALE, image.width), image.height))


def _save(picture: str, frames: Sequence[Image.Image]) -> None:
    file = DOCS / f"{picture}.png"
    size = (frames[0].width, max(frame.height for frame in frames))
    canvases = [Image.new("RGB", size, frame.getpixel((0, 0))) for frame in frames]
    for canvas, frame in zip(canvases, frames, strict=True):
        canvas.paste(frame)
    first, *others = [canvas.quantize(256, dither=Image.Dither.NONE) for canvas in canvases]
    if others:
        first.save(file, save_all=True, append_images=others, duration=_FRAME_MILLISECONDS, loop=0, optimize=True)
    else:
        first.save(file, optimize=True)


async def take_pictures() -> None:
    """Play the story, photograph each scene, and write the pictures and their texts."""
    frames: dict[str, list[Image.Image]] = {}
    texts: dict[str, list[list[str]]] = {}
    # Playwright keeps to one thread, away from simcord's loop.
    with ThreadPoolExecutor(max_workers=1) as thread:
        loop = asyncio.get_running_loop()
        playwright = await loop.run_in_executor(thread, sync_playwright().start)
        try:
            browser = await loop.run_in_executor(
                thread, lambda: playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            )
            page = await loop.run_in_executor(
                thread, lambda: browser.new_page(bypass_csp=True, device_scale_factor=_SCALE, timezone_id="UTC")
            )
            async with open_demo(lambda: NOW) as demo, build_page(demo) as preview:
                async for scene in play(demo):
                    await preview.refresh()
                    picture = await loop.run_in_executor(thread, _photograph, page, preview.url, scene)
                    frames.setdefault(scene.picture, []).append(picture)
                    texts.setdefault(scene.picture, []).append(scene.read_texts())
        finally:
            await loop.run_in_executor(thread, playwright.stop)
    for name, pictures in frames.items():
        _save(name, pictures)
    (DOCS / "icon.png").write_bytes(encode_icon())
    TEXTS.write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(take_pictures())
    sys.exit(0)
