"""Fakes of the agent's seams and a window built from them."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw
from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from reticle_agent.actions import Click, ClickAt, Finish, Input, Step
from reticle_agent.seams import Approval, ApprovalRequest, Display, Frame, StepOutcome
from reticle_app.config import Settings
from reticle_app.gui import Parts, build
from reticle_app.preferences import Preferences
from reticle_app.remote import RemoteGrounder
from reticle_app.runner import Body, Hooks, RunEnd, RunOrder
from reticle_grounding.errors import Cancelled
from reticle_grounding.geometry import Affine, Rect, Size, Space, Transform

WORKER = (sys.executable, str(Path(__file__).parent / "demo_worker.py"))
SQUARES = {"red": (400, 140), "blue": (80, 300), "green": (520, 320), "yellow": (90, 60)}


def squares(size: tuple[int, int] = (640, 420)) -> Image.Image:
    image = Image.new("RGB", size, (245, 245, 245))
    draw = ImageDraw.Draw(image)
    for colour, (x, y) in SQUARES.items():
        draw.rectangle((x, y, x + 55, y + 55), fill=colour)
    return image


def frame_of(image: Image.Image, scale: float = 1.0, origin: tuple[int, int] = (0, 0)) -> Frame:
    width, height = image.size
    physical = Rect(origin[0], origin[1], origin[0] + width, origin[1] + height)
    logical = Rect(origin[0], origin[1], origin[0] + width / scale, origin[1] + height / scale)
    chain = Transform(
        (Space.LOGICAL, Space.PHYSICAL, Space.CAPTURE),
        (Affine.mapping(logical, physical), Affine.mapping(physical, Rect.of_size(Size(width, height)))),
    )
    return Frame(image, Display("fake-1", logical, physical, scale, primary=True), chain, time.monotonic(), "0" * 16)


class FakeScreen:
    """Shows one picture; counts captures."""

    def __init__(self, image: Image.Image) -> None:
        self.image, self.captures = image, 0

    def displays(self) -> list[Display]:
        return [frame_of(self.image).display]

    def capture(self, display_id: str | None = None) -> Frame:
        self.captures += 1
        return frame_of(self.image)


class ScriptPlanner:
    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        return self._steps[len(past)] if len(past) < len(self._steps) else Finish(True, "All steps are done")


class RecordingActuator:
    def __init__(self) -> None:
        self.inputs: list[Input] = []
        self.threads: list[str] = []

    def perform(self, action: Input) -> None:
        self.inputs.append(action)
        self.threads.append(threading.current_thread().name)

    def close(self) -> None:
        return


class FakeBody:
    """A small loop over the hooked seams: capture, ground, ask, act."""

    def __init__(self, grounder: RemoteGrounder, screen: FakeScreen, steps: Sequence[Step]) -> None:
        self._grounder, self._screen, self._steps = grounder, screen, steps
        self.actuator = RecordingActuator()
        self.answers: list[Approval] = []

    def __call__(self, order: RunOrder, hooks: Hooks) -> RunEnd:
        screen, grounder = hooks.screen(self._screen), hooks.grounder(self._grounder)
        planner, actuator = hooks.planner(ScriptPlanner(self._steps)), hooks.actuator(self.actuator)
        past: list[StepOutcome] = []
        while not isinstance(step := planner.next(order.task, past), Finish):
            assert isinstance(step, Click)
            frame = screen.capture()
            grounding = grounder.observe(frame.image).ground(step.target)
            past.append(self._do(step, frame, grounding, order, hooks, actuator))
        return RunEnd("done", step.message)

    def _do(self, step, frame, grounding, order, hooks, actuator) -> StepOutcome:
        if not grounding.found:
            return StepOutcome(step, "not_found")
        chosen = 0
        if order.mode == "confirm":
            request = ApprovalRequest(step, f"Click {step.target}", frame, grounding, 0, "every step is confirmed")
            answer = hooks.approver.decide(request)
            self.answers.append(answer)
            if answer.decision == "stop":
                raise Cancelled("stopped by you")
            if answer.decision != "allow":
                return StepOutcome(step, "refused", f"by {answer.source}")
            chosen = answer.chosen or 0
        if order.mode != "dry-run":
            at = frame.transform.point(grounding.candidates[chosen].point, Space.CAPTURE, Space.PHYSICAL)
            actuator.perform(ClickAt(at.pixel()))
        return StepOutcome(step, "done")


def spin(seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
    """Lets the event loop run for so long, or until ``until`` holds; returns whether it does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not until():
        loop = QEventLoop()
        QTimer.singleShot(20, loop.quit)
        loop.exec()
    return until()


def to_front(window: QWidget, seconds: float = 5) -> None:
    """Shortcuts are heard by the window in front alone, and a window manager takes its time."""
    window.activateWindow()
    assert spin(seconds, window.isActiveWindow), "the window does not come to the front"


MakeWindow = Callable[..., tuple[Parts, FakeBody]]
"""The fixture ``make_window``."""


def build_fake(
    app: QApplication,
    image: Image.Image | None = None,
    steps: Sequence[Step] = (),
    settings: Settings | None = None,
    body: Body | None = None,
    preferences: Preferences | None = None,
) -> tuple[Parts, FakeBody]:
    """A complete window over the demo model process and fake agent parts."""
    screen = FakeScreen(image or squares())
    grounder = RemoteGrounder(command=WORKER)
    fake = FakeBody(grounder, screen, steps)
    settings = settings or (preferences.current if preferences else Settings(theme="light", language="en"))
    parts = build(app, settings, grounder, body or fake, lambda desk: screen, preferences)
    return parts, fake
