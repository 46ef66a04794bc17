"""Numbers of roles and states as AT-SPI defines them (at-spi2-core, ``atspi-constants.h``), and what they mean here."""

from __future__ import annotations

ROLES = tuple(
    """
invalid, accelerator label, alert, animation, arrow, calendar, canvas, check box, check menu item,
color chooser, column header, combo box, date editor, desktop icon, desktop frame, dial, dialog,
directory pane, drawing area, file chooser, filler, focus traversable, font chooser, frame, glass
pane, html container, icon, image, internal frame, label, layered pane, list, list item, menu, menu
bar, menu item, option pane, page tab, page tab list, panel, password text, popup menu, progress
bar, push button, radio button, radio menu item, root pane, row header, scroll bar, scroll pane,
separator, slider, spin button, split pane, status bar, table, table cell, table column header,
table row header, tearoff menu item, terminal, text, toggle button, tool bar, tool tip, tree, tree
table, unknown, viewport, window, extended, header, footer, paragraph, ruler, application,
autocomplete, editbar, embedded, entry, chart, caption, document frame, heading, page, section,
redundant object, form, link, input method window, table row, tree item, document spreadsheet,
document presentation, document text, document web, document email, comment, list box, grouping,
image map, notification, info bar, level bar, title bar, block quote, audio, video, definition,
article, landmark, log, marquee, math, rating, timer, static, math fraction, math root, subscript,
superscript, description list, description term, description value, footnote, content deletion,
content insertion, mark, suggestion, push button menu
""".replace("\n", " ")
    .strip()
    .split(", ")
)
"""Role name by role number."""
STATES = {
    4: "checked",
    7: "editable",
    8: "enabled",
    9: "expandable",
    10: "expanded",
    12: "focused",
    17: "multi_line",
    20: "pressed",
    22: "selectable",
    23: "selected",
    24: "sensitive",
    32: "indeterminate",
    33: "required",
    39: "is_default",
    41: "checkable",
    42: "has_popup",
    43: "read_only",
}
"""The states that rows tell about, by bit."""
SHOWING = 25
DEFUNCT = 6
HIDDEN_TEXT = "password text"
TEXT_FIELDS = frozenset({"text", "entry", "editbar", "combo box"})
NUMBERS = frozenset({"slider", "spin button", "progress bar", "scroll bar", "dial", "level bar"})
FIELDS = TEXT_FIELDS | NUMBERS | {HIDDEN_TEXT}
"""What is asked for by its label rather than by its own name."""
NEEDS_NAME = frozenset(
    {"label", "table cell", "list item", "tree item", "static", "heading", "link", "image", "icon", "table row header"}
    | {"table column header", "menu", "menu item", "page tab"}
)
ELEMENTS = (
    FIELDS
    | NEEDS_NAME
    | {
        "push button",
        "toggle button",
        "push button menu",
        "check box",
        "radio button",
        "check menu item",
        "radio menu item",
        "terminal",
    }
)
"""What a person could point at; everything else is a container or decoration."""
SHOWS_NAME = frozenset(
    {"menu", "menu item", "check menu item", "radio menu item", "label", "check box", "radio button"}
)
"""Roles that practically always show their names; they tell how wide the letters of a program are."""
TEXTUAL = frozenset(
    {"menu", "menu item", "label", "table cell", "list item", "tree item", "page tab", "table column header"}
    | {"table row header", "link", "heading", "static"}
)
"""Roles whose name, where it is drawn at all, is drawn as text; others may hold an icon of about a text's width."""
LEAVES = frozenset(
    {"label", "push button", "separator", "scroll bar", "slider", "image", "icon", "check box", "radio button"}
    | {
        "progress bar",
        "static",
        "table column header",
        "text",
        "entry",
        HIDDEN_TEXT,
        "check menu item",
        "radio menu item",
    }
)
"""Never asked for children: there are none worth a row."""
HOLDS_MORE = frozenset({"page tab", "menu bar", "list item", "table cell", "tree item"})
"""What may have its content outside of its own box."""
WINDOWS = frozenset({"frame", "dialog", "alert", "window", "file chooser", "color chooser", "font chooser"})
POPS_UP = frozenset({"menu", "popup menu", "combo box", "window", "tool tip", "menu item"})
"""What may show its content in a window of its own on top."""


def role_name(number: int) -> str:
    return ROLES[number] if 0 <= number < len(ROLES) else "unknown"


def state_names(bits: int) -> list[str]:
    return [name for bit, name in STATES.items() if bits >> bit & 1]
