"""The bot's icon, drawn: a bell inside the ring of a login's life, with the last quarter left."""

from io import BytesIO

from PIL import Image, ImageDraw

SIZE = 512
_OVER = 4
_TOP, _BOTTOM = (88, 80, 214), (49, 27, 121)
_TRACK, _LEFT, _BELL = (124, 116, 233), (255, 194, 61), (255, 255, 255)
_RING, _RING_WIDTH = 0.445, 0.09
_BELL_SCALE = 1.2


def draw_icon(size: int = SIZE) -> Image.Image:
    """Return the icon as a square, which Discord shows as a circle."""
    full = size * _OVER
    image = Image.linear_gradient("L").resize((full, full))
    image = Image.composite(Image.new("RGB", (full, full), _BOTTOM), Image.new("RGB", (full, full), _TOP), image)
    draw = ImageDraw.Draw(image)
    _draw_ring(draw, full)
    _draw_bell(draw, full)
    return image.resize((size, size), Image.Resampling.LANCZOS)


def encode_icon(size: int = SIZE) -> bytes:
    """Return the icon as a PNG file."""
    file = BytesIO()
    draw_icon(size).save(file, "PNG", optimize=True)
    return file.getvalue()


def _draw_ring(draw: ImageDraw.ImageDraw, full: int) -> None:
    def box(radius: float) -> tuple[float, float, float, float]:
        return (0.5 - radius) * full, (0.5 - radius) * full, (0.5 + radius) * full, (0.5 + radius) * full

    outer = box(_RING)
    width = round(_RING_WIDTH * full)
    draw.arc(outer, 0, 360, fill=_TRACK, width=width)
    draw.arc(outer, -90, 0, fill=_LEFT, width=width)
    # Round ends, at the top and on the right.
    middle, half = _RING - _RING_WIDTH / 2, _RING_WIDTH / 2
    for x, y in ((0.5, 0.5 - middle), (0.5 + middle, 0.5)):
        draw.ellipse(((x - half) * full, (y - half) * full, (x + half) * full, (y + half) * full), fill=_LEFT)


def _draw_bell(draw: ImageDraw.ImageDraw, full: int) -> None:
    def at(*points: float) -> list[float]:
        return [(0.5 + (point - 0.5) * _BELL_SCALE) * full for point in points]

    # Knob, dome, flared body, rim and clapper.
    draw.ellipse(at(0.468, 0.275, 0.532, 0.339), fill=_BELL)
    draw.pieslice(at(0.375, 0.31, 0.625, 0.56), 180, 360, fill=_BELL)
    draw.polygon(at(0.375, 0.433, 0.625, 0.433, 0.648, 0.56, 0.685, 0.615, 0.315, 0.615, 0.352, 0.56), fill=_BELL)
    draw.rounded_rectangle(at(0.3, 0.592, 0.7, 0.642), radius=0.025 * _BELL_SCALE * full, fill=_BELL)
    draw.pieslice(at(0.44, 0.61, 0.56, 0.73), 0, 180, fill=_BELL)
