"""From outcomes to figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .results import (
    Alone,
    AloneAt,
    Baseline,
    BaselineKind,
    Baselines,
    BinResult,
    CalibrationResult,
    KindResult,
    NearAbsent,
    Published,
    Rejection,
    Risk,
)
from .risk import (
    Answer,
    RiskPoint,
    act_alone,
    aurc,
    brier,
    calibration_error,
    reliability,
    risk_coverage,
    seen_right,
    threshold_keeping,
    wilson_lower,
)
from .sets import Origin
from .targets import Target

GOALS = (0.99, 0.95)
KEEP = 0.95
MOST_POINTS = 101


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one target."""

    target: Target
    hits: tuple[bool, ...]
    """Per candidate, best first."""
    p: float | None
    """``p_true`` of the best candidate; None without any."""
    threshold: float
    found: bool
    attention_hit: bool
    text_hit: bool
    timings_ms: dict[str, float]
    search_hits: tuple[bool, ...] | None = None
    """Baseline of text search, best first; None when not asked for."""
    largest_hit: bool | None = None
    looked_again: bool = False

    @property
    def present(self) -> bool:
        return self.target.box is not None

    @property
    def right(self) -> bool:
        return self.hits[:1] == (True,)

    @property
    def answer(self) -> Answer:
        return Answer(self.p, self.right, self.present)


def share(values: Iterable[bool]) -> float | None:
    """Share of True, rounded to four digits; None for nothing."""
    counted = Counter(values)
    return round(counted[True] / counted.total(), 4) if counted else None


def by_kind(present: Sequence[Outcome]) -> dict[str, list[Outcome]]:
    kinds = sorted({kind for o in present for kind in o.target.kinds})
    return {kind: [o for o in present if kind in o.target.kinds] for kind in kinds}


def kind_result(outcomes: Sequence[Outcome]) -> KindResult:
    """Figures of present targets of one kind."""
    return {
        "n": len(outcomes),
        "accuracy": share(o.right for o in outcomes) or 0.0,
        "hit_at_3": share(any(o.hits[:3]) for o in outcomes) or 0.0,
        "found": share(o.found for o in outcomes) or 0.0,
        "attention_only": share(o.attention_hit for o in outcomes) or 0.0,
        "text_only": share(o.text_hit for o in outcomes) or 0.0,
    }


def rejection(answers: Sequence[Answer], threshold: float | None) -> Rejection:
    """What ``threshold`` keeps and rejects; all None without one."""
    if threshold is None:
        return {
            "threshold": None,
            "right_kept": None,
            "absent_rejected": None,
            "answered": None,
            "right_of_answered": None,
        }

    def passes(answer: Answer) -> bool:
        return answer.p is not None and answer.p >= threshold

    return {
        "threshold": round(threshold, 4),
        "right_kept": share(passes(a) for a in answers if a.right),
        "absent_rejected": share(not passes(a) for a in answers if not a.present),
        "answered": share(passes(a) for a in answers),
        "right_of_answered": share(a.right for a in answers if passes(a)),
    }


def rejection_keeping(answers: Sequence[Answer], kept: float = KEEP) -> Rejection:
    """At the highest threshold that keeps a share of the right answers."""
    return rejection(answers, threshold_keeping(answers, kept))


def near_absent(near: Sequence[Answer], shipped: float, keeping: float | None) -> NearAbsent | None:
    """How many of the nearly present targets two thresholds reject."""
    if not near:
        return None
    return {
        "n": len(near),
        "rejected_at_shipped_threshold": rejection(near, shipped)["absent_rejected"] or 0.0,
        "rejected_at_threshold_keeping_95": rejection(near, keeping)["absent_rejected"],
    }


def risk(answers: Sequence[Answer]) -> Risk:
    """The curve, its area, and from where on it may act alone."""
    points = risk_coverage(answers)
    area = aurc(points)
    return {
        "aurc": None if area is None else round(area, 4),
        "points": [
            {"p_true": round(p.p_true, 4), "coverage": round(p.coverage, 4), "risk": round(p.risk, 4)}
            for p in thinned(points)
        ],
        "act_alone": [_alone_at(points, goal) for goal in GOALS],
    }


def thinned(points: Sequence[RiskPoint], most: int = MOST_POINTS) -> list[RiskPoint]:
    """At most ``most`` points, evenly chosen, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(i * (len(points) - 1) / (most - 1))] for i in range(most)]


def _alone_at(points: Sequence[RiskPoint], goal: float) -> AloneAt:
    return {"goal": goal, "sure": _alone(act_alone(points, goal)), "seen": _alone(seen_right(points, goal))}


def _alone(point: RiskPoint | None) -> Alone | None:
    if point is None:
        return None
    return {
        "p_true": round(point.p_true, 4),
        "coverage": round(point.coverage, 4),
        "answered": point.answered,
        "right": round(point.right / point.answered, 4),
        "lower_bound": round(wilson_lower(point.right, point.answered), 4),
    }


def calibration(answers: Sequence[Answer]) -> CalibrationResult:
    """How true the probabilities are."""
    table = reliability(answers)
    error, squared = calibration_error(table), brier(answers)
    rows: list[BinResult] = [
        {
            "n": b.n,
            "lowest": round(b.lowest, 4),
            "highest": round(b.highest, 4),
            "mean_p": round(b.mean_p, 4),
            "right": round(b.right, 4),
        }
        for b in table
    ]
    return {
        "ece": None if error is None else round(error, 4),
        "brier": None if squared is None else round(squared, 4),
        "bins": rows,
    }


def published(origin: Origin | None, outcomes: Sequence[Outcome]) -> Published | None:
    """What the benchmark is and its score over all items; None for a set that is none."""
    if origin is None:
        return None
    return {
        "benchmark": origin.benchmark,
        "files": list(origin.files),
        "items": origin.items,
        "skipped": dict(origin.skipped),
        "boxes": origin.boxes,
        "always_clicking": share(o.present and o.right for o in outcomes) or 0.0,
        "refusing": share(o.found and o.right if o.present else not o.found for o in outcomes) or 0.0,
    }


def baselines(present: Sequence[Outcome]) -> Baselines:
    """Figures of both baselines; the outcomes must carry them."""
    return {
        "text_search": _baseline(present, [o.search_hits or () for o in present], ranked=True),
        "largest_match": _baseline(present, [(bool(o.largest_hit),) for o in present], ranked=False),
    }


def _baseline(present: Sequence[Outcome], hits: Sequence[tuple[bool, ...]], ranked: bool) -> Baseline:
    pairs = list(zip((o.target.kinds for o in present), hits, strict=True))
    kinds: dict[str, BaselineKind] = {}
    for kind in sorted({kind for named, _ in pairs for kind in named}):
        own = [h for named, h in pairs if kind in named]
        third = share(any(h) for h in own) if ranked else None
        kinds[kind] = {"n": len(own), "accuracy": share(h[:1] == (True,) for h in own) or 0.0, "hit_at_3": third}
    return {
        "accuracy": share(h[:1] == (True,) for h in hits),
        "hit_at_3": share(any(h) for h in hits) if ranked else None,
        "by_kind": kinds,
    }
