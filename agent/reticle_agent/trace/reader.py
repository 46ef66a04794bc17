"""Reads a trace: typed events, grouped by step; a line torn by a crash is reported, anything else broken is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reticle_grounding.errors import BadInput

from .plain import JsonObject, JsonValue, read_json
from .schema import EVENT_TYPES, SCHEMA, event_fault, manifest_fault

MANIFEST = "manifest.json"
"""What makes a folder a trace."""
_ENVELOPE = frozenset({"seq", "t", "mono_ms", "type", "step", "parent_seq"})


@dataclass(frozen=True)
class Event(Mapping[str, JsonValue]):
    """One line of the journal; as a mapping it holds the fields of its type."""

    seq: int
    t: str
    """UTC, ISO 8601."""
    mono_ms: float
    """Milliseconds since the trace began, by a clock that never jumps."""
    type: str
    step: int | None
    parent_seq: int | None
    data: Mapping[str, JsonValue] = field(repr=False)

    def __getitem__(self, key: str) -> JsonValue:
        return self.data[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.data)

    def __len__(self) -> int:
        return len(self.data)

    def text(self, key: str) -> str:
        """The field as text; empty when it is absent, null or not text."""
        value = self.data.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> float | None:
        """The field as a number; None when it is absent, null or not a number."""
        value = self.data.get(key)
        return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None

    def object(self, key: str) -> Mapping[str, JsonValue]:
        """The field as an object; empty when it is absent or something else."""
        value = self.data.get(key)
        return value if isinstance(value, dict) else {}

    def objects(self, key: str) -> list[JsonObject]:
        """The objects in a field that is a list."""
        value = self.data.get(key)
        return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class StepEvents:
    """All events of one step, in order."""

    number: int
    events: tuple[Event, ...]

    def of(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.type == kind]

    def last(self, kind: str) -> Event | None:
        """A step may be tried again; the last event of a type is the one that counted."""
        found = self.of(kind)
        return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class TraceReader:
    """A trace read whole; make it with :meth:`open`."""

    folder: Path
    manifest: JsonObject
    events: tuple[Event, ...]
    """Events of known types, in order."""
    skipped: tuple[str, ...]
    """Types this version does not know, one entry per event."""
    torn: str | None
    """Says that the last line was cut off by a crash; None when it was not."""

    @classmethod
    def open(cls, folder: Path) -> TraceReader:
        """Raises BadInput naming file and line when the folder holds no readable trace."""
        manifest = read_manifest(folder)
        lines, torn = read_lines(folder)
        records = [parse_event(text, folder / "events.jsonl", number) for number, text in enumerate(lines, 1)]
        known = tuple(event for event in records if event.type in EVENT_TYPES)
        skipped = tuple(event.type for event in records if event.type not in EVENT_TYPES)
        return cls(folder, manifest, known, skipped, torn)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.events)

    @property
    def status(self) -> str:
        """The result, or "unfinished" when the run never came to its end."""
        result = self.manifest.get("result")
        return str(result["status"]) if isinstance(result, dict) else "unfinished"

    @property
    def task(self) -> str:
        task = self.manifest["task"]
        return str(task["text"]) if isinstance(task, dict) else ""

    def steps(self) -> list[StepEvents]:
        """Events that belong to a step, grouped, in the order the steps began."""
        groups: dict[int, list[Event]] = {}
        for event in self.events:
            if event.step is not None:
                groups.setdefault(event.step, []).append(event)
        return [StepEvents(number, tuple(events)) for number, events in groups.items()]

    def read(self, name: str) -> bytes | None:
        """A frame or map by its path inside the trace; None when it is missing or lies outside."""
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            return None
        return path.read_bytes()


def read_manifest(folder: Path) -> JsonObject:
    """The manifest, valid. Raises BadInput."""
    path = folder / MANIFEST
    text = _read(path)
    try:
        manifest = read_json(text)
    except ValueError as error:
        raise BadInput(f"{path} is damaged: it is not JSON ({error}); it cannot be shown") from error
    if isinstance(manifest, dict) and manifest.get("schema", SCHEMA) != SCHEMA:
        raise BadInput(f"{path} has the format {manifest['schema']!r}; this version reads {SCHEMA!r}")
    fault = manifest_fault(manifest)
    if fault is not None or not isinstance(manifest, dict):
        raise BadInput(f"{path} is not a valid manifest: {fault}")
    return manifest


def read_lines(folder: Path) -> tuple[list[bytes], str | None]:
    """Finished lines of the journal, and a word about the last one when it was cut off. Raises BadInput."""
    path = folder / "events.jsonl"
    *lines, rest = _read(path).split(b"\n")
    if not rest:
        return lines, None
    return lines, f"{path} line {len(lines) + 1}: the last line was cut off ({len(rest)} bytes) and is left out"


def parse_event(line: bytes, path: Path, number: int) -> Event:
    """One valid event. Raises BadInput naming file and line."""
    try:
        record = read_json(line)
    except ValueError as error:
        raise BadInput(f"{path} line {number} is damaged: it is not JSON ({error})") from error
    fault = event_fault(record)
    if fault is not None or not isinstance(record, dict):
        raise BadInput(f"{path} line {number} is not a valid event: {fault}")
    return _event(record)


def _event(record: JsonObject) -> Event:
    def whole(key: str) -> int | None:
        value = record[key]
        return int(value) if isinstance(value, (int, float)) else None

    mono_ms = record["mono_ms"]
    return Event(
        seq=whole("seq") or 0,
        t=str(record["t"]),
        mono_ms=float(mono_ms) if isinstance(mono_ms, (int, float)) else 0.0,
        type=str(record["type"]),
        step=whole("step"),
        parent_seq=whole("parent_seq"),
        data={key: value for key, value in record.items() if key not in _ENVELOPE},
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        reason = "is not there" if path.parent.is_dir() else "is not there: no such folder"
        raise BadInput(f"no trace in {path.parent}: {path.name} {reason}; pass the folder of a recorded run") from error
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}; pass the folder of a recorded run") from error
