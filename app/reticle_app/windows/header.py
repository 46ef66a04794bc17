"""The bar at the top: where the picture comes from, what is asked, what is started and stopped."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent, QScreen
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QMenu, QToolButton, QWidget

from reticle_app.resources import symbol
from reticle_app.runner import Mode
from reticle_app.theme import Theme
from reticle_app.translations import tr
from reticle_app.widgets.basics import ICON, clearable, push_button


def mode_words() -> tuple[tuple[Mode, str, str], ...]:
    """Each mode of a run with its name and what it means."""
    return (
        ("confirm", tr("Ask before each step"), tr("Nothing is sent until you approve it")),
        ("dry-run", tr("Dry run"), tr("Shows and records what it would do, sends nothing")),
        ("auto", tr("Act alone"), tr("Asks only where it is unsure or something is at stake")),
    )


HINT_MARGINS = 28
"""Pixels beside the text of a field."""


class InstructionField(QLineEdit):
    """Plain words; a picture in the clipboard is passed on instead of pasted as text."""

    picture_pasted = Signal()
    entered = Signal(bool)
    """Enter was pressed; True with Ctrl."""

    def __init__(self) -> None:
        super().__init__()
        self._hints: tuple[str, ...] = ()

    def set_hints(self, *hints: str) -> None:
        """What stands in the empty field: the first that there is room for, else the last."""
        self._hints = hints
        self._show_hint()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show_hint()

    def _show_hint(self) -> None:
        room = self.width() - HINT_MARGINS
        fitting = [hint for hint in self._hints if self.fontMetrics().horizontalAdvance(hint) <= room]
        if self._hints:
            self.setPlaceholderText((fitting or self._hints[-1:])[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        data = QGuiApplication.clipboard().mimeData()
        if event.matches(QKeySequence.StandardKey.Paste) and data.hasImage() and not data.hasText():
            self.picture_pasted.emit()
            return
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit(bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier))
            return
        super().keyPressEvent(event)


class HeaderBar(QWidget):
    capture_asked = Signal(object)
    """A QScreen, or None for the screen this window is on."""
    file_asked = Signal()
    paste_asked = Signal()
    find_asked = Signal(str)
    run_asked = Signal(str)
    stop_asked = Signal()
    asked_in_vain = Signal()
    """Enter was pressed, but neither Find nor Run can be used now."""
    mode_changed = Signal(str)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("header")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme = theme
        self.capture_button = self._make_capture_button()
        self.field = InstructionField()
        self.field.set_hints(
            tr("What should be pointed at or done?  e.g.  the Save button"),
            tr("What should be pointed at or done?"),
            tr("What to point at or do?"),
        )
        self.field.setAccessibleName(tr("Instruction"))
        self.field.setMaxLength(10_000)
        clearable(self.field)
        self.field.setMinimumWidth(160)
        self.find_button = push_button(
            tr("Find"), tr("Show where it is on this picture, or else on this screen (Enter)"), "primary"
        )
        self.mode = QComboBox()
        self.mode.setAccessibleName(tr("Mode of a run"))
        self.mode.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        for key, words, tip in mode_words():
            self.mode.addItem(words, key)
            self.mode.setItemData(self.mode.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.run_button = push_button(tr("Run"), tr("Carry out the instruction on the live desktop (Ctrl+Enter)"))
        self.stop_button = push_button(tr("Stop"), tr("Stop at once (Esc)"), "stop")
        self._tint()
        theme.changed.connect(self._tint)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 12, 14, 12)
        row.setSpacing(8)
        row.addWidget(self.capture_button)
        row.addWidget(self.field, 1)
        row.addWidget(self.find_button)
        row.addSpacing(10)
        for widget in (self.mode, self.run_button, self.stop_button):
            row.addWidget(widget)
        self._connect()
        self.set_state(can_find=False, can_run=False, can_stop=False)

    def set_state(self, *, can_find: bool, can_run: bool, can_stop: bool) -> None:
        """Which of the actions make sense now; Stop stays in its place, whatever happens."""
        self.find_button.setEnabled(can_find)
        self.run_button.setEnabled(can_run)
        self.mode.setEnabled(can_run)
        self.capture_button.setEnabled(not can_stop)
        self.stop_button.setEnabled(can_stop)

    def select_mode(self, mode: Mode) -> None:
        self.mode.setCurrentIndex(self.mode.findData(mode))

    @property
    def selected_mode(self) -> Mode:
        return cast(Mode, self.mode.currentData())

    @property
    def words(self) -> str:
        return self.field.text().strip()

    def _make_capture_button(self) -> QToolButton:
        button = QToolButton()
        button.setProperty("kind", "button")
        button.setText(tr("Capture"))
        button.setAccessibleName(tr("Capture screen"))
        button.setToolTip(tr("Take a picture of this screen; the arrow offers other sources"))
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        button.setIconSize(ICON)
        menu = QMenu(button)
        menu.aboutToShow.connect(lambda: self._fill(menu))
        button.setMenu(menu)
        button.clicked.connect(lambda: self.capture_asked.emit(None))
        return button

    def _fill(self, menu: QMenu) -> None:
        menu.clear()
        self._entry(menu, tr("This screen"), "screen").triggered.connect(lambda: self.capture_asked.emit(None))
        screens = QGuiApplication.screens()
        if len(screens) > 1:
            for number, screen in enumerate(screens, 1):
                entry = self._entry(
                    menu, tr("Monitor {number}: {what}").format(number=number, what=_describe(screen)), "screen"
                )
                entry.triggered.connect(lambda _=False, s=screen: self.capture_asked.emit(s))
        menu.addSeparator()
        self._entry(menu, tr("Open picture…"), "image", "Ctrl+O").triggered.connect(self.file_asked)
        self._entry(menu, tr("Paste picture"), "paste", "Ctrl+V").triggered.connect(self.paste_asked)

    def _entry(self, menu: QMenu, words: str, icon: str, keys: str = "") -> QAction:
        text = f"{words}\t{keys}" if keys else words
        return menu.addAction(symbol(icon, self._theme.colour("text")), text)

    def _connect(self) -> None:
        self.find_button.clicked.connect(lambda: self.find_asked.emit(self.words))
        self.field.entered.connect(self._entered)
        self.field.picture_pasted.connect(self.paste_asked)
        self.run_button.clicked.connect(lambda: self.run_asked.emit(self.words))
        self.stop_button.clicked.connect(self.stop_asked)
        self.mode.currentIndexChanged.connect(lambda: self.mode_changed.emit(self.selected_mode))

    def _entered(self, control: bool) -> None:
        """Enter finds, Ctrl+Enter runs, where the button would."""
        button = self.run_button if control else self.find_button
        if button.isEnabled():
            button.click()
        else:
            self.asked_in_vain.emit()

    def _tint(self) -> None:
        t = self._theme.colour
        self.capture_button.setIcon(symbol("screen", t("text"), t("disabled")))
        self.find_button.setIcon(symbol("find", t("on_accent"), t("disabled")))
        self.run_button.setIcon(symbol("play", t("text"), t("disabled")))
        self.stop_button.setIcon(symbol("stop", t("on_bad"), t("disabled")))


def _describe(screen: QScreen) -> str:
    size, ratio = screen.geometry(), screen.devicePixelRatio()
    return f"{screen.name()}, {round(size.width() * ratio)} × {round(size.height() * ratio)}"
