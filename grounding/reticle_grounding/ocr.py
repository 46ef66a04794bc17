"""Text on the screen: detections by rapidocr (onnxruntime, models inside its wheel, nothing is downloaded).

A menu bar is detected as one line ("File Edit View"), so lines are cut at wide gaps, and every piece keeps its words
with their own rectangles; first letters that a line under them disguised are read anew (:mod:`.underlined`).
Coordinates are pixels of the picture handed in (capture space), right and bottom exclusive.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Protocol, cast

import numpy as np
import numpy.typing as npt

from .errors import ReticleError
from .geometry import Point, Rect
from .underlined import reread

RgbArray = npt.NDArray[np.uint8]
"""[height, width, 3] pixels in RGB order."""

MAX_SIDE = 2560
"""Longer pictures are read scaled down to this many pixels on their longer side."""
LONGEST_ASPECT = 8
"""Longer strips are read in pieces."""
SMALL_PIXELS = 600 * 600
"""Crops below this area are enlarged twofold before reading; whole screens are read as they are."""
WIDE_GAP = 0.42
"""A gap between characters of this share of the line's height ends a piece of text."""
MIN_SCORE = 0.5
"""Detections that the recogniser itself believes in less than this are dropped."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a detection and where it is (capture pixels)."""

    text: str
    rect: Rect


@dataclass(frozen=True, slots=True)
class TextBox:
    """A piece of text without wide gaps."""

    text: str
    rect: Rect
    """Capture pixels."""
    score: float
    """The recogniser's confidence, 0..1."""
    words: tuple[Word, ...]
    """At least one; left to right."""

    def span(self, start: int, stop: int) -> tuple[str, Rect]:
        """Text and rectangle of the words ``start`` up to (not including) ``stop``."""
        words = self.words[start:stop]
        corners = [c for w in words for c in (Point(w.rect.left, w.rect.top), Point(w.rect.right, w.rect.bottom))]
        return " ".join(w.text for w in words), Rect.around(corners)


class Reader(Protocol):
    """Anything that reads text from a picture."""

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        """Detections in reading order; coordinates are those of the whole picture even when ``region`` is given."""
        ...


class _Output(Protocol):
    boxes: npt.NDArray[np.float32] | None
    txts: Sequence[str] | None
    scores: Sequence[float] | None
    word_results: Sequence[Sequence[tuple[str, float, Sequence[Sequence[float]]]]]


class _Engine(Protocol):
    def __call__(self, img_content: RgbArray, *, return_word_box: bool, return_single_char_box: bool) -> _Output: ...


class TextReader:
    """rapidocr behind the :class:`Reader` protocol; the engine is made at the first reading, a lock guards it."""

    def __init__(self, threads: int = 2) -> None:
        """``threads``: processor threads of the reading engine (1 or more)."""
        self._threads = max(1, threads)
        self._engine: _Engine | None = None
        self._lock = threading.Lock()

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        """Reads the picture, or only ``region`` of it. Raises ReticleError when the engine cannot start."""
        cut, left, top = crop(image, region)
        if cut.shape[0] < 4 or cut.shape[1] < 4:
            return []
        strips = strips_of(Rect(left, top, left + cut.shape[1], top + cut.shape[0]))
        if len(strips) > 1:
            return _reading_order([box for strip in strips for box in self.read(image, strip)])
        zoom = 2 if region is not None and cut.shape[0] * cut.shape[1] < SMALL_PIXELS else 1
        bgr = np.ascontiguousarray(np.repeat(np.repeat(cut[:, :, ::-1], zoom, axis=0), zoom, axis=1))
        with self._lock:
            output = self._open()(bgr, return_word_box=True, return_single_char_box=True)
        return _reading_order(reread(_boxes(output, 1 / zoom, left, top)))

    def _open(self) -> _Engine:
        if self._engine is None:
            self._engine = _make_engine(self._threads)
        return self._engine


def crop(image: RgbArray, region: Rect | None) -> tuple[RgbArray, int, int]:
    """The pixels of ``region`` (clipped to the picture) and the clipped region's left and top."""
    if region is None:
        return image, 0, 0
    height, width = image.shape[:2]
    left, top = max(0, int(region.left)), max(0, int(region.top))
    right, bottom = min(width, int(np.ceil(region.right))), min(height, int(np.ceil(region.bottom)))
    return image[top : max(top, bottom), left : max(left, right)], left, top


