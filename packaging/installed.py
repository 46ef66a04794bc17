"""The files of Reticle and of everything it requires, as installers recorded them.

A build copies these files where they were installed to, relative to each other, so that nothing has to be guessed:
what a distribution reads beside its modules comes along unless a rule of ``contents`` leaves it out, and its libraries
find each other as they do in an ordinary environment.
"""

from __future__ import annotations

import importlib.util
import marshal
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import SourceFileLoader
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from types import CodeType

import contents
from packaging.requirements import Requirement

Entry = tuple[str, str, str]
"""(path inside the build, file, kind), as PyInstaller takes it."""
UNCHECKED = 1
"""Flags of bytecode that is known by the hash of its source and never compared with it."""


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
    """A file below ``scratch`` with the bytecode of ``source``, taken from its installation where it is up to date.

    Errors in it name ``shown`` as their file, not a place on the machine that builds. It holds whatever the time of its
    source is after copying (PEP 552, hash-based and not checked).
    """
    code = _code(source, contents.module_of(shown))
    made = scratch / f"{shown}c"
    made.parent.mkdir(parents=True, exist_ok=True)
    digest = importlib.util.source_hash(source.read_bytes())
    head = importlib.util.MAGIC_NUMBER + UNCHECKED.to_bytes(4, "little") + digest
    made.write_bytes(head + marshal.dumps(_renamed(code, shown)))
    return made


def _code(source: Path, module: str) -> CodeType:
    """As importing would get it, but for writing anything beside the source."""
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        code = SourceFileLoader(module, str(source)).get_code(module)
    finally:
        sys.dont_write_bytecode = before
    assert code is not None
    return code


def _renamed(code: CodeType, shown: str) -> CodeType:
    inner = tuple(_renamed(const, shown) if isinstance(const, CodeType) else const for const in code.co_consts)
    return code.replace(co_filename=shown, co_consts=inner)


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
                found[cached] = (cached, str(bytecode(file, path, scratch)), "DATA")
            else:
                found[f"{path}c"] = (f"{path}c", str(bytecode(file, path, scratch)), "DATA")
    return list(found.values())


def _tag() -> str:
    return importlib.util.cache_from_source("a.py", optimization="").rpartition("/")[2].split(".")[1]


def top_level(paths: Iterable[str]) -> list[str]:
    """The importable names that these paths begin with."""
    names = {path.replace("\\", "/").split("/")[0].split(".")[0] for path in paths if ".dist-info/" not in path}
    return sorted(name for name in names if name.isidentifier())
