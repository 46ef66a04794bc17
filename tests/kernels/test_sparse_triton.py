"""The triton kernel without a GPU: run in the interpreter, and compiled ahead of time."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
pytest.importorskip("triton")


def test_the_interpreted_kernel_agrees_with_float64():
    """In a process of its own, because the interpreter must be chosen before triton is imported."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--import-mode=importlib", "-q", "-p", "no:cacheprovider",
         str(HERE / "interpreted_sparse.py")],
        env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True, cwd=HERE.parents[1], check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    assert int(passed.group(1)) >= 19
    assert "skipped" not in done.stdout


@pytest.mark.parametrize("capability", [80, 90, 100])
@pytest.mark.parametrize(("dtype", "width"), [("fp16", 64), ("bf16", 128)])
def test_compiles_ahead_of_time_within_the_limits_of_the_card(capability, dtype, width, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    from reticle_kernels.attention.ahead import SHARED_LIMIT, compile_for

    used = compile_for(capability, dtype, width)
    assert used.registers <= 255
    assert used.spill_store_bytes == used.spill_load_bytes == 0
    assert 0 < used.shared_bytes <= SHARED_LIMIT[capability]


@pytest.mark.slow
@pytest.mark.parametrize("capability", [80, 90, 100])
@pytest.mark.parametrize("dtype", ["fp16", "bf16", "fp32"])
@pytest.mark.parametrize("width", [64, 80, 96, 128])
def test_compiles_for_every_type_and_width(capability, dtype, width, tmp_path, monkeypatch):
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    from reticle_kernels.attention.ahead import SHARED_LIMIT, compile_for

    assert compile_for(capability, dtype, width).shared_bytes <= SHARED_LIMIT[capability]
