"""One picture with its question and answer in the inspector; two of them stand side by side in a comparison."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from reticle_app.inspection import PatchFacts, patch_at, regions_at
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.tuning import DEFAULT, READINGS, Tuning
from reticle_app.widgets.banner import Banner
from reticle_app.widgets.basics import clearable, label, push_button, tint
from reticle_app.widgets.busy import BusyLine
from reticle_app.widgets.inspect_canvas import InspectCanvas
from reticle_grounding.geometry import Point, Rect
from reticle_grounding.types import Grounding

from .header import InstructionField

KEEPS: tuple[tuple[float | None, str], ...] = (
    (None, QT_TR_NOOP("All patches")),
    (0.75, QT_TR_NOOP("Keep 75 %")),
    (0.5, QT_TR_NOOP("Keep 50 %")),
    (0.25, QT_TR_NOOP("Keep 25 %")),
    (0.1, QT_TR_NOOP("Keep 10 %")),
)
READING_WORDS = {
    "screen": QT_TR_NOOP("Read all"),
    "auto": QT_TR_NOOP("Read if unsure"),
    "crops": QT_TR_NOOP("Read near"),
    "off": QT_TR_NOOP("Read nothing"),
}
THRESHOLD = 0.3
MAX_ERROR = 400


class InspectorPane(QWidget):
    """What is asked of a picture, with which options, and the answer."""

    asked = Signal(str, object)
    """Words and Tuning."""
    hovered = Signal(object)
    """PatchFacts, or None."""
    chosen = Signal(int)
    viewed = Signal(float, QPointF)

    def __init__(self, theme: Theme, side: str) -> None:
        super().__init__()
        self._side, self._theme = side, theme
        self.grounding: Grounding | None = None
        self.tuning: Tuning = DEFAULT
        """The options of the shown answer."""
        self.threshold = THRESHOLD
        self.regions_on = True
        self._found: list[Rect] = []
        self._asking = False
        self.letter = label(side, "title")
        self.words = InstructionField()
        self.words.set_hints(tr("What should be pointed at?"), tr("Point at what?"))
        self.words.setAccessibleName(tr("Words {side}").format(side=side))
        self.words.setMaxLength(10_000)
        clearable(self.words)
        self.find_button = push_button(tr("Find"), tr("Ask the model for {side} (Enter)").format(side=side), "primary")
        self.find_button.setAccessibleName(tr("Find {side}").format(side=side))
        tint(theme, self.find_button, "find", "on_accent")
        self.keep, self.reading = QComboBox(), QComboBox()
        self.keep.setAccessibleName(tr("Keep ratio {side}").format(side=side))
        self.keep.setToolTip(tr("Share of the patches that the language model sees; for models with a patch scorer"))
        for ratio, words in KEEPS:
            self.keep.addItem(tr(words), ratio)
        self.reading.setAccessibleName(tr("Reading {side}").format(side=side))
        self.reading.setToolTip(tr("What is read on the screen before the answer"))
        for kind in READINGS:
            self.reading.addItem(tr(READING_WORDS[kind]), kind)
        self.busy, self.banner = BusyLine(theme), Banner(theme)
        self.canvas = InspectCanvas(tr("Screenshot {side}").format(side=side))
        self.state = QLabel()
        self.state.setProperty("kind", "muted")
        self.state.setTextFormat(Qt.TextFormat.PlainText)
        self.state.setAccessibleDescription(tr("Answer {side}").format(side=side))
        self._lay_out()
        self._connect()
        self.set_state(picture=False, busy=False)

    # --- what the controller sets ---

    @property
    def wanted(self) -> Tuning:
        """The options as chosen now."""
        return Tuning(self.keep.currentData(), cast("str", self.reading.currentData()))  # type: ignore[arg-type]

    def show_picture(self, image: QImage | None) -> None:
        self.canvas.show_picture(image)
        self.show_grounding(None, DEFAULT)
        self.banner.hide()

    def show_grounding(self, grounding: Grounding | None, tuning: Tuning) -> None:
        """The answer with the options it was made with."""
        self.grounding, self.tuning = grounding, tuning
        self.canvas.show_grounding(grounding, 0 if grounding and grounding.best else None)
        self.canvas.set_patch(None)
        self.set_threshold(self.threshold)
        self._say()

    def choose(self, index: int | None) -> None:
        self.canvas.choose(index)

    def set_threshold(self, share: float) -> int:
        """Regions of patches above this share of the largest value; returns how many there are."""
        self.threshold = share
        found = regions_at(self.grounding, share) if self.grounding is not None else []
        self.canvas.set_regions(found if self.regions_on else [])
        self._found = found
        return len(found)

    @property
    def shown_regions(self) -> list[Rect]:
        """Regions at the present threshold, capture pixels, whether they are drawn or not."""
        return self._found

    def show_regions(self, on: bool) -> None:
        self.regions_on = on
        self.set_threshold(self.threshold)

    def set_state(self, *, picture: bool, busy: bool) -> None:
        self.busy.set_busy(busy)
        self.find_button.setEnabled(picture and not busy)
        if busy:
            self.state.setText(tr("Asking the model…"))
        elif self._asking:
            self._say()
        self._asking = busy

    def fail(self, text: str) -> None:
        """An answer that did not come; the last good one stays."""
        self.banner.tell("bad", tr("No answer"), text[:MAX_ERROR])
        self._say()

    # --- construction ---

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(12, 10, 12, 6)
        row.setSpacing(8)
        row.addWidget(self.letter)
        row.addWidget(self.words, 1)
        row.addWidget(self.find_button)
        options = QHBoxLayout()
        options.setContentsMargins(12, 0, 12, 8)
        options.setSpacing(8)
        options.addWidget(self.keep)
        options.addWidget(self.reading)
        options.addWidget(self.state, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(row)
        column.addLayout(options)
        column.addWidget(self.busy)
        column.addWidget(self.banner)
        column.addWidget(self.canvas, 1)
        self.state.setMinimumWidth(40)
        self.letter.hide()

    def _connect(self) -> None:
        self.find_button.clicked.connect(self._ask)
        self.words.entered.connect(lambda _: self._ask())
        self.canvas.hovered.connect(self._hover)
        self.canvas.chosen.connect(self.chosen)
        self.canvas.viewed.connect(self.viewed)
        self._theme.changed.connect(self._recolour)
        self._recolour()

    def _ask(self) -> None:
        words = self.words.text().strip()
        if not words:
            self.banner.tell("info", tr("Say what to look for"), tr("For example: the Save button"))
        elif self.find_button.isEnabled():
            self.banner.hide()
            self.asked.emit(words, self.wanted)

    def facts_at(self, at: Point | None) -> PatchFacts | None:
        """What is known of the patch under a capture pixel."""
        if at is None or self.grounding is None:
            return None
        return patch_at(self.grounding, at, self._found, self.tuning)

    def _hover(self, at: Point | None) -> None:
        facts = self.facts_at(at)
        self.canvas.set_patch(facts.area if facts else None)
        self.hovered.emit(facts)

    def _say(self) -> None:
        grounding = self.grounding
        if grounding is None:
            self.state.setText("")
        elif grounding.best is None:
            first = max((c.p_true for c in grounding.candidates), default=0.0)
            words = tr("Not found: likeliest {first}, needed {needed}")
            self.state.setText(words.format(first=f"{first:.0%}", needed=f"{grounding.threshold:.0%}"))
        else:
            read = f" “{grounding.best.text}”" if grounding.best.text else ""
            self.state.setText(f"{grounding.best.p_true:.0%}{read}")
        self.state.setToolTip(self.state.text())

    def _recolour(self) -> None:
        self.canvas.background = self._theme.colour("canvas")
        self.canvas.update()
