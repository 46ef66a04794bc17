"""Style sheets in several manners, filled with the colours of a look."""

from __future__ import annotations

from random import Random

from .palettes import Colors

THEMES = ("plain", "plain", "plain", "flat", "rounded", "material", "dense", "outline", "airy")
"""Plain looks have no style sheet at all: what the Qt style draws."""


def style_sheet(theme: str, colors: Colors, rng: Random) -> str:
    """The sheet of ``theme``; empty for "plain". Sizes are in logical pixels."""
    if theme == "plain":
        return ""
    maker = {"flat": _flat, "rounded": _rounded, "material": _material, "dense": _dense, "outline": _outline}
    return maker.get(theme, _airy)(colors, rng)


def _common(c: Colors, radius: int, pad: int) -> str:
    return f"""
    QMenu {{ background: {c.base}; color: {c.text}; border: 1px solid {c.border}; padding: {pad}px 0; }}
    QMenu::item {{ padding: {pad + 2}px {18 + 2 * pad}px {pad + 2}px {20 + pad}px; }}
    QMenu::icon {{ left: {pad + 4}px; }}
    QMenu::item:selected {{ background: {c.accent}; color: {c.on_accent}; }}
    QMenu::item:disabled {{ color: {c.muted}; }}
    QMenu::separator {{ height: 1px; background: {c.border}; margin: {pad}px 6px; }}
    QMenuBar::item {{ padding: {pad + 1}px {pad + 5}px; border-radius: {radius}px; background: transparent; }}
    QMenuBar::item:selected {{ background: {c.accent}; color: {c.on_accent}; }}
    QGroupBox {{ border: 1px solid {c.border}; border-radius: {radius}px; margin-top: 1.3em; padding-top: 4px; }}
    QGroupBox::title {{ subcontrol-origin: margin; subcontrol-position: top left; left: 8px; padding: 0 3px; }}
    QAbstractItemView {{ background: {c.base}; alternate-background-color: {c.alternate}; color: {c.text}; }}
    QAbstractItemView::item:selected {{ background: {c.accent}; color: {c.on_accent}; }}
    """


def _buttons(c: Colors, css: str, hot: str) -> str:
    return f"""
    QPushButton {{ background: {c.button}; color: {c.text}; {css} }}
    QPushButton:default, QPushButton:checked {{ background: {c.accent}; color: {c.on_accent}; {hot} }}
    QPushButton:disabled {{ color: {c.muted}; }}
    QToolButton:checked {{ background: {c.accent}; color: {c.on_accent}; }}
    """


def _fields(c: Colors, css: str) -> str:
    return f"""
    QLineEdit, QPlainTextEdit, QTextEdit {{ background: {c.base}; color: {c.text}; {css} }}
    QLineEdit:disabled {{ color: {c.muted}; }}
    """


def _tabs(c: Colors, css: str, chosen: str) -> str:
    return f"""
    QTabBar::tab {{ color: {c.text}; {css} }}
    QTabBar::tab:selected {{ {chosen} }}
    QTabWidget::pane {{ border: 1px solid {c.border}; }}
    """


def _flat(c: Colors, rng: Random) -> str:
    pad = rng.randint(3, 7)
    return (
        _common(c, 0, rng.randint(2, 4))
        + _buttons(c, f"border: none; padding: {pad}px {3 * pad}px;", "")
        + _fields(c, f"border: 1px solid {c.border}; padding: {pad - 1}px;")
        + _tabs(c, f"background: {c.window}; padding: {pad}px 12px; border: none;", f"background: {c.base};")
        + f"QToolButton {{ border: none; padding: {pad - 1}px; }} QToolBar {{ border: none; spacing: 2px; }}"
        + f"QHeaderView::section {{ background: {c.window}; color: {c.text}; border: none; padding: 4px; }}"
    )


