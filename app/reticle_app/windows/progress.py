"""Words for steps and for the end of a run."""

from __future__ import annotations

from collections.abc import Sequence

from reticle_agent.actions import AskUser, Click, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.seams import StepOutcome
from reticle_app.relayed import DIRECTIONS, click_words, relayed
from reticle_app.runner import RunEnd
from reticle_app.translations import tr
from reticle_app.widgets.banner import Kind
from reticle_app.widgets.basics import from_home
from reticle_app.widgets.steps import Status, StepView

MAX_SHOWN = 60


def describe(step: Step) -> str:
    """One line for a person; secret text is never shown."""
    match step:
        case Click(target, button, count):
            return tr("{click} {place}").format(click=click_words(button, count), place=target)
        case Drag(source, destination):
            return tr("Drag {source} to {destination}").format(source=source, destination=destination)
        case Scroll(direction, amount, target):
            words = tr("Scroll {direction} by {amount}").format(direction=tr(DIRECTIONS[direction]), amount=amount)
            return words + (tr(" over {place}").format(place=target) if target else "")
        case TypeText(text, target, secret):
            shown = tr("secret text") if secret else f"“{_short(text)}”"
            return tr("Type {text}").format(text=shown) + (tr(" into {place}").format(place=target) if target else "")
        case Hotkey(keys):
            return tr("Press {keys}").format(keys="+".join(key.capitalize() for key in keys))
        case Wait(seconds):
            return tr("Wait {seconds} s").format(seconds=f"{seconds:g}")
        case AskUser(question):
            return tr("Ask: {question}").format(question=question)
        case Finish(success, message):
            return message or (tr("Finish") if success else tr("Give up"))


def steps_of(past: Sequence[StepOutcome], now: Step | None) -> list[StepView]:
    """The rows of the step list: what is over, and what runs. A plain successful end is no row."""
    rows = [StepView(i, describe(o.step), o.status, relayed(o.message)) for i, o in enumerate(past, 1)]
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
        "done": tr("Done"),
        "stopped": tr("Stopped"),
        "refused": tr("Ended: refused"),
        "not_found": tr("Not found on this screen"),
        "limit": tr("Ended at a limit"),
    }.get(end.status, tr("Not done"))
    message = relayed(end.message)
    text = message[:1].upper() + message[1:]
    where = tr("Recorded in {folder}").format(folder=from_home(end.trace)) if end.trace else ""
    return kind, title, "  ".join(part for part in (text, where) if part)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN else line[: MAX_SHOWN - 1] + "…"
