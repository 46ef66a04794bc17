"""What a person said of a recorded run afterwards: ``review.json`` beside the journal, which is never changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal, get_args

from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect

from .plain import JsonObject, JsonValue, read_json
from .store import write_atomic

Verdict = Literal["right", "wrong"]
REVIEW_SCHEMA = "review/1"
NAME = "review.json"


@dataclass(frozen=True, slots=True)
class StepReview:
    """One step. ``region`` is in 0..1 of the capture: where the target really is."""

    verdict: Verdict | None = None
    region: Rect | None = None

    @property
    def empty(self) -> bool:
        return self.verdict is None and self.region is None


@dataclass(frozen=True, slots=True)
class Review:
    """Reviews by the numbers of the steps."""

    steps: Mapping[int, StepReview] = field(default_factory=dict)

    def of(self, step: int) -> StepReview:
        return self.steps.get(step, StepReview())

    def judged(self, step: int, verdict: Verdict | None) -> Review:
        """With a verdict, or with the verdict taken back."""
        return self._with(step, replace(self.of(step), verdict=verdict))

    def corrected(self, step: int, region: Rect | None) -> Review:
        """With the true region (0..1 of the capture), or with the correction taken back.

        Raises BadInput for a region without area or outside the capture.
        """
        if region is not None:
            _check_region(region, "the region")
        return self._with(step, replace(self.of(step), region=region))

    def _with(self, step: int, review: StepReview) -> Review:
        steps = {**self.steps, step: review}
        return Review({number: one for number, one in sorted(steps.items()) if not one.empty})


def read_review(folder: Path) -> Review:
    """The review of a trace; an empty one where there is none. Raises BadInput naming what is wrong in the file."""
    path = folder / NAME
    try:
        content = read_json(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Review()
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read ({error}); mend or delete it") from error
    if not isinstance(content, dict) or content.get("schema") != REVIEW_SCHEMA:
        raise BadInput(f"{path} is not of the form {REVIEW_SCHEMA!r}; mend or delete it")
    steps = content.get("steps")
    if not isinstance(steps, dict):
        raise BadInput(f"{path}: 'steps' is missing; mend or delete it")
    return Review({_number(key, path): _step(value, f"{path}: step {key}") for key, value in steps.items()})


def write_review(folder: Path, review: Review) -> None:
    """Replaces the review of a trace in one move. Raises ReticleError when the disk refuses."""
    steps: JsonObject = {}
    for number, one in review.steps.items():
        row: JsonObject = {}
        if one.verdict is not None:
            row["verdict"] = one.verdict
        if one.region is not None:
            row["region_norm"] = list(one.region.as_tuple())
        steps[str(number)] = row
    text = json.dumps({"schema": REVIEW_SCHEMA, "steps": steps}, indent=1)
    write_atomic(folder / NAME, (text + "\n").encode())


def _number(key: str, path: Path) -> int:
    try:
        return int(key)
    except ValueError as error:
        raise BadInput(f"{path}: {key!r} is no number of a step; mend or delete it") from error


def _step(value: JsonValue, where: str) -> StepReview:
    if not isinstance(value, dict):
        raise BadInput(f"{where} is no object; mend or delete it")
    said, box = value.get("verdict"), value.get("region_norm")
    verdict = next((one for one in get_args(Verdict) if one == said), None)
    if said is not None and verdict is None:
        raise BadInput(f"{where}: the verdict is {said!r}; it is right or wrong")
    if box is None:
        return StepReview(verdict)
    numbers = [float(v) for v in box if isinstance(v, int | float)] if isinstance(box, list) else []
    if len(numbers) != 4:
        raise BadInput(f"{where}: region_norm is not four numbers")
    region = Rect(*numbers)
    _check_region(region, where)
    return StepReview(verdict, region)


def _check_region(region: Rect, where: str) -> None:
    inside = 0 <= region.left < region.right <= 1 and 0 <= region.top < region.bottom <= 1
    if not inside:
        raise BadInput(f"{where}: {region.as_tuple()} is no region within 0..1 of the capture")
