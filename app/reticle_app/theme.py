"""Colours and style of all windows: one light and one dark set of tokens, following the system or fixed by the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from .resources import resource_path

Choice = Literal["system", "light", "dark"]


@dataclass(frozen=True, slots=True)
class Tokens:
    """Named colours as #rrggbb. Text tokens have a contrast of at least 4.5 on ``window`` and ``surface``."""

    dark: bool
    window: str
    surface: str
    raised: str
    canvas: str
    border: str
    strong_border: str
    text: str
    muted: str
    disabled: str
    accent: str
    accent_hover: str
    on_accent: str
    accent_soft: str
    good: str
    good_soft: str
    warn: str
    warn_soft: str
    bad: str
    bad_soft: str
    on_bad: str
    mark: str
    """Candidates drawn over any picture."""
    mark_chosen: str
    on_mark: str


LIGHT = Tokens(
    dark=False,
    window="#f5f6f8",
    surface="#ffffff",
    raised="#eef0f3",
    canvas="#e6e9ee",
    border="#dde1e7",
    strong_border="#b9c0ca",
    text="#1a1e24",
    muted="#59626f",
    disabled="#9aa2ad",
    accent="#2457d6",
    accent_hover="#1c47b4",
    on_accent="#ffffff",
    accent_soft="#e6edfd",
    good="#176b3c",
    good_soft="#e2f4e9",
    warn="#7d5000",
    warn_soft="#fdf1d8",
    bad="#b3212b",
    bad_soft="#fde8e8",
    on_bad="#ffffff",
    mark="#1f4fcc",
    mark_chosen="#c2410c",
    on_mark="#ffffff",
)
DARK = Tokens(
    dark=True,
    window="#15181d",
    surface="#1c2026",
    raised="#262b33",
    canvas="#0e1014",
    border="#2e343d",
    strong_border="#4a525e",
    text="#e7eaee",
    muted="#a2abb8",
    disabled="#626b78",
    accent="#86a9ff",
    accent_hover="#a3beff",
    on_accent="#0c142b",
    accent_soft="#222d49",
    good="#67d293",
    good_soft="#1b3226",
    warn="#f2c063",
    warn_soft="#362b17",
    bad="#ff8a8a",
    bad_soft="#3d2024",
    on_bad="#2b0508",
    mark="#1f4fcc",
    mark_chosen="#c2410c",
    on_mark="#ffffff",
)


