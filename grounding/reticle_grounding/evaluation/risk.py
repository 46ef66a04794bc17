"""When may it act alone, and is ``p_true`` true? Figures over answers that carry a probability.

An answer is right only when its target is on the screen and its point lies in it; whatever is answered about an absent
target is wrong. Risk-coverage curve and its area: Geifman and El-Yaniv (2017), "Selective Classification for Deep
Neural Networks", with tied probabilities taken together. Calibration error: Naeini et al. (2015), equal-mass bins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

BINS = 10
Z_ONE_SIDED_95 = 1.6448536269514722
"""Standard normal quantile of 0.95: the lower bound is missed from above in one of twenty samples."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The first candidate of one instruction."""

    p: float | None
    """Its ``p_true``, 0..1; None when there was no candidate at all."""
    right: bool
    present: bool = True
    """The target is on the screen."""


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What happens when everything from ``p_true`` on is answered and the rest is left to a person."""

    p_true: float
    answered: int
    right: int
    total: int

    @property
    def coverage(self) -> float:
        """Share of all targets that are answered, 0..1."""
        return self.answered / self.total

    @property
    def risk(self) -> float:
        """Share of the answered ones that are wrong, 0..1."""
        return 1.0 - self.right / self.answered


@dataclass(frozen=True, slots=True)
class Bin:
    """One group of answers of similar ``p_true``."""

    n: int
    lowest: float
    highest: float
    mean_p: float
    right: float
    """Share that is right, 0..1."""


def risk_coverage(answers: Sequence[Answer]) -> list[RiskPoint]:
    """One point per distinct ``p_true``, surest first; the last covers every target.

    A target without a candidate counts as answered wrongly with probability 0.
    """
    ranked = sorted(answers, key=_confidence, reverse=True)
    points: list[RiskPoint] = []
    answered = right = 0
    for p, group in groupby(ranked, key=_confidence):
        for answer in group:
            answered, right = answered + 1, right + answer.right
        points.append(RiskPoint(p, answered, right, len(ranked)))
    return points


def _confidence(answer: Answer) -> float:
    return answer.p or 0.0


def aurc(points: Sequence[RiskPoint]) -> float | None:
    """Area under the risk-coverage curve, 0 (never wrong) to 1; None for no answers.

    The mean, over all targets, of the risk at the threshold that just lets the target in.
    """
    if not points:
        return None
    before = [0.0, *(p.coverage for p in points)]
    return sum(p.risk * (p.coverage - low) for p, low in zip(points, before, strict=False))


def wilson_lower(right: int, n: int, z: float = Z_ONE_SIDED_95) -> float:
    """Lower end of Wilson's score interval for a share of ``right`` in ``n``; 0 when none is right."""
    if right == 0:
        return 0.0
    share, z2 = right / n, z * z
    margin = z * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, (share + z2 / (2 * n) - margin) / (1 + z2 / n))


def act_alone(points: Sequence[RiskPoint], goal: float) -> RiskPoint | None:
    """The widest coverage whose answers are surely right in a share of ``goal``: Wilson's lower bound reaches it.

    None when no threshold reaches it. All right is not enough by itself: 99% takes at least 268 answers, 95% takes 52.
    """
    return _widest([p for p in points if wilson_lower(p.right, p.answered) >= goal])


def seen_right(points: Sequence[RiskPoint], goal: float) -> RiskPoint | None:
    """As :func:`act_alone`, by the share observed alone: what this set shows, without any certainty about others.

    Fewer answers than could show a single wrong one (100 for 99%, 20 for 95%) show nothing and do not count.
    """
    enough = round(1.0 / (1.0 - goal))
    return _widest([p for p in points if p.answered >= enough and p.right >= goal * p.answered - 1e-9])


def _widest(points: Sequence[RiskPoint]) -> RiskPoint | None:
    return max(points, key=lambda p: p.answered, default=None)


def threshold_keeping(answers: Sequence[Answer], share: float) -> float | None:
    """The highest threshold that keeps at least ``share`` of the right answers; None when none is right."""
    right = sorted((_confidence(a) for a in answers if a.right), reverse=True)
    if not right:
        return None
    return right[max(1, math.ceil(share * len(right) - 1e-9)) - 1]


def reliability(answers: Sequence[Answer], bins: int = BINS) -> list[Bin]:
    """Answers with a candidate in ``bins`` groups of (nearly) equal size by ``p_true``; fewer when there are fewer."""
    ranked = sorted(((a.p, a.right) for a in answers if a.p is not None), key=lambda pair: pair[0])
    groups = np.array_split(np.arange(len(ranked)), min(bins, len(ranked))) if ranked else []
    return [_bin([ranked[i] for i in group]) for group in groups]


def _bin(pairs: Sequence[tuple[float, bool]]) -> Bin:
    values = [p for p, _ in pairs]
    right = sum(r for _, r in pairs) / len(pairs)
    return Bin(len(pairs), values[0], values[-1], sum(values) / len(values), right)


def calibration_error(table: Sequence[Bin]) -> float | None:
    """ECE: mean distance between what a bin claims and what it holds, weighted by its size; None without bins."""
    total = sum(b.n for b in table)
    return sum(b.n * abs(b.mean_p - b.right) for b in table) / total if total else None


def brier(answers: Sequence[Answer]) -> float | None:
    """Mean squared distance of ``p_true`` from what was true (1 or 0); None without a candidate."""
    errors = [(a.p - a.right) ** 2 for a in answers if a.p is not None]
    return sum(errors) / len(errors) if errors else None
