"""What importers share: pictures and records of other people's files, checked, and what is made of them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from PIL import Image

from reticle_agent.actions import Step
from reticle_agent.trace.facts import Source
from reticle_agent.trace.plain import JsonObject, JsonValue, read_json
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect, Size
from reticle_grounding.images import load_image

Boxes = Literal["xyxy", "xywh", "norm"]
MAX_FILE = 2**30
"""Bytes of a file that is read whole."""
_PLACES = (".", "images", "image", "../images", "screenshots")
"""Where pictures lie, seen from the file that names them."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What a file may leave open."""

    images: Path | None = None
    """Folder of the pictures; None looks beside the file."""
    boxes: Boxes | None = None
    """What four numbers mean; None finds out."""
    record: int | None = None
    """Which of several runs in a file, from 1."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that is loaded when it is needed; ``origin`` is a file or its bytes."""

    origin: Path | bytes
    name: str
    size: Size

    @classmethod
    def of(cls, origin: Path | bytes, name: str) -> Picture:
        """Raises BadInput when it is no usable picture."""
        return cls(origin, name, Size(*_load(origin, name).size))

    def image(self) -> Image.Image:
        return _load(self.origin, self.name)


def _load(origin: Path | bytes, name: str) -> Image.Image:
    if isinstance(origin, Path):
        return load_image(origin)
    with tempfile.TemporaryDirectory(prefix="reticle-") as folder:
        path = Path(folder) / "picture"
        path.write_bytes(origin)
        try:
            return load_image(path)
        except BadInput as error:
            raise BadInput(str(error).replace(str(path), name)) from error


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on a picture; point and region are 0..1 of it."""

    picture: Picture
    words: str
    point: Point
    region: Rect | None = None


@dataclass(frozen=True, slots=True)
class ImportedStep:
    """One step of a run, or one label."""

    spots: tuple[Spot, ...] = ()
    picture: Picture | None = None
    """What was seen; the spots' own picture where there is one."""
    action: Step | None = None
    by: Literal["user", "auto"] | None = None
    """Who chose the places; None where the source says that they are wrong."""
    thought: str = ""
    after: Picture | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """What is written down as a trace."""

    task: str
    source: Source
    steps: tuple[ImportedStep, ...]
    status: str = "done"
    model: str = ""
    scale: float = 1.0
    """Device pixels per toolkit unit."""


def text_file(path: Path) -> str:
    """Raises BadInput when it cannot be read."""
    try:
        if path.stat().st_size > MAX_FILE:
            raise BadInput(f"{path} is larger than {MAX_FILE // 2**20} MiB")
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"there is no file {path}") from None
    except IsADirectoryError:
        raise BadInput(f"{path} is a folder; give the file in it") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no text file ({error.reason} at byte {error.start})") from None
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from None


def json_file(path: Path) -> JsonValue:
    """A JSON document, or the list of the lines of a JSON Lines file. Raises BadInput naming the line."""
    text = text_file(path)
    try:
        return read_json(text)
    except ValueError as error:
        if path.suffix != ".jsonl":
            raise BadInput(f"{path} is not JSON ({error})") from None
    rows: list[JsonValue] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            rows += [read_json(line)] if line.strip() else []
        except ValueError as error:
            raise BadInput(f"{path} line {number} is not JSON ({error})") from None
    return rows


def records(path: Path) -> list[JsonObject]:
    """The objects of a list. Raises BadInput when there are none."""
    value = json_file(path)
    items = value if isinstance(value, list) else [value]
    found = [item for item in items if isinstance(item, dict)]
    if not found or len(found) != len(items):
        raise BadInput(f"{path} is not a list of records")
    return found


def chosen_record(path: Path, rows: list[JsonObject], options: ImportOptions) -> JsonObject:
    """The one run to read. Raises BadInput when there are several and none was named."""
    if options.record is None and len(rows) > 1:
        raise BadInput(f"{path} holds {len(rows)} runs; name one with --record 1 to --record {len(rows)}")
    number = options.record or 1
    if not 1 <= number <= len(rows):
        raise BadInput(f"{path} holds {len(rows)} runs; there is no --record {number}")
    return rows[number - 1]


def pictures_of(path: Path, options: ImportOptions) -> Callable[[str], Picture]:
    """Finds pictures by the names in a file. What leads out of their folder is refused."""
    roots = [options.images] if options.images else [(path.parent / place) for place in _PLACES]
    known: dict[str, Picture] = {}

    def find(name: str) -> Picture:
        if name not in known:
            known[name] = Picture.of(_path(name), name)
        return known[name]

    def _path(name: str) -> Path:
        pure = PurePosixPath(name.replace("\\", "/"))
        if pure.is_absolute() or ".." in pure.parts:
            raise BadInput(f"{path} names the picture {name}, which lies outside its folder; it is not read")
        for root in roots:
            if (root / pure).is_file():
                return root / pure
        raise BadInput(f"{path} names the picture {name}, which is not beside it; give its folder with --images")

    return find


def text_of(row: JsonObject, key: str, where: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise BadInput(f"{where}: '{key}' is missing or empty")
    return value


def numbers(value: JsonValue, count: int, where: str) -> list[float]:
    """Raises BadInput when it is not a list of that many numbers."""
    items = value if isinstance(value, list) else []
    found = [float(v) for v in items if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(found) != count or len(items) != count or not all(abs(v) < 1e9 for v in found):
        raise BadInput(f"{where} is not a list of {count} numbers")
    return found
