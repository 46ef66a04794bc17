"""Draws a grounding over its screenshot: numbered candidates with p_true, the click point, and where attention went.

Every line has a light and a dark side so that it shows on any screen; sizes grow with the picture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from .geometry import Rect, Size, Space
from .placing import Ink, leader, place_labels, ticks, worth_drawing
from .types import Candidate, FloatMap, Grounding

Colour = tuple[int, int, int]

BEST: Colour = (214, 28, 78)
OTHER: Colour = (29, 98, 214)
UNSURE: Colour = (96, 100, 112)
"""For all candidates when the target was not found."""
LIGHT: Colour = (255, 255, 255)
_HEAT = np.array([[0, 0, 0, 0], [60, 80, 255, 90], [255, 190, 0, 130], [255, 40, 0, 165]], dtype=np.float64)
"""Red, green, blue, alpha for attention of 0, 1/3, 2/3 and 1 times the maximum."""
_SMALL = 24.0
"""Regions with a side below so many thin lines get their point told from outside."""
_FAINT = 0.12
"""Share of the maximum below which no heat is drawn."""


def annotate(
    picture: Image.Image,
    grounding: Grounding,
    heat: bool = True,
    chosen: int | None = None,
    everything: bool = False,
) -> Image.Image:
    """A copy of the screenshot (RGB) with the candidates drawn, the chosen one last and strongest.

    Labels cover neither a candidate nor each other; candidates of a few percent far behind the first are left out.

    Args:
        picture: the capture that was grounded; coordinates of ``grounding`` are its pixels.
        heat: also lay the attention map over it, unless it is flat.
        chosen: index of the candidate that is drawn as the chosen one; None is the first of a target that was found.
        everything: draw every candidate, however faint.
    """
    base = picture.convert("RGB")
    ink = _ink(base)
    if heat and float(grounding.attention.max()) > 2 * float(grounding.attention.mean()):
        base = _with_heat(base, grounding)
    unit = stroke_unit(Size(*base.size))
    draw = ImageDraw.Draw(base)
    strong = 0 if chosen is None and grounding.found else chosen
    order = worth_drawing(grounding.candidates, chosen, everything)
    shown = [(grounding.candidates[i], _colour(i, strong)) for i in order]
    for index, (candidate, colour) in zip(order, shown, strict=True):
        _outline(draw, candidate.region, colour, unit * (1.5 if index == strong else 1.0), base.size)
    banner = [] if grounding.found else [_banner(draw, base.size, unit)]
    _chips(draw, shown[::-1], base.size, unit, banner, ink)
    if strong is not None and strong < len(grounding.candidates):
        _sight(draw, grounding.candidates[strong], unit)
    return base


def stroke_unit(size: Size) -> float:
    """Width of a thin line: 2 pixels up to 1080 lines, 4 at 4K."""
    return max(1.0, 2.0 * min(size.width / 1920, size.height / 1080)) if min(size.width, size.height) > 1080 else 2.0


def _colour(index: int, strong: int | None) -> Colour:
    if strong is None:
        return UNSURE
    return BEST if index == strong else OTHER


def _outline(draw: ImageDraw.ImageDraw, region: Rect, colour: Colour, width: float, size: tuple[int, int]) -> None:
    """A coloured frame just around the region, inside the picture, with a light hair line on either side."""
    thick = round(width)
    outer = region.grown(thick + 2).intersection(Rect(0, 0, *size))
    if outer is None or min(outer.width, outer.height) < 4 * thick:
        return
    draw.rounded_rectangle(_box(outer), 2 * thick, outline=LIGHT, width=thick + 2)
    draw.rounded_rectangle(_box(outer.grown(-1)), 2 * thick, outline=colour, width=thick)


def _box(rect: Rect) -> tuple[float, float, float, float]:
    """Pillow's box: right and bottom are inclusive there."""
    return rect.left, rect.top, max(rect.left, rect.right - 1), max(rect.top, rect.bottom - 1)


def _sight(draw: ImageDraw.ImageDraw, candidate: Candidate, unit: float) -> None:
    """Where the click would go: a ring with a dot, or ticks outside of a region that the ring would hide."""
    box, at = candidate.region, candidate.point
    if min(box.width, box.height) < _SMALL * unit and box.contains(at):
        frame, arm = box.grown(round(1.5 * unit) + 2), 3 * unit
        for width, colour in ((round(unit) + 2, LIGHT), (round(unit), BEST)):
            for a, b in ticks(frame, at, arm):
                draw.line((a.x, a.y, b.x, b.y), fill=colour, width=width)
        return
    for radius, colour in ((4.0, LIGHT), (3.0, BEST), (1.4, LIGHT)):
        reach = radius * unit
        draw.ellipse((at.x - reach, at.y - reach, at.x + reach, at.y + reach), fill=colour)