def _rounded(c: Colors, rng: Random) -> str:
    radius, pad = rng.randint(4, 11), rng.randint(4, 7)
    return (
        _common(c, radius, rng.randint(3, 5))
        + _buttons(c, f"border: 1px solid {c.border}; border-radius: {radius}px; padding: {pad}px {2 * pad + 4}px;", "")
        + _fields(c, f"border: 1px solid {c.border}; border-radius: {radius}px; padding: {pad - 1}px;")
        + _tabs(
            c,
            f"padding: {pad}px 14px; border-radius: {radius}px; margin: 2px;",
            f"background: {c.accent}; color: {c.on_accent};",
        )
        + f"QToolButton {{ border: none; border-radius: {radius}px; padding: {pad - 1}px; }}"
    )


def _material(c: Colors, rng: Random) -> str:
    pad = rng.randint(5, 9)
    return (
        _common(c, 4, rng.randint(5, 8))
        + _buttons(
            c,
            f"border: none; border-radius: 4px; padding: {pad}px 16px; font-weight: 500;",
            "border: none;",
        )
        + _fields(c, f"border: none; border-bottom: 2px solid {c.border}; padding: {pad}px 2px;")
        + f"QLineEdit:focus {{ border-bottom: 2px solid {c.accent}; }}"
        + _tabs(
            c,
            f"padding: {pad}px 16px; border: none; background: {c.window};",
            f"border-bottom: 2px solid {c.accent};",
        )
        + f"QToolButton {{ border: none; padding: {pad - 2}px; border-radius: 4px; }}"
        + f"QToolBar {{ background: {c.window}; border: none; spacing: 4px; }}"
        + f"QHeaderView::section {{ background: {c.base}; color: {c.muted}; border: none; padding: 6px; }}"
    )


def _dense(c: Colors, rng: Random) -> str:
    return (
        _common(c, rng.choice((0, 2)), 1)
        + _buttons(c, f"border: 1px solid {c.border}; padding: 1px 6px;", f"border: 1px solid {c.accent};")
        + _fields(c, f"border: 1px solid {c.border}; padding: 0 2px;")
        + _tabs(c, f"padding: 1px 6px; border: 1px solid {c.border};", f"background: {c.base};")
        + "QToolButton { padding: 0; margin: 0; } QToolBar { spacing: 0; padding: 0; }"
        + "QAbstractItemView::item { padding: 0; } QHeaderView::section { padding: 1px 3px; }"
    )


def _outline(c: Colors, rng: Random) -> str:
    radius = rng.choice((0, 3, 6))
    return (
        _common(c, radius, 3)
        + f"QPushButton {{ background: transparent; color: {c.text}; border: 2px solid {c.border};"
        + f" border-radius: {radius}px; padding: 4px 12px; }}"
        + f"QPushButton:default {{ border-color: {c.accent}; }}"
        + f"QPushButton:disabled {{ color: {c.muted}; }}"
        + f"QToolButton {{ border: 1px solid {c.border}; border-radius: {radius}px; padding: 2px; }}"
        + f"QToolButton:checked {{ border: 2px solid {c.accent}; }}"
        + _fields(c, f"border: 2px solid {c.border}; border-radius: {radius}px; padding: 3px;")
        + _tabs(c, "padding: 5px 12px;", f"border-bottom: 3px solid {c.accent};")
    )


def _airy(c: Colors, rng: Random) -> str:
    pad = rng.randint(8, 12)
    return (
        _common(c, 8, rng.randint(5, 8))
        + _buttons(c, f"border: 1px solid {c.border}; border-radius: 8px; padding: {pad}px {pad + 10}px;", "")
        + _fields(c, f"border: 1px solid {c.border}; border-radius: 8px; padding: {pad}px;")
        + f"QToolButton {{ border: none; padding: {pad - 4}px; border-radius: 8px; }}"
        + f"QAbstractItemView::item {{ padding: {pad - 5}px; }}"
        + f"QHeaderView::section {{ background: {c.alternate}; color: {c.text}; border: none; padding: {pad - 3}px; }}"
    )
