"""``ui-tars``: the session data of UI-TARS-desktop, version ``v1``, pictures inside as base64.

Boxes are 0..1 of the picture, ``start_coords`` and ``end_coords`` its pixels.
"""

from __future__ import annotations

import base64
import binascii
import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from reticle_agent.actions import AskUser, Button, Click, Direction, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.planner.keys import KEY_NAMES
from reticle_agent.trace.fields import to_norm
from reticle_agent.trace.plain import JsonObject, JsonValue, read_json
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect

from .files import write_json
from .record import Run, StepRecord
from .sources import Imported, ImportedStep, ImportOptions, Picture, Spot, json_file
from .targets import Target

IMAGE = "<image>"
STATUS = {"done": "end", "stopped": "user_stopped", "limit": "max_loop"}
"""Result of a run -> status of a session; every other end is ``error``."""
FACTOR = 1000
"""The model's own coordinates run from 0 to 1000."""
_CLICKS = {
    ("left", 1): "click",
    ("left", 2): "left_double",
    ("right", 1): "right_single",
    ("middle", 1): "middle_click",
}

_KINDS: dict[str, tuple[Button, Literal[1, 2, 3]]] = {
    **dict.fromkeys(("click", "left_click", "left_single"), ("left", 1)),
    **dict.fromkeys(("left_double", "double_click"), ("left", 2)),
    **dict.fromkeys(("right_click", "right_single"), ("right", 1)),
    "middle_click": ("middle", 1),
}
_DIRECTIONS: dict[str, Direction] = {"up": "up", "down": "down", "left": "left", "right": "right"}


def write_ui_tars(run: Run, out: Path) -> int:
    """Returns the number of steps. Raises BadInput when none was carried out."""
    steps = run.done()
    status = STATUS.get(run.trace.status, "error")
    began = _epoch_ms(str(run.trace.manifest["created"]))
    conversations: list[JsonValue] = [
        {"from": "human", "value": run.trace.task, "timing": {"start": began, "end": began, "cost": 0}}
    ]
    for step in steps:
        conversations += _turns(run, step, began)
    session: JsonObject = {
        "version": "v1",
        "instruction": run.trace.task,
        "systemPrompt": "",
        "modelName": run.model,
        "logTime": began,
        "status": status,
        "conversations": conversations,
    }
    if status == "error":
        session["errMsg"] = f"the run ended as: {run.trace.status.replace('_', ' ')}"
    write_json(out, session)
    return len(steps)


def _epoch_ms(t: str) -> int:
    return round(datetime.fromisoformat(t.replace("Z", "+00:00")).timestamp() * 1000)


def _turns(run: Run, step: StepRecord, began: int) -> list[JsonValue]:
    start, end = began + round(step.start_ms), began + round(step.end_ms)
    timing: JsonObject = {"start": start, "end": end, "cost": end - start}
    context: JsonObject = {}
    turns: list[JsonValue] = []
    size = run.frames.size(step.frame) if step.frame else None
    if size is not None:
        data = run.frames.data(step.frame)
        mime = "image/png" if step.frame.endswith(".png") else "image/webp"
        sides: JsonObject = {"width": size.width, "height": size.height}
        context = {"size": sides, "mime": mime, "scaleFactor": run.scale}
        shot = base64.b64encode(data).decode("ascii")
        turns.append(
            {"from": "human", "value": IMAGE, "screenshotBase64": shot, "screenshotContext": context, "timing": timing}
        )
    assert step.action is not None, "only steps that were carried out are exported"
    parsed = [_prediction(kind, inputs, step) for kind, inputs in _actions(step.action, step.acted)]
    calls = "\n\n".join(_written(kind, inputs) for kind, inputs in _actions(step.action, step.acted))
    turn: JsonObject = {
        "from": "gpt",
        "value": f"Thought: {step.thought or step.title}\nAction: {calls}",
        "timing": timing,
        "predictionParsed": [*parsed],
    }
    turns.append(turn | ({"screenshotContext": context} if context else {}))
    return turns


