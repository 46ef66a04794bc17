"""``datasets``: a folder that Hugging Face ``datasets`` loads as ``imagefolder``, one row and one picture per label."""

from __future__ import annotations

from pathlib import Path

from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_grounding.geometry import Point

from .files import write_data, write_lines
from .record import Run, StepRecord
from .targets import Target

SPLIT = "train"
"""Pictures and table lie together in a folder named like a split: that is where every release of the loader looks."""


def write_datasets(run: Run, out: Path) -> int:
    """Returns the number of rows. Raises BadInput when nobody vouches for any place."""
    folder = out / SPLIT
    folder.mkdir()
    rows: list[JsonValue] = []
    for number, (step, target) in enumerate(run.labels()):
        name = f"{number:05d}{Path(target.frame).suffix}"  # one picture a row: older loaders join by the name
        write_data(folder / name, run.frames.data(target.frame))
        rows.append(_row(run, step, target, name))
    write_lines(folder / "metadata.jsonl", rows)
    return len(rows)


def _row(run: Run, step: StepRecord, target: Target, name: str) -> JsonObject:
    """Coordinates are pixels of the picture; ``bbox`` is left, top, right, bottom, null where only a point is known."""
    box = [round(side, 3) for side in target.region.as_tuple()] if target.region else None
    return {
        "file_name": name,
        "instruction": target.words,
        "bbox": [*box] if box else None,
        "point": _pair(target.point),
        "negative_points": [_pair(point) for point in target.negatives],
        "label_by": target.by,
        "width": target.size.width,
        "height": target.size.height,
        "platform": run.platform,
        "trace": run.id,
        "step": step.number,
    }


def _pair(point: Point) -> list[JsonValue]:
    return [round(point.x, 3), round(point.y, 3)]
