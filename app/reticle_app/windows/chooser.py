"""Which candidate is chosen, where its point was moved to, and what else is drawn; picture and desktop alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal

from reticle_agent.locate import aim, capture_point, moved
from reticle_agent.seams import Approval, ApprovalRequest, Frame
from reticle_app.desk_keys import ARROWS, DeskKeys
from reticle_app.overlay import Desk
from reticle_app.relayed import description_of
from reticle_app.runner import WindowApprover
from reticle_grounding.geometry import Point, Rect, Space
from reticle_grounding.types import Grounding

from .main import MainWindow
from .pill import RunPill

TICK_MS = 250


class Chooser(QObject):
    """Lives on the window's thread. Keys reach it from the window and, while something waits, from the desktop."""

    refused = Signal()

    def __init__(
        self, window: MainWindow, desk: Desk, approver: WindowApprover, pill: RunPill, desk_keys: bool = True
    ) -> None:
        super().__init__(window)
        self._window, self._desk, self._approver, self._pill = window, desk, approver, pill
        self.grounding: Grounding | None = None
        """The answer on show, with the person's own point where one was given."""
        self.chosen: int | None = None
        self.frame: Frame | None = None
        """The capture it is about; None for a picture from elsewhere."""
        self.request: ApprovalRequest | None = None
        """What is asked about or announced."""
        self._live = False
        self._nudged: Point | None = None
        self._given: Grounding | None = None
        """The answer as it came, without the person's point."""
        self._trail: list[Point] = []
        self._trail_on = False
        self._left_s = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        self._may_listen = desk_keys
        self.keys = DeskKeys(self)
        self.keys.pressed.connect(self._desk_key)

    # --- what is on show ---

    def clear(self, frame: Frame | None = None) -> None:
        """A new picture: nothing is found on it yet."""
        self.grounding, self._given, self.chosen, self._nudged, self.frame = None, None, None, None, frame
        self._window.footer.elements.setChecked(False)
        self._desk.clear()

    def show(self, grounding: Grounding, chosen: int | None, live: bool = False) -> None:
        """Shows an answer in the window and, where ``live``, over the desktop."""
        self.grounding, self._given, self.chosen, self._nudged, self._live = grounding, grounding, chosen, None, live
        self._window.show_grounding(grounding, chosen)
        self._redraw()
        self._draw_trail()

    def choose(self, index: int) -> None:
        """The person points at another candidate; a countdown becomes a question."""
        if self.grounding is None or not 0 <= index < len(self.grounding.candidates):
            return
        self.hold()
        if self._given is not None and self._nudged is not None:
            self.grounding, self._nudged = self._given, None
            self._window.canvas.move_candidates(self._given)
        self.chosen = index
        self._window.choose(index)
        self._redraw()

    def nudge(self, dx: int, dy: int, by_patch: bool = False) -> None:
        """Moves the chosen point by a pixel of the capture, or by a patch of the model; it stays on the picture."""
        grounding, index = self.grounding, self.chosen
        if grounding is None or index is None:
            return
        self.hold()
        step_x = step_y = 1.0
        if by_patch:
            patch = grounding.transform.rect(Rect(0, 0, 1, 1), Space.PATCH, Space.CAPTURE)
            step_x, step_y = patch.width, patch.height
        at, size = grounding.candidates[index].point, grounding.image_size
        point = Point(
            min(max(at.x + dx * step_x, 0.5), size.width - 0.5), min(max(at.y + dy * step_y, 0.5), size.height - 0.5)
        )
        candidates = list(grounding.candidates)
        candidates[index] = moved(candidates[index], point)
        self.grounding, self._nudged = replace(grounding, candidates=tuple(candidates)), point
        self._window.canvas.move_candidates(self.grounding)
        self._redraw()

    def show_everything(self, on: bool) -> None:
        """Whether candidates of a few percent are drawn, too."""
        self._window.canvas.set_everything(on)
        self._desk.show_everything(on)

    def show_elements(self, elements: Sequence[Rect]) -> None:
        """Numbers elements (capture pixels) on the picture and, during a question, on the desktop."""
        self._window.canvas.set_elements(elements)
        if self._live:
            self._desk.show_elements(elements)

    # --- the trail of past steps ---

    def begin_trail(self) -> None:
        self._trail.clear()
        self._draw_trail()

    def extend_trail(self) -> None:
        """The chosen place of the step that was just done joins the trail (device pixels of the desktop)."""
        if self.grounding is not None and self.chosen is not None and self.frame is not None:
            x, y = aim(self.frame, self.grounding.candidates[self.chosen])
            self._trail.append(Point(x + 0.5, y + 0.5))
            self._draw_trail()

    def show_trail(self, on: bool) -> None:
        self._trail_on = on
        self._draw_trail()

    def _draw_trail(self) -> None:
        trail = self._trail if self._trail_on else []
        self._desk.show_trail(trail)
        frame = self.frame
        on_picture = [] if frame is None else [capture_point(frame, at.pixel()) for at in trail]
        self._window.canvas.set_trail(on_picture)

    # --- questions and countdowns ---

    def ask(self, request: ApprovalRequest) -> None:
        """A question is open: the desktop's keys are listened to. A choice made during its countdown stays."""
        taken_over = request is self.request
        self._stop_counting()
        self.request = request
        if request.grounding is not None and not taken_over:
            self.show(request.grounding, request.chosen, live=request.frame is not None)
        self._listen()

    def announce(self, request: ApprovalRequest, seconds: float) -> None:
        """Counts down on the desktop and on the pill."""
        self.request = request
        if request.grounding is not None:
            self._left_s = seconds
            self._timer.start()
            self.show(request.grounding, request.chosen, live=request.frame is not None)
            self._pill.count(description_of(request), seconds)
        self._listen()

    def hold(self) -> None:
        """Makes a question of what is counted down."""
        if self._timer.isActive():
            self._stop_counting()
            self._approver.hold()

    def done(self) -> None:
        """Nothing waits any more."""
        self._stop_counting()
        self.request = None
        self.keys.rest()

    def answer(self) -> Approval:
        """The approval of what is chosen now."""
        if self.request is None or self.request.grounding is None:
            return Approval(decision="allow", source="user")
        return Approval(decision="allow", source="user", chosen=self.chosen, point=self._nudged)

    def close(self) -> None:
        self._stop_counting()
        self.keys.rest()

    def _tick(self) -> None:
        self._left_s = max(0.0, self._left_s - TICK_MS / 1000)
        if self.request is not None:
            self._pill.count(description_of(self.request), self._left_s)
        self._redraw()

    def _stop_counting(self) -> None:
        self._timer.stop()
        self._pill.stop_counting()

    def _redraw(self) -> None:
        if self._live and self.frame is not None and self.grounding is not None:
            waits_s = float(-(-self._left_s // 1)) if self._timer.isActive() else None
            self._desk.show_candidates(self.frame, self.grounding, self.chosen, waits_s)

    # --- keys ---

    def _listen(self) -> None:
        """Not while the own window has the keyboard: there the keys arrive anyway, and digits may be text."""
        if self._may_listen and self.request is not None and not self._window.isActiveWindow():
            self.keys.listen()

    def window_activated(self, active: bool) -> None:
        if active:
            self.keys.rest()
        else:
            self._listen()

    def _desk_key(self, name: str, shift: bool) -> None:
        if self.request is None:
            return
        if name in ARROWS:
            self.nudge(*ARROWS[name], by_patch=shift)
        elif name == "Escape":
            self.refused.emit()
        else:
            self.choose(int(name) - 1)
