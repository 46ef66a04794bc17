"""``osworld``: the result folder of one OSWorld task, ``traj.jsonl`` with the picture after every step.

Coordinates are pixels of the pictures, as in OSWorld, where the picture is the whole screen.
"""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path, PurePosixPath

from reticle_agent.actions import AskUser, Finish, Step, Wait
from reticle_agent.trace.fields import to_norm
from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point

from .calls import Call, calls_of, read_calls, steps_of
from .files import write_data, write_lines, write_text
from .record import Run, StepRecord
from .sources import Imported, ImportedStep, ImportOptions, Picture, Spot, records, text_file

SPECIAL: dict[str, Step] = {"WAIT": Wait(1.0), "DONE": Finish(True), "FAIL": Finish(False)}
"""Actions of OSWorld that are no code."""
TRAJECTORY = "traj.jsonl"


def write_osworld(run: Run, out: Path) -> int:
    """Returns the number of steps. Raises BadInput when none was carried out."""
    steps = [step for step in run.done() if not isinstance(step.action, AskUser)]
    write_text(out / "instruction.txt", run.trace.task + "\n")
    if steps[0].frame:
        write_data(out / "step_0.png", run.frames.png(steps[0].frame))
    rows: list[JsonValue] = []
    seen = steps[0].frame
    for index, step in enumerate(steps):
        following = steps[index + 1].frame if index + 1 < len(steps) else ""
        seen = step.after or following or (seen if step.neutral else "")
        rows.append(_row(run, out, step, index + 1, seen, last=index + 1 == len(steps)))
    write_lines(out / TRAJECTORY, rows)
    score = _score(run)
    if score is not None:
        write_text(out / "result.txt", f"{score}\n")
    return len(rows)


def _row(run: Run, out: Path, step: StepRecord, number: int, after: str, last: bool) -> JsonObject:
    stamp = datetime.fromisoformat(step.t.replace("Z", "+00:00")).strftime("%Y%m%d@%H%M%S")
    name = f"step_{number}_{stamp}.png" if after else None
    if name is not None:
        write_data(out / name, run.frames.png(after))
    return {
        "step_num": number,
        "action_timestamp": stamp,
        "action": _code(step),
        "response": step.thought or step.title,
        "reward": 0,
        "done": last and isinstance(step.action, Finish),
        "info": {},
        "screenshot_file": name,
    }


def _code(step: StepRecord) -> str:
    """pyautogui text, each call on a line, or one of the special words."""
    if isinstance(step.action, Wait):
        return "WAIT"
    if isinstance(step.action, Finish):
        return "DONE" if step.action.success else "FAIL"
    assert step.action is not None, "only steps that were carried out are exported"
    pixels = [target.pixel for target in step.acted]
    calls = calls_of(step.action, [Point(float(x), float(y)) for x, y in pixels])
    return "\n".join(Call(call.name, call.args).code(spread=True) for call in calls)


def _score(run: Run) -> float | None:
    result = run.trace.manifest.get("result")
    score = result.get("score") if isinstance(result, dict) else None
    return float(score) if isinstance(score, (int, float)) else None


def read_osworld(path: Path, options: ImportOptions) -> Imported:
    """A ``traj.jsonl`` with its pictures beside it. Raises BadInput naming the line that cannot be read."""
    folder = options.images or path.parent
    rows = records(path)
    said = folder / "instruction.txt"
    task = text_file(said).strip() if said.is_file() else ""
    before = _first(folder)
    steps: list[ImportedStep] = []
    for number, row in enumerate(rows, 1):
        after = _after(row, folder, f"{path} line {number}")
        steps += _steps(row, before, after, f"{path} line {number}")
        before = after or before
    last = steps[-1].action if steps else None
    status = "failed" if isinstance(last, Finish) and not last.success else "done"
    return Imported(task or "a recorded task", "agent", tuple(steps), status)


def _first(folder: Path) -> Picture | None:
    path = folder / "step_0.png"
    return Picture.of(path, path.name) if path.is_file() else None


def _after(row: JsonObject, folder: Path, where: str) -> Picture | None:
    name = row.get("screenshot_file")
    if not isinstance(name, str) or not name:
        return None
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts:
        raise BadInput(f"{where}: the picture {name} lies outside the folder; it is not read")
    return Picture.of(folder / pure, name)


def _steps(row: JsonObject, before: Picture | None, after: Picture | None, where: str) -> list[ImportedStep]:
    code, thought = row.get("action"), str(row.get("response") or "")
    if not isinstance(code, str):
        raise BadInput(f"{where}: only actions written as text are read, not {type(code).__name__}")
    if code.strip() in SPECIAL:
        return [ImportedStep(picture=before, action=SPECIAL[code.strip()], thought=thought, after=after)]
    try:
        # What sets pyautogui up, imports and pauses, comes before the calls in many runs and does nothing itself.
        kept = [line for line in code.splitlines() if not re.match(r"\s*(import |from |time\.sleep|#|$)", line)]
        placed = steps_of(read_calls("\n".join(kept)), thought.strip()[:400] or "(no words)")
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    steps = []
    for index, one in enumerate(placed):
        if one.places and before is None:
            raise BadInput(f"{where}: there is no picture of the screen before it (step_0.png)")
        spots = tuple(_spot(before, point, thought) for point in one.places) if before else ()
        shown = after if index + 1 == len(placed) else None
        steps.append(ImportedStep(spots, before, one.action, "auto", thought, shown))
    return steps


def _spot(picture: Picture, pixel: Point, words: str) -> Spot:
    centre = Point(pixel.x + 0.5, pixel.y + 0.5) if pixel == Point(*map(float, pixel.pixel())) else pixel
    return Spot(picture, words.strip()[:400], to_norm(picture.size).point(centre))
