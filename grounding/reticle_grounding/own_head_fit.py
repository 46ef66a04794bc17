"""Fits a head on a person's own steps, and measures it on steps it was not fitted on.

The head is the shipped law with a scale and a shift of its log-odds and one further weight for each feature, all held
near "no change": a few dozen steps can say that a kind of evidence counts more or less on this person's screens, not
more. How tightly they are held is chosen on the training part alone. Everything is split by *groups* (the runs of one
task are one group), each of which is held out once; the head that is kept is then fitted on all.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import optimize

from .calibration import Calibration
from .calibration_fit import Sample
from .errors import BadInput
from .geometry import Point, Rect

if TYPE_CHECKING:
    from .predictor import Observation

By = Literal["user", "nudge", "check", "none"]
"""Who vouches for a step: a person's choice, a point of theirs, the confirmed effect; "none" for an absent target."""
Vector: TypeAlias = npt.NDArray[np.float64]

LEAST_STEPS, LEAST_GROUPS = 24, 4
"""Fewer labelled steps, or tasks they come from, teach nothing that could be measured."""
FOLDS, INNER_FOLDS = 5, 3
"""Parts held out to measure, and, of what is left, to choose the penalty."""
ITERATIONS, TOLERANCE = 60, 1e-6
"""Of one fit; what is held near "no change" is there soon."""
PENALTIES = (1.0, 4.0, 16.0, 64.0)
"""On the square of each further weight; one of them is chosen."""
HELD = 20.0
"""Penalty on the squares of the logarithm of the scale and of the shift."""
ALONE = 0.3
"""Weight of telling each candidate right or wrong by itself, as in the fit of the shipped law."""
CHECKED = 0.5
"""Weight of a step that only its effect vouches for: a wrong control that reacts is confirmed, too."""
NEAR_PX = 12.0
"""Half the side of what is taken for the target around a point that lies in no candidate's region (capture pixels)."""
LOST_ABSENT = 0.02
"""Share of absent targets that may newly be taken for found; more, and the head is not better."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """One instruction on one screen: its candidates' features and which of them are right."""

    sample: Sample
    group: str
    """Steps of one group are held out together."""
    by: By


@dataclass(frozen=True, slots=True)
class Answer:
    """The first candidate under one law."""

    right: bool
    found: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """Held-out answers before and after, in the order of the steps."""

    steps: Sequence[Labelled]
    before: Sequence[Answer]
    after: Sequence[Answer]
    penalty: float
    """Chosen for the head fitted on all."""

    def figures(self) -> dict[str, str | int | float | None]:
        """Counts; ``p`` is that of the exact two-sided sign test on the steps whose answer changed."""
        present = [i for i, step in enumerate(self.steps) if not step.sample["absent"]]
        absent = [i for i, step in enumerate(self.steps) if step.sample["absent"]]
        person = [i for i in present if self.steps[i].by in ("user", "nudge")]
        gained = sum(self.after[i].right and not self.before[i].right for i in present)
        lost = sum(self.before[i].right and not self.after[i].right for i in present)
        changed = gained + lost
        return {
            "steps": len(present),
            "groups": len({self.steps[i].group for i in present}),
            "by_person": len(person),
            "right_before": sum(self.before[i].right for i in present),
            "right_after": sum(self.after[i].right for i in present),
            "by_person_right_before": sum(self.before[i].right for i in person),
            "by_person_right_after": sum(self.after[i].right for i in person),
            "found_right_before": sum(self.before[i].right and self.before[i].found for i in present),
            "found_right_after": sum(self.after[i].right and self.after[i].found for i in present),
            "gained": gained,
            "lost": lost,
            "p": round(sign_test(gained, lost), 4) if changed else None,
            "absent": len(absent),
            "absent_rejected_before": sum(not self.before[i].found for i in absent),
            "absent_rejected_after": sum(not self.after[i].found for i in absent),
            "penalty": self.penalty,
        }

    def fault(self) -> str | None:
        """Why the head is not better; None when it is."""
        told = self.figures()
        before, after, steps = (int(told[key] or 0) for key in ("right_before", "right_after", "steps"))
        if after <= before:
            return f"{after} of {steps} held-out steps are answered right with it, {before} without"
        kept, had = int(told["absent_rejected_after"] or 0), int(told["absent_rejected_before"] or 0)
        absent = int(told["absent"] or 0)
        if had - kept > LOST_ABSENT * absent:
            return f"it takes {had - kept} more of {absent} absent targets for found"
        return None


