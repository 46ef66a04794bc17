"""The risk-coverage curve and the reliability diagram of one or several sets as one picture, PNG or SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from xml.etree import ElementTree

from PIL import Image, ImageDraw, ImageFont

from reticle_grounding.errors import BadInput

from .results import Evaluation

ENDINGS = (".png", ".svg")
WIDTH, HEIGHT = 1120, 520
SMOOTH = 3
"""The PNG is drawn so many times larger and shrunk, as Pillow's lines have hard edges."""
INKS = ("#1f77b4", "#d95f02", "#2ca02c", "#9467bd", "#8c564b", "#e377c2")
GREY, PALE, BLACK = "#8a8a8a", "#e2e2e2", "#202020"
TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
Spot = tuple[float, float]


class _Pen(Protocol):
    """Draws in picture pixels, origin at the top left."""

    def line(self, spots: Sequence[Spot], ink: str, width: float) -> None: ...

    def dot(self, at: Spot, radius: float, ink: str) -> None: ...

    def text(self, at: Spot, words: str, ink: str, size: int, anchor: str = "start") -> None:
        """``at`` is the baseline; ``anchor`` is start, middle or end."""
        ...


@dataclass(frozen=True, slots=True)
class _Panel:
    """Axes from 0 to 1 across and from 0 to ``top`` upwards."""

    left: float
    upper: float
    right: float
    lower: float
    top: float

    def at(self, x: float, y: float) -> Spot:
        height = (self.lower - self.upper) * min(y, self.top) / self.top
        return self.left + x * (self.right - self.left), self.lower - height


def check_ending(out: Path) -> None:
    """Raises BadInput when a picture cannot be written there: unknown ending or no such folder."""
    if out.suffix.lower() not in ENDINGS:
        raise BadInput(f"{out}: the name of the picture must end in .png or .svg")
    if not out.absolute().parent.is_dir():
        raise BadInput(f"{out}: there is no folder {out.parent}")


def draw_curves(results: Mapping[str, Evaluation], out: Path) -> Path:
    """Writes the picture: risk over coverage at the left, reliability at the right, one colour per set.

    Raises BadInput when the file cannot be written.
    """
    check_ending(out)
    pen = _Svg() if out.suffix.lower() == ".svg" else _Pixels()
    _draw(pen, results)
    try:
        pen.save(out)
    except OSError as error:
        raise BadInput(f"cannot write {out}: {error.strerror or error}") from error
    return out


