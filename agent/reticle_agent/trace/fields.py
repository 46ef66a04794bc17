"""Fields of the common events, made from what crosses the seams; every coordinate comes from one transform chain."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from reticle_agent.actions import AskUser, Click, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.effects import Change, Effect
from reticle_agent.seams import Frame
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform
from reticle_grounding.types import Candidate, Grounding

from .plain import JsonObject, to_json
from .redact import Secret

Fields: TypeAlias = dict[str, object]
ActKind = Literal[
    "click", "double", "triple", "right", "middle", "drag", "scroll", "type", "hotkey", "wait", "finish", "ask_user"
]

_UNIT = Rect(0.0, 0.0, 1.0, 1.0)


def candidate_id(candidate: Candidate) -> str:
    """Name of a candidate within its step."""
    return f"c{candidate.rank}"


def to_norm(size: Size) -> Affine:
    """Capture pixels to 0..1 of the capture."""
    return Affine.mapping(Rect.of_size(size), _UNIT)


def _clip(value: float) -> float:
    return min(1.0, max(0.0, value))


def point_spaces(
    frame: Transform, grounding: Transform | None, point: Point, size: Size, display_id: str | None = None
) -> JsonObject:
    """A point of the capture in four spaces: ``norm``, ``model_px``, ``logical``, ``physical``.

    ``frame`` reaches from the desktop to the capture, ``grounding`` goes on from there (None: no model was asked, so
    ``model_px`` is None); ``size`` is the capture's.
    """
    chain = Transform.joined(frame, grounding) if grounding is not None else frame
    norm = to_norm(size).point(point)
    spaces: dict[str, Point | None] = {
        "norm": Point(_clip(norm.x), _clip(norm.y)),
        "model_px": chain.point(point, Space.CAPTURE, Space.MODEL) if grounding is not None else None,
        "logical": chain.point(point, Space.CAPTURE, Space.LOGICAL),
        "physical": chain.point(point, Space.CAPTURE, Space.PHYSICAL),
    }
    return {name: to_json(place) for name, place in spaces.items()} | {"display_id": display_id}


def act_point(frame: Frame, grounding: Grounding | None, point: Point) -> JsonObject:
    """:func:`point_spaces` for a point (capture pixels) of ``frame``."""
    size = Size(*frame.image.size)
    return point_spaces(frame.transform, grounding.transform if grounding else None, point, size, frame.display.id)


def observe_fields(frame: Frame, path: str) -> Fields:
    """``observe``: the frame stored at ``path``."""
    size = Size(*frame.image.size)
    return {
        "frame": path,
        "display_id": frame.display.id,
        "capture_rect": frame.transform.rect(Rect.of_size(size), Space.CAPTURE, Space.PHYSICAL),
        "size": size,
    }


def ground_fields(grounding: Grounding, frame_path: str, map_path: str | None) -> Fields:
    """``ground``: candidates in 0..1 of the capture, best first."""
    n_h, n_w = grounding.attention.shape
    model = grounding.transform.rect(Rect.of_size(grounding.image_size), Space.CAPTURE, Space.MODEL)
    scale = grounding.transform.affine(Space.CAPTURE, Space.MODEL)
    return {
        "instruction": grounding.instruction,
        "frame": frame_path,
        "map": map_path,
        "n_w": n_w,
        "n_h": n_h,
        "model_size": Size(round(model.width), round(model.height)),
        "scale_to_model": [scale.xx, scale.yy],
        "found": grounding.found,
        "model": grounding.model,
        "candidates": [_candidate(candidate, grounding.image_size) for candidate in grounding.candidates],
        "ms": grounding.timings_ms.get("total", sum(grounding.timings_ms.values())),
        "timings_ms": dict(grounding.timings_ms),
    }


def _candidate(candidate: Candidate, size: Size) -> Fields:
    norm = to_norm(size)
    point, region = norm.point(candidate.point), norm.rect(candidate.region)
    return {
        "rank": candidate.rank,
        "id": candidate_id(candidate),
        "point_norm": [_clip(point.x), _clip(point.y)],
        "region_norm": [_clip(side) for side in region.as_tuple()],
        "attn_mean": candidate.attention_mean,
        "attn_mass": candidate.attention_mass,
        "origin": candidate.origin,
        "text": candidate.text,
    }


def verify_fields(grounding: Grounding) -> Fields:
    """``verify``: what the verifier said of each candidate, and the threshold of "found"."""
    return {
        "candidates": [
            {"id": candidate_id(candidate), "p_true": candidate.p_true, "evidence": dict(candidate.evidence)}
            for candidate in grounding.candidates
        ],
        "threshold": grounding.threshold,
    }


def choose_fields(grounding: Grounding, chosen: int, by: Literal["auto", "verifier", "user", "nudge"]) -> Fields:
    """``choose``: the candidate at index ``chosen``; the others were passed over."""
    picked = grounding.candidates[chosen]
    return {
        "candidate_id": candidate_id(picked),
        "by": by,
        "rejected_ids": [candidate_id(other) for other in grounding.candidates if other is not picked],
    }


def nudge_fields(grounding: Grounding, point: Point) -> Fields:
    """``choose``: a point (capture pixels) that the person moved; candidates it lies outside of were passed over."""
    norm = to_norm(grounding.image_size).point(point)
    return {
        "point_norm": [_clip(norm.x), _clip(norm.y)],
        "by": "nudge",
        "rejected_ids": [candidate_id(other) for other in grounding.candidates if not other.region.contains(point)],
    }


def effect_fields(effect: Effect, method: str, change: Change, size: Size) -> Fields:
    """``check``: the effect, how it was judged, and where the display (capture of ``size``) changed, largest first."""
    norm = to_norm(size)
    return {
        "effect": effect,
        "method": method,
        "changed": [[_clip(side) for side in norm.rect(region).as_tuple()] for region in change.regions],
        "changed_share": change.share,
    }


def act_kind(step: Step) -> ActKind:
    """The word under which a step is recorded."""
    if isinstance(step, Click):
        if step.button != "left":
            return step.button
        counts: dict[int, ActKind] = {1: "click", 2: "double", 3: "triple"}
        return counts[step.count]
    kinds: dict[type, ActKind] = {
        Drag: "drag", Scroll: "scroll", TypeText: "type", Hotkey: "hotkey", Wait: "wait", AskUser: "ask_user",
        Finish: "finish",
    }  # fmt: skip
    return kinds[type(step)]


def secrets_of(steps: Iterable[Step]) -> list[str]:
    """Texts that the trace of these steps must never hold, for ``TraceWriter.create``."""
    return [step.text for step in steps if isinstance(step, TypeText) and step.secret]


def act_fields(step: Step) -> Fields:
    """``act``: kind and arguments of a step; typed text marked secret is handed on as :class:`Secret`."""
    fields: Fields = {"kind": act_kind(step)}
    if isinstance(step, TypeText):
        return fields | {"args": {"target": step.target}, "text": Secret(step.text) if step.secret else step.text}
    args = to_json(step)
    return fields | {"args": args}
