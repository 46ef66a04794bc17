"""Needles in a haystack of screenshots, on one attention layer: planted heads that must fetch one value from any depth.

The haystack is a trace: screenshots of the embedded model's size with words between, then one more screenshot and a
question. Its rows are new, all before is cached. Each head has a needle of its own kind: a key that its rows look for,
with one of 16 codes as its value, beside keys that look alike and carry other codes. A needle is found when the output
points at its code. In the manner of V-NIAH and mixed-modality NIAH, as far as one layer goes: whether a pattern
lets the planted head look there, and whether the kernel then fetches it. Source: sparse-prefill.md, 4.3 and 8.2.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from reticle_kernels.attention import estimate
from reticle_kernels.attention.boundaries import QBoundary, SamePatch
from reticle_kernels.attention.coverage import SparsePattern, compile_plan
from reticle_kernels.attention.plan import SparsePlan
from reticle_kernels.attention.shapes import Triangle, VerticalSlash, causal
from reticle_kernels.attention.sparse import sparse_attention

from .clock import device_name, versions

FRAME, TEXT, QUESTION, WIDTH = 1008, 48, 32, 64
"""Tokens of a screenshot, of a step's words and of the question; head width."""
CODES, ALIKE, SURE = 16, 8, 0.5
"""Different values, keys that look like the needle, and the cosine from which on an output says a value: what was not
fetched comes out as a mean of noise, whose cosine to the nearest code is some 0.2 to 0.35."""
PULL, LIKENESS = 17.0, 0.6
"""Score of a needle (other keys score about -6 to 6), and how much of it keys that look alike get. Planted keys are as
long as others, and only the rows that look for them are longer, so that they stand out to nobody else."""
KINDS = (
    "question to image",
    "question to text",
    "image to same patch",
    "image to text",
)
"""One head each, by who looks where."""
DEPTHS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
Assignment = list[tuple[SparsePattern, Sequence[int]]]


@dataclass(frozen=True, eq=False)
class Haystack:
    """q [1, 4, Lq, D]: the last screenshot and the question; k, v [1, 2, Lkv, D]; for each head the probed row and the
    code it must fetch. ``starts`` [frames] and ``modality`` [Lkv] tell where screenshots lie (1 image, 0 text)."""

    q: Tensor
    k: Tensor
    v: Tensor
    starts: Tensor
    modality: Tensor
    codes: Tensor
    rows: tuple[int, ...]
    answers: tuple[int, ...]

    def found(self, out: Tensor) -> list[bool]:
        """Output [1, 4, Lq, D] -> for each head whether the probed row's output is the right code and no other."""
        hits = []
        for head, (row, answer) in enumerate(zip(self.rows, self.answers, strict=True)):
            alike = self.codes @ functional.normalize(out[0, head, row], dim=0)
            hits.append(int(alike.argmax()) == answer and float(alike[answer]) > SURE)
        return hits


def haystack(frames: int, depth: float, seed: int) -> Haystack:
    """A trace of ``frames`` screenshots, at least 2, with the needles at ``depth`` (0 oldest, 1 newest) of the history.

    Raises ValueError when there are too few frames or the depth is no share.
    """
    if frames < 2:
        raise ValueError(f"{frames} screenshots leave no history, at least 2 are needed")
    if not 0 <= depth <= 1:
        raise ValueError(f"depth is {depth}, expected 0 to 1")
    drawn = torch.Generator().manual_seed(seed)
    starts = torch.arange(frames) * (FRAME + TEXT) + TEXT
    keys = int(starts[-1]) + FRAME + QUESTION
    queries = TEXT + FRAME + QUESTION
    modality = torch.zeros(keys, dtype=torch.int64)
    modality[(starts.unsqueeze(1) + torch.arange(FRAME)).flatten()] = 1
    q, k, v = (torch.randn(1, h, n, WIDTH, generator=drawn) for h, n in ((4, queries), (2, keys), (2, keys)))
    codes = functional.normalize(torch.randn(CODES, WIDTH, generator=drawn), dim=1)
    hay = Haystack(q, k, v, starts, modality, codes, (), ())
    target = round(depth * (frames - 2))
    image = int(starts[target]) + int(torch.randint(FRAME, (1,), generator=drawn))
    text = [int(starts[target]) - 1 - int(torch.randint(TEXT, (1,), generator=drawn)) for _ in range(2)]
    question = torch.arange(queries - QUESTION, queries)
    screen = torch.arange(TEXT, TEXT + FRAME)
    # Not among the last rows, which several patterns read densely.
    patch = int(torch.randint(64, FRAME - 160, (1,), generator=drawn))
    rows, answers = [queries - 1, queries - 1, TEXT + patch, TEXT + patch], []
    for head, (place, looking) in enumerate(((image, question), (text[0], question), (-1, screen), (text[1], screen))):
        if head == 2:
            answers.append(_line(hay, head, int(starts[target]), patch, drawn))
        else:
            answers.append(_needle(hay, head, place, looking, drawn))
    return Haystack(q, k, v, starts, modality, codes, tuple(rows), tuple(answers))


def _code(drawn: torch.Generator) -> int:
    return int(torch.randint(CODES, (1,), generator=drawn))


def _needle(hay: Haystack, head: int, place: int, looking: Tensor, drawn: torch.Generator) -> int:
    """One key that all rows ``looking`` look for, and others of its modality that look alike."""
    wanted = functional.normalize(torch.randn(WIDTH, generator=drawn), dim=0)
    group, answer = head // 2, _code(drawn)
    history = hay.k.shape[2] - hay.q.shape[2]
    alike = (hay.modality[:history] == hay.modality[place]).nonzero().squeeze(1)
    alike = alike[torch.randperm(alike.numel(), generator=drawn)[:ALIKE]]
    for at in alike[alike != place].tolist():
        other = (answer + 1 + int(torch.randint(CODES - 1, (1,), generator=drawn))) % CODES
        _plant(hay, group, at, _like(wanted, drawn), other)
    hay.q[0, head, looking] = hay.q[0, head, looking] * 0.3 + PULL * wanted
    _plant(hay, group, place, wanted, answer)
    return answer


