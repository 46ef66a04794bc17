"""Published benchmark files as sets of targets: which benchmark, where its pictures are, how its boxes are written.

Scored as the benchmarks' own scripts do: edges belong to the box, a polygon counts by its outline, and an item without
a place on the screen is an absent target.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeAlias

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect, Size
from reticle_grounding.images import picture_size

from . import sets
from .benchmark_rows import (
    OSWORLD_G,
    Format,
    Item,
    Row,
    format_named,
    published_boxes,
    recognise,
)
from .conventions import Boxes, Sample, by_name, detect
from .sets import Origin, TargetSet
from .targets import Target

FOLDERS = ("images", "screenspotv2_image", "screenspot_imgs", "")
"""Where pictures lie, below the folder of the annotations or up to two above it."""
DEPTH = 2
"""Folders below the given one in which annotations are looked for."""
OTHERS = ("meta.json", "classification_result.json", "buckets.json")
"""What the benchmarks publish beside their annotations."""
NO_PICTURE = "picture missing"
OUTSIDE = "box outside of its picture"
REVERSED = "corners of the box reversed"
ABILITIES = ("classification_result.json", "buckets.json")
"""OSWorld-G's files of which item, or which type of element, tests what."""
Files: TypeAlias = dict[Path, list[object]]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a user may say about benchmark files; nothing is needed."""

    format: str | None = None
    """Name in :data:`FORMATS`; None recognises it by the rows."""
    images: Path | None = None
    """Folder of the pictures; None looks beside the annotations."""
    boxes: str | None = None
    """Name in :data:`CONVENTIONS`; None detects it."""
    applications: bool = False
    """Count each application as a kind of its own."""
    refined: bool = False
    """OSWorld-G: of a folder take the refined instructions."""


def read_set(path: Path, limit: int | None = None, choices: Choices | None = None) -> TargetSet:
    """A targets file of our own, or a file or folder of a published benchmark.

    Args:
        limit: at most so many targets, from the first row on.

    Raises BadInput naming the file, and the row where there is one.
    """
    choices = choices or Choices()
    if choices.format is None and _is_own(path):
        return sets.from_file(path / "targets.jsonl" if path.is_dir() else path, limit)
    chosen, files = _annotations(path, choices)
    return _read(path, chosen, files, limit, choices)


def _is_own(path: Path) -> bool:
    """Whether it is a targets file, or a folder with one: JSON lines that are those of no benchmark."""
    if path.is_dir():
        return (path / "targets.jsonl").is_file()
    first = _first_line(path)
    other = first is None and path.suffix.lower() == ".json"
    return path.exists() and not other and recognise(first, path) is None


def _read(path: Path, chosen: Format, files: Files, limit: int | None, choices: Choices) -> TargetSet:
    items = [item for file, rows in files.items() for item in _items(chosen, file, rows)]
    skipped: Counter[str] = Counter(item.skip for item in items if item.skip)
    pictures = _Pictures(choices.images)
    found: list[tuple[Item, Path, Size]] = []
    for item in items:
        if item.skip:
            continue
        picture = pictures.find(item)
        if picture is None:
            skipped[NO_PICTURE] += 1
        else:
            found.append((item, picture, pictures.size(picture, item)))
    first = next(raw for rows in files.values() for raw in rows if isinstance(raw, Mapping))
    boxes, said = _boxes(chosen, first, found, choices)
    targets: list[Target] = []
    for item, picture, size in found:
        target = _target(item, picture, size, boxes, chosen.swaps, choices.applications)
        if isinstance(target, Target):
            targets.append(target)
        else:
            skipped[target] += 1
    if not targets:
        raise BadInput(f"{path}: no item of {chosen.title} can be asked about: {_reasons(skipped)}{pictures.hint}")
    name = chosen.title if path.is_dir() else f"{chosen.title} ({path.stem})"
    origin = Origin(chosen.title, chosen.name, tuple(f.name for f in files), len(items), dict(skipped), said)
    return sets.listed(name, targets[:limit], origin)


def _boxes(
    chosen: Format, first: Mapping[str, object], found: Sequence[tuple[Item, Path, Size]], choices: Choices
) -> tuple[Boxes, str]:
    if choices.boxes is not None:
        forced = by_name(choices.boxes)
        return forced, f"{forced.words}, as asked for"
    usual = published_boxes(chosen, first)
    samples = [
        Sample(item.where, item.numbers, item.size or size, item.shape == "box")
        for item, _, size in found
        if item.shape != "absent"
    ]
    boxes = detect(samples, usual, chosen.swaps)
    said = "as published" if boxes == usual else f"though published as {usual.words}"
    return boxes, f"{boxes.words}, {said}"


def _target(item: Item, picture: Path, size: Size, boxes: Boxes, swaps: bool, applications: bool) -> Target | str:
    """The target in pixels of its picture, or why there is none."""
    groups = (*item.groups, *([f"app {item.application}"] if applications and item.application else []))
    if item.shape == "absent":
        return Target(picture, item.instruction, None, item.kind, groups)
    # Pixels are those of the size the row gives; the picture at hand may be another copy of it.
    stated = item.size or size
    x, y = size.width / stated.width, size.height / stated.height
    if item.shape == "polygon":
        corners = tuple(Point(p.x * x, p.y * y) for p in boxes.points(item.numbers, stated))
        box = Rect.around(list(corners))
    else:
        corners, plain = (), boxes.rect(item.numbers, stated)
        box = Rect(plain.left * x, plain.top * y, plain.right * x, plain.bottom * y)
        if box.width < 0 or box.height < 0:
            if not swaps:
                return REVERSED
            box = Rect.around(box.corners)
    if box.left > size.width or box.top > size.height or box.right < 0 or box.bottom < 0:
        return OUTSIDE
    return Target(picture, item.instruction, box, item.kind, groups, corners, closed=True)


def _annotations(path: Path, choices: Choices) -> tuple[Format, Files]:
    """The benchmark and its files' rows. Raises BadInput when there is none, or there are several."""
    forced = None if choices.format is None else format_named(choices.format)
    if not path.exists():
        raise BadInput(f"there is no file or folder {path}")
    if not path.is_dir():
        rows = _rows(path)
        chosen = forced or recognise(rows[0], path)
        if chosen is None:
            raise BadInput(f"{path}: its rows are those of no benchmark known here; say which format it is")
        return chosen, {path: rows}
    for depth in range(DEPTH + 1):
        found = {file: rows for file, rows in _json_files(path, depth).items() if rows}
        formats = {file: recognise(rows[0], file) for file, rows in found.items()}
        known = {file: f for file, f in formats.items() if f is not None}
        if forced and not known:
            known = {file: forced for file, rows in found.items() if _has_boxes(rows[0])}
        if known:
            names = sorted({f.title for f in known.values()})
            if forced is None and len(names) > 1:
                raise BadInput(f"{path} holds files of {', '.join(names)}; name one of the files")
            chosen = forced or next(iter(known.values()))
            return chosen, _once({file: found[file] for file in known}, chosen, choices.refined)
    hint = ""
    if (path / "screens.jsonl").is_file():
        hint = "; captured screens are measured with --captured"
    elif any(path.rglob("*.parquet")):
        hint = "; it holds .parquet files: save their rows as JSON first"
    raise BadInput(f"{path} holds neither targets.jsonl nor an annotation file of a benchmark known here{hint}")


