"""One agent thread per run, and the only bridge between it and the window.

The thread runs a *body*: ordinary synchronous code that calls the loop. What the loop sees, plans and asks passes
through :class:`Hooks`, which copy it to the window as queued signals. Closing the window stops the run first.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from PIL import Image
from PySide6.QtCore import QObject, Qt, Signal, Slot

from reticle_agent.actions import Input, Step
from reticle_agent.seams import (
    Actuator,
    Approval,
    ApprovalRequest,
    Display,
    Frame,
    Grounder,
    Observation,
    Planner,
    Screen,
    StepOutcome,
)
from reticle_grounding.errors import Cancelled, ReticleError
from reticle_grounding.types import Grounding

from .widgets.canvas import to_qimage

Mode = Literal["dry-run", "confirm", "auto"]
DENY = Approval(decision="deny", source="none")
APPROVAL_S = 300.0
"""An unanswered request is refused after this many seconds."""


@dataclass(frozen=True, slots=True)
class RunOrder:
    """What the person started."""

    task: str
    mode: Mode


@dataclass(frozen=True, slots=True)
class RunEnd:
    """How it ended; ``status`` is that of the trace's result."""

    status: str
    message: str = ""
    trace: Path | None = None


class Bridge(QObject):
    """The signals of a run; emitted on the agent thread, received on the window's."""

    framed = Signal(object, object)
    """Frame and the QImage of it (made here, off the window's thread): a new capture."""
    grounded = Signal(object)
    """Grounding: the answer on the last capture."""
    planned = Signal(object, object)
    """The next Step (None while it is being planned), and the StepOutcomes so far."""
    asked = Signal(object)
    """ApprovalRequest: waits for an answer."""
    announced = Signal(object, float)
    """ApprovalRequest that is carried out after so many seconds unless the person objects."""
    question = Signal(str)
    unasked = Signal()
    """The pending request is no longer waiting (answered, timed out, stopped)."""
    ended = Signal(object)
    """RunEnd."""


class WindowApprover:
    """Asks the window and blocks the agent thread. No window, no answer or a stop means a refusal."""

    def __init__(self, bridge: Bridge, timeout_s: float = APPROVAL_S) -> None:
        self._bridge, self._timeout_s = bridge, timeout_s
        self._lock = threading.Condition()
        self._attached = False
        self._waiting = False
        self._held = False
        self._approval: Approval | None = None
        self._words: str | None = None

    def attach(self) -> None:
        """A window is there and shows what is asked."""
        with self._lock:
            self._attached = True

    def detach(self) -> None:
        """The window is gone: the pending request and every later one is refused."""
        with self._lock:
            self._attached = False
            self._lock.notify_all()

    def decide(self, request: ApprovalRequest) -> Approval:
        if not self._open():
            return DENY
        self._bridge.asked.emit(request)
        self._wait(lambda: self._approval is not None)
        with self._lock:
            answer, self._waiting = self._approval, False
        self._bridge.unasked.emit()
        return answer or DENY

    def announce(self, request: ApprovalRequest, seconds: float) -> Approval:
        """Shows what will be done; silence lets it happen. :meth:`hold` makes a question of it."""
        if not self._open():
            return DENY
        self._bridge.announced.emit(request, seconds)
        with self._lock:
            self._lock.wait_for(lambda: self._approval is not None or self._held or not self._attached, seconds)
            held, attached = self._held, self._attached
            if not held and self._approval is None:
                self._waiting = False
        if held:
            self._bridge.asked.emit(request)
            self._wait(lambda: self._approval is not None)
        with self._lock:
            answer, self._waiting = self._approval, False
        self._bridge.unasked.emit()
        if answer is None and attached and not held:
            return Approval("allow", "policy", request.chosen)
        return answer or DENY

    def hold(self) -> None:
        """Stops a countdown: what was announced is now asked about. Ignored when nothing is announced."""
        with self._lock:
            if self._waiting:
                self._held = True
                self._lock.notify_all()

    def answer(self, question: str) -> str | None:
        """The person's words, None without any. Raises Cancelled after a stop."""
        if not self._open():
            return None
        self._bridge.question.emit(question)
        self._wait(lambda: self._words is not None or self._approval is not None)
        with self._lock:
            words, approval, self._waiting = self._words, self._approval, False
        self._bridge.unasked.emit()
        if approval is not None and approval.decision == "stop":
            raise Cancelled("stopped by you")
        return words

    def reply(self, approval: Approval) -> None:
        """The person's decision; ignored when nothing is asked."""
        with self._lock:
            if self._waiting and self._approval is None:
                self._approval = approval
                self._lock.notify_all()

    def reply_words(self, words: str) -> None:
        with self._lock:
            if self._waiting:
                self._words = words
                self._lock.notify_all()

    def _open(self) -> bool:
        with self._lock:
            self._approval, self._words, self._held = None, None, False
            self._waiting = self._attached
            return self._attached

    def _wait(self, answered: Callable[[], bool]) -> None:
        with self._lock:
            self._lock.wait_for(lambda: answered() or not self._attached, self._timeout_s)


