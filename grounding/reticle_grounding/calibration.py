"""Calibration: named features -> ``p_true``; the coefficients lie in ``data/calibration.json``.

A logistic law with a few hidden units beside its linear weights. The file names the command, counts and model that made
it, so that it can be made again (:mod:`reticle_grounding.fitting`); the threshold for "found" is chosen on the same
screens.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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
    """Maximum likelihood with an L2 penalty on the weights (not on the biases), then the threshold.

    An instruction with many candidates weighs no more than one with a few.

    Args:
        units: hidden units; their first weights are drawn from a fixed seed.

    Raises ReticleError when there is nothing right or nothing wrong to learn from.
    """
    x, y, share = _table(samples, names)
    if not y.any() or y.all():
        raise ReticleError("calibration needs right and wrong candidates; the screens gave only one kind")
    law = _Law(x.shape[1], units)

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        p = law.parts(theta)
        active = np.tanh(x @ p.inner.T + p.inner_bias)
        logit = p.bias[0] + x @ p.weights + active @ p.outer
        error = share * (special.expit(logit) - y)
        back = error[:, None] * p.outer * (1.0 - active * active)
        value = float(np.sum(share * (np.logaddexp(0.0, logit) - y * logit)))
        inner_l2 = INNER_L2 * l2
        value += 0.5 * l2 * float(p.weights @ p.weights)
        value += 0.5 * inner_l2 * float((p.inner**2).sum() + (p.outer**2).sum())
        slopes = [error.sum()[None], x.T @ error + l2 * p.weights, (back.T @ x + inner_l2 * p.inner).ravel()]
        return value, np.concatenate([*slopes, back.sum(axis=0), active.T @ error + inner_l2 * p.outer])

    found = optimize.minimize(loss, law.start(), jac=True, method="L-BFGS-B", options={"maxiter": 600})
    p = law.parts(cast(FloatArray, found.x))
    hidden = tuple(
        Unit(dict(zip(names, row.tolist(), strict=True)), float(bias), float(out))
        for row, bias, out in zip(p.inner, p.inner_bias, p.outer, strict=True)
    )
    made = Calibration(dict(zip(names, p.weights.tolist(), strict=True)), float(p.bias[0]), 0.5, {}, hidden)
    return with_threshold(made, samples)


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


def _table(samples: Sequence[Sample], names: Sequence[str]) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows, right, share = [], [], []
    for sample in samples:
        for features, truth in zip(sample["rows"], sample["right"], strict=True):
            rows.append([features.get(name, 0.0) for name in names])
            right.append(float(truth))
            share.append(8.0 / max(8, len(sample["rows"])))
    return np.array(rows, dtype=np.float64).reshape(-1, len(names)), np.array(right), np.array(share)


def with_threshold(made: Calibration, samples: Sequence[Sample]) -> Calibration:
    """The highest threshold that keeps :data:`KEEP_RIGHT` of the right answers, with what it does in ``meta``."""
    right: list[float] = []
    wrong: list[float] = []
    absent: list[float] = []
    for p, truth, missing in _answers(made, samples):
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
