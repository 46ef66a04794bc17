"""Beside the picture in the inspector: candidates, elements, the map in figures, and times, as tables and bars."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from reticle_app.inspection import PatchFacts, map_facts
from reticle_app.theme import Theme
from reticle_app.widgets.basics import label
from reticle_app.widgets.timings import TimingBars
from reticle_grounding.types import Candidate, Grounding, ScreenElement

CANDIDATE_COLUMNS = ("", "p_true", "Mass", "Mean", "Found by", "Text")
ELEMENT_COLUMNS = ("", "Sort", "Text", "Place")
ORIGINS = {"attention": "attention", "text": "reading", "element": "drawing"}
SORTS = {
    "icon": "icon", "mark": "check mark", "bar": "wide button or field", "box": "button", "area": "area",
    "track": "slider", "text": "text",
}  # fmt: skip
NO_PATCH = "Point at the map, or move with Ctrl and the arrows, to see a patch's values."


def table(name: str, columns: Sequence[str], wide: int) -> QTableWidget:
    """A table that is read, not edited; column ``wide`` takes the room that is left."""
    made = QTableWidget(0, len(columns))
    made.setAccessibleName(name)
    made.setHorizontalHeaderLabels(list(columns))
    made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setTabKeyNavigation(False)
    made.setWordWrap(False)
    made.setShowGrid(False)
    made.verticalHeader().hide()
    header = made.horizontalHeader()
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
    header.setHighlightSections(False)
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    return made


def fill(widget: QTableWidget, rows: Sequence[Sequence[str]]) -> None:
    widget.blockSignals(True)
    widget.setRowCount(len(rows))
    for r, cells in enumerate(rows):
        for c, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            widget.setItem(r, c, item)
    widget.clearSelection()
    widget.blockSignals(False)


def candidate_row(c: Candidate) -> list[str]:
    origin = ORIGINS.get(c.origin, c.origin)
    return [str(c.rank), f"{c.p_true:.1%}", f"{c.attention_mass:.1%}", f"{c.attention_mean:.2%}", origin, c.text or ""]


class InspectorSide(QTabWidget):
    candidate_chosen = Signal(int, int)
    """Side (0 is A) and index of the candidate."""
    element_chosen = Signal(object)
    """ScreenElement, or None."""
    elements_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName("Details")
        self.setMinimumWidth(340)
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self._elements: list[ScreenElement] = []
        self._listed: list[int] = []
        self.tables = [table(f"Candidates {s}", CANDIDATE_COLUMNS, 5) for s in ("A", "B")]
        self._letters = [label(s, "title") for s in ("A", "B")]
        self.elements = table("Elements of the screen", ELEMENT_COLUMNS, 2)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search elements")
        self.search.setAccessibleName("Search elements")
        self.search.setClearButtonEnabled(True)
        self.element_hint = label("", "muted", wrap=True)
        self.bars = TimingBars(theme)
        self.map_words, self.patch_words = label("", wrap=True), label(NO_PATCH, "muted", wrap=True)
        self.patch_words.setAccessibleName("Patch")
        self.map_words.setAccessibleName("Map")
        for widget in (self.map_words, self.patch_words):
            widget.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._lay_out()
        self._connect()
        self.show_answers([None])
        self.show_elements(None)

    # --- contents ---

    def show_answers(self, answers: Sequence[Grounding | None]) -> None:
        """One answer, or two of a comparison."""
        for side, widget in enumerate(self.tables):
            grounding = answers[side] if side < len(answers) else None
            widget.setVisible(side < len(answers))
            self._letters[side].setVisible(len(answers) > 1)
            fill(widget, [candidate_row(c) for c in grounding.candidates] if grounding else [])
        there = [g for g in answers if g is not None]
        self.bars.show_timings([g.timings_ms for g in there])
        self.map_words.setText("\n\n".join(_map_words(g) for g in there) or "No answer yet.")
        self.show_patch(None)

    def choose(self, side: int, index: int | None) -> None:
        widget = self.tables[side]
        widget.blockSignals(True)
        if index is None:
            widget.clearSelection()
        else:
            widget.selectRow(index)
        widget.blockSignals(False)

    def show_patch(self, facts: PatchFacts | None) -> None:
        self.patch_words.setText(NO_PATCH if facts is None else _patch_words(facts))

    def show_elements(self, elements: Sequence[ScreenElement] | None) -> None:
        """None: they have not been asked for."""
        self._elements = list(elements or ())
        if elements is None:
            hint = "Everything that was read or recognised by its shape is listed here once it is asked for."
        elif not elements:
            hint = "Nothing was recognised on this picture."
        else:
            hint = f"{len(elements)} elements"
        self.element_hint.setText(hint)
        self.search.setEnabled(bool(self._elements))
        self._list_elements()

    def _list_elements(self) -> None:
        wanted = self.search.text().strip().casefold()
        self._listed = [
            i
            for i, e in enumerate(self._elements)
            if not wanted or wanted in f"{e.text or ''} {SORTS[e.sort]}".casefold()
        ]
        rows = []
        for i in self._listed:
            element = self._elements[i]
            at = element.rect
            place = f"{at.left:.0f}, {at.top:.0f}  {at.width:.0f} × {at.height:.0f}"
            rows.append([str(i + 1), SORTS[element.sort], element.text or "", place])
        fill(self.elements, rows)

    # --- construction ---

    def _lay_out(self) -> None:
        candidates = [w for pair in zip(self._letters, self.tables, strict=True) for w in pair]
        self.addTab(_page(candidates), "Candidates")
        self.elements_tab = self.addTab(_page([self.search, self.element_hint, self.elements]), "Elements")
        self.addTab(
            _page([label("Patch", "title"), self.patch_words, label("Map", "title"), self.map_words, None]), "Map"
        )
        self.addTab(_page([self.bars, None]), "Time")

    def _connect(self) -> None:
        for side, widget in enumerate(self.tables):
            widget.itemSelectionChanged.connect(self._picker(side, widget))
        self.elements.itemSelectionChanged.connect(self._pick_element)
        self.search.textChanged.connect(self._list_elements)
        self.currentChanged.connect(lambda tab: self.elements_asked.emit() if tab == self.elements_tab else None)

    def _picker(self, side: int, widget: QTableWidget) -> Callable[[], None]:
        def pick() -> None:
            if widget.selectedItems():
                self.candidate_chosen.emit(side, widget.currentRow())

        return pick

    def _pick_element(self) -> None:
        row = self.elements.currentRow() if self.elements.selectedItems() else -1
        self.element_chosen.emit(self._elements[self._listed[row]] if 0 <= row < len(self._listed) else None)


def _page(widgets: Sequence[QWidget | None]) -> QWidget:
    """One tab; None is room that stays empty."""
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(12, 10, 12, 12)
    column.setSpacing(8)
    for widget in widgets:
        if widget is None:
            column.addStretch()
        else:
            column.addWidget(widget)
    return page


def _map_words(grounding: Grounding) -> str:
    facts = map_facts(grounding)
    return (
        f"“{grounding.instruction}”\n"
        f"{facts.columns} × {facts.rows} patches, model {grounding.model}\n"
        f"Peak {facts.peak:.2%} of all attention\n"
        f"Entropy {facts.entropy_bits:.1f} bits of {facts.even_bits:.1f} (an even map)"
    )


def _patch_words(facts: PatchFacts) -> str:
    region = f"In region {facts.region}" if facts.region else "In no region at this threshold"
    at = facts.area
    return (
        f"Row {facts.row + 1}, column {facts.column + 1}: pixels {at.left:.0f}, {at.top:.0f} to "
        f"{at.right:.0f}, {at.bottom:.0f}\n"
        f"Attention {facts.attention:.3%}, {facts.of_peak:.0%} of the peak; place {facts.place} of {facts.count}\n"
        f"{region}\n{facts.kept[:1].upper()}{facts.kept[1:]}"
    )
