"""Places of a step, and who vouches for them.

A place becomes a label when a person chose it (``choose`` by user or nudge) and did not take it back, or when the input
went there and the effect was confirmed. A candidate that was passed over is a negative only where it lies wholly
outside the chosen element: attention splits one control into several regions, and a rejected half of the right one is
no wrong answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from reticle_agent.trace.fields import to_norm
from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_agent.trace.reader import Event, StepEvents
from reticle_agent.trace.review import StepReview
from reticle_grounding.geometry import EDGE, Affine, Point, Rect, Size

from .frames import Frames

By = Literal["user", "nudge", "check"]
"""Who vouches: the person who chose, the person who moved the point, or the confirmed effect."""


@dataclass(frozen=True, slots=True)
class Target:
    """One place; coordinates are pixels of the capture ``frame``."""

    words: str
    frame: str
    size: Size
    point: Point
    region: Rect | None
    text: str | None
    """What was read in the region."""
    by: By | None
    """None: nobody vouches for it."""
    negatives: tuple[Point, ...] = ()
    """Where candidates pointed that were passed over and lie outside the region."""

    @property
    def norm_point(self) -> Point:
        """0..1 of the capture."""
        return to_norm(self.size).point(self.point)

    @property
    def pixel(self) -> tuple[int, int]:
        """The pixel that holds the point; a point that its nine digits put just before an edge lies on it."""
        x, y = Point(self.point.x + EDGE, self.point.y + EDGE).pixel()
        return min(max(x, 0), self.size.width - 1), min(max(y, 0), self.size.height - 1)

    @property
    def norm_region(self) -> Rect | None:
        return to_norm(self.size).rect(self.region) if self.region else None


@dataclass(frozen=True, slots=True)
class _Choice:
    """What was asked on one picture, what was chosen, and whether the person took it back."""

    ground: Event | None
    choose: Event | None
    frame: str
    words: str
    withdrawn: bool


def targets_of(step: StepEvents, frames: Frames) -> tuple[tuple[Target, ...], tuple[Target, ...]]:
    """The places acted on, and all that somebody vouches for. Pictures that cannot be used give no places."""
    choices = _choices(step)
    act, check = step.last("act"), step.last("check")
    keys = [key for key in ("point", "end_point") if act and act.object(key)]
    before = [c for c in choices if act and c.choose and c.choose.seq < act.seq]
    ends = before[-len(keys) :] if keys else []
    confirmed = bool(act and act.text("delivered") == "sent" and check and check.text("effect") == "confirmed")
    acted: list[Target] = []
    labels: list[Target] = []
    for choice in choices:
        key = keys[ends.index(choice)] if choice in ends and len(ends) == len(keys) else None
        place = act.object(key).get("norm") if act and key else None
        target = _target(choice, frames, place, confirmed and key is not None)
        if target is not None and key is not None:
            acted.append(target)
        if target is not None and target.by is not None:
            labels.append(target)
    if act and keys and not ends:
        acted = [t for key in keys if (t := _bare(step, act, key, frames, confirmed))]
        labels += [target for target in acted if target.by]
    whole = len(acted) == len(keys)
    return tuple(acted) if whole else (), tuple(labels)


def reviewed(
    acted: tuple[Target, ...], labels: tuple[Target, ...], review: StepReview
) -> tuple[tuple[Target, ...], tuple[Target, ...]]:
    """The same places after a person looked at them again.

    A wrong step teaches nothing unless its region was corrected; a corrected region is the label of the last place,
    with its middle as the point. Where the input went is history and stays.
    """
    if review.empty or not acted:
        return acted, labels
    *before, last = acted
    others = tuple(label for label in labels if label is not last)
    if review.region is not None:
        region = to_norm(last.size).inverse().rect(review.region)
        away = tuple(at for at in last.negatives if not region.contains(at))
        true = replace(last, point=region.center, region=region, text=None, by="user", negatives=away)
        return (*before, replace(last, by=None)), (*others, true)
    if review.verdict == "wrong":
        return tuple(replace(target, by=None) for target in acted), ()
    vouched = replace(last, by="user")
    return (*before, vouched), (*others, vouched)


def _choices(step: StepEvents) -> list[_Choice]:
    """One per grounding; a choice without any grounding stands for itself."""
    starts = step.of("ground")
    first = starts[0].seq if starts else step.events[-1].seq + 1
    alone = [event for event in step.of("choose") if event.seq < first]
    found = [_choice(step, None, event.seq, first) for event in alone[-1:]]
    for index, ground in enumerate(starts):
        until = starts[index + 1].seq if index + 1 < len(starts) else step.events[-1].seq + 1
        found.append(_choice(step, ground, ground.seq, until))
    return [choice for choice in found if choice.choose is not None]


def _choice(step: StepEvents, ground: Event | None, since: int, until: int) -> _Choice:
    inside = [event for event in step.events if since <= event.seq < until]
    choose = next((event for event in reversed(inside) if event.type == "choose"), None)
    withdrawn = any(
        event.type == "gate" and event.text("source") == "user" and event.text("decision") not in ("allow", "edit")
        for event in inside
    )
    frame = ground.text("frame") if ground else ""
    words = ground.text("instruction") if ground else _planned(step)
    return _Choice(ground, choose, frame or _observed(step, since), words, withdrawn)


def _observed(step: StepEvents, before: int) -> str:
    seen = [event.text("frame") for event in step.of("observe") if event.seq <= before]
    return seen[-1] if seen else ""


def _planned(step: StepEvents) -> str:
    plan, act = step.last("plan"), step.last("act")
    said = plan.text("instruction") if plan else ""
    target = act.object("args").get("target") if act else None
    return said or (target if isinstance(target, str) else "")


def _target(choice: _Choice, frames: Frames, acted_at: JsonValue, confirmed: bool) -> Target | None:
    size = frames.size(choice.frame)
    if size is None or choice.choose is None:
        return None
    to_capture = to_norm(size).inverse()
    candidates = choice.ground.objects("candidates") if choice.ground else []
    picked = next((c for c in candidates if c["id"] == choice.choose.text("candidate_id")), None)
    nudged, held = _pair(choice.choose.get("point_norm")), _pair(acted_at)
    told = held or nudged or (_pair(picked["point_norm"]) if picked else None)
    if told is None:
        return None
    point = to_capture.point(told)
    region = _region(picked, to_capture)
    if region is not None and not region.grown(1.0).contains(point):
        picked, region = None, None
    text = picked.get("text") if picked else None
    return Target(
        words=choice.words.strip(),
        frame=choice.frame,
        size=size,
        point=point,
        region=region,
        text=text if isinstance(text, str) else None,
        by=_by(choice, confirmed),
        negatives=_negatives(choice, candidates, picked, to_capture),
    )


def _by(choice: _Choice, confirmed: bool) -> By | None:
    if choice.withdrawn or choice.choose is None:
        return None
    said = choice.choose.text("by")
    if said in ("user", "nudge"):
        return "user" if said == "user" else "nudge"
    return "check" if confirmed else None


def _negatives(
    choice: _Choice, candidates: list[JsonObject], picked: JsonObject | None, to_capture: Affine
) -> tuple[Point, ...]:
    chosen = _region(picked, to_capture)
    if chosen is None or choice.choose is None:
        return ()
    rejected = choice.choose.get("rejected_ids")
    ids = rejected if isinstance(rejected, list) else [c["id"] for c in candidates if c is not picked]
    points = []
    for other in candidates:
        region, point = _region(other, to_capture), _pair(other["point_norm"])
        if other is picked or other["id"] not in ids or region is None or point is None:
            continue
        if region.intersection(chosen) is None and not chosen.contains(to_capture.point(point)):
            points.append(to_capture.point(point))
    return tuple(points)


def _bare(step: StepEvents, act: Event, key: str, frames: Frames, confirmed: bool) -> Target | None:
    """A place that is known from the input alone, as of a demonstration."""
    frame = _observed(step, act.seq)
    size, norm = frames.size(frame), _pair(act.object(key).get("norm"))
    if size is None or norm is None:
        return None
    point = to_norm(size).inverse().point(norm)
    return Target(_planned(step).strip(), frame, size, point, None, None, "check" if confirmed else None)


def _pair(value: JsonValue) -> Point | None:
    numbers = [float(v) for v in value if isinstance(v, (int, float))] if isinstance(value, list) else []
    return Point(*numbers) if len(numbers) == 2 else None


def _region(candidate: JsonObject | None, to_capture: Affine) -> Rect | None:
    """The region in capture pixels; None when it has no area."""
    value = candidate.get("region_norm") if candidate else None
    sides = [float(v) for v in value if isinstance(v, (int, float))] if isinstance(value, list) else []
    if len(sides) != 4:
        return None
    rect = to_capture.rect(Rect(*sides))
    return rect if rect.area > 0 else None
