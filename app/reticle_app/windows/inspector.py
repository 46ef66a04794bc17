"""The inspector: look into the attention on a screenshot, and compare two wordings or two settings on it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QCloseEvent, QGuiApplication, QImage, QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QSlider,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from reticle_app.commands import Commands
from reticle_app.inspection import FORMATS
from reticle_app.resources import app_icon
from reticle_app.theme import Theme
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.banner import Banner
from reticle_app.widgets.basics import ElidedLabel, centred, label, open_at_hint, push_button, quiet_button, tint
from reticle_app.widgets.heat import PALETTE_NAMES
from reticle_grounding.geometry import Rect
from reticle_grounding.types import ScreenElement

from .inspector_pane import THRESHOLD, InspectorPane
from .inspector_side import InspectorSide
from .main import pictures_filter
from .palettes import offer_palette

EMPTY = QT_TR_NOOP(
    "Open a screenshot, capture the screen, or take a step of a recorded run; then say what to look for."
)


class InspectorWindow(QMainWindow):
    file_chosen = Signal(Path)
    capture_asked = Signal()
    traces_asked = Signal()
    """A step of a recorded run is wanted."""
    region_chosen = Signal(Rect)
    """Capture pixels of the present picture that become the picture."""
    export_chosen = Signal(int, Path)
    """Side and file."""
    picture_given = Signal(QImage)
    compare_changed = Signal(bool)
    closing = Signal()

    def __init__(self, theme: Theme, shared: Commands) -> None:
        super().__init__()
        self.theme, self.commands = theme, Commands(self)
        self.setWindowTitle(tr("Inspector"))
        self.setWindowIcon(app_icon())
        self.setMinimumHeight(480)  # as wide as its words, which differ by language
        self.panes = [InspectorPane(theme, side) for side in ("A", "B")]
        self.side, self.banner = InspectorSide(theme), Banner(theme)
        self.open_button = push_button(tr("Open…"), tr("Use a picture file (Ctrl+O)"))
        self.capture_button = push_button(tr("Capture"), tr("Take a picture of the screen with own windows hidden"))
        self.trace_button = push_button(tr("Step of a run…"), tr("Take a picture from a recorded run"))
        self.region_button = push_button(tr("Region"), tr("Draw a box: only that part of the picture is looked at (R)"))
        self.region_button.setCheckable(True)
        self.compare_button = push_button(tr("Compare"), tr("Ask two things of the same picture side by side (C)"))
        self.compare_button.setCheckable(True)
        self.export_button = push_button(tr("Export…"), tr("Write picture, NumPy file or JSON (Ctrl+S)"))
        self.source = ElidedLabel()
        self.source.setProperty("kind", "muted")
        self.heat = quiet_button(tr("Heat map"), tr("Show or hide the heat map (H)"), checkable=True)
        self.heat.setChecked(True)
        self.opacity = self._slider(tr("Opacity of the heat map"), 60, 110)
        self.palette_box = QComboBox()
        self.palette_box.setAccessibleName(tr("Colours of the heat map"))
        self.palette_box.setToolTip(tr("Both can be told apart without seeing colours"))
        for key, words in PALETTE_NAMES.items():
            self.palette_box.addItem(tr(words), key)
        self.threshold = self._slider(tr("Threshold of regions"), round(THRESHOLD * 100), 150)
        self.threshold.setToolTip(tr("Regions are patches above this share of the peak that hang together"))
        self.threshold_words = QLabel()
        self.threshold_words.setAccessibleDescription(tr("Regions"))
        self.regions = quiet_button(tr("Regions"), tr("Show or hide the regions (G)"), checkable=True)
        self.regions.setChecked(True)
        self.everything = quiet_button(
            tr("All candidates"), tr("Draw also candidates of a few percent (A)"), checkable=True
        )
        self.numbers = quiet_button(tr("Number elements"), tr("Number everything that was parsed (E)"), checkable=True)
        self.fit = quiet_button(tr("Fit"), tr("Fit the picture to the window (Ctrl+0)"))
        for button, icon in (
            (self.open_button, "image"), (self.capture_button, "screen"), (self.trace_button, "history"),
            (self.region_button, "edit"), (self.compare_button, "compare"), (self.export_button, "export"),
            (self.heat, "heat"), (self.everything, "layers"), (self.numbers, "numbers"),
        ):  # fmt: skip
            tint(theme, button, icon)
        tint(theme, self.fit, "fit")
        tint(theme, self.regions, "edit")
        self._lay_out()
        self._connect()
        self._offer_commands(shared)
        self.show_picture(None, "")
        open_at_hint(self)

    def sizeHint(self) -> QSize:
        return QSize(1280, 800)

    # --- what the controller sets ---

    def show_picture(self, image: QImage | None, source: str) -> None:
        """A new picture without an answer; None is the empty page."""
        for pane in self.panes:
            pane.show_picture(image)
        self.source.tell(source)
        self.stack.setCurrentIndex(0 if image is None else 1)
        self.region_button.setChecked(False)
        self.side.show_elements(None)
        self.refresh()

    @property
    def comparing(self) -> bool:
        return self.compare_button.isChecked()

    @property
    def shown_panes(self) -> list[InspectorPane]:
        return self.panes if self.comparing else self.panes[:1]

    def refresh(self) -> None:
        """Tables, bars and buttons after another answer or another way of showing."""
        self.side.show_answers([pane.grounding for pane in self.shown_panes])
        for i, pane in enumerate(self.shown_panes):
            self.side.choose(i, 0 if pane.grounding and pane.grounding.best else None)
        picture = self.panes[0].canvas.has_picture
        answered = any(pane.grounding is not None for pane in self.shown_panes)
        on_picture: list[QWidget] = [self.region_button, self.compare_button, self.fit, self.numbers]
        on_answer: list[QWidget] = [
            self.heat,
            self.opacity,
            self.palette_box,
            self.threshold,
            self.regions,
            self.everything,
        ]
        for widget in on_picture:
            widget.setEnabled(picture)
        for widget in on_answer:
            widget.setEnabled(answered)
        self.export_button.setEnabled(answered)
        self._set_threshold()

    # --- construction ---

    def _slider(self, name: str, value: int, width: int) -> QSlider:
        made = QSlider(Qt.Orientation.Horizontal)
        made.setRange(1, 100)
        made.setValue(value)
        made.setFixedWidth(width)
        made.setAccessibleName(name)
        made.setToolTip(name)
        return made

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setContentsMargins(14, 10, 14, 10)
        top.setSpacing(8)
        for source in (self.open_button, self.capture_button, self.trace_button, self.region_button):
            top.addWidget(source)
        top.addWidget(self.source, 1)
        top.addWidget(self.compare_button)
        top.addWidget(self.export_button)
        self.source.setMinimumWidth(0)
        header = _bar("header", top)
        both = QSplitter(Qt.Orientation.Horizontal)
        for pane in self.panes:
            both.addWidget(pane)
        both.setChildrenCollapsible(False)
        self.panes[1].hide()
        self.stack = QStackedWidget()
        self.stack.addWidget(self._empty_page())
        self.stack.addWidget(both)
        stage, middle = QWidget(), QVBoxLayout()
        stage.setObjectName("stage")
        stage.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        middle.setContentsMargins(0, 0, 0, 0)
        middle.setSpacing(0)
        middle.addWidget(self.banner)
        middle.addWidget(self.stack, 1)
        stage.setLayout(middle)
        split = QSplitter(Qt.Orientation.Horizontal)
        split.addWidget(stage)
        split.addWidget(self.side)
        split.setStretchFactor(0, 1)
        split.setSizes([900, 380])
        split.setChildrenCollapsible(False)
        root = QVBoxLayout()
        root.setContentsMargins(0, 0, 0, 0)
        root.setSpacing(0)
        for widget, stretch in ((header, 0), (split, 1), (self._bottom(), 0)):
            root.addWidget(widget, stretch)
        centre = QWidget()
        centre.setLayout(root)
        self.setCentralWidget(centre)

    def _bottom(self) -> QWidget:
        row = QHBoxLayout()
        row.setContentsMargins(14, 6, 14, 6)
        row.setSpacing(8)
        groups: list[list[QWidget]] = [
            [self.heat, self.opacity, self.palette_box],
            [self.regions, self.threshold, self.threshold_words],
            [self.everything, self.numbers, self.fit],
        ]
        for index, group in enumerate(groups):
            if index:
                row.addSpacing(12)
            if index == len(groups) - 1:
                row.addStretch()
            for widget in group:
                row.addWidget(widget)
        return _bar("footer", row)

    def _empty_page(self) -> QWidget:
        title, text = label(tr("Look into the attention"), "heading"), label(tr(EMPTY), "muted", wrap=True)
        middle, words = QWidget(), QVBoxLayout()
        words.setSpacing(10)
        for line in (title, text):
            line.setAlignment(Qt.AlignmentFlag.AlignCenter)
            words.addWidget(line)
        middle.setFixedWidth(440)
        middle.setLayout(words)
        page, column = QWidget(), QVBoxLayout()
        column.addStretch(2)
        column.addLayout(centred(middle))
        column.addStretch(3)
        page.setLayout(column)
        return page

    def _connect(self) -> None:
        self.open_button.clicked.connect(self.ask_file)
        self.capture_button.clicked.connect(self.capture_asked)
        self.trace_button.clicked.connect(self.traces_asked)
        self.export_button.clicked.connect(self.ask_export)
        self.region_button.toggled.connect(self._draw_region)
        self.compare_button.toggled.connect(self._compare)
        self.heat.toggled.connect(self._set_heat)
        self.opacity.valueChanged.connect(self._set_heat)
        self.palette_box.currentIndexChanged.connect(self._set_palette)
        self.threshold.valueChanged.connect(self._set_threshold)
        self.side.element_chosen.connect(self._outline)
        self.side.candidate_chosen.connect(lambda side, index: self.panes[side].choose(index))
        for i, pane in enumerate(self.panes):
            other = self.panes[1 - i]
            self.regions.toggled.connect(pane.show_regions)
            self.everything.toggled.connect(pane.canvas.set_everything)
            self.fit.clicked.connect(pane.canvas.fit)
            pane.hovered.connect(self.side.show_patch)
            pane.viewed.connect(other.canvas.follow)
            pane.chosen.connect(lambda index, side=i: self._chosen(side, index))
            pane.canvas.drawn.connect(self._region_drawn)

    def _offer_commands(self, shared: Commands) -> None:
        """All that can be done here; single letters and digits are heard by :meth:`keyPressEvent`."""
        group, add, add_button = tr("Picture"), self.commands.add, self.commands.add_button
        add_button("inspector.open", self.open_button, group=group, keys="Ctrl+O", words=tr("Open picture…"))
        add_button("inspector.capture", self.capture_button, group=group, words=tr("Capture this screen"))
        add("inspector.paste", tr("Paste picture"), self.paste, group=group, keys="Ctrl+V")
        words = tr("Take a step of a recorded run")
        add_button("inspector.step", self.trace_button, group=group, words=words)
        words = tr("Look at a part of the picture")
        add_button("inspector.region", self.region_button, group=group, keys="R", words=words, listen=False)
        add_button("inspector.export", self.export_button, group=group, keys="Ctrl+S", words=tr("Export the answer…"))
        group, first = tr("Question"), self.panes[0]
        add("inspector.words", tr("Go to the words"), first.words.setFocus, group=group, keys="Ctrl+L")
        words = tr("Ask the model")
        add_button(
            "inspector.find",
            first.find_button,
            group=group,
            keys="Return",
            words=words,
            listen=False,
            said_keys=tr("Enter"),
        )
        words = tr("Compare two questions")
        add_button("inspector.compare", self.compare_button, group=group, keys="C", words=words, listen=False)
        group = tr("View")
        for key, button, name in (
            ("H", self.heat, "heat"), ("G", self.regions, "regions"),
            ("A", self.everything, "everything"), ("E", self.numbers, "elements"),
        ):  # fmt: skip
            add_button(f"inspector.{name}", button, group=group, keys=key, listen=False)
        add_button("inspector.fit", self.fit, group=group, keys="Ctrl+0")
        zoom = self._zoom
        add(
            "inspector.in",
            tr("Zoom in"),
            lambda: zoom(1),
            group=group,
            keys=("Ctrl++", "Ctrl+="),
            enabled=self.fit.isEnabled,
        )
        add("inspector.out", tr("Zoom out"), lambda: zoom(-1), group=group, keys="Ctrl+-", enabled=self.fit.isEnabled)
        patches, keys = tr("Walk over the patches"), tr("Ctrl+Arrows")
        add(
            "inspector.patches", patches, first.canvas.setFocus,
            group=group, enabled=self.heat.isEnabled, said_keys=keys,
        )  # fmt: skip
        add("inspector.close", tr("Close this window"), self.close, group=tr("Windows"), keys="Ctrl+W")
        self.command_palette = offer_palette(self, self.theme, self.commands, shared)

    # --- actions ---

    def ask_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, tr("Open picture"), "", pictures_filter())
        if name:
            self.file_chosen.emit(Path(name))

    def ask_export(self) -> None:
        filters = ";;".join(f"{tr(words)} (*{end})" for end, words in FORMATS.items())
        for side, pane in enumerate(self.shown_panes):
            if pane.grounding is None:
                continue
            title = tr("Export {side}").format(side="AB"[side]) if self.comparing else tr("Export")
            name, kind = QFileDialog.getSaveFileName(self, title, "grounding.png", filters)
            if name:
                ends = [end for end in FORMATS if kind.endswith(f"(*{end})")]
                path = Path(name)
                self.export_chosen.emit(side, path if path.suffix or not ends else path.with_suffix(ends[0]))

    def paste(self) -> None:
        picture = QGuiApplication.clipboard().image()
        if picture.isNull():
            self.banner.tell("info", tr("There is no picture in the clipboard"), tr("Copy one and paste again."))
        else:
            self.picture_given.emit(picture)

    def _zoom(self, steps: float) -> None:
        if self.panes[0].canvas.has_picture:
            self.panes[0].canvas.zoom_by(steps)

    def _draw_region(self, on: bool) -> None:
        for pane in self.panes:
            pane.canvas.draw_boxes(on)
            pane.canvas.set_box(None)

    def _region_drawn(self, rect: Rect) -> None:
        self.region_button.setChecked(False)
        self.region_chosen.emit(rect)

    def _compare(self, on: bool) -> None:
        self.panes[1].setVisible(on)
        for pane in self.panes:
            pane.letter.setVisible(on)
        if on and not self.panes[1].words.text():
            self.panes[1].words.setText(self.panes[0].words.text())
        self.refresh()
        self.compare_changed.emit(on)
        for pane in self.panes:
            pane.canvas.fit()

    def _outline(self, element: ScreenElement | None) -> None:
        for pane in self.panes:
            pane.canvas.set_focus_box(element.rect if element is not None else None)

    def _chosen(self, side: int, index: int) -> None:
        self.panes[side].choose(index)
        self.side.choose(side, index)

    def _set_heat(self) -> None:
        for pane in self.panes:
            pane.canvas.set_heat(self.heat.isChecked(), self.opacity.value() / 100)

    def _set_palette(self) -> None:
        for pane in self.panes:
            pane.canvas.set_palette(self.palette_box.currentData())

    def _set_threshold(self) -> None:
        share = self.threshold.value() / 100
        counts = [pane.set_threshold(share) for pane in self.panes][: len(self.shown_panes)]
        there = [pane.grounding is not None for pane in self.shown_panes]
        words = tr(" and ").join(str(n) for n, some in zip(counts, there, strict=True) if some)
        text = tr("above {share} of the peak: {counts}") if words else tr("{share} of the peak")
        self.threshold_words.setText(text.format(share=f"{share:.0%}", counts=words))

    # --- Qt ---

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Digits choose in A; letters toggle what is drawn. Fields that want the keys come first."""
        digit = event.key() - Qt.Key.Key_1.value
        toggles: dict[int, QAbstractButton] = {
            Qt.Key.Key_H: self.heat, Qt.Key.Key_G: self.regions, Qt.Key.Key_A: self.everything,
            Qt.Key.Key_E: self.numbers, Qt.Key.Key_C: self.compare_button, Qt.Key.Key_R: self.region_button,
        }  # fmt: skip
        button = toggles.get(event.key())
        grounding = self.panes[0].grounding
        if grounding is not None and 0 <= digit < min(9, len(grounding.candidates)):
            self._chosen(0, digit)
        elif event.key() == Qt.Key.Key_Escape and self.region_button.isChecked():
            self.region_button.setChecked(False)
        elif button is not None and button.isEnabled():
            button.toggle()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)


def _bar(name: str, layout: QHBoxLayout) -> QWidget:
    made = QWidget()
    made.setObjectName(name)
    made.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    made.setLayout(layout)
    return made
