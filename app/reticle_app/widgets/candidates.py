"""The ranked candidates as a list beside the picture."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_grounding.types import Candidate, Grounding

from .marks import CHOSEN, MARK

ORIGINS = {"attention": QT_TR_NOOP("seen"), "text": QT_TR_NOOP("read"), "element": QT_TR_NOOP("element")}


class CandidateRow(QWidget):
    """Number, what was read there, probability with a bar."""

    clicked = Signal()

    def __init__(self, candidate: Candidate, theme: Theme) -> None:
        super().__init__()
        self._candidate, self._theme, self.selected = candidate, theme, False
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        name = tr("Candidate {rank}: {what}, probability {p}")
        self.setAccessibleName(name.format(rank=candidate.rank, what=self.title, p=f"{candidate.p_true:.0%}"))
        self.setToolTip(self._details())

    @property
    def title(self) -> str:
        at = self._candidate.point.pixel()
        return f"“{self._candidate.text}”" if self._candidate.text else tr("at {x}, {y}").format(x=at[0], y=at[1])

    def _details(self) -> str:
        c = self._candidate
        lines = [
            tr("Point {x}, {y}").format(x=f"{c.point.x:.0f}", y=f"{c.point.y:.0f}"),
            tr("Attention {share} of the map").format(share=f"{c.attention_mass:.1%}"),
            tr("Found by {origin}").format(origin=tr(ORIGINS.get(c.origin, c.origin))),
        ]
        return "\n".join([*lines, *(f"{k}: {v:.3g}" for k, v in c.evidence.items())])

    def sizeHint(self) -> QSize:
        return QSize(220, QFontMetrics(self.font()).height() + 22)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, t = QPainter(self), self._theme.tokens
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        if self.selected:
            painter.setPen(QColor(t.accent))
            painter.setBrush(QColor(t.accent_soft))
            painter.drawRoundedRect(box, 7, 7)
        height = QFontMetrics(self.font()).height()
        badge = QRectF(9, 7, height + 5, height + 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(CHOSEN if self.selected else MARK)
        painter.drawRoundedRect(badge, 6, 6)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, str(self._candidate.rank))
        self._paint_text(painter, badge, box)

    def _paint_text(self, painter: QPainter, badge: QRectF, box: QRectF) -> None:
        t, metrics = self._theme.tokens, QFontMetrics(self.font())
        percent = f"{self._candidate.p_true:.0%}"
        right = QRectF(box.right() - 58, badge.top(), 50, badge.height())
        painter.setPen(QColor(t.text))
        painter.drawText(right, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, percent)
        origin = tr(ORIGINS.get(self._candidate.origin, self._candidate.origin))
        tag_width = metrics.horizontalAdvance(origin) + 4
        tag = QRectF(right.left() - tag_width - 4, badge.top(), tag_width, badge.height())
        painter.setPen(QColor(t.muted))
        painter.drawText(tag, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, origin)
        room = QRectF(badge.right() + 9, badge.top(), tag.left() - badge.right() - 17, badge.height())
        painter.setPen(QColor(t.text))
        shown = metrics.elidedText(self.title, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
        groove = QRectF(badge.right() + 9, badge.bottom() + 4, box.right() - badge.right() - 17, 3)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(t.border))
        painter.drawRoundedRect(groove, 1.5, 1.5)
        groove.setWidth(max(3.0, groove.width() * min(1.0, self._candidate.p_true)))
        painter.setBrush(CHOSEN if self.selected else QColor(t.accent))
        painter.drawRoundedRect(groove, 1.5, 1.5)


class CandidateList(QWidget):
    """All candidates of a grounding, best first."""

    chosen = Signal(int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._rows = theme, list[CandidateRow]()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        theme.changed.connect(self.update)

    def show_grounding(self, grounding: Grounding | None) -> None:
        for row in self._rows:
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._rows = [CandidateRow(c, self._theme) for c in (grounding.candidates if grounding else ())]
        for index, row in enumerate(self._rows):
            row.clicked.connect(lambda i=index: self.chosen.emit(i))
            self._layout.addWidget(row)
        self.setVisible(bool(self._rows))

    def choose(self, index: int | None) -> None:
        for i, row in enumerate(self._rows):
            row.selected = i == index
            row.update()

    @property
    def rows(self) -> list[CandidateRow]:
        return self._rows