def _draw(pen: _Pen, results: Mapping[str, Evaluation]) -> None:
    below = HEIGHT - 62 - 18 * len(results)
    highest = max((p["risk"] for r in results.values() for p in r["risk"]["points"]), default=1.0)
    risk = _Panel(70, 50, 540, below, max(0.1, min(1.0, -(-highest * 10 // 1) / 10)))
    trust = _Panel(630, 50, WIDTH - 20, below, 1.0)
    _axes(pen, risk, "Risk: wrong among the answered", "answered, share of all targets")
    _axes(pen, trust, "Reliability: right among answers of similar p_true", "mean p_true of the bin")
    pen.line([trust.at(0, 0), trust.at(1, 1)], GREY, 1)
    for i, (name, result) in enumerate(results.items()):
        ink = INKS[i % len(INKS)]
        _risk(pen, risk, result, ink)
        _reliability(pen, trust, result, ink)
        line = HEIGHT - 14 - 18 * (len(results) - 1 - i)
        pen.line([(70, line - 4), (94, line - 4)], ink, 3)
        pen.text((102, line), f"{name}: {_legend(result)}", BLACK, 13)


def _axes(pen: _Pen, panel: _Panel, title: str, across: str) -> None:
    pen.text((panel.left, panel.upper - 22), title, BLACK, 16)
    for tick in TICKS:
        low, high = panel.at(tick, 0), panel.at(tick, panel.top)
        pen.line([low, high], PALE, 1)
        pen.text((low[0], low[1] + 17), f"{tick:.0%}", BLACK, 12, "middle")
        left, right = panel.at(0, tick * panel.top), panel.at(1, tick * panel.top)
        pen.line([left, right], PALE, 1)
        pen.text((left[0] - 8, left[1] + 4), f"{tick * panel.top:.0%}", BLACK, 12, "end")
    pen.line([panel.at(0, panel.top), panel.at(0, 0), panel.at(1, 0)], GREY, 1)
    pen.text((panel.right, panel.lower + 34), across, GREY, 12, "end")


def _risk(pen: _Pen, panel: _Panel, result: Evaluation, ink: str) -> None:
    points = [panel.at(p["coverage"], p["risk"]) for p in result["risk"]["points"]]
    if len(points) > 1:
        pen.line(points, ink, 2)
    for spot in points[-1:]:
        pen.dot(spot, 3, ink)
    for alone in result["risk"]["act_alone"]:
        if alone["sure"] is not None:
            pen.dot(panel.at(alone["sure"]["coverage"], 1 - alone["sure"]["right"]), 5, ink)


def _reliability(pen: _Pen, panel: _Panel, result: Evaluation, ink: str) -> None:
    points = [panel.at(b["mean_p"], b["right"]) for b in result["calibration"]["bins"]]
    if len(points) > 1:
        pen.line(points, ink, 2)
    for spot in points:
        pen.dot(spot, 4, ink)


def _legend(result: Evaluation) -> str:
    parts = [f"{result['n']} targets, {result['absent']} absent"]
    area, error = result["risk"]["aurc"], result["calibration"]["ece"]
    parts += [] if area is None else [f"area {area:.3f}"]
    parts += [] if error is None else [f"calibration error {error:.3f}"]
    for alone in result["risk"]["act_alone"]:
        sure = alone["sure"]
        done = f"from p_true {sure['p_true']:.2f} on, {sure['coverage']:.0%} of all" if sure else "never"
        parts.append(f"surely {alone['goal']:.0%} right: {done}")
    return "; ".join(parts)


class _Pixels:
    """Pillow as a pen."""

    def __init__(self) -> None:
        self._image = Image.new("RGB", (WIDTH * SMOOTH, HEIGHT * SMOOTH), "white")
        self._draw = ImageDraw.Draw(self._image)

    def line(self, spots: Sequence[Spot], ink: str, width: float) -> None:
        self._draw.line([(x * SMOOTH, y * SMOOTH) for x, y in spots], ink, round(width * SMOOTH), "curve")

    def dot(self, at: Spot, radius: float, ink: str) -> None:
        self._draw.circle((at[0] * SMOOTH, at[1] * SMOOTH), radius * SMOOTH, ink)

    def text(self, at: Spot, words: str, ink: str, size: int, anchor: str = "start") -> None:
        font = ImageFont.load_default(size * SMOOTH)
        side = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        self._draw.text((at[0] * SMOOTH, at[1] * SMOOTH), words, ink, font, side)

    def save(self, out: Path) -> None:
        self._image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).save(out, "PNG")


class _Svg:
    """An SVG document as a pen."""

    def __init__(self) -> None:
        size = {"width": str(WIDTH), "height": str(HEIGHT), "viewBox": f"0 0 {WIDTH} {HEIGHT}"}
        self._root = ElementTree.Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **size})
        ElementTree.SubElement(self._root, "rect", {"width": "100%", "height": "100%", "fill": "white"})

    def line(self, spots: Sequence[Spot], ink: str, width: float) -> None:
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        style = {"fill": "none", "stroke": ink, "stroke-width": str(width), "stroke-linejoin": "round"}
        ElementTree.SubElement(self._root, "polyline", {"points": points, **style})

    def dot(self, at: Spot, radius: float, ink: str) -> None:
        place = {"cx": f"{at[0]:.1f}", "cy": f"{at[1]:.1f}", "r": str(radius)}
        ElementTree.SubElement(self._root, "circle", {**place, "fill": ink})

    def text(self, at: Spot, words: str, ink: str, size: int, anchor: str = "start") -> None:
        style = {"fill": ink, "font-size": str(size), "font-family": "sans-serif", "text-anchor": anchor}
        ElementTree.SubElement(self._root, "text", {"x": f"{at[0]:.1f}", "y": f"{at[1]:.1f}", **style}).text = words

    def save(self, out: Path) -> None:
        ElementTree.ElementTree(self._root).write(out, "utf-8", xml_declaration=True)
