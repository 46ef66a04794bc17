"""How near a measurement came to what the card can do, and where its worst line spends its time.

    python -m reticle_kernels.benchmark.worst prefill.json [--device cuda] [--sizes 7b] [--out worst.txt]

Reads what ``reticle bench prefill --save`` wrote, measures the device's matrix products, prints each line's share of
them at its own density (the goal is 70% for sparse attention) and runs the sparse line with the least share once more
under torch's profiler.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import torch
from torch.profiler import ProfilerActivity, profile

from .cases import SHAPES, Case, Shape, ShapeName, cases, inputs
from .clock import check_device, median_ms
from .measure import layer_run

SIDE = {"cpu": 1024, "cuda": 8192}
"""Of the square matrices whose product is the ceiling."""
ROWS = 25
"""Lines of the profile."""


@dataclass(frozen=True, slots=True)
class Share:
    """One line of a measurement: what its pairs amount to in TFLOP/s, and beside the ceiling."""

    pattern: str
    length: int
    tflops: float
    share: float
    sparse: bool
    """Of a pattern, by our kernel; not a dense rival, FlexAttention or a whole model."""


def ceiling_tflops(device: str, dtype: torch.dtype) -> float:
    """TFLOP/s of one large matrix product."""
    side = SIDE[device]
    a, b = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    return 2 * side**3 / (median_ms(lambda: a @ b, device, 3) / 1000) / 1e12


def shares(document: Mapping[str, Any], shape: Shape, ceiling: float) -> list[Share]:
    """Of every line that times one attention layer; both products of the pairs that were computed count."""
    found = []
    for line in document["results"]:
        name, length = str(line["pattern"]), int(line["length"])
        if "end to end" in name:
            continue
        pairs = line["density"] * shape.heads * length * (length + 1) / 2
        tflops = 4 * shape.width * pairs / (line["sparse_ms"] / 1000) / 1e12
        ours = not name.startswith("dense:") and "FlexAttention" not in name
        found.append(Share(name, length, tflops, tflops / ceiling, ours))
    return found


def worst(found: Sequence[Share]) -> Share:
    """The sparse line with the least share. Raises ValueError where there is none."""
    sparse = [line for line in found if line.sparse]
    if not sparse:
        raise ValueError("the document holds no line of sparse attention")
    return min(sparse, key=lambda line: line.share)


def profiled(shape: Shape, pattern: str, length: int, device: str, seed: int = 0) -> str:
    """A table of what one call of that line spends its time on, after one call to warm up.

    Raises ValueError when no pattern has that name at that length.
    """
    named: list[Case] = [case for case in cases(shape, length, device) if case.name == pattern]
    if not named:
        raise ValueError(f"there is no pattern {pattern!r} at {length} tokens")
    dtype = torch.bfloat16 if device == "cuda" else torch.float32
    tensors = inputs(shape, length, device, dtype, seed)
    with torch.no_grad():
        run, _ = layer_run(named[0], named[0].find(tensors[0][0], tensors[1][0]), tensors)
        run()
        activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device == "cuda" else [])]
        with profile(activities=activities) as record:
            run()
            if device == "cuda":
                torch.cuda.synchronize()
    order = "self_device_time_total" if device == "cuda" else "self_cpu_time_total"
    table: str = record.key_averages().table(sort_by=order, row_limit=ROWS)
    return table


def report(document: Mapping[str, Any], shape: Shape, device: str) -> str:
    """Ceiling, shares and the profile of the worst line as text."""
    ceiling = ceiling_tflops(device, torch.bfloat16 if device == "cuda" else torch.float32)
    found = shares(document, shape, ceiling)
    least = worst(found)
    lines = [f"{document['device']}: matrix products reach {ceiling:.3g} TFLOP/s"]
    lines += [f"{s.length:>8} tokens  {s.tflops:8.3g} TFLOP/s  {s.share:6.1%}  {s.pattern}" for s in found]
    seed = int(document.get("seeds", {}).get("inputs", 0))
    table = profiled(shape, least.pattern, least.length, device, seed)
    return "\n".join([*lines, "", f"least share: {least.pattern} at {least.length} tokens", table])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", type=Path, help="what `reticle bench prefill --save` wrote")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--sizes", choices=get_args(ShapeName), help="as the measurement's; 7b on cuda, else embedded")
    parser.add_argument("--out", type=Path, help="write the text here, too")
    given = parser.parse_args(arguments)
    try:
        check_device(given.device)
        shape = SHAPES[given.sizes or ("7b" if given.device == "cuda" else "embedded")]
        text = report(json.loads(given.document.read_text(encoding="utf-8")), shape, given.device)
    except (OSError, ValueError, KeyError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(text + "\n")
    if given.out is not None:
        given.out.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
