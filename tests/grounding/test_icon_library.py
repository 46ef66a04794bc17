"""The icon library that the matcher is trained from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reticle_grounding.training.icon_library import (
    IconLibrary,
    build,
    is_mono,
    pack_files,
    plain_name,
    sign_files,
    theme_files,
)
from reticle_grounding.training.spoken import icon_words, signs


@pytest.mark.parametrize(
    ("stem", "name"),
    [
        ("edit-find-symbolic", "edit find"),
        ("gtk-save", "save"),
        ("ic_fluent_add_24_regular", "add"),
        ("arrow_left_alt", "arrow left"),
        ("x", "x"),
        ("format-text-bold-symbolic-rtl", "format text bold"),
    ],
)
def test_style_words_are_no_part_of_a_name(stem: str, name: str) -> None:
    assert plain_name(stem) == name


def icon(path: Path, side: int, colours: tuple[str, ...]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGBA", (side, side))
    for i, colour in enumerate(colours):
        ImageDraw.Draw(image).rectangle((2 + 5 * i, 2, 5 + 5 * i, side - 3), fill=colour)
    image.save(path)


def test_themes_become_a_library(tmp_path: Path) -> None:
    themes = tmp_path / "themes"
    icon(themes / "Plain" / "16x16" / "actions" / "edit-cut.png", 16, ("black",))
    icon(themes / "Plain" / "24x24" / "actions" / "edit-cut.png", 24, ("red", "blue"))
    icon(themes / "Plain" / "16x16" / "apps" / "somebody.png", 16, ("black",))
    icon(themes / "Plain-Dark" / "16x16" / "actions" / "edit-cut.png", 16, ("white",))
    (themes / "Plain" / "16x16" / "actions" / "broken.png").write_bytes(b"no picture")
    assert build(tmp_path / "library", theme_files(themes)) == 2
    library = IconLibrary(tmp_path / "library")
    assert [(e["name"], e["side"], e["mono"]) for e in library.entries] == [
        ("edit cut", 16, True),
        ("edit cut", 24, False),
    ]
    small, mono = library.picture(0)
    assert mono
    assert small.shape == (16, 16)
    large, mono = library.picture(1)
    assert not mono
    assert large.shape == (24, 24, 4)
    assert tuple(large[10, 3, :3]) == (255, 0, 0)


def test_packs_bring_search_words_and_no_brands(tmp_path: Path) -> None:
    folder = tmp_path / "lucide-static-1.0" / "package"
    for name in ("save", "brand-someone"):
        path = folder / "icons" / f"{name}.svg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("<svg/>")
    (folder / "tags.json").write_text('{"save": ["floppy disk"]}')
    found = list(pack_files(tmp_path))
    assert [(f.name, f.words) for f in found] == [("save", ("floppy disk",))]


def test_one_ink_is_told_from_many() -> None:
    picture = np.zeros((8, 8, 4), np.uint8)
    picture[2:6, 2:6] = (40, 40, 44, 255)
    assert is_mono(picture)
    picture[3, 3] = (200, 0, 0, 255)
    assert not is_mono(picture)


def test_signs_of_installed_fonts_join_the_library(tmp_path: Path) -> None:
    files = [file for file in sign_files() if file.char in "×−▶"]
    assert {file.char for file in files} == set("×−▶"), "DejaVu has these, and it is a package of this project"
    assert build(tmp_path, iter(files)) >= 3
    library = IconLibrary(tmp_path)
    by_name = {entry["name"]: library.picture(i) for i, entry in enumerate(library.entries)}
    dash, mono = by_name["minus"]
    assert mono
    wide = np.flatnonzero((dash > 64).any(axis=0))
    high = np.flatnonzero((dash > 64).any(axis=1))
    assert len(wide) > 3 * len(high), "a dash stays flat"
    assert (wide[0] + wide[-1]) / 2 == pytest.approx(23.5, abs=1.5), "in the middle"
    assert (high[0] + high[-1]) / 2 == pytest.approx(23.5, abs=1.5)
    left, right = (by_name["play"][0][:, half].sum() for half in (slice(0, 24), slice(24, 48)))
    assert left > right, "it points to the right"


def test_every_sign_is_a_character_with_words_of_its_own() -> None:
    assert len({sign.char for sign in signs()}) == len(signs()) > 100
    for sign in signs():
        told = icon_words()[sign.name]
        assert set(sign.words.does) <= set(told.does)
        assert set(sign.words.shows) <= set(told.shows)
