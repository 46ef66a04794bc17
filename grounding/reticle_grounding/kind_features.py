"""What kinds of controls say of a draft: what it may be, and whether the instruction means such a control."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .controls.kinds import BUTTON, DRAWN_BUTTON, KINDS, NONE, TEXT, Kinds, Shares
from .evidence import Draft, Scene

_GROUPS = {
    "is_none": ("none",),
    "is_menu": ("menu",),
    "is_item": ("menu item",),
    "is_tab": ("tab",),
    "is_button": ("button",),
    "is_link": ("link",),
    "is_cell": ("cell",),
    "is_header": ("column header",),
    "is_label": ("label",),
    "is_field": ("field", "drop-down"),
    "is_check": ("check",),
    "is_slider": ("slider",),
}
_WRITTEN = ("menu", "menu item", "tab", "button", "link", "cell", "column header", "label")
_FIELDS = ("field", "drop-down", "slider")
KIND_FEATURES = (
    *_GROUPS,
    "is_whole",
    "is_none_text",
    "is_label_of_entry",
    "is_label_of_field",
    "is_entry_of_label",
    "in_menu",
    "off_menu",
    "is_asked",
    "is_not_asked",
    "wish_agree",
    "wish_fit",
    "wish_fit_text",
    "wish_fit_look",
    "wish_shape",
    "wish_field_label",
)
RARE = 0.02
"""Added to how often a kind is meant, so that rare ones do not count too much."""
UNFIT = 0.05
"""The fit of a place that may be nothing of what is meant."""
SOME_CHECKS = 0.3
"""Share of check boxes and switches that are no more than drawings here."""
UNDECIDED = 0.5


def _numbers(names: Iterable[str]) -> list[int]:
    return [KINDS.index(name) for name in names]


_GROUP_NUMBERS = {name: _numbers(kinds) for name, kinds in _GROUPS.items()}
_WRITTEN_NUMBERS, _FIELD_NUMBERS, _CHECK = _numbers(_WRITTEN), _numbers(_FIELDS), KINDS.index("check")
_LABEL = _numbers(("label",))
_NOTHING: Shares = np.eye(len(KINDS), dtype=np.float32)[NONE]
"""[kinds] of a draft that is no place."""


class KindSense:
    """Features of all drafts of a scene; none where nothing is known of kinds."""

    def __init__(self, scene: Scene) -> None:
        self._kinds = scene.kinds
        self._asked = _numbers(sorted(scene.wanted.asked))
        told = scene.wish.size > 0
        self._meant: Shares | None = scene.wish[0] if told else None
        self._usual: Shares | None = scene.wish[1] if told else None

    def of(self, draft: Draft, entry: Draft | None) -> dict[str, float]:
        """Some of :data:`KIND_FEATURES`, 0..1 but for ``wish_fit``, which is about -1..1. ``entry`` is what a text
        stands before, where it labels one."""
        if not len(self._kinds.rects):
            return {}
        number = place_of(draft, self._kinds)
        shares = _NOTHING if number is None else self._kinds.shares[number]
        text = float(draft.origin == "text")
        made = {name: float(shares[numbers].sum()) for name, numbers in _GROUP_NUMBERS.items()}
        made["is_whole"] = 0.0 if number is None else float(self._kinds.whole[number])
        made["is_none_text"] = made["is_none"] * text
        if self._kinds.menus:
            made["in_menu"] = inside = float(any(menu.contains(draft.point) for menu in self._kinds.menus))
            made["off_menu"] = (1.0 - inside) * (1.0 - made["is_menu"])
        if entry is not None:
            made["is_label_of_entry"] = made["is_label"]
            made["is_label_of_field"] = self._share(place_of(entry, self._kinds), _FIELD_NUMBERS)
        if draft.kind in ("entry", "track") and draft.found is not None:
            made["is_entry_of_label"] = self._share(self._kinds.under(draft.found.rect.center, TEXT), _LABEL)
        if self._asked:
            made["is_asked"] = asked = float(shares[self._asked].sum())
            made["is_not_asked"] = 1.0 - asked
        if self._meant is not None and self._usual is not None:
            made |= self._wished(draft, shares, self._meant, self._usual)
            made["wish_field_label"] = float(self._meant[_FIELD_NUMBERS].sum()) * made["is_label"] * text
        return made

    def _share(self, number: int | None, kinds: Sequence[int]) -> float:
        """How likely a place is one of these kinds; 0 for none."""
        return 0.0 if number is None else float(self._kinds.shares[number, kinds].sum())

    def _wished(self, draft: Draft, shares: Shares, meant: Shares, usual: Shares) -> dict[str, float]:
        """How far what the draft may be is what is meant: as a probability, and beside what is usual. All [kinds]."""
        text = draft.origin == "text"
        own = np.zeros_like(shares)
        own[NONE + 1 : DRAWN_BUTTON] = shares[NONE + 1 : DRAWN_BUTTON]
        if not text:
            own[DRAWN_BUTTON], own[BUTTON] = own[BUTTON], 0.0
        fit = float(np.log((meant * own / (usual + RARE))[NONE + 1 :].sum() + UNFIT)) / 3
        return {
            "wish_agree": float(meant @ own),
            "wish_fit": fit,
            "wish_fit_text": fit * text,
            "wish_fit_look": fit * (draft.kind == "look"),
            "wish_shape": _shape(draft, meant),
        }


def place_of(draft: Draft, kinds: Kinds) -> int | None:
    """The place of a screen that a draft is."""
    if draft.origin == "text" and (number := kinds.under(draft.point, TEXT)) is not None:
        return number
    if draft.origin == "element" and (number := kinds.most_alike(draft.region)) is not None:
        return number
    return kinds.under(draft.point)


def _shape(draft: Draft, meant: Shares) -> float:
    """How likely something of the draft's shape is meant: words, a drawing, a field or a check mark."""
    if draft.origin == "text":
        return float(meant[_WRITTEN_NUMBERS].sum())
    if draft.kind in ("entry", "track"):
        return float(meant[_FIELD_NUMBERS].sum())
    check = float(meant[_CHECK])
    if draft.kind == "mark":
        return check
    return float(meant[DRAWN_BUTTON]) + SOME_CHECKS * check if draft.kind in ("look", "attended") else UNDECIDED
