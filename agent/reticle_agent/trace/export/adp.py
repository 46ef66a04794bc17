"""``adp``: one trajectory of the Agent Data Protocol (arXiv 2510.24702; schema version 1.5.0 of its repository).

Actions are API actions named like pyautogui's functions with coordinates in 0..1 of the picture, as in the protocol's
own conversion of AgentNet. Only steps somebody vouches for are written, with waits and the end.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from reticle_agent.actions import AskUser
from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_grounding.geometry import Point

from .calls import Call, calls_of
from .files import write_lines
from .record import Run, StepRecord
from .targets import Target

NAME, IMAGES = "trajectory.jsonl", "images"
VERSION = "1.5.0"
_OBSERVATIONS = ("image_observation", "text_observation")


def write_adp(run: Run, out: Path) -> int:
    """Returns the number of steps. Raises BadInput when none may be learnt from."""
    steps = run.learnable()
    content: list[JsonObject] = [{"class_": "text_observation", "content": run.trace.task, "source": "user"}]
    shown = ""
    for step in steps:
        if step.frame and (step.frame != shown or step.acted):
            content.append(_image(run, step.frame, step.acted, out))
        shown = step.frame or shown
        content += _actions(step)
        if step.after and not isinstance(step.action, AskUser):
            content.append(_image(run, step.after, (), out))
            shown = step.after
    _link(content)
    details: JsonObject = {"platform": run.platform, "status": run.trace.status, "app": "reticle", "trace": run.id}
    items: list[JsonValue] = [*content]
    write_lines(out / NAME, [{"schema_version": VERSION, "id": run.id, "content": items, "details": details}])
    return len(steps)


def _image(run: Run, frame: str, targets: tuple[Target, ...], out: Path) -> JsonObject:
    """A picture; the chosen elements on it are its annotations, boxes in pixels."""
    notes: list[JsonValue] = [
        {
            "element_type": "target",
            "bounding_box": {
                "x": round(target.region.left, 3),
                "y": round(target.region.top, 3),
                "width": round(target.region.width, 3),
                "height": round(target.region.height, 3),
            },
            "text": target.text,
            "content_description": target.words or None,
        }
        for target in targets
        if target.region is not None and target.frame == frame
    ]
    return {
        "class_": "image_observation",
        "content": f"{IMAGES}/{run.frames.copy(frame, out / IMAGES)}",
        "annotations": notes or None,
        "source": "environment",
    }


def _actions(step: StepRecord) -> list[JsonObject]:
    if isinstance(step.action, AskUser):
        return [{"class_": "message_action", "content": step.action.question, "description": None}]
    assert step.action is not None, "only steps that were carried out are exported"
    calls = calls_of(step.action, [_rounded(target.norm_point) for target in step.acted])
    return [_action(call, step if index == 0 else None) for index, call in enumerate(calls)]


def _rounded(point: Point) -> Point:
    return Point(*(round(min(1.0, max(0.0, side)), 4) for side in (point.x, point.y)))


def _action(call: Call, step: StepRecord | None) -> JsonObject:
    """One call; what belongs to the step stands with its first."""
    kwargs: JsonObject = {}
    for key, value in call.args.items():
        kwargs[key] = [str(item) for item in value] if isinstance(value, list) else value
    return {
        "class_": "api_action",
        "function": call.name,
        "kwargs": kwargs,
        "description": step.title if step else None,
        "reasoning_content": (step.thought or None) if step else None,
    }


def _link(content: list[JsonObject]) -> None:
    """The protocol wants an action and the observation right after it to share a ``tool_call_id``."""
    count = 0
    for item, following in pairwise(content):
        if item["class_"] == "api_action" and following["class_"] in _OBSERVATIONS:
            count += 1
            item["tool_call_id"] = following["tool_call_id"] = f"call_{count:06d}"
