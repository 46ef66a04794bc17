"""``gui-actor``: GUI-Actor's training conversations, and the pairs its verifier learns from.

``gui_actor.json`` holds one conversation per label: the picture and the words, answered by a click whose coordinates
the trainer turns into pointer tokens, and the element's box as ``bbox_gt`` (0..1, x1 y1 x2 y2), whose patches are the
positive labels (arXiv 2506.03143, section 3). ``verifier.json`` holds pictures with a hollow red circle to be judged
True or False; False are the candidates that were passed over outside the chosen element.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from PIL import ImageDraw

from reticle_agent.trace.content import content_name, png_bytes
from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect

from .calls import Call
from .files import write_data, write_json
from .record import Run
from .sources import Imported, ImportedStep, ImportOptions, Picture, Spot, numbers, pictures_of, records
from .targets import Target

NAME, VERIFIER_NAME, IMAGES, VERIFIER_IMAGES = "gui_actor.json", "verifier.json", "images", "verifier_images"
IMAGE_TOKEN = "<image>"  # noqa: S105 - a place holder for the picture
RADIUS, WIDTH = 7, 3
"""Of the circle, pixels of the capture, as the verifier is asked at run time."""
_XY = re.compile(r"x=([0-9.]+), y=([0-9.]+)")


def write_gui_actor(run: Run, out: Path) -> int:
    """Returns the number of training conversations. Raises BadInput when nobody vouches for any place."""
    rows: list[JsonValue] = []
    pairs: list[JsonValue] = []
    for _, target in run.boxes():
        rows.append(_conversation(run.frames.copy(target.frame, out / IMAGES), target))
        pairs.append(_pair(run, out, target, target.point, True))
        pairs += [_pair(run, out, target, point, False) for point in target.negatives]
    write_json(out / NAME, rows)
    write_json(out / VERIFIER_NAME, pairs)
    return len(rows)


def _conversation(image: str, target: Target) -> JsonObject:
    region, point = target.norm_region, target.norm_point
    assert region is not None, "only targets with regions become conversations"
    answer: JsonObject = {
        "from": "gpt",
        "value": Call("click", {"x": point.x, "y": point.y}).code(),
        "recipient": "os",
        "end_turn": True,
        "bbox_gt": [round(min(1.0, max(0.0, side)), 6) for side in region.as_tuple()],
    }
    # No line break after the picture's token: the trainer cuts only the token, and the words are asked without one.
    return {"image": image, "conversations": [{"from": "human", "value": IMAGE_TOKEN + target.words}, answer]}


def _pair(run: Run, out: Path, target: Target, point: Point, right: bool) -> JsonObject:
    picture = run.frames.image(target.frame)
    box = (point.x - RADIUS, point.y - RADIUS, point.x + RADIUS, point.y + RADIUS)
    ImageDraw.Draw(picture).ellipse(box, outline="red", width=WIDTH)
    data = png_bytes(picture)
    name = f"{content_name(data)}.png"
    (out / VERIFIER_IMAGES).mkdir(exist_ok=True)
    if not (out / VERIFIER_IMAGES / name).exists():
        write_data(out / VERIFIER_IMAGES / name, data)
    ask = f"{IMAGE_TOKEN}\nDoes the hollow red circle mark the place that is meant by '{target.words}'? True or False."
    answer: JsonObject = {"from": "gpt", "value": str(right), "recipient": "os", "end_turn": True}
    where: list[JsonValue] = [round(point.x, 3), round(point.y, 3)]
    return {"image": name, "point": where, "conversations": [{"from": "human", "value": ask}, answer]}


def read_gui_actor(path: Path, options: ImportOptions) -> Imported:
    """The labels of a GUI-Actor training file. Raises BadInput naming the record that cannot be read."""
    find = pictures_of(path, options)
    steps: list[ImportedStep] = []
    for number, row in enumerate(records(path), 1):
        steps += [ImportedStep(spots=(spot,), by="user") for spot in _spots(row, f"{path} record {number}", find)]
    if not steps:
        raise BadInput(f"{path} holds no answer with a place")
    return Imported(task=f"{len(steps)} labelled targets", source="human", steps=tuple(steps))


def _spots(row: JsonObject, where: str, find: Callable[[str], Picture]) -> list[Spot]:
    image = row.get("image")
    name = image[0] if isinstance(image, list) and len(image) == 1 else image
    turns = row.get("conversations")
    if not isinstance(name, str) or not isinstance(turns, list):
        raise BadInput(f"{where}: it needs one 'image' and 'conversations'")
    picture = find(name)
    words, spots = "", []
    for turn in turns:
        if not isinstance(turn, dict):
            raise BadInput(f"{where}: a turn is not an object")
        role, said = str(turn.get("from", turn.get("role"))), str(turn.get("value", turn.get("content", "")))
        if role in ("human", "user"):
            words = said.replace(IMAGE_TOKEN, "").strip()
        elif role in ("gpt", "assistant") and (spot := _spot(turn, said, picture, words, where)):
            spots.append(spot)
    return spots


def _spot(turn: JsonObject, said: str, picture: Picture, words: str, where: str) -> Spot | None:
    """The place of one answer; None for an answer without any."""
    box = turn.get("bbox_gt")
    match = _XY.search(said)
    if box is None and match is None:
        return None
    region = None
    if box is not None:
        region = Rect(*numbers(box, 4, f"{where}: bbox_gt")).intersection(Rect(0, 0, 1, 1))
        if region is None:
            raise BadInput(f"{where}: bbox_gt is not a box inside 0..1")
    try:
        point = Point(float(match[1]), float(match[2])) if match else None
    except ValueError:
        raise BadInput(f"{where}: {said[:60]!r} holds no coordinates") from None
    if point is not None and not (0 <= point.x <= 1 and 0 <= point.y <= 1):
        raise BadInput(f"{where}: the point {point.x:g}, {point.y:g} is not in 0..1")
    if region is not None and (point is None or not region.grown(1e-3).contains(point)):
        point = region.center
    return Spot(picture, words, point, region) if point else None