def labelled(
    observation: Observation, words: str, region: Rect | None, point: Point | None, group: str, by: By
) -> Labelled:
    """One labelled step as it is learnt from.

    Args:
        region: the target, capture pixels; None where only a point of it is known.
        point: within the target; then the smallest candidate region around it is the target. None with no region is a
            target that is not there.
    """
    weighed = observation.weigh(words)
    box = region
    if box is None and point is not None:
        around = [d.region for d in weighed.drafts if d.region.contains(point)]
        near = Rect(point.x - NEAR_PX, point.y - NEAR_PX, point.x + NEAR_PX, point.y + NEAR_PX)
        box = min(around, key=lambda rect: rect.area, default=near)
    right = [box is not None and box.contains(d.point) for d in weighed.drafts]
    return Labelled({"rows": [dict(r) for r in weighed.rows], "right": right, "absent": box is None}, group, by)


def fit_head(steps: Sequence[Labelled], base: Calibration, names: Sequence[str]) -> tuple[Calibration, Measured]:
    """The head fitted on all steps, and what heads fitted without each held-out part reached on it.

    Args:
        base: the shipped law.
        names: the features that may get a further weight.

    Raises BadInput when the steps are too few, come from too few groups, or leave nothing to learn.
    """
    present = [step for step in steps if not step.sample["absent"]]
    enough(len(present), len({step.group for step in present}))
    if not any(any(s.sample["right"]) and not _answer(s.sample, base).right for s in present):
        raise BadInput(
            f"all {len(present)} labelled steps whose target is among the candidates are answered right already; there "
            "is nothing to learn"
        )
    before = [_answer(step.sample, base) for step in steps]
    after: list[Answer | None] = [None] * len(steps)
    for held in _parts(steps, FOLDS):
        rest = [step for i, step in enumerate(steps) if i not in held]
        law = _fitted(rest, base, names, _penalty(rest, base, names))
        for i in held:
            after[i] = _answer(steps[i].sample, law)
    penalty = _penalty(steps, base, names)
    answered = [answer for answer in after if answer is not None]
    assert len(answered) == len(steps), "each step is held out once"
    return _fitted(steps, base, names, penalty), Measured(steps, before, answered, penalty)


def sign_test(gained: int, lost: int) -> float:
    """Exact two-sided sign test: how likely a split at least this uneven is if both ways are equally likely."""
    count = gained + lost
    tail = sum(math.comb(count, k) for k in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / (1 << count))


def enough(steps: int, tasks: int) -> None:
    """Raises BadInput when so few labelled steps of so few tasks teach nothing that could be measured."""
    if steps < LEAST_STEPS or tasks < LEAST_GROUPS:
        raise BadInput(
            f"{_counted(steps, 'labelled step')} of {_counted(tasks, 'task')} can teach nothing that could be "
            f"measured: at least {LEAST_STEPS} of {LEAST_GROUPS} are needed; record more, or judge steps in the traces "
            "window"
        )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'s' * (count != 1)}"


def _parts(steps: Sequence[Labelled], count: int) -> list[frozenset[int]]:
    """Numbers of the steps, whole groups together, in parts of about the same size; the same every time."""
    sizes: dict[str, list[int]] = {}
    for i, step in enumerate(steps):
        sizes.setdefault(step.group, []).append(i)
    parts: list[list[int]] = [[] for _ in range(min(count, len(sizes)))]
    for _, members in sorted(sizes.items(), key=lambda item: (-len(item[1]), item[0])):
        min(parts, key=len).extend(members)
    return [frozenset(part) for part in parts if part]


def _penalty(steps: Sequence[Labelled], base: Calibration, names: Sequence[str]) -> float:
    """The penalty whose laws make held-out parts of these steps most likely."""
    losses = dict.fromkeys(PENALTIES, 0.0)
    for held in _parts(steps, INNER_FOLDS):
        rest = [step for i, step in enumerate(steps) if i not in held]
        kept = [steps[i] for i in sorted(held)]
        for penalty in PENALTIES:
            table = _table(kept, _fitted(rest, base, names, penalty), ())
            losses[penalty] += _loss(np.array([0.0, 0.0]), table, 0.0)[0]
    return min(PENALTIES, key=lambda penalty: (losses[penalty], -penalty))


