"""The measured curve behind "act alone": how many answers were right from which ``p_true`` on, as a small file.

``reticle eval --risk FILE`` writes it, ``data/risk.json`` is the one that ships. It holds for one model and one
calibration only; with any other, nobody has measured anything and nothing may be done unasked.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from .calibration import DATA_FILE as CALIBRATION_FILE
from .errors import BadInput, ReticleError
from .evaluation.risk import Answer, RiskPoint, act_alone, risk_coverage

DATA_FILE = Path(__file__).parent / "data" / "risk.json"
STEPS = 10_000
"""``p_true`` is kept to 1/STEPS, rounded down: an answer reaches a kept threshold before and after rounding alike."""
MOST_WRONG_IN = 100_000


def calibration_digest(path: Path = CALIBRATION_FILE) -> str:
    """SHA-256 of the coefficients behind ``p_true``. Raises ReticleError when they are missing."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ReticleError(f"cannot read calibration file {path}: {error.strerror}") from error


@dataclass(frozen=True, slots=True)
class RiskCurve:
    """Right answers over thresholds, measured on targets that neither model nor calibration was fitted on."""

    model: str
    calibration: str
    """:func:`calibration_digest` of the coefficients it was measured with."""
    sets: tuple[str, ...]
    """What was asked."""
    total: int
    """Instructions asked, absent targets included."""
    points: tuple[RiskPoint, ...]
    """Surest first."""

    def covers(self, model: str, calibration: str) -> bool:
        """Whether it was measured with this model and these coefficients."""
        return self.model == model and self.calibration == calibration

    def alone(self, one_wrong_in: int) -> RiskPoint | None:
        """The widest coverage with surely at most one wrong answer in so many; None when none can be vouched for.

        "Surely" is the one-sided 95% bound of :func:`.evaluation.risk.act_alone`. Raises BadInput below 2.
        """
        if not 2 <= one_wrong_in <= MOST_WRONG_IN:
            raise BadInput(f"at most one wrong in {one_wrong_in} is no goal; it is 2 to {MOST_WRONG_IN}")
        return act_alone(self.points, 1.0 - 1.0 / one_wrong_in)

    def save(self, path: Path) -> None:
        """Raises BadInput when it cannot be written there."""
        document = {
            "model": self.model,
            "calibration_sha256": self.calibration,
            "sets": list(self.sets),
            "total": self.total,
            "points": [[point.p_true, point.answered, point.right] for point in self.points],
        }
        try:
            path.write_text(json.dumps(document) + "\n", encoding="utf-8")
        except OSError as error:
            raise BadInput(f"cannot write the risk curve {path}: {error.strerror}") from error


def measured(model: str, sets: Sequence[str], answers: Iterable[Answer]) -> RiskCurve:
    """The curve of these answers with the coefficients in use. Raises BadInput when nothing was asked."""
    kept = list(answers)
    if not kept:
        raise BadInput("a risk curve needs answers, and nothing was asked")
    coarse = [Answer(math.floor((a.p or 0.0) * STEPS) / STEPS, a.right, a.present) for a in kept]
    return RiskCurve(model, calibration_digest(), tuple(sets), len(kept), tuple(risk_coverage(coarse)))


def load_risk_curve(path: Path = DATA_FILE) -> RiskCurve:
    """Raises ReticleError naming the file when it is missing, malformed or contradicts itself."""
    try:
        raw = cast(dict[str, object], json.loads(path.read_text(encoding="utf-8")))
        total = int(cast(int, raw["total"]))
        rows = cast(list[tuple[float, int, int]], raw["points"])
        points = tuple(RiskPoint(float(p), int(answered), int(right), total) for p, answered, right in rows)
        curve = RiskCurve(
            str(raw["model"]),
            str(raw["calibration_sha256"]),
            tuple(str(name) for name in cast(list[object], raw["sets"])),
            total,
            points,
        )
    except OSError as error:
        raise ReticleError(f"cannot read the risk curve {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReticleError(f"the risk curve {path} is not valid ({error}); measure it again") from error
    fault = _fault(curve)
    if fault:
        raise ReticleError(f"the risk curve {path} is not valid ({fault}); measure it again")
    return curve


def _fault(curve: RiskCurve) -> str:
    if not all(0.0 <= p.p_true <= 1.0 and 0 <= p.right <= p.answered <= curve.total for p in curve.points):
        return "counts or probabilities out of range"
    pairs = list(zip(curve.points, curve.points[1:], strict=False))
    if not all(a.p_true > b.p_true and a.answered <= b.answered and a.right <= b.right for a, b in pairs):
        return "its points are not in order"
    return ""
