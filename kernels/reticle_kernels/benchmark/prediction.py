"""What a GPU is expected to give before one was measured: arithmetic over assumed rates, per length and density.

    python -m reticle_kernels.benchmark.prediction        a Markdown table for Qwen2.5-VL-7B on an H200

Source of the rates: sparse-prefill.md, section 5.3 (derived there, not measured).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import torch

from reticle_kernels.attention.boundaries import SamePatch
from reticle_kernels.attention.coverage import SparsePattern, compile_plan
from reticle_kernels.attention.shapes import Triangle, VerticalSlash

from .cases import SHAPES, Shape

LENGTHS = (32_768, 65_536, 131_072, 262_144, 524_288, 1_048_576)


@dataclass(frozen=True, slots=True)
class Rates:
    """TFLOP/s of matrix products, of dense attention, of sparse attention on its computed area; listing: s a layer."""

    product: float = 650.0
    dense: float = 600.0
    sparse: float = 350.0
    index_s: float = 250e-6


H200 = Rates()


def linear_tflop(shape: Shape, length: int) -> float:
    """Projections and MLPs of a prefill; embeddings and the vision tower are not counted."""
    attention = 2 * shape.hidden * shape.width * (shape.heads + shape.groups)
    return 2 * shape.layers * (attention + 3 * shape.hidden * shape.inner) * length / 1e12


def attention_tflop(shape: Shape, length: int) -> float:
    """Both products of causal attention of all layers."""
    return 2 * shape.heads * shape.width * shape.layers * length**2 / 1e12


def attention_speedup(density: float, rates: Rates = H200) -> float:
    """Dense over sparse attention time without finding the pattern."""
    return rates.sparse / rates.dense / density


def model_speedup(shape: Shape, length: int, density: float, rates: Rates = H200) -> float:
    """Dense over sparse time of the whole language model's prefill, finding the pattern included.

    Args:
        density: computed area beside causal area, above 0.
    """
    linear, attention = linear_tflop(shape, length) / rates.product, attention_tflop(shape, length)
    sparse = linear + density * attention / rates.sparse + shape.layers * rates.index_s
    return (linear + attention / rates.dense) / sparse


def densities(shape: Shape, length: int) -> dict[str, float]:
    """Density of one head's plan under patterns whose size does not depend on what a prompt says."""
    steps = length // (shape.frame + shape.text)
    starts = torch.arange(steps) * (shape.frame + shape.text) + shape.text
    lengths = torch.full_like(starts, shape.frame)
    columns = torch.arange(0, length, length // 512)[:512].view(1, -1)
    patterns: dict[str, SparsePattern] = {
        "A-shape 1024 + 4096": Triangle(1024, 4096),
        "triangle 8 + 512, last 128": Triangle(8, 512, length - 128),
        "vertical-slash 512 + 1024": VerticalSlash(columns, torch.arange(1024).view(1, -1)),
        "same patch r=1, own frame": SamePatch(starts, lengths, dense_from=length - 256),
        "same patch r=1, own 8 chunks": SamePatch(starts, lengths, own=8, dense_from=length - 256),
    }
    return {name: compile_plan([(p, [0])], 1, length, length).density() for name, p in patterns.items()}


def table(shape: Shape) -> list[str]:
    """Markdown lines: density, attention speed-up and whole-model speed-up per pattern and length."""
    found = {length: densities(shape, length) for length in LENGTHS}
    lines = ["| pattern | " + " | ".join(f"{length // 1024}k" for length in LENGTHS) + " |", "|---" * 7 + "|"]
    for name in found[LENGTHS[0]]:
        cells = [
            f"{rho:.1%}, {attention_speedup(rho):.1f}×, {model_speedup(shape, length, rho):.2f}×"
            for length in LENGTHS
            for rho in (found[length][name],)
        ]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


if __name__ == "__main__":
    sys.stdout.write("\n".join(table(SHAPES["7b"])) + "\n")
