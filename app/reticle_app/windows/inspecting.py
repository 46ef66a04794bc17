"""What the inspector's buttons mean. The model process answers; the window's thread only shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image
from PySide6.QtCore import QObject
from PySide6.QtGui import QImage, QScreen

from reticle_app.background import Background, MainThread
from reticle_app.inspection import export
from reticle_app.remote import RemoteGrounder, RemoteObservation
from reticle_app.translations import tr
from reticle_app.tuning import DEFAULT, Tuning
from reticle_app.widgets.canvas import to_qimage
from reticle_grounding.errors import Cancelled, ReticleError
from reticle_grounding.geometry import Rect
from reticle_grounding.types import Grounding, ScreenElement

from .inspector import InspectorWindow

T = TypeVar("T")
TOP_K = 9


@dataclass(frozen=True, slots=True)
class Shown:
    """The picture that is looked into."""

    image: Image.Image
    name: str


class Inspecting(QObject):
    """Connects one inspector window with the model process. Lives on the window's thread.

    Args:
        capture: takes a picture of a screen off the window's thread, own windows hidden; None is the window's screen.
        open_picture: reads a file.
    """

    def __init__(
        self,
        window: InspectorWindow,
        grounder: RemoteGrounder,
        main: MainThread,
        capture: Callable[[QScreen | None], Callable[[], Image.Image]],
        open_picture: Callable[[Path], Image.Image],
    ) -> None:
        super().__init__(window)
        self._window, self._grounder = window, grounder
        self._capture, self._open_picture = capture, open_picture
        self._background = Background(main, "inspector")
        self._shown: Shown | None = None
        self._held: dict[Tuning, RemoteObservation] = {}
        """Observations of the shown picture; used on the background thread alone."""
        self._elements: tuple[ScreenElement, ...] | None = None
        self._asking_elements = False
        self._closed = False
        self._tickets = [0, 0]
        """Newest request of either side; answers to older ones are dropped."""
        self._connect()
        self._background.submit(_prepare, lambda _: None, lambda _: None)

    @property
    def picture(self) -> Image.Image | None:
        return self._shown.image if self._shown else None

    @property
    def elements(self) -> tuple[ScreenElement, ...] | None:
        """What was parsed; None before it was asked for."""
        return self._elements

    # --- pictures ---

    def open_file(self, path: Path) -> None:
        self._load(lambda: self._open_picture(path), path.name)

    def capture(self) -> None:
        self._load(self._capture(self._window.screen()), tr("Captured just now"))

    def cut(self, region: Rect) -> None:
        """Only a part of the present picture is looked at."""
        shown = self._shown
        if shown is not None:
            box = (int(region.left), int(region.top), int(region.right), int(region.bottom))
            name = tr("{name}, part at {x}, {y}").format(name=shown.name, x=box[0], y=box[1])
            self._load(lambda: shown.image.crop(box), name)

    def take(self, picture: QImage) -> None:
        """A pasted picture."""
        rgb = picture.convertToFormat(QImage.Format.Format_RGB888)
        raw, size = bytes(rgb.constBits()), (rgb.width(), rgb.height())
        image = Image.frombuffer("RGB", size, raw, "raw", "RGB", rgb.bytesPerLine(), 1)
        self.show_image(image, tr("Pasted picture"))

    def show_image(self, image: Image.Image, name: str, words: str = "", grounding: Grounding | None = None) -> None:
        """Looks into a picture that is at hand, as it was answered when it was recorded where that is known."""
        self._load(lambda: image, name, words, grounding)

    def _load(
        self, read: Callable[[], Image.Image], name: str, words: str = "", grounding: Grounding | None = None
    ) -> None:
        def work() -> tuple[Image.Image, QImage]:
            image = read()
            return image, to_qimage(image)

        def then(pair: tuple[Image.Image, QImage]) -> None:
            self._set(pair[0], pair[1], name)
            if words:
                self._window.panes[0].words.setText(words)
            if grounding is not None:
                self._window.panes[0].show_grounding(grounding, DEFAULT)
                self._window.refresh()

        self._window.banner.hide()
        self._background.submit(work, then, self._complain)

    def _set(self, image: Image.Image, shown: QImage, name: str) -> None:
        self._shown, self._elements, self._asking_elements = Shown(image, name), None, False
        self._tickets = [n + 1 for n in self._tickets]
        self._held = {}
        self._window.show_picture(shown, f"{name}   {image.width} × {image.height}")
        for pane in self._window.panes:
            pane.set_state(picture=True, busy=False)
        self._window.panes[0].words.setFocus()
        if self._window.side.currentIndex() == self._window.side.elements_tab or self._window.numbers.isChecked():
            self.ask_elements()

    # --- questions ---

    def ask(self, side: int, words: str, tuning: Tuning) -> None:
        """Grounds words on the present picture for one side."""
        shown, pane, held = self._shown, self._window.panes[side], self._held
        if shown is None:
            return
        self._tickets[side] += 1
        ticket = self._tickets[side]

        def work() -> Grounding:
            return self._observed(held, shown, tuning).ground(words, TOP_K)

        def then(grounding: Grounding) -> None:
            if ticket == self._tickets[side]:
                pane.set_state(picture=True, busy=False)
                pane.show_grounding(grounding, tuning)
                self._window.refresh()

        def failed(error: ReticleError) -> None:
            if ticket == self._tickets[side] and not self._closed:
                pane.set_state(picture=True, busy=False)
                if not isinstance(error, Cancelled):
                    pane.fail(_sentence(error))

        pane.set_state(picture=True, busy=True)
        self._background.submit(work, then, failed)

    def ask_elements(self) -> None:
        """Parses the picture, once."""
        shown, held = self._shown, self._held
        if shown is None or self._asking_elements:
            return
        self._asking_elements = True
        self._window.side.element_hint.setText(tr("Reading the screen…"))

        def then(elements: tuple[ScreenElement, ...]) -> None:
            if shown is self._shown:
                self._elements = elements
                self._window.side.show_elements(elements)
                self.number(self._window.numbers.isChecked())

        def failed(error: ReticleError) -> None:
            if shown is self._shown and not self._closed:
                self._asking_elements = False
                self._window.side.element_hint.setText(_sentence(error))

        self._background.submit(lambda: self._observed(held, shown, DEFAULT).elements(), then, failed)

    def number(self, on: bool) -> None:
        """Numbers the elements on the picture, asking for them first where needed."""
        if on and self._elements is None:
            self.ask_elements()
        rects = [e.rect for e in self._elements or ()] if on else []
        for pane in self._window.panes:
            pane.canvas.set_elements(rects)

    def write(self, side: int, path: Path) -> None:
        """Exports the answer of one side."""
        shown, grounding = self._shown, self._window.panes[side].grounding
        if shown is None or grounding is None:
            return
        elements, heat = self._elements or (), self._window.heat.isChecked()

        def done(written: Path) -> None:
            self._window.banner.tell("good", tr("Written"), str(written))

        self._background.submit(lambda: export(path, shown.image, grounding, elements, heat), done, self._complain)

    def _observed(self, held: dict[Tuning, RemoteObservation], shown: Shown, tuning: Tuning) -> RemoteObservation:
        if tuning not in held:
            held[tuning] = self._grounder.observe(shown.image, tuning)
        return held[tuning]

    def _complain(self, error: ReticleError) -> None:
        if not isinstance(error, Cancelled) and not self._closed:
            self._window.banner.tell("bad", tr("That did not work"), _sentence(error))

    # --- beginning and end ---

    def _connect(self) -> None:
        window = self._window
        window.file_chosen.connect(self.open_file)
        window.capture_asked.connect(self.capture)
        window.region_chosen.connect(self.cut)
        window.picture_given.connect(self.take)
        window.export_chosen.connect(self.write)
        window.numbers.toggled.connect(self.number)
        window.side.elements_asked.connect(self.ask_elements)
        for side, pane in enumerate(window.panes):
            pane.asked.connect(lambda words, tuning, side=side: self.ask(side, words, tuning))

    def close(self) -> None:
        """Drops what is under way; the model process must be closed or cancelled before, so that nothing is awaited."""
        self._closed = True
        self._held = {}
        self._background.close()


def _prepare() -> None:
    """Loads what regions need, so that the first move of the threshold does not wait for it."""
    import reticle_grounding.regions  # noqa: F401


def _sentence(error: ReticleError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
