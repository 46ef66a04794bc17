"""Calibration: named features -> ``p_true``; the coefficients lie in ``data/calibration.json``.

A logistic law with a few hidden units beside its linear weights. The file names the command, counts and model that made
it, so that it can be made again (:mod:`reticle_grounding.fitting`). Accuracy and shares in its ``meta``, and the
threshold for "found", come from answers to screens that the law asked was not fitted on.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TypedDict, cast

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from .errors import ReticleError

DATA_FILE = Path(__file__).parent / "data" / "calibration.json"
KEEP_RIGHT = 0.95
"""Share of the answered targets with a right first candidate that must stay above the threshold."""
INNER_L2 = 0.3
"""Penalty on the hidden units' weights, relative to that on the linear ones."""
ALONE = 0.3
"""Weight of telling each candidate right or wrong by itself, beside choosing among all of an instruction."""
HELD = 200.0
"""Penalty on the square of the logarithm of that scale, so that answers that say nothing are not blown up."""
FOLDS = 4
"""Parts of the samples, each answered by a law that was fitted on the others."""
FloatArray = npt.NDArray[np.float64]


class Sample(TypedDict):
    """The candidates of one instruction."""

    rows: list[dict[str, float]]
    right: list[bool]
    """Whether the candidate's point lies in the target; all False for an absent target."""
    absent: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """A hidden unit: adds ``out * tanh(bias + sum(weight * feature))`` to the log-odds."""

    weights: Mapping[str, float]
    bias: float
    out: float

    def value(self, features: Mapping[str, float]) -> float:
        return self.out * math.tanh(self.bias + _dot(self.weights, features))


