"""How much memory a model takes in each type of number, beside what this machine has."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from reticle_app.models.store import gigabytes
from reticle_app.theme import Theme
from reticle_app.translations import tr

ROW = 26.0


class MemoryBars(QWidget):
    """One bar per type of number; a line marks the memory of this machine."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._rows: list[tuple[str, int]] = []
        self._machine: int | None = None
        self._opening: dict[str, int] = {}
        self._chosen: str | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(tr("Memory per type of number"))
        theme.changed.connect(self.update)

    def show_memory(
        self,
        memory: Mapping[str, int],
        machine: int | None,
        opening: Mapping[str, int] | None = None,
        chosen: str | None = None,
    ) -> None:
        """Bytes per type of number, and bytes of this machine (None where it does not say).

        ``opening``: bytes while the model is being opened, where that is known; what fits must hold them. ``chosen``
        is the type that models are opened in; it stands in bold.
        """
        self._rows, self._machine, self._opening = list(memory.items()), machine, dict(opening or {})
        self._chosen = chosen
        self.setAccessibleDescription("; ".join(self.lines()))
        self.updateGeometry()
        self.update()

    def lines(self) -> list[str]:
        """The same in words, one type of number each."""
        return [f"{kind}: {self._words(kind, count)}" for kind, count in self._rows]

    def fits(self, kind: str, count: int) -> bool:
        return self._machine is None or max(count, self._opening.get(kind, 0)) < self._machine

    def _words(self, kind: str, count: int) -> str:
        verdict = "" if self._machine is None else tr("fits") if self.fits(kind, count) else tr("too large")
        return f"{gigabytes(count)}  {verdict}".rstrip()

    def sizeHint(self) -> QSize:
        return QSize(320, round(len(self._rows) * ROW))

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._rows:
            return
        painter, t = QPainter(self), self._theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        metrics, plain, bold = painter.fontMetrics(), painter.font(), painter.font()
        bold.setBold(True)
        names = max(QFontMetrics(bold).horizontalAdvance(kind) for kind, _ in self._rows) + 14
        values = max(metrics.horizontalAdvance(self._words(*row)) for row in self._rows) + 14
        room = max(20.0, self.width() - names - values)
        machine = self._machine or 0
        longest = max(machine * 1.06, *(count for _, count in self._rows), 1)
        middle = Qt.AlignmentFlag.AlignVCenter
        for i, (kind, count) in enumerate(self._rows):
            top, fits = i * ROW, self.fits(kind, count)
            painter.setPen(QColor(t.text))
            painter.setFont(bold if kind == self._chosen else plain)
            painter.drawText(QRectF(0, top, names, ROW), middle, kind)
            painter.setFont(plain)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(t.border))
            painter.drawRoundedRect(QRectF(names, top + 8, room, ROW - 16), 4, 4)
            painter.setBrush(QColor(t.accent if fits else t.bad))
            painter.drawRoundedRect(QRectF(names, top + 8, max(4.0, room * count / longest), ROW - 16), 4, 4)
            painter.setPen(QColor(t.muted if fits else t.bad))
            painter.drawText(QRectF(names + room + 14, top, values, ROW), middle, self._words(kind, count))
        if machine:
            x = names + room * machine / longest
            painter.setPen(QPen(QColor(t.text), 1.5))
            painter.drawLine(round(x), 2, round(x), round(len(self._rows) * ROW) - 2)
