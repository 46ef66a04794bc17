"""Boxes of the rows, cells and headers of item views."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QModelIndex, QPoint, QRect, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QListView, QTableView, QTreeView

from .seen import Found, Seen, plain_text

TITLE_MARGIN = 14
"""Pixels left and right of a header's title that style sheets may take, though Qt does not count them."""


def cells(view: QAbstractItemView) -> Found:
    """Entries of a list, or cells of a table or tree, that can be seen from their left edge on."""
    role = "list item" if isinstance(view, QListView) else "table cell"
    port = view.viewport()
    shift = port.mapTo(view, QPoint(0, 0))
    found = []
    for index in _indexes(view):
        rect, name = view.visualRect(index), plain_text(str(index.data() or ""))
        left = rect & port.rect()
        if not name or left.isEmpty() or left.height() < rect.height() or left.left() > rect.left():
            continue
        rect, text = left, _text_fits(view, index, left, name)
        if text or (
            index.data(Qt.ItemDataRole.DecorationRole) is not None and rect.width() > view.iconSize().width() + 6
        ):
            found.append(Seen(role, name, rect.translated(shift), "", _states(view, index), text))
    return found


def _indexes(view: QAbstractItemView) -> Iterator[QModelIndex]:
    model, root = view.model(), view.rootIndex()
    if isinstance(view, QTreeView):
        index = view.indexAt(QPoint(4, 4))
        while index.isValid() and view.visualRect(index).top() < view.viewport().height():
            yield from (index.siblingAtColumn(c) for c in range(model.columnCount(root)))
            index = view.indexBelow(index)
        return
    columns = model.columnCount(root) if isinstance(view, QTableView) else 1
    for row in range(model.rowCount(root)):
        yield from (model.index(row, c, root) for c in range(columns))


def _text_fits(view: QAbstractItemView, index: QModelIndex, rect: QRect, name: str) -> bool:
    if isinstance(view, QListView) and view.viewMode() == QListView.ViewMode.IconMode:
        return view.fontMetrics().horizontalAdvance(name) <= rect.width() - 6
    return view.sizeHintForIndex(index).width() <= rect.width() + 1


def _states(view: QAbstractItemView, index: QModelIndex) -> tuple[str, ...]:
    states = ["enabled", "sensitive", "selectable"] if view.isEnabled() else []
    if view.selectionModel().isSelected(index):
        states.append("selected")
    if isinstance(view, QTreeView) and view.model().hasChildren(index):
        states += ["expandable", "expanded"] if view.isExpanded(index) else ["expandable"]
    return tuple(states)


def header_sections(header: QHeaderView) -> Found:
    """Titles of columns or rows, in the header's coordinates."""
    across = header.orientation() == Qt.Orientation.Horizontal
    port, found = header.viewport(), []
    shift = port.mapTo(header, QPoint(0, 0))
    for section in range(header.count()):
        name = plain_text(str(header.model().headerData(section, header.orientation()) or ""))
        start, size = header.sectionViewportPosition(section), header.sectionSize(section)
        rect = QRect(start, 0, size, port.height()) if across else QRect(0, start, port.width(), size)
        drawn = header.fontMetrics().horizontalAdvance(name) + TITLE_MARGIN
        wide = max(drawn, header.sectionSizeFromContents(section).width()) <= rect.width() + 1
        if name and not header.isSectionHidden(section) and port.rect().contains(rect) and wide:
            role = "table column header" if across else "table row header"
            found.append(Seen(role, name, rect.translated(shift), "", ("enabled", "sensitive"), True))
    return found
