"""Kinds of controls that an instruction names: "the Save button", "tick the box", "switch to the tab"."""

from __future__ import annotations

import re

_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"menu item|item|entry|command", ("menu item", "cell")),
    (r"menu|submenu", ("menu", "menu item")),
    (r"tab", ("tab",)),
    (r"button|icon|btn|arrow|symbol|toolbar", ("button",)),
    (r"link", ("link",)),
    (r"cell|row", ("cell",)),
    (r"column|header", ("column header",)),
    (r"label|heading|title|caption", ("label",)),
    (r"field|box|input|text ?box", ("field", "drop-down")),
    (r"list|drop-?down|combo ?box|selector", ("drop-down", "cell")),
    (r"checkbox|radio|option|switch(?! to)|toggle|tick|untick|uncheck|check(?! for)", ("check",)),
    (r"slider|drag|knob", ("slider",)),
)
_WORDS = tuple((re.compile(rf"\b(?:{words})s?\b"), kinds) for words, kinds in _NAMES)
_QUOTED = re.compile(r"[\"'“”‘’][^\"'“”‘’]+[\"'“”‘’]")
_CHECK_BOX = re.compile(r"check ?box")


def kinds_asked(instruction: str) -> frozenset[str]:
    """Kinds (of :data:`reticle_grounding.controls.kinds.KINDS`) that its words name outside quotes; empty for none."""
    plain = _CHECK_BOX.sub("checkbox", _QUOTED.sub(" ", instruction.lower()))
    return frozenset(kind for words, kinds in _WORDS if words.search(plain) for kind in kinds)
