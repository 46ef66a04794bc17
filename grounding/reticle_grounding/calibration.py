"""Calibration: named features -> ``p_true``; the coefficients lie in ``data/calibration.json``.

A logistic law with some hidden units beside its linear weights, fitted by :mod:`.calibration_fit`. The file names the
command, counts and model that made it, so that it can be made again (:mod:`reticle_grounding.fitting`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import numpy as np

from .errors import ReticleError

DATA_FILE = Path(__file__).parent / "data" / "calibration.json"


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


def probability(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, logit))))


@dataclass(frozen=True, slots=True)
class Calibration:
    """``p_true = 1 / (1 + exp(-(bias + sum(weight * feature) + sum(hidden units))))``."""

    weights: Mapping[str, float]
    bias: float
    threshold: float
    """Below this best ``p_true`` the target counts as not on the screen."""
    meta: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """How it was fitted: command, n, model; accuracy, kept share and rejection rate on screens it was not fitted on."""
    hidden: tuple[Unit, ...] = ()

    def logit(self, features: Mapping[str, float]) -> float:
        """Log-odds that the candidate is right; unknown features count nothing."""
        return self.bias + _dot(self.weights, features) + sum(unit.value(features) for unit in self.hidden)

    def logits(self, rows: Sequence[Mapping[str, float]]) -> list[float]:
        """:meth:`logit` of many candidates at once, in their order; empty for none."""
        names = tuple(dict.fromkeys([*self.weights, *(n for u in self.hidden for n in u.weights)]))
        x = np.array([[row.get(name, 0.0) for name in names] for row in rows]).reshape(-1, len(names))
        found = self.bias + x @ np.array([self.weights.get(name, 0.0) for name in names])
        if self.hidden:
            inner = np.array([[unit.weights.get(name, 0.0) for name in names] for unit in self.hidden])
            biases, outs = (np.array(v) for v in zip(*((u.bias, u.out) for u in self.hidden), strict=True))
            found = found + np.tanh(x @ inner.T + biases) @ outs
        return [float(v) for v in found]

    def p_true(self, features: Mapping[str, float]) -> float:
        """Probability (0..1) that the candidate is right."""
        return probability(self.logit(features))

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
