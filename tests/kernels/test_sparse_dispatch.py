import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from reticle_kernels.attention import plan as plan_module
from reticle_kernels.attention import sparse
from reticle_kernels.attention.boundaries import SamePatch
from reticle_kernels.attention.coverage import compile_plan, repeat_plan
from reticle_kernels.attention.gate import CPU, CUDA, Gate
from reticle_kernels.attention.oracle import keep_mask, masked_attention
from reticle_kernels.attention.plan import stack_plans
from reticle_kernels.attention.shapes import BlockSparse, Grid, Triangle, causal
from reticle_kernels.attention.sparse import dense_attention, sparse_attention, takes_sparse


def tensors(heads, groups, queries, keys, width=16, batch=1):
    generator = torch.Generator().manual_seed(0)
    shapes = [(batch, heads, queries, width), (batch, groups, keys, width), (batch, groups, keys, width)]
    return [torch.randn(*shape, generator=generator) for shape in shapes]


BAND = Triangle(4, 30)
PLAN = compile_plan([(BAND, range(4))], 4, 90, 130)
GRID = compile_plan([(Grid(*torch.tensor([[7] * 4, [2] * 4, [3] * 4]), 0, 130, 4, 20), range(4))], 4, 90, 130)
Q, K, V = tensors(4, 2, 90, 130)


def test_each_mode_gives_its_own_truth():
    dense = masked_attention(Q, K, V, keep_mask([(causal(), range(4))], 4, 90, 130))
    banded = masked_attention(Q, K, V, keep_mask([(BAND, range(4))], 4, 90, 130))
    torch.testing.assert_close(sparse_attention(Q, K, V, PLAN, mode="sparse").double(), banded, atol=3e-6, rtol=3e-6)
    torch.testing.assert_close(sparse_attention(Q, K, V, PLAN, mode="dense").double(), dense, atol=3e-6, rtol=3e-6)
    short = sparse_attention(Q, K, V, PLAN)
    torch.testing.assert_close(short.double(), dense, atol=3e-6, rtol=3e-6)
    always = sparse_attention(Q, K, V, PLAN, gate=Gate(0.0, 0.0, 0.0, 0.0, 0))
    torch.testing.assert_close(always.double(), banded, atol=3e-6, rtol=3e-6)


@pytest.mark.parametrize(("queries", "keys"), [(130, 130), (90, 130), (1, 130)])
def test_dense_attention_is_causal_to_the_end(queries, keys, monkeypatch):
    monkeypatch.setattr(sparse, "DENSE_ROWS", 32)
    q, k, v = tensors(4, 2, queries, keys)
    expected = masked_attention(q, k, v, keep_mask([(causal(), range(4))], 4, queries, keys), scale=0.3)
    torch.testing.assert_close(dense_attention(q, k, v, 0.3).double(), expected, atol=3e-6, rtol=3e-6)


@pytest.mark.parametrize("mode", ["sparse", "dense"])
def test_padding_never_reaches_a_result(mode):
    sizes = [(30, 50), (90, 130)]
    plan = stack_plans([compile_plan([(causal(), range(4))], 4, *size) for size in sizes], 90, 130)
    q, k, v = tensors(4, 2, 90, 130, batch=2)
    k[0, :, :80] = v[0, :, :80] = float("nan")
    out = sparse_attention(q, k, v, plan, mode=mode)
    assert torch.equal(out[0, :, :40], torch.zeros(4, 40, 16))
    for b, (rows, keys) in enumerate(sizes):
        mask = keep_mask([(causal(), range(4))], 4, min(90, keys), keys)
        expected = masked_attention(q[b, :, -min(90, keys) :], k[b, :, -keys:], v[b, :, -keys:], mask)
        torch.testing.assert_close(out[b, :, -rows:].double(), expected[:, -rows:], atol=3e-6, rtol=3e-6)


def test_one_new_row_is_dense_unless_sparse_is_asked_for():
    q, k, v = tensors(4, 2, 1, 130)
    plan = compile_plan([(Triangle(0, 1), range(4))], 4, 1, 130)
    dense = dense_attention(q, k, v)
    assert torch.equal(sparse_attention(q, k, v, plan, gate=Gate(0.0, 0.0, 0.0, 0.0, 0)), dense)
    own = sparse_attention(q, k, v, plan, mode="sparse")
    torch.testing.assert_close(own, v[:, :, -1:].repeat_interleave(2, 1))


