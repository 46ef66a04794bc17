"""Screens to measure with show fonts, icons and colours that no screen to train on shows."""

from __future__ import annotations

import colorsys
from pathlib import Path
from random import Random

import numpy as np
import pytest

from reticle_grounding.errors import BadInput
from reticle_grounding.evaluation.sets import GENERATED_SEED
from reticle_grounding.training import fonts, palette, screens
from reticle_grounding.training.icons import IconSet, icon_set, is_held_out
from reticle_grounding.training.palette import Colour, Theme, random_theme
from reticle_grounding.training.screens import HELD_OUT_SEEDS, generate_collage, generate_screen

SMALL = (640, 480)


def hue(colour: Colour) -> float:
    return colorsys.rgb_to_hls(*(value / 255 for value in colour))[0]


def held(value: float) -> bool:
    return any(start <= value < stop for start, stop in palette.HELD_OUT_HUES)


def names(of: fonts.FontNames) -> set[str]:
    return {*of.sans, *of.bold, *of.other, *of.serif}


def test_the_fonts_of_the_two_sides_are_different_ones() -> None:
    assert not names(fonts.TRAINING) & names(fonts.HELD_OUT)
    assert {*fonts.SANS, *fonts.BOLD, *fonts.OTHER, *fonts.SERIF} == names(fonts.TRAINING)


def test_themes_draw_from_one_side_alone() -> None:
    sides = [[random_theme(Random(seed), ["x"], held_out=held_out) for seed in range(60)] for held_out in (False, True)]
    training, measured = ([{t.accent, t.radius, t.face.path, t.bold.path} for t in side] for side in sides)
    assert not set().union(*training) & set().union(*measured)
    assert {t.mono.path.name for t in sides[1]} <= names(fonts.HELD_OUT)
    assert [{t.held_out for t in side} for side in sides] == [{False}, {True}]


def test_hues_of_the_two_sides_do_not_meet() -> None:
    assert all(held(hue(c)) for c in palette.HELD_OUT_ACCENTS)
    assert not any(held(hue(c)) for c in palette.ACCENTS)
    arcs = sorted((*palette.HUES, *palette.HELD_OUT_HUES))
    assert [start for start, _ in arcs] == [0.0, *(stop for _, stop in arcs[:-1])]
    for held_out in (False, True):
        rng = Random(5)
        tints = [palette.tinted(rng, 0.5, 1.0, held_out=held_out) for _ in range(300)]
        strong = [c for c in tints if max(c) - min(c) > 100]
        assert strong
        assert all(held(nearest(hue(c), held_out)) == held_out for c in strong)


def nearest(value: float, held_out: bool) -> float:
    """The hue, or one within what 8 bits lose that is on the wanted side."""
    return next((v for v in (value, value - 0.004, value + 0.004) if held(v) == held_out), value)


def test_icons_are_divided_by_theme() -> None:
    picture = np.zeros((16, 16, 4), np.uint8)
    families = ("mate", "symbolic-mate2", "elementary-xfce", "symbolic-elementary-xfce3", "glyph1")
    every = IconSet({"Save": {f: [picture] for f in families}, "Bug": {"glyph": [picture]}})
    assert every.of(held_out=True).families() == ["elementary-xfce", "symbolic-elementary-xfce3"]
    assert every.of(held_out=True).names() == ["Save"]
    assert every.of(held_out=False).families() == ["glyph", "glyph1", "mate", "symbolic-mate2"]


def test_installed_icons_are_divided_too() -> None:
    assert not any(is_held_out(family) for family in icon_set().families())
    assert all(is_held_out(family) for family in icon_set(held_out=True).families())


@pytest.mark.parametrize(
    ("seed", "held_out"),
    [(7_999_999, False), (8_000_000, True), (GENERATED_SEED, True), (9_999_999, True), (10_000_000, False)],
)
def test_the_seed_decides_the_side(seed: int, held_out: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Theme] = []

    def recorded(rng: Random, families: list[str], *, held_out: bool) -> Theme:
        drawn.append(random_theme(rng, families, held_out=held_out))
        return drawn[-1]

    monkeypatch.setattr(screens, "random_theme", recorded)
    screen = generate_screen(seed, size=SMALL)
    tiles = generate_collage(seed, size=SMALL)
    assert screen.targets
    assert tiles.elements
    assert {theme.held_out for theme in drawn} == {held_out}
    assert {is_held_out(theme.family) for theme in drawn if theme.family} <= {held_out}


def test_screens_are_painted_without_icons_where_no_theme_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screens, "icon_set", lambda held_out: IconSet({}))
    for seed in (5, 6, 7):
        assert generate_screen(seed, size=SMALL).targets
        assert not [e for e in generate_collage(seed, size=SMALL).elements if e.kind == "icon"]


def test_held_out_screens_need_held_out_fonts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts, "installed", lambda: {"DejaVuSans.ttf": Path("DejaVuSans.ttf")})
    assert random_theme(Random(0), []).face.path.name == "DejaVuSans.ttf"
    with pytest.raises(BadInput, match="fonts-liberation"):
        random_theme(Random(0), [], held_out=True)
    assert GENERATED_SEED in HELD_OUT_SEEDS
