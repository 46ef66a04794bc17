"""Colours and measures of one made-up desktop theme."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from random import Random

from . import fonts
from .fonts import Face, choose

Colour = tuple[int, int, int]
ACCENTS: tuple[Colour, ...] = (
    (53, 132, 228),
    (74, 144, 217),
    (61, 174, 233),
    (48, 140, 198),
    (33, 150, 243),
    (13, 110, 253),
    (38, 162, 105),
    (233, 84, 32),
    (145, 65, 172),
    (215, 74, 74),
    (92, 136, 76),
    (120, 120, 130),
)
HELD_OUT_ACCENTS: tuple[Colour, ...] = (
    (0, 150, 136),
    (23, 162, 184),
    (26, 188, 156),
    (0, 137, 123),
    (214, 51, 132),
    (233, 30, 99),
    (194, 24, 91),
)
HELD_OUT_HUES = ((0.44, 0.54), (0.86, 0.96))
"""Teal and pink (hue as a share of the circle): tints and backgrounds of held-out screens alone."""
HUES = ((0.0, 0.44), (0.54, 0.86), (0.96, 1.0))
"""The rest of the circle."""
RADII, HELD_OUT_RADII = (0, 0, 2, 3, 4, 5, 8), (1, 6, 7, 10)
"""Corners, in pixels."""


@dataclass(frozen=True)
class Theme:
    """Everything that widgets need to look alike on one screen."""

    dark: bool
    window: Colour
    base: Colour
    """Background of entries, lists and text."""
    text: Colour
    dim: Colour
    border: Colour
    button: Colour
    accent: Colour
    on_accent: Colour
    title: Colour
    title_text: Colour
    face: Face
    bold: Face
    mono: Face
    radius: int
    pad: int
    """Inner padding; grows with the scale."""
    icon: int
    """Size of toolbar icons."""
    family: str
    """Preferred icon family."""
    held_out: bool
    """Whether fonts, colours and corners are those of held-out screens."""

    def mix(self, first: Colour, second: Colour, share: float) -> Colour:
        """``share`` of the second colour over the first."""
        return mix(first, second, share)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """``share`` of the second colour over the first."""
    r, g, b = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return r, g, b


def tinted(rng: Random, lightness: float, saturation: float, *, held_out: bool) -> Colour:
    """A colour of a hue that the screen may have, at most so saturated."""
    hue = _hue(rng.random(), HELD_OUT_HUES if held_out else HUES)
    r, g, b = colorsys.hls_to_rgb(hue, lightness, rng.random() * saturation)
    return round(r * 255), round(g * 255), round(b * 255)


def _hue(share: float, arcs: tuple[tuple[float, float], ...]) -> float:
    """The point that lies so far (0..1) along the arcs laid end to end."""
    left = share * sum(stop - start for start, stop in arcs)
    for start, stop in arcs:
        if left < stop - start:
            return start + left
        left -= stop - start
    return arcs[-1][1]


def random_theme(rng: Random, families: list[str], *, held_out: bool = False) -> Theme:
    """A light (two in three) or dark theme with its fonts and sizes.

    Args:
        held_out: draw from the fonts, hues, accents and corners that are never trained on, and from those alone.
    """
    names = fonts.HELD_OUT if held_out else fonts.TRAINING
    dark = rng.random() < 0.36
    lightness = rng.uniform(0.1, 0.26) if dark else rng.uniform(0.86, 0.98)
    window = tinted(rng, lightness, 0.25 if dark else 0.5, held_out=held_out)
    white: Colour = (255, 255, 255)
    black: Colour = (0, 0, 0)
    if dark:
        base = mix(window, black, rng.uniform(0.05, 0.4)) if rng.random() < 0.7 else mix(window, white, 0.06)
        text = mix(white, window, rng.uniform(0.0, 0.2))
    else:
        base = white if rng.random() < 0.8 else mix(window, white, 0.6)
        text = mix(black, white, rng.uniform(0.0, 0.3))
    button = mix(window, white, rng.uniform(0.02, 0.14)) if dark else mix(window, white, rng.uniform(-0.0, 0.7))
    title = rng.choice((window, mix(window, black, rng.uniform(0.05, 0.5)), mix(window, text, 0.12)))
    title_text = text if sum(title) > 384 or dark else white
    scale = rng.choice((1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.25, 1.5, 2.0))
    size = rng.choice((11, 12, 12, 13, 13, 13, 14, 14, 15, 16))
    face = Face(choose(rng, names.serif if rng.random() < 0.03 else names.sans, names.sans), round(size * scale))
    return Theme(
        dark=dark,
        window=window,
        base=base,
        text=text,
        dim=mix(text, window, rng.uniform(0.3, 0.5)),
        border=mix(window, text, rng.uniform(0.12, 0.4)),
        button=button,
        accent=rng.choice(HELD_OUT_ACCENTS if held_out else ACCENTS),
        on_accent=white,
        title=title,
        title_text=title_text,
        face=face,
        bold=Face(choose(rng, names.bold, names.sans), face.size),
        mono=Face(choose(rng, names.other, names.sans), face.size),
        radius=rng.choice(HELD_OUT_RADII if held_out else RADII),
        pad=round(rng.choice((3, 4, 5, 6, 8)) * scale),
        icon=round(rng.choice((16, 16, 22, 22, 24, 24, 32)) * scale),
        family=rng.choice(families) if families else "",
        held_out=held_out,
    )
