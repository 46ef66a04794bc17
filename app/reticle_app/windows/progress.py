"""Words for steps and for the end of a run."""

from __future__ import annotations

from collections.abc import Sequence

from reticle_agent.actions import AskUser, Click, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.seams import StepOutcome
from reticle_app.runner import RunEnd
from reticle_app.widgets.banner import Kind
from reticle_app.widgets.steps import Status, StepView

COUNTS = {1: "Click", 2: "Double-click", 3: "Triple-click"}
MAX_SHOWN = 60


def describe(step: Step) -> str:
    """One line for a person; secret text is never shown."""
    match step:
        case Click(target, button, count):
            verb = COUNTS[count] if button == "left" else f"{button.capitalize()}-click"
            return f"{verb} {target}"
        case Drag(source, destination):
            return f"Drag {source} to {destination}"
        case Scroll(direction, amount, target):
            return f"Scroll {direction} by {amount}" + (f" over {target}" if target else "")
        case TypeText(text, target, secret):
            shown = "secret text" if secret else f"“{_short(text)}”"
            return f"Type {shown}" + (f" into {target}" if target else "")
        case Hotkey(keys):
            return "Press " + "+".join(key.capitalize() for key in keys)
        case Wait(seconds):
            return f"Wait {seconds:g} s"
        case AskUser(question):
            return f"Ask: {question}"
        case Finish(success, message):
            return message or ("Finish" if success else "Give up")


def steps_of(past: Sequence[StepOutcome], now: Step | None) -> list[StepView]:
    """The rows of the step list: what is over, and what runs. A plain successful end is no row."""
    rows = [StepView(i, describe(o.step), o.status, o.message) for i, o in enumerate(past, 1)]
    if now is not None and not isinstance(now, Finish):
        rows.append(StepView(len(rows) + 1, describe(now), "running"))
    return rows


def last_status(end: RunEnd) -> Status:
    """What became of the step that was under way when the run ended."""
    known: dict[str, Status] = {"refused": "refused", "not_found": "not_found", "stopped": "stopped", "done": "done"}
    return known.get(end.status, "failed")


def run_banner(end: RunEnd) -> tuple[Kind, str, str]:
    """Kind, title and text of the message at the end of a run."""
    kinds: dict[str, Kind] = {"done": "good", "stopped": "info", "failed": "bad", "error": "bad"}
    kind = kinds.get(end.status, "warn")
    title = {
        "done": "Done",
        "stopped": "Stopped",
        "refused": "Ended: refused",
        "not_found": "Not found on this screen",
        "limit": "Ended at a limit",
    }.get(end.status, "Not done")
    text = end.message[:1].upper() + end.message[1:]
    where = f"Recorded in {end.trace}" if end.trace else ""
    return kind, title, "  ".join(part for part in (text, where) if part)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
