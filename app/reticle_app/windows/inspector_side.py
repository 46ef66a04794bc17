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
from reticle_app.translations import QT_TR_NOOP, tr
from reticle_app.widgets.basics import clearable, label
from reticle_app.widgets.timings import TimingBars
from reticle_grounding.types import Candidate, Grounding, ScreenElement

CANDIDATE_COLUMNS = (
    "", "p_true", QT_TR_NOOP("Mass"), QT_TR_NOOP("Mean"), QT_TR_NOOP("Found by"), QT_TR_NOOP("Text"),
)  # fmt: skip
CANDIDATE_MEANINGS = (
    "",
    QT_TR_NOOP("How likely it is that this is what was meant, 0 to 100 %"),
    QT_TR_NOOP("Share of the whole attention that lies on its patches"),
    QT_TR_NOOP("Attention of its patches on average, in shares of the whole"),
    QT_TR_NOOP("What proposed it: attention, a text that was read, or a drawn control"),
    QT_TR_NOOP("What was read there"),
)
ELEMENT_COLUMNS = ("", QT_TR_NOOP("Sort"), QT_TR_NOOP("Text"), QT_TR_NOOP("Place"))
ORIGINS = {"attention": QT_TR_NOOP("attention"), "text": QT_TR_NOOP("reading"), "element": QT_TR_NOOP("drawing")}
SORTS = {
    "icon": QT_TR_NOOP("icon"), "mark": QT_TR_NOOP("check mark"), "bar": QT_TR_NOOP("wide button or field"),
    "box": QT_TR_NOOP("button"), "area": QT_TR_NOOP("area"), "track": QT_TR_NOOP("slider"), "text": QT_TR_NOOP("text"),
}  # fmt: skip
NO_PATCH = QT_TR_NOOP("Point at the map, or move with Ctrl and the arrows, to see a patch's values.")


def table(name: str, columns: Sequence[str], wide: int, meanings: Sequence[str] = ()) -> QTableWidget:
    """A table that is read, not edited; column ``wide`` takes the room that is left, tool tips tell ``meanings``."""
    made = QTableWidget(0, len(columns))
    made.setAccessibleName(name)
    made.setHorizontalHeaderLabels([tr(column) if column else "" for column in columns])
    made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    made.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setTabKeyNavigation(False)
    made.setWordWrap(False)
    made.setShowGrid(False)
    made.verticalHeader().hide()
    for column, meaning in enumerate(meanings):
        heading = made.horizontalHeaderItem(column)
        if heading is not None and meaning:
            heading.setToolTip(tr(meaning))
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
    origin = tr(ORIGINS.get(c.origin, c.origin))
    return [str(c.rank), f"{c.p_true:.1%}", f"{c.attention_mass:.1%}", f"{c.attention_mean:.2%}", origin, c.text or ""]


