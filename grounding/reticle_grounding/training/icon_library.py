"""A library of named icon pictures for the matcher's training, from installed icon themes, unpacked icon packs and the
signs of installed fonts.

Everything is looked up on the machine that trains; no picture is part of the repository. The library is one file of
raw pictures and one line of JSON per picture (name, source, side, whether it is one ink on nothing, words besides the
name).
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from reticle_grounding.errors import BadInput

from .spoken import signs

Picture = npt.NDArray[np.uint8]
SIDE = 48
"""Pictures without a size of their own are drawn this large."""
NATIVE = (16, 22, 24, 32, 48)
_FOLDERS = """
actions categories chart code devices document emblems form image io legacy media mimes mimetypes navigation net object
places status stock symbolic table text ui
"""
GROUPS = frozenset(_FOLDERS.split())
"""Folders of themes that hold controls' icons; programs' own icons are left out but for the common ones."""
COMMON_PROGRAMS = re.compile(r"(preferences|system|utilities|accessories|help|internet|multimedia)-")
_BRANDS = re.compile(r"(^|/)(brands?|logos?|flags?|emoji)(/|$)|(^|[-_])logo([-_]|$)|^brand[-_]")
_SHADES = re.compile(r"(?i)[-_]?(dark(er|est)?|light|ambiance|radiance)$|^epapirus")
"""Themes that repeat another one's drawings in other inks."""
_STYLES = re.compile(
    r"([-_](symbolic(-rtl)?|regular|filled|fill|outline[d]?|line|solid|duotone|sharp|round(ed)?|rtl|ltr"
    r"|\d+|24px|20px|lg|alt))+$|^(ic_fluent|gtk|stock|gnome|xfce|bx|bxs|bi|mi|ri|uil)[-_]"
)


class Entry(TypedDict):
    """One picture of the library."""

    name: str
    source: str
    side: int
    mono: bool
    words: list[str]
    at: int


@dataclass(frozen=True, slots=True)
class _File:
    source: str
    name: str
    path: Path
    side: int
    words: tuple[str, ...] = ()
    char: str = ""
    """What is drawn, where ``path`` is a font."""


def plain_name(stem: str) -> str:
    """``edit-find-symbolic`` -> ``edit find``; style suffixes and prefixes of icon sets go."""
    name = stem
    while (shorter := _STYLES.sub("", name)) not in (name, ""):
        name = shorter
    return " ".join(w for w in re.split(r"[-_\s.]+", name.casefold()) if w)


def theme_files(root: Path) -> Iterator[_File]:
    """Icons of the installed themes, every name in up to three sizes per theme."""
    for theme in sorted(p for p in root.iterdir() if p.is_dir() and not _SHADES.search(p.name)):
        taken: set[tuple[str, int]] = set()
        for path in sorted(theme.rglob("*")):
            if path.suffix not in (".png", ".svg") or path.is_symlink():
                continue
            folders = {part.casefold() for part in path.relative_to(theme).parts[:-1]}
            if not folders & GROUPS and not COMMON_PROGRAMS.match(path.stem):
                continue
            side = _side(path)
            if side is None or (path.stem, side) in taken:
                continue
            taken.add((path.stem, side))
            yield _File(theme.name, path.stem, path, side)


def _side(path: Path) -> int | None:
    for part in reversed(path.parts[:-1]):
        found = re.fullmatch(r"(\d+)(x\d+)?", part)
        if found:
            sizes = (16, 22, 24) if path.suffix == ".svg" else (16, 22, 24, 32)
            return int(found[1]) if int(found[1]) in sizes else None
    return SIDE if path.suffix == ".svg" else None


PACKS: tuple[tuple[str, str], ...] = (
    ("lucide-static", "icons/*.svg"),
    ("mdi-svg", "svg/*.svg"),
    ("tabler-icons", "icons/*/*.svg"),
    ("bootstrap-icons", "icons/*.svg"),
    ("fortawesome", "svgs/solid/*.svg"),
    ("fortawesome", "svgs/regular/*.svg"),
    ("material-design-icons", "filled/*.svg"),
    ("phosphor", "assets/regular/*.svg"),
    ("phosphor", "assets/fill/*.svg"),
    ("fluentui", "icons/*_24_regular.svg"),
    ("boxicons", "svg/*/*.svg"),
    ("carbon", "svg/32/*.svg"),
    ("ionicons", "dist/svg/*.svg"),
    ("heroicons", "24/*/*.svg"),
    ("octicons", "build/svg/*-24.svg"),
    ("feather", "dist/icons/*.svg"),
    ("eva", "*/svg/*.svg"),
    ("open-iconic", "svg/*.svg"),
    ("typicons", "src/svg/*.svg"),
)
"""Icon packs under free licences (the npm packages of these names, unpacked) and where their pictures lie."""