@pytest.mark.parametrize("gate", [CPU, CUDA])
def test_the_gate_refuses_short_prompts_and_high_densities(gate):
    long = gate.shortest * 4
    thin = compile_plan([(Triangle(64, 256), range(4))], 4, long, long)
    thick = compile_plan([(Triangle(64, int(long * 0.6)), range(4))], 4, long, long)
    short = compile_plan([(Triangle(8, 16), range(4))], 4, gate.shortest - 1, gate.shortest - 1)
    assert thick.density() > 0.7
    assert gate.pays(thin)
    assert not gate.pays(thick)
    assert not gate.pays(short)
    assert gate.predicted_ratio(thin) > gate.predicted_ratio(thick)


def test_the_prediction_counts_pairs_and_the_fixed_cost():
    plan = compile_plan([(Grid(*torch.tensor([[7], [2], [3]]), 0, 500, 4, 200), [0])], 1, 500, 500)
    (whole, edge, columns), dense = plan.areas(), plan.causal_area()
    assert whole + edge + columns == plan.area()
    assert min(whole, edge, columns) > 0
    cost = 2 * whole + 3 * edge + 5 * columns + 1000
    assert Gate(2.0, 3.0, 5.0, 1000.0, 0).predicted_ratio(plan) == pytest.approx(dense / cost)
    assert takes_sparse(PLAN, "cpu", "sparse")
    assert not takes_sparse(PLAN, "cuda", "dense")


def test_scattered_chunks_cost_more_than_runs_of_them():
    blocks = torch.full((1, 20, 20), -1)
    blocks[0, 19, :9] = torch.tensor([0, 1, 2, 3, 4, 5, 8, 10, 11])
    plan = compile_plan([(BlockSparse(blocks), [0])], 1, 20 * 64, 20 * 64)
    assert plan.scattered_area(6) == 3 * 64 * 64, "blocks 8, 10 and 11; the first six are one run"
    assert plan.scattered_area(7) == 9 * 64 * 64
    dense = plan.causal_area()
    gate = Gate(2.0, 3.0, 5.0, 1000.0, 0, scattered=4.0)
    assert gate.predicted_ratio(plan) == pytest.approx(dense / (64 * 64 * (6 * 2 + 3 * 4) + 1000))


@pytest.mark.parametrize(("length", "least", "most", "pays"), [(8192, 0.9, 1.3, False), (65_536, 1.35, 2.3, True)])
def test_the_gate_takes_same_patch_lines_where_they_were_faster(length, least, most, pays):
    """Many of their pairs lie in runs of three chunks. Measured: 0.9 to 1.6 at 8192 tokens, 1.7 to 2.3 at 65,536."""
    step = torch.arange(length // 1056) * 1056 + 48
    for own in (None, 8):
        pattern = SamePatch(step, torch.full_like(step, 1008), own=own, dense_from=length - 256)
        plan = compile_plan([(pattern, range(4))], 4, length, length)
        assert plan.scattered_area(6) > 0.4 * plan.areas()[0]
        assert replace(CPU, scattered=None).predicted_ratio(plan) > 1.1 * CPU.predicted_ratio(plan)
        assert least < CPU.predicted_ratio(plan) < most
        assert CPU.pays(plan) == pays


@pytest.mark.slow
def test_where_the_gate_expects_much_the_processor_is_faster_in_the_same_run():
    keys = 8192
    plan = compile_plan([(Triangle(64, 128), range(4))], 4, keys, keys)
    assert CPU.predicted_ratio(plan) > 2.5
    q, k, v = tensors(4, 2, keys, keys, 64)
    times = {"dense": [], "sparse": []}
    for _ in range(2):
        for mode, seen in times.items():
            start = time.perf_counter()
            sparse_attention(q, k, v, plan, mode=mode)
            seen.append(time.perf_counter() - start)
    assert min(times["sparse"]) < min(times["dense"])


def test_nothing_imports_triton_or_asks_for_a_device_before_it_is_needed():
    words = (
        "import sys, torch\n"
        "import reticle_kernels.attention.sparse, reticle_kernels.attention.estimate, reticle_kernels.attention.ahead\n"
        "import reticle_kernels.attention.boundaries\n"
        "assert 'triton' not in sys.modules, 'triton was imported'\n"
        "assert not torch.cuda.is_initialized()\n"
    )
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sparse_attention(Q[0], K, V, PLAN), "q has shape"),
        (lambda: sparse_attention(Q, K, V[:, :, :-1], PLAN), "differ in batch, heads or length"),
        (lambda: sparse_attention(Q[..., :8], K, V, PLAN), "differ in batch or width"),
        (lambda: sparse_attention(Q[:, :3], K, V, PLAN), "3 query heads"),
        (lambda: sparse_attention(Q.half(), K, V, PLAN), "one float type"),
        (lambda: sparse_attention(Q[:, :, 1:], K, V, PLAN), "the plan is for"),
        (lambda: sparse_attention(Q, K, V, PLAN, mode="fast"), "mode is 'fast'"),
        (lambda: dense_attention(Q, K[:, :, :50], V[:, :, :50]), "90 queries"),
    ],
)
def test_bad_input_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


