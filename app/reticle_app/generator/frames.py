"""Window frames as window managers draw them, with title-bar buttons."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPainterPath, QPen

from .look import Look
from .palettes import hsl, readable_on
from .seen import Found, Seen

SIGNS = {"Close": "Close window", "Maximize": "Maximize window", "Minimize": "Minimize window"}
MARKS = ("signs", "signs", "signs", "circles", "filled")


@dataclass(frozen=True, slots=True)
class Frame:
    """Measures and manner of all frames of one desktop; lengths in logical pixels."""

    bar: int
    edge: int
    radius: int
    color: str
    faded: str
    marks: str
    left: tuple[str, ...]
    right: tuple[str, ...]
    centred: bool


def random_frame(rng: Random, look: Look) -> Frame:
    """A manner of frames; buttons mostly at the right, sometimes at the left."""
    own = rng.random() < 0.5
    accent = hsl(rng.random(), rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.75))
    color = look.colors.window if own else rng.choice((look.colors.accent, accent, "#2b2b2b", "#e6e6e6"))
    order = rng.choice((("Minimize", "Maximize", "Close"), ("Close",), ("Minimize", "Close")))
    at_left = rng.random() < 0.25
    return Frame(
        bar=max(round(look.points * 1.9), rng.randint(20, 36)),
        edge=rng.choice((1, 1, 2, 4)),
        radius=rng.choice((0, 0, 4, 8)),
        color=color,
        faded=look.colors.alternate if own else color,
        marks=rng.choice(MARKS),
        left=tuple(reversed(order)) if at_left else (),
        right=() if at_left else order,
        centred=rng.random() < 0.5,
    )


def outer(frame: Frame, size: QSize) -> QSize:
    """Size of a framed window around a content of ``size``."""
    return QSize(size.width() + 2 * frame.edge, size.height() + frame.bar + frame.edge)


def draw_frame(painter: QPainter, frame: Frame, size: QSize, title: str, look: Look, active: bool) -> Found:
    """Paints the frame of a window of outer ``size`` and returns its buttons and title."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    color = frame.color if active else frame.faded
    shape = QPainterPath()
    shape.addRoundedRect(QRectF(0, 0, size.width(), size.height() + frame.radius), frame.radius, frame.radius)
    painter.setClipRect(QRect(0, 0, size.width(), size.height()))
    painter.fillPath(shape, QColor(color))
    painter.setPen(QPen(QColor(readable_on(color)).darker(150), 1))
    painter.setOpacity(0.35)
    painter.drawPath(shape)
    painter.setOpacity(1.0 if active else 0.6)
    found = _buttons(painter, frame, size, color)
    taken = [s.rect for s in found]
    found += _title(painter, frame, size, title, look, color, taken)
    painter.setOpacity(1.0)
    return found


def _buttons(painter: QPainter, frame: Frame, size: QSize, color: str) -> Found:
    side = frame.bar - 6
    found, left, right = [], frame.edge + 3, size.width() - frame.edge - 3
    for name in frame.left:
        found.append((name, QRect(left, 3, side, side)))
        left += side + 2
    for name in reversed(frame.right):
        right -= side
        found.append((name, QRect(right, 3, side, side)))
        right -= 2
    for name, rect in found:
        _mark(painter, frame.marks, name, rect, readable_on(color))
    return [Seen("push button", n, r, SIGNS[n], ("enabled", "sensitive"), False) for n, r in found]


LIGHTS = {"Close": "#ff5f57", "Minimize": "#febc2e", "Maximize": "#28c840"}


def _mark(painter: QPainter, marks: str, name: str, rect: QRect, ink: str) -> None:
    middle, arm = QRectF(rect).center(), rect.width() * 0.22
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if marks != "signs":
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(LIGHTS[name] if marks == "circles" else ink))
        painter.drawEllipse(middle, rect.width() * 0.38, rect.width() * 0.38)
        ink = "#303030" if marks == "circles" else readable_on(ink)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        arm *= 0.75
    painter.setPen(QPen(QColor(ink), 1.5))
    box = QRectF(middle.x() - arm, middle.y() - arm, 2 * arm, 2 * arm)
    if name == "Close":
        painter.drawLine(box.topLeft(), box.bottomRight())
        painter.drawLine(box.topRight(), box.bottomLeft())
    elif name == "Maximize":
        painter.drawRect(box)
    else:
        painter.drawLine(QPointF(box.left(), box.bottom()), QPointF(box.right(), box.bottom()))


def _title(
    painter: QPainter, frame: Frame, size: QSize, title: str, look: Look, color: str, taken: list[QRect]
) -> Found:
    font = QFont(look.font)
    font.setPointSizeF(look.points)
    font.setBold(frame.edge > 1)
    metrics = QFontMetrics(font)
    wide = metrics.horizontalAdvance(title)
    left = max([frame.edge + 6, *(r.right() + 8 for r in taken if r.left() < size.width() // 2 and frame.left)])
    right = min([size.width() - frame.edge - 6, *(r.left() - 8 for r in taken if not frame.left)])
    if not title or wide > right - left:
        return []
    start = min(max(left, (size.width() - wide) // 2), right - wide) if frame.centred else left
    rect = QRect(start, (frame.bar - metrics.height()) // 2 + 1, wide + 1, metrics.height())
    painter.setFont(font)
    painter.setPen(QColor(readable_on(color)))
    painter.drawText(rect.adjusted(0, -2, 4, 2), Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, title)
    return [Seen("label", title, rect, "", (), True)]
