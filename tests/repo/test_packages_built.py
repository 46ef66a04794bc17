"""Builds the packages and uses them as a person would: minutes each, and only where what builds is at hand."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
BUILD = REPO / "packaging/build.sh"
TOOLS = Path(os.environ.get("RETICLE_TOOLS", "/tmp/reticle-packages/tools"))
pytestmark = [pytest.mark.slow, pytest.mark.timeout(7200)]


def tools(module: str) -> Path:
    """The environment with what builds; the test is skipped where the module is not in it."""
    python = TOOLS / "bin/python"
    if not python.is_file() or subprocess.run([str(python), "-c", f"import {module}"], check=False).returncode:
        pytest.skip(
            f"{module} is not installed in {TOOLS}; `packaging/build.sh wheel` brings it, RETICLE_TOOLS names another"
        )
    for program in ("Xvfb", "openbox", "xdotool", "xclip", "mousepad", "unzip", "bc", "pgrep"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    return TOOLS


def build(what: str, out: Path, environment: Path) -> str:
    """What ``build.sh`` said; it fails when a package does not do what it must."""
    environ = {**os.environ, "RETICLE_PACKAGES": str(out), "RETICLE_TOOLS": str(environment), "RETICLE_FULL": "0"}
    environ["RETICLE_PYTHON"] = sys.executable
    done = subprocess.run([str(BUILD), what], env=environ, capture_output=True, text=True, check=False, cwd=out)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    return done.stdout


def run(*command: str, cwd: Path) -> str:
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, check=True).stdout


def test_wheel_installs_into_a_venv_and_works_outside_the_checkout(tmp_path: Path) -> None:
    said = build("wheel", tmp_path, tools("hatchling"))
    command = tmp_path / "clean/bin/reticle"
    assert f"{command} works" in said
    assert "window closed in order" in said
    for package in ("reticle_app", "reticle_agent", "reticle_grounding", "reticle_kernels"):
        where = run(str(command.parent / "python"), "-c", f"import {package} as it; print(it.__file__)", cwd=tmp_path)
        assert Path(where.strip()).is_relative_to(tmp_path / "clean")
    assert (tmp_path / "pictures-wheel/run/events.jsonl").stat().st_size > 0


def test_folder_works_without_python(tmp_path: Path) -> None:
    said = build("folder", tmp_path, tools("PyInstaller"))
    folder = tmp_path / "dist/reticle"
    assert f"{folder / 'reticle'} works" in said
    assert "window closed in order" in said
    inside = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    assert not [path for path in inside if "triton" in path.split("/") or path.endswith(".pyi")]
    # libraries of the folder find each other, and all others in the system; what wheels keep in *.libs is asked about
    # through the modules that load it, because some of it (libgfortran in scipy's) is found by their search path alone
    named = [Path(path) for path in inside if ".so" in Path(path).name]
    libraries = [str(folder / path) for path in named if not path.parent.name.endswith(".libs")]
    missing = subprocess.run(["ldd", *libraries], capture_output=True, text=True, check=False).stdout
    assert [line for line in missing.splitlines() if "not found" in line] == []
