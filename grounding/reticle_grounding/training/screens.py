"""Generated screens: one seed, one picture with true boxes and instructions."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PIL import Image

from . import layouts
from .canvas import Canvas, Element, LabelMap
from .icons import icon_set
from .instructions import Target, targets_of
from .palette import random_theme, tinted
from .panels import open_menu
from .words import compound, vocabulary

Size = tuple[int, int]
SIZES: tuple[Size, ...] = ((1280, 800), (1366, 768), (1600, 900), (1024, 768), (1920, 1080))
ABSENT_SHARE = 0.12
HELD_OUT_SEEDS = range(8_000_000, 10_000_000)
"""Seeds to measure with. Their screens, and no others, show the held-out fonts, icon themes, hues and corners.

Words and the ways to lay out a screen are those of all seeds. `reticle train` draws from 10,000,000 on.
"""


@dataclass(frozen=True, slots=True)
class LabeledScreen:
    """A picture and everything known about it."""

    image: Image.Image
    elements: list[Element]
    targets: list[Target]
    labels: LabelMap
    """[H, W, 3] per pixel: character, icon and role class."""


def generate_screen(seed: int, *, size: Size | None = None) -> LabeledScreen:
    """The screen of a seed (same seed, size and installed fonts and icons: same screen).

    Args:
        seed: those in ``HELD_OUT_SEEDS`` are drawn with what is never trained on.
        size: width and height in pixels; drawn from common sizes when None.

    Raises BadInput when none of the fonts is installed.
    """
    canvas = painted(seed, size=size)
    count = max(1, round(len(canvas.elements) * ABSENT_SHARE))
    targets = targets_of(canvas.rng, canvas.elements, count)
    return LabeledScreen(canvas.image, canvas.elements, targets, canvas.label_map())


def painted(seed: int, *, size: Size | None = None) -> Canvas:
    """The same with all that was drawn, before anything is asked about it. Arguments and errors as above."""
    rng, held_out = Random(seed), seed in HELD_OUT_SEEDS
    icons = icon_set(held_out=held_out)
    size = size or rng.choice(SIZES)
    canvas = Canvas(size, random_theme(rng, icons.families(), held_out=held_out), icons, rng)
    _compose(canvas)
    return canvas


def generate_collage(seed: int, *, size: Size = (1280, 800)) -> LabeledScreen:
    """Tiles of different themes full of labels, values and icons: much to read and little else."""
    rng, held_out = Random(seed), seed in HELD_OUT_SEEDS
    icons = icon_set(held_out=held_out)
    canvas = Canvas(size, random_theme(rng, icons.families(), held_out=held_out), icons, rng)
    for y in range(0, size[1], 200):
        for x in range(0, size[0], 320):
            canvas.theme = random_theme(rng, icons.families(), held_out=held_out)
            canvas.area += 1
            layouts.tile(canvas, (x, y, min(x + 320, size[0]), min(y + 200, size[1])))
    return LabeledScreen(canvas.image, canvas.elements, targets_of(rng, canvas.elements, 0), canvas.label_map())


def _compose(c: Canvas) -> None:
    width, height = c.image.size
    rng, draw = c.rng, c.rng.random()
    if draw < 0.3:
        layouts.page(c, c.bounds)
    elif draw < 0.5:
        layouts.window(c, c.bounds)
    else:
        _desktop(c)
    if rng.random() < 0.3:
        w, h = rng.randint(width // 4, width // 2), rng.randint(height // 4, height // 2)
        x, y = rng.randint(0, width - w), rng.randint(0, height - h)
        layouts.dialog(c, (x, y, x + w, y + h))
    if rng.random() < 0.15:
        items = [*rng.sample([i for m in vocabulary().menus.values() for i in m], rng.randint(4, 12)), compound(rng)]
        open_menu(c, rng.randrange(width), rng.randrange(height), list(dict.fromkeys(items)))


def _desktop(c: Canvas) -> None:
    """Overlapping windows on a background."""
    rng, (width, height) = c.rng, c.image.size
    held_out = c.theme.held_out
    c.rect(c.bounds, tinted(rng, rng.random(), 1.0, held_out=held_out))
    if rng.random() < 0.5:
        for x in range(0, width, 8):
            shade = 40 + 160 * x // width
            usual = (shade // 2, shade, shade) if held_out else (shade // 2, shade // 2, shade)
            other = (shade, shade // 2, 5 * shade // 6) if held_out else (shade, shade // 2, shade // 2)
            c.rect((x, 0, x + 8, height), usual if rng.random() < 0.98 else other)
    for _ in range(rng.randint(1, 3)):
        w, h = rng.randint(width // 3, width), rng.randint(height // 3, height)
        x, y = rng.randint(0, width - w), rng.randint(0, height - h)
        layouts.window(c, (x, y, x + w, y + h))