def strips_of(area: Rect) -> list[Rect]:
    """The area itself, or, where it is so long that the engine would shrink it beyond reading, pieces of its length.

    A word on a seam is read in two parts.
    """
    long, short = max(area.width, area.height), min(area.width, area.height)
    if long <= MAX_SIDE or long <= LONGEST_ASPECT * short:
        return [area]
    count = math.ceil(long / MAX_SIDE)
    cuts = [round(i * long / count) for i in range(count + 1)]
    if area.width >= area.height:
        return [Rect(area.left + a, area.top, area.left + b, area.bottom) for a, b in pairwise(cuts)]
    return [Rect(area.left, area.top + a, area.right, area.top + b) for a, b in pairwise(cuts)]


def _make_engine(threads: int) -> _Engine:
    import rapidocr

    models = Path(rapidocr.__file__).parent / "models"
    if len(list(models.glob("*.onnx"))) < 2:
        raise ReticleError(f"text recognition models are missing in {models}; reinstall the package rapidocr")
    engine = rapidocr.RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.text_score": MIN_SCORE,
            "Global.max_side_len": MAX_SIDE,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }
    )
    return cast(_Engine, engine)


def _boxes(output: _Output, scale: float, left: int, top: int) -> list[TextBox]:
    if output.boxes is None or output.txts is None or output.scores is None:
        return []
    found: list[TextBox] = []
    worded = output.word_results if len(output.word_results) == len(output.txts) else [()] * len(output.txts)
    for quad, text, score, pieces in zip(output.boxes, output.txts, output.scores, worded, strict=True):
        rect = _rect(quad, scale, left, top)
        letters = [(piece[0], _rect(piece[2], scale, left, top)) for piece in pieces]
        found += split_line(text, rect, float(score), letters)
    return found


def split_line(text: str, rect: Rect, score: float, letters: Sequence[tuple[str, Rect]]) -> list[TextBox]:
    """Cuts a line at wide gaps between its letters; the letters are those of ``text`` without blanks, left to right.

    Letters that do not fit the text are ignored: the line stays whole and its words share its width.
    """
    if "".join(letter for letter, _ in letters) != "".join(text.split()):
        words = proportional_words(text, rect)
        return [TextBox(text.strip(), rect, score, words)] if words else []
    groups: list[list[Word]] = []
    at, last = 0, -np.inf
    for word in text.split():
        for start, stop in _runs([r for _, r in letters[at : at + len(word)]], WIDE_GAP * rect.height):
            rects = [r for _, r in letters[at + start : at + stop]]
            box = Rect(rects[0].left, rect.top, max(rects[-1].right, rects[0].left + 1), rect.bottom)
            if not groups or box.left - last >= WIDE_GAP * rect.height:
                groups.append([])
            groups[-1].append(Word(word[start:stop], box))
            last = box.right
        at += len(word)
    return [_joined(words, score) for words in groups]


def _runs(rects: Sequence[Rect], gap: float) -> list[tuple[int, int]]:
    """Index ranges of letters without a wide gap between neighbours."""
    cuts = [i for i in range(1, len(rects)) if rects[i].left - rects[i - 1].right >= gap]
    return list(pairwise([0, *cuts, len(rects)]))


def _joined(words: Sequence[Word], score: float) -> TextBox:
    """The piece made of ``words``; a little wider than its letters, which are measured tightly."""
    first, last = words[0].rect, words[-1].rect
    rect = Rect(first.left - 2, first.top, last.right + 2, first.bottom)
    return TextBox(" ".join(w.text for w in words), rect, score, tuple(words))


def _rect(quad: Sequence[Sequence[float]] | npt.NDArray[np.float32], scale: float, left: int, top: int) -> Rect:
    rect = Rect.around([Point(float(x) * scale, float(y) * scale) for x, y in quad])
    return rect.shifted(left, top)


def proportional_words(text: str, rect: Rect) -> tuple[Word, ...]:
    """Splits a line at its spaces; each word gets the share of the width that its characters have of the line."""
    line = text.strip()
    words: list[Word] = []
    at = 0
    for piece in line.split():
        start = line.index(piece, at)
        at = start + len(piece)
        unit = rect.width / len(line)
        words.append(Word(piece, Rect(rect.left + start * unit, rect.top, rect.left + at * unit, rect.bottom)))
    return tuple(words)


def _reading_order(boxes: list[TextBox]) -> list[TextBox]:
    """Top to bottom in bands of half a line, then left to right."""
    return sorted(boxes, key=lambda b: (round(b.rect.center.y / 12), b.rect.left))