class InspectorSide(QTabWidget):
    candidate_chosen = Signal(int, int)
    """Side (0 is A) and index of the candidate."""
    element_chosen = Signal(object)
    """ScreenElement, or None."""
    elements_asked = Signal()

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self.setAccessibleName(tr("Details"))
        self.setMinimumWidth(340)
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self._elements: list[ScreenElement] = []
        self._listed: list[int] = []
        self.tables = [
            table(tr("Candidates {side}").format(side=s), CANDIDATE_COLUMNS, 5, CANDIDATE_MEANINGS) for s in ("A", "B")
        ]
        self._letters = [label(s, "title") for s in ("A", "B")]
        self.elements = table(tr("Elements of the screen"), ELEMENT_COLUMNS, 2)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search elements"))
        self.search.setAccessibleName(tr("Search elements"))
        clearable(self.search)
        self.element_hint = label("", "muted", wrap=True)
        self.bars = TimingBars(theme)
        self.map_words, self.patch_words = label("", wrap=True), label(tr(NO_PATCH), "muted", wrap=True)
        self.patch_words.setAccessibleDescription(tr("Patch"))
        self.map_words.setAccessibleDescription(tr("Map"))
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
        self.map_words.setText("\n\n".join(_map_words(g) for g in there) or tr("No answer yet."))
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
        self.patch_words.setText(tr(NO_PATCH) if facts is None else _patch_words(facts))

    def show_elements(self, elements: Sequence[ScreenElement] | None) -> None:
        """None: they have not been asked for."""
        self._elements = list(elements or ())
        if elements is None:
            hint = tr("Everything that was read or recognised by its shape is listed here once it is asked for.")
        elif not elements:
            hint = tr("Nothing was recognised on this picture.")
        else:
            hint = tr("%n element(s)", "", len(elements))
        self.element_hint.setText(hint)
        self.search.setEnabled(bool(self._elements))
        self._list_elements()

    def _list_elements(self) -> None:
        wanted = self.search.text().strip().casefold()
        self._listed = [
            i
            for i, e in enumerate(self._elements)
            if not wanted or wanted in f"{e.text or ''} {tr(SORTS[e.sort])}".casefold()
        ]
        rows = []
        for i in self._listed:
            element = self._elements[i]
            at = element.rect
            place = f"{at.left:.0f}, {at.top:.0f}  {at.width:.0f} × {at.height:.0f}"
            rows.append([str(i + 1), tr(SORTS[element.sort]), element.text or "", place])
        fill(self.elements, rows)

    # --- construction ---

    def _lay_out(self) -> None:
        candidates = [w for pair in zip(self._letters, self.tables, strict=True) for w in pair]
        self.addTab(_page(candidates), tr("Candidates"))
        self.elements_tab = self.addTab(_page([self.search, self.element_hint, self.elements]), tr("Elements"))
        self.addTab(
            _page([label(tr("Patch"), "title"), self.patch_words, label(tr("Map"), "title"), self.map_words, None]),
            tr("Map"),
        )
        self.addTab(_page([self.bars, None]), tr("Time"))

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
    lines = (
        tr("{columns} × {rows} patches, model {model}"),
        tr("Peak {peak} of all attention"),
        tr("Entropy {bits} bits of {even} (an even map)"),
    )
    named = {
        "columns": facts.columns,
        "rows": facts.rows,
        "model": grounding.model,
        "peak": f"{facts.peak:.2%}",
        "bits": f"{facts.entropy_bits:.1f}",
        "even": f"{facts.even_bits:.1f}",
    }
    return "\n".join([f"“{grounding.instruction}”", *(line.format(**named) for line in lines)])


def _patch_words(facts: PatchFacts) -> str:
    at = facts.area
    region = tr("In region {number}") if facts.region else tr("In no region at this threshold")
    lines = (
        tr("Row {row}, column {column}: pixels {left}, {top} to {right}, {bottom}"),
        tr("Attention {share}, {of_peak} of the peak; place {place} of {count}"),
        region,
        _kept_words(facts),
    )
    named = {
        "row": facts.row + 1,
        "column": facts.column + 1,
        "left": f"{at.left:.0f}",
        "top": f"{at.top:.0f}",
        "right": f"{at.right:.0f}",
        "bottom": f"{at.bottom:.0f}",
        "share": f"{facts.attention:.3%}",
        "of_peak": f"{facts.of_peak:.0%}",
        "place": facts.place,
        "count": facts.count,
        "number": facts.region,
        "best": f"{facts.keep_ratio:.0%}" if facts.keep_ratio is not None else "",
    }
    return "\n".join(line.format(**named) for line in lines)


def _kept_words(facts: PatchFacts) -> str:
    """Whether the language model saw the patch, and why."""
    if facts.keep_ratio is None:
        return tr("Kept: nothing was left out")
    if facts.kept:
        return tr("Kept: its instruction score is among the best {best}, or the best of its element in the UI graph")
    return tr("Dropped: its instruction score is not among the best {best}, nor the best of its element")
