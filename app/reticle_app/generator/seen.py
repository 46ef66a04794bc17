"""An element that can be seen, as harvesting finds it."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect


@dataclass(frozen=True, slots=True)
class Seen:
    """An element; ``rect`` is in logical pixels of the widget that was harvested."""

    role: str
    name: str
    rect: QRect
    description: str = ""
    states: tuple[str, ...] = ()
    text_visible: bool | None = None
    label: str = ""
    value: str = ""


Found = list[Seen]
"""Elements in the coordinates of the widget they were found in."""


def plain_text(text: str) -> str:
    """A label without its accelerator mark and in one line."""
    return " ".join(text.replace("&&", "\0").replace("&", "").replace("\0", "&").split())
