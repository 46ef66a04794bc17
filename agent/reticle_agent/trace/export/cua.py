"""``cua``: a trajectory folder as cua's agent SDK saves it, one ``turn_NNN`` per step.

Actions are ``computer_call`` items of the Responses interface; coordinates are pixels of the pictures.
"""

from __future__ import annotations

from pathlib import Path

from reticle_agent.actions import AskUser, Click, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.trace.plain import JsonObject, JsonValue

from .files import write_data, write_json
from .record import Run, StepRecord

WHEEL_PX = 100
"""Pixels of one notch of the wheel."""
OMITTED = "[omitted]"
"""What cua leaves in the place of a picture that is saved as a file."""


def write_cua(run: Run, out: Path) -> int:
    """Returns the number of turns. Raises BadInput when no step was carried out."""
    steps = run.done()
    items: list[JsonValue] = []
    artifact = 0
    turns = 0
    for step in steps:
        calls = _calls(step, len(items))
        folder = out / f"turn_{turns:03d}"
        folder.mkdir()
        turns += 1
        response: JsonObject = {"output": [*calls], "usage": {}}
        said: JsonObject = {"timestamp": step.t, "model": run.model, "kwargs": {}, "response": response}
        write_json(folder / f"{artifact:04d}_agent_response.json", said)
        artifact += 1
        if step.frame:
            write_data(folder / f"{artifact:04d}_screenshot_before.png", run.frames.png(step.frame))
            artifact += 1
        if step.after:
            write_data(folder / f"{artifact:04d}_screenshot_after.png", run.frames.png(step.after))
            artifact += 1
        results: list[JsonValue] = []
        for call in calls:
            items.append(call)
            if call["type"] == "computer_call":
                result = _result(call)
                results.append(result)
                items.append(result)
                item: JsonObject = {"item": call, "result": [result]}
                write_json(folder / f"{artifact:04d}_computer_call_result.json", item)
                artifact += 1
    write_json(out / "metadata.json", _metadata(run, items, turns))
    return turns


def _metadata(run: Run, items: list[JsonValue], turns: int) -> JsonObject:
    result = run.trace.manifest.get("result")
    return {
        "trajectory_id": run.id,
        "created_at": run.trace.manifest["created"],
        "status": "completed" if result else "running",
        "kwargs": {"messages": [{"role": "user", "content": run.trace.task}], "model": run.model},
        "completed_at": result.get("at") if isinstance(result, dict) else None,
        "total_usage": {},
        "new_items": items,
        "total_turns": turns,
    }


def _calls(step: StepRecord, start: int) -> list[JsonObject]:
    assert step.action is not None, "only steps that were carried out are exported"
    items: list[JsonObject] = []
    if step.thought:
        items.append({"type": "reasoning", "summary": [{"type": "summary_text", "text": step.thought}]})
    if isinstance(step.action, (AskUser, Finish)):
        said = step.action.question if isinstance(step.action, AskUser) else step.action.message or step.title
        text: JsonObject = {"type": "output_text", "text": said}
        return [*items, {"type": "message", "role": "assistant", "content": [text]}]
    for action in _actions(step.action, [target.pixel for target in step.acted]):
        items.append(
            {
                "type": "computer_call",
                "call_id": f"call_{start + len(items):04d}",
                "status": "completed",
                "pending_safety_checks": [],
                "action": action,
            }
        )
    return items


def _actions(action: Step, pixels: list[tuple[int, int]]) -> list[JsonObject]:
    at: JsonObject = {"x": pixels[0][0], "y": pixels[0][1]} if pixels else {}
    match action:
        case Click(_, button, count):
            if (button, count) == ("left", 2):
                return [{"type": "double_click", **at}]
            single: JsonObject = {"type": "click", "button": button, **at}
            return [dict(single) for _ in range(count)]
        case Drag():
            path: list[JsonValue] = [{"x": x, "y": y} for x, y in pixels]
            return [{"type": "drag", "path": path}]
        case Scroll(direction, amount, _):
            far = amount * WHEEL_PX * (1 if direction in ("down", "right") else -1)
            across = direction in ("left", "right")
            return [{"type": "scroll", **at, "scroll_x": far if across else 0, "scroll_y": 0 if across else far}]
        case TypeText(text, _, _):
            return [*([{"type": "click", "button": "left", **at}] if at else []), {"type": "type", "text": text}]
        case Hotkey(keys):
            return [{"type": "keypress", "keys": [*keys]}]
        case Wait(seconds):
            return [{"type": "wait", "ms": round(seconds * 1000)}]
    return []


def _result(call: JsonObject) -> JsonObject:
    output: JsonObject = {"type": "input_image", "image_url": OMITTED}
    return {"type": "computer_call_output", "call_id": call["call_id"], "output": output}
