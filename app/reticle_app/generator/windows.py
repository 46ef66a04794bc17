"""Main windows of made-up programs."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPixmap
from PySide6.QtWidgets import (
    QCalendarWidget,
    QDockWidget,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QProgressBar,
    QSplitter,
    QTabWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from reticle_grounding.training import words

from . import parts
from .kit import LABEL, Kit


def _main(kit: Kit, menus: float = 0.8, bars: int = 1) -> QMainWindow:
    window = QMainWindow()
    window.setWindowTitle(title(kit))
    if kit.chance(menus):
        parts.menu_bar(kit, window)
    for _ in range(bars):
        parts.tool_bar(kit, window)
    if kit.chance(0.6):
        status(kit, window)
    return window


def plain_window(kit: Kit) -> QMainWindow:
    """A window that shows its content only, mostly."""
    return _main(kit, 0.25, 0)


def title(kit: Kit) -> str:
    name = words.label(kit.rng, "titles")
    return f"{words.file_name(kit.rng)} - {name}" if kit.chance(0.4) else name


def status(kit: Kit, window: QMainWindow) -> None:
    bar = window.statusBar()
    bar.addWidget(QLabel(words.value(kit.rng)))
    for _ in range(kit.rng.randint(0, 3)):
        bar.addPermanentWidget(QLabel(words.value(kit.rng)) if kit.chance(0.7) else kit.icon_button(16))


def search_field(kit: Kit) -> QLineEdit:
    line = QLineEdit()
    name = kit.rng.choice(("Search", "Search...", "Find", "Filter", "Type to search", "Quick search"))
    line.setPlaceholderText(name)
    line.setProperty(LABEL, name.rstrip("."))
    return line


def split(*panes: QWidget, sizes: tuple[int, ...]) -> QSplitter:
    splitter = QSplitter()
    for pane in panes:
        splitter.addWidget(pane)
    splitter.setSizes(list(sizes))
    return splitter


def editor(kit: Kit) -> QWidget:
    window = _main(kit, 0.95, kit.rng.choice((1, 1, 2)))
    tabs = QTabWidget()
    for _ in range(kit.rng.randint(1, 4)):
        tabs.addTab(parts.text_edit(kit, kit.rng.randint(4, 40)), words.file_name(kit.rng))
    tabs.setTabsClosable(kit.chance(0.5))
    window.setCentralWidget(split(parts.tree(kit, 12), tabs, sizes=(160, 500)) if kit.chance(0.4) else tabs)
    return window


def file_manager(kit: Kit) -> QWidget:
    window = _main(kit, 0.7)
    page = QWidget()
    layout = QVBoxLayout(page)
    path = QHBoxLayout()
    for name in ("Back", "Forward", "Up"):
        path.addWidget(kit.icon_button(16, kit.named(name, name.lower(), f"go-{name.lower()}")))
    path.addWidget(kit.line("Location"), 1)
    path.addWidget(search_field(kit))
    layout.addLayout(path)
    count = kit.rng.randint(8, 40)
    files = parts.icon_view(kit, count) if kit.chance(0.5) else parts.tree(kit, count, kit.rng.randint(2, 5))
    layout.addWidget(split(parts.list_view(kit, kit.rng.randint(5, 12)), files, sizes=(150, 500)))
    window.setCentralWidget(page)
    return window


def mail(kit: Kit) -> QWidget:
    window = _main(kit)
    reader = QWidget()
    layout = QVBoxLayout(reader)
    layout.addWidget(parts.heading(kit, words.compound(kit.rng)))
    layout.addWidget(QLabel(words.person(kit.rng)))
    row = QHBoxLayout()
    for _ in range(kit.rng.randint(2, 5)):
        row.addWidget(kit.push() if kit.chance(0.5) else kit.icon_button(16))
    row.addStretch(1)
    layout.addLayout(row)
    layout.addWidget(parts.text_edit(kit, 14))
    right = QSplitter(Qt.Orientation.Vertical)
    right.addWidget(parts.table(kit, kit.rng.randint(6, 20), kit.rng.randint(3, 5)))
    right.addWidget(reader)
    window.setCentralWidget(split(parts.tree(kit, 9), right, sizes=(160, 520)))
    return window


def paint(kit: Kit) -> QWidget:
    window = _main(kit, 0.9)
    parts.tool_bar(kit, window, kit.rng.randint(6, 14), vertical=True)
    canvas = QLabel()
    canvas.setPixmap(_picture(kit, QSize(900, 700)))
    canvas.setAlignment(Qt.AlignmentFlag.AlignCenter)
    window.setCentralWidget(canvas)
    for side in (Qt.DockWidgetArea.RightDockWidgetArea,) * kit.rng.randint(1, 2):
        window.addDockWidget(side, dock(kit))
    return window


def _picture(kit: Kit, size: QSize) -> QPixmap:
    """Coloured shapes that stand for an image."""
    rng, picture = kit.rng, QPixmap(size)
    picture.fill(QColor.fromHsl(rng.randrange(360), rng.randrange(160), rng.randint(60, 240)))
    with QPainter(picture) as painter:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for _ in range(rng.randint(0, 14)):
            painter.setBrush(QColor.fromHsl(rng.randrange(360), rng.randrange(200), rng.randint(30, 230)))
            left, top = rng.randrange(size.width()), rng.randrange(size.height())
            wide, high = rng.randint(10, 1 + size.width() // 2), rng.randint(10, 10 + size.height() // 2)
            rng.choice((painter.drawEllipse, painter.drawRect))(QRect(left, top, wide, high))
    return picture


def dock(kit: Kit) -> QDockWidget:
    pane = QDockWidget(words.label(kit.rng, "sections"))
    makers = (
        lambda: parts.form(kit, kit.rng.randint(2, 5)),
        lambda: parts.list_view(kit, 7),
        lambda: parts.tree(kit, 6),
        lambda: button_grid(kit, kit.rng.randint(6, 18), kit.rng.randint(3, 6)),
        lambda: parts.checks(kit, 4),
    )
    pane.setWidget(kit.rng.choice(makers)())
    return pane


def button_grid(kit: Kit, count: int, columns: int) -> QWidget:
    """Picture buttons in rows, as tool boxes have them."""
    page = QWidget()
    grid = QGridLayout(page)
    grid.setSpacing(kit.rng.choice((0, 2, 6)))
    for i in range(count):
        button = kit.icon_button(min(32, kit.look.icon_size))
        button.setCheckable(True)
        button.setChecked(kit.chance(0.1))
        grid.addWidget(button, i // columns, i % columns)
    grid.setRowStretch(count // columns + 1, 1)
    grid.setColumnStretch(columns, 1)
    return page


def studio(kit: Kit) -> QWidget:
    """Many panes around a text, as development tools have."""
    window = _main(kit, 1.0, kit.rng.choice((1, 2)))
    area = Qt.DockWidgetArea
    window.setCentralWidget(parts.text_edit(kit, 40))
    for place in kit.rng.sample([area.LeftDockWidgetArea, area.RightDockWidgetArea, area.BottomDockWidgetArea], 2):
        window.addDockWidget(place, dock(kit))
    return window


def player(kit: Kit) -> QWidget:
    window = _main(kit, 0.6, 0)
    page = QWidget()
    layout = QVBoxLayout(page)
    if kit.chance(0.5):
        layout.addWidget(parts.table(kit, kit.rng.randint(5, 18), kit.rng.randint(3, 6)), 1)
    else:
        screen = QLabel()
        screen.setPixmap(_picture(kit, QSize(1600, 900)))
        screen.setMinimumSize(50, 50)
        layout.addWidget(screen, 1)
    layout.addWidget(_player_bar(kit))
    window.setCentralWidget(page)
    return window


def _player_bar(kit: Kit) -> QWidget:
    bar = QWidget()
    row = QHBoxLayout(bar)
    for name in ("Previous", "Play", "Pause", "Stop", "Next", "Shuffle", "Repeat"):
        if kit.chance(0.75):
            row.addWidget(kit.icon_button(None, kit.named(name, name.lower(), f"media-{name.lower()}")))
    position = kit.slider()
    position.setAccessibleName(kit.rng.choice(("Position", "Seek", "Playback position")))
    row.addWidget(position, 4)
    row.addWidget(QLabel(f"{kit.rng.randrange(10)}:{kit.rng.randrange(60):02d}"))
    row.addWidget(kit.icon_button(None, kit.named("Mute", "mute", "Volume", "volume")))
    volume = kit.slider()
    volume.setAccessibleName("Volume")
    row.addWidget(volume, 1)
    return bar


def spreadsheet(kit: Kit) -> QWidget:
    window = _main(kit, 0.9, kit.rng.choice((1, 2)))
    page = QWidget()
    layout = QVBoxLayout(page)
    row = QHBoxLayout()
    row.addWidget(kit.combo())
    row.addWidget(kit.line("Formula"), 1)
    layout.addLayout(row)
    layout.addWidget(parts.table(kit, kit.rng.randint(10, 40), kit.rng.randint(4, 9)))
    window.setCentralWidget(page)
    return window


def planner(kit: Kit) -> QWidget:
    window = _main(kit, 0.6)
    calendar = QCalendarWidget()
    calendar.setGridVisible(kit.chance(0.5))
    calendar.setSelectedDate(kit.date_value())
    side = QWidget()
    layout = QVBoxLayout(side)
    layout.addWidget(parts.heading(kit))
    layout.addWidget(parts.list_view(kit, 6))
    layout.addWidget(kit.push())
    window.setCentralWidget(split(calendar, side, sizes=(400, 250)))
    return window


def control_centre(kit: Kit) -> QWidget:
    """Categories as a list with pictures, the page of one of them beside it."""
    window = _main(kit, 0.2, 0)
    categories = parts.list_view(kit, kit.rng.randint(5, 11), icons=kit.chance(0.8))
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.addWidget(parts.heading(kit))
    layout.addWidget(parts.sections(kit, kit.rng.randint(1, 3)), 1)
    layout.addWidget(parts.button_row(kit))
    window.setCentralWidget(split(categories, page, sizes=(170, 480)))
    return window


def transfers(kit: Kit) -> QWidget:
    window = _main(kit)
    page = QWidget()
    layout = QVBoxLayout(page)
    layout.addWidget(search_field(kit))
    for _ in range(kit.rng.randint(3, 7)):
        layout.addWidget(QLabel(words.file_name(kit.rng)))
        row = QHBoxLayout()
        progress = QProgressBar()
        progress.setValue(kit.rng.randint(0, 100))
        progress.setTextVisible(kit.chance(0.6))
        row.addWidget(progress, 1)
        for _ in range(kit.rng.randint(1, 3)):
            row.addWidget(kit.icon_button(16))
        layout.addLayout(row)
    layout.addStretch(1)
    window.setCentralWidget(page)
    return window


def browser(kit: Kit) -> QWidget:
    """A tab bar, an address line and a page of cards."""
    window = _main(kit, 0.3, 0)
    page = QWidget()
    layout = QVBoxLayout(page)
    row = QHBoxLayout()
    for name in ("Back", "Forward", "Reload", "Home"):
        row.addWidget(kit.icon_button(None, kit.named(name, name.lower(), f"go-{name.lower()}")))
    row.addWidget(search_field(kit), 1)
    for _ in range(kit.rng.randint(1, 4)):
        row.addWidget(kit.icon_button())
    layout.addLayout(row)
    layout.addLayout(_links(kit))
    layout.addWidget(parts.heading(kit, words.compound(kit.rng), 1.9))
    cards = QGridLayout()
    for i in range(kit.rng.randint(2, 6)):
        cards.addWidget(_card(kit), i // 3, i % 3)
    layout.addLayout(cards, 1)
    window.setCentralWidget(page)
    return window


def _links(kit: Kit) -> QHBoxLayout:
    row = QHBoxLayout()
    for _ in range(kit.rng.randint(3, 7)):
        link = QToolButton()
        link.setText(words.label(kit.rng, "links").replace("&", "&&"))
        link.setAutoRaise(True)
        link.setProperty("reticle_role", "link")
        row.addWidget(link)
    row.addStretch(1)
    return row


def _card(kit: Kit) -> QWidget:
    card = QWidget()
    layout = QVBoxLayout(card)
    picture = QLabel()
    picture.setPixmap(_picture(kit, QSize(180, kit.rng.randint(20, 110))))
    layout.addWidget(picture)
    layout.addWidget(parts.heading(kit, words.compound(kit.rng), 1.2))
    text = QLabel(words.sentence(kit.rng, kit.rng.randint(4, 12)))
    text.setWordWrap(True)
    layout.addWidget(text)
    row = QHBoxLayout()
    row.addWidget(kit.push())
    for _ in range(kit.rng.randint(0, 3)):
        row.addWidget(kit.icon_button(16))
    row.addStretch(1)
    layout.addLayout(row)
    layout.addStretch(1)
    return card
