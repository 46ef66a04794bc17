"""Which installed files a packaged build takes, and in which form."""

from __future__ import annotations

import marshal
import os
import py_compile
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import Distribution, PathDistribution, distribution
from pathlib import Path
from types import ModuleType

import pytest

INSTALLS = "install_config_module(sys"
PACKAGING = Path(__file__).resolve().parents[2] / "packaging"


@pytest.fixture(scope="module")
def installed() -> Iterator[ModuleType]:
    pytest.importorskip("packaging.requirements", reason="packaging reads what distributions require")
    sys.path.insert(0, str(PACKAGING))
    try:
        import installed

        yield installed
    finally:
        sys.path.remove(str(PACKAGING))
        for name in ("installed", "contents"):
            sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def kept(installed: ModuleType) -> dict[str, Path]:
    """Files of what Reticle requires, by their path in the build; Reticle itself may be an editable installation."""
    found = {}
    for name, one in installed.required("reticle", installed.contents.EXTRAS).items():
        if name != "reticle":
            found.update(installed.files(one))
    return found


def install(site: Path, files: dict[str, str], record: list[str] | None = None) -> Distribution:
    """A distribution ``tiny`` with these files, listed in its record unless another one is given."""
    for path, text in files.items():
        (site / path).parent.mkdir(parents=True, exist_ok=True)
        (site / path).write_text(text, encoding="utf-8")
    info = site / "tiny-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n", encoding="utf-8")
    listed = [*files, "tiny-1.0.dist-info/METADATA", "tiny-1.0.dist-info/RECORD"] if record is None else record
    if listed:
        (info / "RECORD").write_text("".join(f"{path},,\n" for path in listed), encoding="utf-8")
    return PathDistribution(info)


TINY = {
    "tiny/__init__.py": "from .part import answer\n",
    "tiny/part.py": "def answer() -> int:\n    return 42\n",
    "tiny/data.json": "{}",
    "tiny/tests/test_part.py": "assert False\n",
    "tiny/part.pyi": "",
    "../../bin/tiny": "",
}


def test_what_is_required_comes_along_but_for_what_is_left_out(installed: ModuleType) -> None:
    names = set(installed.required("reticle", installed.contents.EXTRAS))
    assert {"reticle", "torch", "transformers", "pyside6-essentials", "rapidocr", "fastapi", "mcp", "sympy"} <= names
    assert not names & set(installed.contents.EXCLUDED_DISTRIBUTIONS)
    assert not names & {"pytest", "ruff", "mypy", "hypothesis", "schemathesis"}
    assert "fastapi" not in installed.required("reticle")


