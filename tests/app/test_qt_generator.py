"""Harvested boxes are where the pixels are, and what cannot be seen has none."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QRect, QSize
from PySide6.QtWidgets import (
    QCheckBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QMainWindow,
    QPushButton,
    QScrollArea,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from reticle_app.generator.harvest import harvest
from reticle_app.generator.layers import Pile
from reticle_app.generator.look import random_look
from reticle_app.generator.popups import ShownMenu, ShownMenuBar
from reticle_app.generator.screen import settle
from reticle_app.generator.seen import Seen
from reticle_app.generator.writing import as_picture
from reticle_grounding.errors import BadInput
from reticle_grounding.training import fonts

UNIQUE = (255, 0, 254)


def shown(qtbot, widget: QWidget, wide: int = 400, high: int = 300) -> QWidget:
    qtbot.addWidget(widget)
    settle(widget, QSize(wide, high))
    return widget


def names(widget: QWidget) -> dict[str, QRect]:
    return {seen.name: seen.rect for seen in harvest(widget)}


def column(*widgets: QWidget) -> QWidget:
    page = QWidget()
    layout = QVBoxLayout(page)
    for widget in widgets:
        layout.addWidget(widget)
    return page


def bounds(picture: Image.Image, color: tuple[int, int, int]) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((np.asarray(picture) == color).all(axis=-1))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.5, 2.0])
def test_box_is_where_the_button_is_drawn(qtbot, scale: float) -> None:
    button = QPushButton("Press me")
    button.setStyleSheet("background: #ff00fe; color: black; border: none; padding: 9px;")
    window = shown(qtbot, column(QLabel("above"), button, QLabel("below")))
    pile = Pile((1000, 800), scale)
    pile.draw(window, 31, 17)
    pile.add(harvest(window), 31, 17)
    box = next(p.box for p in pile.placed if p.seen.name == "Press me")
    drawn = bounds(as_picture(pile.image), UNIQUE)
    assert max(abs(a - b) for a, b in zip(box, drawn, strict=True)) <= (0 if scale in (1.0, 2.0) else 1)


def test_covered_elements_have_no_box() -> None:
    pile = Pile((400, 300), 1.0)
    pile.add([Seen("text", "low", QRect(10, 10, 100, 30)), Seen("text", "free", QRect(10, 200, 100, 30))], 0, 0)
    pile.cover(QRect(60, 0, 300, 100))
    assert [p.seen.name for p in pile.placed] == ["free"]


def test_off_screen_elements_have_no_box() -> None:
    pile = Pile((400, 300), 1.0)
    pile.add([Seen("text", n, QRect(x, 10, 100, 30)) for n, x in (("in", 10), ("half", 350), ("out", 900))], 0, 0)
    assert [p.seen.name for p in pile.placed] == ["in"]


def test_blank_buttons_have_no_box() -> None:
    pile = Pile((400, 300), 1.0)
    pile.add([Seen("push button", "nothing drawn", QRect(10, 10, 40, 40), text_visible=False)], 0, 0)
    assert not pile.placed


def test_scrolled_away_and_hidden_are_left_out(qtbot) -> None:
    area = QScrollArea()
    area.setWidget(column(*(QCheckBox(f"choice {i}") for i in range(40))))
    hidden = QPushButton("Hidden")
    page = column(area, hidden)
    hidden.hide()
    tabs = QTabWidget()
    tabs.addTab(QPushButton("front"), "One")
    tabs.addTab(QPushButton("back"), "Two")
    page.layout().addWidget(tabs)
    found = names(shown(qtbot, page))
    assert {"choice 0", "front", "One", "Two"} <= found.keys()
    assert not {"choice 39", "Hidden", "back"} & found.keys()


def test_text_that_does_not_fit_is_not_said_to_be_visible(qtbot) -> None:
    long = QPushButton("A label far too long for so small a button")
    long.setFixedWidth(60)
    table = QTableWidget(1, 2)
    table.setItem(0, 0, QTableWidgetItem("a cell whose text is cut off by its column"))
    table.setItem(0, 1, QTableWidgetItem("short"))
    page = shown(qtbot, column(long, table))
    found = names(page)
    assert "short" in found
    assert not {long.text(), table.item(0, 0).text()} & found.keys()


def test_check_box_ends_with_its_text(qtbot) -> None:
    found = names(shown(qtbot, column(QCheckBox("Wrap"))))
    assert found["Wrap"].width() < 120


def test_fields_carry_their_label_and_passwords_no_value(qtbot) -> None:
    secret, line = QLineEdit("hunter2"), QLineEdit("Anna")
    secret.setEchoMode(QLineEdit.EchoMode.Password)
    for field, label in ((secret, "Password"), (line, "Name")):
        field.setProperty("reticle_label", label)
    found = {s.label: s for s in harvest(shown(qtbot, column(secret, line)))}
    assert (found["Password"].role, found["Password"].value) == ("password text", "")
    assert (found["Name"].role, found["Name"].value) == ("text", "Anna")


def test_picture_buttons_are_named_by_their_meaning(qtbot) -> None:
    button = QToolButton()
    button.setIcon(button.style().standardIcon(button.style().StandardPixmap.SP_DialogSaveButton))
    button.setAccessibleName("Save")
    button.setToolTip("write it to disk")
    (seen,) = harvest(shown(qtbot, column(button)))
    assert (seen.name, seen.description, seen.text_visible) == ("Save", "write it to disk", False)


def test_menus_and_lists(qtbot) -> None:
    window = QMainWindow()
    bar = ShownMenuBar(window)
    menu = ShownMenu("&File", bar)
    for text in ("&Open", "Save && close"):
        menu.addAction(text)
    bar.addMenu(menu)
    window.setMenuBar(bar)
    entries = QListWidget()
    entries.addItems(["one", "two"])
    window.setCentralWidget(entries)
    found = {s.name: s.role for s in harvest(shown(qtbot, window))}
    assert found == {"File": "menu", "one": "list item", "two": "list item"}
    settle(menu, menu.sizeHint())
    assert [s.name for s in harvest(menu)] == ["Open", "Save & close"]


def test_missing_fonts_are_named(monkeypatch) -> None:
    monkeypatch.setattr(fonts, "installed", dict)
    with pytest.raises(BadInput, match="install fonts-dejavu"):
        random_look(Random(0))
