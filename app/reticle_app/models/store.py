"""The folder of kept models: ``NAME/`` with a model's files and nothing else, and a record of each in ``.records/``.

What is not complete lies in ``.partial/NAME/`` and becomes ``NAME/`` in one rename, after every check.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reticle_grounding.errors import BadInput

from .errors import NoSpace, StoreError

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SPARE = 256 * 2**20
"""Bytes that stay free on the disk."""
_RECORDS, _PARTIAL, _GONE = ".records", ".partial", ".gone"


class FileRecord(BaseModel):
    """One file of a kept model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    size: Annotated[int, Field(ge=0)]
    """Bytes."""
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    checked: Literal["sha256", "git", "nothing"]
    """What the file was compared with when it came: a published SHA-256, git's checksum, or nothing."""


class Record(BaseModel):
    """What is known about a kept model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    name: str
    repository: str | None
    revision: str | None
    """Commit of the repository."""
    origin: str
    """The hub's address or the folder it was imported from."""
    added: str
    """UTC, ISO 8601."""
    method: str
    licence: str
    bases: tuple[tuple[str, str], ...]
    commercial_use: Literal["yes", "no", "unknown"]
    parameters: int
    memory: dict[str, int]
    """Type of number -> bytes for weights and cache."""
    files: tuple[FileRecord, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


def check_name(name: str) -> str:
    """The name itself. Raises BadInput for one that is no plain file name."""
    if not NAME.fullmatch(name) or name.endswith("."):
        raise BadInput(f"{name!r} cannot name a model: letters, digits, '.', '_' and '-' are allowed, up to 100")
    return name


class Store:
    """Kept models below one folder, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str) -> Path:
        return self.root / check_name(name)

    def partial(self, name: str) -> Path:
        return self.root / _PARTIAL / check_name(name)

    def _record_path(self, name: str) -> Path:
        return self.root / _RECORDS / f"{check_name(name)}.json"

    def names(self) -> list[str]:
        """Names with a record, in order."""
        return sorted(path.stem for path in (self.root / _RECORDS).glob("*.json"))

    def unfinished(self) -> list[str]:
        """Names of downloads that were cut short."""
        folder = self.root / _PARTIAL
        return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []

    def unrecorded(self) -> list[str]:
        """Folders that somebody put here past this program."""
        if not self.root.is_dir():
            return []
        told = set(self.names())
        return sorted(p.name for p in self.root.iterdir() if not p.name.startswith(".") and p.name not in told)

    def holds(self, name: str) -> bool:
        return self._record_path(name).is_file()

    def record(self, name: str) -> Record:
        """Raises BadInput for a name that is not kept, StoreError for a damaged record."""
        path = self._record_path(name)
        try:
            record = Record.model_validate_json(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BadInput(f"no model is called {name}; `reticle models list` shows those there are") from None
        except (OSError, UnicodeDecodeError, ValidationError) as error:
            raise StoreError(f"the record {path} is damaged; remove the model and get it again") from error
        if record.name != name:
            raise StoreError(f"the record {path} speaks of {record.name}; remove the model and get it again")
        return record

    def named(self, name: str) -> str | None:
        """The kept model of this name or of this repository; None when there is none or several fit."""
        if NAME.fullmatch(name) and self.holds(name):
            return name
        fitting = [kept for kept in self.names() if self._published_as(kept) == name] if "/" in name else []
        return fitting[0] if len(fitting) == 1 else None

    def _published_as(self, name: str) -> str | None:
        try:
            return self.record(name).repository
        except StoreError:
            return None

    def check_free(self, name: str) -> None:
        """Raises BadInput when a new model cannot be called so, also where only the case of letters differs."""
        check_name(name)
        taken = [*self.names(), *self.unrecorded()]
        if clash := next((other for other in taken if other.casefold() == name.casefold()), None):
            raise BadInput(f"{clash} is there already; remove it first or choose another --name")

    def check_space(self, needed: int) -> None:
        """Raises NoSpace when the disk cannot take so many more bytes."""
        place = next(path for path in (self.root, *self.root.parents) if path.exists())
        free = shutil.disk_usage(place).free
        if needed + SPARE > free:
            raise NoSpace(
                f"{gigabytes(needed)} and {gigabytes(SPARE)} to spare are needed in {place},"
                f" {gigabytes(free)} are free; make room or set `models` in the settings to another disk"
            )

    def add(self, staged: Path, record: Record) -> Path:
        """Makes a checked folder the kept model, in place of an older one of its name. Returns where it lies.

        A crash leaves the old model, the new one, or a folder without a record, which is shown and never opened by
        name. Raises StoreError when the disk refuses.
        """
        target, path = self.folder(record.name), self._record_path(record.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            self._throw_away(target)
            os.replace(staged, target)
            draft = path.with_suffix(".part")
            draft.write_text(record.model_dump_json(indent=1) + "\n", encoding="utf-8")
            os.replace(draft, path)
        except OSError as error:
            raise StoreError(f"cannot put the model into {target}: {error.strerror}") from error
        return target

    def remove(self, name: str) -> None:
        """Deletes a kept model, what is left of one, or a cut-short download. Raises StoreError when it cannot."""
        with self._locked(name) as staged:
            try:
                self._record_path(name).unlink(missing_ok=True)
                self._throw_away(self.folder(name))
                self._throw_away(staged)
            except OSError as error:
                raise StoreError(f"cannot delete {name} in {self.root}: {error.strerror}") from error

    def _throw_away(self, path: Path) -> None:
        """Renamed first, so that nothing half-deleted is ever taken for a model. A link is cut, not followed."""
        if path.is_symlink() or path.is_file():
            path.unlink()
        elif path.exists():
            gone = self.root / _GONE / f"{path.name}-{os.getpid()}"
            gone.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, gone)
            shutil.rmtree(gone)

    @contextmanager
    def at_work(self, name: str) -> Iterator[Path]:
        """The folder in which a model is put together; one process at a time. Raises BadInput while another has it."""
        with self._locked(name) as staged:
            try:
                staged.mkdir(exist_ok=True)
            except OSError as error:
                raise BadInput(f"cannot write to {staged}: {error.strerror}") from error
            try:
                yield staged
            finally:
                if staged.is_dir() and not any(staged.iterdir()):
                    staged.rmdir()

    @contextmanager
    def _locked(self, name: str) -> Iterator[Path]:
        staged = self.partial(name)
        try:
            staged.parent.mkdir(parents=True, exist_ok=True)
            file = staged.with_name(f"{name}.lock").open("w")
        except OSError as error:
            raise BadInput(f"cannot write to {self.root}: {error.strerror}") from error
        with file:
            _lock(file.fileno(), name)
            yield staged


def _lock(descriptor: int, name: str) -> None:
    if sys.platform == "win32":
        return
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BadInput(f"{name} is being fetched by another process") from None


def gigabytes(count: int) -> str:
    """Bytes in words, in powers of 1000 as disks are sold."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"
