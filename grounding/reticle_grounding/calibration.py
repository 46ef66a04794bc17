"""Logistic calibration: named features -> ``p_true``; the coefficients lie in ``data/calibration.json``.

Fitted on generated screens only. The file names the command, seed, counts and model that made it, so that it can be
made again; the threshold for "found" is chosen on the same screens.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, cast

import numpy as np
import numpy.typing as npt
from scipy import optimize, special

from .errors import ReticleError

if TYPE_CHECKING:
    from .predictor import Grounder

DATA_FILE = Path(__file__).parent / "data" / "calibration.json"
KEEP_RIGHT = 0.95
"""Share of the answered targets with a right first candidate that must stay above the threshold."""
SEED, COUNT = 7_000_000, 900
"""Generated targets of the shipped file; training uses other seeds."""
FloatArray = npt.NDArray[np.float64]


class Sample(TypedDict):
    """The candidates of one instruction."""

    rows: list[dict[str, float]]
    right: list[bool]
    """Whether the candidate's point lies in the target; all False for an absent target."""
    absent: bool


@dataclass(frozen=True, slots=True)
class Calibration:
    """``p_true = 1 / (1 + exp(-(bias + sum(weight * feature))))``."""

    weights: Mapping[str, float]
    bias: float
    threshold: float
    """Below this best ``p_true`` the target counts as not on the screen."""
    meta: Mapping[str, str | int | float | None] = field(default_factory=dict)
    """How it was fitted: command, seed, n, model, accuracy, kept share, rejection rate."""

    def p_true(self, features: Mapping[str, float]) -> float:
        """Probability (0..1) that the candidate is right; unknown features count nothing."""
        logit = self.bias + sum(self.weights.get(name, 0.0) * value for name, value in features.items())
        return 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, logit))))

    def save(self, path: Path) -> None:
        document = {
            "weights": {k: round(v, 5) for k, v in self.weights.items()},
            "bias": round(self.bias, 5),
            "threshold": round(self.threshold, 4),
            "meta": dict(self.meta),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def load_calibration(path: Path = DATA_FILE) -> Calibration:
    """Reads a coefficient file. Raises ReticleError naming the file when it is missing or malformed."""
    try:
        raw = cast(dict[str, object], json.loads(path.read_text(encoding="utf-8")))
        weights = {str(k): float(v) for k, v in cast(dict[str, float], raw["weights"]).items()}
        meta = cast(dict[str, str | int | float | None], raw.get("meta", {}))
        bias, threshold = float(cast(float, raw["bias"])), float(cast(float, raw["threshold"]))
    except OSError as error:
        raise ReticleError(f"cannot read calibration file {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReticleError(f"calibration file {path} is not valid: {error}; fit it again") from error
    if not all(math.isfinite(v) for v in (*weights.values(), bias, threshold)):
        raise ReticleError(f"calibration file {path} holds numbers that are not finite; fit it again")
    return Calibration(weights, bias, threshold, meta)


def fit(samples: Sequence[Sample], names: Sequence[str], l2: float = 1.0) -> Calibration:
    """Maximum likelihood with an L2 penalty on the weights (not on the bias), then the threshold.

    An instruction with many candidates weighs no more than one with a few. Raises ReticleError when there is nothing
    right or nothing wrong to learn from.
    """
    x, y, share = _table(samples, names)
    if not y.any() or y.all():
        raise ReticleError("calibration needs right and wrong candidates; the screens gave only one kind")

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        logit = x @ theta[1:] + theta[0]
        error = share * (special.expit(logit) - y)
        value = float(np.sum(share * (np.logaddexp(0.0, logit) - y * logit))) + 0.5 * l2 * float(theta[1:] @ theta[1:])
        return value, np.concatenate([[error.sum()], x.T @ error + l2 * theta[1:]])

    found = optimize.minimize(loss, np.zeros(len(names) + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500})
    theta = cast(FloatArray, found.x)
    made = Calibration(dict(zip(names, theta[1:].tolist(), strict=True)), float(theta[0]), 0.5)
    return with_threshold(made, samples)


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
    return Calibration(made.weights, made.bias, threshold, {**made.meta, **meta})


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


def fit_calibration(
    targets: Path,
    model_dir: Path | None = None,
    *,
    out: Path | None = None,
    command: str = "",
    attention: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str | int | float | None]:
    """Fits on a targets file of generated screens and writes the coefficients; returns what was reached.

    Args:
        targets: as :func:`reticle_grounding.evaluate.read_targets` takes it; absent targets are negatives.
        model_dir: None is the embedded model.
        out: None replaces the shipped file.
        attention: without it only text and structure are fitted, and no model is needed.
        command: what made the file, kept in it; by default this command with the targets file's name.
        progress: called with (targets done, all).

    Raises BadInput for a bad targets file, CheckpointError for a bad model, ReticleError when nothing can be learnt.
    """
    from .features import FEATURES
    from .ocr import TextReader
    from .predictor import Grounder
    from .sources import EvenAttention

    if attention:
        grounder = Grounder.open(model_dir)
    else:
        grounder = Grounder(EvenAttention(), TextReader(), Calibration({}, 0.0, 0.5))
    samples = collect(targets, grounder, progress)
    fitted = fit(samples, FEATURES)
    made_by = command or f"reticle calibrate {targets.name}"
    meta: dict[str, str | int | float | None] = {"command": made_by, "model": grounder.name, **fitted.meta}
    Calibration(fitted.weights, fitted.bias, fitted.threshold, meta).save(out or DATA_FILE)
    return {**meta, "threshold": round(fitted.threshold, 4), "written": str(out or DATA_FILE)}


def fit_on_generated(
    model_dir: Path | None = None,
    *,
    seed: int = SEED,
    n: int = COUNT,
    out: Path | None = None,
    attention: bool = True,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, str | int | float | None]:
    """Generates ``n`` targets from ``seed`` on and fits on them; what made the shipped file. Errors as above."""
    from .training.targets import write_targets

    command = f"python -m reticle_grounding.calibration --seed {seed} -n {n}" + ("" if attention else " --no-attention")
    with tempfile.TemporaryDirectory() as folder:
        targets = write_targets(Path(folder), seed, n)
        return fit_calibration(targets, model_dir, out=out, command=command, attention=attention, progress=progress)


def collect(targets: Path, grounder: Grounder, progress: Callable[[int, int], None] | None = None) -> list[Sample]:
    """Features and truth of every target's candidates. Raises BadInput for a bad targets file."""
    from .evaluate import by_image, read_targets

    items = read_targets(targets)
    samples: list[Sample] = []
    for image, group in by_image(items):
        observation = grounder.observe(image)
        for target in group:
            weighed = observation.weigh(target.instruction)
            right = [target.box is not None and target.box.contains(d.point) for d in weighed.drafts]
            samples.append({"rows": [dict(r) for r in weighed.rows], "right": right, "absent": target.box is None})
            if progress is not None:
                progress(len(samples), len(items))
    return samples


def main(arguments: Sequence[str] | None = None) -> int:
    """Fits the shipped file again; prints what was reached as JSON."""
    parser = argparse.ArgumentParser(prog="python -m reticle_grounding.calibration", description=main.__doc__)
    parser.add_argument("--model", type=Path, default=None, help="model folder; the embedded model by default")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("-n", type=int, default=COUNT, help="targets to generate")
    parser.add_argument("--out", type=Path, default=None, help="file to write; the shipped one by default")
    parser.add_argument("--no-attention", action="store_true", help="fit text and structure only; needs no model")
    chosen = parser.parse_args(arguments)
    try:
        result = fit_on_generated(
            chosen.model,
            seed=chosen.seed,
            n=chosen.n,
            out=chosen.out,
            attention=not chosen.no_attention,
            progress=_progress,
        )
    except ReticleError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


def _progress(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done}/{total}" + ("\n" if done == total else ""))
    sys.stderr.flush()


if __name__ == "__main__":
    raise SystemExit(main())
