"""Fits a calibration: which of an instruction's candidates is right, how sure that is, and from when on it counts.

Accuracy and shares in a law's ``meta``, and the threshold for "found", come from answers to screens that the law asked
was not fitted on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NotRequired, TypedDict

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from .calibration import Calibration, Unit, probability
from .errors import ReticleError

if TYPE_CHECKING:
    from torch import Tensor

KEEP_RIGHT = 0.95
"""Share of the answered targets with a right first candidate that must stay above the threshold."""
INNER_L2 = 0.3
"""Penalty on the hidden units' weights, relative to that on the linear ones."""
ALONE = 0.3
"""Weight of telling each candidate right or wrong by itself, beside choosing among all of an instruction."""
HELD = 200.0
"""Penalty on the square of the logarithm of the scale, so that answers that say nothing are not blown up."""
FOLDS, FOLD_STARTS = 4, 4
"""Parts of the samples, each answered by a law that was fitted on the others, from so many starts at most: enough for a
scale, a shift and a threshold."""
STEPS = 150
"""Most steps of one fit; with hidden units the loss is flat long before."""


class Sample(TypedDict):
    """The candidates of one instruction."""

    rows: list[dict[str, float]]
    right: list[bool]
    """Whether the candidate's point lies in the target; all False for an absent target."""
    absent: bool
    weight: NotRequired[float]
    """How much it counts in the fit of the law, 1 by default; probabilities and threshold count every sample once."""


def fit(
    samples: Sequence[Sample],
    names: Sequence[str],
    l2: float = 1.0,
    units: int = 0,
    starts: int = 1,
    further: Sequence[Sample] = (),
) -> Calibration:
    """Fits order and probabilities, then the threshold.

    The law is fitted twice over: to choose the right candidate among all of an instruction, or none, and to tell right
    from wrong ones by themselves. A scale and a shift then make probabilities of it, and the threshold is chosen, both
    on answers to screens that the law asked was not fitted on (:data:`FOLDS` parts).

    Args:
        samples: in the order of their screens, so that those of one screen stay together.
        l2: penalty on the weights (not on the biases).
        units: hidden units of one start; their first weights are drawn from fixed seeds.
        starts: fits from so many seeds, whose log-odds are averaged: what depends on the seed alone evens out.
        further: join the fit of the law, but neither probabilities nor the threshold are taken from them.

    Raises ReticleError when there is nothing right or nothing wrong to learn from.
    """
    made = _fitted([*samples, *further], names, l2, units, starts)
    if len(samples) < 4 * FOLDS:
        return with_threshold(made, samples)
    scored: list[tuple[float, bool, bool]] = []
    for low, high in pairwise(round(k * len(samples) / FOLDS) for k in range(FOLDS + 1)):
        rest = [*samples[:low], *samples[high:]]
        if any(any(s["right"]) for s in rest) and any(not all(s["right"]) for s in rest):
            apart = _fitted([*rest, *further], names, l2, units, min(starts, FOLD_STARTS))
            scored += _answers(apart, samples[low:high])
    scale, shift = _scaled([_logit(p) for p, _, _ in scored], [right for _, right, _ in scored])
    changed = [(float(special.expit(scale * _logit(p) + shift)), right, absent) for p, right, absent in scored]
    return _at_threshold(made.scaled(scale, shift), changed, samples)


