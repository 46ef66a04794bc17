"""``screenspot``: one JSON list of targets beside a folder of pictures; boxes are x1 y1 x2 y2, as in ScreenSpot-Pro."""

from __future__ import annotations

import math
from pathlib import Path

from reticle_agent.trace.fields import to_norm
from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect, Size

from .files import write_json
from .record import Run
from .sources import Imported, ImportedStep, ImportOptions, Picture, Spot, numbers, pictures_of, records, text_of
from .targets import Target

NAME = "screenspot.json"
IMAGES = "images"


def write_screenspot(run: Run, out: Path) -> int:
    """Returns the number of targets. Raises BadInput when nobody vouches for any."""
    rows: list[JsonValue] = []
    for _, target in run.boxes():
        rows.append(
            {
                "img_filename": run.frames.copy(target.frame, out / IMAGES),
                "bbox": [*pixel_box(target)],
                "instruction": target.words,
                "img_size": [target.size.width, target.size.height],
                "platform": run.platform,
                "ui_type": "text" if target.text else "icon",
                "group": "desktop",
            }
        )
    write_json(out / NAME, rows)
    return len(rows)


def pixel_box(target: Target) -> tuple[int, int, int, int]:
    """The region's whole pixels: left, top, right, bottom, rounded outward and inside the picture."""
    assert target.region is not None, "only targets with regions have boxes"
    left, top, right, bottom = target.region.as_tuple()
    width, height = target.size.width, target.size.height
    near = 1e-6  # a region read back from nine digits is off by less
    return (
        max(0, math.floor(left + near)),
        max(0, math.floor(top + near)),
        min(width, math.ceil(right - near)),
        min(height, math.ceil(bottom - near)),
    )


def read_screenspot(path: Path, options: ImportOptions) -> Imported:
    """The targets of a ScreenSpot file. Raises BadInput naming the record that cannot be read.

    Releases differ in what four numbers mean; see :func:`_convention`.
    """
    rows = records(path)
    find = pictures_of(path, options)
    pictures = [find(_file(row, number)) for number, row in enumerate(rows, 1)]
    boxes = [numbers(row.get("bbox"), 4, f"record {number}: bbox") for number, row in enumerate(rows, 1)]
    sizes = [picture.size for picture in pictures]
    convention = options.boxes or _convention(rows, boxes, sizes)
    spots = []
    for number, (row, box, picture) in enumerate(zip(rows, boxes, pictures, strict=True), 1):
        region = _region(box, picture.size, convention)
        if region is None:
            raise BadInput(f"{path} record {number}: the box {box} does not fit its picture as {convention}")
        spots.append(_spot(row, number, picture, region))
    steps = tuple(ImportedStep(spots=(spot,), by="user") for spot in spots)
    return Imported(task=f"{len(spots)} labelled targets", source="human", steps=steps)


def _spot(row: JsonObject, number: int, picture: Picture, region: Rect) -> Spot:
    words = text_of(row, "instruction", f"record {number}")
    return Spot(picture, words, region.center, region)


def _file(row: JsonObject, number: int) -> str:
    for key in ("img_filename", "file_name", "image"):
        value = row.get(key)
        if isinstance(value, str) and value:
            return value
    raise BadInput(f"record {number}: it names no picture (img_filename)")


def _region(box: list[float], size: Size, convention: str) -> Rect | None:
    """0..1 of the picture; None when the box lies outside it or has no area."""
    left, top, third, fourth = box
    rect = Rect(left, top, left + third, top + fourth) if convention == "xywh" else Rect(left, top, third, fourth)
    norm = rect if convention == "norm" else to_norm(size).rect(rect)
    if rect.right <= rect.left or rect.bottom <= rect.top:
        return None
    slack = 1.0 / min(size.width, size.height)
    if min(norm.left, norm.top) < -slack or max(norm.right, norm.bottom) > 1 + slack:
        return None
    return norm.intersection(Rect(0, 0, 1, 1))


def _convention(rows: list[JsonObject], boxes: list[list[float]], sizes: list[Size]) -> str:
    """``norm``, ``xyxy`` or ``xywh``: what the release uses if every box fits its picture so, else the one that does.

    Raises BadInput where that leaves the choice open.
    """
    if all(0 <= side <= 1 for box in boxes for side in box):
        return "norm"
    fits = [
        name
        for name in ("xyxy", "xywh")
        if all(_region(box, size, name) is not None for box, size in zip(boxes, sizes, strict=True))
    ]
    told = "xyxy" if all("img_size" in row and "ui_type" in row for row in rows) else None
    told = told or ("xywh" if all("data_source" in row or "data_type" in row for row in rows) else None)
    if told in fits:
        return str(told)
    if len(fits) == 1:
        return fits[0]
    if not fits:
        raise BadInput("the boxes fit their pictures neither as x1,y1,x2,y2 nor as x,y,width,height")
    raise BadInput("the boxes may be x1,y1,x2,y2 or x,y,width,height; say which with --boxes xyxy or --boxes xywh")
