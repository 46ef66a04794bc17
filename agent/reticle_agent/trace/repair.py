"""Mends what a crash leaves behind: a torn last line, drafts of files. Nothing that was finished is touched."""

from __future__ import annotations

import os
from pathlib import Path

from reticle_grounding.errors import BadInput

from .reader import parse_event
from .store import being_written, explained, sync_folder, write_atomic

TORN = "events.torn"
"""What was cut off the journal is kept here, under the same name in every trace."""


def repair(folder: Path) -> list[str]:
    """What was done, one line each; empty when nothing was to be mended.

    A last line without its line end is completed where it is a whole event, else moved to ``events.torn``. Raises
    BadInput when there is no journal or a run is writing it, ReticleError when the disk refuses.
    """
    journal = folder / "events.jsonl"
    if not journal.is_file():
        raise BadInput(f"no trace in {folder}: events.jsonl is not there")
    if being_written(journal):
        raise BadInput(f"the run in {folder} is still going on; wait for its end")
    return [*_mend(journal), *_without_drafts(folder)]


def _mend(journal: Path) -> list[str]:
    data = journal.read_bytes()
    whole, newline, rest = data.rpartition(b"\n")
    rest = rest if newline else data
    if not rest:
        return []
    number = (whole.count(b"\n") + 2) if newline else 1
    if _is_event(rest, journal, number):
        with explained(journal), journal.open("ab") as file:
            file.write(b"\n")
            file.flush()
            os.fsync(file.fileno())
        return [f"events.jsonl line {number}: its line end was missing and was written"]
    kept = journal.with_name(TORN)
    before = kept.read_bytes() if kept.is_file() else b""
    write_atomic(kept, before + rest + b"\n")  # on disk before the journal loses it
    with explained(journal), journal.open("r+b") as file:
        file.truncate(len(data) - len(rest))
        file.flush()
        os.fsync(file.fileno())
    return [f"events.jsonl line {number}: {len(rest)} torn bytes were moved to {TORN}"]


def _is_event(line: bytes, journal: Path, number: int) -> bool:
    try:
        return parse_event(line, journal, number).seq == number - 1
    except BadInput:
        return False


def _without_drafts(folder: Path) -> list[str]:
    said = []
    for path in sorted([*folder.glob(".*.part"), *folder.glob("frames/.*.part"), *folder.glob("maps/.*.part")]):
        with explained(path):
            path.unlink()
            sync_folder(path.parent)
        said.append(f"{path.relative_to(folder).as_posix()}: an unfinished file was removed")
    return said
