"""Whole windows and pages out of panels."""

from __future__ import annotations

from . import panels as p
from . import widgets as w
from .canvas import Box, Canvas, IconMark
from .palette import mix
from .words import compound, file_name, label, pick, sentence, value, vocabulary


def title_bar(c: Canvas, box: Box) -> int:
    """Title and window buttons; returns its bottom."""
    t, rng = c.theme, c.rng
    height = t.face.height + 2 * t.pad + rng.choice((0, 4))
    bar = (box[0], box[1], box[2], box[1] + height)
    c.rect(bar, t.title, None, t.radius)
    title = f"{file_name(rng)} - {pick(rng, 'titles')}" if rng.random() < 0.5 else pick(rng, "titles")
    title = c.fitted(title, box[2] - box[0] - 5 * height)
    bold = t.bold if rng.random() < 0.5 else t.face
    x = box[0] + t.pad + 4 if rng.random() < 0.4 else (box[0] + box[2] - bold.width(title)) // 2
    c.text(x, box[1] + (height - t.face.height) // 2, title, bold, t.title_text)
    at, step = (box[2] - height, -height) if rng.random() < 0.85 else (box[0] + 2, height)
    names = ("Close", "Maximize", "Minimize") if step < 0 or rng.random() < 0.5 else ("Close", "Minimize", "Maximize")
    for name in names:
        window_button(c, (at, box[1], at + height, box[1] + height), name)
        at += step
    return bar[3]


def window_button(c: Canvas, box: Box, name: str) -> None:
    """Close, maximize or minimize, drawn as a simple shape."""
    t, side = c.theme, max(6, c.theme.face.size // 2 + 1)
    x, y = (box[0] + box[2] - side) // 2, (box[1] + box[3] - side) // 2
    ink = t.title_text
    if c.rng.random() < 0.15:
        c.draw.ellipse((box[0] + 3, box[1] + 3, box[2] - 4, box[3] - 4), mix(t.title, t.title_text, 0.15))
    if name == "Close":
        w.cross(c, x, y, side, ink)
    elif name == "Maximize":
        c.rect((x, y, x + side + 1, y + side + 1), None, ink)
    else:
        c.line([(x, y + side), (x + side, y + side)], ink, 1 + side // 8)
    c.marks.append(IconMark(name, (x, y, x + side + 1, y + side + 1)))
    c.add("button", (box[0] + 1, box[1] + 1, box[2] - 1, box[3] - 1), name, "icon", name)


def content(c: Canvas, box: Box) -> None:
    """One of the common bodies of a window, chosen at random and fitted to the box."""
    wide, high = box[2] - box[0], box[3] - box[1]
    if wide < 60 or high < 40:
        return
    if wide > 420 and c.rng.random() < 0.4:
        cut = box[0] + c.rng.randint(120, wide // 3)
        p.rows_list(c, (box[0], box[1], cut, box[3]), c.rng.choice(("list item", "tree item")))
        content(c, (cut + c.theme.pad, box[1], box[2], box[3]))
        return
    draw = c.rng.random()
    if draw < 0.22:
        settings(c, box)
    elif draw < 0.45:
        p.table(c, box)
    elif draw < 0.57:
        p.rows_list(c, box, c.rng.choice(("list item", "tree item")))
    elif draw < 0.7:
        p.icon_grid(c, box)
    elif draw < 0.82 and high > 240:
        p.keypad(c, box)
    else:
        p.editor(c, box)


def settings(c: Canvas, box: Box) -> None:
    """Tabs above one or two columns of fields, buttons below."""
    t, y = c.theme, box[1]
    if c.rng.random() < 0.6:
        names = list(dict.fromkeys(label(c.rng, "tabs", 0.85) for _ in range(c.rng.randint(2, 7))))
        y = w.tab_row(c, box[0], y, box[2] - box[0], names, closable=c.rng.random() < 0.15)
    foot = w.button_size(c, "OK")[1] + 2 * t.pad
    columns = 2 if box[2] - box[0] > 620 and c.rng.random() < 0.7 else 1
    step = (box[2] - box[0]) // columns
    for i in range(columns):
        left, top = box[0] + i * step + 2 * t.pad, y + 2 * t.pad
        if c.rng.random() < 0.4:
            top = w.heading(c, left, top, label(c.rng, "sections"), 1.05) + t.pad
        p.form(c, (left, top, box[0] + (i + 1) * step - 2 * t.pad, box[3] - foot - t.pad))
    names = [label(c.rng, "buttons", 0.85) for _ in range(c.rng.randint(1, 4))]
    p.button_row(c, (box[0] + t.pad, box[3] - foot, box[2] - 2 * t.pad, box[3]), list(dict.fromkeys(names)))


def window(c: Canvas, box: Box, *, menu: bool | None = None) -> None:
    """An application window; perhaps with one menu open."""
    t, rng = c.theme, c.rng
    c.area += 1
    c.cover(box)
    c.rect(box, t.window, t.border)
    y = title_bar(c, box) if rng.random() < 0.85 else box[1]
    titles: list[tuple[str, Box]] = []
    if rng.random() < 0.75:
        height = t.face.height + t.pad + 2
        titles = p.menu_bar(c, (box[0] + 1, y, box[2] - 1, y + height))
        y += height
    for _ in range(rng.choice((0, 1, 1, 1, 2))):
        y = p.toolbar(c, (box[0] + 2, y, box[2] - 2, y + 60)) + 1
    bottom = box[3] - 1
    if rng.random() < 0.5:
        bottom -= t.face.height + 4
        p.status_bar(c, (box[0] + 1, bottom, box[2] - 1, box[3] - 1))
    content(c, (box[0] + 2, y + 2, box[2] - 2, bottom - 2))
    if titles and (rng.random() < 0.3 if menu is None else menu):
        title, at = rng.choice(titles)
        c.draw.line((at[0], at[3] - 1, at[2], at[3] - 1), fill=t.accent, width=2)
        items = [i for i in vocabulary().menus[title] if rng.random() < 0.75] or [compound(rng)]
        items += [compound(rng) for _ in range(rng.randint(0, 3))]
        p.open_menu(c, at[0], at[3], list(dict.fromkeys(items)))


def dialog(c: Canvas, box: Box) -> None:
    """A dialog over what is there: a question, or fields with a row of buttons."""
    t, rng = c.theme, c.rng
    c.area += 1
    c.cover(box)
    c.rect(box, t.window, t.border, t.radius)
    y = title_bar(c, box) + t.pad
    foot = w.button_size(c, "OK")[1] + 2 * t.pad
    inner = (box[0] + 3 * t.pad, y, box[2] - 3 * t.pad, box[3] - foot)
    if rng.random() < 0.35:
        c.icon(inner[0], y + t.pad, 32, rng.choice(("Warning", "Error", "Information", "Help")))
        w.paragraph(c, (inner[0] + 44, y + t.pad, inner[2], inner[3]), sentence(rng, rng.randint(5, 20)))
    else:
        p.form(c, inner)
    rows = (
        ("OK", "Cancel"),
        ("Save", "Cancel", "Don't Save"),
        ("Yes", "No"),
        ("Close",),
        ("OK", "Cancel", "Apply", "Help"),
    )
    names = list(rng.choice(rows)) if rng.random() < 0.7 else [label(rng, "buttons") for _ in range(rng.randint(1, 4))]
    rng.shuffle(names)
    p.button_row(c, (box[0], box[3] - foot, box[2] - 2 * t.pad, box[3]), list(dict.fromkeys(names)))


def page(c: Canvas, box: Box) -> None:
    """A web page: top bar, perhaps a sidebar, then headings, cards, tables, forms and a footer."""
    t, rng = c.theme, c.rng
    c.area += 1
    c.cover(box)
    c.rect(box, t.window)
    y = box[1]
    if rng.random() < 0.85:
        height = t.face.height * 2 + 3 * t.pad
        p.nav_bar(c, (box[0], y, box[2], y + height))
        y += height
    left = box[0] + 4 * t.pad
    if box[2] - box[0] > 600 and rng.random() < 0.5:
        names = list(dict.fromkeys(label(rng, "sections", 0.75) for _ in range(20)))
        p.rows_list(c, (box[0], y, box[0] + rng.randint(150, 240), box[3]), rng.choice(("link", "list item")), names)
        left = box[0] + 250 + 2 * t.pad
    while y + 150 < box[3]:
        y = _section(c, (left, y + 3 * t.pad, box[2] - 4 * t.pad, box[3]))


def tile(c: Canvas, box: Box) -> None:
    """Lines of labels, values and icons side by side, as dense as they fit."""
    t, rng = c.theme, c.rng
    c.rect(box, rng.choice((t.window, t.base, t.base, t.button)))
    y = box[1] + rng.randint(0, 8)
    gap, share = rng.choice((0, 2, 4, 8)), rng.choice((0.1, 0.2, 0.5))
    face = rng.choice((t.face, t.face, t.face, t.bold, t.mono))
    lists = ("buttons", "fields", "checks", "tabs", "links", "sections", "columns", "nouns", "titles")
    icons = c.icons.names()  # none where no icon theme of the wanted side is installed
    while y + max(face.height, t.icon) <= box[3]:
        x, high = box[0] + rng.randint(0, 12), face.height
        while x < box[2] - 12:
            if rng.random() < share and icons:
                name, side = rng.choice(icons), rng.choice((16, t.icon, t.icon))
                if x + side <= box[2] and c.icon(x, y, side, name):
                    c.add("button", (x, y, x + side, y + side), name, "icon", name)
                x, high = x + side + 4 + gap, max(high, side)
                continue
            text = label(rng, rng.choice(lists), 0.5) if rng.random() < 0.7 else value(rng)
            text = text.upper() if rng.random() < 0.05 else text
            if x + face.width(text) > box[2]:
                break
            ink = rng.choice((t.text, t.text, t.text, t.dim, t.accent))
            spot = c.text(x, y, text, face, ink)
            c.add("label", spot, text, "text")
            x = spot[2] + face.size + 2 * gap
        y += high + gap


def _section(c: Canvas, box: Box) -> int:
    """One part of a page at the top of the box; returns its bottom."""
    rng, t = c.rng, c.theme
    y = (
        w.heading(c, box[0], box[1], compound(rng).title(), rng.choice((1.2, 1.5, 2.0))) + t.pad
        if rng.random() < 0.6
        else box[1]
    )
    bottom = min(box[3], y + rng.randint(110, 300))
    area = (box[0], y, box[2], bottom)
    draw = rng.random()
    if draw < 0.3:
        p.cards(c, area)
    elif draw < 0.45:
        p.table(c, area)
    elif draw < 0.65:
        p.form(c, (area[0], area[1], min(area[2], area[0] + 520), area[3] - 40))
        p.button_row(
            c,
            (area[0], area[3] - 36, area[0] + rng.randint(200, 400), area[3]),
            [label(rng, "buttons") for _ in range(2)],
        )
    elif draw < 0.75:
        x = area[0]
        bottom = y + w.button_size(c, "OK")[1] + t.pad
        for name in dict.fromkeys(label(rng, "buttons") for _ in range(rng.randint(2, 6))):
            width, height = w.button_size(c, name)
            if x + width < area[2]:
                w.button(c, (x, y, x + width, y + height), name, accent=rng.random() < 0.4)
            x += width + 2 * t.pad
    elif draw < 0.85:
        names = list(dict.fromkeys(label(rng, "tabs") for _ in range(5)))
        bottom = w.tab_row(c, area[0], y, area[2] - area[0], names)
    else:
        bottom = w.paragraph(c, area, sentence(rng, rng.randint(20, 70)), t.dim)
    return max(bottom, box[1] + 60)
