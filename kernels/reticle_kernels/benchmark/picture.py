"""The speed-up over length of every pattern as one picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

WIDTH, PLOT_HEIGHT, LEGEND = 1120, 420, 21
LEFT, TOP, RIGHT = 70, 84, 30
SMOOTH = 2
"""Drawn so many times larger and shrunk, as Pillow's lines have hard edges."""
INKS = ("#1f77b4", "#d95f02", "#2ca02c", "#9467bd", "#8c564b", "#e377c2", "#17becf", "#bcbd22", "#444444", "#b22222")
GREY, PALE, BLACK = "#707070", "#e2e2e2", "#202020"


def check_picture(out: Path) -> None:
    """Raises ValueError when no picture can be written there."""
    if out.suffix.lower() != ".png":
        raise ValueError(f"{out}: the name of the picture must end in .png")
    if not out.absolute().parent.is_dir():
        raise ValueError(f"{out}: there is no folder {out.parent}")


def draw_speedups(document: Mapping[str, Any], out: Path) -> Path:
    """Writes a PNG: lengths across and times faster than dense upwards, both logarithmic, one line per pattern.

    Args:
        document: what :func:`.measure.measure` returns, with at least one result.

    Raises ValueError when there is nothing to draw or no file can be written.
    """
    check_picture(out)
    lines: dict[str, list[tuple[float, float]]] = {}
    for result in document["results"]:
        lines.setdefault(result["pattern"], []).append((result["length"], result["speedup"]))
    if not lines:
        raise ValueError("there are no results to draw")
    canvas = _Canvas(TOP + PLOT_HEIGHT + 60 + LEGEND * ((len(lines) + 1) // 2))
    _title(canvas, document)
    place = _axes(canvas, [spot for spots in lines.values() for spot in spots])
    for number, (name, spots) in enumerate(lines.items()):
        ink = INKS[number % len(INKS)]
        at = [place(*spot) for spot in sorted(spots)]
        canvas.line(at, ink, 2)
        for x, y in at:
            canvas.dot(x, y, 4 if number < len(INKS) else 3, ink)
        x = LEFT + (number % 2) * (WIDTH - LEFT - RIGHT) / 2
        y = TOP + PLOT_HEIGHT + 52 + LEGEND * (number // 2)
        canvas.line([(x, y), (x + 24, y)], ink, 3)
        canvas.text(x + 32, y, name, BLACK, 13, "lm")
    canvas.save(out)
    return out


def _title(canvas: _Canvas, document: Mapping[str, Any]) -> None:
    canvas.text(LEFT, 24, "Sparse prefill: how many times faster than dense attention", BLACK, 18, "lm")
    parts = [f"{name} {version}" for name, version in document["versions"].items()]
    seeds = [f"seed of {name} {seed}" for name, seed in document["seeds"].items()]
    canvas.text(LEFT, 48, "; ".join([document["device"], ", ".join(parts), *seeds]), GREY, 12, "lm")


def _axes(canvas: _Canvas, spots: Sequence[tuple[float, float]]) -> Any:
    """Draws axes around all spots and returns ``place(length, speedup) -> x, y``."""
    lengths = sorted({x for x, _ in spots})
    low, high = math.log2(lengths[0]), math.log2(lengths[-1])
    if low == high:
        low, high = low - 1, high + 1
    bottom = min(-1, math.floor(math.log2(min(y for _, y in spots))))
    top = max(1, math.ceil(math.log2(max(y for _, y in spots))))

    def place(length: float, speedup: float) -> tuple[float, float]:
        across = (math.log2(length) - low) / (high - low)
        up = (math.log2(speedup) - bottom) / (top - bottom)
        return LEFT + across * (WIDTH - LEFT - RIGHT), TOP + PLOT_HEIGHT * (1 - up)

    for tick in range(bottom, top + 1):
        _, y = place(lengths[0], 2.0**tick)
        canvas.line([(LEFT, y), (WIDTH - RIGHT, y)], GREY if tick == 0 else PALE, 1.5 if tick == 0 else 1)
        canvas.text(LEFT - 8, y, f"{2.0**tick:g}", BLACK, 12, "rm")
    for length in lengths:
        x, y = place(length, 2.0**bottom)
        canvas.line([(x, TOP), (x, y)], PALE, 1)
        canvas.text(x, y + 14, f"{length / 1024:.3g}k", BLACK, 12, "mm")
    canvas.text(WIDTH - RIGHT, TOP + PLOT_HEIGHT + 32, "tokens", GREY, 12, "rm")
    return place


class _Canvas:
    """Pillow in picture pixels, origin at the top left."""

    def __init__(self, height: float) -> None:
        self._size = (WIDTH, round(height))
        self._image = Image.new("RGB", (WIDTH * SMOOTH, round(height) * SMOOTH), "white")
        self._draw = ImageDraw.Draw(self._image)

    def line(self, spots: Sequence[tuple[float, float]], ink: str, width: float) -> None:
        self._draw.line([(x * SMOOTH, y * SMOOTH) for x, y in spots], ink, round(width * SMOOTH), "curve")

    def dot(self, x: float, y: float, radius: float, ink: str) -> None:
        self._draw.circle((x * SMOOTH, y * SMOOTH), radius * SMOOTH, ink)

    def text(self, x: float, y: float, words: str, ink: str, size: int, anchor: str) -> None:
        font = ImageFont.load_default(size * SMOOTH)
        self._draw.text((x * SMOOTH, y * SMOOTH), words, ink, font, anchor)

    def save(self, out: Path) -> None:
        try:
            self._image.resize(self._size, Image.Resampling.LANCZOS).save(out, optimize=True)
        except OSError as error:
            raise ValueError(f"cannot write {out}: {error.strerror or error}") from error
