"""Draws the bundled screenshot: ``QT_QPA_PLATFORM=offscreen python packaging/draw_sample.py OUT.png``.

An editor with a dialog, of plain Qt widgets and our own icons, so that nobody else's work ships with it. The tour asks
for things on it, and the benchmark measures on it.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QLinearGradient, QPainter, QPen
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QPlainTextEdit,
    QPushButton,
    QToolBar,
    QVBoxLayout,
    QWidget,
)

from reticle_app.resources import symbol
from reticle_app.theme import LIGHT, palette_of, style_sheet

SIZE = QSize(1280, 800)
BAR = 34
LETTER = """Dear gardener,

the beans by the southern wall have come up well, and the boy has watered
the rest. Please bring two ladders on Thursday: one for the cherries and one
for the roof of the shed.

The seeds that you asked for lie in the drawer of the green table. Of the
tulips, only the white ones are left.

Kind regards
"""


def editor() -> QMainWindow:
    window = QMainWindow()
    for name in ("File", "Edit", "View", "Insert", "Help"):
        window.menuBar().addMenu(name)
    bar = QToolBar()
    bar.setIconSize(QSize(20, 20))
    bar.setMovable(False)
    for icon, tip in (
        ("folder", "Open"), ("export", "Export"), ("trash", "Delete"), ("paste", "Paste"), ("restart", "Reload"),
        ("edit", "Edit"),
    ):  # fmt: skip
        bar.addAction(symbol(icon, QColor(LIGHT.text)), tip)
    search = QLineEdit()
    search.setPlaceholderText("Search")
    search.setFixedWidth(220)
    spacer = QWidget()
    spacer.setMinimumWidth(380)
    bar.addWidget(spacer)
    bar.addWidget(search)
    window.addToolBar(bar)
    pages = QListWidget()
    pages.addItems(["Letters", "Invoices", "Recipes", "Garden", "Photographs", "Archive"])
    pages.setSpacing(3)
    pages.setCurrentRow(0)
    pages.setFixedWidth(170)
    text = QPlainTextEdit(LETTER)
    text.setFont(QFont("DejaVu Sans", 11))
    middle, row = QWidget(), QHBoxLayout()
    row.addWidget(pages)
    row.addWidget(text, 1)
    middle.setLayout(row)
    window.setCentralWidget(middle)
    window.statusBar().showMessage("Letter to the gardener, 74 words")
    return window


def dialog() -> QWidget:
    box, column, form = QWidget(), QVBoxLayout(), QFormLayout()
    form.setSpacing(10)
    name, folder, kind = QLineEdit("letter to the gardener"), QLineEdit("Documents"), QComboBox()
    kind.addItems(["PDF document"])
    for words, field in (("Name", name), ("Folder", folder), ("Format", kind)):
        form.addRow(QLabel(words), field)
    embed, shut = QCheckBox("Embed fonts"), QCheckBox("Close when finished")
    embed.setChecked(True)
    buttons = QHBoxLayout()
    save, cancel = QPushButton("Save"), QPushButton("Cancel")
    save.setProperty("kind", "primary")
    buttons.addStretch()
    buttons.addWidget(cancel)
    buttons.addWidget(save)
    column.setContentsMargins(20, 16, 20, 16)
    column.setSpacing(12)
    column.addLayout(form)
    column.addWidget(embed)
    column.addWidget(shut)
    column.addStretch()
    column.addLayout(buttons)
    box.setLayout(column)
    return box


def put(painter: QPainter, widget: QWidget, at: QRect, title: str) -> None:
    """Draws a widget with a title bar around it."""
    widget.setAttribute(Qt.WidgetAttribute.WA_DontShowOnScreen)
    widget.resize(at.width(), at.height() - BAR)
    widget.show()
    for _ in range(3):
        QApplication.sendPostedEvents()
    painter.setPen(QPen(QColor(0, 0, 0, 70)))
    painter.setBrush(QColor("#e3e6eb"))
    painter.drawRoundedRect(at.adjusted(-1, -1, 0, 0), 7, 7)
    painter.setPen(QColor(LIGHT.text))
    painter.drawText(QRect(at.left(), at.top(), at.width(), BAR), Qt.AlignmentFlag.AlignCenter, title)
    for i, name in enumerate(("cross", "fit", "minus")):
        spot = QPoint(at.right() - 30 - 32 * i, at.top() + (BAR - 16) // 2)
        painter.drawPixmap(spot, symbol(name, QColor(LIGHT.text)).pixmap(16, 16))
    widget.render(painter, QPoint(at.left(), at.top() + BAR))


def main() -> None:
    app = QApplication(sys.argv[:1])
    app.setStyle("Fusion")
    app.setPalette(palette_of(LIGHT))
    app.setStyleSheet(style_sheet(LIGHT))
    app.setFont(QFont("DejaVu Sans", 10))
    image = QImage(SIZE, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    ground = QLinearGradient(0, 0, 0, SIZE.height())
    ground.setColorAt(0, QColor("#4c6a8c"))
    ground.setColorAt(1, QColor("#37506d"))
    painter.fillRect(image.rect(), ground)
    put(painter, editor(), QRect(50, 40, 1000, 690), "Letter to the gardener")
    put(painter, dialog(), QRect(720, 290, 470, 350), "Export letter")
    painter.end()
    image.convertToFormat(QImage.Format.Format_RGB888).save(sys.argv[1])


if __name__ == "__main__":
    main()