def test_each_distribution_that_is_left_out_would_come_along(
    installed: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the rule has lost its reason."""
    left_out = set(installed.contents.EXCLUDED_DISTRIBUTIONS)
    monkeypatch.setattr(installed.contents, "EXCLUDED_DISTRIBUTIONS", ())
    assert left_out <= set(installed.required("reticle", ("server", "mcp")))


def test_a_requirement_that_is_not_installed_is_named(installed: ModuleType) -> None:
    with pytest.raises(SystemExit, match="no-such-thing is required and not installed"):
        installed.required("no-such-thing")


def test_files_are_taken_from_the_record_by_rule(installed: ModuleType, tmp_path: Path) -> None:
    site = tmp_path / "lib" / "site"
    taken = dict(installed.files(install(site, TINY)))
    assert list(taken) == ["tiny/__init__.py", "tiny/part.py", "tiny/data.json", "tiny-1.0.dist-info/METADATA"]
    assert taken["tiny/data.json"] == site / "tiny/data.json"


def test_incomplete_installations_are_refused(installed: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"tiny is installed in part only: .*gone\.py is missing"):
        list(installed.files(install(tmp_path / "a", {}, ["tiny/gone.py"])))
    with pytest.raises(SystemExit, match="tiny was installed without a list"):
        list(installed.files(install(tmp_path / "b", {}, [])))


@pytest.mark.parametrize("with_source", [False, True])
def test_copied_files_import_without_being_compiled_again(
    installed: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_source: bool
) -> None:
    one = install(tmp_path / "lib" / "site", TINY)
    monkeypatch.setattr(installed, "required", lambda name, extras: {"tiny": one})
    monkeypatch.setattr(installed.contents, "SOURCES_NEEDED", ("tiny",) if with_source else ())
    build = tmp_path / "build"
    for path, file, kind in installed.entries("tiny", (), tmp_path / "scratch"):
        assert kind == "DATA"
        (build / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, build / path)  # with a time of its own, as after unpacking
    assert (build / "tiny/part.py").is_file() is with_source
    said = subprocess.run(
        [sys.executable, "-v", "-c", "import tiny; print(tiny.answer(), tiny.answer.__code__.co_filename)"],
        env={**os.environ, "PYTHONPATH": str(build), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    shown = str(build / "tiny/part.py") if with_source else "tiny/part.py"
    assert said.stdout == f"42 {shown}\n"
    assert "matches" in said.stderr or not with_source
    assert f"code object from '{build}/tiny/part.py'" not in said.stderr


def test_installed_bytecode_is_used_until_its_source_changes(installed: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "part.py"
    source.write_text("a = 1\n", encoding="utf-8")
    py_compile.compile(str(source), doraise=True)
    cached = next((tmp_path / "__pycache__").iterdir())
    # told apart from a new one by what it does
    cached.write_bytes(cached.read_bytes()[:16] + marshal.dumps(compile("a = 'kept'", "elsewhere.py", "exec")))
    made = installed.bytecode(source, "tiny/part.py", tmp_path / "new")
    code = marshal.loads(made.read_bytes()[16:])
    assert (made, code.co_filename) == (tmp_path / "new/tiny/part.pyc", "tiny/part.py")
    assert "kept" in code.co_consts
    source.write_text("a = 22\n", encoding="utf-8")
    os.utime(source, (time.time() + 5, time.time() + 5))
    code = marshal.loads(installed.bytecode(source, "tiny/part.py", tmp_path / "new").read_bytes()[16:])
    assert 22 in code.co_consts


def test_settings_that_are_read_from_their_source_come_with_it(installed: ModuleType, kept: dict[str, Path]) -> None:
    """Modules of torch that take their settings from comments in their own source."""
    readers = [
        p for p, f in kept.items() if p.startswith("torch/") and p.endswith("onfig.py") and INSTALLS in f.read_text()
    ]
    assert {"torch/_dynamo/config.py", "torch/_inductor/config.py"} <= set(readers)
    assert [path for path in readers if not installed.contents.with_source(path)] == []


def test_overloads_that_torch_reads_from_their_source_come_with_it(
    installed: ModuleType, kept: dict[str, Path]
) -> None:
    """Without it torch warns about each of them whenever it starts."""
    imported, used = (
        r"from torch\._jit_internal import (\([^)]*|[^\n]*)\b_overload\b",
        r"@torch\._jit_internal\._overload",
    )
    overload = re.compile(f"{imported}|{used}")
    places = [path for path in kept if re.fullmatch(r"torch/(\w+|nn/\w+|nn/modules/\w+)\.py", path)]
    readers = [path for path in places if overload.search(kept[path].read_text(encoding="utf-8"))]
    assert {"torch/functional.py", "torch/nn/functional.py"} <= set(readers)
    assert [path for path in readers if not installed.contents.with_source(path)] == []


def test_qt_keeps_every_library_that_it_opens(kept: dict[str, Path]) -> None:
    """What kept libraries of Qt name as needed and Qt itself brings is kept, too."""
    if shutil.which("readelf") is None:
        pytest.skip("readelf is not installed")
    brought = {Path(str(f)).name for f in distribution("pyside6_essentials").files or []}
    ours = {path: file for path, file in kept.items() if path.startswith("PySide6/") and ".so" in path}
    assert {"PySide6/QtWidgets.abi3.so", "PySide6/Qt/plugins/platforms/libqxcb.so"} <= set(ours)
    said = subprocess.run(
        ["readelf", "-d", *map(str, ours.values())], capture_output=True, text=True, check=True
    ).stdout
    needed = {line.split("[")[1].split("]")[0] for line in said.splitlines() if "(NEEDED)" in line}
    assert "libQt6Core.so.6" in needed
    assert (needed & brought) - {Path(path).name for path in ours} == set()


def test_torch_keeps_what_it_starts_and_loads(kept: dict[str, Path]) -> None:
    for path in ("torch/bin/torch_shm_manager", "torch/lib/libtorch_cpu.so", "torch/lib/libshm.so"):
        assert path in kept
    assert [path for path in kept if path.startswith("torch/bin/")] == ["torch/bin/torch_shm_manager"]


def test_licences_of_what_is_passed_on_come_along(installed: ModuleType, kept: dict[str, Path]) -> None:
    for name in ("torch", "numpy", "pyside6", "rapidocr"):
        info = [path for path in kept if path.startswith((f"{name}-", f"{name}_")) and ".dist-info/" in path]
        assert any(path.endswith("METADATA") for path in info)
        assert not any(path.endswith(("RECORD", "INSTALLER")) for path in info)
    licences = [p for p in kept if ".dist-info/" in p and "licen" in p.lower()]
    assert any(path.startswith("torch-") for path in licences)
    assert any(path.startswith("numpy-") for path in licences)
