"""Exports appear whole or not at all, and never replace what is there."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reticle_agent.trace.plain import JsonValue
from reticle_grounding.errors import BadInput, ReticleError


@contextmanager
def draft(out: Path, folder: bool) -> Iterator[Path]:
    """A place beside ``out`` to write to, moved there at the end: an empty folder, or a file yet to be made.

    Raises BadInput when ``out`` exists (an empty folder may) or its parent cannot be used, ReticleError when the disk
    refuses.
    """
    _check(out, folder)
    place = out.with_name(f".{out.stem}.part{'' if folder else out.suffix}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        _remove(place)
        if folder:
            place.mkdir(mode=0o700)
        yield place
        if not folder:
            place.chmod(0o600)
        if folder and out.is_dir():
            out.rmdir()
        place.replace(out)
    except OSError as error:
        raise ReticleError(f"cannot write {out}: {error.strerror or error}; choose another place") from error
    finally:
        with suppress(OSError):
            _remove(place)


def _check(out: Path, folder: bool) -> None:
    if folder and out.is_dir():
        if any(out.iterdir()):
            raise BadInput(f"{out} is not empty; an export needs a new or empty folder")
        return
    if out.exists() or out.is_symlink():
        raise BadInput(f"{out} exists; an export never replaces anything, choose a new name")
    if not out.name:
        raise BadInput(f"'{out}' names no file or folder to write")


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """UTF-8; half a surrogate pair, which it cannot hold, becomes a question mark."""
    write_data(path, text.encode("utf-8", "replace"))


def write_data(path: Path, data: bytes) -> None:
    """A new file that only this user can read."""
    with open(path, "xb", opener=_private) as file:
        file.write(data)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def write_json(path: Path, value: JsonValue) -> None:
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_lines(path: Path, rows: Iterable[JsonValue]) -> None:
    """JSON Lines."""
    write_text(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))
