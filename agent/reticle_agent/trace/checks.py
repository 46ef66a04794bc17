"""Looks a trace over for damage: schema, order, and every file an event refers to."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from reticle_grounding.errors import BadInput

from .content import content_name, read_map
from .reader import Event, parse_event, read_lines, read_manifest

_REFERENCES = ("frame", "frame_after", "map")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a trace."""

    file: str
    """Path inside the trace."""
    line: int | None
    message: str

    def __str__(self) -> str:
        return f"{self.file}{f' line {self.line}' if self.line else ''}: {self.message}"


def verify(folder: Path) -> list[Problem]:
    """All problems found; an empty list means a sound trace. Raises BadInput when ``folder`` holds no trace at all."""
    if not (folder / "manifest.json").is_file() and not (folder / "events.jsonl").is_file():
        raise BadInput(f"no trace in {folder}: neither manifest.json nor events.jsonl is there")
    problems: list[Problem] = []
    try:
        manifest = read_manifest(folder)
        if manifest.get("result") is None:
            problems.append(Problem("manifest.json", None, "the run has no result: it was ended from outside"))
    except BadInput as error:
        problems.append(Problem("manifest.json", None, str(error)))
    try:
        lines, torn = read_lines(folder)
    except BadInput as error:
        return [*problems, Problem("events.jsonl", None, str(error))]
    events: list[tuple[int, Event]] = []
    for number, line in enumerate(lines, 1):
        try:
            events.append((number, parse_event(line, folder / "events.jsonl", number)))
        except BadInput as error:
            problems.append(Problem("events.jsonl", number, str(error)))
    if torn:
        problems.append(Problem("events.jsonl", len(lines) + 1, "the last line was cut off"))
    return [*problems, *_order(events), *_missing(folder, events), *_damaged(folder)]


def _order(events: list[tuple[int, Event]]) -> Iterator[Problem]:
    for number, event in events:
        if event.seq != number - 1:
            yield Problem("events.jsonl", number, f"seq is {event.seq}, expected {number - 1}: a line is lost or moved")
        if event.parent_seq is not None and event.parent_seq >= event.seq:
            yield Problem("events.jsonl", number, f"parent_seq {event.parent_seq} is not an earlier event")


def _missing(folder: Path, events: list[tuple[int, Event]]) -> Iterator[Problem]:
    for number, event in events:
        for name in filter(None, (event.text(key) for key in _REFERENCES)):
            if not (folder / name).is_file():
                yield Problem("events.jsonl", number, f"{name} is missing")


def _damaged(folder: Path) -> Iterator[Problem]:
    for path in sorted([*folder.glob("frames/*.*"), *folder.glob("maps/*.*")]):
        name = path.relative_to(folder).as_posix()
        if path.name.startswith("."):
            yield Problem(name, None, "an unfinished file was left by a crash; it may be deleted")
            continue
        data = path.read_bytes()
        if content_name(data) != path.stem:
            yield Problem(name, None, "its content does not match the hash in its name: it was changed")
            continue
        fault = _unreadable(path, data)
        if fault is not None:
            yield Problem(name, None, fault)


def _unreadable(path: Path, data: bytes) -> str | None:
    try:
        if path.suffix == ".npz":
            read_map(data)
        else:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
    except (ValueError, OSError, UnidentifiedImageError) as error:
        return f"it cannot be read: {error}"
    return None
