"""What the buttons of the first steps mean. Desktop, model and disk are used off the window's thread."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from PIL import Image
from pydantic import AwareDatetime, BaseModel, ConfigDict
from PySide6.QtCore import QCoreApplication, QEventLoop, QObject
from PySide6.QtGui import QGuiApplication, QImage

from reticle_agent.doctor import Check, model_check
from reticle_app.background import Background, MainThread
from reticle_app.calibration import Calibration, Measuring, keep_calibration, load_calibration
from reticle_app.checking import DesktopChecks
from reticle_app.kept import read_kept, write_kept
from reticle_app.overlay import Desk, physical_rect
from reticle_app.remote import RemoteGrounder, RemoteObservation
from reticle_app.resources import sample_picture
from reticle_app.runner import Mode
from reticle_app.translations import tr
from reticle_app.widgets.canvas import to_qimage
from reticle_grounding.errors import BadInput, Cancelled, ReticleError
from reticle_grounding.types import Grounding

from .header import HeaderBar
from .targets import ScreenTargets
from .welcome import PAGES, WelcomeWindow

TOP_K = 5
TOUR = len(PAGES) - 1
END_S = 5.0
"""How long what is tried on the desktop gets to end when the application does."""


class Started(BaseModel):
    """The mark that the first steps were shown by themselves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    when: AwareDatetime


def is_first_start(folder: Path) -> bool:
    """Whether the first steps have not been shown yet, as the data folder tells."""
    return read_kept(started_path(folder), Started) is None


def mark_started(folder: Path) -> None:
    """From now on it is not the first start. Raises BadInput when that cannot be written."""
    write_kept(started_path(folder), Started(when=datetime.now(timezone.utc)))


def started_path(folder: Path) -> Path:
    return folder / "started.json"