@dataclass(frozen=True, slots=True)
class _Table:
    """Candidates as rows, those of one instruction side by side."""

    z: Vector
    """[rows] log-odds under the base law."""
    x: npt.NDArray[np.float64]
    """[rows, features]."""
    y: Vector
    """[rows] 1 where right."""
    alone: Vector
    """[rows] weight of each candidate by itself; an instruction with many weighs no more than one with a few."""
    starts: npt.NDArray[np.int64]
    """[instructions] first row of each."""
    owner: npt.NDArray[np.int64]
    """[rows] number of the instruction."""
    weights: Vector
    """[instructions]."""


def _weight(step: Labelled) -> float:
    return CHECKED if step.by == "check" else 1.0


def _table(steps: Sequence[Labelled], base: Calibration, names: Sequence[str]) -> _Table:
    """Instructions without candidates, and present ones without a right candidate, teach nothing about weights."""
    kept = [s for s in steps if s.sample["rows"] and (s.sample["absent"] or any(s.sample["right"]))]
    counts = [len(s.sample["rows"]) for s in kept]
    rows = [row for s in kept for row in s.sample["rows"]]
    return _Table(
        z=np.array(base.logits(rows)),
        x=np.array([[row.get(name, 0.0) for name in names] for row in rows]).reshape(len(rows), len(names)),
        y=np.array([float(right) for s in kept for right in s.sample["right"]]),
        alone=np.array(
            [ALONE * _weight(s) * 8.0 / max(8, n) for s, n in zip(kept, counts, strict=True) for _ in range(n)]
        ),
        starts=np.cumsum([0, *counts[:-1]]) if kept else np.zeros(0, np.int64),
        owner=np.repeat(np.arange(len(kept)), counts),
        weights=np.array([_weight(s) for s in kept]),
    )


def _loss(theta: Vector, table: _Table, penalty: float) -> tuple[float, Vector]:
    """Loss and gradient for (log scale, shift, weights...): choosing a right candidate or none, telling each by itself.

    "None" has log-odds 0, as in :mod:`.calibration_fit`.
    """
    scale, shift, weights = math.exp(theta[0]), theta[1], theta[2:]
    held = HELD * (theta[0] ** 2 + theta[1] ** 2) * (penalty > 0)
    grad = np.concatenate([2 * HELD * theta[:2] * (penalty > 0), penalty * weights])
    value = float(held + 0.5 * penalty * weights @ weights)
    if not len(table.z):
        return value, grad
    z = scale * table.z + shift + table.x @ weights
    top = np.maximum(np.maximum.reduceat(z, table.starts), 0.0)
    e, none = np.exp(z - top[table.owner]), np.exp(-top)
    every = np.add.reduceat(e, table.starts) + none
    hit = np.add.reduceat(e * table.y, table.starts)
    present = np.add.reduceat(table.y, table.starts) > 0
    good = np.maximum(np.where(present, hit, none), 1e-300)
    value += float(table.weights @ (np.log(every) - np.log(good)))
    chosen = np.where(present[table.owner], e * table.y / good[table.owner], 0.0)
    slope = table.weights[table.owner] * (e / every[table.owner] - chosen)
    value += float(table.alone @ (np.logaddexp(0.0, z) - table.y * z))
    slope = slope + table.alone * (1.0 / (1.0 + np.exp(-np.clip(z, -40, 40))) - table.y)
    grad = grad + np.concatenate([[slope @ (scale * table.z), slope.sum()], slope @ table.x])
    return value, grad


def _fitted(steps: Sequence[Labelled], base: Calibration, names: Sequence[str], penalty: float) -> Calibration:
    table = _table(steps, base, names)

    def loss(theta: Vector) -> tuple[float, Vector]:
        return _loss(theta, table, penalty)

    limits = {"maxiter": ITERATIONS, "ftol": TOLERANCE}
    start = np.zeros(2 + len(names))
    found = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", options=limits)  # type: ignore[call-overload]
    moved = base.scaled(math.exp(float(found.x[0])), float(found.x[1]))
    weights = dict(moved.weights)
    for name, value in zip(names, found.x[2:].tolist(), strict=True):
        weights[name] = weights.get(name, 0.0) + value
    return Calibration(weights, moved.bias, base.threshold, {}, moved.hidden)


def _answer(sample: Sample, law: Calibration) -> Answer:
    if not sample["rows"]:
        return Answer(False, False)
    logits = law.logits(sample["rows"])
    best = int(np.argmax(logits))
    p = 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, logits[best]))))
    return Answer(sample["right"][best], p >= law.threshold)
