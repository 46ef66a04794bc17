"""Other people's files written down as traces, so that everything that shows a trace shows them."""

from __future__ import annotations

from pathlib import Path

from reticle_agent.seams import Display
from reticle_agent.trace.facts import CaptureFacts, ModelFacts, PolicyFacts
from reticle_agent.trace.fields import Fields, act_fields, point_spaces, to_norm
from reticle_agent.trace.writer import TraceWriter
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform

from .sources import Imported, ImportedStep, Picture, Spot

DISPLAY_ID = "imported"


def write_imported(imported: Imported, out: Path, format_name: str, version: str) -> int:
    """Writes the trace into the new or empty folder ``out``; returns the number of steps.

    Raises BadInput for a folder that cannot be used or a picture that cannot be read.
    """
    first = next((picture for step in imported.steps for picture in _pictures(step)), None)
    display = _display(first.size if first else Size(1, 1), imported.scale)
    trace = TraceWriter.create(
        out,
        task=imported.task,
        source=imported.source,
        models=[ModelFacts("grounder", imported.model)] if imported.model else [],
        displays=[display],
        capture=CaptureFacts("image", DISPLAY_ID),
        policy=PolicyFacts("imported"),
        app_version=version,
    )
    with trace:
        trace.event("task", text=imported.task, from_="user")
        trace.event("note", about="imported", message=f"imported from {format_name}")
        for number, step in enumerate(imported.steps):
            _write_step(trace, number, step, imported.scale)
        trace.finish(imported.status, by=imported.source)
    return len(imported.steps)


def _pictures(step: ImportedStep) -> list[Picture]:
    seen = [spot.picture for spot in step.spots] or ([step.picture] if step.picture else [])
    return list(dict.fromkeys(seen))


def _display(size: Size, scale: float) -> Display:
    physical = Rect.of_size(size)
    logical = Affine.scaling(1 / scale, 1 / scale).rect(physical)
    return Display(DISPLAY_ID, logical, physical, scale, primary=True)


def _write_step(trace: TraceWriter, number: int, step: ImportedStep, scale: float) -> None:
    words = step.spots[0].words if step.spots else ""
    trace.event("plan", step=number, instruction=words or None, thought=step.thought or None)
    paths = {picture: _observe(trace, number, picture) for picture in _pictures(step)}
    for spot in step.spots:
        _choose(trace, number, spot, paths[spot.picture], step.by)
    if step.action is not None:
        keys = ("point", "end_point")
        places: Fields = {key: _point(spot, scale) for key, spot in zip(keys, step.spots, strict=False)}
        trace.event("act", step=number, **act_fields(step.action), **places, delivered="sent")
    if step.after is not None:
        after = trace.frame(step.after.image())
        trace.event("check", step=number, effect="unverifiable", method="imported", frame_after=after)


def _observe(trace: TraceWriter, number: int, picture: Picture) -> str:
    path = trace.frame(picture.image())
    trace.event(
        "observe",
        step=number,
        frame=path,
        display_id=DISPLAY_ID,
        capture_rect=Rect.of_size(picture.size),
        size=picture.size,
    )
    return path


def _choose(trace: TraceWriter, number: int, spot: Spot, path: str, by: str | None) -> None:
    """The place as the only candidate where its region is known, else as a point."""
    point = _clipped(spot.point)
    candidate = {"rank": 1, "id": "c1", "point_norm": point, "region_norm": spot.region, "origin": "element"}
    candidates = [candidate] if spot.region is not None else []
    trace.event("ground", step=number, instruction=spot.words, frame=path, map=None, candidates=candidates)
    if by is None:
        return
    place: Fields = {"candidate_id": "c1"} if spot.region is not None else {"point_norm": point}
    trace.event("choose", step=number, by=by, rejected_ids=[], **place)


def _clipped(point: Point) -> Point:
    return Point(min(1.0, max(0.0, point.x)), min(1.0, max(0.0, point.y)))


def _point(spot: Spot, scale: float) -> object:
    """The place in all spaces, through the same chain as a live one; a picture is its own desktop."""
    chain = Transform(
        (Space.LOGICAL, Space.PHYSICAL, Space.CAPTURE),
        (Affine.scaling(scale, scale), Affine()),
    )
    size = spot.picture.size
    return point_spaces(chain, None, to_norm(size).inverse().point(_clipped(spot.point)), size, DISPLAY_ID)
