"""What a trace says of how to do it again: steps in words, and what each target looked like and read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from reticle_agent.actions import Click, Drag, Finish, Scroll, Step, TypeText
from reticle_agent.trace.export.action import UNNAMED
from reticle_agent.trace.export.record import Run, StepRecord, read_run
from reticle_agent.trace.export.targets import Target
from reticle_agent.trace.redact import MASK
from reticle_grounding.errors import BadInput

from .likeness import crop_of

AskSecret = Callable[[str], str | None]
"""Called with a question; returns the secret text, None when nobody answers."""


@dataclass(frozen=True, slots=True)
class RecordedTarget:
    """One place of a recorded step."""

    words: str
    crop: Image.Image | None
    """The control with its margin; None where only a point is known."""
    text: str | None
    """What was read there."""


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """One step to be done again."""

    number: int
    """As in the trace."""
    step: Step
    targets: tuple[RecordedTarget, ...]
    effect: str
    """Of the recording; empty where it was not checked."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A run to be done again."""

    id: str
    task: str
    steps: tuple[RecordedStep, ...]
    secrets: tuple[str, ...]
    """Texts that the new trace must not hold either."""


def read_recording(folder: Path, ask: AskSecret = lambda question: None) -> Recording:
    """Raises BadInput for a broken trace, one in which nothing was sent, and a secret that nobody tells."""
    run = read_run(folder)
    steps = tuple(_recorded(record, run, ask) for record in run.steps if _done(record))
    if not steps:
        raise run.nothing("none of them was carried out")
    secrets = tuple(s.step.text for s in steps if isinstance(s.step, TypeText) and s.step.secret)
    return Recording(run.id, run.trace.task, steps, secrets)


def _done(record: StepRecord) -> bool:
    return record.delivered == "sent" and not isinstance(record.action, Finish)


def _recorded(record: StepRecord, run: Run, ask: AskSecret) -> RecordedStep:
    step = record.action
    if step is None:
        raise BadInput(f"step {record.number} is of a kind that this version does not know")
    words = [target.words for target in record.acted]
    if isinstance(step, Drag) and len(words) == 2:
        step = Drag(words[0] or step.source, words[1] or step.destination)
    elif isinstance(step, (Click, Scroll, TypeText)) and words and words[0]:
        step = replace(step, target=words[0])
    if UNNAMED in _targets(step):
        raise BadInput(f"step {record.number} has no words for its target, so it cannot be looked for again")
    if isinstance(step, TypeText):
        step = replace(step, text=_text(step, record.number, ask))
    return RecordedStep(record.number, step, tuple(_target(t, run) for t in record.acted), record.effect)


def _targets(step: Step) -> tuple[str | None, ...]:
    if isinstance(step, Drag):
        return (step.source, step.destination)
    return (step.target,) if isinstance(step, (Click, Scroll, TypeText)) else ()


def _text(step: TypeText, number: int, ask: AskSecret) -> str:
    if not step.secret and MASK not in step.text:
        return step.text
    if not step.secret:
        raise BadInput(f"step {number} types a text with a secret inside, which the trace does not hold")
    told = ask(f"step {number} types a secret{f' into {step.target}' if step.target else ''}")
    if not told:
        raise BadInput(f"step {number} types a secret, which no trace holds and nobody told")
    return told


def _target(target: Target, run: Run) -> RecordedTarget:
    crop = crop_of(run.frames.image(target.frame), target.region) if target.region is not None else None
    return RecordedTarget(target.words, crop, target.text)