class Welcoming(QObject):
    """Connects the first steps with desktop, model and settings. Lives on the window's thread.

    Args:
        header: of the main window, where the mode of runs is chosen and kept.
        data: folder of what the application keeps for itself.
        occupied: why desktop and model cannot be used now; empty when they can.
    """

    def __init__(
        self,
        window: WelcomeWindow,
        grounder: RemoteGrounder,
        main: MainThread,
        desk: Desk,
        header: HeaderBar,
        data: Path,
        occupied: Callable[[], str],
    ) -> None:
        super().__init__(window)
        self._window, self._grounder, self._main, self._desk = window, grounder, main, desk
        self._header, self._data, self._occupied = header, data, occupied
        self._desktop, self._model = Background(main, "first-steps"), Background(main, "tour")
        self._checks: DesktopChecks | None = None
        self._measuring: Measuring | None = None
        self._held: tuple[Image.Image, RemoteObservation] | None = None
        """The bundled picture in the model process; used on the tour's thread alone."""
        self._picture_shown = False
        self._closed = False
        self._connect()
        window.permissions.select_mode(header.selected_mode)
        self._desktop.submit(lambda: load_calibration(data), self._show_calibration, self._lost)

    @property
    def busy(self) -> bool:
        """Whether the desktop is being used."""
        return self._checks is not None or self._measuring is not None

    # --- checks ---

    def check(self) -> None:
        """Tries everything once, in a process of its own."""
        if self._is_busy():
            return
        try:
            checks = self._checks = DesktopChecks(self._desk.hidden_for_capture)
        except OSError as error:
            self._complain(ReticleError(tr("the check cannot be started: {error}").format(error=error)))
            return
        page = self._window.checks
        page.begin()

        def work() -> Check:
            for found in checks.findings():
                self._main.post(lambda found=found: page.show_finding(found))  # type: ignore[misc]
            return model_check(self._opened)

        def then(model: Check) -> None:
            self._checks = None
            page.show_finding(model)
            page.finish()
            self._window.permissions.show_findings(page.findings)

        def failed(error: ReticleError) -> None:
            self._checks = None
            page.finish(str(error))
            self._window.permissions.show_findings(page.findings)

        self._desktop.submit(work, then, failed)

    def _opened(self) -> RemoteGrounder:
        self._grounder.start()
        return self._grounder

    # --- pointer ---

    def calibrate(self) -> None:
        """Clicks targets on every monitor."""
        if self._is_busy():
            return
        page = self._window.pointer
        try:
            measuring = self._measuring = Measuring(ScreenTargets(self._main))
        except OSError as error:
            self._complain(ReticleError(tr("the measurement cannot be started: {error}").format(error=error)))
            return
        page.begin()

        def tell(done: int, total: int) -> None:
            self._main.post(lambda: page.show_progress(done, total))

        def work() -> Calibration:
            done = measuring.run(tell)
            keep_calibration(self._data, done)
            return done

        def then(done: Calibration) -> None:
            self._measuring = None
            self._show_calibration(done)

        def failed(error: ReticleError) -> None:
            self._measuring = None
            page.fail(str(error))

        self._desktop.submit(work, then, failed)

    def stop_calibrating(self) -> None:
        if self._measuring is not None:
            self._measuring.stop()

    def _show_calibration(self, done: Calibration | None) -> None:
        areas = [physical_rect(screen).as_tuple() for screen in QGuiApplication.screens()]
        self._window.pointer.show_result(done, done is None or done.fits(areas))

    def save_report(self, path: Path) -> None:
        """Writes the shown measurement as text."""
        done = self._window.pointer.done
        if done is None:
            return

        def write() -> None:
            try:
                path.write_text("\n".join(done.report()) + "\n", encoding="utf-8")
            except OSError as error:
                raise BadInput(f"cannot write {path}: {error.strerror}") from error

        def then(_: None) -> None:
            self._window.banner.tell("good", tr("Report written"), str(path))

        self._desktop.submit(write, then, self._complain)

    # --- tour ---

    def enter(self, page: int) -> None:
        """A page is shown; the tour gets its picture."""
        self._window.permissions.select_mode(self._header.selected_mode)
        if page == TOUR and not self._picture_shown:
            self._picture_shown = True

            def read() -> QImage:
                return to_qimage(sample_picture())

            self._desktop.submit(read, self._window.tour.show_picture, self._lost)

    def ask(self, words: str) -> None:
        """Grounds words on the bundled picture; nothing is sent anywhere and nothing is clicked."""
        if why := self._occupied():
            self._window.banner.tell("info", tr("The model is busy"), why)
            return
        self._window.banner.hide()
        page = self._window.tour
        page.wait(words, not self._grounder.name)

        def work() -> Grounding:
            if self._held is None:
                image = sample_picture()
                self._held = (image, self._grounder.observe(image))
            return self._held[1].ground(words, TOP_K)

        def failed(error: ReticleError) -> None:
            page.fail(tr("stopped") if isinstance(error, Cancelled) else str(error))

        self._model.submit(work, page.show_answer, failed)

    # --- plumbing ---

    def _is_busy(self) -> bool:
        why = tr("Something is being tried on the desktop already.") if self.busy else self._occupied()
        if not why and os.name != "posix":
            why = tr("This needs X11.")
        if why:
            self._window.banner.tell("info", tr("Not now"), why)
        else:
            self._window.banner.hide()
        return bool(why)

    def _choose_mode(self, mode: Mode) -> None:
        self._header.select_mode(mode)

    def _lost(self, error: ReticleError) -> None:
        self._complain(error)

    def _complain(self, error: ReticleError) -> None:
        if not isinstance(error, Cancelled) and not self._closed:
            text = str(error)
            self._window.banner.tell("bad", tr("That did not work"), text[:1].upper() + text[1:])

    def _connect(self) -> None:
        window = self._window
        window.checks.run_asked.connect(self.check)
        window.pointer.run_asked.connect(self.calibrate)
        window.pointer.stop_asked.connect(self.stop_calibrating)
        window.pointer.save_chosen.connect(self.save_report)
        window.permissions.mode_chosen.connect(self._choose_mode)
        window.tour.asked.connect(self.ask)
        window.page_shown.connect(self.enter)

    def close(self) -> None:
        """Ends what is under way; the model process must be closed or cancelled before."""
        self._closed = True
        if self._checks is not None:
            self._checks.end()
        if self._measuring is not None:
            self._measuring.stop()
        deadline = time.monotonic() + END_S
        while self.busy and time.monotonic() < deadline:  # they may wait for this thread to take their windows away
            QCoreApplication.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 20)
        self._desktop.close()
        self._model.close()
        self._held = None
