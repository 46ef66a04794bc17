"""The places of a screen as the network takes them, the same way in training and at work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_grounding.geometry import Rect, Size
from reticle_grounding.matcher.matcher import Vectors
from reticle_grounding.ocr import RgbArray, TextBox
from reticle_grounding.proposals import Elements

from .kinds import BOX, DRAWING, TEXT, Sorts, Table

CROP = (24, 72)
"""Height and width of each of a place's two small pictures."""
CLOSE = 0.5
"""What the first shows around the place, in heights of a line of text."""
AROUND = (5.0, 15.0)
"""What the second shows above and below, left and right of the place's middle, in heights of a line."""
MAX_BOXES = 150
LARGEST = 0.15
"""Frames that cover more of the screen are no controls."""
LINE = 18.0
"""Height of a line (capture pixels) on screens without text."""
SAID, PLACED = 8, 10
"""Numbers about a place's words, and about its size and place."""
PAIRED = 15
"""Numbers about how two places stand to each other."""

Crops = npt.NDArray[np.uint8]
"""[places, 2, height, width, 3] RGB."""


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """What the network sees of one screen."""

    rects: Table
    """[places, 4] capture pixels: texts, drawings, other frames."""
    sorts: Sorts
    vectors: Table
    """[places, DIM]: the matcher's for words and for looks, 0 for frames."""
    crops: Crops
    about: Table
    """[places, PLACED + SAID]."""
    line: float
    """Median height of a line of text, capture pixels."""


def places_of(
    image: RgbArray,
    texts: Sequence[TextBox],
    elements: Elements,
    drawings: Sequence[Rect],
    read: Vectors,
    seen: Vectors,
) -> Places:
    """The places of a [height, width, 3] picture.

    Args:
        drawings: the proposals that the matcher looked at; ``seen`` are their vectors [drawings, DIM].
        read: vectors of the texts [texts, DIM].
    """
    size = Size(image.shape[1], image.shape[0])
    frames = _frames(elements, drawings, size)
    rects = [t.rect for t in texts] + [*drawings, *frames]
    table = np.array([r.as_tuple() for r in rects], np.float32).reshape(-1, 4)
    sorts = np.repeat(np.array([TEXT, DRAWING, BOX]), (len(texts), len(drawings), len(frames)))
    line = float(np.median([t.rect.height for t in texts])) if texts else LINE
    vectors = np.zeros((len(rects), max(read.shape[1], seen.shape[1])), np.float32)
    if len(texts):
        vectors[: len(texts)] = read
    if len(drawings):
        vectors[len(texts) : len(texts) + len(drawings)] = seen
    said = np.zeros((len(rects), SAID), np.float32)
    if len(texts):
        said[: len(texts)] = [_about_words(t.text) for t in texts]
    about = np.concatenate([_about_place(table, line, size), said], axis=1)
    return Places(table, sorts, vectors, crops_of(image, table, line), about, line)


def _frames(elements: Elements, drawings: Sequence[Rect], size: Size) -> list[Rect]:
    """Frames that are no drawings already, at most :data:`MAX_BOXES`."""
    seen = {r.as_tuple() for r in drawings}
    most = LARGEST * size.width * size.height
    found = (r for r in (*elements.boxes, *elements.controls, *elements.tracks) if r.width * r.height < most)
    return [r for r in dict.fromkeys(found) if r.as_tuple() not in seen][:MAX_BOXES]


def _about_words(text: str) -> tuple[float, ...]:
    bare = text.rstrip()
    digits = sum(c.isdigit() for c in text)
    return (
        min(len(text) / 40, 1.5),
        float(bare.endswith(":")),
        float(bare.endswith(("...", "…"))),
        float(len(text.split()) > 5),
        float(text[:1].isupper()),
        float(bool(text) and digits > len(text) / 3),
        float(bare.endswith(".")),
        float("+" in text),
    )


def _about_place(rects: Table, line: float, size: Size) -> Table:
    """Sizes in lines and places on the screen, each about -1..1."""
    width, height = size.width, size.height
    left, top, right, bottom = rects.T
    columns = (
        np.log(np.maximum(right - left, 1) / line) / 2,
        np.log(np.maximum(bottom - top, 1) / line),
        (left + right) / width - 1,
        (top + bottom) / height - 1,
        left / width,
        1 - right / width,
        np.tanh(top / line / 6),
        np.tanh((height - bottom) / line / 6),
        np.tanh(left / line / 6),
        np.tanh((width - right) / line / 6),
    )
    return np.stack(columns, axis=1).astype(np.float32)


def crops_of(image: RgbArray, rects: Table, line: float) -> Crops:
    """Two small pictures of each place: itself, stretched, and what stands around it; edges of the screen are
    repeated."""
    high, wide = CROP
    margin = int(20 * line) + 40
    padded = np.pad(image, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    whole = Image.fromarray(padded)
    limit = (padded.shape[1], padded.shape[0])
    crops = np.zeros((len(rects), 2, high, wide, 3), np.uint8)
    for crop, rect in zip(crops, rects + margin, strict=True):
        left, top, right, bottom = (float(v) for v in rect)
        middle = ((left + right) / 2, (top + bottom) / 2)
        near = (left - CLOSE * line, top - CLOSE * line, right + CLOSE * line, bottom + CLOSE * line)
        down, across = AROUND[0] * line, AROUND[1] * line
        far = (middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down)
        for part, box in zip(crop, (near, far), strict=True):
            part[:] = np.asarray(
                whole.resize((wide, high), Image.Resampling.BILINEAR, box=_within(box, limit), reducing_gap=1.5)
            )
    return crops


def _within(box: tuple[float, float, float, float], limit: tuple[int, int]) -> tuple[float, float, float, float]:
    left, top = max(0.0, min(box[0], limit[0] - 2.0)), max(0.0, min(box[1], limit[1] - 2.0))
    return left, top, max(left + 1, min(box[2], limit[0])), max(top + 1, min(box[3], limit[1]))
