"""What only a GPU can show: bfloat16 products, addresses of a million tokens, speed."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from gpu_checks import last_rows_agree, times

SIZES = {"heads": 28, "groups": 4, "width": 128}
"""Of Qwen2.5-VL-7B's attention."""


def on_gpu(test):
    return pytest.mark.gpu(pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")(test))


def test_the_checks_themselves_run_on_the_processor():
    last_rows_agree("cpu", torch.float32, 3e-6, heads=4, groups=2, keys=700, width=16)
    with pytest.raises(AssertionError):
        last_rows_agree("cpu", torch.bfloat16, 1e-6, heads=4, groups=2, keys=700, width=16)
    dense, sparse = times("cpu", torch.float32, heads=2, groups=1, keys=300, width=16, local=64)
    assert dense > 0
    assert sparse > 0


@on_gpu
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 2e-2), (torch.float16, 3e-3)])
def test_addresses_beyond_32_bits(dtype, tolerance):
    """28 heads of 700,000 tokens and width 128 are 2.5e9 entries."""
    last_rows_agree("cuda", dtype, tolerance, keys=700_000, **SIZES)


@on_gpu
def test_short_prompts_cost_no_more_than_dense():
    """At most 2% more in mode "auto", which takes dense attention there."""
    dense, auto = times("cuda", torch.bfloat16, keys=8192, mode="auto", **SIZES)
    assert auto <= 1.02 * dense + 0.05, "0.05 ms for asking the gate"


@on_gpu
def test_a_long_prompt_is_faster_than_dense():
    dense, sparse = times("cuda", torch.bfloat16, keys=131_072, **SIZES)
    assert sparse < dense
