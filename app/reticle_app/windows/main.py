"""The main window: only what is seen and touched. What happens then is the controller's."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QImage,
    QKeyEvent,
    QMoveEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QFileDialog,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from reticle_app.commands import Commands
from reticle_app.resources import app_icon
from reticle_app.theme import Theme
from reticle_app.translations import tr
from reticle_app.widgets.banner import Banner, EmptyPage
from reticle_app.widgets.basics import open_at_hint
from reticle_app.widgets.busy import BusyLine
from reticle_app.widgets.canvas import Canvas
from reticle_grounding.types import Grounding

from .footer import FooterBar
from .header import HeaderBar, mode_words
from .palettes import offer_palette
from .side import SidePanel

ARROWS: dict[int, tuple[int, int]] = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, -1),
    Qt.Key.Key_Down: (0, 1),
}
PICTURES = "*.png *.jpg *.jpeg *.webp *.bmp *.gif *.tif *.tiff"


def pictures_filter() -> str:
    """What a file dialog offers for pictures."""
    return tr("Pictures") + f" ({PICTURES})"


class MainWindow(QMainWindow):
    file_chosen = Signal(Path)
    picture_given = Signal(QImage)
    candidate_chosen = Signal(int)
    moved = Signal()
    """The window covers another part of the desktop than before."""
    escape_pressed = Signal()
    nudge_asked = Signal(int, int, bool)
    """Steps to the right and down, and whether by whole patches."""
    activated = Signal(bool)
    """The window got or lost the keyboard."""
    closing = Signal()
    """The person closes the window; it closes once ``may_close`` is set."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.theme, self.may_close = theme, True
        self.setWindowTitle("Reticle")
        self.setWindowIcon(app_icon())
        self.setMinimumHeight(520)  # as wide as its words, which differ by language and font
        self.header, self.footer, self.side = HeaderBar(theme), FooterBar(theme), SidePanel(theme)
        self.canvas, self.empty, self.banner = Canvas(), EmptyPage(theme), Banner(theme)
        self.busy = BusyLine(theme)
        self._lay_out()
        self._connect()
        self.shared = Commands(parent=self)
        """What every window offers."""
        self.commands = Commands(self)
        self._offer_commands()
        self.command_palette = offer_palette(self, theme, self.commands, self.shared)
        self.command_palette.escaped.connect(self._palette_escaped)
        self._recolour()
        theme.changed.connect(self._recolour)
        self.header.field.setFocus()
        open_at_hint(self)

    def sizeHint(self) -> QSize:
        return QSize(1180, 760)

    # --- what the controller sets ---

    def show_picture(self, image: QImage | None) -> None:
        """A new picture (capture pixels), or None for the empty page."""
        self.canvas.show_picture(image)
        self.stack.setCurrentWidget(self._framed if image is not None else self._page)
        self.side.show_grounding(None)
        self.footer.set_view(image is not None, False)

    def show_grounding(self, grounding: Grounding | None, chosen: int | None) -> None:
        """Map and candidates over the present picture."""
        self.canvas.show_grounding(grounding, chosen)
        self.side.show_grounding(grounding)
        self.side.candidates.choose(chosen)
        self.footer.set_view(self.canvas.has_picture, grounding is not None)
        self.footer.set_timings(grounding.timings_ms if grounding else {})

    def choose(self, index: int | None) -> None:
        self.canvas.choose(index)
        self.side.candidates.choose(index)

    def ask_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, tr("Open picture"), "", pictures_filter())
        if name:
            self.file_chosen.emit(Path(name))

    def paste(self) -> None:
        """Takes a picture or a file from the clipboard; says so when there is none."""
        if not self._take(QGuiApplication.clipboard().mimeData()):
            self.banner.tell("info", tr("There is no picture in the clipboard"), tr("Copy one and paste again."))

    def _take(self, data: QMimeData) -> bool:
        local = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
        if local:
            self.file_chosen.emit(Path(local[0]))
        elif data.hasImage():
            self.picture_given.emit(QImage(data.imageData()))
        return bool(local) or data.hasImage()

    # --- construction ---

    def _lay_out(self) -> None:
        self._page, self._framed = QWidget(), QWidget()
        QVBoxLayout(self._page).addWidget(self.empty)
        frame = QVBoxLayout(self._framed)
        frame.setContentsMargins(0, 0, 0, 0)
        frame.addWidget(self.canvas)
        self.stack = QStackedWidget()
        self.stack.addWidget(self._page)
        self.stack.addWidget(self._framed)
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.addWidget(self.banner)
        middle.addWidget(self.stack, 1)
        row = QHBoxLayout()
        row.setSpacing(0)
        stage = QWidget()
        stage.setObjectName("stage")
        stage.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        stage.setLayout(middle)
        row.addWidget(stage, 1)
        row.addWidget(self.side)
        root = QVBoxLayout()
        root.setContentsMargins(0, 0, 0, 0)
        root.setSpacing(0)
        root.addWidget(self.header)
        root.addWidget(self.busy)
        root.addLayout(row, 1)
        root.addWidget(self.footer)
        centre = QWidget()
        centre.setLayout(root)
        self.setCentralWidget(centre)

    def _connect(self) -> None:
        self.header.file_asked.connect(self.ask_file)
        self.header.paste_asked.connect(self.paste)
        self.empty.open_file.connect(self.ask_file)
        self.empty.capture.connect(lambda: self.header.capture_asked.emit(None))
        self.canvas.chosen.connect(self.candidate_chosen)
        self.side.candidates.chosen.connect(self.candidate_chosen)
        self.canvas.zoomed.connect(self.footer.show_zoom)
        self.footer.heat_changed.connect(self.canvas.set_heat)
        self.footer.zoom_by.connect(self.canvas.zoom_by)
        self.footer.fit_asked.connect(self.canvas.fit)
        self._toggles: dict[int, QAbstractButton] = {
            Qt.Key.Key_H: self.footer.heat,
            Qt.Key.Key_A: self.footer.everything,
            Qt.Key.Key_E: self.footer.elements,
            Qt.Key.Key_T: self.footer.trail,
        }
        self.setAcceptDrops(True)

    def _offer_commands(self) -> None:
        """All that can be done here; letters, digits and arrows are heard by :meth:`keyPressEvent`."""
        header, footer, canvas, group = self.header, self.footer, self.canvas, tr("Picture")
        add, add_button = self.commands.add, self.commands.add_button
        words = tr("Capture this screen")
        add_button("picture.capture", header.capture_button, group=group, keys="Ctrl+Shift+S", words=words)
        add("picture.open", tr("Open picture…"), self.ask_file, group=group, keys="Ctrl+O")
        add("picture.paste", tr("Paste picture"), self.paste, group=group, keys="Ctrl+V")
        add("field.focus", tr("Go to the instruction"), header.field.setFocus, group=group, keys="Ctrl+L")
        words = tr("Find the instruction on this picture")
        add_button(
            "picture.find",
            header.find_button,
            group=group,
            keys="Return",
            words=words,
            listen=False,
            said_keys=tr("Enter"),
        )
        seen = footer.heat.isEnabled
        add(
            "candidates.choose", tr("Choose a candidate"), canvas.setFocus,
            group=group, enabled=seen, said_keys=tr("1 to 9"),
        )  # fmt: skip
        add(
            "candidates.move", tr("Move its point (Shift: by a patch)"), canvas.setFocus,
            group=group, enabled=seen, said_keys=tr("Arrows"),
        )  # fmt: skip
        group = tr("Run", "heading")
        words = tr("Carry out the instruction")
        add_button(
            "run.start",
            header.run_button,
            group=group,
            keys="Ctrl+Return",
            words=words,
            listen=False,
            said_keys=tr("Ctrl+Enter"),
        )
        words = tr("Stop, or refuse what is asked")
        add("run.stop", words, self.escape_pressed.emit, group=group, keys="Esc")
        for mode, name, _ in mode_words():
            words = tr("Mode: {name}").format(name=name)
            add(f"mode.{mode}", words, partial(header.select_mode, mode), group=group, enabled=header.mode.isEnabled)
        group = tr("View")
        for key, button, name in (
            ("H", footer.heat, "heat"), ("A", footer.everything, "everything"),
            ("E", footer.elements, "elements"), ("T", footer.trail, "trail"),
        ):  # fmt: skip
            add_button(f"view.{name}", button, group=group, keys=key, listen=False)
        add_button("view.in", footer.into, group=group, keys=("Ctrl++", "Ctrl+="))
        add_button("view.out", footer.out, group=group, keys="Ctrl+-")
        add_button("view.fit", footer.fit, group=group, keys="Ctrl+0")
        add_button("view.dismiss", self.banner.dismiss, group=group)

    def _recolour(self) -> None:
        self.canvas.background = self.theme.colour("canvas")
        self.canvas.update()

    # --- Qt ---

    def _palette_escaped(self) -> None:
        """Escape ends what is under way also while it closes the palette."""
        if self.header.stop_button.isEnabled():
            self.escape_pressed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Digits choose, arrows move the point, letters toggle what is drawn; fields that want the keys come first."""
        digit = event.key() - Qt.Key.Key_1.value
        if 0 <= digit < len(self.side.candidates.rows):
            self.candidate_chosen.emit(digit)
        elif event.key() in ARROWS and self.footer.heat.isEnabled():
            self.nudge_asked.emit(*ARROWS[event.key()], bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif (button := self._toggles.get(event.key())) is not None and button.isEnabled():
            button.toggle()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        if event.type() == QEvent.Type.ActivationChange:
            self.activated.emit(self.isActiveWindow())
        super().changeEvent(event)

    def moveEvent(self, event: QMoveEvent) -> None:
        self.moved.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self.moved.emit()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls() or event.mimeData().hasImage():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        if self._take(event.mimeData()):
            event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        if self.may_close:
            event.accept()
        else:
            event.ignore()
