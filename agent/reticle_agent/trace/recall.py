"""Recorded groundings as the objects they were, so that whatever shows a live one shows an old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import get_args

import numpy as np
from PIL import Image

from reticle_grounding.geometry import Affine, Point, Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding, Origin

from .content import read_map
from .plain import JsonValue
from .reader import Event, StepEvents, TraceReader

PATCH_PX = 28
"""Side of a merged patch where the event does not tell the model's size."""


@dataclass(frozen=True, slots=True)
class Recall:
    """One grounding of a run and the picture it was made on."""

    step: int | None
    frame: Image.Image
    grounding: Grounding


def recall(trace: TraceReader) -> Iterator[Recall]:
    """Every recorded grounding whose frame is still there, in order."""
    for step in trace.steps():
        yield from recall_step(trace, step)


def recall_step(trace: TraceReader, step: StepEvents) -> Iterator[Recall]:
    """The recorded groundings of one step whose frames are still there, in order."""
    for event in step.of("ground"):
        frame = read_frame(trace, event.text("frame"))
        if frame is not None:
            yield Recall(step.number, frame, _grounding(event, _scores(step, event), frame, _map(trace, event)))


def read_frame(trace: TraceReader, path: str) -> Image.Image | None:
    """A recorded capture (RGB); None when it is missing or no picture."""
    data = trace.read(path) if path else None
    if data is None:
        return None
    try:
        with Image.open(BytesIO(data)) as stored:
            return stored.convert("RGB")
    except OSError:
        return None


def _map(trace: TraceReader, event: Event) -> bytes | None:
    return trace.read(event.text("map")) if event.text("map") else None


def _scores(step: StepEvents, ground: Event) -> Event | None:
    """The verdict on a grounding: the first ``verify`` after it."""
    return next((event for event in step.of("verify") if event.seq > ground.seq), None)


def _grounding(event: Event, verdict: Event | None, frame: Image.Image, map_data: bytes | None) -> Grounding:
    capture = Size(*frame.size)
    n_h, n_w = int(event.number("n_h") or 1), int(event.number("n_w") or 1)
    attention = read_map(map_data) if map_data else np.zeros((n_h, n_w), dtype=np.float32)
    p_true = {str(c["id"]): _number(c.get("p_true")) for c in verdict.objects("candidates")} if verdict else {}
    from_norm = Affine.mapping(Rect(0, 0, 1, 1), Rect.of_size(capture))
    candidates = tuple(_candidate(c, p_true.get(str(c["id"]), 0.0), from_norm) for c in event.objects("candidates"))
    return Grounding(
        instruction=event.text("instruction"),
        image_size=capture,
        candidates=candidates,
        found=bool(event.get("found", candidates)),
        threshold=(verdict.number("threshold") if verdict else None) or 0.0,
        attention=attention,
        transform=Transform.for_image(capture, Size(n_w * PATCH_PX, n_h * PATCH_PX), PATCH_PX),
        timings_ms={k: _number(v) for k, v in event.object("timings_ms").items()},
        model=event.text("model"),
    )


def _candidate(item: Mapping[str, JsonValue], p_true: float, from_norm: Affine) -> Candidate:
    x, y = _numbers(item["point_norm"])
    left, top, right, bottom = _numbers(item["region_norm"])
    return Candidate(
        rank=int(_number(item["rank"])),
        point=from_norm.point(Point(x, y)),
        region=from_norm.rect(Rect(left, top, right, bottom)),
        p_true=p_true,
        attention_mass=_number(item.get("attn_mass")),
        attention_mean=_number(item.get("attn_mean")),
        origin=_origin(item.get("origin")),
        text=str(item["text"]) if item.get("text") else None,
    )


def _origin(value: JsonValue) -> Origin:
    known: tuple[Origin, ...] = get_args(Origin)
    return next((origin for origin in known if origin == value), "attention")


def _number(value: JsonValue) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _numbers(value: JsonValue) -> list[float]:
    return [_number(v) for v in value] if isinstance(value, list) else []
