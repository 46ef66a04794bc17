"""Bars of how long each phase took, for one answer or two side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from reticle_app.theme import Theme
from reticle_app.translations import tr

ROW, GAP = 24.0, 3.0
SIDES = ("A", "B")
TOTAL = "total"


def time_words(ms: float) -> str:
    return f"{ms / 1000:.2f} s" if ms >= 1000 else f"{ms:.1f} ms" if ms < 10 else f"{ms:.0f} ms"


class TimingBars(QWidget):
    """Phases in the order they happened; the longest bar spans the width."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._rows = theme, list[tuple[str, int, float]]()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        self.setAccessibleName(tr("Time per phase"))
        theme.changed.connect(self.update)

    def show_timings(self, sides: Sequence[Mapping[str, float]]) -> None:
        """Milliseconds per phase, of one answer or of two."""
        phases = list(dict.fromkeys(phase for side in sides for phase in side if phase != TOTAL))
        self._rows = [(p, i, side[p]) for p in phases for i, side in enumerate(sides) if p in side]
        words = "; ".join(
            f"{tr(p)}{f' {SIDES[i]}' if len(sides) > 1 else ''} {time_words(ms)}" for p, i, ms in self._rows
        )
        totals = [time_words(side.get(TOTAL, sum(side.values()))) for side in sides]
        self._total = (
            tr("Total") + "  " + "   ".join(f"{SIDES[i]} {t}" if len(sides) > 1 else t for i, t in enumerate(totals))
        )
        self.setAccessibleDescription(f"{words}. {self._total}")
        self.setMinimumHeight(self.sizeHint().height())
        self.updateGeometry()
        self.update()

    @property
    def rows(self) -> list[tuple[str, int, float]]:
        """Phase, side (0 or 1) and milliseconds."""
        return self._rows

    def sizeHint(self) -> QSize:
        return QSize(240, round((len(self._rows) + 1) * ROW) if self._rows else 24)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._rows:
            return
        painter, t = QPainter(self), self._theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics = painter.fontMetrics()
        names = max(metrics.horizontalAdvance(tr(phase)) for phase, _, _ in self._rows) + 12
        values = metrics.horizontalAdvance("00.00 s") + 12
        longest = max(ms for _, _, ms in self._rows) or 1.0
        room = max(10.0, self.width() - names - values)
        before = ""
        for i, (phase, side, ms) in enumerate(self._rows):
            top = i * ROW
            painter.setPen(QColor(t.text if phase != before else t.muted))
            middle = Qt.AlignmentFlag.AlignVCenter
            painter.drawText(QRectF(0, top, names, ROW), middle, tr(phase) if phase != before else "")
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.accent if side == 0 else t.mark_chosen))
            painter.drawRoundedRect(QRectF(names, top + 6, max(2.0, room * ms / longest), ROW - 12), 3, 3)
            painter.setPen(QColor(t.muted))
            box = QRectF(self.width() - values, top, values, ROW)
            painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, time_words(ms))
            before = phase
        painter.setPen(QColor(t.text))
        painter.drawText(
            QRectF(0, len(self._rows) * ROW, self.width(), ROW), Qt.AlignmentFlag.AlignVCenter, self._total
        )