@pytest.mark.parametrize("mode", ["auto", "sparse", "dense"])
def test_broken_plans_are_refused_before_anything_runs(mode):
    for change, words in (
        ({"columns": GRID.columns + 130}, "columns lie outside"),
        ({"chunk_range": GRID.chunk_range.flip(1)}, "not monotone"),
        ({"chunk_stop": GRID.chunk_stop + 64}, "longer than"),
    ):
        broken = replace(GRID, **change)
        with pytest.raises(ValueError, match=words):
            sparse_attention(Q, K, V, broken, mode=mode)


def test_a_plan_of_ours_is_vouched_for_and_one_by_hand_is_checked_once(monkeypatch):
    checked = []
    monkeypatch.setattr(plan_module, "check_plan", checked.append)
    for ours in (PLAN, PLAN.to("cpu"), stack_plans([PLAN], 90, 130), repeat_plan(PLAN, 1)):
        sparse_attention(Q, K, V, ours, mode="sparse")
    assert not checked
    by_hand = replace(PLAN)
    for _ in range(2):
        sparse_attention(Q, K, V, by_hand, mode="sparse")
    assert checked == [by_hand]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("mode", ["sparse", "dense"])
def test_prompts_of_padding_alone_give_zeros(mode, dtype):
    q, k, v = (t.to(dtype) for t in tensors(2, 1, 70, 90, batch=2))
    k[0] = v[0] = q[0] = float("nan")
    one = compile_plan([(Triangle(3, 9), [0, 1])], 2, 70, 90)
    empty = replace(
        stack_plans([one, one], 70, 90),
        padding=torch.tensor([90, 0]),
        **{n: getattr(one, n) for n in ("row_range", "chunk_range", "column_range", "rows")},
        block_head=one.block_head + 2,
        chunk_start=one.chunk_start, chunk_stop=one.chunk_stop, chunk_reach=one.chunk_reach,
        columns=one.columns, column_near=one.column_near,
    )  # fmt: skip
    out = sparse_attention(q, k, v, empty, mode=mode)
    assert torch.equal(out[0], torch.zeros(2, 70, 16, dtype=dtype))
    assert out[1].isfinite().all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 3e-3), (torch.bfloat16, 2e-2), (torch.float32, 1e-4)])
def test_on_a_gpu_the_kernel_agrees_with_float64(dtype, tolerance):
    q, k, v = (t.to("cuda", dtype) for t in tensors(4, 2, 700, 900, 128))
    assignment = [(Triangle(64, 128, 850), range(4))]
    plan = compile_plan(assignment, 4, 700, 900)
    out = sparse_attention(q, k, v, plan, mode="sparse")
    expected = masked_attention(q.cpu(), k.cpu(), v.cpu(), keep_mask(assignment, 4, 700, 900))
    torch.testing.assert_close(out.cpu().double(), expected, atol=tolerance, rtol=tolerance)
