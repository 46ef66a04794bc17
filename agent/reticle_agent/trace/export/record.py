"""A trace as exports see it: what was done step by step, where, and who vouches for the place."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from reticle_agent.actions import AskUser, Finish, Step, Wait
from reticle_agent.trace.reader import Event, StepEvents, TraceReader
from reticle_agent.trace.review import Review, read_review
from reticle_agent.trace.words import step_status, step_title
from reticle_grounding.errors import BadInput

from .action import action_of
from .frames import Frames
from .targets import Target, reviewed, targets_of


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step."""

    number: int
    """As in the trace."""
    title: str
    status: str
    action: Step | None
    """None where nothing was done, or nothing this version can tell."""
    delivered: str
    frame: str
    """Path of the picture it was done on, inside the trace; empty when there is none that can be used."""
    after: str
    """Path of the picture after it; empty likewise."""
    acted: tuple[Target, ...]
    """Where the input went: two for a drag, none for keys."""
    labels: tuple[Target, ...]
    """Every place of the step that somebody vouches for, acted on or not."""
    effect: str
    thought: str
    instruction: str
    """Words of the place, or of the plan."""
    t: str
    """When it was done, UTC."""
    start_ms: float
    end_ms: float

    @property
    def sent(self) -> bool:
        return self.action is not None and self.delivered == "sent"

    @property
    def neutral(self) -> bool:
        """Whether there is nothing in it that could be wrong about a place."""
        return isinstance(self.action, (Wait, AskUser, Finish))

    @property
    def vouched(self) -> bool:
        """Whether it may be learnt from: each place chosen by a person or confirmed; keys and typing confirmed."""
        if self.action is None or self.neutral:
            return False
        return all(target.by for target in self.acted) if self.acted else self.effect == "confirmed"


@dataclass(slots=True)
class Run:
    """A whole run, and what had to be left out of an export of it."""

    trace: TraceReader
    frames: Frames
    steps: tuple[StepRecord, ...]
    left_out: list[str] = field(default_factory=list)
    review: Review = field(default_factory=Review)
    """What a person said of it afterwards; it outweighs what the run says of itself."""

    @property
    def id(self) -> str:
        return str(self.trace.manifest["id"])

    @property
    def platform(self) -> str:
        """``linux``, ``windows`` or ``macos``."""
        system = self.trace.manifest["os"]
        name = str(system.get("name", "")).lower() if isinstance(system, dict) else ""
        return "macos" if name == "darwin" else name or "unknown"

    @property
    def model(self) -> str:
        """Name of the model that pointed; empty when none is recorded."""
        models = self.trace.manifest["models"]
        named = [m for m in models if isinstance(m, dict)] if isinstance(models, list) else []
        return str(next((m["name"] for m in named if m.get("role") == "grounder"), ""))

    @property
    def scale(self) -> float:
        """Device pixels per toolkit unit of the first display."""
        displays = self.trace.manifest["displays"]
        first = displays[0] if isinstance(displays, list) and displays else {}
        scale = first.get("scale") if isinstance(first, dict) else None
        return float(scale) if isinstance(scale, (int, float)) else 1.0

    def done(self) -> list[StepRecord]:
        """Steps that were carried out, in order. Raises BadInput when there are none."""
        steps = [step for step in self.steps if step.sent]
        self.left_out += [
            f"step {step.number}: {step.status}, nothing was sent" for step in self.steps if not step.sent
        ]
        if not [step for step in steps if not isinstance(step.action, Finish)]:
            raise self.nothing("none of them was carried out")
        return steps

    def learnable(self) -> list[StepRecord]:
        """Steps that may be learnt from, with the waits and the end between them. Raises BadInput when there are none.

        The others are counted as left out.
        """
        steps = [step for step in self.done() if step.vouched or step.neutral]
        self.left_out += [
            f"step {step.number}: its place was neither chosen by a person nor confirmed by its effect"
            for step in self.steps
            if step.sent and step not in steps
        ]
        if not any(step.vouched for step in steps):
            raise self.nothing("none was chosen by a person or confirmed by its effect")
        return steps

    def labels(self) -> list[tuple[StepRecord, Target]]:
        """Every place somebody vouches for, with words. Raises BadInput when there are none."""
        found = [(step, target) for step in self.steps for target in step.labels]
        self.left_out += [f"step {step.number}: the place has no words" for step, target in found if not target.words]
        self.left_out += [
            f"step {step.number}: its place was neither chosen by a person nor confirmed by its effect"
            for step in self.steps
            if step.acted and not step.labels
        ]
        kept = [(step, target) for step, target in found if target.words]
        if not kept:
            raise self.nothing("none has a place that was chosen by a person or confirmed by its effect")
        return kept

    def boxes(self) -> list[tuple[StepRecord, Target]]:
        """:meth:`labels` whose element has a known region. Raises BadInput when there are none."""
        labels = self.labels()
        kept = [(step, target) for step, target in labels if target.region is not None]
        self.left_out += [
            f"step {step.number}: a point was chosen, its element is not known"
            for step, target in labels
            if target.region is None
        ]
        if not kept:
            raise self.nothing("the places have no regions")
        return kept

    def nothing(self, why: str) -> BadInput:
        """The error for an export that would be empty."""
        count = len(self.steps)
        return BadInput(
            f"nothing in {self.trace.folder} can be exported so: it has {count} step{'s' * (count != 1)}, and {why}"
        )


def read_run(folder: Path) -> Run:
    """Raises BadInput for a broken trace. A torn last line and unknown events are left out and said."""
    trace = TraceReader.open(folder)
    run = Run(trace, Frames(trace), (), review=read_review(folder))
    run.left_out += [trace.torn] if trace.torn else []
    run.left_out += [f"{len(trace.skipped)} events of unknown types"] if trace.skipped else []
    run.steps = tuple(_step(step, run) for step in trace.steps())
    return run


def _step(step: StepEvents, run: Run) -> StepRecord:
    act, check, plan = step.last("act"), step.last("check"), step.last("plan")
    acted, labels = reviewed(*targets_of(step, run.frames), run.review.of(step.number))
    frame = acted[0].frame if acted else _usable(step, _seen(step, act), run)
    return StepRecord(
        number=step.number,
        title=step_title(step),
        status=step_status(step),
        action=action_of(act) if act else None,
        delivered=act.text("delivered") if act else "",
        frame=frame,
        after=_usable(step, check.text("frame_after"), run) if check else "",
        acted=acted,
        labels=labels,
        effect=check.text("effect") if check else "",
        thought=plan.text("thought") if plan else "",
        instruction=acted[0].words if acted else plan.text("instruction") if plan else "",
        t=(act or step.events[-1]).t,
        start_ms=step.events[0].mono_ms,
        end_ms=step.events[-1].mono_ms,
    )


def _seen(step: StepEvents, act: Event | None) -> str:
    """The last picture before the input."""
    until = act.seq if act else step.events[-1].seq + 1
    seen = [
        e.text("frame") for e in step.events if e.seq < until and e.type in ("observe", "ground") and e.get("frame")
    ]
    return seen[-1] if seen else ""


def _usable(step: StepEvents, name: str, run: Run) -> str:
    if name and run.frames.size(name) is None:
        run.left_out.append(f"step {step.number}: its picture {name} is missing or damaged")
        return ""
    return name
