"""Boxes of everything visible in a rendered widget, with role, name and state, in the words of AT-SPI."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDial,
    QDockWidget,
    QGroupBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QMenuBar,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QRadioButton,
    QScrollBar,
    QSlider,
    QStyle,
    QStyleOptionGroupBox,
    QTabBar,
    QTextEdit,
    QToolButton,
    QWidget,
)

from .harvest_views import cells, header_sections
from .kit import LABEL
from .seen import Found, Seen, plain_text
from .switch import Switch

WHOLE = 0.92
"""Share of a box that must be visible for its element to count."""
NARROWEST = 6


def harvest(top: QWidget) -> Found:
    """All elements below ``top`` that are not hidden, not scrolled away and not cut off; in painting order."""
    return _walk(top, top, top.rect())


def _walk(widget: QWidget, top: QWidget, clip: QRect) -> Found:
    place = QRect(widget.mapTo(top, QPoint(0, 0)), widget.size())
    clip = clip & place
    if clip.isEmpty() or not widget.isVisibleTo(top):
        return []
    handler = next((handle for kind, handle in HANDLERS if isinstance(widget, kind)), None)
    found = handler(widget) if handler else []
    seen = [s for s in (clipped(replace(f, rect=f.rect.translated(place.topLeft())), clip) for f in found) if s]
    if isinstance(widget, CLOSED):
        return seen
    for child in widget.children():
        if isinstance(child, QWidget) and not child.isWindow():
            seen += _walk(child, top, clip)
    return seen


def clipped(seen: Seen, clip: QRect) -> Seen | None:
    """The element within ``clip``, or None when too little of it is left."""
    left = seen.rect & clip
    whole = seen.rect.width() * seen.rect.height()
    if min(left.width(), left.height()) < NARROWEST or left.width() * left.height() < WHOLE * whole:
        return None
    return replace(seen, rect=left)


def states_of(widget: QWidget, *more: str) -> tuple[str, ...]:
    enabled = ("enabled", "sensitive") if widget.isEnabled() else ()
    return (*enabled, *more)


def _describe(widget: QWidget, name: str) -> str:
    text = widget.accessibleDescription() or plain_text(widget.toolTip())
    return "" if text == name else text


def _label_of(widget: QWidget) -> str:
    return str(widget.property(LABEL) or "").rstrip(":")


def _fits(widget: QWidget) -> bool:
    return widget.sizeHint().width() <= widget.width() + 1


def _button(widget: QAbstractButton) -> Found:
    shown = plain_text(widget.text())
    text_only = isinstance(widget, QToolButton) and widget.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextOnly
    drawn = bool(shown) and (text_only or _draws_text(widget))
    name = (
        widget.accessibleName() or shown or plain_text(widget.toolTip()) or CORNER_BUTTONS.get(widget.objectName(), "")
    )
    if drawn and not _fits(widget):
        drawn = False
        if widget.icon().isNull():
            return []
    if not drawn and widget.icon().isNull() and widget.objectName() not in CORNER_BUTTONS:
        return []
    role = str(widget.property("reticle_role") or ("toggle button" if widget.isCheckable() else "push button"))
    more = ["checked"] if widget.isChecked() else []
    if isinstance(widget, QPushButton) and widget.isDefault():
        more.append("is_default")
    if isinstance(widget, QToolButton | QPushButton) and widget.menu():
        more.append("has_popup")
    return [Seen(role, name, widget.rect(), _describe(widget, name), states_of(widget, *more), drawn)]


CORNER_BUTTONS = {"qt_dockwidget_closebutton": "Close", "qt_dockwidget_floatbutton": "Float"}


def _draws_text(widget: QAbstractButton) -> bool:
    if not isinstance(widget, QToolButton):
        return True
    return widget.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly or widget.icon().isNull()


def _switch(widget: Switch) -> Found:
    name, more = widget.accessibleName(), ("checkable", "checked") if widget.isChecked() else ("checkable",)
    return [Seen("switch", name, widget.rect(), "", states_of(widget, *more), False, _label_of(widget))]


def _box(widget: QAbstractButton) -> Found:
    """A check box or radio button; what lies right of its text is not part of it."""
    name = plain_text(widget.text())
    size = widget.sizeHint()
    if size.width() > widget.width() + 1:
        return []
    height = min(size.height(), widget.height())
    rect = QRect(0, (widget.height() - height) // 2, size.width(), height)
    role = "radio button" if isinstance(widget, QRadioButton) else "check box"
    more = ("checkable", "checked") if widget.isChecked() else ("checkable",)
    return [Seen(role, name, rect, _describe(widget, name), states_of(widget, *more), True)]


def _text_label(widget: QLabel) -> Found:
    text = plain_text(widget.text())
    if not text or widget.text().startswith("<"):
        return []
    flags = int(widget.alignment().value) | (int(Qt.TextFlag.TextWordWrap.value) if widget.wordWrap() else 0)
    area = widget.contentsRect()
    rect = widget.style().itemTextRect(widget.fontMetrics(), area, flags, True, widget.text())
    if rect.width() > area.width() or rect.height() > area.height() + 2:
        return []
    return [Seen("label", text, rect & widget.rect(), "", states_of(widget), True)]


def _line(widget: QLineEdit) -> Found:
    hidden = widget.echoMode() != QLineEdit.EchoMode.Normal
    value = "" if hidden else widget.text()
    name = widget.accessibleName() or widget.placeholderText()
    shown = bool(name) and name == widget.placeholderText() and not widget.text()
    states = states_of(widget, "editable")
    role = "password text" if hidden else "text"
    return [Seen(role, name, widget.rect(), _describe(widget, name), states, shown, _label_of(widget), value)]


def _multi_line(widget: QAbstractScrollArea) -> Found:
    text = widget.toPlainText() if isinstance(widget, QPlainTextEdit | QTextEdit) else ""
    states = states_of(widget, "editable", "multi_line")
    name = widget.accessibleName()
    return [Seen("text", name, widget.rect(), "", states, False, _label_of(widget), text[:60])]


def _combo(widget: QComboBox) -> Found:
    name = widget.accessibleName() or widget.currentText()
    shown = name == widget.currentText() and _fits(widget)
    states = states_of(widget, "has_popup", *(("editable",) if widget.isEditable() else ()))
    label, value = _label_of(widget), widget.currentText()
    return [Seen("combo box", name, widget.rect(), _describe(widget, name), states, shown, label, value)]


def _spin(widget: QAbstractSpinBox) -> Found:
    states = states_of(widget, "editable")
    name = widget.accessibleName()
    return [Seen("spin button", name, widget.rect(), "", states, False, _label_of(widget), widget.text())]


def _slider(widget: QAbstractSlider) -> Found:
    role = "scroll bar" if isinstance(widget, QScrollBar) else "dial" if isinstance(widget, QDial) else "slider"
    name, label = widget.accessibleName(), _label_of(widget)
    return [Seen(role, name, widget.rect(), "", states_of(widget), False, label, str(widget.value()))]


def _progress(widget: QProgressBar) -> Found:
    return [Seen("progress bar", "", widget.rect(), "", states_of(widget), None, _label_of(widget), widget.text())]


def _group(widget: QGroupBox) -> Found:
    option = QStyleOptionGroupBox()
    widget.initStyleOption(option)
    part = QStyle.SubControl
    parts = [part.SC_GroupBoxLabel] + ([part.SC_GroupBoxCheckBox] if widget.isCheckable() else [])
    rect = QRect()
    for one in parts:
        rect |= widget.style().subControlRect(QStyle.ComplexControl.CC_GroupBox, option, one, widget)
    role = "check box" if widget.isCheckable() else "label"
    more = ("checkable", "checked") if widget.isCheckable() and widget.isChecked() else ()
    return [Seen(role, plain_text(widget.title()), rect, "", states_of(widget, *more), True)] if widget.title() else []


def _tabs(bar: QTabBar) -> Found:
    found = []
    for i in range(bar.count()):
        rect, name = bar.tabRect(i), plain_text(bar.tabText(i))
        whole = bar.rect().contains(rect) and not _under_scrollers(bar, rect)
        if (
            bar.isTabVisible(i)
            and whole
            and bar.fontMetrics().horizontalAdvance(name) < max(rect.width(), rect.height())
        ):
            more = ("selected",) if i == bar.currentIndex() else ()
            found.append(Seen("page tab", name, rect, bar.tabToolTip(i), states_of(bar, "selectable", *more), True))
    return found


def _under_scrollers(bar: QTabBar, rect: QRect) -> bool:
    buttons = bar.findChildren(QToolButton, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return any(b.isVisibleTo(bar) and b.geometry().intersects(rect) for b in buttons)


def _bar(bar: QMenuBar) -> Found:
    states = states_of(bar, "selectable")
    shown = [(a, bar.actionGeometry(a)) for a in bar.actions() if a.isVisible() and a.text()]
    return [Seen("menu", plain_text(a.text()), r, "", states, True) for a, r in shown if bar.rect().contains(r)]


def menu_entries(menu: QMenu) -> Found:
    """The entries of an open menu."""
    found = []
    for action in menu.actions():
        if action.isSeparator() or not action.isVisible():
            continue
        role = "menu" if action.menu() else "check menu item" if action.isCheckable() else "menu item"
        states = ["enabled", "sensitive"] if action.isEnabled() else []
        states += ["checkable"] if action.isCheckable() else []
        states += ["checked"] if action.isChecked() else []
        name = plain_text(action.text())
        hint = "" if action.toolTip() == action.text() else action.toolTip()
        found.append(Seen(role, name, menu.actionGeometry(action), hint, (*states, "selectable"), True))
    return found


def _dock_title(dock: QDockWidget) -> Found:
    content = dock.widget()
    height = content.geometry().top() if content else 0
    metrics = dock.fontMetrics()
    wide = metrics.horizontalAdvance(dock.windowTitle())
    rect = QRect(0, 0, wide + 8, height)
    if height < metrics.height() or wide > dock.width() - 50:
        return []
    return [Seen("label", dock.windowTitle(), rect, "", states_of(dock), True)]


HANDLERS: tuple[tuple[type[QWidget], Callable[..., Found]], ...] = (
    (QHeaderView, header_sections),
    (QAbstractItemView, cells),
    (QCheckBox, _box),
    (QRadioButton, _box),
    (Switch, _switch),
    (QAbstractButton, _button),
    (QPlainTextEdit, _multi_line),
    (QTextEdit, _multi_line),
    (QLabel, _text_label),
    (QLineEdit, _line),
    (QComboBox, _combo),
    (QAbstractSpinBox, _spin),
    (QScrollBar, _slider),
    (QSlider, _slider),
    (QDial, _slider),
    (QProgressBar, _progress),
    (QGroupBox, _group),
    (QTabBar, _tabs),
    (QMenuBar, _bar),
    (QMenu, menu_entries),
    (QDockWidget, _dock_title),
)
CLOSED = (QComboBox, QAbstractSpinBox, QLineEdit, QMenu, QMenuBar, QAbstractButton)
"""What is inside of these belongs to them."""
