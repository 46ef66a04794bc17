"""The files of a label run: one per trace that grows line by line and survives a kill, and all together at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reticle_agent.trace.store import explained, lock_file, write_atomic
from reticle_grounding.errors import BadInput

from .steps import TraceWork, Work

SCHEMA = "reticle-labels/1"
PLAN, LABELS, TRACES, LOCK = "plan.json", "labels.jsonl", "traces", ".lock"


class LabelFolder:
    """Where the lines of a run go. Made by :func:`opened`."""

    def __init__(self, out: Path, traces: Sequence[TraceWork]) -> None:
        self._out, self._traces = out, traces
        self._model: tuple[str, str] | None = None
        self.done = 0
        """Lines that were there before."""
        self.left: list[Work] = []
        """What is still to be asked, in order."""
        for trace in traces:
            there = self._kept(trace)
            self.done += there
            self.left += trace.works[there:]

    def append(self, line: str) -> None:
        """The next answer; on disk when this returns. Raises BadInput when another model made the lines before."""
        row = json.loads(line)
        self._same_model(row, "the model asked now")
        path = self._shard(str(row["trace"]))
        with explained(path), open(path, "ab") as file:
            file.write(line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def finish(self) -> tuple[int, int]:
        """Puts all lines into one file, traces by id, then those that cannot be read. Returns (answers, errors)."""
        lines: list[str] = []
        for trace in self._traces:
            if trace.fault is not None:
                name = trace.id or trace.folder.name
                lines.append(json.dumps({"trace": name, "step": None, "error": trace.fault}, ensure_ascii=False))
            elif trace.works:
                lines += self._shard(trace.id).read_text(encoding="utf-8").splitlines()
        write_atomic(self._out / LABELS, "".join(f"{line}\n" for line in lines).encode())
        errors = sum("error" in json.loads(line) for line in lines)
        return len(lines) - errors, errors

    def _shard(self, name: str) -> Path:
        return self._out / TRACES / f"{name}.jsonl"

    def _kept(self, trace: TraceWork) -> int:
        """Whole lines of a trace that are there; one that a kill cut off is taken away. Raises BadInput."""
        path = self._shard(trace.id)
        if not trace.works or not path.is_file():
            return 0
        *lines, torn = path.read_bytes().split(b"\n")
        if torn:
            os.truncate(path, path.stat().st_size - len(torn))
        for number, (line, work) in enumerate(zip(lines, trace.works, strict=False), 1):
            row = _row(line, path, number)
            asked = [row.get(key) for key in ("step", "index", "instruction", "frame")]
            if asked != [work.step, work.index, work.instruction, work.frame]:
                raise BadInput(
                    f"{path} line {number} is of another state of {trace.folder}; delete the file to redo it"
                )
            self._same_model(row, f"{path} line {number}")
        if len(lines) > len(trace.works):
            raise BadInput(f"{path} has more lines than {trace.folder} has steps; delete the file to redo it")
        return len(lines)

    def _same_model(self, row: Mapping[str, Any], where: str) -> None:
        model = (str(row.get("model")), str(row.get("fingerprint")))
        if self._model is None:
            self._model = model
        elif model != self._model:
            raise BadInput(
                f"{where} is {model[0]} ({model[1]}), the lines before are of {self._model[0]} ({self._model[1]}); "
                "choose another --out"
            )


@contextmanager
def opened(out: Path, traces: Sequence[TraceWork], settings: Mapping[str, str | None]) -> Iterator[LabelFolder]:
    """The folder of a run, begun or gone on with; held against a second run meanwhile.

    ``settings`` say how the answers are made. Raises BadInput when the folder is something else, is in use, or was
    begun with other settings.
    """
    try:
        (out / TRACES).mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(out / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadInput(f"--out {out}: cannot write there: {error.strerror or error}") from error
    try:
        if not lock_file(handle):
            raise BadInput(f"--out {out}: another label run is writing there")
        _same_settings(out / PLAN, {"schema": SCHEMA, **settings})
        yield LabelFolder(out, traces)
    finally:
        os.close(handle)


def _same_settings(path: Path, settings: Mapping[str, str | None]) -> None:
    if not path.exists():
        write_atomic(path, (json.dumps(settings, indent=2) + "\n").encode())
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}); choose another --out") from error
    if before != dict(settings):
        raise BadInput(f"{path} was begun with other settings ({before}, now {dict(settings)}); choose another --out")


def _row(line: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        row = None
    if not isinstance(row, dict):
        raise BadInput(f"{path} line {number} is damaged; delete the file to redo it")
    return row
