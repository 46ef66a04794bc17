"""``agentnet``: AgentNet / OpenCUA trajectories, the picture before every step and pyautogui code in 0..1 of it.

``agentnet.jsonl`` is the form of the published data set (``task_id, instruction, traj``), ``standard.json`` the one
with element boxes (``task_id, type, content``). Only steps somebody vouches for are written, with waits and the end.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reticle_agent.actions import AskUser, Finish, Step
from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect

from .calls import Call, Literal, Placed, calls_of, read_calls, steps_of
from .files import write_json, write_lines
from .record import Run, StepRecord
from .sources import Imported, ImportedStep, ImportOptions, Picture, Spot, chosen_record, numbers, pictures_of, records
from .targets import Target

NAME, STANDARD_NAME, IMAGES = "agentnet.jsonl", "standard.json", "images"


def write_agentnet(run: Run, out: Path) -> int:
    """Returns the number of steps. Raises BadInput when none may be learnt from."""
    steps = [step for step in run.learnable() if not isinstance(step.action, AskUser)]
    traj: list[JsonValue] = []
    content: list[JsonValue] = [{"class_": "text_observation", "content": run.trace.task, "source": "user"}]
    for step in steps:
        image = run.frames.copy(step.frame, out / IMAGES) if step.frame else None
        calls = _calls(step)
        code = "\n".join(call.code() for call in calls)
        value: JsonObject = {
            "observation": None,
            "thought": step.thought or None,
            "action": _words(step),
            "code": code,
            "last_step_correct": True if step.vouched else None,
            "last_step_redundant": False if step.vouched else None,
            "reflection": None,
        }
        traj.append({"index": len(traj), "image": image, "value": value})
        if image is not None:
            content.append(_observation(image))
        content.append(_gui_action(step, calls))
    done = run.trace.status == "done"
    record: JsonObject = {"task_id": run.id, "instruction": run.trace.task, "task_completed": done, "traj": traj}
    write_lines(out / NAME, [record])
    write_json(out / STANDARD_NAME, {"task_id": run.id, "example_id": None, "type": "end2end", "content": content})
    return len(traj)


def _observation(image: str) -> JsonObject:
    """With its file name, by which a picture is told from a text where both have a content and a source."""
    return {
        "class_": "image_observation",
        "content": f"{IMAGES}/{image}",
        "filename": image,
        "annotations": None,
        "source": "environment",
    }


def _words(step: StepRecord) -> str:
    return step.title[:1].upper() + step.title[1:]


def _calls(step: StepRecord) -> list[Call]:
    assert step.action is not None, "only steps that were carried out are exported"
    return calls_of(step.action, [_rounded(target.norm_point) for target in step.acted])


def _rounded(point: Point) -> Point:
    return Point(*(round(min(1.0, max(0.0, side)), 4) for side in (point.x, point.y)))


def _gui_action(step: StepRecord, calls: list[Call]) -> JsonObject:
    """A step with the element under each of its places; the box is what attention marked, so it is approximate."""
    places = iter(step.acted)
    actions: list[JsonValue] = []
    for call in calls:
        target = next(places, None) if call.point is not None else None
        args: JsonObject = {key: _json(value) for key, value in call.args.items()}
        actions.append({"action_type": call.name, "target": _element(target), "args": args})
    return {
        "observation": None,
        "thought": step.thought or None,
        "instruction": step.instruction or step.title,
        "guiactions": actions,
    }


def _json(value: object) -> JsonValue:
    if isinstance(value, list):
        return [_json(item) for item in value]
    return value if isinstance(value, (str, int, float, bool)) else None


def _element(target: Target | None) -> JsonObject | None:
    region = target.norm_region if target else None
    if target is None or target.region is None or region is None:
        return None
    pixels: list[JsonValue] = [round(side) for side in target.region.as_tuple()]
    size: list[JsonValue] = [target.size.width, target.size.height]
    box: list[JsonValue] = [round(min(1.0, max(0.0, side)), 6) for side in region.as_tuple()]
    return {"bbox": box, "pixel_bbox": pixels, "image_size": size, "text": target.text}


def read_agentnet(path: Path, options: ImportOptions) -> Imported:
    """One trajectory in either form. Raises BadInput naming the step that cannot be read."""
    row = chosen_record(path, records(path), options)
    find = pictures_of(path, options)
    traj, content = row.get("traj"), row.get("content")
    if isinstance(traj, list):
        steps = _from_traj(traj, find, path)
    elif isinstance(content, list):
        steps = _from_content(content, find, path)
    else:
        raise BadInput(f"{path} is no AgentNet trajectory: it has neither 'traj' nor 'content'")
    if not steps:
        raise BadInput(f"{path} holds no step")
    task = (
        row.get("instruction")
        or row.get("natural_language_task")
        or _said(content if isinstance(content, list) else [])
    )
    last = steps[-1].action
    failed = (isinstance(last, Finish) and not last.success) or row.get("task_completed") is False
    return Imported(str(task or "a recorded task"), "human", tuple(steps), "failed" if failed else "done")


def _said(content: list[JsonValue]) -> str:
    """The task where the trajectory has no field for it: what was said first."""
    texts = [item for item in content if isinstance(item, dict) and item.get("class_") == "text_observation"]
    return str(texts[0].get("content") or "") if texts else ""


def _from_traj(traj: list[JsonValue], find: Callable[[str], Picture], path: Path) -> list[ImportedStep]:
    steps: list[ImportedStep] = []
    for number, item in enumerate(traj, 1):
        where = f"{path} step {number}"
        value = item.get("value") if isinstance(item, dict) else None
        if not isinstance(item, dict) or not isinstance(value, dict) or not isinstance(value.get("code"), str):
            raise BadInput(f"{where}: it has no 'value' with 'code'")
        image, words = item.get("image"), str(value.get("action") or "").strip()
        picture = find(image) if isinstance(image, str) and image else None
        placed = _placed(str(value["code"]), words, where)
        wrong = value.get("last_step_correct") is False
        thought = str(value.get("thought") or "")
        steps += [_step(one, picture, words, [], thought, wrong, where) for one in placed]
    return steps


def _from_content(content: list[JsonValue], find: Callable[[str], Picture], path: Path) -> list[ImportedStep]:
    steps: list[ImportedStep] = []
    picture: Picture | None = None
    for number, item in enumerate(content, 1):
        where = f"{path} item {number}"
        if not isinstance(item, dict):
            raise BadInput(f"{where}: it is not an object")
        if item.get("class_") == "image_observation":
            picture = find(str(item.get("content") or item.get("filename")))
        actions = item.get("guiactions")
        if not isinstance(actions, list):
            continue
        calls = [_call(action, where) for action in actions]
        boxes = [_box(action, where) for action, call in zip(actions, calls, strict=True) if call.point is not None]
        words = str(item.get("instruction") or "").strip()
        placed = _named(steps_of(calls, words or "(no words)"), where)
        for one in placed:
            mine, boxes = boxes[: len(one.places)], boxes[len(one.places) :]
            steps.append(_step(one, picture, words, mine, str(item.get("thought") or ""), False, where))
    return steps


def _placed(code: str, words: str, where: str) -> list[Placed]:
    try:
        return _named(steps_of(read_calls(code), words or "(no words)"), where)
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None


def _named(placed: list[Placed], where: str) -> list[Placed]:
    for one in placed:
        if any(not (0 <= point.x <= 1 and 0 <= point.y <= 1) for point in one.places):
            raise BadInput(f"{where}: its coordinates are not in 0..1 of the picture")
    return placed


def _call(action: JsonValue, where: str) -> Call:
    args = action.get("args") if isinstance(action, dict) else None
    name = action.get("action_type") if isinstance(action, dict) else None
    if not isinstance(name, str) or not isinstance(args, (dict, list)):
        raise BadInput(f"{where}: an action needs 'action_type' and 'args'")
    given = args if isinstance(args, dict) else {"keys": args}
    return Call(name, {key: _literal(value) for key, value in given.items()})


def _literal(value: JsonValue) -> Literal:
    if isinstance(value, list):
        return [_literal(item) for item in value]
    return None if isinstance(value, dict) else value


def _box(action: JsonValue, where: str) -> Rect | None:
    target = action.get("target") if isinstance(action, dict) else None
    box = target.get("bbox") if isinstance(target, dict) else None
    if box is None:
        return None
    return Rect(*numbers(box, 4, f"{where}: target.bbox")).intersection(Rect(0, 0, 1, 1))


def _step(
    one: Placed,
    picture: Picture | None,
    words: str,
    boxes: list[Rect | None],
    thought: str,
    wrong: bool,
    where: str,
) -> ImportedStep:
    """One step; a place that the source calls wrong is nobody's choice."""
    if one.places and picture is None:
        raise BadInput(f"{where}: it has coordinates but no picture")
    spots = []
    for index, point in enumerate(one.places):
        box = boxes[index] if index < len(boxes) else None
        held = box if box is not None and box.grown(1e-3).contains(point) else None
        assert picture is not None, "checked above"
        spots.append(Spot(picture, words, point, held))
    action: Step = one.action
    return ImportedStep(tuple(spots), picture, action, None if wrong else "user", thought)
