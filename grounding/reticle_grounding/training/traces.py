"""Generated traces: screenshots of a run in which little changes from one step to the next, now and then everything.

Made of generated screens. Within an application a window, dialog or menu of another screen lies on it, moves on or goes
away; after some steps another application takes its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from PIL import Image

from reticle_grounding.looks import Looks
from reticle_grounding.matcher.matcher import Matcher
from reticle_grounding.proposals import find_elements
from reticle_grounding.reading import Reading, reading_of

from .canvas import Element
from .instructions import Target
from .prepared import ListedReader
from .screens import LabeledScreen, Size, generate_screen

STAYS = (4, 9)
"""Steps in one application, least and most."""
SEARCH_SEED, MEASURED_SEED = 7_500_000, 9_500_000
"""First seeds of the traces that patterns are searched on, and of those that are only measured on."""
APART = 1000
"""Seeds between two traces."""


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One screenshot of a generated trace."""

    image: Image.Image
    elements: list[Element]
    """What can be seen on it."""
    target: Target | None
    """What might be asked next; None where nothing on it has an instruction."""


def generate_trace(seed: int, steps: int, *, size: Size = (1280, 800)) -> Iterator[TraceStep]:
    """The screenshots of a seed, one after the other; same seed, same trace.

    Args:
        steps: how many.
        size: of every screenshot, in pixels.
    """
    rng = Random(seed)
    base: LabeledScreen | None = None
    other: LabeledScreen | None = None
    left, number = 0, 0
    for _ in range(steps):
        if base is None or left == 0:
            base, other = generate_screen(seed + number, size=size), None
            left, number = rng.randint(*STAYS), number + 1
            image, elements = base.image, list(base.elements)
        else:
            if other is None or rng.random() < 0.3:
                other, number = generate_screen(seed + number, size=size), number + 1
            image, elements = _with_window(base, other, rng)
        left -= 1
        seen = {e.box for e in elements}
        asked = [t for t in base.targets if t.bbox in seen]
        yield TraceStep(image, elements, rng.choice(asked) if asked else None)


def reading_on(step: TraceStep, matcher: Matcher) -> Reading:
    """What a flawless reader would read on a screenshot, for models with a reading channel."""
    pixels = np.asarray(step.image)
    texts = ListedReader(step.elements).read(pixels)
    elements = find_elements(pixels, texts)
    looks = Looks(matcher, pixels, elements, texts)
    return reading_of(elements, texts, looks.read, looks.rects, looks.seen)


def _with_window(base: LabeledScreen, other: LabeledScreen, rng: Random) -> tuple[Image.Image, list[Element]]:
    """The first screen with a part of the other lying on it, and what is still seen of both."""
    width, height = base.image.size
    wide, high = (int(side * rng.uniform(0.15, 0.45)) for side in (width, height))
    x, y = rng.randint(0, width - wide), rng.randint(0, height - high)
    left, top = rng.randint(0, width - wide), rng.randint(0, height - high)
    image = base.image.copy()
    image.paste(other.image.crop((left, top, left + wide, top + high)), (x, y))
    elements = [e for e in base.elements if not _meet(e.box, (x, y, x + wide, y + high))]
    for element in other.elements:
        a, b, c, d = element.box
        if a >= left and b >= top and c <= left + wide and d <= top + high:
            elements.append(replace(element, box=(a - left + x, b - top + y, c - left + x, d - top + y)))
    return image, elements


def _meet(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