def _has_boxes(raw: object) -> bool:
    return isinstance(raw, Mapping) and not {"bbox", "box_coordinates"}.isdisjoint(raw)


def _json_files(folder: Path, depth: int) -> Files:
    pattern = "*/" * depth
    files = sorted(f for ending in ("json", "jsonl") for f in folder.glob(f"{pattern}*.{ending}") if f.is_file())
    wanted = [f for f in files if f.name not in OTHERS]
    return {file: rows for file in wanted if (rows := _rows_or_none(file)) is not None}


def _once(files: Files, chosen: Format, refined: bool) -> Files:
    """Without files that repeat the rows of others: everything in one file, or the same items said otherwise."""
    if chosen is OSWORLD_G and len(files) > 1:
        wanted = [f for f in files if ("refined" in f.stem.lower()) == refined]
        files = {f: files[f] for f in wanted} or files
    parts = {f: rows for f, rows in files.items() if f.stem != "all" and not f.stem.endswith("_all")}
    return parts or files


def _items(chosen: Format, file: Path, rows: Sequence[object]) -> list[Item]:
    abilities = _abilities(file.parent) if chosen is OSWORLD_G else {}
    items = []
    for number, raw in enumerate(rows, 1):
        if not isinstance(raw, Mapping):
            raise BadInput(f"{file}, row {number}: an object is expected, not {type(raw).__name__}")
        items.append(chosen.read(Row(raw, file, number, abilities)))
    return items


