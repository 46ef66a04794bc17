"""What the window shows of a run and what it is asked; answers go back through the runner's approver."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QImage

from reticle_agent.actions import Step
from reticle_agent.seams import Approval, ApprovalRequest, Frame, StepOutcome
from reticle_app.overlay import Desk
from reticle_app.relayed import relayed
from reticle_app.runner import RunEnd, Runner, RunOrder
from reticle_app.translations import tr
from reticle_app.widgets.canvas import to_qimage
from reticle_grounding.types import Grounding

from .chooser import Chooser
from .main import MainWindow
from .pill import RunPill
from .progress import describe, last_status, run_banner, steps_of


class RunView(QObject):
    """Lives on the window's thread.

    Args:
        show_frame: makes a capture of the run the window's picture.
        ended: called last, once everything of the run has been shown.
    """

    def __init__(
        self,
        window: MainWindow,
        chooser: Chooser,
        desk: Desk,
        runner: Runner,
        pill: RunPill,
        show_frame: Callable[[Frame, QImage], None],
        ended: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._chooser, self._desk, self._runner, self._pill = window, chooser, desk, runner, pill
        self._show_frame, self._tell_end = show_frame, ended
        self._past = 0
        """Steps of the run that are over."""
        self.closing = False
        """The application ends; the window does not step aside any more."""
        self._connect()

    def begin(self, words: str) -> None:
        """Starts a run in the chosen mode and leaves the desktop to it."""
        self._window.side.steps.clear()
        self._window.side.steps_changed()
        self._past = 0
        self._chooser.begin_trail()
        self._runner.start(RunOrder(words, self._window.header.selected_mode))
        self._step_aside(tr("Starting…"))

    def approve(self) -> None:
        self._runner.approver.reply(self._chooser.answer())

    def refuse(self) -> None:
        self._runner.approver.reply(Approval(decision="deny", source="user"))

    def show_steps(self, step: Step | None, past: tuple[StepOutcome, ...]) -> None:
        """The rows of the step list; a step that was just done joins the trail."""
        for view in steps_of(past, step):
            self._window.side.steps.show_step(view)
        if len(past) > self._past and past[-1].status == "done":
            self._chooser.extend_trail()
        self._past = len(past)
        self._window.side.steps_changed()
        if step is not None:
            self._pill.tell(describe(step))

    def mark_step(self, asking: bool) -> None:
        """Whether the step under way waits for the person."""
        steps = self._window.side.steps.steps
        if steps and steps[-1].status in ("running", "asking"):
            self._window.side.steps.show_step(steps[-1].with_status("asking" if asking else "running"))

    def end(self, end: RunEnd) -> None:
        """Says how it ended and brings the window back."""
        self._chooser.done()
        self._desk.clear()
        self._window.side.approval.clear()
        steps = self._window.side.steps.steps
        if steps and steps[-1].status in ("running", "asking"):
            self._window.side.steps.show_step(steps[-1].with_status(last_status(end), relayed(end.message)))
        self._window.banner.tell(*run_banner(end))
        self._come_back()
        self._tell_end()

    def _grounded(self, grounding: Grounding) -> None:
        self._chooser.show(grounding, 0 if grounding.best else None, live=self._chooser.frame is not None)

    def _announced(self, request: ApprovalRequest, seconds: float) -> None:
        self._take_frame(request)
        self._chooser.announce(request, seconds)

    def _asked(self, request: ApprovalRequest) -> None:
        self._take_frame(request)
        self.mark_step(asking=True)
        self._come_back()
        self._chooser.ask(request)
        self._window.side.approval.ask(request)
        self._window.side.steps_changed()

    def _take_frame(self, request: ApprovalRequest) -> None:
        if request.frame is not None and request.frame is not self._chooser.frame:
            self._show_frame(request.frame, to_qimage(request.frame.image))

    def _asked_words(self, question: str) -> None:
        self.mark_step(asking=True)
        self._come_back()
        self._window.side.approval.ask_words(question)

    def _unasked(self) -> None:
        self._chooser.done()
        self._window.side.approval.clear()
        self.mark_step(asking=False)
        if self._runner.running and not self.closing:
            steps = self._window.side.steps.steps
            self._step_aside(steps[-1].text if steps else tr("Working…"))

    def _step_aside(self, words: str) -> None:
        """Leaves the desktop to the run: no large window is in the way, Stop stays in reach."""
        self._pill.tell(words)
        self._window.hide()
        self._pill.appear(self._window)

    def _come_back(self) -> None:
        """Shows the window again without taking the keyboard from the program that is worked on."""
        self._pill.hide()
        if not self._window.isVisible():
            place = self._window.pos()
            self._window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, True)
            self._window.show()
            self._window.move(place)
        self._window.raise_()
        self._desk.refresh()

    def _connect(self) -> None:
        bridge, approval = self._runner.bridge, self._window.side.approval
        approval.approved.connect(self.approve)
        approval.refused.connect(self.refuse)
        approval.answered.connect(self._runner.approver.reply_words)
        queued = Qt.ConnectionType.QueuedConnection
        for signal, slot in (
            (bridge.framed, self._show_frame),
            (bridge.grounded, self._grounded),
            (bridge.planned, self.show_steps),
            (bridge.asked, self._asked),
            (bridge.announced, self._announced),
            (bridge.question, self._asked_words),
            (bridge.unasked, self._unasked),
            (bridge.ended, self.end),
        ):
            signal.connect(slot, queued)
