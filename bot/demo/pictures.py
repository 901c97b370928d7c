"""The demo's avatars, drawn when it starts so that no picture has to be shipped."""

from io import BytesIO

from PIL import Image, ImageDraw

SIDE = 128
"""Pixels of an avatar's side; Discord shows them at 40."""
_FINE = 4
"""Drawn this much larger, so that the edges come out smooth."""

_CREAM = "#f6efe2"
_TEAL = "#2f6f6b"
_DARK = "#2b2420"


class _Canvas:
    """A square of 128 units to draw on."""

    def __init__(self, background: str) -> None:
        self._image = Image.new("RGB", (SIDE * _FINE, SIDE * _FINE), background)
        self._draw = ImageDraw.Draw(self._image)

    def oval(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        self._draw.ellipse([left * _FINE, top * _FINE, right * _FINE, bottom * _FINE], colour)

    def shape(self, points: list[tuple[float, float]], colour: str) -> None:
        self._draw.polygon([(x * _FINE, y * _FINE) for x, y in points], colour)

    def block(self, left: float, top: float, right: float, bottom: float, corner: float, colour: str) -> None:
        corners = (left * _FINE, top * _FINE, right * _FINE, bottom * _FINE)
        self._draw.rounded_rectangle(corners, corner * _FINE, colour)

    def line(self, points: list[tuple[float, float]], width: float, colour: str) -> None:
        fine = [(x * _FINE, y * _FINE) for x, y in points]
        self._draw.line(fine, colour, round(width * _FINE), joint="curve")
        for x, y in points:
            self.oval(x - width / 2, y - width / 2, x + width / 2, y + width / 2, colour)

    def png(self) -> bytes:
        file = BytesIO()
        self._image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(file, "PNG", optimize=True)
        return file.getvalue()


def bot_png() -> bytes:
    """A speech bubble with three lines of text."""
    canvas = _Canvas(_TEAL)
    canvas.block(28, 30, 100, 84, 14, _CREAM)
    canvas.shape([(42, 80), (42, 104), (66, 80)], _CREAM)
    for y, end in ((46, 85), (58, 85), (70, 66)):
        canvas.line([(44, y), (end, y)], 5, _TEAL)
    return canvas.png()


def heron_png() -> bytes:
    """A heron looking to the right."""
    canvas = _Canvas("#a9c6d8")
    canvas.line([(44, 140), (40, 112), (60, 88), (64, 66), (58, 50)], 19, "#5f7688")
    canvas.shape([(66, 36), (120, 54), (66, 58)], "#e2973a")
    canvas.oval(38, 28, 82, 64, "#eef2f4")
    canvas.shape([(26, 58), (48, 30), (70, 30), (56, 44)], "#33424f")
    canvas.oval(63, 40, 71, 48, _DARK)
    return canvas.png()


def otter_png() -> bytes:
    """An otter's face."""
    canvas = _Canvas("#e7c48f")
    for left in (20, 86):
        canvas.oval(left, 32, left + 24, 56, "#6b4a34")
    canvas.oval(20, 28, 108, 120, "#7d583f")
    canvas.oval(32, 66, 96, 116, "#ead2b4")
    for left in (42, 76):
        canvas.oval(left, 52, left + 11, 63, _DARK)
    canvas.oval(52, 70, 76, 86, _DARK)
    canvas.line([(64, 84), (64, 94)], 3, _DARK)
    canvas.line([(52, 97), (58, 99), (64, 94), (70, 99), (76, 97)], 3, _DARK)
    return canvas.png()