def _abilities(folder: Path) -> dict[str, tuple[str, ...]]:
    """Id of an item, or type of element, -> the abilities it tests; empty without such a file. Raises BadInput."""
    for file in (folder / name for name in ABILITIES):
        if not file.is_file():
            continue
        raw = _json(file)
        listed = raw.get("classified", raw) if isinstance(raw, Mapping) else None
        if not isinstance(listed, Mapping) or not all(isinstance(v, list) for v in listed.values()):
            raise BadInput(f"{file}: lists of items by ability are expected")
        found: dict[str, tuple[str, ...]] = {}
        for ability, members in listed.items():
            for member in members:
                key = member.get("id") if isinstance(member, Mapping) else member
                found[str(key)] = (*found.get(str(key), ()), str(ability))
        return found
    return {}


def _rows(file: Path) -> list[object]:
    """The rows of an annotation file. Raises BadInput when it is no list, or empty."""
    if file.suffix.lower() == ".jsonl" or isinstance(_first_line(file), Mapping):
        lines = [(n, line) for n, line in enumerate(_text(file).splitlines(), 1) if line.strip()]
        rows = [_parsed(line, f"{file}, line {number}") for number, line in lines]
    else:
        raw = _json(file)
        if not isinstance(raw, list):
            raise BadInput(f"{file}: a list of rows is expected, not {type(raw).__name__}")
        rows = raw
    if not rows:
        raise BadInput(f"{file} holds no rows")
    return rows


def _rows_or_none(file: Path) -> list[object] | None:
    """As :func:`_rows`, None for a JSON file of another kind."""
    if file.suffix.lower() == ".jsonl":
        return _rows(file) if recognise(_first_line(file), file) is not None else None
    raw = _json(file)
    return raw if isinstance(raw, list) else None


def _first_line(file: Path) -> object:
    """The object in the first filled line; None where that line is none."""
    try:
        with file.open(encoding="utf-8-sig") as opened:
            line = next((line for line in opened if line.strip()), "")
        return json.loads(line) if line.lstrip().startswith("{") else None
    except (OSError, ValueError, RecursionError):
        return None


def _json(file: Path) -> object:
    return _parsed(_text(file), str(file))


def _parsed(text: str, where: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{where}: no valid JSON ({error})") from error


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BadInput(f"cannot read {file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{file} is no text file in UTF-8") from error


def _reasons(skipped: Mapping[str, int]) -> str:
    return ", ".join(f"{count} times {reason}" for reason, count in skipped.items())


class _Pictures:
    """Finds the pictures of rows and knows their sizes."""

    def __init__(self, folder: Path | None) -> None:
        if folder is not None and not folder.is_dir():
            raise BadInput(f"there is no folder {folder} of pictures")
        self._folder = folder
        self._sizes: dict[Path, Size] = {}
        self._tried: dict[Path, None] = {}

    def find(self, item: Item) -> Path | None:
        """The picture of a row, None when there is none. Raises BadInput for a path that leaves the folder."""
        name = PurePosixPath(item.image.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts:
            raise BadInput(f"{item.where}: picture {item.image} lies outside of the folder of pictures")
        for root in self._roots(item.row.file):
            self._tried[root] = None
            if (root / name).is_file():
                return root / name
        return None

    def size(self, picture: Path, item: Item) -> Size:
        """Read once per picture. Raises BadInput naming the row for one that cannot be read."""
        if picture not in self._sizes:
            try:
                self._sizes[picture] = picture_size(picture)
            except BadInput as error:
                raise BadInput(f"{item.where}: {error}") from error
        return self._sizes[picture]

    def _roots(self, file: Path) -> list[Path]:
        if self._folder is not None:
            return [self._folder]
        above = (file.absolute().parent, *file.absolute().parent.parents[:2])
        return [folder / name for folder in above for name in FOLDERS]

    @property
    def hint(self) -> str:
        """Where was looked, when nothing was there."""
        there = [folder for folder in self._tried if folder.is_dir()]
        if not there:
            return ""
        packed = sorted({z.name for folder in there for z in folder.glob("*.zip")})
        unpack = f"; unpack {', '.join(packed)} first" if packed else ""
        return f" (looked in {', '.join(map(str, there))}{unpack}; name the folder if it is another)"