def pack_files(root: Path) -> Iterator[_File]:
    """Icons of the packs unpacked below ``root``, with the search words that a pack gives."""
    for pack, pattern in PACKS:
        for folder in sorted(root.glob(f"*{pack}*/package")):
            tags = _tags(folder)
            for path in sorted(folder.glob(pattern)):
                if _BRANDS.search(path.relative_to(folder).as_posix()) or _BRANDS.search(path.stem):
                    continue
                stem = path.stem.replace("_24_regular", "").replace("ic_fluent_", "")
                yield _File(pack, stem, path, SIDE, tags.get(stem, ()))


def _tags(folder: Path) -> dict[str, tuple[str, ...]]:
    """Search words per icon, from whichever list the pack ships."""
    found: dict[str, tuple[str, ...]] = {}
    if (folder / "tags.json").is_file():
        found = {k: tuple(v) for k, v in _load(folder / "tags.json").items()}
    elif (folder / "icons.json").is_file():
        found = {k: tuple(map(str, v.get("tags", ()))) for k, v in _load(folder / "icons.json").items()}
    elif (folder / "meta.json").is_file():
        rows = cast("list[dict[str, list[str]]]", json.loads((folder / "meta.json").read_text("utf-8")))
        found = {str(r["name"]): tuple(r.get("aliases", ())) for r in rows}
    elif (folder / "metadata/icon-families.json").is_file():
        rows2 = _load(folder / "metadata/icon-families.json")
        found = {k: tuple(map(str, v.get("search", {}).get("terms", ()))) for k, v in rows2.items()}
    return found


def _load(path: Path) -> dict[str, dict[str, dict[str, list[str]]]]:
    return cast("dict[str, dict[str, dict[str, list[str]]]]", json.loads(path.read_text("utf-8")))


FONTS_PER_SIGN = 6
GLYPH_SIDE = 40
"""Longer side of a sign in its picture."""
EMOJI_SIZE = 109
"""The one size that bitmap fonts of emoji have."""
_OTHER_CODES = re.compile("StandardSymbols|D050000L")
"""Fonts that draw something else at these code points."""
_SYMBOL_FONTS = re.compile(r"DejaVuSans|FreeSans|Symbol|NotoSans-|NotoSansMath|Liberation|Emoji|Inter|Roboto|OpenSans")