class Hooks:
    """What a body builds its parts with, so that the window sees what the loop sees."""

    def __init__(
        self, bridge: Bridge, approver: WindowApprover, hidden: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self.approver = approver
        self.stopping = threading.Event()
        """Set when the person asked to stop."""
        self._bridge, self._hidden = bridge, hidden
        self._on_stop: list[Callable[[], None]] = []

    def on_stop(self, act: Callable[[], None]) -> None:
        """``act`` is called (from the window's thread, must not block) when the person stops the run."""
        self._on_stop.append(act)
        if self.stopping.is_set():
            act()

    def stop(self) -> None:
        if not self.stopping.is_set():
            self.stopping.set()
            for act in self._on_stop:
                act()

    def screen(self, inner: Screen) -> Screen:
        return _WatchedScreen(inner, self._bridge, self._hidden, self.stopping)

    def grounder(self, inner: Grounder) -> Grounder:
        return _WatchedGrounder(inner, self._bridge)

    def actuator(self, inner: Actuator) -> Actuator:
        return _ClearedActuator(inner, self._hidden, self.stopping)

    def planner(self, inner: Planner) -> Planner:
        return _WatchedPlanner(inner, self._bridge)


class Body(Protocol):
    """Carries out an order with parts built through the hooks; runs on the agent thread."""

    def __call__(self, order: RunOrder, hooks: Hooks) -> RunEnd: ...


class Runner(QObject):
    """Starts and stops runs; at most one at a time."""

    def __init__(self, body: Body, hidden: Callable[[], AbstractContextManager[None]]) -> None:
        super().__init__()
        self.bridge = Bridge()
        self.approver = WindowApprover(self.bridge)
        self._body, self._hidden = body, hidden
        self._thread: threading.Thread | None = None
        self._hooks: Hooks | None = None
        self.bridge.ended.connect(self._join, Qt.ConnectionType.QueuedConnection)

    @property
    def running(self) -> bool:
        return self._thread is not None

    def start(self, order: RunOrder) -> None:
        """Begins a run. Raises ReticleError when one is running."""
        if self.running:
            raise ReticleError("a run is in progress; stop it first")
        self._hooks = Hooks(self.bridge, self.approver, self._hidden)
        self._thread = threading.Thread(target=self._run, args=(order, self._hooks), name="agent", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Asks the run to end; returns at once. A pending approval is answered with stop."""
        if self._hooks is not None:
            self._hooks.stop()
        self.approver.reply(Approval(decision="stop", source="user"))

    def wait(self, timeout_s: float) -> bool:
        """Waits for the thread without the window's event loop; True when it has ended."""
        thread, until = self._thread, time.monotonic() + timeout_s
        if thread is not None:
            thread.join(max(0.0, until - time.monotonic()))
        return thread is None or not thread.is_alive()

    def _run(self, order: RunOrder, hooks: Hooks) -> None:
        try:
            end = self._body(order, hooks)
        except Cancelled as error:
            end = RunEnd("stopped", str(error))
        except ReticleError as error:
            end = RunEnd("failed", str(error))
        except Exception as error:  # the window must learn that the run is over, whatever happened
            end = RunEnd("failed", f"unexpected error, a bug in Reticle: {type(error).__name__}: {error}")
        self.bridge.ended.emit(end)

    @Slot(object)
    def _join(self, end: RunEnd) -> None:
        if self._thread is not None:
            self._thread.join()
        self._thread, self._hooks = None, None


class _WatchedScreen:
    def __init__(
        self,
        inner: Screen,
        bridge: Bridge,
        hidden: Callable[[], AbstractContextManager[None]],
        stopping: threading.Event,
    ) -> None:
        self._inner, self._bridge, self._hidden, self._stopping = inner, bridge, hidden, stopping

    def displays(self) -> list[Display]:
        return self._inner.displays()

    def capture(self, display_id: str | None = None) -> Frame:
        if self._stopping.is_set():
            raise Cancelled("stopped by you")
        with self._hidden():
            frame = self._inner.capture(display_id)
        self._bridge.framed.emit(frame, to_qimage(frame.image))
        return frame


class _WatchedObservation:
    def __init__(self, inner: Observation, bridge: Bridge) -> None:
        self._inner, self._bridge = inner, bridge

    def ground(self, instruction: str, top_k: int = 5) -> Grounding:
        grounding = self._inner.ground(instruction, top_k)
        self._bridge.grounded.emit(grounding)
        return grounding


class _WatchedGrounder:
    def __init__(self, inner: Grounder, bridge: Bridge) -> None:
        self._inner, self._bridge = inner, bridge

    @property
    def name(self) -> str:
        return self._inner.name

    def observe(self, image: Image.Image) -> Observation:
        return _WatchedObservation(self._inner.observe(image), self._bridge)


class _ClearedActuator:
    """Own windows are out of the way while an input is sent, so that it can only reach what was captured."""

    def __init__(
        self, inner: Actuator, hidden: Callable[[], AbstractContextManager[None]], stopping: threading.Event
    ) -> None:
        self._inner, self._hidden, self._stopping = inner, hidden, stopping

    def perform(self, action: Input) -> None:
        with self._hidden():
            if self._stopping.is_set():
                raise Cancelled("stopped by you")
            self._inner.perform(action)

    def close(self) -> None:
        self._inner.close()


class _WatchedPlanner:
    def __init__(self, inner: Planner, bridge: Bridge) -> None:
        self._inner, self._bridge = inner, bridge

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        self._bridge.planned.emit(None, tuple(past))
        step = self._inner.next(task, past)
        self._bridge.planned.emit(step, tuple(past))
        return step
