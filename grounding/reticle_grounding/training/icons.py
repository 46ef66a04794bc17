"""Icons with a known function, gathered once from installed icon themes and icon fonts into a cache file."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path
from random import Random
from typing import cast

import numpy as np
import numpy.typing as npt
import platformdirs
from PIL import Image, ImageDraw, ImageFont

Picture = npt.NDArray[np.uint8]
THEMES = ("Adwaita", "Tango", "breeze", "elementary-xfce", "gnome", "mate", "oxygen")
HELD_OUT_THEMES = ("elementary-xfce",)
"""Of these, held-out screens alone show icons, and no others; the matcher never trains on them either."""
GLYPH_FONT = Path("/usr/share/fonts/truetype/font-awesome/fontawesome-webfont.ttf")
GLYPH_NAMES = Path("/usr/share/fonts-font-awesome/css/font-awesome.css")
SIZES = (16, 22, 24, 32, 48)


@dataclass(frozen=True, slots=True)
class IconFunction:
    """What an icon does: where its pictures come from and how people ask for it."""

    name: str
    files: tuple[str, ...]
    glyphs: tuple[str, ...]
    phrases: tuple[str, ...]


@lru_cache(maxsize=1)
def icon_functions() -> tuple[IconFunction, ...]:
    """The table shipped with the package; the order gives every function its number."""
    text = resources.files("reticle_grounding.training.data").joinpath("icon_functions.json").read_text("utf-8")
    table = cast("dict[str, dict[str, list[str]]]", json.loads(text))
    return tuple(
        IconFunction(name, tuple(row["files"]), tuple(row["glyphs"]), tuple(row["phrases"]))
        for name, row in table.items()
    )


@lru_cache(maxsize=1)
def icon_numbers() -> dict[str, int]:
    """Function name -> its class number, from 1; 0 means no icon."""
    return {function.name: i for i, function in enumerate(icon_functions(), start=1)}


@dataclass(frozen=True)
class IconSet:
    """Pictures by function and family: ``pictures[function][family]`` lists sizes, smallest first."""

    pictures: dict[str, dict[str, list[Picture]]]

    def draw(self, rng: Random, name: str, size: int, ink: tuple[int, int, int], family: str) -> Image.Image | None:
        """An RGBA picture of the function in the given family if it has it, else in any other; None when unknown."""
        families = self.pictures.get(name)
        if not families:
            return None
        chosen = family if family in families else rng.choice(sorted(families))
        fitting = [p for p in families[chosen] if p.shape[0] >= size] or families[chosen][-1:]
        picture = Image.fromarray(fitting[0])
        if chosen.startswith(("symbolic", "glyph") if sum(ink) < 384 else ("symbolic", "glyph", "breeze")):
            alpha = picture.getchannel("A")
            picture = Image.new("RGBA", picture.size, (*ink, 255))
            picture.putalpha(alpha)
        return picture if picture.width == size else picture.resize((size, size), Image.Resampling.LANCZOS)

    def of(self, *, held_out: bool) -> IconSet:
        """The part that is held out, or the rest."""
        kept = {
            name: {family: sizes for family, sizes in families.items() if is_held_out(family) == held_out}
            for name, families in self.pictures.items()
        }
        return IconSet({name: families for name, families in kept.items() if families})

    def names(self) -> list[str]:
        return sorted(self.pictures)

    def families(self) -> list[str]:
        return sorted({family for families in self.pictures.values() for family in families})


def is_held_out(family: str) -> bool:
    """Whether an icon family (``symbolic-mate3``: a theme's symbolic icons, fourth choice of files) is held out."""
    return family.removeprefix("symbolic-").rstrip("0123456789") in HELD_OUT_THEMES


def cache_file() -> Path:
    return Path(platformdirs.user_cache_dir("reticle")) / "training-icons-1.npz"


@lru_cache(maxsize=2)
def icon_set(*, held_out: bool = False) -> IconSet:
    """Icons to train on, or held-out ones; an empty set when no such theme is installed."""
    return _all_icons().of(held_out=held_out)


@lru_cache(maxsize=1)
def _all_icons() -> IconSet:
    """The icon cache, built on first use (about a minute)."""
    path = cache_file()
    if not path.is_file():
        build_cache(path)
    pictures: dict[str, dict[str, list[Picture]]] = {}
    with np.load(path, allow_pickle=False) as stored:
        for key in stored.files:
            name, family, _ = key.split("|")
            pictures.setdefault(name, {}).setdefault(family, []).append(stored[key])
    for families in pictures.values():
        for sizes in families.values():
            sizes.sort(key=len)
    return IconSet(pictures)


def build_cache(path: Path, icons_root: Path = Path("/usr/share/icons")) -> int:
    """Collects all known icons below ``icons_root`` and the glyph font into ``path``; returns how many pictures."""
    pictures = dict(_glyph_pictures())
    for theme in THEMES:
        if (icons_root / theme).is_dir():
            pictures.update(_theme_pictures(icons_root / theme))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial.npz")
    np.savez_compressed(partial, **pictures)  # type: ignore[arg-type]
    partial.replace(path)
    return len(pictures)


def _theme_pictures(theme: Path) -> dict[str, Picture]:
    wanted = {stem: function.name for function in icon_functions() for stem in function.files}
    found: dict[str, Picture] = {}
    for file in sorted(theme.rglob("*")):
        symbolic = file.stem.endswith("-symbolic")
        name = wanted.get(file.stem.removesuffix("-symbolic"))
        size = _size_of(file)
        if name is None or size not in SIZES or file.suffix not in (".png", ".svg"):
            continue
        family = f"{'symbolic-' if symbolic else ''}{theme.name}"
        variant = wanted_index(name, file.stem.removesuffix("-symbolic"))
        key = f"{name}|{family}{variant or ''}|{size}"
        picture = _read(file, size) if key not in found else None
        if picture is not None:
            found[key] = picture
    return found


def wanted_index(name: str, stem: str) -> int:
    """Position of a file stem among the stems of its function; 0 is the usual one."""
    return icon_functions()[icon_numbers()[name] - 1].files.index(stem)


def _size_of(file: Path) -> int:
    """Nominal pixel size by the folder names (``22x22``, ``22``); 32 for scalable symbolic ones."""
    for part in reversed(file.parts[:-1]):
        match = re.fullmatch(r"(\d+)(x\d+)?", part)
        if match:
            return int(match.group(1))
    return 32 if file.stem.endswith("-symbolic") else 0


def _read(file: Path, size: int) -> Picture | None:
    """The file as RGBA of ``size``; None when it cannot be read or is blank."""
    data = _render_svg(file, size) if file.suffix == ".svg" else file.read_bytes()
    if data is None:
        return None
    try:
        picture = Image.open(io.BytesIO(data)).convert("RGBA")
    except OSError:
        return None
    picture = picture if picture.size == (size, size) else picture.resize((size, size), Image.Resampling.LANCZOS)
    pixels = np.asarray(picture)
    return pixels if int((pixels[..., 3] > 64).sum()) >= 8 else None


def _render_svg(file: Path, size: int) -> bytes | None:
    tool = shutil.which("rsvg-convert")
    if tool is None:
        return None
    done = subprocess.run([tool, "-w", str(size), "-h", str(size), str(file)], capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _glyph_pictures() -> dict[str, Picture]:
    if not (GLYPH_FONT.is_file() and GLYPH_NAMES.is_file()):
        return {}
    codes = dict(re.findall(r"\.fa-([a-z0-9-]+):before\s*\{\s*content:\s*\"\\([0-9a-f]+)\"", _flat(GLYPH_NAMES)))
    pictures: dict[str, Picture] = {}
    for function in icon_functions():
        for i, glyph in enumerate(g for g in function.glyphs if g in codes):
            for size in (16, 24, 48):
                key = f"{function.name}|glyph{i or ''}|{size}"
                pictures[key] = _draw_glyph(chr(int(codes[glyph], 16)), size)
    return pictures


def _flat(css: Path) -> str:
    """The style sheet with selector lists split, so that every name carries its own rule."""
    rules = re.findall(r"([^{}]+)\{([^{}]*)\}", css.read_text("utf-8"))
    return "\n".join(f"{name.strip()}{{{body}}}" for names, body in rules for name in names.split(","))


def _draw_glyph(char: str, size: int) -> Picture:
    font = ImageFont.truetype(str(GLYPH_FONT), round(size * 0.86))
    picture = Image.new("RGBA", (size, size), (0, 0, 0, 0))
    ImageDraw.Draw(picture).text((size / 2, size / 2), char, font=font, fill=(0, 0, 0, 255), anchor="mm")
    return np.asarray(picture)
