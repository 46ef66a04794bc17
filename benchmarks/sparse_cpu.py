"""The sparse CPU path beside dense SDPA, in one process, at the shapes of the embedded model.

    python benchmarks/sparse_cpu.py [--lengths 4096,8192,16384,32768] [--threads 1] [--rounds 3]

Four query heads, two key heads, width 64, float32, random weights. Prints one JSON line per pattern and length:
``density`` is computed area beside causal area, ``areas`` its parts (chunks without mask, chunks with one, columns),
``speedup`` dense time beside sparse time (the two take turns), ``efficiency`` its product with the density,
``predicted`` what the gate expects, ``index_share`` the time to build the plan beside the dense time,
``max_difference`` the largest difference from float64 attention on 64 sampled rows. On one thread its own running time
counts, on several the time on the wall.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import torch

from reticle_kernels.attention.boundaries import QBoundary, SamePatch
from reticle_kernels.attention.coverage import SparsePattern, compile_plan
from reticle_kernels.attention.gate import CPU
from reticle_kernels.attention.oracle import masked_attention
from reticle_kernels.attention.shapes import BlockSparse, Grid, Triangle, VerticalSlash, causal
from reticle_kernels.attention.sparse import dense_attention, sparse_attention

HEADS, GROUPS, WIDTH = 4, 2, 64
FRAME, TEXT = 1008, 48
"""Tokens of a screenshot of the embedded model, about, and of the words of a step."""


def patterns(length: int) -> dict[str, SparsePattern]:
    """The patterns of the papers, with positions drawn at random where a prompt would decide them."""
    drawn = torch.Generator().manual_seed(0)
    steps = length // (FRAME + TEXT)
    starts = torch.arange(steps) * (FRAME + TEXT) + TEXT
    lengths = torch.full_like(starts, FRAME)
    modality = torch.zeros(length, dtype=torch.int64)
    for start in starts.tolist():
        modality[start : start + FRAME] = 1

    def columns(many: int, top: int = length) -> torch.Tensor:
        return torch.randint(0, top, (HEADS, many), generator=drawn)

    near = torch.arange(1024).expand(HEADS, -1)
    stride, phase = torch.full((HEADS,), 36), torch.full((HEADS,), 5)
    blocks = torch.stack([torch.randint(0, m + 1, (HEADS, 16), generator=drawn) for m in range((length + 63) // 64)], 1)
    slash = VerticalSlash(columns(512), near)
    return {
        "causal (density 1)": causal(),
        "A-shape 128 + 1024": Triangle(128, 1024),
        "triangle 8 + 512, last 128": Triangle(8, 512, length - 128),
        "vertical-slash 512, band of 1024": slash,
        "vertical-slash 512, 100 + 32 scattered": VerticalSlash(
            columns(512), torch.cat([near[:, :100], columns(32)], 1)
        ),
        "block-sparse 16": BlockSparse(blocks),
        "grid 36, 64 + 256": Grid(stride, phase, phase, 0, length, 64, 256, length - 64),
        "same patch r=1, own frame": SamePatch(starts, lengths, 1, None, 64, 256, length - 256),
        "same patch r=1, own 8 chunks": SamePatch(starts, lengths, 1, 8, 64, 256, length - 256),
        "Q-boundary: text A-shape, image slash": QBoundary(modality, [Triangle(128, 1024), slash]),
    }


def seconds(run: Callable[[], object]) -> float:
    """Of this thread alone where there is but one, so that other work on the machine does not count."""
    clock = time.thread_time if torch.get_num_threads() == 1 else time.perf_counter
    start = clock()
    run()
    return clock() - start


def measure(name: str, pattern: SparsePattern, length: int, rounds: int) -> dict[str, object]:
    """One line of the table."""
    generator = torch.Generator().manual_seed(1)
    q = torch.randn(1, HEADS, length, WIDTH, generator=generator)
    k, v = (torch.randn(1, GROUPS, length, WIDTH, generator=generator) for _ in range(2))
    heads = range(HEADS)
    plan = compile_plan([(pattern, heads)], HEADS, length, length)
    index = seconds(lambda: compile_plan([(pattern, heads)], HEADS, length, length))
    out = sparse_attention(q, k, v, plan, mode="sparse")
    dense, sparse = [], []
    for _ in range(rounds):
        dense.append(seconds(lambda: dense_attention(q, k, v)))
        sparse.append(seconds(lambda: sparse_attention(q, k, v, plan, mode="sparse")))
    rows = torch.randint(0, length, (64,), generator=generator).sort().values
    mask = pattern.keep(rows.unsqueeze(1), torch.arange(length).unsqueeze(0))
    difference = (masked_attention(q[0][:, rows], k[0], v[0], mask) - out[0][:, rows]).abs().max()
    speedup = min(dense) / min(sparse)
    return {
        "pattern": name,
        "length": length,
        "density": round(plan.density(), 4),
        "areas": [round(area / plan.causal_area(), 5) for area in plan.areas()],
        "pairs": plan.causal_area(),
        "speedup": round(speedup, 2),
        "efficiency": round(speedup * plan.density(), 2),
        "predicted": round(CPU.predicted_ratio(plan), 2),
        "takes_sparse": CPU.pays(plan),
        "index_share": round(index / min(dense), 3),
        "max_difference": float(difference),
        "threads": torch.get_num_threads(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lengths", default="4096,8192,16384,32768")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    for length in (int(n) for n in given.lengths.split(",")):
        for name, pattern in patterns(length).items():
            print(json.dumps(measure(name, pattern, length, given.rounds)), flush=True)


if __name__ == "__main__":
    main()