def _scaled(logits: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Scale (positive) and shift of log-odds under which the answers are most likely; the scale is held near 1."""
    x, y = np.array(logits), np.array(right, dtype=np.float64)

    def loss(theta: npt.NDArray[np.float64]) -> float:
        z = math.exp(theta[0]) * x + theta[1]
        return float(np.sum(np.logaddexp(0.0, z) - y * z) + HELD * theta[0] ** 2 + theta[1] ** 2)

    found = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead")
    return math.exp(float(found.x[0])), float(found.x[1])


def _logit(p: float) -> float:
    p = min(max(p, 1e-9), 1 - 1e-9)
    return math.log(p / (1 - p))


def _fitted(samples: Sequence[Sample], names: Sequence[str], l2: float, units: int, starts: int) -> Calibration:
    """The law, its threshold not yet chosen: the mean of the laws from all seeds."""
    table = _table(samples, names)
    return _mean([_law(table, l2, units, seed) for seed in range(starts if units else 1)], names)


def _mean(parts: Sequence[_Parts], names: Sequence[str]) -> Calibration:
    """The law whose log-odds are the mean of those of the parts."""
    share = 1.0 / len(parts)
    weights = np.mean([p.weights for p in parts], axis=0)
    hidden = tuple(
        Unit(dict(zip(names, row.tolist(), strict=True)), float(bias), float(out) * share)
        for p in parts
        for row, bias, out in zip(p.inner, p.inner_bias, p.outer, strict=True)
    )
    bias = float(np.mean([p.bias for p in parts]))
    return Calibration(dict(zip(names, weights.tolist(), strict=True)), bias, 0.5, {}, hidden)


@dataclass(frozen=True, slots=True)
class _Table:
    """Candidates as rows."""

    x: Tensor
    """[rows, features]."""
    y: Tensor
    """[rows] 1 where right."""
    share: Tensor
    """[rows] an instruction with many candidates weighs no more than one with a few."""
    owner: Tensor
    """[rows] number of the instruction."""
    weights: Tensor
    """[instructions that have candidates]."""


@dataclass(frozen=True, slots=True)
class _Parts:
    bias: float
    weights: npt.NDArray[np.float64]
    inner: npt.NDArray[np.float64]
    """[units, features]."""
    inner_bias: npt.NDArray[np.float64]
    outer: npt.NDArray[np.float64]


def _table(samples: Sequence[Sample], names: Sequence[str]) -> _Table:
    """Raises ReticleError when all candidates are right, or none is."""
    import torch

    rows: list[list[float]] = []
    right: list[float] = []
    share: list[float] = []
    owner: list[int] = []
    weights: list[float] = []
    for sample in samples:
        weight = sample.get("weight", 1.0)
        for features, truth in zip(sample["rows"], sample["right"], strict=True):
            rows.append([features.get(name, 0.0) for name in names])
            right.append(float(truth))
            share.append(weight * 8.0 / max(8, len(sample["rows"])))
            owner.append(len(weights))
        if sample["rows"]:
            weights.append(weight)
    if not 0 < sum(right) < len(right):
        raise ReticleError("calibration needs right and wrong candidates; the screens gave only one kind")
    x, y, shares, counts = (torch.tensor(v, dtype=torch.float32) for v in (rows, right, share, weights))
    return _Table(x.reshape(-1, len(names)), y, shares, torch.tensor(owner), counts)


def _law(table: _Table, l2: float, units: int, seed: int) -> _Parts:
    """One fit by L-BFGS."""
    import torch

    features = table.x.shape[1]
    drawn = torch.tensor(np.random.default_rng(seed).normal(0.0, 0.3, (units, features)))
    start = [torch.zeros(1), torch.zeros(features), drawn, torch.zeros(units), torch.zeros(units)]
    bias, weights, inner, inner_bias, outer = theta = [t.float().requires_grad_() for t in start]
    optimizer = torch.optim.LBFGS(theta, max_iter=STEPS, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> float:
        optimizer.zero_grad()
        logit = bias + table.x @ weights + torch.tanh(table.x @ inner.T + inner_bias) @ outer
        alone = torch.nn.functional.binary_cross_entropy_with_logits(logit, table.y, table.share, reduction="sum")
        held = (weights**2).sum() + INNER_L2 * ((inner**2).sum() + (outer**2).sum())
        value = _choice(logit, table) + ALONE * alone + 0.5 * l2 * held
        value.backward()  # type: ignore[no-untyped-call]
        return float(value.detach())

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    arrays = [t.detach().numpy() for t in (weights, inner, inner_bias, outer)]
    return _Parts(float(bias.detach()), *arrays)


def _choice(logit: Tensor, table: _Table) -> Tensor:
    """Cross-entropy of choosing a right candidate of each instruction, or none where none is right; "none" has
    log-odds 0."""
    import torch

    zeros = torch.zeros(len(table.weights), dtype=logit.dtype)
    top = zeros.scatter_reduce(0, table.owner, logit.detach(), "amax")
    weight = torch.exp(logit - top[table.owner])
    none = torch.exp(-top)
    every = zeros.index_add(0, table.owner, weight) + none
    hit = zeros.index_add(0, table.owner, weight * table.y)
    present = zeros.index_add(0, table.owner, table.y) > 0
    good = torch.where(present, hit, none)
    return (table.weights * (torch.log(every) - torch.log(good.clamp(min=1e-30)))).sum()


def with_threshold(made: Calibration, samples: Sequence[Sample]) -> Calibration:
    """The highest threshold that keeps :data:`KEEP_RIGHT` of the right answers, with what it does in ``meta``."""
    return _at_threshold(made, list(_answers(made, samples)), samples)


def _at_threshold(
    made: Calibration, answers: Sequence[tuple[float, bool, bool]], samples: Sequence[Sample]
) -> Calibration:
    right: list[float] = []
    wrong: list[float] = []
    absent: list[float] = []
    for p, truth, missing in answers:
        (absent if missing else right if truth else wrong).append(p)
    threshold = float(np.quantile(right, 1.0 - KEEP_RIGHT)) if right else 0.5
    present = len(right) + len(wrong)
    meta = {
        "instructions": len(samples),
        "candidates": sum(len(s["rows"]) for s in samples),
        "accuracy": round(len(right) / present, 4) if present else None,
        "right_kept": _share_above(right, threshold),
        "wrong_rejected": _share_below(wrong, threshold),
        "absent_rejected": _share_below(absent, threshold),
    }
    return Calibration(made.weights, made.bias, threshold, {**made.meta, **meta}, made.hidden)


def _answers(made: Calibration, samples: Sequence[Sample]) -> Iterator[tuple[float, bool, bool]]:
    """(p_true, right, absent) of every instruction's first candidate; p is 0 where there is none."""
    for sample in samples:
        scored = [probability(v) for v in made.logits(sample["rows"])]
        if scored:
            best = int(np.argmax(scored))
            yield scored[best], sample["right"][best], sample["absent"]
        else:
            yield 0.0, False, sample["absent"]


def _share_above(values: Sequence[float], threshold: float) -> float | None:
    return round(sum(v >= threshold for v in values) / len(values), 4) if values else None


def _share_below(values: Sequence[float], threshold: float) -> float | None:
    return round(sum(v < threshold for v in values) / len(values), 4) if values else None
