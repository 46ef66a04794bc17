"""Whether a kept model is still what it was when it came."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .digests import digest_file
from .errors import StoreError
from .store import FileRecord, Record, Store


@dataclass(frozen=True, slots=True)
class Problem:
    """One file that is not as recorded."""

    file: str
    kind: Literal["missing", "changed", "surplus", "record"]
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file} ({self.detail})"


def verify(store: Store, name: str, progress: Callable[[int, int], None] | None = None) -> list[Problem]:
    """All problems, read from every byte. Raises BadInput for an unknown name.

    Args:
        progress: told (bytes read, bytes in all).
    """
    try:
        record = store.record(name)
    except StoreError as error:
        return [Problem(f"{name}.json", "record", str(error))]
    folder = store.folder(name)
    found = at_a_glance(folder, record)
    wrong = {problem.file for problem in found}
    done = 0

    def more(count: int) -> None:
        nonlocal done
        done += count
        if progress:
            progress(done, record.size)

    for file in record.files:
        if file.name not in wrong:
            found += _content(folder / file.name, file, more)
    return sorted(found, key=lambda problem: (problem.file, problem.kind))


def at_a_glance(folder: Path, record: Record) -> list[Problem]:
    """What names and sizes alone show; a changed file of the same size is not among it."""
    told = {file.name: file for file in record.files}
    there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) if folder.is_dir() else []
    found = [Problem(name, "surplus", "not in the record") for name in there if name not in told]
    for name, file in told.items():
        try:
            about = (folder / name).lstat()
        except OSError:
            found.append(Problem(name, "missing", f"{file.size} bytes are recorded"))
            continue
        if not stat.S_ISREG(about.st_mode):
            found.append(Problem(name, "changed", "no plain file any more"))
        elif about.st_size != file.size:
            found.append(Problem(name, "changed", f"{about.st_size} bytes, {file.size} are recorded"))
    return found


def _content(path: Path, file: FileRecord, more: Callable[[int], None]) -> list[Problem]:
    try:
        sha256 = digest_file(path, more).sha256
    except StoreError as error:
        return [Problem(file.name, "changed", str(error))]
    if sha256 == file.sha256:
        return []
    return [Problem(file.name, "changed", f"SHA-256 is {sha256}, {file.sha256} is recorded")]
