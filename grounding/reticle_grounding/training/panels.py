"""Painters of larger parts: menu bars, toolbars, lists, tables, forms, keypads, status bars, web pages."""

from __future__ import annotations

from collections.abc import Callable

from . import widgets as w
from .canvas import Box, Canvas
from .palette import mix
from .words import compound, file_name, label, number, person, pick, sentence, value, vocabulary

TOOLBARS = (
    ("New", "Open", "Save", "Save As", "Print", "Undo", "Redo", "Cut", "Copy", "Paste", "Find", "Find and Replace"),
    ("Back", "Forward", "Up", "Home", "Refresh", "Stop", "List View", "Grid View", "Find", "New Folder", "Bookmark"),
    ("Previous Track", "Play", "Pause", "Stop", "Next Track", "Shuffle", "Repeat", "Volume", "Mute", "Record"),
    ("Bold", "Italic", "Underline", "Strikethrough", "Align Left", "Align Center", "Align Right", "Justify", "Indent"),
    ("Zoom In", "Zoom Out", "Zoom Fit", "Normal Size", "Rotate Left", "Rotate Right", "Full Screen", "Crop", "Flip"),
    ("Bulleted List", "Numbered List", "Insert Link", "Insert Image", "Insert Table", "Color", "Font", "Unindent"),
)


