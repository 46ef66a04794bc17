"""Symbol tables are taken out of libraries only where loading them stays the same, byte for byte."""

from __future__ import annotations

import ctypes
import importlib.util
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

PACKAGING = Path(__file__).resolve().parents[2] / "packaging"
pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux") or struct.calcsize("P") != 8, reason="libraries of 64-bit Linux"
)


@pytest.fixture(scope="module")
def symbols() -> ModuleType:
    spec = importlib.util.spec_from_file_location("packaging_symbols", PACKAGING / "symbols.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for the module of an annotation
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A small extension of this environment, copied; safetensors comes with its symbol table."""
    spec = importlib.util.find_spec("safetensors")
    assert spec is not None
    found = sorted(Path(str(spec.origin)).parent.glob("_safetensors_rust*.so"))
    assert found
    copied = tmp_path / "build" / found[0].name
    copied.parent.mkdir()
    shutil.copy(found[0], copied)
    return copied


def fake_strip(folder: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Puts a ``strip`` first on the path that copies the last argument (-o is the second) and then runs a line."""
    folder.mkdir()
    (folder / "strip").write_text(f'#!/bin/sh\nset -e\ncp "$4" "$3"\n{line}\n', encoding="utf-8")
    (folder / "strip").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_stripped_library_is_smaller_and_loads(symbols: ModuleType, library: Path, tmp_path: Path) -> None:
    if shutil.which("strip") is None:
        pytest.skip("strip is not installed")
    before, mode = library.stat().st_size, library.stat().st_mode
    seen = symbols.loaded(library.read_bytes())
    saved = symbols.strip(library, tmp_path)
    assert saved > 0
    assert library.stat().st_size == before - saved
    assert library.stat().st_mode == mode
    assert symbols.loaded(library.read_bytes()) == seen
    assert hasattr(ctypes.CDLL(str(library)), "PyInit__safetensors_rust")


def test_a_library_that_would_load_differently_is_left_alone(
    symbols: ModuleType, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = library.read_bytes()
    # shorter, and one byte of what is loaded is another one
    fake_strip(
        tmp_path / "bin",
        monkeypatch,
        'truncate -s -64 "$3"; printf \'\\377\' | dd of="$3" bs=1 seek=4096 conv=notrunc 2>/dev/null',
    )
    changed = bytearray(before)
    changed[4096] = 0xFF
    assert symbols.loaded(bytes(changed)) != symbols.loaded(before)
    assert symbols.strip(library, tmp_path) == 0
    assert library.read_bytes() == before


def test_a_library_that_is_cut_short_or_cannot_be_mapped_is_left_alone(
    symbols: ModuleType, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = library.read_bytes()
    with pytest.raises(ValueError, match="cannot be mapped"):
        symbols.loaded(before[: len(before) // 2])
    with pytest.raises(ValueError, match="cut short"):
        symbols.loaded(before[:100])
    table = struct.unpack_from("<Q", before, 32)[0]
    size, count = struct.unpack_from("<HH", before, 54)
    last = max(i for i in range(count) if struct.unpack_from("<I", before, table + i * size)[0] == symbols.LOAD)
    moved = bytearray(before)
    place = table + last * size + 8
    struct.pack_into("<Q", moved, place, struct.unpack_from("<Q", before, place)[0] - 8)
    with pytest.raises(ValueError, match="cannot be mapped"):
        symbols.loaded(bytes(moved))
    fake_strip(tmp_path / "bin", monkeypatch, 'truncate -s 8192 "$3"')
    assert symbols.strip(library, tmp_path) == 0
    assert library.read_bytes() == before


def test_what_is_no_library_is_refused_and_passed_over(symbols: ModuleType, library: Path) -> None:
    for data in (b"", b"INPUT(libother.so)", b"\x7fELF\x01\x01" + bytes(100)):
        with pytest.raises(ValueError, match="not a library"):
            symbols.loaded(data)
    (library.parent / "script.so").write_text("INPUT(libother.so)", encoding="utf-8")
    (library.parent / "other.so.6").symlink_to(library.name)
    assert list(symbols.libraries(library.parent)) == [library]


def test_it_says_how_much_less_it_is(library: Path) -> None:
    if shutil.which("strip") is None:
        pytest.skip("strip is not installed")
    command = [sys.executable, str(PACKAGING / "symbols.py")]
    done = subprocess.run([*command, str(library.parent)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "taken out of 1 of 1 libraries" in done.stdout
    assert sorted(library.parent.iterdir()) == [library]
    wrong = subprocess.run([*command, "/nowhere"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 1
    assert "symbols.py FOLDER" in wrong.stderr
