"""Candidates in words: what each is, says and shows, what stands around it, and in which part of the screen it is.

The judge (:mod:`.matcher.judge`) reads such a caption together with the instruction. Screen text goes into captions as
data to be compared; nothing here follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from .evidence import Draft, Scene
from .geometry import Rect, Size
from .ocr import TextBox

OWN_WORDS, AROUND_WORDS = 10, 5
"""Words of a candidate's own text, and of each text around it."""
ROW, COLUMN = 420.0, 140.0
"""How far away (capture pixels) a text beside, and above, may be."""
TOUCH = 4.0
"""By so much (pixels) a text may reach into the candidate and still stand beside it."""
LEAST_SIGNS = 2
"""Detections of fewer letters and digits are mostly misread drawings."""
SORTS = {"entry": "field", "track": "slider", "mark": "check box"}

Names = Callable[[int], Sequence[str]]
"""From the number of a look to what it looks like, best first; empty where nothing fits."""


class Captions:
    """Captions of one instruction's drafts.

    Args:
        names: what drawings look like.
        size: of the capture.
    """

    def __init__(self, scene: Scene, names: Names, size: Size) -> None:
        self._scene, self._names, self._size = scene, names, size
        self._texts = [t for t in scene.texts if sum(map(str.isalnum, t.text)) >= LEAST_SIGNS]
        self._rects = np.array([t.rect.as_tuple() for t in self._texts], np.float64).reshape(-1, 4)

    def of(self, draft: Draft) -> str:
        """One line, such as ``icon pin, bookmark; left: Freya Garcia; above: Chats; top right``."""
        parts = [f"{self._sort(draft)} {self._own(draft)}".strip()]
        for side, text in (
            ("left", self._beside(draft, 0)),
            ("right", self._beside(draft, 1)),
            ("above", self._above(draft)),
        ):
            if text is not None:
                parts.append(f"{side}: {_shortened(text.text, AROUND_WORDS)}")
        parts.append(self._place(draft))
        return "; ".join(p for p in parts if p)

    def _sort(self, draft: Draft) -> str:
        if draft.kind in SORTS:
            return SORTS[draft.kind]
        if draft.origin == "text":
            holder = self._scene.elements.around(draft.region)
            alone = holder is not None and holder.height <= 3.5 * draft.region.height and self._count(holder) == 1
            return "button" if alone else "text"
        if draft.origin == "attention":
            return "area"
        return "icon" if draft.look is not None and max(draft.region.width, draft.region.height) <= 80 else "box"

    def _count(self, rect: Rect) -> int:
        """Texts whose centre lies in the rectangle."""
        return int(self._inside(rect).sum())

    def _inside(self, rect: Rect) -> npt.NDArray[np.bool_]:
        x, y = (self._rects[:, 0] + self._rects[:, 2]) / 2, (self._rects[:, 1] + self._rects[:, 3]) / 2
        within: npt.NDArray[np.bool_] = (rect.left <= x) & (x < rect.right) & (rect.top <= y) & (y < rect.bottom)
        return within

    def _own(self, draft: Draft) -> str:
        said: list[str] = []
        if draft.origin == "text" and draft.text:
            said.append(_shortened(draft.text, OWN_WORDS))
            whole = self._line(draft)
            if draft.found is not None and not draft.found.whole and whole is not None:
                said.append(f"part of {_shortened(whole.text, OWN_WORDS)}")
            return ", ".join(said)
        if draft.kind in SORTS and draft.found is not None:
            said.append(_shortened(draft.found.text, OWN_WORDS))
        elif draft.look is not None:
            said += dict.fromkeys(self._names(draft.look))
        inside = [self._texts[i].text for i in np.flatnonzero(self._inside(draft.region))[:3]]
        if inside:
            said.append(f"with {_shortened(' '.join(inside), OWN_WORDS)}")
        return ", ".join(said)

    def _line(self, draft: Draft) -> TextBox | None:
        """The detection under a text draft's point."""
        return next((t for t in self._texts if t.rect.contains(draft.point)), None)

    def _beside(self, draft: Draft, side: int) -> TextBox | None:
        """The nearest text left (0) or right (1) in the draft's row."""
        r, t = draft.region, self._rects
        if not len(t):
            return None
        shared = np.minimum(t[:, 3], r.bottom) - np.maximum(t[:, 1], r.top)
        level = shared >= 0.5 * np.minimum(t[:, 3] - t[:, 1], r.height)
        gap = r.left - t[:, 2] if side == 0 else t[:, 0] - r.right
        return self._nearest(gap, level & (gap >= -TOUCH) & (gap <= ROW))

    def _above(self, draft: Draft) -> TextBox | None:
        r, t = draft.region, self._rects
        if not len(t):
            return None
        over = np.minimum(t[:, 2], r.right) - np.maximum(t[:, 0], r.left) > 0
        gap = r.top - t[:, 3]
        return self._nearest(gap, over & (gap >= -TOUCH) & (gap <= COLUMN))

    def _nearest(self, gap: npt.NDArray[np.float64], fits: npt.NDArray[np.bool_]) -> TextBox | None:
        found = np.flatnonzero(fits)
        return self._texts[int(found[np.argmin(gap[found])])] if len(found) else None

    def _place(self, draft: Draft) -> str:
        """The part of the screen, in thirds."""
        across, down = draft.point.x / self._size.width, draft.point.y / self._size.height
        rows, columns = ("top", "", "bottom"), ("left", "", "right")
        return f"{rows[min(int(down * 3), 2)]} {columns[min(int(across * 3), 2)]}".strip()


def _shortened(text: str, words: int) -> str:
    return " ".join(text.split()[:words])