def sign_files() -> Iterator[_File]:
    """Characters that stand on buttons, each in a few of the installed fonts that have it.

    Raises BadInput where fontconfig's ``fc-list``, which tells the fonts, is missing or fails.
    """
    for sign in signs():
        asked = ["fc-list", f":charset={ord(sign.char):x}:slant=0", "file"]
        try:
            listed = subprocess.run(asked, capture_output=True, check=True, text=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise BadInput(f"fonts cannot be listed ({error}); install fontconfig") from error
        fonts = sorted(Path(line.rstrip(": ")) for line in listed.stdout.splitlines() if not _OTHER_CODES.search(line))
        fonts.sort(key=lambda path: not _SYMBOL_FONTS.search(path.name))
        for path in fonts[:FONTS_PER_SIGN]:
            yield _File("signs", sign.name, path, SIDE, (), sign.char)


def _glyph(path: Path, char: str) -> Image.Image | None:
    """The character alone in the middle of a square of :data:`SIDE` pixels; None where the font draws nothing.

    Raises OSError for a font that cannot be read.
    """
    emoji = "Emoji" in path.name
    size = EMOJI_SIZE if emoji else 4 * SIDE
    font = ImageFont.truetype(str(path), size)
    ground = Image.new("RGBA", (3 * size, 3 * size))
    ImageDraw.Draw(ground).text((size, size), char, (0, 0, 0, 255), font, embedded_color=emoji)
    box = ground.getbbox()
    if box is None:
        return None
    drawn = ground.crop(box)
    scale = GLYPH_SIDE / max(drawn.size)
    drawn = drawn.resize([max(1, round(scale * v)) for v in drawn.size], Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (SIDE, SIDE))
    square.paste(drawn, ((SIDE - drawn.width) // 2, (SIDE - drawn.height) // 2))
    return square


def _render(file: _File) -> tuple[_File, Picture | None]:
    try:
        if file.char:
            glyph = _glyph(file.path, file.char)
            return file, None if glyph is None else np.asarray(glyph)
        if file.path.suffix == ".svg":
            side = str(file.side)
            done = subprocess.run(
                ["rsvg-convert", "-w", side, "-h", side, str(file.path)], capture_output=True, check=False, timeout=10
            )
            data = done.stdout
        else:
            data = file.path.read_bytes()
        picture = Image.open(io.BytesIO(data)).convert("RGBA")
    except (OSError, subprocess.TimeoutExpired):
        return file, None
    if picture.size != (file.side, file.side):
        picture = picture.resize((file.side, file.side), Image.Resampling.LANCZOS)
    pixels = np.asarray(picture)
    return file, pixels if int((pixels[..., 3] > 64).sum()) >= 8 else None


def is_mono(picture: Picture) -> bool:
    """Whether the picture is one ink on nothing, so that it may be drawn in any colour."""
    inked = picture[picture[..., 3] > 128][:, :3].astype(np.int16)
    return bool(len(inked)) and int((inked.max(axis=0) - inked.min(axis=0)).max()) <= 24


def build(out: Path, files: Iterator[_File], threads: int = 2) -> int:
    """Renders ``files`` into ``out``; returns how many pictures. Equal pictures of one name are kept once."""
    out.mkdir(parents=True, exist_ok=True)
    count, at = 0, 0
    seen: set[bytes] = set()
    with (
        (out / "pictures.bin").open("wb") as pictures,
        (out / "index.jsonl").open("w", encoding="utf-8") as index,
        ThreadPoolExecutor(threads) as pool,
    ):
        for file, picture in pool.map(_render, files, chunksize=1):
            if picture is None:
                continue
            name = plain_name(file.name)
            key = hashlib.sha256(name.encode() + picture.tobytes()).digest()
            if not name or key in seen:
                continue
            seen.add(key)
            mono = is_mono(picture)
            data = picture[..., 3].tobytes() if mono else picture.tobytes()
            entry: Entry = {
                "name": name,
                "source": file.source,
                "side": file.side,
                "mono": mono,
                "words": list(file.words),
                "at": at,
            }
            pictures.write(data)
            index.write(json.dumps(entry, ensure_ascii=False) + "\n")
            at, count = at + len(data), count + 1
    return count


class IconLibrary:
    """Pictures by number; ``entries`` says what each shows."""

    def __init__(self, folder: Path) -> None:
        lines = (folder / "index.jsonl").read_text("utf-8").splitlines()
        self.entries = [cast("Entry", json.loads(line)) for line in lines]
        self._data = np.fromfile(folder / "pictures.bin", dtype=np.uint8)

    def picture(self, number: int) -> tuple[Picture, bool]:
        """[side, side] alpha of a one-ink picture and True, or [side, side, 4] RGBA and False."""
        entry = self.entries[number]
        side, at = entry["side"], entry["at"]
        channels = 1 if entry["mono"] else 4
        part = self._data[at : at + side * side * channels]
        return (part.reshape(side, side), True) if entry["mono"] else (part.reshape(side, side, 4), False)


def main() -> None:
    """Builds a library folder."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--themes", type=Path, default=None, help="folder of icon themes, such as /usr/share/icons")
    parser.add_argument("--packs", type=Path, default=None, help="folder of unpacked npm icon packages")
    parser.add_argument("--signs", action="store_true", help="characters of installed fonts that stand on buttons")
    chosen = parser.parse_args()

    def files() -> Iterator[_File]:
        if chosen.themes:
            yield from theme_files(chosen.themes)
        if chosen.packs:
            yield from pack_files(chosen.packs)
        if chosen.signs:
            yield from sign_files()

    sys.stdout.write(f"{build(chosen.out, files())} pictures\n")


if __name__ == "__main__":
    main()
