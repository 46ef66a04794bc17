"""The repository keeps its promises about layout and imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("package", ["reticle_app", "reticle_agent", "reticle_app.cli.main"])
def test_starting_does_not_load_torch_or_qt(package: str) -> None:
    heavy = "{'torch', 'transformers', 'PySide6', 'pyautogui'}"
    code = f"import {package}, sys; print(sorted({heavy} & set(sys.modules)))"
    assert run_python(code) == "[]"


def test_source_roots_are_not_packages() -> None:
    for root in ("app", "agent", "grounding", "kernels"):
        assert not (REPO / root / "__init__.py").exists()


def test_kernels_is_not_importable_from_us() -> None:
    code = "import importlib.util as u; s = u.find_spec('kernels'); print(s.origin if s else None)"
    assert run_python(code) == "None"


def test_model_classes_import() -> None:
    names = "Qwen2VLForConditionalGeneration, Qwen2_5_VLForConditionalGeneration"
    assert run_python(f"from transformers import {names}; print('ok')") == "ok"


def test_no_tracked_file_is_too_large() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=REPO, capture_output=True, check=True).stdout
    files = [REPO / name for name in listed.decode().split("\0") if name]
    assert [f.name for f in files if f.is_file() and f.stat().st_size > 15 * 2**20] == []
