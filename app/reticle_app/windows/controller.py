"""What the window's buttons mean: captures, groundings, runs, and the life of the model process."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from PIL import Image
from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication, QImage, QScreen

from reticle_agent.seams import Frame, Screen
from reticle_app.background import Background, MainThread
from reticle_app.models.entries import OWN_NAME
from reticle_app.overlay import Desk, physical_rect
from reticle_app.remote import ModelEndedError, RemoteGrounder, RemoteObservation
from reticle_app.runner import Runner
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.canvas import to_qimage
from reticle_grounding.assets import EMBEDDED_NAME
from reticle_grounding.errors import Cancelled, ReticleError
from reticle_grounding.geometry import Rect
from reticle_grounding.types import Grounding, ScreenElement

from .chooser import Chooser
from .main import MainWindow
from .pill import RunPill
from .run_view import RunView

T = TypeVar("T")
STILL_OPENING = QT_TR_NOOP("The model is still opening")


class Controller(QObject):
    """Connects one window with one model process, one runner and the desk. Lives on the window's thread."""

    def __init__(
        self,
        window: MainWindow,
        grounder: RemoteGrounder,
        runner: Runner,
        desk: Desk,
        main: MainThread,
        open_screen: Callable[[], Screen],
        open_picture: Callable[[Path], Image.Image],
        top_k: int = 5,
        desk_keys: bool = True,
    ) -> None:
        super().__init__(window)
        self._window, self._grounder, self._runner, self._desk = window, grounder, runner, desk
        self._main, self._background = main, Background(main, "model")
        self._open_screen, self._open_picture, self.top_k = open_screen, open_picture, top_k
        self._screen: Screen | None = None
        self._tickets = itertools.count(1)
        self._ticket = 0
        """Number of the newest request; answers to older ones are dropped."""
        self._busy = self._model_ready = self._model_lost = self._closing = False
        self._at_end: list[Callable[[], None]] = []
        self._image: Image.Image | None = None
        self._observation: tuple[Image.Image, RemoteObservation] | None = None
        self._pill = RunPill(window.theme)
        self._chooser = Chooser(window, desk, runner.approver, self._pill, desk_keys)
        desk.add_small_window(self._pill)
        self._runs = RunView(window, self._chooser, desk, runner, self._pill, self._framed, self._ended)
        self._connect()
        grounder.on_end = lambda text: main.post(lambda: self._model_ended(text))
        runner.approver.attach()
        self.load_model()

    @property
    def busy(self) -> bool:
        return self._busy

    @property
    def grounding(self) -> Grounding | None:
        """The answer shown now."""
        return self._chooser.grounding

    @property
    def chosen(self) -> int | None:
        return self._chooser.chosen

    @property
    def chooser(self) -> Chooser:
        return self._chooser

    @property
    def runs(self) -> RunView:
        return self._runs

    @property
    def image(self) -> Image.Image | None:
        """The picture shown now."""
        return self._image

    def at_end(self, act: Callable[[], None]) -> None:
        """``act`` is called once the model process is closed, before the application ends."""
        self._at_end.append(act)

    # --- the model process ---

    def load_model(self) -> None:
        """Starts the model process unless it runs."""
        self._window.footer.set_model("loading", tr("Loading the model…"))
        self._background.submit(self._grounder.start, self._model_loaded, self._model_failed)

    def restart_model(self) -> None:
        self._window.banner.hide()
        self._window.footer.set_model("loading", tr("Restarting the model…"))
        self._background.submit(self._grounder.restart, self._model_loaded, self._model_failed)

    def use_model(self, model: str, then: Callable[[], None], failed: Callable[[ReticleError], None]) -> None:
        """Opens another model (a folder, empty for the embedded one) and tells how it went."""

        def loaded(name: str) -> None:
            self._model_loaded(name)
            then()

        def broke(error: ReticleError) -> None:
            self._model_failed(error)
            failed(error)

        self._window.banner.hide()
        self._model_ready = False
        self._refresh()
        again = model == self._grounder.model_dir
        words = tr("Opening the model again…") if again else tr("Opening another model…")
        self._window.footer.set_model("loading", words)
        self._grounder.use(model)
        self._background.submit(self._grounder.restart, loaded, broke)

    def _model_loaded(self, name: str) -> None:
        self._model_ready, self._model_lost = True, False
        if self._window.banner.title.text() == tr(STILL_OPENING):
            self._window.banner.hide()
        shown = tr(OWN_NAME) if name == EMBEDDED_NAME else name  # as the models window calls it
        self._window.footer.set_model("ready", tr("{name} ready").format(name=shown))
        self._refresh()

    def _model_failed(self, error: ReticleError) -> None:
        if not isinstance(error, Cancelled):
            self._model_ended(str(error))

    def _model_ended(self, text: str) -> None:
        self._model_ready, self._model_lost = False, True
        self._set_busy(False)
        self._window.footer.set_model("ended", tr("Model not running"))
        title = tr("The model is not running")
        self._window.banner.tell("bad", title, text[:1].upper() + text[1:] + ".", tr("Restart the model"))

    # --- pictures ---

    def capture(self, screen: QScreen | None, words: str = "") -> None:
        """Takes a picture of a screen (None: the one the window is on) with the own windows hidden.

        ``words`` are looked for on it as soon as it is there.
        """
        area = physical_rect(screen or self._window.screen() or QGuiApplication.primaryScreen())

        def then(captured: tuple[Frame, QImage]) -> None:
            self._captured(captured)
            if words:
                self.find(words)

        self._begin(lambda: self._capture(area), then)

    def _capture(self, area: Rect) -> tuple[Frame, QImage]:
        if self._screen is None:
            self._screen = self._open_screen()

        def common(rect: Rect) -> float:
            cut = rect.intersection(area)
            return cut.area if cut else 0.0

        display = max(self._screen.displays(), key=lambda d: common(d.physical))
        with self._desk.hidden_for_capture():
            frame = self._screen.capture(display.id)
        return frame, to_qimage(frame.image)

    def _captured(self, captured: tuple[Frame, QImage]) -> None:
        frame, shown = captured
        self._set_picture(frame.image, shown, frame)

    def open_file(self, path: Path) -> None:
        def read() -> tuple[Image.Image, QImage]:
            image = self._open_picture(path)
            return image, to_qimage(image)

        self._begin(read, lambda pair: self._set_picture(*pair, None))

    def take_picture(self, picture: QImage) -> None:
        """A pasted or dropped picture."""
        if self._kept_for_the_run():
            return
        rgb = picture.convertToFormat(QImage.Format.Format_RGB888)
        if rgb.isNull():
            self._say_error(ReticleError(tr("the picture in the clipboard cannot be read")))
            return
        raw = bytes(rgb.constBits())
        size = (rgb.width(), rgb.height())
        image = Image.frombuffer("RGB", size, raw, "raw", "RGB", rgb.bytesPerLine(), 1)
        self._set_picture(image, rgb, None)

    def _set_picture(self, image: Image.Image, shown: QImage, frame: Frame | None) -> None:
        self._image = image
        self._chooser.clear(frame)
        self._window.banner.hide()
        self._window.show_picture(shown)
        self._window.header.field.setFocus()
        self._refresh()

    # --- grounding ---

    def find(self, words: str) -> None:
        """Grounds the words on the present picture; where there is none, on one of this screen that is taken now."""
        image = self._image
        if not words:
            self._window.banner.tell("info", tr("Say what to look for"), tr("For example: the Save button"))
        elif image is None:
            self._window.banner.hide()
            self.capture(None, words)
        else:
            self._window.banner.hide()
            self._window.side.wait()
            self._begin(lambda: self._ground(image, words), self._grounded)

    def _ground(self, image: Image.Image, words: str) -> Grounding:
        return self._observed(image).ground(words, self.top_k)

    def _observed(self, image: Image.Image) -> RemoteObservation:
        if self._observation is None or self._observation[0] is not image:
            self._observation = None
            self._observation = (image, self._grounder.observe(image))
        return self._observation[1]

    def show_elements(self, on: bool) -> None:
        """Numbers everything that was parsed on the present picture, or takes the numbers away; also during a run."""
        image = self._image
        self._chooser.show_elements(())
        if not on or image is None:
            return

        def number(elements: Sequence[ScreenElement]) -> None:
            if image is self._image and self._window.footer.elements.isChecked():
                self._chooser.show_elements([element.rect for element in elements])

        self._background.submit(lambda: self._observed(image).elements(), number, self._say_error)

    def _grounded(self, grounding: Grounding) -> None:
        self._chooser.show(grounding, 0 if grounding.best else None)
        if not grounding.found:
            self._tell_not_found(grounding)
        self._window.canvas.setFocus()

    def _tell_not_found(self, grounding: Grounding) -> None:
        best = max((c.p_true for c in grounding.candidates), default=0.0)
        self._window.banner.tell(
            "warn",
            tr("Not found on this screen"),
            tr(
                "The likeliest place has {best}; at least {needed} is needed. Try other words, or capture again."
            ).format(best=f"{best:.0%}", needed=f"{grounding.threshold:.0%}"),
        )

    def _not_yet(self) -> None:
        """Enter was pressed while nothing can be asked; where a press of a button leads out of that, it is told."""
        if not self._model_ready and not self._model_lost:
            self._window.banner.tell("info", tr(STILL_OPENING), tr("Press Enter again once the dot below is green."))

    def choose(self, index: int) -> None:
        """The person points at another candidate."""
        self._chooser.choose(index)

    # --- runs ---

    def run(self, words: str) -> None:
        """Carries out the words on the live desktop."""
        if not words:
            self._window.banner.tell(
                "info", tr("Say what to do"), tr("For example: open the File menu, then click Save")
            )
            return
        self._window.banner.hide()
        self._runs.begin(words)
        self._refresh()

    def stop(self) -> None:
        """Ends the run and whatever is computed."""
        self._runner.stop()
        if self._busy:
            self._ticket = next(self._tickets)
            self._grounder.cancel()
            self._set_busy(False)
            self._window.banner.tell("info", tr("Stopped"))

    def _framed(self, frame: Frame, shown: QImage) -> None:
        self._image = frame.image
        self._chooser.clear(frame)
        self._window.show_picture(shown)

    def escape(self) -> None:
        """Refuses what is asked or announced; where nothing is, stops."""
        if self._chooser.request is not None:
            self._runs.refuse()
        else:
            self.stop()

    def _ended(self) -> None:
        self._refresh()
        if self._closing:
            self._finish()

    # --- one request at a time ---

    def _begin(self, work: Callable[[], T], then: Callable[[T], None]) -> None:
        """Runs ``work`` off the window's thread; a newer request or a stop makes its answer unwanted."""
        if self._kept_for_the_run():
            return
        ticket = self._ticket = next(self._tickets)

        def done(result: T) -> None:
            if ticket == self._ticket:
                self._set_busy(False)
                then(result)

        def failed(error: ReticleError) -> None:
            if ticket == self._ticket:
                self._set_busy(False)
                self._say_error(error)

        self._set_busy(True)
        self._background.submit(work, done, failed)

    def _kept_for_the_run(self) -> bool:
        """During a run the canvas shows what is asked about; another picture there would be approved unseen."""
        if self._runner.running:
            self._window.banner.tell("info", tr("A run is in progress"), tr("Stop it first, or wait for its end."))
        return self._runner.running

    def _say_error(self, error: ReticleError) -> None:
        if isinstance(error, ModelEndedError):
            self._model_ended(str(error))
        elif not isinstance(error, Cancelled):
            text = str(error)
            self._window.banner.tell("bad", tr("That did not work"), text[:1].upper() + text[1:])

    def _set_busy(self, busy: bool) -> None:
        self._busy = busy
        if not busy:
            self._window.side.rest()
        self._refresh()

    def _refresh(self) -> None:
        busy, running = self._busy, self._runner.running
        self._window.busy.set_busy(busy or running)
        self._window.header.set_state(
            can_find=self._model_ready and not busy and not running,
            can_run=self._model_ready and not busy and not running,
            can_stop=busy or running,
        )

    # --- beginning and end ---

    def _connect(self) -> None:
        window, header = self._window, self._window.header
        header.capture_asked.connect(self.capture)
        header.find_asked.connect(self.find)
        header.run_asked.connect(self.run)
        header.stop_asked.connect(self.stop)
        header.asked_in_vain.connect(self._not_yet)
        self._pill.stop_asked.connect(self.stop)
        self._pill.hold_asked.connect(self._chooser.hold)
        self._chooser.refused.connect(self.escape)
        window.escape_pressed.connect(self.escape)
        window.nudge_asked.connect(self._chooser.nudge)
        window.activated.connect(self._chooser.window_activated)
        window.footer.everything_changed.connect(self._chooser.show_everything)
        window.footer.elements_changed.connect(self.show_elements)
        window.footer.trail_changed.connect(self._chooser.show_trail)
        window.file_chosen.connect(self.open_file)
        window.picture_given.connect(self.take_picture)
        window.candidate_chosen.connect(self.choose)
        window.banner.action.connect(self.restart_model)
        window.closing.connect(self._close)
        window.moved.connect(self._desk.refresh)

    def _close(self) -> None:
        """Stop, join, then destroy: the window only closes once the agent thread has ended."""
        self._closing = self._runs.closing = True
        self._runner.approver.detach()
        if self._runner.running:
            self._window.may_close = False
            self._runner.stop()
            self._grounder.cancel()
            return
        self._window.may_close = True
        self._shut_down()

    def _finish(self) -> None:
        self._window.may_close = True
        self._window.close()

    def _shut_down(self) -> None:
        self._ticket = next(self._tickets)
        self._chooser.close()
        self._grounder.close()
        for act in self._at_end:
            act()
        self._background.close()
        self._desk.close()
        self._pill.close()
        self._pill.deleteLater()
        self._main.close()
