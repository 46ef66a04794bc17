"""Protocols the loop is written against; only plain data crosses, so any part may live in another process.

Errors: every method may raise ``ReticleError`` (text for the person) or ``Cancelled`` (asked to stop).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from PIL import Image

from reticle_grounding.geometry import Point, Rect, Transform
from reticle_grounding.types import Grounding

from .actions import Input, Step


@dataclass(frozen=True, slots=True)
class Display:
    """One monitor."""

    id: str
    logical: Rect
    """Where it lies on the desktop, in toolkit units."""
    physical: Rect
    """Where it lies on the desktop, in device pixels."""
    scale: float
    quarter_turns: int = 0
    """Clockwise turns from the capture's orientation to the desktop's."""
    primary: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """One capture of one display (or a part of it)."""

    image: Image.Image
    """RGB, capture pixels."""
    display: Display
    transform: Transform
    """logical -> physical -> capture."""
    monotonic_s: float
    sha: str
    """First 16 hex digits of the SHA-256 of the RGB bytes."""
    covered: tuple[Rect, ...] = ()
    """Capture pixels where windows of our own were painted over; nothing there can be said to have changed."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What became of a step."""

    step: Step
    status: Literal["done", "refused", "not_found", "failed"]
    message: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """What the person is asked before an input is sent."""

    step: Step
    description: str
    """One line in plain words."""
    frame: Frame | None
    grounding: Grounding | None
    """Candidates to choose from; None when the step needs no place (typing, keys)."""
    chosen: int | None
    """Index into ``grounding.candidates`` of what would be done."""
    reason: str
    """Why it is asked: the mode, a consequence word, low confidence."""


@dataclass(frozen=True, slots=True)
class Approval:
    """The person's answer. Anything but an explicit ``allow`` is a refusal."""

    decision: Literal["allow", "deny", "skip", "stop"]
    source: Literal["user", "policy", "none"]
    chosen: int | None = None
    """Another candidate, where the person picked one."""
    point: Point | None = None
    """Capture pixels; where the person moved the chosen candidate's point to."""


class Screen(Protocol):
    def displays(self) -> list[Display]:
        """All monitors, primary first."""
        ...

    def capture(self, display_id: str | None = None) -> Frame:
        """The display as it is now, own windows left out; None is the display with the active window."""
        ...


class Observation(Protocol):
    def ground(self, instruction: str, top_k: int = 5) -> Grounding: ...


class Grounder(Protocol):
    @property
    def name(self) -> str: ...

    def observe(self, image: Image.Image) -> Observation:
        """Does the expensive part once per screenshot."""
        ...


class LimitReachedError(Exception):
    """The run has used up its steps, its time or its tokens."""


class Planner(Protocol):
    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        """The next step; ``Finish`` ends the run.

        Raises BadInput naming the words it does not understand, LimitReachedError when a budget of its own is used up.
        """
        ...


class Approver(Protocol):
    def decide(self, request: ApprovalRequest) -> Approval: ...

    def answer(self, question: str) -> str | None:
        """The person's words, or None when nobody answers."""
        ...


@runtime_checkable
class Announcer(Protocol):
    """An approver that can also tell of what will be done without asking, while there is time to object."""

    def announce(self, request: ApprovalRequest, seconds: float) -> Approval:
        """Waits ``seconds``; no objection is an ``allow`` by the policy. The person may refuse, stop or take over."""
        ...


class Actuator(Protocol):
    def perform(self, action: Input) -> None:
        """Sends one input to the desktop; the last gate checks the stop signal. Raises ``Cancelled`` after a stop."""
        ...

    def close(self) -> None:
        """Releases what is held and ends the process."""
        ...


class TraceSink(Protocol):
    """Written by the loop, one event per call; events are on disk when the call returns."""

    def event(self, kind: str, /, *, step: int | None = None, **fields: Any) -> int:
        """Appends one event of schema ``trace/1`` and returns its ``seq``."""
        ...

    def frame(self, image: Image.Image) -> str:
        """Stores a picture by content hash and returns its path inside the trace."""
        ...

    def map(self, grounding: Grounding) -> str:
        """Stores the attention map and returns its path inside the trace."""
        ...

    def finish(self, status: str, *, by: str = "agent") -> None:
        """Writes the result into the manifest."""
        ...
