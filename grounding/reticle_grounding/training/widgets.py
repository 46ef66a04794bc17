"""Painters of single widgets; each registers its elements and returns its box."""

from __future__ import annotations

from .canvas import Box, Canvas
from .palette import Colour, mix


def button_size(c: Canvas, text: str, icon: str = "") -> tuple[int, int]:
    """Natural width and height of a push button."""
    t = c.theme
    width = t.face.width(text) + 4 * t.pad + (t.icon + t.pad if icon else 0)
    return max(width, t.face.height * 3), t.face.height + 2 * t.pad


def button(c: Canvas, box: Box, text: str, icon: str = "", accent: bool = False, role: str = "button") -> Box:
    """A push button with centred text and an optional icon before it."""
    t = c.theme
    fill, ink = (t.accent, t.on_accent) if accent else (t.button, t.text)
    c.rect(box, fill, None if accent else t.border, t.radius)
    text = c.fitted(text, box[2] - box[0] - t.pad)
    size = min(t.icon, box[3] - box[1] - 4) if icon else 0
    width = t.face.width(text) + (size + t.pad if icon else 0)
    x = (box[0] + box[2] - width) // 2
    if icon:
        c.icon(x, (box[1] + box[3] - size) // 2, size, icon, ink)
        x += size + t.pad
    c.text(x, (box[1] + box[3] - t.face.height) // 2, text, ink=ink)
    c.add(role, box, text, "text", icon)
    return box


def icon_button(c: Canvas, x: int, y: int, side: int, name: str, framed: bool = False, role: str = "button") -> Box:
    """A square button that shows only an icon."""
    box = (x, y, x + side, y + side)
    if framed:
        c.rect(box, c.theme.button, c.theme.border, c.theme.radius)
    size = min(c.theme.icon, side - 2)
    if c.icon(x + (side - size) // 2, y + (side - size) // 2, size, name):
        c.add(role, box, name, "icon", name)
    return box


def label_and(c: Canvas, x: int, y: int, text: str, column: int) -> None:
    """A label vertically centred on a field row of the theme's height, left- or right-aligned in its column."""
    c.text(x + column - c.theme.face.width(text) if c.rng.random() < 0.3 else x, y + c.theme.pad, text)


def entry(c: Canvas, box: Box, label: str, value: str = "", hint: bool = False, icon: str = "") -> Box:
    """A text field; ``hint`` shows its label greyed inside while it is empty."""
    t = c.theme
    c.rect(box, t.base, t.border, t.radius)
    x = box[0] + t.pad + 1
    if icon:
        side = min(t.icon, box[3] - box[1] - 6)
        c.icon(x, (box[1] + box[3] - side) // 2, side, icon, t.dim)
        x += side + t.pad
    shown = value or (label if hint else "")
    c.text(
        x,
        (box[1] + box[3] - t.face.height) // 2,
        c.fitted(shown, box[2] - x - t.pad),
        ink=t.text if value else t.dim,
    )
    c.add("field", box, label, "field")
    return box


def arrow(c: Canvas, x: int, y: int, size: int, ink: Colour, up: bool = False) -> None:
    """A small triangle or chevron."""
    h = max(2, size // 2)
    tip, flat = (y, y + h) if up else (y + h, y)
    if c.theme.radius % 2:
        c.draw.polygon([(x, flat), (x + size, flat), (x + size // 2, tip)], fill=ink)
    else:
        c.line([(x, flat), (x + size // 2, tip), (x + size, flat)], ink, 1 + size // 8)


def combo(c: Canvas, box: Box, label: str, value: str) -> Box:
    """A drop-down showing its choice."""
    t = c.theme
    c.rect(box, t.button, t.border, t.radius)
    side = max(6, t.face.size // 2)
    c.text(box[0] + t.pad + 2, (box[1] + box[3] - t.face.height) // 2, c.fitted(value, box[2] - box[0] - 4 * side))
    arrow(c, box[2] - side - t.pad - 2, (box[1] + box[3]) // 2 - side // 4, side, t.text)
    c.add("drop-down", box, label, "field")
    return box


def spin(c: Canvas, box: Box, label: str, value: str) -> Box:
    """A number field with two small arrows or with plus and minus."""
    t = c.theme
    c.rect(box, t.base, t.border, t.radius)
    c.text(box[0] + t.pad + 2, (box[1] + box[3] - t.face.height) // 2, value)
    middle, side = (box[1] + box[3]) // 2, max(5, t.face.size // 3)
    if t.radius > 3:
        width = box[3] - box[1]
        for i, sign in enumerate("-+"):
            left = box[2] - (2 - i) * width
            c.line([(left, box[1] + 2), (left, box[3] - 3)], t.border)
            c.text(left + (width - t.face.width(sign)) // 2, (box[1] + box[3] - t.face.height) // 2, sign)
    else:
        arrow(c, box[2] - side - t.pad, middle - side, side, t.text, up=True)
        arrow(c, box[2] - side - t.pad, middle + side // 2, side, t.text)
    c.add("spin box", box, label, "field")
    return box


def check(c: Canvas, x: int, y: int, text: str, round_: bool = False, switch: bool = False) -> Box:
    """A check box, radio button or switch with its text; the box spans both."""
    t = c.theme
    side, height = max(12, t.face.size), t.face.height + t.pad
    top, on = y + (height - side) // 2, c.rng.random() < 0.45
    fill, edge = (t.accent, t.accent) if on and c.rng.random() < 0.7 else (t.base, t.border)
    mark = t.on_accent if fill == t.accent else t.text
    width = side * 2 if switch else side
    if switch:
        c.draw.rounded_rectangle((x, top, x + width, top + side), side // 2, fill if on else t.border)
        left = x + width - side if on else x
        c.draw.ellipse((left + 1, top + 1, left + side - 1, top + side - 1), fill=(250, 250, 250))
    elif round_:
        c.draw.ellipse((x, top, x + side, top + side), fill, edge)
        if on:
            c.draw.ellipse((x + side // 3, top + side // 3, x + side - side // 3, top + side - side // 3), mark)
    else:
        c.rect((x, top, x + side, top + side), fill, edge, min(t.radius, 3))
        if on:
            points: list[tuple[float, float]] = [
                (x + 3, top + side / 2),
                (x + side / 2 - 1, top + side - 4),
                (x + side - 3, top + 3),
            ]
            c.line(points, mark, 2)
    end = c.text(x + width + t.pad + 2, y + t.pad // 2, text)
    box = (x, y, end[2], y + height)
    c.add("switch" if switch else "radio button" if round_ else "check box", box, text, "field")
    return box


def slider(c: Canvas, box: Box, label: str) -> Box:
    """A horizontal slider."""
    t, middle = c.theme, (box[1] + box[3]) // 2
    at = c.rng.randint(box[0] + 8, max(box[0] + 9, box[2] - 8))
    c.rect((box[0], middle - 2, box[2], middle + 2), t.border)
    c.rect((box[0], middle - 2, at, middle + 2), t.accent)
    r = min(8, (box[3] - box[1]) // 2 - 1)
    c.draw.ellipse((at - r, middle - r, at + r, middle + r), t.button, t.border)
    c.add("slider", box, label, "field")
    return box


def tab_row(c: Canvas, x: int, y: int, width: int, names: list[str], closable: bool = False) -> int:
    """A row of tabs, the first or a random one selected; returns its bottom."""
    t = c.theme
    height, chosen, start = t.face.height + 2 * t.pad, c.rng.randrange(len(names)), x
    style = c.rng.randrange(3)
    for i, name in enumerate(names):
        w = t.face.width(name) + 4 * t.pad + (t.face.size + t.pad if closable else 0)
        if x + w > start + width:
            break
        box, on = (x, y, x + w, y + height), i == chosen
        if style == 0:
            c.rect(box, t.base if on else mix(t.window, t.border, 0.3), t.border)
        elif style == 1 and on:
            c.rect((x, y + height - 3, x + w, y + height), t.accent)
        elif on:
            c.rect(box, mix(t.window, t.text, 0.12), None, t.radius)
        c.text(x + 2 * t.pad, y + t.pad, name, ink=t.text if on else mix(t.text, t.dim, 0.5))
        c.add("tab", box, name, "text")
        if closable:
            cross(c, box[2] - t.face.size - t.pad, y + (height - t.face.size // 2) // 2, t.face.size // 2, t.text)
        x += w + (0 if style == 0 else t.pad)
    c.line([(start, y + height - 1), (start + width, y + height - 1)], t.border)
    return y + height


def cross(c: Canvas, x: int, y: int, size: int, ink: Colour) -> None:
    c.line([(x, y), (x + size, y + size)], ink, 1 + size // 12)
    c.line([(x + size, y), (x, y + size)], ink, 1 + size // 12)


def heading(c: Canvas, x: int, y: int, text: str, factor: float = 1.3) -> int:
    """Large or bold text; returns its bottom."""
    box = c.text(x, y, text, c.theme.bold.scaled(factor))
    c.add("heading", box, text, "text")
    return box[3]


def paragraph(c: Canvas, box: Box, text: str, ink: Colour | None = None, mono: bool = False) -> int:
    """Wrapped running text, cut at the bottom of the box; returns where it ended."""
    face = c.theme.mono if mono else c.theme.face
    x, y, space = box[0], box[1], face.width(" ")
    line: list[str] = []
    for word in [*text.split(), ""]:
        if word and face.width(" ".join([*line, word])) <= box[2] - x - space:
            line.append(word)
            continue
        if y + face.height > box[3]:
            return y
        c.text(x, y, " ".join(line), face, ink)
        y += face.height + 2
        line = [word]
    return y
