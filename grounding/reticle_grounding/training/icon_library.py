"""A library of named icon pictures from installed icon themes and unpacked icon packs, for the matcher's training.

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
from PIL import Image

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


def _render(file: _File) -> tuple[_File, Picture | None]:
    try:
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
    chosen = parser.parse_args()

    def files() -> Iterator[_File]:
        if chosen.themes:
            yield from theme_files(chosen.themes)
        if chosen.packs:
            yield from pack_files(chosen.packs)

    sys.stdout.write(f"{build(chosen.out, files())} pictures\n")


if __name__ == "__main__":
    main()
