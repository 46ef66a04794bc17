"""More main windows: icon rails, ribbons, chats, galleries, long settings pages, consoles and notifications."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from reticle_grounding.training import words

from . import parts
from .kit import LABEL, Kit
from .switch import Switch
from .windows import plain_window, search_field


def settings_rows(kit: Kit, count: int) -> QWidget:
    """Rows of a name, a line of explanation and a switch or field at the right."""
    page = QWidget()
    layout = QVBoxLayout(page)
    for _ in range(count):
        name = words.label(kit.rng, "checks" if kit.chance(0.5) else "fields")
        row, texts = QHBoxLayout(), QVBoxLayout()
        if kit.chance(0.3):
            picture = QLabel()
            picture.setPixmap(kit.shown_concept(22)[1].pixmap(QSize(22, 22), kit.look.scale))
            row.addWidget(picture)
        texts.addWidget(QLabel(name))
        if kit.chance(0.4):
            texts.addWidget(QLabel(words.sentence(kit.rng, kit.rng.randint(3, 7))))
        row.addLayout(texts)
        row.addStretch(1)
        control = _switch(kit) if kit.chance(0.6) else kit.field(name)
        control.setProperty(LABEL, name)
        row.addWidget(control)
        layout.addLayout(row)
        if kit.chance(0.5):
            layout.addWidget(parts.rule())
    layout.addStretch(1)
    return page


def _switch(kit: Kit) -> QWidget:
    switch = Switch(kit.look.colors.accent, kit.look.colors.border, kit.rng.choice((18, 20, 24)))
    switch.setChecked(kit.chance(0.5))
    return switch


def scrolled(content: QWidget, down: int) -> QScrollArea:
    """A page that is longer than its window, scrolled down by some pixels."""
    area = QScrollArea()
    area.setWidget(content)
    area.setWidgetResizable(True)
    area.setProperty("reticle_scroll", down)
    return area


def settings_page(kit: Kit) -> QWidget:
    window = plain_window(kit)
    side = parts.list_view(kit, kit.rng.randint(5, 12), icons=kit.chance(0.7))
    side.setFixedWidth(kit.rng.randint(140, 220))
    page = QWidget()
    row = QHBoxLayout(page)
    row.addWidget(side)
    column = QVBoxLayout()
    head = QHBoxLayout()
    head.addWidget(parts.heading(kit))
    head.addStretch(1)
    head.addWidget(search_field(kit))
    column.addLayout(head)
    column.addWidget(scrolled(settings_rows(kit, kit.rng.randint(5, 16)), kit.rng.choice((0, 0, 60, 140))), 1)
    row.addLayout(column, 1)
    window.setCentralWidget(page)
    return window


def rail(kit: Kit) -> QWidget:
    """A narrow strip of buttons with pictures, beside lists and a text."""
    window = plain_window(kit)
    page = QWidget()
    row = QHBoxLayout(page)
    row.setContentsMargins(0, 0, 0, 0)
    strip = QVBoxLayout()
    size = kit.rng.choice((20, 24, 28, 32))
    count = kit.rng.randint(4, 9)
    for i in range(count):
        button = kit.icon_button(size)
        button.setCheckable(True)
        button.setChecked(i == 0)
        strip.addWidget(button)
    strip.addStretch(1)
    strip.addWidget(kit.icon_button(size, kit.named("Settings", "settings", "Preferences")))
    row.addLayout(strip)
    row.addWidget(parts.list_view(kit, kit.rng.randint(6, 14)) if kit.chance(0.5) else parts.tree(kit, 12), 1)
    row.addLayout(_conversation(kit) if kit.chance(0.5) else _document(kit), 3)
    window.setCentralWidget(page)
    return window


def _conversation(kit: Kit) -> QVBoxLayout:
    column, head, foot = QVBoxLayout(), QHBoxLayout(), QHBoxLayout()
    head.addWidget(parts.heading(kit, words.person(kit.rng)))
    head.addStretch(1)
    for _ in range(kit.rng.randint(2, 4)):
        head.addWidget(kit.icon_button(20))
    column.addLayout(head)
    for _ in range(kit.rng.randint(2, 6)):
        line = QHBoxLayout()
        text = QLabel(words.sentence(kit.rng, kit.rng.randint(3, 9)))
        back = kit.look.colors.alternate
        text.setStyleSheet(f"background: {back}; border-radius: 8px; padding: 6px;")
        line.addWidget(text)
        line.insertStretch(0 if kit.chance(0.5) else 1, 1)
        column.addLayout(line)
    column.addStretch(1)
    foot.addWidget(kit.icon_button(20, kit.named("Attach", "attach", "Attach File")))
    message = kit.line("Message")
    message.setText("")
    message.setPlaceholderText(kit.rng.choice(("Message", "Write a message...", "Type here", "Reply")))
    message.setProperty(LABEL, "Message")
    foot.addWidget(message, 1)
    foot.addWidget(kit.icon_button(20, kit.named("Emoji", "emoji", "Smiley")))
    foot.addWidget(kit.icon_button(20, kit.named("Send", "send")))
    column.addLayout(foot)
    return column


def _document(kit: Kit) -> QVBoxLayout:
    column, tools = QVBoxLayout(), QHBoxLayout()
    for _ in range(kit.rng.randint(4, 10)):
        tools.addWidget(kit.icon_button(20))
    tools.addStretch(1)
    column.addLayout(tools)
    column.addWidget(parts.text_edit(kit, 30))
    return column


def ribbon(kit: Kit) -> QWidget:
    """Tabs of commands in named groups: large buttons with the text below, small ones beside."""
    window = plain_window(kit)
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.setContentsMargins(0, 0, 0, 0)
    tabs = QTabWidget()
    names = kit.rng.sample(["Home", "Insert", "Layout", "Review", "View", "Data", "Draw", "Help", "References"], 5)
    for name in names:
        tabs.addTab(_ribbon_page(kit), name)
    tabs.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
    layout.addWidget(tabs)
    content = parts.table(kit, 30, 8) if kit.chance(0.4) else parts.text_edit(kit, 30)
    layout.addWidget(content, 1)
    window.setCentralWidget(page)
    return window


def _ribbon_page(kit: Kit) -> QWidget:
    page = QWidget()
    row = QHBoxLayout(page)
    for _ in range(kit.rng.randint(2, 4)):
        block, grid = QVBoxLayout(), QGridLayout()
        grid.setSpacing(1)
        grid.addWidget(_command(kit, 32, Qt.ToolButtonStyle.ToolButtonTextUnderIcon), 0, 0, 3, 1)
        style = Qt.ToolButtonStyle
        shown = kit.rng.choice((style.ToolButtonTextBesideIcon, style.ToolButtonIconOnly))
        for i in range(kit.rng.randint(2, 6)):
            grid.addWidget(_command(kit, 16, shown), i % 3, 1 + i // 3)
        block.addLayout(grid)
        title = QLabel(words.label(kit.rng, "sections"))
        title.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        block.addWidget(title)
        row.addLayout(block)
        line = QFrame()
        line.setFrameShape(QFrame.Shape.VLine)
        row.addWidget(line)
    row.addStretch(1)
    return page


def _command(kit: Kit, size: int, style: Qt.ToolButtonStyle) -> QToolButton:
    button = kit.icon_button(size)
    if style != Qt.ToolButtonStyle.ToolButtonIconOnly:
        button.setText(kit.written(button.accessibleName()))
    button.setToolButtonStyle(style)
    button.setAutoRaise(True)
    return button


def gallery(kit: Kit) -> QWidget:
    """Tiles with a picture, a name and small buttons."""
    window = plain_window(kit)
    page = QWidget()
    layout = QVBoxLayout(page)
    head = QHBoxLayout()
    head.addWidget(parts.heading(kit))
    head.addStretch(1)
    head.addWidget(search_field(kit))
    head.addWidget(kit.combo())
    layout.addLayout(head)
    grid = QGridLayout()
    columns = kit.rng.randint(3, 6)
    for i in range(columns * kit.rng.randint(1, 3)):
        grid.addWidget(_tile(kit), i // columns, i % columns)
    layout.addLayout(grid, 1)
    layout.addLayout(_pages(kit))
    window.setCentralWidget(page)
    return window


def _tile(kit: Kit) -> QWidget:
    tile = QFrame()
    tile.setFrameShape(QFrame.Shape.StyledPanel)
    layout = QVBoxLayout(tile)
    concept, icon = kit.shown_concept(48)
    picture = QLabel()
    picture.setPixmap(icon.pixmap(QSize(48, 48), kit.look.scale))
    picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
    layout.addWidget(picture, 1)
    layout.addWidget(QLabel(kit.rng.choice(concept.labels)))
    row = QHBoxLayout()
    for _ in range(kit.rng.randint(1, 3)):
        row.addWidget(kit.icon_button(16))
    row.addStretch(1)
    layout.addLayout(row)
    return tile


def _pages(kit: Kit) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addStretch(1)
    row.addWidget(kit.icon_button(16, kit.named("Previous", "previous", "Previous Page")))
    for i in range(1, kit.rng.randint(3, 7)):
        button = QToolButton()
        button.setText(str(i))
        button.setToolTip(f"Page {i}")
        row.addWidget(button)
    row.addWidget(kit.icon_button(16, kit.named("Next", "next", "Next Page")))
    row.addStretch(1)
    return row


def console(kit: Kit) -> QWidget:
    """Light or coloured text in a fixed font on dark, with tabs and few buttons."""
    window = QMainWindow()
    window.setWindowTitle(kit.rng.choice(("Terminal", "Console", "Log", words.file_name(kit.rng))))
    if kit.chance(0.6):
        parts.menu_bar(kit, window)
    tabs = QTabWidget()
    for _ in range(kit.rng.randint(1, 4)):
        edit = parts.text_edit(kit, 30)
        edit.setFont(QFont("DejaVu Sans Mono", 10))
        ink = kit.rng.choice(("#d0d0d0", "#33ff66", "#ffcc66", "#a0e0ff"))
        edit.setStyleSheet(f"background: #101418; color: {ink};")
        edit.setAccessibleName("Terminal")
        tabs.addTab(edit, words.file_name(kit.rng))
    tabs.setTabsClosable(True)
    tabs.setCornerWidget(kit.icon_button(16, kit.named("New Tab", "new-tab", "Add")))
    window.setCentralWidget(tabs)
    return window


def notification(kit: Kit) -> QWidget:
    box = QWidget()
    box.setWindowTitle("Notification")
    row = QHBoxLayout(box)
    picture = QLabel()
    picture.setPixmap(kit.shown_concept(32)[1].pixmap(QSize(32, 32), kit.look.scale))
    row.addWidget(picture)
    column = QVBoxLayout()
    column.addWidget(parts.heading(kit, words.compound(kit.rng), 1.1))
    column.addWidget(QLabel(words.sentence(kit.rng, kit.rng.randint(3, 8))))
    buttons = QHBoxLayout()
    for _ in range(kit.rng.randint(1, 3)):
        buttons.addWidget(kit.push())
    column.addLayout(buttons)
    row.addLayout(column)
    row.addWidget(kit.icon_button(16, kit.named("Close", "close", "Dismiss")), 0, Qt.AlignmentFlag.AlignTop)
    return box
