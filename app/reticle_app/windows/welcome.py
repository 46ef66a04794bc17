"""First steps: check of this machine, permissions, pointer, tour. Shown by itself once; Shift+F1 brings it back."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QPaintEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from reticle_app.commands import Commands
from reticle_app.resources import app_icon, app_pixmap
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.banner import Banner
from reticle_app.widgets.basics import label, open_at_hint, push_button, tint

from .checks_page import ChecksPage
from .palettes import offer_palette
from .permissions_page import PermissionsPage
from .pointer_page import PointerPage
from .tour_page import TourPage

LOGO = 36
PAGES = (
    (QT_TR_NOOP("Check"), "play"), (QT_TR_NOOP("Permissions"), "shield"), (QT_TR_NOOP("Pointer"), "target"),
    (QT_TR_NOOP("Tour"), "tour"),
)  # fmt: skip


class WelcomeWindow(QMainWindow):
    models_asked = Signal()
    page_shown = Signal(int)
    closed = Signal()

    def __init__(self, theme: Theme, traces: Path, models: Path, shared: Commands) -> None:
        super().__init__()
        self.theme, self.commands = theme, Commands(self)
        self.setWindowTitle(tr("First steps"))
        self.setWindowIcon(app_icon())
        self.setMinimumSize(820, 540)
        self.banner = Banner(theme)
        self.checks, self.pointer, self.tour = ChecksPage(theme), PointerPage(theme), TourPage(theme)
        self.permissions = PermissionsPage(theme, traces, models)
        self.skip = push_button(tr("Close"), tr("Close the first steps; Shift+F1 brings them back"))
        self.back = push_button(tr("Back"), tr("The page before"))
        self.forward = push_button(tr("Next"), tr("The next page"), "primary")
        self.models = push_button(
            tr("Models…"), tr("Models: which one is used, get others, measure this machine (Ctrl+M)")
        )
        tint(theme, self.models, "models")
        self._lay_out()
        self._connect()
        self._offer_commands(shared)
        self.go(0)
        self.checks.run.setFocus()  # the first thing to do here, also with Enter
        open_at_hint(self)

    def sizeHint(self) -> QSize:
        return QSize(1160, 740)

    def go(self, page: int) -> None:
        """Shows a page."""
        self.stack.setCurrentIndex(page)
        self.steps[page].setChecked(True)
        last = page == len(PAGES) - 1
        leads_on, leads_back = self.forward.hasFocus(), self.back.hasFocus()
        self.back.setEnabled(page > 0)
        self.forward.setVisible(not last)
        if leads_on and last:  # the keyboard goes on with the person, not to whatever comes next
            self.tour.offers[0].setFocus()
        elif leads_back and page == 0:
            self.forward.setFocus()
        self.page_shown.emit(page)

    @property
    def page(self) -> int:
        return self.stack.currentIndex()

    def _lay_out(self) -> None:
        self._logo = QLabel()
        self._logo.setFixedSize(LOGO, LOGO)
        self._group = QButtonGroup(self)
        self.steps: list[QPushButton] = []
        column = QVBoxLayout()
        column.setContentsMargins(14, 20, 14, 14)
        column.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self._logo)
        head.addWidget(label(tr("First steps"), "title"), 1)
        column.addLayout(head)
        column.addSpacing(12)
        for i, (words, icon) in enumerate(PAGES):
            tip = tr("Page {number} of {all}: {words}").format(number=i + 1, all=len(PAGES), words=tr(words))
            button = push_button(tr(words), tip, "step")
            button.setCheckable(True)
            tint(self.theme, button, icon)
            self._group.addButton(button, i)
            self.steps.append(button)
            column.addWidget(button)
        column.addStretch()
        column.addWidget(self.models)
        left = QWidget()
        left.setFixedWidth(190)
        left.setLayout(column)
        self.stack = QStackedWidget()
        for page in (self.checks, self.permissions, self.pointer, self.tour):
            self.stack.addWidget(page)
        bottom = QWidget()
        bottom.setObjectName("footer")
        bottom.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        row = QHBoxLayout(bottom)
        row.setContentsMargins(16, 10, 16, 10)
        row.setSpacing(8)
        row.addWidget(self.skip)
        row.addStretch()
        row.addWidget(self.back)
        row.addWidget(self.forward)
        right, rows = QWidget(), QVBoxLayout()
        right.setObjectName("side")
        right.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addWidget(self.banner)
        rows.addWidget(self.stack, 1)
        rows.addWidget(bottom)
        right.setLayout(rows)
        whole, across = QWidget(), QHBoxLayout()
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(0)
        across.addWidget(left)
        across.addWidget(right, 1)
        whole.setLayout(across)
        self.setCentralWidget(whole)

    def _connect(self) -> None:
        self._group.idClicked.connect(self.go)
        self.skip.clicked.connect(self.close)
        self.back.clicked.connect(lambda: self.go(self.page - 1))
        self.forward.clicked.connect(lambda: self.go(self.page + 1))
        self.models.clicked.connect(self.models_asked)
        self.tour.finished.connect(self.close)

    def _offer_commands(self, shared: Commands) -> None:
        """All that can be done here; digits are heard by the tour."""
        group, add, add_button = tr("First steps"), self.commands.add, self.commands.add_button
        add_button("welcome.forward", self.forward, group=group, keys="Ctrl+PgDown", words=tr("The next page"))
        add_button("welcome.back", self.back, group=group, keys="Ctrl+PgUp", words=tr("The page before"))
        add_button("welcome.check", self.checks.run, group=group, words=tr("Check this machine"))
        add_button("welcome.pointer", self.pointer.run, group=group, words=tr("Measure where clicks arrive"))
        add("welcome.close", tr("Close this window"), self.close, group=tr("Windows"), keys="Ctrl+W")
        self.command_palette = offer_palette(self, self.theme, self.commands, shared)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closed.emit()
        super().closeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._logo.pixmap().isNull():
            self._logo.setPixmap(app_pixmap(LOGO, self.devicePixelRatioF()))
        super().paintEvent(event)
