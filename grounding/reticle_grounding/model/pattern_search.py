"""Finding each head's pattern: output error at matched cost, on real prefills of growing histories.

A trace of screenshots goes through the model with dense attention. At some steps the prefill of the new screenshot on
all that is cached is kept; each head then computes it under every candidate, whose one free number is set so that all
candidates compute as many query-key pairs, and takes the one whose output differs least from dense attention. Source:
MInference (arXiv 2407.02490), section 3.2, with the objective of its paper, not of its code (sparse-prefill.md, 1.8).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from PIL import Image
from torch import Tensor

from reticle_grounding.errors import BadInput
from reticle_grounding.reading import Reading, Vectors
from reticle_kernels.attention.coverage import compile_plan
from reticle_kernels.attention.plan import SparsePlan
from reticle_kernels.attention.sparse import dense_attention, sparse_attention

from .head_patterns import Call, HeadPattern, HeadPatterns
from .history import History
from .pointer_model import PointerModel
from .sparse_prefill import Chunk
from .token_map import TokenMap

SINKS, BAND = 64, 256
"""First tokens that candidates always read, and the band of text rows of same-patch heads."""
OVER = 1.02
"""By so much a candidate may cost more than the budget."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Seen:
    """One step of a trace, as a history takes it."""

    image: Image.Image
    reading: Reading | None = None
    instruction: str | None = None
    """What is asked and written behind the screenshot; None for nothing."""
    vector: Vectors | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Prefill:
    """The prefill of one screenshot on a history, in one layer."""

    layer: int
    frames: int
    call: Call
    v: Tensor
    """[Hkv, Lkv, Dv]."""
    dense: Tensor
    """[Hq, Lq, Dv] what dense attention gives."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pattern with one number left open."""

    title: str
    make: Callable[[int], HeadPattern]
    step: int
    """The number is a multiple of this."""
    least: int = 1
    """Smallest multiple."""


def _same(radius: int, own: int) -> Callable[[int], HeadPattern]:
    return lambda steps: HeadPattern("same_patch", (radius, own, SINKS, BAND, steps))


CANDIDATES: tuple[Candidate, ...] = (
    Candidate("A-shape", lambda n: HeadPattern("a_shape", (SINKS, n)), 64),
    Candidate("Tri-shape", lambda n: HeadPattern("tri_shape", (SINKS, n)), 64),
    *(Candidate(f"same patch, radius {r}", _same(r, 0), 1, 0) for r in (0, 1, 2)),
    Candidate("same patch, radius 1, own 8 chunks", _same(1, 8), 1, 0),
    Candidate("vertical-slash, few columns", lambda n: HeadPattern("vertical_slash", (100, n)), 64, 2),
    Candidate("vertical-slash, many columns", lambda n: HeadPattern("vertical_slash", (n, 100)), 64),
    Candidate("Q-boundary, few columns", lambda n: HeadPattern("q_boundary", (100, n)), 64, 2),
    Candidate("Q-boundary, many columns", lambda n: HeadPattern("q_boundary", (n, 100)), 64),
    Candidate("block-sparse", lambda n: HeadPattern("block_sparse", (n,)), 1),
    Candidate("grid", lambda n: HeadPattern("grid", (SINKS, n)), 64),
)


@dataclass(slots=True)
class Found:
    """What a search found."""

    patterns: HeadPatterns
    errors: Mapping[str, list[float]] = field(default_factory=dict)
    """Title of each candidate -> relative output error of every head, layer after layer, mean over the prefills."""


def search_patterns(
    model: PointerModel,
    traces: Sequence[Callable[[], Iterator[Seen]]],
    *,
    frames: Sequence[int] = (5, 10, 20),
    keys: int = 1536,
    progress: Progress | None = None,
) -> Found:
    """Assigns each head the candidate with the least output error at matched cost.

    Args:
        traces: each starts a trace anew.
        frames: numbers of screenshots after which a prefill is looked at; the last is the length of the traces.
        keys: the cost: as many pairs as an A-shape of so many keys a row.
        progress: is told (done, total) steps.

    Raises BadInput for an impossible choice, or a trace that is too short.
    """
    if not traces or not frames or min(frames) < 2 or keys <= SINKS:
        raise BadInput(f"a search needs a trace, 2 or more screenshots and more than {SINKS} keys a row")
    wanted = sorted(set(frames))
    prefills: list[Prefill] = []
    total = len(traces) * wanted[-1] + len(CANDIDATES)
    done = 0

    def tick() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, total)

    for trace in traces:
        prefills += record_prefills(model, trace(), wanted, tick)
    budget = _budget([p for p in prefills if p.frames == wanted[-1]], keys)
    errors: dict[str, list[float]] = {}
    chosen: dict[str, HeadPattern] = {}
    for candidate in CANDIDATES:
        pattern = matched(candidate, budget)
        if pattern is not None:
            chosen[candidate.title] = pattern
            errors[candidate.title] = head_errors(pattern, prefills)
        tick()
    return Found(_assigned(model, chosen, errors, frames, keys, len(traces), budget), errors)


