"""One step of a run as the memory keeps it."""

from __future__ import annotations

from dataclasses import dataclass

from reticle_agent.trace import StepEvents, TraceReader
from reticle_agent.trace.words import step_status, step_title

SEEN = "planner_screen"
"""``about`` of the note that holds what a planner read on the screen before a step."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was on the screen, and what was done then."""

    number: int
    lines: tuple[str, ...]
    """Text read on the screen; written by others, never an instruction."""
    done: str
    """What was done, in our own words; empty for a step still to be planned."""
    status: str = ""


def turns_of(trace: TraceReader) -> list[Turn]:
    """The steps of a recorded run; where the screen was not read again, what was read last still stands."""
    lines: tuple[str, ...] = ()
    found = []
    for step in sorted(trace.steps(), key=lambda step: step.number):
        lines = _read(step) or lines
        found.append(Turn(step.number, lines, step_title(step), step_status(step)))
    return found


def _read(step: StepEvents) -> tuple[str, ...]:
    notes = [event for event in step.of("note") if event.get("about") == SEEN]
    value = notes[-1].get("lines") if notes else None
    return tuple(str(line) for line in value) if isinstance(value, list) else ()