def _prediction(kind: str, inputs: JsonObject, step: StepRecord) -> JsonObject:
    return {"reflection": None, "thought": step.thought or step.title, "action_type": kind, "action_inputs": inputs}


def _actions(action: Step, places: tuple[Target, ...]) -> list[tuple[str, JsonObject]]:
    """The step in UI-TARS' action space."""
    start = _place(places, 0, "start")
    match action:
        case Click(_, button, count):
            kind = _CLICKS.get((button, count))
            single = _CLICKS[(button, 1)]
            return [(kind, start)] if kind else [(single, start)] * count
        case Drag():
            return [("drag", start | _place(places, 1, "end"))]
        case Scroll(direction, _, _):
            return [("scroll", {**start, "direction": direction})]
        case TypeText(text, _, _):
            return [*([("click", start)] if places else []), ("type", {"content": text})]
        case Hotkey(keys):
            return [("hotkey", {"key": " ".join(keys)})]
        case Wait():
            return [("wait", {})]
        case AskUser(question):
            return [("call_user", {"content": question})]
        case Finish(success, message):
            return [("finished" if success else "call_user", {"content": message} if message else {})]


def _place(places: tuple[Target, ...], index: int, end: str) -> JsonObject:
    if index >= len(places):
        return {}
    target = places[index]
    point, region = target.norm_point, target.norm_region
    sides = region.as_tuple() if region else (point.x, point.y, point.x, point.y)
    box = json.dumps([round(min(1.0, max(0.0, side)), 6) for side in sides])
    return {f"{end}_box": box, f"{end}_coords": [round(target.point.x, 3), round(target.point.y, 3)]}


def _written(kind: str, inputs: JsonObject) -> str:
    """As the model writes it: boxes from 0 to 1000, everything else as it stands."""
    parts = []
    for key, value in inputs.items():
        if key.endswith("_box"):
            sides = [round(side * FACTOR) for side in json.loads(str(value))]
            parts.append(f"{key}='[{', '.join(map(str, sides))}]'")
        elif not key.endswith("_coords"):
            parts.append(f"{key}='{str(value).replace(chr(39), chr(92) + chr(39)).replace(chr(10), chr(92) + 'n')}'")
    return f"{kind}({', '.join(parts)})"


def read_ui_tars(path: Path, options: ImportOptions) -> Imported:
    """A session. What the model did is nobody's label. Raises BadInput naming the turn that cannot be read."""
    session = json_file(path)
    turns = session.get("conversations") if isinstance(session, dict) else None
    if not isinstance(session, dict) or not isinstance(turns, list) or str(session.get("version", "v1")) != "v1":
        raise BadInput(f"{path} is no UI-TARS session of version v1")
    steps: list[ImportedStep] = []
    picture, scale = None, 1.0
    for number, turn in enumerate(turns, 1):
        where = f"{path} turn {number}"
        if not isinstance(turn, dict):
            raise BadInput(f"{where}: it is not an object")
        if turn.get("screenshotBase64"):
            picture, scale = _picture(turn, where), _scale(turn)
        parsed = turn.get("predictionParsed")
        for one in parsed if isinstance(parsed, list) else []:
            step = _read(one, picture, where) if isinstance(one, dict) else None
            steps += [step] if step else []
    if not steps:
        raise BadInput(f"{path} holds no step that can be read")
    ends = {status: result for result, status in STATUS.items()}
    task = str(session.get("instruction") or "a recorded task")
    model = str(session.get("modelName") or "")
    return Imported(task, "agent", tuple(steps), ends.get(str(session.get("status")), "error"), model, scale)


