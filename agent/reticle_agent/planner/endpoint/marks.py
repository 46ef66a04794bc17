"""Set-of-Mark (arXiv 2310.11441): numbers beside the texts of the picture, which a model may use instead of words.

A number stands for the words read there and nothing else: the step is then looked for, approved and checked by these
words, so a mark is never a place that is clicked unseen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from PIL import Image, ImageDraw, ImageFont

from reticle_agent.actions import Click, Drag, Scroll, Step, TypeText
from reticle_agent.planner.phrase import MAX_TARGET
from reticle_grounding.geometry import Rect

from .tools import RefusedCallError

MAX_MARKS = 200
INK = (214, 28, 78)
PAPER = (255, 255, 255)
_MARK = re.compile(r"\s*\[(\d{1,4})\]")
_PLACES: tuple[tuple[type[Step], tuple[str, ...]], ...] = (
    (Click, ("target",)),
    (Drag, ("source", "destination")),
    (Scroll, ("target",)),
    (TypeText, ("target",)),
)


class ScreenText(Protocol):
    """A piece of text and where it stands (pixels of the picture)."""

    @property
    def text(self) -> str: ...

    @property
    def rect(self) -> Rect: ...


@dataclass(frozen=True, slots=True)
class Mark:
    """A text with its number."""

    number: int
    text: str
    rect: Rect

    @property
    def line(self) -> str:
        """As it stands in the prompt."""
        return f"[{self.number}] {self.text}"


def draw_marks(image: Image.Image, marks: Sequence[Mark]) -> Image.Image:
    """A copy with a thin frame around each text and its number at the upper left, outside of it where possible."""
    drawn = image.convert("RGB")
    draw = ImageDraw.Draw(drawn)
    font = ImageFont.load_default(max(10, max(image.size) // 110))
    for mark in marks:
        box = mark.rect.intersection(Rect(0, 0, *image.size))
        if box is None:
            continue
        draw.rectangle((box.left, box.top, max(box.left, box.right - 1), max(box.top, box.bottom - 1)), outline=INK)
        label = str(mark.number)
        left, top, right, bottom = draw.textbbox((0, 0), label, font=font)
        width, height = right - left + 4, bottom - top + 4
        x, y = max(0, box.left - width), max(0, box.top - height // 2)
        draw.rectangle((x, y, x + width, y + height), fill=INK)
        draw.text((x + 2 - left, y + 2 - top), label, fill=PAPER, font=font)
    return drawn


def with_words(step: Step, marks: Sequence[Mark]) -> Step:
    """The step with every ``[number]`` target replaced by the words of that mark.

    Raises RefusedCallError for a number that is on no mark. Without marks such a target is words like any other.
    """
    if not marks:
        return step
    names = next((names for kind, names in _PLACES if isinstance(step, kind)), ())
    words: dict[str, Any] = {}
    for name in names:
        target = getattr(step, name)
        found = _MARK.match(target) if target is not None else None
        if found is None:
            continue
        mark = next((mark for mark in marks if mark.number == int(found[1])), None)
        if mark is None:
            raise RefusedCallError(f"{name}: there is no mark [{found[1]}]")
        words[name] = mark.text[:MAX_TARGET]
    return replace(step, **words) if words else step