def _dot(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    return sum(weights.get(name, 0.0) * value for name, value in features.items())


@dataclass(frozen=True, slots=True)
class Calibration:
    """``p_true = 1 / (1 + exp(-(bias + sum(weight * feature) + sum(hidden units))))``."""

    weights: Mapping[str, float]
    bias: float
    threshold: float
    """Below this best ``p_true`` the target counts as not on the screen."""
    meta: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """How it was fitted: command, n, model, accuracy, kept share, rejection rate."""
    hidden: tuple[Unit, ...] = ()

    def p_true(self, features: Mapping[str, float]) -> float:
        """Probability (0..1) that the candidate is right; unknown features count nothing."""
        logit = self.bias + _dot(self.weights, features) + sum(unit.value(features) for unit in self.hidden)
        return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, logit))))

    def scaled(self, scale: float, shift: float) -> Calibration:
        """The same order (``scale`` > 0) with log-odds ``scale * logit + shift``."""
        hidden = tuple(Unit(u.weights, u.bias, u.out * scale) for u in self.hidden)
        weights = {name: value * scale for name, value in self.weights.items()}
        return Calibration(weights, self.bias * scale + shift, self.threshold, self.meta, hidden)

    def save(self, path: Path) -> None:
        document = {
            "weights": {k: round(v, 5) for k, v in self.weights.items()},
            "bias": round(self.bias, 5),
            "threshold": round(self.threshold, 4),
            "hidden": [
                {
                    "weights": {k: round(v, 5) for k, v in u.weights.items()},
                    "bias": round(u.bias, 5),
                    "out": round(u.out, 5),
                }
                for u in self.hidden
            ],
            "meta": dict(self.meta),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load_calibration(path: Path = DATA_FILE) -> Calibration:
    """Reads a coefficient file. Raises ReticleError naming the file when it is missing or malformed."""
    try:
        raw = cast(dict[str, object], json.loads(path.read_text(encoding="utf-8")))
        weights = _numbers(raw["weights"])
        hidden = tuple(
            Unit(_numbers(u["weights"]), float(cast(float, u["bias"])), float(cast(float, u["out"])))
            for u in cast(list[dict[str, object]], raw.get("hidden", []))
        )
        meta = cast(dict[str, str | int | float | None], raw.get("meta", {}))
        bias, threshold = float(cast(float, raw["bias"])), float(cast(float, raw["threshold"]))
    except OSError as error:
        raise ReticleError(f"cannot read calibration file {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReticleError(f"calibration file {path} is not valid: {error}; fit it again") from error
    inner = [v for u in hidden for v in (*u.weights.values(), u.bias, u.out)]
    if not all(math.isfinite(v) for v in (*weights.values(), *inner, bias, threshold)):
        raise ReticleError(f"calibration file {path} holds numbers that are not finite; fit it again")
    return Calibration(weights, bias, threshold, meta, hidden)


def _numbers(raw: object) -> dict[str, float]:
    return {str(k): float(v) for k, v in cast(dict[str, float], raw).items()}


def fit(samples: Sequence[Sample], names: Sequence[str], l2: float = 1.0, units: int = 0) -> Calibration:
    """Fits order and probabilities, then the threshold.

    The law is fitted twice over: to choose the right candidate among all of an instruction, or none, and to tell right
    from wrong ones by themselves. A scale and a shift then make probabilities of it, and the threshold is chosen, both
    on answers to screens that the law asked was not fitted on (:data:`FOLDS` parts).

    Args:
        samples: in the order of their screens, so that those of one screen stay together.
        l2: penalty on the weights (not on the biases).
        units: hidden units; their first weights are drawn from a fixed seed.

    Raises ReticleError when there is nothing right or nothing wrong to learn from.
    """
    made = _fitted(samples, names, l2, units)
    if len(samples) < 4 * FOLDS:
        return with_threshold(made, samples)
    cuts = [round(k * len(samples) / FOLDS) for k in range(FOLDS + 1)]
    scored: list[tuple[float, bool, bool]] = []
    for low, high in pairwise(cuts):
        rest = [*samples[:low], *samples[high:]]
        if any(any(s["right"]) for s in rest) and any(not all(s["right"]) for s in rest):
            scored += _answers(_fitted(rest, names, l2, units), samples[low:high])
    scale, shift = _scaled([_logit(p) for p, _, _ in scored], [right for _, right, _ in scored])
    changed = [(float(special.expit(scale * _logit(p) + shift)), right, absent) for p, right, absent in scored]
    return _at_threshold(made.scaled(scale, shift), changed, samples)


def _scaled(logits: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Scale (positive) and shift of log-odds under which the answers are most likely; the scale is held near 1."""
    x, y = np.array(logits), np.array(right, dtype=np.float64)

    def loss(theta: FloatArray) -> float:
        z = math.exp(theta[0]) * x + theta[1]
        return float(np.sum(np.logaddexp(0.0, z) - y * z) + HELD * theta[0] ** 2 + theta[1] ** 2)

    found = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead")
    return math.exp(float(found.x[0])), float(found.x[1])


def _logit(p: float) -> float:
    p = min(max(p, 1e-9), 1 - 1e-9)
    return math.log(p / (1 - p))


def _fitted(samples: Sequence[Sample], names: Sequence[str], l2: float, units: int) -> Calibration:
    """The law, its threshold not yet chosen."""
    x, y, share, first = _table(samples, names)
    if not y.any() or y.all():
        raise ReticleError("calibration needs right and wrong candidates; the screens gave only one kind")
    law = _Law(x.shape[1], units)

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        p = law.parts(theta)
        active = np.tanh(x @ p.inner.T + p.inner_bias)
        logit = p.bias[0] + x @ p.weights + active @ p.outer
        chosen, error = _choice(logit, y, first)
        error += ALONE * share * (special.expit(logit) - y)
        back = error[:, None] * p.outer * (1.0 - active * active)
        value = chosen + ALONE * float(np.sum(share * (np.logaddexp(0.0, logit) - y * logit)))
        inner_l2 = INNER_L2 * l2
        value += 0.5 * l2 * float(p.weights @ p.weights)
        value += 0.5 * inner_l2 * float((p.inner**2).sum() + (p.outer**2).sum())
        slopes = [error.sum()[None], x.T @ error + l2 * p.weights, (back.T @ x + inner_l2 * p.inner).ravel()]
        return value, np.concatenate([*slopes, back.sum(axis=0), active.T @ error + inner_l2 * p.outer])

    found = optimize.minimize(loss, law.start(), jac=True, method="L-BFGS-B", options={"maxiter": 300})
    p = law.parts(cast(FloatArray, found.x))
    hidden = tuple(
        Unit(dict(zip(names, row.tolist(), strict=True)), float(bias), float(out))
        for row, bias, out in zip(p.inner, p.inner_bias, p.outer, strict=True)
    )
    return Calibration(dict(zip(names, p.weights.tolist(), strict=True)), float(p.bias[0]), 0.5, {}, hidden)


def _choice(logit: FloatArray, y: FloatArray, first: npt.NDArray[np.int64]) -> tuple[float, FloatArray]:
    """Cross-entropy of choosing a right candidate of each instruction, or none where none is right, and its slope.

    ``first`` are the rows where instructions begin; "none" has log-odds 0.
    """
    counts = np.diff([*first, len(logit)])
    top = np.maximum(np.maximum.reduceat(logit, first), 0.0)
    weight = np.exp(logit - np.repeat(top, counts))
    none = np.exp(-top)
    every = np.add.reduceat(weight, first) + none
    hit = np.add.reduceat(weight * y, first)
    present = np.add.reduceat(y, first) > 0
    good = np.where(present, hit, none)
    slope = weight / np.repeat(every, counts)
    slope -= np.where(np.repeat(present, counts), weight * y / np.repeat(np.maximum(good, 1e-300), counts), 0.0)
    return float(np.sum(np.log(every) - np.log(np.maximum(good, 1e-300)))), slope


@dataclass(frozen=True, slots=True)
class _Parts:
    bias: FloatArray
    weights: FloatArray
    inner: FloatArray
    """[units, features]."""
    inner_bias: FloatArray
    outer: FloatArray


@dataclass(frozen=True, slots=True)
class _Law:
    """The parameters as one vector."""

    features: int
    units: int

    def parts(self, theta: FloatArray) -> _Parts:
        cuts = np.cumsum([1, self.features, self.units * self.features, self.units])
        bias, weights, inner, inner_bias, outer = np.split(theta, cuts)
        return _Parts(bias, weights, inner.reshape(self.units, self.features), inner_bias, outer)

    def start(self) -> FloatArray:
        drawn = np.random.default_rng(0).normal(0.0, 0.3, self.units * self.features)
        return np.concatenate([np.zeros(1 + self.features), drawn, np.zeros(2 * self.units)])


def _table(
    samples: Sequence[Sample], names: Sequence[str]
) -> tuple[FloatArray, FloatArray, FloatArray, npt.NDArray[np.int64]]:
    """Features, truth, share in the count (an instruction with many candidates weighs no more than one with a few),
    and the rows where instructions begin."""
    rows: list[list[float]] = []
    right: list[float] = []
    share: list[float] = []
    first: list[int] = []
    for sample in samples:
        if sample["rows"]:
            first.append(len(rows))
        for features, truth in zip(sample["rows"], sample["right"], strict=True):
            rows.append([features.get(name, 0.0) for name in names])
            right.append(float(truth))
            share.append(8.0 / max(8, len(sample["rows"])))
    x = np.array(rows, dtype=np.float64).reshape(-1, len(names))
    return x, np.array(right), np.array(share), np.array(first, dtype=np.int64)


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
        scored = [made.p_true(row) for row in sample["rows"]]
        if scored:
            best = int(np.argmax(scored))
            yield scored[best], sample["right"][best], sample["absent"]
        else:
            yield 0.0, False, sample["absent"]


def _share_above(values: Sequence[float], threshold: float) -> float | None:
    return round(sum(v >= threshold for v in values) / len(values), 4) if values else None


def _share_below(values: Sequence[float], threshold: float) -> float | None:
    return round(sum(v < threshold for v in values) / len(values), 4) if values else None