def record_prefills(
    model: PointerModel, trace: Iterator[Seen], frames: Sequence[int], tick: Callable[[], None] | None = None
) -> list[Prefill]:
    """Runs a trace densely and keeps the prefills of the screenshots with these numbers (1 is the first).

    Keys and values of all are views of the last ones.
    """
    before = model.prefill
    session = model.use_prefill("dense")
    kept: list[tuple[int, int, Tensor, int, TokenMap]] = []
    number = 0

    def record(layer: int, q: Tensor, _k: Tensor, _v: Tensor, chunk: Chunk) -> None:
        kept.append((number, layer, q[0].clone(), chunk.keys, chunk.maps[0]))

    try:
        history = History(model)
        for seen in trace:
            number += 1
            session.record = record if number in frames else None
            history.see(seen.image, seen.reading)
            session.record = None
            if tick:
                tick()
            if number == frames[-1]:
                break
            if seen.instruction is not None:
                history.settle(seen.instruction, seen.vector)
    finally:
        session.record = None
        model.use_prefill(before.mode if before else "auto", before.patterns if before else None)
    if number < frames[-1]:
        raise BadInput(f"the trace has {number} screenshots, {frames[-1]} are wanted")
    return [_prefill(history, *one) for one in kept]


@torch.inference_mode()
def _prefill(history: History, frames: int, layer: int, q: Tensor, keys: int, tokens: TokenMap) -> Prefill:
    cached = history.cache.layers[layer]
    k, v = cached.keys[0, :, :keys], cached.values[0, :, :keys]
    dense = dense_attention(q.unsqueeze(0), k.unsqueeze(0), v.unsqueeze(0))[0]
    return Prefill(layer, frames, Call(q, k, tokens), v, dense)


def plan_of(pattern: HeadPattern, prefill: Prefill) -> SparsePlan:
    """The plan of a layer whose heads all follow one pattern."""
    call, heads = prefill.call, prefill.call.q.shape[0]
    assignment = call.assignment([pattern] * heads)
    return compile_plan(assignment, heads, call.q.shape[1], call.k.shape[1], call.q.device)


@dataclass(frozen=True, slots=True, eq=False)
class Budget:
    """Query-key pairs that a candidate may cost over some prefills."""

    prefills: Sequence[Prefill]
    area: int

    def density(self) -> float:
        return self.area / sum(plan_of(HeadPattern("a_shape", (SINKS, 64)), p).causal_area() for p in self.prefills)

    def cost(self, pattern: HeadPattern) -> int:
        return sum(plan_of(pattern, p).area() for p in self.prefills)


def _budget(prefills: Sequence[Prefill], keys: int) -> Budget:
    """One prefill of each layer at the greatest length, which is enough to set the candidates' numbers."""
    first = {p.layer: p for p in reversed(prefills)}
    some = [first[layer] for layer in sorted(first)]
    pattern = HeadPattern("a_shape", (SINKS, keys - SINKS))
    return Budget(some, Budget(some, 0).cost(pattern))


@torch.inference_mode()
def matched(candidate: Candidate, budget: Budget) -> HeadPattern | None:
    """The candidate with the largest number within the budget; None where even the smallest costs more."""
    longest = max(p.call.k.shape[1] for p in budget.prefills)
    low, high = candidate.least, max(candidate.least, longest // candidate.step)
    limit = budget.area * OVER
    if budget.cost(candidate.make(low * candidate.step)) > limit:
        return None
    while low < high:
        middle = (low + high + 1) // 2
        if budget.cost(candidate.make(middle * candidate.step)) <= limit:
            low = middle
        else:
            high = middle - 1
    return candidate.make(low * candidate.step)


@torch.inference_mode()
def head_errors(pattern: HeadPattern, prefills: Sequence[Prefill]) -> list[float]:
    """Relative output error (L2) of every head, layer after layer, mean over the prefills."""
    layers = max(p.layer for p in prefills) + 1
    heads = prefills[0].call.q.shape[0]
    total, count = torch.zeros(layers, heads, dtype=torch.float64), Counter[int]()
    for p in prefills:
        q, k, v = (t.unsqueeze(0) for t in (p.call.q, p.call.k, p.v))
        out = sparse_attention(q, k, v, plan_of(pattern, p), mode="sparse")[0]
        apart = (out.double() - p.dense.double()).flatten(1).norm(dim=1)
        total[p.layer] += apart / p.dense.double().flatten(1).norm(dim=1).clamp(min=1e-12)
        count[p.layer] += 1
    for layer in range(layers):
        total[layer] /= max(1, count[layer])
    mean: list[float] = total.flatten().tolist()
    return mean


def _assigned(
    model: PointerModel,
    chosen: Mapping[str, HeadPattern],
    errors: Mapping[str, list[float]],
    frames: Sequence[int],
    keys: int,
    traces: int,
    budget: Budget,
) -> HeadPatterns:
    config = model.module.config.text_config
    layers, heads = int(config.num_hidden_layers), int(config.num_attention_heads)
    best = [min(errors, key=lambda title: errors[title][n]) for n in range(layers * heads)]
    rows = tuple(tuple(chosen[title] for title in best[n * heads : (n + 1) * heads]) for n in range(layers))
    told = {
        "objective": "least relative output error at matched query-key pairs",
        "traces": traces,
        "screenshots": list(frames),
        "keys_per_row": keys,
        "density_at_most_screenshots": round(budget.density(), 4),
        "heads_per_candidate": dict(Counter(best)),
        "mean_error": {title: round(sum(e) / len(e), 4) for title, e in errors.items()},
        "mean_error_assigned": round(sum(errors[t][n] for n, t in enumerate(best)) / len(best), 4),
    }
    return HeadPatterns(model.name, model.language_fingerprint, rows, told)