def palette_of(t: Tokens) -> QPalette:
    """The Qt palette for these tokens, so that native parts (menus, tool tips, file dialog) match."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    colours = {
        role.Window: t.window,
        role.WindowText: t.text,
        role.Base: t.surface,
        role.AlternateBase: t.raised,
        role.Text: t.text,
        role.PlaceholderText: t.muted,
        role.Button: t.surface,
        role.ButtonText: t.text,
        role.ToolTipBase: t.raised,
        role.ToolTipText: t.text,
        role.Highlight: t.accent,
        role.HighlightedText: t.on_accent,
        role.Link: t.accent,
        role.Mid: t.border,
    }
    palette = QPalette()
    for key, value in colours.items():
        palette.setColor(key, QColor(value))
    for key in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(group.Disabled, key, QColor(t.disabled))
    return palette


def style_sheet(t: Tokens) -> str:
    """Style of the widgets by object name and the dynamic property ``kind``."""
    chevron = "chevron-dark.svg" if t.dark else "chevron-light.svg"
    up = chevron.replace("chevron", "chevron-up")
    return f"""
    QWidget#stage {{ background: {t.canvas}; }}
    QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border}; padding: 4px 6px; }}
    QWidget#header, QWidget#side, QWidget#footer {{ background: {t.surface}; }}
    QWidget#header {{ border-bottom: 1px solid {t.border}; }}
    QWidget#side {{ border-left: 1px solid {t.border}; }}
    QWidget#footer {{ border-top: 1px solid {t.border}; }}
    QLabel[kind="muted"] {{ color: {t.muted}; }}
    QLabel[kind="bad"] {{ color: {t.bad}; }}
    QLabel[kind="title"] {{ font-weight: 600; }}
    QLabel[kind="pill"] {{ background: {t.accent_soft}; color: {t.accent}; border-radius: 9px; padding: 2px 9px; }}
    QLabel[kind="mono"] {{ font-family: "DejaVu Sans Mono", monospace; font-size: 9pt; }}
    QProgressBar {{ background: {t.border}; border: none; border-radius: 3px; min-height: 6px; max-height: 6px; }}
    QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
    QLabel[kind="heading"] {{ font-weight: 600; font-size: 15pt; }}
    QLineEdit {{ background: {t.surface}; border: 1px solid {t.strong_border}; border-radius: 8px; padding: 7px 10px;
        selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
    QLineEdit:focus {{ border: 2px solid {t.accent}; padding: 6px 9px; }}
    QLineEdit:disabled {{ color: {t.disabled}; }}
    QPushButton, QToolButton[kind="button"], QComboBox {{ background: {t.surface}; border: 1px solid {t.strong_border};
        border-radius: 8px; padding: 7px 12px; }}
    QPushButton[kind="step"] {{ background: transparent; border-color: transparent; text-align: left; }}
    QPushButton:hover, QToolButton[kind="button"]:hover, QComboBox:hover {{ background: {t.raised}; }}
    QPushButton, QToolButton {{ outline: none; }}
    QPushButton:focus, QToolButton[kind="button"]:focus, QComboBox:focus {{ border: 2px solid {t.accent};
        padding: 6px 11px; }}
    QToolButton[kind="button"]:focus {{ padding-right: 33px; }}
    QComboBox:focus {{ padding-right: 5px; }}
    QPushButton:pressed, QToolButton[kind="button"]:pressed {{ background: {t.border}; }}
    QPushButton:disabled, QToolButton[kind="button"]:disabled, QComboBox:disabled {{ color: {t.disabled};
        border-color: {t.border}; background: {t.surface}; }}
    QPushButton[kind="primary"] {{ background: {t.accent}; border-color: {t.accent}; color: {t.on_accent};
        font-weight: 600; }}
    QPushButton[kind="primary"]:hover {{ background: {t.accent_hover}; border-color: {t.accent_hover}; }}
    QPushButton[kind="primary"]:focus {{ border-color: {t.text}; }}
    QPushButton[kind="primary"]:disabled {{ background: {t.raised}; border-color: {t.raised}; color: {t.disabled}; }}
    QPushButton[kind="stop"]:enabled {{ background: {t.bad}; border-color: {t.bad}; color: {t.on_bad};
        font-weight: 600; }}
    QPushButton[kind="stop"]:enabled:focus {{ border-color: {t.text}; }}
    QToolButton[kind="button"] {{ padding-right: 34px; }}
    QToolButton[kind="button"]::menu-button {{ border: none; border-left: 1px solid {t.border}; width: 24px; }}
    QToolButton[kind="quiet"] {{ background: transparent; border: 1px solid transparent; border-radius: 6px;
        padding: 4px; }}
    QToolButton[kind="quiet"]:hover, QToolButton[kind="quiet"]:checked {{ background: {t.raised}; }}
    QToolButton[kind="quiet"]:focus {{ border-color: {t.accent}; }}
    QToolButton::menu-indicator {{ image: none; }}
    QComboBox {{ padding-right: 6px; }}
    QComboBox::drop-down {{ border: none; width: 22px; }}
    QComboBox::down-arrow {{ image: url("{resource_path(chevron)}"); width: 14px; height: 14px; }}
    QToolButton[kind="button"]::menu-arrow {{ image: url("{resource_path(chevron)}"); width: 14px; height: 14px; }}
    QSpinBox, QDoubleSpinBox, QPlainTextEdit {{ background: {t.surface}; border: 1px solid {t.strong_border};
        border-radius: 8px; selection-background-color: {t.accent};
        selection-color: {t.on_accent}; }}
    QSpinBox QLineEdit, QDoubleSpinBox QLineEdit {{ border: none; background: transparent; padding: 0; }}
    QSpinBox, QDoubleSpinBox {{ padding: 7px 28px 7px 10px; }}
    QSpinBox:focus, QDoubleSpinBox:focus {{ padding: 6px 27px 6px 9px; border: 2px solid {t.accent}; }}
    QPlainTextEdit {{ padding: 6px 8px; }}
    QPlainTextEdit:focus {{ border: 2px solid {t.accent}; padding: 5px 7px; }}
    QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button {{
        subcontrol-origin: border; border: none; background: transparent; width: 24px; height: 13px; }}
    QSpinBox::up-button, QDoubleSpinBox::up-button {{ subcontrol-position: top right; margin: 3px 3px 0 0; }}
    QSpinBox::down-button, QDoubleSpinBox::down-button {{ subcontrol-position: bottom right; margin: 0 3px 3px 0; }}
    QSpinBox::up-arrow, QDoubleSpinBox::up-arrow {{ image: url("{resource_path(up)}"); width: 12px; height: 12px; }}
    QSpinBox::down-arrow, QDoubleSpinBox::down-arrow {{ image: url("{resource_path(chevron)}"); width: 12px;
        height: 12px; }}
    QCheckBox, QRadioButton {{ spacing: 8px; padding: 4px 0; }}
    QRadioButton::indicator {{ width: 14px; height: 14px; border-radius: 8px; border: 1px solid {t.strong_border};
        background: {t.surface}; }}
    QRadioButton::indicator:checked {{ width: 6px; height: 6px; border: 5px solid {t.accent}; }}
    QRadioButton:focus {{ color: {t.accent}; }}
    QCheckBox:focus {{ color: {t.accent}; }}
    QComboBox QAbstractItemView {{ background: {t.surface}; border: 1px solid {t.border}; outline: none;
        selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}
    QMenu {{ background: {t.surface}; border: 1px solid {t.border}; padding: 5px; }}
    QMenu::item {{ padding: 7px 24px 7px 10px; border-radius: 5px; }}
    QMenu::icon {{ padding-left: 8px; }}
    QMenu::item:selected {{ background: {t.accent_soft}; }}
    QMenu::item:disabled {{ color: {t.disabled}; }}
    QMenu::separator {{ height: 1px; background: {t.border}; margin: 5px 6px; }}
    QFrame[kind="bar"] {{ background: {t.surface}; border: 1px solid {t.strong_border}; }}
    QFrame[kind="card"] {{ background: {t.surface}; border: 1px solid {t.border}; border-radius: 10px; }}
    QFrame[kind="sheet"] {{ background: {t.surface}; border: 1px solid {t.strong_border}; border-radius: 12px; }}
    QFrame[kind="sheet"] QListWidget {{ border: none; }}
    QFrame[kind="info"], QFrame[kind="warn"], QFrame[kind="bad"], QFrame[kind="good"] {{ border-radius: 8px; }}
    QFrame[kind="info"] {{ background: {t.accent_soft}; border: 1px solid {t.accent}; }}
    QFrame[kind="warn"] {{ background: {t.warn_soft}; border: 1px solid {t.warn}; }}
    QFrame[kind="bad"] {{ background: {t.bad_soft}; border: 1px solid {t.bad}; }}
    QFrame[kind="good"] {{ background: {t.good_soft}; border: 1px solid {t.good}; }}
    QScrollArea, QScrollArea > QWidget > QWidget#plain {{ background: transparent; border: none; }}
    QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
    QScrollBar::handle:vertical {{ background: {t.strong_border}; border-radius: 3px; min-height: 28px; }}
    QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ height: 0; width: 0;
        background: transparent; }}
    QSlider::groove:horizontal {{ background: {t.border}; height: 4px; border-radius: 2px; }}
    QSlider::sub-page:horizontal {{ background: {t.accent}; height: 4px; border-radius: 2px; }}
    QSlider::handle:horizontal {{ background: {t.accent}; width: 14px; height: 14px; margin: -5px 0;
        border-radius: 7px; }}
    QSlider::handle:horizontal:focus {{ background: {t.surface}; border: 3px solid {t.accent}; width: 8px;
        height: 8px; }}
    QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled {{ background: {t.disabled}; }}
    QSplitter::handle {{ background: {t.border}; }}
    QTabWidget::pane {{ border: none; background: {t.surface}; }}
    QTabWidget > QStackedWidget > QWidget {{ background: {t.surface}; }}
    QTabBar {{ background: {t.surface}; }}
    QTabBar::tab {{ background: transparent; color: {t.muted}; padding: 10px 12px 8px 12px; border: none;
        border-bottom: 2px solid transparent; }}
    QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent}; }}
    QTabBar::tab:focus {{ color: {t.accent}; }}
    QTableWidget, QListWidget {{ background: {t.surface}; border: 1px solid {t.border}; border-radius: 8px;
        outline: none; selection-background-color: {t.accent_soft}; selection-color: {t.text}; }}
    QTableWidget {{ border-radius: 0; }}
    QTableWidget:focus, QListWidget:focus {{ border-color: {t.accent}; }}
    QTableWidget::item {{ padding: 4px 6px; border: none; }}
    QTableWidget::item:selected, QListWidget::item:selected {{ background: {t.accent_soft}; color: {t.text}; }}
    QListWidget::item {{ padding: 6px; border-radius: 6px; color: {t.text}; }}
    QAbstractScrollArea::corner {{ background: transparent; border: none; }}
    QHeaderView {{ background: {t.surface}; }}
    QHeaderView::section {{ background: {t.surface}; color: {t.muted}; border: none;
        border-bottom: 1px solid {t.border}; padding: 5px 6px; }}
    QPushButton:checked {{ background: {t.accent_soft}; border-color: {t.accent}; }}
    QPushButton[kind="step"]:checked {{ border-color: transparent; font-weight: 600; }}
    QPushButton[kind="step"]:focus {{ border: 2px solid {t.accent}; }}
    QScrollArea[kind="page"] {{ border: 2px solid transparent; }}
    QScrollArea[kind="page"]:focus {{ border-color: {t.accent}; }}
    QScrollBar:horizontal {{ background: transparent; height: 10px; margin: 2px; }}
    QScrollBar::handle:horizontal {{ background: {t.strong_border}; border-radius: 3px; min-width: 28px; }}
    """


class Theme(QObject):
    """Applies tokens to the application and tells widgets that paint themselves."""

    changed = Signal()
    chosen = Signal(str)
    """The person chose another look: system, light or dark."""

    def __init__(self, app: QApplication, choice: Choice = "system") -> None:
        super().__init__(app)
        self._app = app
        self.choice: Choice = choice
        self.tokens = LIGHT
        app.setStyle("Fusion")
        app.styleHints().colorSchemeChanged.connect(self._apply)
        self._apply()

    def choose(self, choice: Choice) -> None:
        """Fixes the look, or follows the system."""
        self.choice = choice
        self._apply()
        self.chosen.emit(choice)

    def cycle(self) -> Choice:
        """The next of system, light, dark."""
        following: dict[Choice, Choice] = {"system": "light", "light": "dark", "dark": "system"}
        self.choose(following[self.choice])
        return self.choice

    def system_dark(self) -> bool:
        """Whether the desktop asks for dark windows; it tells Qt, and Qt tells of changes."""
        return self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark

    def colour(self, name: str) -> QColor:
        return QColor(getattr(self.tokens, name))

    def _apply(self) -> None:
        dark = self.choice == "dark" or (self.choice == "system" and self.system_dark())
        self.tokens = DARK if dark else LIGHT
        self._app.setPalette(palette_of(self.tokens))
        self._app.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit()