def _picture(turn: JsonObject, where: str) -> Picture:
    shot = str(turn["screenshotBase64"])
    shot = shot.split(",", 1)[1] if shot.startswith("data:") and "," in shot else shot
    try:
        data = base64.b64decode(shot, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadInput(f"{where}: its picture is not base64 ({error})") from None
    return Picture.of(data, f"{where}: its picture")


def _scale(turn: JsonObject) -> float:
    context = turn.get("screenshotContext")
    scale = context.get("scaleFactor") if isinstance(context, dict) else None
    return float(scale) if isinstance(scale, (int, float)) and 0.25 <= scale <= 16 else 1.0


def _read(parsed: JsonObject, picture: Picture | None, where: str) -> ImportedStep | None:
    """None for a kind that sends nothing this version knows of."""
    inputs = parsed.get("action_inputs")
    inputs = inputs if isinstance(inputs, dict) else {}
    thought = str(parsed.get("thought") or "")
    words = thought.strip()[:400]
    action = _action(str(parsed.get("action_type")), inputs, words or "(no words)")
    if action is None:
        return None
    ends = [_spot(inputs, end, picture, words, where) for end in ("start", "end")]
    spots = [spot for spot in ends if spot is not None]
    if isinstance(action, (Click, Drag)) and len(spots) < (2 if isinstance(action, Drag) else 1):
        raise BadInput(f"{where}: {parsed.get('action_type')} does not say where, or there is no picture before it")
    return ImportedStep(tuple(spots), picture, action, "auto", thought)


def _spot(inputs: JsonObject, end: str, picture: Picture | None, words: str, where: str) -> Spot | None:
    written = inputs.get(f"{end}_box")
    if not isinstance(written, str) or not written or picture is None:
        return None
    try:
        value = read_json(written)
        sides = [float(side) for side in value]  # type: ignore[union-attr,arg-type]
    except (ValueError, TypeError):
        raise BadInput(f"{where}: {end}_box {written[:60]!r} is no list of numbers") from None
    sides = sides * 2 if len(sides) == 2 else sides
    if len(sides) != 4 or not all(-0.001 <= side <= 1.001 for side in sides):
        raise BadInput(f"{where}: {end}_box {written[:60]!r} is no box in 0..1 of the picture")
    box = Rect(*sides)
    region = box.intersection(Rect(0, 0, 1, 1))
    return Spot(picture, words, _inside(inputs.get(f"{end}_coords"), box, picture) or box.center, region)


def _inside(coords: JsonValue, box: Rect, picture: Picture) -> Point | None:
    """The exact point where it is given in pixels of the picture and lies in the box; else the box's middle counts."""
    if not isinstance(coords, list) or len(coords) != 2:
        return None
    x, y = coords
    if not isinstance(x, (int, float)) or not isinstance(y, (int, float)):
        return None
    point = to_norm(picture.size).point(Point(float(x), float(y)))
    return point if box.grown(1e-3).contains(point) else None


def _action(kind: str, inputs: JsonObject, words: str) -> Step | None:
    content = str(inputs.get("content") or "")
    if kind in _KINDS:
        button, count = _KINDS[kind]
        return Click(words, button, count)
    if kind in ("drag", "left_click_drag", "select"):
        return Drag(words, words)
    if kind == "scroll":
        direction = _DIRECTIONS.get(str(inputs.get("direction")).lower(), "down")
        return Scroll(direction, 5, words if inputs.get("start_box") else None)
    if kind == "type":
        return TypeText(content) if content else None
    if kind in ("hotkey", "press"):
        keys = str(inputs.get("key") or inputs.get("hotkey") or "").replace("+", " ").lower().split()
        return Hotkey(tuple(KEY_NAMES.get(key, key) for key in keys)) if keys else None
    return _quiet(kind, content)


def _quiet(kind: str, content: str) -> Step | None:
    if kind == "wait":
        return Wait(5.0)
    if kind == "finished":
        return Finish(True, content)
    return AskUser(content or "the user is needed") if kind == "call_user" else None
