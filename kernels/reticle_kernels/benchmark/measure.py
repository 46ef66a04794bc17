"""Sparse prefill beside dense attention: times, densities and errors at every length, as plain data."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from reticle_kernels.attention.coverage import SparsePattern, compile_plan
from reticle_kernels.attention.oracle import masked_attention
from reticle_kernels.attention.plan import SparsePlan
from reticle_kernels.attention.sparse import dense_attention, sparse_attention

from .cases import SHAPES, Case, Shape, ShapeName, cases, inputs
from .clock import check_device, device_name, median_ms, once_ms, paired_ms, versions
from .rivals import Attention, dense_rivals, flex_rival
from .whole_model import RandomDecoder

CHECKED = 1 << 25
"""Query-key pairs that float64 attention is computed for, over all heads."""
WHOLE = ("A-shape 128 + 1024", "vertical-slash 512 + band of 1024", "same patch r=1, own frame")
"""The patterns that whole models are measured with."""
LENGTHS = {"cpu": (4096, 8192, 16_384, 32_768, 65_536), "cuda": tuple(4096 << n for n in range(9))}
"""Lengths where none are given: 4k to 64k on a processor, 4k to 1M on a GPU."""


@dataclass(frozen=True, slots=True)
class Result:
    """One line: times of one attention layer, or of a whole model where the pattern's name says so.

    ``density``: computed area beside causal area. ``sparse_ms`` includes finding the pattern and listing its keys where
    every layer must. ``max_rel_error``: largest difference from float64 attention under the pattern's predicate on
    sampled rows, beside the largest value there; None where it was not measured.
    """

    pattern: str
    length: int
    density: float
    dense_ms: float
    sparse_ms: float
    speedup: float
    max_rel_error: float | None


@dataclass(frozen=True, slots=True)
class Request:
    """What to measure.

    Attributes:
        rounds: calls per time, of which the median counts.
        whole_model: whether all layers of the model are run with random weights as well.
        longest_s: a length whose one dense pass is predicted to last longer is left out, and those after it.
        patterns: beginnings of the names of the patterns that are measured; none for all.
        dense_once: on the processor, time dense attention once per length, beside the first pattern, and not beside
            every one: for lengths at which it takes most of the time. On CUDA it is always timed once.
    """

    device: str = "cpu"
    lengths: Sequence[int] = ()
    shape: ShapeName | None = None
    rounds: int = 3
    seed: int = 0
    whole_model: bool = False
    longest_s: float = 120.0
    patterns: Sequence[str] = ()
    dense_once: bool = False

    def check(self) -> None:
        """Raises ValueError naming what cannot be measured."""
        check_device(self.device)
        if self.shape is not None and self.shape not in SHAPES:
            raise ValueError(f"shape is {self.shape!r}, expected one of {', '.join(SHAPES)}")
        for length in self.lengths:
            if length < 1:
                raise ValueError(f"a length is {length}, must be at least 1")
        if self.rounds < 1:
            raise ValueError(f"rounds is {self.rounds}, must be at least 1")


def measure(
    request: Request,
    notice: Callable[[str], None] = lambda line: None,
    keep: Callable[[dict[str, Any]], None] = lambda document: None,
) -> dict[str, Any]:
    """Measures and returns {"device", "versions", "seeds", "results"}.

    Args:
        notice: told of what is left out, and why, and of every line that is done.
        keep: given the document as far as it goes after every line, so that what is broken off is not lost.

    Raises ValueError as :meth:`Request.check` does.
    """
    request.check()
    device = request.device
    shape = SHAPES[request.shape or ("7b" if device == "cuda" else "embedded")]
    results: list[Result] = []
    fixed = {"device": device_name(device), "versions": versions(), "seeds": {"inputs": request.seed}}
    ratio = 0.0

    def document() -> dict[str, Any]:
        return {**fixed, "results": [asdict(line) for line in results]}

    def add(line: Result) -> None:
        results.append(line)
        keep(document())

    for length in sorted(set(request.lengths or LENGTHS[device])):
        if ratio * length**2 > request.longest_s:
            notice(f"{length} tokens and more: a dense pass is expected to last over {request.longest_s:.0f} s")
            break
        try:
            before = len(results)
            _at_length(request, shape, length, notice, add)
        except torch.OutOfMemoryError as error:
            notice(f"{length} tokens: {str(error).splitlines()[0]}")
            torch.cuda.empty_cache()
            break
        ratio = max((line.dense_ms for line in results[before:]), default=0.0) / 1000 / length**2
    return document()


@torch.no_grad()
def _at_length(
    request: Request, shape: Shape, length: int, notice: Callable[[str], None], add: Callable[[Result], None]
) -> None:
    dtype = torch.bfloat16 if request.device == "cuda" else torch.float32
    _layer_lines(request, shape, length, dtype, notice, add)
    if request.whole_model:
        _whole_lines(request, shape, length, dtype, notice, add)


def _layer_lines(
    request: Request,
    shape: Shape,
    length: int,
    dtype: torch.dtype,
    notice: Callable[[str], None],
    add: Callable[[Result], None],
) -> None:
    """Single layers: every dense kernel, every pattern, FlexAttention; each goes to ``add``."""
    device, rounds = request.device, request.rounds
    q, k, v = inputs(shape, length, device, dtype, request.seed)
    lines, dense = _dense_lines(request, length, (q, k, v), notice)
    for line in lines:
        add(line)
    for case in _wanted(request, shape, length):
        pattern = case.find(q[0], k[0])
        run, plan = layer_run(case, pattern, (q, k, v))
        out = run()
        error = relative_error(out, q, k, v, pattern, request.seed)
        if dense is None and request.dense_once:
            dense = once_ms(lambda: dense_attention(q, k, v), device)
        if dense is None:
            dense_ms, sparse_ms = paired_ms(lambda: dense_attention(q, k, v), run, device, rounds)
        else:
            dense_ms, sparse_ms = dense, _alone_ms(run, device, rounds)
        line = _line(case.name, length, plan.density(), dense_ms, sparse_ms, error)
        add(line)
        notice(_told(line))
        if device == "cuda" and not case.online:
            for line in _flex_lines(case.name, pattern, length, plan.density(), dense_ms, (q, k, v), request, notice):
                add(line)


def _wanted(request: Request, shape: Shape, length: int) -> list[Case]:
    """The patterns of this length that were asked for."""
    found = cases(shape, length, request.device)
    return [c for c in found if not request.patterns or c.name.startswith(tuple(request.patterns))]


def _alone_ms(run: Callable[[], object], device: str, rounds: int) -> float:
    """On the processor without a further call to warm up, as :func:`paired_ms`: the pattern has run once already."""
    if device == "cuda":
        return median_ms(run, device, rounds)
    return statistics.median(once_ms(run, device) for _ in range(rounds))


def _line(name: str, length: int, density: float, dense_ms: float, sparse_ms: float, error: float | None) -> Result:
    figures = (round(density, 4), round(dense_ms, 3), round(sparse_ms, 3), round(dense_ms / sparse_ms, 3))
    return Result(name, length, *figures, error)


def _told(line: Result) -> str:
    """All of a line, so that a long measurement that is broken off has said what it found."""
    times = f"dense {line.dense_ms:.1f} ms, sparse {line.sparse_ms:.1f} ms, {line.speedup:.2f} times dense"
    return f"{line.length} tokens, {line.pattern}: density {line.density:.2%}, {times}"


def _dense_lines(
    request: Request, length: int, tensors: tuple[Tensor, Tensor, Tensor], notice: Callable[[str], None]
) -> tuple[list[Result], float | None]:
    """On CUDA every dense kernel and the time of the fastest; on the processor nothing, as dense takes turns there."""
    if request.device != "cuda":
        return [], None
    times: dict[str, float] = {}
    for name, attention in dense_rivals(request.device).items():
        try:
            times[name] = median_ms(lambda run=attention: run(*tensors), request.device, request.rounds)  # type: ignore[misc]
        except RuntimeError as error:
            notice(f"{length} tokens, {name}: {str(error).splitlines()[0]}")
    best = min(times.values())
    return [_line(f"dense: {name}", length, 1.0, best, ms, None) for name, ms in times.items()], best


def _flex_lines(
    name: str,
    pattern: SparsePattern,
    length: int,
    density: float,
    dense_ms: float,
    tensors: tuple[Tensor, Tensor, Tensor],
    request: Request,
    notice: Callable[[str], None],
) -> list[Result]:
    """FlexAttention under the same pattern, where it takes it."""
    attention = flex_rival(pattern, length, length, request.device, compiled=True)
    if attention is None:
        return []
    try:
        error = relative_error(attention(*tensors), *tensors, pattern, request.seed)
        ms = median_ms(lambda: attention(*tensors), request.device, request.rounds)
    except RuntimeError as error_text:
        notice(f"{length} tokens, {name} by FlexAttention: {str(error_text).splitlines()[0]}")
        return []
    return [_line(f"{name}, by FlexAttention", length, density, dense_ms, ms, error)]


def plan_for(pattern: SparsePattern, q: Tensor, k: Tensor) -> SparsePlan:
    """The plan of a layer whose heads all follow one pattern."""
    heads = q.shape[1]
    return compile_plan([(pattern, range(heads))], heads, q.shape[2], k.shape[2], q.device)


def layer_run(
    case: Case, pattern: SparsePattern, tensors: tuple[Tensor, Tensor, Tensor]
) -> tuple[Callable[[], Tensor], SparsePlan]:
    """What one layer does, with the search where the pattern is found online; and its plan."""
    q, k, v = tensors
    plan = plan_for(pattern, q, k)

    def run() -> Tensor:
        mine = plan_for(case.find(q[0], k[0]), q, k) if case.online else plan
        return sparse_attention(q, k, v, mine, mode="sparse")

    return run, plan


def relative_error(out: Tensor, q: Tensor, k: Tensor, v: Tensor, pattern: SparsePattern, seed: int) -> float:
    """Largest difference from float64 attention on sampled rows, beside the largest value there.

    Args:
        out: [1, Hq, Lq, D] of the kernel. q: [1, Hq, Lq, D]. k, v: [1, Hkv, Lkv, D].
        pattern: for all heads.
    """
    heads, queries, keys = q.shape[1], q.shape[2], k.shape[2]
    many = min(queries, max(4, min(64, CHECKED // (heads * keys))))
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randperm(queries, generator=generator)[:many].sort().values.to(q.device)
    position = torch.arange(keys, device=q.device)
    mask = pattern.keep((rows + keys - queries).unsqueeze(1), position.unsqueeze(0)).expand(heads, many, keys)
    worst, largest = 0.0, 0.0
    share = heads // k.shape[1]
    for head in range(heads):
        own, group = slice(head, head + 1), slice(head // share, head // share + 1)
        expected = masked_attention(q[0, own][:, rows], k[0, group], v[0, group], mask[own])
        worst = max(worst, float((out[0, own][:, rows].double() - expected).abs().max()))
        largest = max(largest, float(expected.abs().max()))
    return worst / max(largest, torch.finfo(torch.float32).tiny)


def _whole_lines(
    request: Request,
    shape: Shape,
    length: int,
    dtype: torch.dtype,
    notice: Callable[[str], None],
    add: Callable[[Result], None],
) -> None:
    """All layers with random weights, attention dense by the fastest call at hand against each pattern."""
    decoder = RandomDecoder(shape, request.device, dtype, request.seed)
    states = decoder.states(length)
    for case in _wanted(request, shape, length):
        if case.name not in WHOLE:
            continue
        sparse = _Sparse(case)
        # The first pass warms up and is the one whose first layer is checked.
        decoder.prefill(states, sparse)
        error = sparse.check(request.seed)
        dense_ms = once_ms(lambda: decoder.prefill(states, dense_attention), request.device)
        sparse_ms = once_ms(lambda attention=sparse: decoder.prefill(states, attention), request.device)  # type: ignore[misc]
        name = f"{shape.name} end to end, {case.name}"
        line = _line(name, length, sparse.density, dense_ms, sparse_ms, error)
        add(line)
        notice(_told(line))


class _Sparse:
    """Sparse attention of every layer of a model; keeps the first layer's tensors until they are checked."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._plan: SparsePlan | None = None
        self._seen: tuple[Tensor, Tensor, Tensor, Tensor, SparsePattern] | None = None
        self._keep_first = True
        self.density = 0.0

    def __call__(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        if self._plan is None or self._case.online:
            pattern = self._case.find(q[0], k[0])
            self._plan = plan_for(pattern, q, k)
            if self._keep_first:
                self.density = self._plan.density()
        out = sparse_attention(q, k, v, self._plan, mode="sparse")
        if self._keep_first:
            self._seen, self._keep_first = (out, q, k, v, pattern), False
        return out

    def check(self, seed: int) -> float | None:
        if self._seen is None:
            return None
        error = relative_error(*self._seen, seed)
        self._seen = None
        return error


__all__ = ["Attention", "Request", "Result", "measure", "plan_for", "relative_error"]