def _line(hay: Haystack, head: int, start: int, patch: int, drawn: torch.Generator) -> int:
    """Every patch of the last screenshot looks for itself in an earlier one; the probed one holds the needle."""
    own = functional.normalize(torch.randn(FRAME, WIDTH, generator=drawn), dim=1)
    hay.q[0, head, TEXT : TEXT + FRAME] = own * PULL
    hay.k[0, head // 2, start : start + FRAME] = own * WIDTH**0.5
    answer = _code(drawn)
    _plant(hay, head // 2, start + patch, own[patch], answer)
    return answer


def _like(wanted: Tensor, drawn: torch.Generator) -> Tensor:
    """A direction at ``LIKENESS`` to another."""
    other = torch.randn(WIDTH, generator=drawn)
    other = functional.normalize(other - (other @ wanted) * wanted, dim=0)
    return LIKENESS * wanted + math.sqrt(1 - LIKENESS**2) * other


def _plant(hay: Haystack, group: int, at: int, key: Tensor, code: int) -> None:
    hay.k[0, group, at] = key * WIDTH**0.5
    hay.v[0, group, at] = hay.codes[code] * WIDTH**0.5


def layers(hay: Haystack) -> dict[str, Assignment]:
    """The patterns that are tried, each for all heads; the last gives each head the one that is made for its kind."""
    q, k, every = hay.q[0], hay.k[0], range(4)
    keys = hay.k.shape[2]
    lengths = torch.full_like(hay.starts, FRAME)
    slash = estimate.vertical_slash(q, k, 512, 1024, recent=1024)
    by_kind = [
        estimate.vertical_slash(q, k, 512, 1024, estimate.last_rows(hay.modality, kind, q.shape[1]), recent=1024)
        for kind in (0, 1)
    ]
    strides = [36, FRAME + TEXT]
    grid = estimate.grid(q, k, strides, 0, keys - 64, sinks=64, local=256, dense_from=keys - 64)[0]
    patches = SamePatch(hay.starts, lengths)
    own = QBoundary(hay.modality, by_kind)
    chosen = QBoundary(hay.modality, [_heads(p, [0, 1, 3]) for p in by_kind])
    return {
        "dense": [(causal(), every)],
        "A-shape 128 + 1024": [(Triangle(128, 1024), every)],
        "triangle 8 + 512, last 128": [(Triangle(8, 512, keys - 128), every)],
        "vertical-slash 512 + 1024": [(slash, every)],
        "block-sparse 16": [(estimate.block_sparse(q, k, 16), every)],
        "grid, 64 + 256, last 64": [(grid, every)],
        "same patch r=1": [(patches, every)],
        "Q-boundary, vertical-slash": [(own, every)],
        "by head": [(chosen, [0, 1, 3]), (patches, [2])],
    }


def _heads(pattern: VerticalSlash, heads: list[int]) -> VerticalSlash:
    return VerticalSlash(pattern.verticals[heads], pattern.slashes[heads])


def measure_needles(
    frames: Sequence[int],
    depths: Sequence[float] = DEPTHS,
    seeds: int = 1,
    notice: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Runs all patterns over all haystacks on the processor.

    Returns:
        {"device", "versions", "seeds", "kinds", "results"}; a result has "pattern", "length", "depth", "seed",
        "density" of the new rows and "found", one bool per kind.

    Raises ValueError as :func:`haystack` does.
    """
    results = []
    for many in frames:
        for depth in depths:
            for seed in range(seeds):
                hay = haystack(many, depth, seed * 10_000 + many * 101 + round(depth * 100))
                for name, assignment in layers(hay).items():
                    plan = _plan(hay, assignment)
                    out = sparse_attention(hay.q, hay.k, hay.v, plan, mode="sparse")
                    line = {"pattern": name, "length": hay.k.shape[2], "depth": depth, "seed": seed}
                    results.append({**line, "density": round(plan.density(), 4), "found": hay.found(out)})
            notice(f"{many} screenshots, depth {depth:.0%}")
    return {
        "device": device_name("cpu"),
        "versions": versions(),
        "seeds": {"haystacks": list(range(seeds))},
        "kinds": list(KINDS),
        "results": results,
    }


def summary(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One line per pattern and length: mean "density", "found" as a share per kind, and "by_depth" over all kinds."""
    lines: dict[tuple[str, int], list[Mapping[str, Any]]] = {}
    for result in document["results"]:
        lines.setdefault((result["pattern"], result["length"]), []).append(result)
    return [
        {
            "pattern": pattern,
            "length": length,
            "needles": len(results),
            "density": sum(r["density"] for r in results) / len(results),
            "found": [_share(r["found"][n] for r in results) for n in range(len(document["kinds"]))],
            "by_depth": {
                depth: _share(hit for r in results if r["depth"] == depth for hit in r["found"])
                for depth in sorted({r["depth"] for r in results})
            },
        }
        for (pattern, length), results in lines.items()
    ]


def _share(hits: Iterable[bool]) -> float:
    counted = list(hits)
    return sum(counted) / len(counted)


def _plan(hay: Haystack, assignment: Assignment) -> SparsePlan:
    return compile_plan(assignment, 4, hay.q.shape[2], hay.k.shape[2])
