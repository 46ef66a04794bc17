"""The files of Reticle and of everything it requires, as installers recorded them.

A build copies these files where they were installed to, relative to each other, so that nothing has to be guessed:
what a distribution reads beside its modules comes along unless a rule of ``contents`` leaves it out, and its libraries
find each other as they do in an ordinary environment.
"""

from __future__ import annotations

import importlib.util
import py_compile
import re
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import contents
from packaging.requirements import Requirement

Entry = tuple[str, str, str]
"""(path inside the build, file, kind), as PyInstaller takes it."""
_HEADER = 16
"""Bytes before the code: magic number, flags, then time and size of the source, or its hash."""


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def required(name: str, extras: Iterable[str] = ()) -> dict[str, Distribution]:
    """The distribution ``name`` and all that it requires here, by normalised name, without the excluded ones.

    Raises SystemExit for one that is not installed.
    """
    found: dict[str, Distribution] = {}
    asked: set[tuple[str, str]] = set()
    waiting = [(name, extra) for extra in ("", *extras)]
    while waiting:
        wanted, extra = waiting.pop()
        key = normalised(wanted)
        if (key, extra) in asked or key in contents.EXCLUDED_DISTRIBUTIONS:
            continue
        asked.add((key, extra))
        try:
            found[key] = distribution(wanted)
        except PackageNotFoundError:
            raise SystemExit(f"{wanted} is required and not installed in the environment that is packaged") from None
        for line in found[key].requires or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                waiting += [(requirement.name, further) for further in ("", *requirement.extras)]
    return dict(sorted(found.items()))


def files(one: Distribution) -> Iterator[tuple[str, Path]]:
    """(path inside the build, file) of the wanted files of a distribution, in the order of its record.

    Raises SystemExit when it was installed without a record, or when a recorded file is not there.
    """
    if one.files is None:
        raise SystemExit(f"{one.metadata['Name']} was installed without a list of its files; install it from a wheel")
    for recorded in one.files:
        path = recorded.as_posix()
        if path.startswith(("..", "/")) or "__pycache__" in path or not contents.wanted_file(path):
            continue
        file = Path(str(one.locate_file(recorded)))
        if not file.is_file():
            raise SystemExit(f"{one.metadata['Name']} is installed in part only: {file} is missing")
        yield path, file


def bytecode(source: Path, shown: str, scratch: Path) -> Path:
    """A file with the bytecode of ``source``: the installed one where it is not out of date, else a new one.

    The new one lies below ``scratch``, names ``shown`` as its source and is not compared with it when it is loaded.
    """
    kept = Path(importlib.util.cache_from_source(str(source), optimization=""))
    if kept.is_file() and _header(source) == _read(kept, _HEADER):
        return kept
    made = scratch / f"{shown}c"
    py_compile.compile(
        str(source), str(made), shown, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
    )
    return made


def unchecked(source: Path, shown: str, scratch: Path) -> Path:
    """The bytecode of ``source`` in a form that holds whatever the time of the source is after copying."""
    code = bytecode(source, shown, scratch)
    made = scratch / "unchecked" / f"{shown}c"
    made.parent.mkdir(parents=True, exist_ok=True)
    digest = importlib.util.source_hash(source.read_bytes())
    made.write_bytes(importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + digest + code.read_bytes()[_HEADER:])
    return made


def _header(source: Path) -> bytes:
    """Of bytecode that is up to date (PEP 552, invalidated by time)."""
    stat = source.stat()
    words = (0, int(stat.st_mtime) & 0xFFFFFFFF, stat.st_size & 0xFFFFFFFF)
    return importlib.util.MAGIC_NUMBER + b"".join(word.to_bytes(4, "little") for word in words)


def _read(file: Path, count: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(count)


def entries(name: str, extras: Iterable[str], scratch: Path) -> list[Entry]:
    """All files of a build beside the program itself and the standard library.

    Modules come as bytecode in place of their sources, or beside them where :func:`contents.with_source` asks for it.
    """
    found: dict[str, Entry] = {}
    for one in required(name, extras).values():
        for path, file in files(one):
            if not path.endswith(".py"):
                found[path] = (path, str(file), "DATA")
            elif contents.with_source(path):
                folder, _, stem = path.removesuffix(".py").rpartition("/")
                cached = f"{folder}/__pycache__/{stem}.{_tag()}.pyc"
                found[path] = (path, str(file), "DATA")
                found[cached] = (cached, str(unchecked(file, path, scratch)), "DATA")
            else:
                found[f"{path}c"] = (f"{path}c", str(bytecode(file, path, scratch)), "DATA")
    return list(found.values())


def _tag() -> str:
    return importlib.util.cache_from_source("a.py", optimization="").rpartition("/")[2].split(".")[1]


def top_level(paths: Iterable[str]) -> list[str]:
    """The importable names that these paths begin with."""
    names = {path.replace("\\", "/").split("/")[0].split(".")[0] for path in paths if ".dist-info/" not in path}
    return sorted(name for name in names if name.isidentifier())
