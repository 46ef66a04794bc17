"""The bar at the bottom: state of the model, timings, and how the picture is shown."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QWidget

from reticle_app.theme import Choice, Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import ElidedLabel, label, quiet_button, tint

DOTS = {"loading": "warn", "ready": "good", "busy": "accent", "ended": "bad"}
"""Colour token per state of the model."""
THEMES: dict[Choice, str] = {
    "system": QT_TR_NOOP("Look: like the system"),
    "light": QT_TR_NOOP("Look: light"),
    "dark": QT_TR_NOOP("Look: dark"),
}


class FooterBar(QWidget):
    heat_changed = Signal(bool, float)
    zoom_by = Signal(float)
    fit_asked = Signal()
    everything_changed = Signal(bool)
    elements_changed = Signal(bool)
    trail_changed = Signal(bool)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setObjectName("footer")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._theme, self._state = theme, "loading"
        self._dot = QLabel()
        self._dot.setFixedSize(9, 9)
        self.model, self.timings = label(), ElidedLabel()
        self.model.setAccessibleDescription(tr("State of the model"))
        self.timings.setProperty("kind", "muted")
        self.timings.setMinimumWidth(1)  # the first to give way in a small window
        self.timings.setAccessibleDescription(tr("Timings"))
        self.heat = quiet_button(tr("Heat map"), tr("Show or hide the heat map (H)"), checkable=True)
        self.heat.setChecked(True)
        self.everything = quiet_button(
            tr("All candidates"), tr("Draw also candidates of a few percent (A)"), checkable=True
        )
        self.elements = quiet_button(tr("Number elements"), tr("Number everything that was parsed (E)"), checkable=True)
        self.trail = quiet_button(tr("Trail"), tr("Show where past steps of the run pointed (T)"), checkable=True)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setValue(60)
        self.opacity.setFixedWidth(64)
        self.opacity.setAccessibleName(tr("Opacity of the heat map"))
        self.opacity.setToolTip(tr("Opacity of the heat map"))
        self.out = quiet_button(tr("Zoom out"), tr("Zoom out (Ctrl+-)"))
        self.zoom = label("100 %", "muted")
        self.zoom.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.zoom.setMinimumWidth(self.zoom.fontMetrics().horizontalAdvance("1600 %") + 6)
        self.into = quiet_button(tr("Zoom in"), tr("Zoom in (Ctrl++)"))
        self.fit = quiet_button(tr("Fit"), tr("Fit the picture to the window (Ctrl+0)"))
        self.inspector = quiet_button(tr("Inspector"), tr("Look into the attention on this picture (Ctrl+I)"))
        self.runs = quiet_button(tr("Recorded runs"), tr("Look through recorded runs (Ctrl+R)"))
        self.models = quiet_button(
            tr("Models"), tr("Models: which one is used, get others, measure this machine (Ctrl+M)")
        )
        self.welcome = quiet_button(
            tr("First steps"), tr("First steps: checks, permissions, pointer, a short tour (Shift+F1)")
        )
        self.settings = quiet_button(tr("Settings"), tr("Settings (Ctrl+,)"))
        self.look = quiet_button(tr("Look"), "")
        for button, name in (
            (self.heat, "heat"),
            (self.everything, "layers"),
            (self.elements, "numbers"),
            (self.trail, "trail"),
            (self.out, "minus"),
            (self.into, "plus"),
            (self.fit, "fit"),
            (self.inspector, "inspect"),
            (self.runs, "history"),
            (self.models, "models"),
            (self.welcome, "tour"),
            (self.settings, "settings"),
            (self.look, "theme"),
        ):
            tint(theme, button, name)
        self._lay_out()
        self._connect()
        theme.changed.connect(self._refresh)
        self._refresh()
        self.set_view(False, False)

    def set_model(self, state: str, words: str) -> None:
        """``state`` is a key of ``DOTS``."""
        self._state = state
        self.model.setText(words)
        self._refresh()

    def set_timings(self, timings_ms: Mapping[str, float]) -> None:
        """Phases in order of the answer, in milliseconds or seconds."""
        self.timings.tell("   ".join(f"{tr(name)} {_time(ms)}" for name, ms in timings_ms.items()))

    def set_view(self, picture: bool, heat: bool) -> None:
        """Whether there is a picture to zoom and a map to show."""
        for widget in (self.out, self.into, self.fit, self.zoom):
            widget.setEnabled(picture)
        self.elements.setEnabled(picture)
        self.everything.setEnabled(heat)
        self.heat.setEnabled(heat)
        self.opacity.setEnabled(heat and self.heat.isChecked())

    def show_zoom(self, zoom: float) -> None:
        self.zoom.setText(f"{zoom * 100:.0f} %")

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 6, 10, 6)
        row.setSpacing(6)
        row.addWidget(self._dot)
        row.addWidget(self.model)
        row.addSpacing(8)
        row.addWidget(self.timings, 1)
        for button in (self.trail, self.elements, self.everything, self.heat):
            row.addWidget(button)
        row.addWidget(self.opacity)
        row.addSpacing(8)
        for widget in (self.out, self.zoom, self.into, self.fit):
            row.addWidget(widget)
        row.addSpacing(8)
        for widget in (self.inspector, self.runs, self.models, self.welcome, self.settings, self.look):
            row.addWidget(widget)

    def _connect(self) -> None:
        self.heat.toggled.connect(self._tell_heat)
        self.opacity.valueChanged.connect(self._tell_heat)
        self.everything.toggled.connect(self.everything_changed)
        self.elements.toggled.connect(self.elements_changed)
        self.trail.toggled.connect(self.trail_changed)
        self.out.clicked.connect(lambda: self.zoom_by.emit(-1.0))
        self.into.clicked.connect(lambda: self.zoom_by.emit(1.0))
        self.fit.clicked.connect(self.fit_asked)
        self.look.clicked.connect(self._theme.cycle)

    def _tell_heat(self) -> None:
        self.opacity.setEnabled(self.heat.isEnabled() and self.heat.isChecked())
        self.heat_changed.emit(self.heat.isChecked(), self.opacity.value() / 100)

    def _refresh(self) -> None:
        colour = self._theme.colour(DOTS[self._state]).name()
        self._dot.setStyleSheet(f"background: {colour}; border-radius: 4px;")
        look = tr(THEMES[self._theme.choice])
        self.look.setToolTip(tr("{look} (click to change)").format(look=look))
        self.look.setAccessibleDescription(look)


def _time(ms: float) -> str:
    return f"{ms / 1000:.2f} s" if ms >= 1000 else f"{ms:.0f} ms"