def menu_bar(c: Canvas, box: Box) -> list[tuple[str, Box]]:
    """A row of menu titles; returns them with their boxes."""
    t, x = c.theme, box[0] + c.rng.randint(0, c.theme.pad)
    names = list(vocabulary().menus)
    titles = ["File", "Edit", "View", *c.rng.sample(names[3:-7], c.rng.randint(1, 5)), "Help"]
    if c.rng.random() < 0.15:
        titles = c.rng.sample(names, 6)
    placed: list[tuple[str, Box]] = []
    for title in dict.fromkeys(titles):
        width = t.face.width(title) + 2 * t.pad + 4
        if x + width > box[2]:
            break
        item = (x, box[1], x + width, box[3])
        c.text(x + t.pad + 2, (box[1] + box[3] - t.face.height) // 2, title)
        c.add("menu", item, title, "text")
        placed.append((title, item))
        x += width
    return placed


def open_menu(c: Canvas, x: int, y: int, items: list[str]) -> None:
    """A popped-up menu with its top-left corner near (x, y), over whatever is there."""
    t = c.theme
    row = t.face.height + t.pad + c.rng.choice((0, 2, 4))
    keys = {item: f"Ctrl+{c.rng.choice('ABCDEFGHIJKLMNOPQRSTUVWXYZ')}" for item in items if c.rng.random() < 0.4}
    inset = t.pad + c.rng.choice((4, t.face.size + 8, t.face.size + 8))
    width = (
        max(t.face.width(i) for i in items)
        + inset
        + t.pad * 4
        + max((t.face.width(k) + 12 for k in keys.values()), default=0)
    )
    height = row * len(items) + 2 * t.pad
    x, y = max(0, min(x, c.image.width - width - 2)), max(0, min(y, c.image.height - height - 2))
    box = (x, y, x + width, y + height)
    c.cover(box)
    c.rect(box, mix(t.window, t.base, 0.5), t.border, min(t.radius, 4))
    chosen, top = c.rng.randrange(len(items) * 2), y + t.pad
    for i, item in enumerate(items):
        _menu_row(c, (x + 1, top, x + width - 1, top + row), item, keys.get(item, ""), inset, i == chosen)
        top += row
        if c.rng.random() < 0.15:
            c.line([(x + 4, top), (x + width - 4, top)], t.border)


def _menu_row(c: Canvas, box: Box, item: str, key: str, inset: int, chosen: bool) -> None:
    t, y = c.theme, (box[1] + box[3] - c.theme.face.height) // 2
    if chosen:
        c.rect(box, t.accent)
    ink = t.on_accent if chosen else t.dim if c.rng.random() < 0.1 else t.text
    bare = item.rstrip(".")
    if inset > t.face.size + t.pad and bare in c.icons.pictures and c.rng.random() < 0.8:
        c.icon(box[0] + t.pad, (box[1] + box[3] - t.face.size - 3) // 2, t.face.size + 3, bare, ink)
    c.text(box[0] + inset, y, item, ink=ink)
    if key:
        c.text(box[2] - t.pad - 4 - t.face.width(key), y, key, ink=mix(ink, t.window, 0.3))
    c.add("menu item", box, item, "text")


def toolbar(c: Canvas, box: Box) -> int:
    """Icons, some with their names beside or below; returns the bottom."""
    t, names = c.theme, c.icons.names()
    chosen = list(c.rng.choice(TOOLBARS)) if c.rng.random() < 0.6 else c.rng.sample(names, min(len(names), 14))
    if c.rng.random() < 0.4:
        c.rng.shuffle(chosen)
    mode = c.rng.choice(("icon", "icon", "icon", "beside", "some"))
    side, x = t.icon + 2 * t.pad, box[0] + c.rng.randint(0, 2 * t.pad)
    for name in chosen[: c.rng.randint(3, 14)]:
        named = mode == "beside" or (mode == "some" and c.rng.random() < 0.3)
        width = side + (t.face.width(name) + t.pad if named else 0)
        if x + width > box[2]:
            break
        if named:
            c.icon(x + t.pad, box[1] + t.pad, t.icon, name)
            c.text(x + side, box[1] + (side - t.face.height) // 2, name)
            c.add("button", (x, box[1], x + width, box[1] + side), name, "text", name)
        else:
            w.icon_button(c, x, box[1], side, name)
        x += width + c.rng.choice((0, 0, 2, 4))
        if c.rng.random() < 0.15:
            c.line([(x + 3, box[1] + 3), (x + 3, box[1] + side - 3)], t.border)
            x += 8
    if c.rng.random() < 0.35 and box[2] - x > 160:
        w.entry(
            c,
            (box[2] - c.rng.randint(110, 150), box[1] + 2, box[2] - 4, box[1] + side - 2),
            "Search",
            hint=True,
            icon="Find",
        )
    return box[1] + side


def status_bar(c: Canvas, box: Box) -> None:
    t = c.theme
    c.line([(box[0], box[1]), (box[2], box[1])], t.border)
    c.text(box[0] + t.pad, box[1] + 2, c.fitted(sentence(c.rng, 4).rstrip(".;:"), (box[2] - box[0]) // 2))
    right = c.rng.choice((f"Ln {c.rng.randint(1, 400)}, Col {c.rng.randint(1, 80)}", "INS", "UTF-8", number(c.rng)))
    c.text(box[2] - t.face.width(right) - 2 * t.pad, box[1] + 2, right)


def rows_list(c: Canvas, box: Box, role: str = "list item", names: list[str] | None = None) -> None:
    """A sidebar or list of single-line items, perhaps with icons; a tree is indented and has expanders."""
    t = c.theme
    c.rect(box, t.base, t.border if c.rng.random() < 0.6 else None)
    row = t.face.height + t.pad + c.rng.choice((0, 2, 6))
    icons = c.rng.random() < 0.5
    folder = c.rng.choice(("Folder", "Text Document", ""))
    y, chosen = box[1] + 1, c.rng.randrange(12)
    names = names or [label(c.rng, "sections", 0.7) if c.rng.random() < 0.7 else file_name(c.rng) for _ in range(40)]
    for i, name in enumerate(dict.fromkeys(names)):
        if y + row > box[3]:
            break
        depth = c.rng.randrange(3) * t.face.size if role == "tree item" else 0
        line, x = (box[0] + 1, y, box[2] - 1, y + row), box[0] + t.pad + depth
        if i == chosen:
            c.rect(line, t.accent)
        ink = t.on_accent if i == chosen else t.text
        if role == "tree item":
            w.arrow(c, x, y + row // 2 - 2, max(5, t.face.size // 2), ink)
            x += t.face.size
        if icons:
            icon = folder or c.rng.choice(c.icons.names() or [""])
            c.icon(x, y + (row - t.face.size - 3) // 2, t.face.size + 3, icon, ink)
            x += t.face.size + 3 + t.pad
        text = c.fitted(name, box[2] - x - t.pad)
        c.text(x, y + (row - t.face.height) // 2, text, ink=ink)
        if text == name:
            c.add(role, line, name, "text")
        y += row


def table(c: Canvas, box: Box) -> None:
    """A table with a header row; cells are elements."""
    t = c.theme
    c.rect(box, t.base, t.border)
    count = c.rng.randint(2, max(2, min(6, (box[2] - box[0]) // 90)))
    edges = sorted(c.rng.uniform(0.7, 1.3) for _ in range(count))
    c.rng.shuffle(edges)
    xs = [box[0]]
    for share in edges:
        xs.append(xs[-1] + int((box[2] - box[0]) * share / sum(edges)))
    row, lines, striped = t.face.height + t.pad + c.rng.choice((0, 2, 8)), c.rng.random() < 0.5, c.rng.random() < 0.4
    makers: list[Callable[[], str]] = [
        lambda: value(c.rng),
        lambda: number(c.rng),
        lambda: person(c.rng),
        lambda: file_name(c.rng),
    ]
    columns = [c.rng.choice(makers) for _ in range(count)]
    c.rect((box[0], box[1], box[2], box[1] + row), mix(t.window, t.border, 0.25), t.border)
    titles = c.rng.sample(vocabulary().lists["columns"], count)
    for i, title in enumerate(titles):
        _cell(c, (xs[i], box[1], xs[i + 1], box[1] + row), title, "column header")
    y, n = box[1] + row, 0
    while y + row <= box[3]:
        if striped and n % 2:
            c.rect((box[0] + 1, y, box[2] - 1, y + row), mix(t.base, t.text, 0.05))
        for i, make in enumerate(columns):
            _cell(c, (xs[i], y, xs[i + 1], y + row), make(), "cell")
        y, n = y + row, n + 1
        if lines:
            c.line([(box[0], y), (box[2], y)], mix(t.base, t.text, 0.15))
        if n > 8 and c.rng.random() < 0.1:
            break


def _cell(c: Canvas, box: Box, text: str, role: str) -> None:
    t = c.theme
    shown = c.fitted(text, box[2] - box[0] - 2 * t.pad)
    c.text(box[0] + t.pad, (box[1] + box[3] - t.face.height) // 2, shown)
    if shown == text:
        c.add(role, box, text, "text")


def form(c: Canvas, box: Box) -> int:
    """Labels and fields in rows, check boxes and radio buttons; returns its bottom."""
    t, y = c.theme, box[1]
    height = t.face.height + 2 * t.pad
    column = min(t.face.width("Background color:") + t.pad, (box[2] - box[0]) // 2)
    above = c.rng.random() < 0.25
    used: set[str] = set()
    while y + height * (2 if above else 1) <= box[3]:
        draw = c.rng.random()
        if draw < 0.42:
            text, x = c.rng.choice(("checks", "checks", "fields")), box[0]
            name = label(c.rng, text, 0.75)
            group = c.rng.random() < 0.35
            while name not in used and x + t.face.width(name) + 50 < box[2]:
                used.add(name)
                last = w.check(c, x, y, name, round_=group, switch=not group and t.radius > 4 and c.rng.random() < 0.4)
                x, name = last[2] + 3 * t.pad, label(c.rng, "checks", 0.75)
                if not group:
                    break
            y += height
        else:
            y = _field_row(c, (box[0], y, box[2], y + height), column, above, used)
        y += c.rng.choice((2, t.pad, 2 * t.pad))
    return y


def _field_row(c: Canvas, box: Box, column: int, above: bool, used: set[str]) -> int:
    t, height = c.theme, box[3] - box[1]
    name = label(c.rng, "fields", 0.75)
    if name in used or t.face.width(name) + 10 > column:
        return box[1]
    used.add(name)
    shown = name + (":" if c.rng.random() < 0.5 else "")
    if above:
        bottom = c.text(box[0], box[1], shown)[3]
        field = (box[0], bottom + 2, min(box[2], box[0] + c.rng.randint(120, 420)), bottom + 2 + height)
    else:
        w.label_and(c, box[0], box[1], shown, column)
        field = (box[0] + column + 2 * t.pad, box[1], min(box[2], box[0] + column + c.rng.randint(90, 380)), box[3])
    if field[2] - field[0] < 50:
        return box[1]
    draw = c.rng.random()
    if draw < 0.5:
        w.entry(c, field, name, value(c.rng) if c.rng.random() < 0.5 else "")
    elif draw < 0.75:
        w.combo(c, field, name, label(c.rng, "sections"))
    elif draw < 0.92:
        w.spin(c, (field[0], field[1], min(field[2], field[0] + 110), field[3]), name, str(c.rng.randint(0, 500)))
    else:
        w.slider(c, field, name)
    return field[3]


def button_row(c: Canvas, box: Box, names: list[str]) -> None:
    """Buttons from the right edge of the box leftwards."""
    x = box[2]
    icons = c.rng.random() < 0.3
    for i, name in enumerate(names):
        icon = {"OK": "Accept", "Apply": "Accept", "Yes": "Accept"}.get(name, name) if icons else ""
        icon = icon if icon in c.icons.pictures else ""
        width, height = w.button_size(c, name, icon)
        if x - width < box[0]:
            break
        w.button(c, (x - width, box[1], x, box[1] + height), name, icon, accent=i == 0 and c.rng.random() < 0.4)
        x -= width + c.theme.pad + 2


def keypad(c: Canvas, box: Box) -> None:
    """A calculator: display and a grid of keys."""
    t = c.theme
    keys = ["MC", "MR", "(", ")", "7", "8", "9", "/", "4", "5", "6", "*", "1", "2", "3", "-", "0", ".", "=", "+"]
    if c.rng.random() < 0.6:
        keys = [
            "sin",
            "cos",
            "tan",
            "log",
            "ln",
            "sqrt",
            "x^2",
            "1/x",
            "pi",
            "Inv",
            "Hyp",
            "n!",
            "C",
            "AC",
            "%",
            "+/-",
            *keys,
        ]
    columns = c.rng.choice((4, 5, 6, 8))
    top = box[1] + t.face.height * 2 + 2 * t.pad
    w.entry(c, (box[0], box[1], box[2], top - t.pad), "Display", number(c.rng))
    rows = -(-len(keys) // columns)
    gap, wide = c.rng.choice((1, 2, 4)), (box[2] - box[0]) // columns
    high = min(max(t.face.height + 4, (box[3] - top) // rows), 2 * t.face.height + 10)
    for i, key in enumerate(keys):
        x, y = box[0] + (i % columns) * wide, top + (i // columns) * high
        if y + high <= box[3]:
            w.button(c, (x, y, x + wide - gap, y + high - gap), key, role="key")


def editor(c: Canvas, box: Box) -> None:
    """A text view with prose or code."""
    t = c.theme
    c.rect(box, t.base, t.border if c.rng.random() < 0.3 else None)
    y, mono = box[1] + t.pad, c.rng.random() < 0.5
    for _ in range(c.rng.randint(0, 9)):
        words = c.rng.randint(2, 30)
        y = w.paragraph(c, (box[0] + t.pad, y, box[2] - t.pad, box[3]), sentence(c.rng, words), t.text, mono)
        y += c.rng.choice((0, 0, t.face.height))


def cards(c: Canvas, box: Box) -> None:
    """Boxes with a heading, a little text, and a button or link each."""
    t, gap = c.theme, 3 * c.theme.pad
    if box[3] - box[1] < 4 * t.face.height + 4 * gap:
        return
    count = max(1, min(4, (box[2] - box[0]) // c.rng.randint(180, 320)))
    width = (box[2] - box[0] - gap * (count - 1)) // count
    for i in range(count):
        x = box[0] + i * (width + gap)
        card = (x, box[1], x + width, box[3])
        c.rect(card, t.base, t.border, t.radius)
        inner = (x + gap, box[1] + gap, x + width - gap, box[3] - gap)
        if c.rng.random() < 0.4 and inner[3] - inner[1] > 150:
            c.rect((inner[0], inner[1], inner[2], inner[1] + 50), mix(t.accent, t.base, c.rng.random()))
            inner = (inner[0], inner[1] + 58, inner[2], inner[3])
        y = w.heading(c, inner[0], inner[1], c.fitted(compound(c.rng), int((inner[2] - inner[0]) * 0.7)), 1.15)
        size = w.button_size(c, "Show more")
        w.paragraph(
            c, (inner[0], y + 4, inner[2], inner[3] - size[1] - 4), sentence(c.rng, c.rng.randint(5, 25)), t.dim
        )
        if c.rng.random() < 0.6:
            text = label(c.rng, "buttons")
            wide = min(w.button_size(c, text)[0], inner[2] - inner[0])
            w.button(c, (inner[0], inner[3] - size[1], inner[0] + wide, inner[3]), text, accent=c.rng.random() < 0.5)
        else:
            link(c, inner[0], inner[3] - t.face.height, pick(c.rng, "links"))


def link(c: Canvas, x: int, y: int, text: str) -> Box:
    t = c.theme
    box = c.text(x, y, text, ink=t.accent if c.rng.random() < 0.7 else t.text)
    if c.rng.random() < 0.3:
        c.line([(box[0], box[3] - 2), (box[2], box[3] - 2)], t.accent)
    c.add("link", box, text, "text")
    return box


def nav_bar(c: Canvas, box: Box) -> None:
    """A page's top bar: brand, links, perhaps a search field and icons."""
    t = c.theme
    c.rect(box, t.base if c.rng.random() < 0.6 else mix(t.window, t.border, 0.3))
    middle = (box[1] + box[3] - t.face.height) // 2
    brand = c.text(box[0] + 3 * t.pad, middle - 2, compound(c.rng).split()[-1].capitalize(), t.bold.scaled(1.2))
    x = brand[2] + 5 * t.pad
    for name in dict.fromkeys(label(c.rng, "links", 0.7) for _ in range(c.rng.randint(2, 7))):
        if x + t.face.width(name) > box[2] - 240:
            break
        x = link(c, x, middle, name)[2] + 4 * t.pad
    right = box[2] - 2 * t.pad
    for name in c.rng.sample(c.icons.names(), min(len(c.icons.names()), c.rng.randint(0, 3))):
        side = min(t.icon + 2 * t.pad, box[3] - box[1] - 2)
        right -= side + t.pad
        w.icon_button(c, right, (box[1] + box[3] - side) // 2, side, name)
    if right - x > 170 and c.rng.random() < 0.6:
        hint = c.rng.choice(("Search", "Search...", "Type to search", "Find products"))
        w.entry(
            c,
            (right - 150, middle - t.pad, right - t.pad, middle + t.face.height + t.pad),
            hint,
            hint=True,
            icon=c.rng.choice(("", "Find")),
        )


def icon_grid(c: Canvas, box: Box) -> None:
    """Icons with their names below, as in a file manager or a control panel."""
    t = c.theme
    c.rect(box, t.base)
    side = c.rng.choice((32, 48, 48, 64))
    cell_w, cell_h = side + 60, side + t.face.height + 14
    names = c.icons.names()
    folders = c.rng.random() < 0.5
    for y in range(box[1] + 6, box[3] - cell_h, cell_h):
        for x in range(box[0] + 6, box[2] - cell_w, cell_w):
            name = c.rng.choice(names) if names and not folders else c.rng.choice(("Folder", "Folder", "Text Document"))
            text = c.fitted(file_name(c.rng) if folders else label(c.rng, "sections"), cell_w - 6)
            c.icon(x + (cell_w - side) // 2, y, side, name)
            c.text(x + (cell_w - t.face.width(text)) // 2, y + side + 4, text)
            if not text.endswith("..."):
                c.add("list item", (x + 4, y, x + cell_w - 4, y + cell_h - 4), text, "text")
        if c.rng.random() < 0.25:
            break
