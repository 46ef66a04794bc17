"""What stays on the desktop while the main window is out of the way: what is being done, and Stop."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from reticle_app.resources import app_pixmap
from reticle_app.theme import Theme
from reticle_app.translations import tr
from reticle_app.widgets.basics import FLOATING, frame, label, push_button, tint

MARGIN, ICON, WORDS = 18, 24, 260


class RunPill(QWidget):
    """Small, on top, in the lower right corner; never takes the keyboard from the program that is worked on."""

    stop_asked = Signal()
    hold_asked = Signal()
    """The person wants to be asked about what is counted down."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(None, FLOATING)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setWindowTitle(tr("Reticle is working"))
        self.setAccessibleName(tr("Reticle is working"))
        self._icon, self._words = QLabel(), label()
        self._icon.setFixedSize(ICON, ICON)
        self._words.setFixedWidth(WORDS)
        self.stop = push_button(tr("Stop"), tr("Stop at once"), "stop")
        self.stop.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.stop.clicked.connect(self.stop_asked)
        tint(theme, self.stop, "stop", "on_bad")
        self.hold = push_button(tr("Ask me"), tr("Stop counting and ask before this step"))
        self.hold.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hold.clicked.connect(self.hold_asked)
        self.hold.hide()
        tint(theme, self.hold, "question")
        self._before = ""
        card = frame("bar")
        row = QHBoxLayout(card)
        row.setContentsMargins(12, 8, 8, 8)
        row.setSpacing(10)
        row.addWidget(self._icon)
        row.addWidget(self._words)
        row.addWidget(self.hold)
        row.addWidget(self.stop)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(card)

    def tell(self, words: str) -> None:
        """What is being done, in one line."""
        short = self._words.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, WORDS)
        self._words.setText(short)
        self._words.setToolTip(words)

    def count(self, words: str, seconds: float) -> None:
        """Says what will be done in so many seconds, and offers to be asked."""
        if self.hold.isHidden():
            self._before = self._words.toolTip()
            self.hold.show()
            self._settle()
        self.tell(tr("In {seconds} s: {words}").format(seconds=f"{-(-seconds // 1):.0f}", words=words))

    def stop_counting(self) -> None:
        if not self.hold.isHidden():
            self.hold.hide()
            self.tell(self._before)
            self._settle()

    def _settle(self) -> None:
        """Keeps its corner while its width changes."""
        if self.isVisible():
            self.appear(self)

    def appear(self, beside: QWidget) -> None:
        """Shows itself in the corner of the screen the window is on."""
        self._icon.setPixmap(app_pixmap(ICON, self.devicePixelRatioF()))
        self.adjustSize()
        area = beside.screen().availableGeometry()
        self.move(area.right() - self.width() - MARGIN, area.bottom() - self.height() - MARGIN)
        self.show()
        self.raise_()
