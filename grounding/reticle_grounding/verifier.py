"""Second opinions on candidates: a True/False judgement by a vision-language model, or the text that was read there.

Marker, crop, candidate list and early stop follow the published verifier (GUI-Actor, appendix; its public code draws a
7-pixel circle and cuts 500 pixels to each side, losing the last column and row). What is ours: a budget of regions,
and a marker that grows with the screen on request.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw

from .geometry import Point, Rect, Size
from .ocr import TextBox
from .regions import find_regions
from .types import FloatMap
from .words import match, parse

HALF_CROP = 500
"""Pixels of the capture to each side of the point."""
RADIUS, STROKE = 7, 3
"""The marker's circle in pixels, whatever the screen's size."""
TRAINING_RADIUS, TRAINING_STROKE, TRAINING_SCALE = 8, 4, 1.2
"""The circle in training pictures, in pixels of a screen 833 lines high."""
ACCEPT = 0.8
"""Score at which the published search stops; 0.95 for high-resolution professional screens."""
PATCH_SHARE, MOST_PATCHES = 0.2, 20
"""The published search keeps patches above this share of the maximum, at most so many."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a verifier is asked about (capture pixels)."""

    point: Point
    region: Rect


class Verifier(Protocol):
    """Judges places for an instruction."""

    def judge(self, instruction: str, places: Sequence[Place]) -> list[float]:
        """One score in 0..1 per place: how likely it is what the instruction means."""
        ...


class VlmVerifier:
    """Asks a vision-language model about each place, marked with a red circle on a crop of the screenshot."""

    def __init__(
        self, image: Image.Image, ask: Callable[[Image.Image, str], float], budget: int = 5, scaled_marker: bool = False
    ) -> None:
        """``ask``: crop and instruction to P(True) / (P(True) + P(False)); places beyond ``budget`` get 0.5 unasked."""
        self._image = image
        self._ask = ask
        self._budget = budget
        self._scale = marker_scale(Size(*image.size)) if scaled_marker else 1.0

    def judge(self, instruction: str, places: Sequence[Place]) -> list[float]:
        crops = (marked_crop(self._image, p.point, scale=self._scale) for p in places[: self._budget])
        asked = [self._ask(crop, instruction) for crop in crops]
        return asked + [0.5] * (len(places) - len(asked))


class TextVerifier:
    """Scores a place by the best match among the texts whose centre lies in its region; 0 where nothing was read."""

    def __init__(self, texts: Sequence[TextBox]) -> None:
        self._texts = texts

    def judge(self, instruction: str, places: Sequence[Place]) -> list[float]:
        wanted = parse(instruction)
        return [
            max((match(wanted, t.text).score for t in self._texts if p.region.contains(t.rect.center)), default=0.0)
            for p in places
        ]


def marker_scale(size: Size) -> float:
    """1 for screens up to 1080 lines, growing in proportion to the height above."""
    return max(1.0, size.height / 1080)


def marker_box(point: Point, scale: float = 1.0) -> tuple[Rect, int]:
    """The circle's box (radius rounded up) and its stroke in pixels."""
    radius = math.ceil(RADIUS * scale)
    return Rect(point.x, point.y, point.x, point.y).grown(radius), math.ceil(STROKE * scale)


def training_marker(point: Point, size: Size) -> tuple[Rect, int]:
    """The larger circle that the published verifier's training pictures show, growing with their height."""
    scale = TRAINING_SCALE * size.height / 1000
    box = Rect(point.x, point.y, point.x, point.y).grown(math.ceil(TRAINING_RADIUS * scale))
    return box, math.ceil(TRAINING_STROKE * scale)


def crop_box(point: Point, size: Size, half: int = HALF_CROP) -> Rect:
    """The part of the capture that is shown; limits are width - 1 and height - 1 as in the published code."""
    return Rect(
        max(0.0, point.x - half),
        max(0.0, point.y - half),
        min(size.width - 1.0, point.x + half),
        min(size.height - 1.0, point.y + half),
    )


def marked_crop(image: Image.Image, point: Point, half: int = HALF_CROP, scale: float = 1.0) -> Image.Image:
    """A copy of the surroundings of ``point`` with a hollow red circle on it."""
    box, stroke = marker_box(point, scale)
    marked = image.copy()
    ImageDraw.Draw(marked).ellipse(box.as_tuple(), outline="red", width=stroke)
    cut = crop_box(point, Size(*image.size), half)
    return marked.crop((round(cut.left), round(cut.top), round(cut.right), round(cut.bottom)))


def judgement(true_logit: float, false_logit: float) -> float:
    """P(True) / (P(True) + P(False)) from the two tokens' logits."""
    return 1.0 / (1.0 + math.exp(min(700.0, false_logit - true_logit)))


def published_candidates(attention: FloatMap) -> list[Point]:
    """The published search order: region centres by mean, then every kept patch; unit square coordinates.

    The map is [n_h, n_w]. Patches come in reading order, or by value where more than twenty passed.
    """
    rows, columns = attention.shape
    flat = attention.ravel()
    passed = np.flatnonzero(flat > flat.max() * np.asarray(PATCH_SHARE, flat.dtype))
    if passed.size > MOST_PATCHES:
        passed = passed[np.argsort(-flat[passed], kind="stable")[:MOST_PATCHES]]
    kept = np.zeros_like(flat)
    kept[passed] = flat[passed]
    centres = [Point(r.point.x / columns, r.point.y / rows) for r in find_regions(kept.reshape(rows, columns), 0.0)]
    return centres + [Point((i % columns + 0.5) / columns, (i // columns + 0.5) / rows) for i in passed.tolist()]


def published_choice(candidates: Sequence[Point], score: Callable[[Point], float], accept: float = ACCEPT) -> Point:
    """The first candidate that scores at least ``accept``, else the first with the largest score."""
    best, best_score = candidates[0], -math.inf
    for candidate in candidates:
        value = score(candidate)
        if value >= accept:
            return candidate
        if value > best_score:
            best, best_score = candidate, value
    return best
