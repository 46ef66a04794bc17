"""How often is the grounder right? Reads labelled targets, asks about each, counts.

A targets file has one JSON object per line: ``image`` (a file in ``images/`` beside it), ``instruction``, ``bbox`` as
[left, top, right, bottom] in capture pixels with right and bottom exclusive (null: the target is absent), ``kind``.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypedDict

import numpy as np

from .errors import BadInput
from .geometry import Point, Rect
from .images import load_image
from .predictor import Grounder, Observation

Progress = Callable[[int, int], None]
"""Targets done, targets in all."""


@dataclass(frozen=True, slots=True)
class Target:
    """One line of a targets file."""

    image: Path
    instruction: str
    box: Rect | None
    """None: not on this screen."""
    kind: str


class KindResult(TypedDict):
    """Figures of one kind of target; absent targets are not counted."""

    n: int
    accuracy: float
    hit_at_3: float


class Evaluation(TypedDict):
    """Shares are 0..1; accuracies are over the targets that are on the screen."""

    n: int
    absent: int
    accuracy: float | None
    """The first candidate's point lies in the box, whether or not it counts as found."""
    accuracy_found: float | None
    """Found, and right."""
    hit_at_3: float | None
    by_kind: dict[str, KindResult]
    attention_only_accuracy: float | None
    """The best region of the map alone."""
    text_only_accuracy: float | None
    """The best match of text evidence alone."""
    found_rate: float | None
    """Share of the present targets that count as found."""
    absent_rejection: float | None
    """Share of the absent targets that count as not found; None without such targets."""
    screens: int
    ms_p50: float
    """One more instruction on a known screen."""
    ms_p90: float
    ms_screen_p50: float
    """What is done once per screen: encoding and reading."""
    ms_by_phase: dict[str, float]
    """Mean milliseconds of each phase of one more instruction."""
    reading: str
    model: str


@dataclass(frozen=True, slots=True)
class _Outcome:
    target: Target
    hits: tuple[bool, ...]
    """Per candidate, best first."""
    found: bool
    attention_hit: bool
    text_hit: bool
    timings_ms: dict[str, float]


def read_targets(path: Path, limit: int | None = None) -> list[Target]:
    """All lines of a targets file, or the first ``limit``. Raises BadInput naming file and line."""
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadInput(f"cannot read the targets file {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is no text file in UTF-8") from error
    filled = [(number, line) for number, line in enumerate(lines, 1) if line.strip()]
    targets = [_target(Path(path), number, line) for number, line in filled[:limit]]
    if not targets:
        raise BadInput(f"{path} holds no targets")
    return targets


def _target(path: Path, number: int, line: str) -> Target:
    where = f"{path}, line {number}"
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise BadInput(f"{where}: no valid JSON ({error})") from error
    if not isinstance(raw, dict):
        raise BadInput(f"{where}: an object is expected, not {type(raw).__name__}")
    image, instruction = raw.get("image"), raw.get("instruction")
    if not isinstance(image, str) or not image:
        raise BadInput(f"{where}: image must name a file in images/")
    if not isinstance(instruction, str) or not instruction.strip():
        raise BadInput(f"{where}: instruction must be a text")
    if "bbox" not in raw:
        raise BadInput(f"{where}: bbox is missing; it may be null for a target that is not on the screen")
    file = path.parent / "images" / image.removeprefix("images/")
    if not file.is_file():
        raise BadInput(f"{where}: there is no picture {file}")
    return Target(file, instruction, _box(raw["bbox"], where), str(raw.get("kind", "other")))


