"""Takes symbol tables, which only a debugger reads, out of the libraries below folders: ``symbols.py FOLDER...``

Installers of Python packages rewrite libraries, and stripping some of those moves parts to places where the loader
refuses them. So each library is stripped into a copy, and the copy takes its place only when the loader would map the
very same bytes to the very same addresses (ELF-64 object file format, program headers).
"""

from __future__ import annotations

import hashlib
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
PROGRAM = struct.Struct("<IIQQQQQQ")
LOAD, THREAD = 1, 7
SECTIONS = (slice(40, 48), slice(58, 64))
"""Of the file header: where the section table lies, and its size. Loading does not look at it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One program header without its place in the file, and for what is loaded the digest of its bytes there."""

    kind: int
    flags: int
    address: int
    in_file: int
    in_memory: int
    align: int
    content: bytes | None


def loaded(data: bytes) -> tuple[bytes, list[Segment]]:
    """What loading a library looks at: its header, and all segments in order.

    Raises ValueError for what is no library of 64-bit little-endian ELF, is cut short, or cannot be mapped.
    """
    if data[:6] != b"\x7fELF\x02\x01" or len(data) < HEADER.size:
        raise ValueError("not a library of 64-bit little-endian ELF")
    _, _, _, _, _, table, _, _, _, size, count, *_ = HEADER.unpack_from(data)
    if size != PROGRAM.size or table + size * count > len(data):
        raise ValueError("its program headers are cut short")
    rows = [PROGRAM.unpack_from(data, table + i * size) for i in range(count)]
    plain = bytearray(data)  # without what is compared by itself, or not looked at
    for part in (*SECTIONS, slice(table, table + size * count)):
        plain[part] = bytes(part.stop - part.start)
    found = []
    for kind, flags, offset, address, _, in_file, in_memory, align in rows:
        if kind == LOAD and (offset + in_file > len(data) or (align > 1 and (offset - address) % align)):
            raise ValueError(f"the segment for {address:#x} cannot be mapped")
        content = hashlib.sha256(memoryview(plain)[offset : offset + in_file]).digest() if kind == LOAD else None
        if kind == THREAD and align > 1:  # loaders round it up; some linkers have done so already, strip does not
            in_memory += -in_memory % align
        found.append(Segment(kind, flags, address, in_file, in_memory, align, content))
    return bytes(plain[: HEADER.size]), found


def strip(library: Path, scratch: Path) -> int:
    """Bytes saved; 0 where there was nothing to take out, or where it would change what is loaded."""
    made = scratch / "library"
    done = subprocess.run(
        ["strip", "--strip-unneeded", "-o", str(made), str(library)], capture_output=True, check=False
    )
    if done.returncode:
        return 0
    saved = library.stat().st_size - made.stat().st_size
    if saved <= 0:
        return 0
    try:
        if loaded(made.read_bytes()) != loaded(library.read_bytes()):
            return 0
    except ValueError:
        return 0
    shutil.copymode(library, made)
    shutil.move(made, library)
    return saved


def libraries(folder: Path) -> Iterator[Path]:
    """The libraries below a folder, by name."""
    for path in sorted(folder.rglob("*.so*")):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                if file.read(4) == b"\x7fELF":
                    yield path


def main() -> None:
    folders = [Path(name) for name in sys.argv[1:]]
    if not folders or not all(folder.is_dir() for folder in folders):
        raise SystemExit(__doc__)
    if shutil.which("strip") is None:
        raise SystemExit("reticle: strip is not installed (package binutils)")
    found = [library for folder in folders for library in libraries(folder)]
    with tempfile.TemporaryDirectory(dir=folders[0]) as scratch:
        saved = [strip(library, Path(scratch)) for library in found]
    changed = sum(bool(count) for count in saved)
    sys.stdout.write(
        f"reticle: symbol tables taken out of {changed} of {len(found)} libraries, {sum(saved) / 1e6:.0f} MB less\n"
    )


if __name__ == "__main__":
    main()