def _ink(picture: Image.Image) -> Ink:
    """Tells of places (pixels of the picture) how much of each is edges, that is text and drawings; asks one summed
    table, so that many places are cheap."""
    from .drawings import edges_of

    summed = np.pad(
        np.cumsum(np.cumsum(edges_of(np.asarray(picture)), axis=0, dtype=np.int64), axis=1), ((1, 0), (1, 0))
    )
    high, wide = summed.shape

    def share(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        left, right = (np.clip(places[:, i].astype(int), 0, wide - 1) for i in (0, 2))
        top, bottom = (np.clip(places[:, i].astype(int), 0, high - 1) for i in (1, 3))
        inside = summed[bottom, right] - summed[top, right] - summed[bottom, left] + summed[top, left]
        shares: npt.NDArray[np.float64] = inside / np.maximum((right - left) * (bottom - top), 1)
        return shares

    return share


def _chips(
    draw: ImageDraw.ImageDraw,
    shown: list[tuple[Candidate, Colour]],
    size: tuple[int, int],
    unit: float,
    taken: list[Rect],
    ink: Ink,
) -> None:
    """Rank and probability on a filled pill beside each region; the first of ``shown`` is served first, drawn last."""
    font, gap = _font(unit), 3 * unit
    texts = [f"{candidate.rank}  {candidate.p_true:.0%}" for candidate, _ in shown]
    boxes = [candidate.region.grown(4 * unit if colour == BEST else 0) for candidate, colour in shown]
    sizes = [_extent(draw, text, font, unit) for text in texts]
    places = place_labels(boxes, sizes, Rect(0, 0, *size), gap, taken, ink=ink)
    for box, place, (_, colour) in zip(boxes, places, shown, strict=True):
        line = leader(box, place, 2 * gap)
        if line is not None:
            ends = [(end.x, end.y) for end in line]
            draw.line(ends, fill=LIGHT, width=round(unit) + 2)
            draw.line(ends, fill=colour, width=max(1, round(unit / 2)))
    for text, place, (_, colour) in reversed(list(zip(texts, places, shown, strict=True))):
        _pill(draw, place, text, colour, font, unit)


def _banner(draw: ImageDraw.ImageDraw, size: tuple[int, int], unit: float) -> Rect:
    text = "not found on this screen"
    font = _font(unit * 1.3)
    width, height = _extent(draw, text, font, unit * 1.3)
    left = (size[0] - width) / 2
    place = Rect(left, 6 * unit, left + width, 6 * unit + height)
    _pill(draw, place, text, UNSURE, font, unit)
    return place


def _pill(
    draw: ImageDraw.ImageDraw,
    place: Rect,
    text: str,
    colour: Colour,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    unit: float,
) -> None:
    draw.rounded_rectangle(_box(place), place.height / 3, fill=colour, outline=LIGHT, width=max(1, round(unit / 2)))
    draw.text((place.center.x, place.center.y), text, fill=LIGHT, font=font, anchor="mm")


def _font(unit: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(7.5 * unit)


def _extent(
    draw: ImageDraw.ImageDraw, text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, unit: float
) -> tuple[float, float]:
    return draw.textlength(text, font=font) + 7 * unit, 10.5 * unit


def _with_heat(picture: Image.Image, grounding: Grounding) -> Image.Image:
    """The map, smoothed, over the part of the capture that its patches cover."""
    rows, columns = grounding.attention.shape
    covered = grounding.transform.rect(Rect(0, 0, columns, rows), Space.PATCH, Space.CAPTURE)
    width, height = max(1, round(covered.width)), max(1, round(covered.height))
    layer = Image.fromarray(heat_colours(grounding.attention, (width, height)), "RGBA")
    whole = Image.new("RGBA", picture.size, (0, 0, 0, 0))
    whole.paste(layer, (round(covered.left), round(covered.top)))
    return Image.alpha_composite(picture.convert("RGBA"), whole).convert("RGB")


def heat_colours(attention: FloatMap, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """[height, width, 4] RGBA for a map scaled to its maximum and resized smoothly to ``size`` (width, height)."""
    relative = (attention / max(float(attention.max()), 1e-12)).astype(np.float32)
    smooth = np.asarray(Image.fromarray(relative).resize(size, Image.Resampling.BICUBIC), dtype=np.float64)
    level = np.clip((smooth - _FAINT) / (1 - _FAINT), 0.0, 1.0)
    stops = np.linspace(0.0, 1.0, len(_HEAT))
    channels = [np.interp(level, stops, _HEAT[:, c]) for c in range(4)]
    colours: npt.NDArray[np.uint8] = np.stack(channels, axis=-1).astype(np.uint8)
    return colours