def _box(value: object, where: str) -> Rect | None:
    if value is None:
        return None
    numbers = [v for v in value if isinstance(v, int | float)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(value) != 4 or len(numbers) != 4:
        raise BadInput(f"{where}: bbox must be [left, top, right, bottom] or null")
    box = Rect(*map(float, numbers))
    if box.width <= 0 or box.height <= 0:
        raise BadInput(f"{where}: bbox {value} has no area; right and bottom are exclusive edges")
    return box


def evaluate(targets: Sequence[Target], grounder: Grounder, progress: Progress | None = None) -> Evaluation:
    """Grounds every target, one observation per picture, and counts. Raises BadInput for an unusable picture."""
    outcomes: list[_Outcome] = []
    screens: list[float] = []
    for image, group in by_image(targets):
        observation = grounder.observe(load_image(image))
        for target in group:
            outcomes.append(_ask(observation, target))
            if progress is not None:
                progress(len(outcomes), len(targets))
        screens.append(sum(observation.screen_ms.values()))
    return _summary(outcomes, screens, grounder)


def by_image(targets: Sequence[Target]) -> Iterator[tuple[Path, list[Target]]]:
    """The targets of each picture together, so that one observation serves them all."""
    for image, group in groupby(sorted(targets, key=lambda t: str(t.image)), key=lambda t: t.image):
        yield image, list(group)


def _ask(observation: Observation, target: Target) -> _Outcome:
    known = sum(observation.screen_ms.values())
    start = time.perf_counter()
    explained = observation.explain(target.instruction)
    grounding = explained.grounding
    own = (time.perf_counter() - start) * 1000 - (sum(observation.screen_ms.values()) - known)
    once = {"process", "vision", "prefill", "total"} | set(observation.screen_ms)
    phases = {name: ms for name, ms in grounding.timings_ms.items() if name not in once}
    return _Outcome(
        target,
        tuple(_right(target, c.point) for c in grounding.candidates),
        grounding.found,
        _right(target, explained.by_attention()),
        _right(target, explained.by_text()),
        {**phases, "total": own},
    )


def _right(target: Target, point: Point | None) -> bool:
    return target.box is not None and point is not None and target.box.contains(point)


def _summary(outcomes: Sequence[_Outcome], screens: Sequence[float], grounder: Grounder) -> Evaluation:
    present = [o for o in outcomes if o.target.box is not None]
    absent = [o for o in outcomes if o.target.box is None]
    own = [o.timings_ms["total"] for o in outcomes]
    kinds = sorted({o.target.kind for o in present})
    return {
        "n": len(outcomes),
        "absent": len(absent),
        "accuracy": _share(o.hits[:1] == (True,) for o in present),
        "accuracy_found": _share(o.found and o.hits[:1] == (True,) for o in present),
        "hit_at_3": _share(any(o.hits[:3]) for o in present),
        "by_kind": {kind: _kind([o for o in present if o.target.kind == kind]) for kind in kinds},
        "attention_only_accuracy": _share(o.attention_hit for o in present),
        "text_only_accuracy": _share(o.text_hit for o in present),
        "found_rate": _share(o.found for o in present),
        "absent_rejection": _share(not o.found for o in absent),
        "screens": len(screens),
        "ms_p50": round(float(np.percentile(own, 50)), 1),
        "ms_p90": round(float(np.percentile(own, 90)), 1),
        "ms_screen_p50": round(float(np.percentile(screens, 50)), 1),
        "ms_by_phase": _means(outcomes),
        "reading": grounder.config.reading,
        "model": grounder.name,
    }


def _kind(outcomes: Sequence[_Outcome]) -> KindResult:
    return {
        "n": len(outcomes),
        "accuracy": _share(o.hits[:1] == (True,) for o in outcomes) or 0.0,
        "hit_at_3": _share(any(o.hits[:3]) for o in outcomes) or 0.0,
    }


def _share(values: Iterable[bool]) -> float | None:
    counted = Counter(values)
    return round(counted[True] / counted.total(), 4) if counted else None


def _means(outcomes: Sequence[_Outcome]) -> dict[str, float]:
    names = sorted({name for o in outcomes for name in o.timings_ms})
    return {name: round(sum(o.timings_ms.get(name, 0.0) for o in outcomes) / len(outcomes), 1) for name in names}
