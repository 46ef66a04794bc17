"""Files that survive a crash: whole or absent, and on disk before the call returns."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reticle_grounding.errors import BadInput, ReticleError


class NotRecordedError(ReticleError):
    """The disk refuses a part of the record."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turns a failing disk into one line a person can act on. Raises NotRecordedError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise NotRecordedError(
            f"cannot write the trace file {path}: {reason}; free some space or choose another folder"
        ) from error


def new_folder(path: Path) -> None:
    """Makes a folder that only this user can enter; an empty one that exists is taken.

    Raises BadInput when something else is there or nothing can be made there.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(path.parent)
        occupied = any(path.iterdir())
    except OSError as error:
        raise BadInput(f"cannot create the trace folder {path}: {error.strerror}; choose another folder") from error
    if occupied:
        raise BadInput(f"the trace folder {path} is not empty; choose a new folder, a recorded trace is never replaced")


def sync_folder(path: Path) -> None:
    """Puts the folder's entries on disk; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomic(path: Path, data: bytes) -> None:
    """Replaces ``path`` by ``data`` in one move; only this user can read it.

    Raises ReticleError when the disk refuses; no half file stays.
    """
    draft = path.with_name(f".{path.name}.part")
    with explained(path):
        try:
            with open(draft, "wb", opener=_private) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(path.parent)
        except OSError:
            with suppress(OSError):
                draft.unlink(missing_ok=True)
            raise


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def lock_file(handle: int) -> bool:
    """Takes the file for this process; False when another has it. Without such locks (Windows) always True."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def being_written(path: Path) -> bool:
    """Whether a journal is open in a running program. Raises ReticleError when it cannot be opened."""
    with explained(path):
        handle = os.open(path, os.O_RDWR)
    try:
        return not lock_file(handle)
    finally:
        os.close(handle)


class Journal:
    """An append-only file of lines, each on disk when :meth:`append` returns. One writer; not thread-safe."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with explained(path):
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o600)
            sync_folder(path.parent)
        lock_file(self._file)
        self._size = 0

    def append(self, line: bytes) -> None:
        """Writes one line, without its line end. A failed write is taken back, so the file stays readable."""
        data = memoryview(line + b"\n")
        with explained(self._path):
            try:
                while data:
                    data = data[os.write(self._file, data) :]
                os.fsync(self._file)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(self._file, self._size)
                raise
        self._size += len(line) + 1

    def close(self) -> None:
        os.close(self._file)
