"""What the matcher says about one screenshot: every proposal and text against the words of an instruction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from .geometry import Rect
from .labels import all_said
from .matcher.matcher import Matcher, Vectors
from .ocr import RgbArray, TextBox
from .proposals import Elements, proposals_of
from .rows import Parted, sides_of
from .words import Wanted, parse, without_location

MAX_SEEN = 400
"""Proposals that are looked at on one screen."""
SIDES = (7.0, 120.0)
"""Least longer side and greatest shorter side of a proposal worth a look (pixels)."""
LONGEST = 2.6
"""Longer side in lengths of the shorter one."""
SAME_DRAWING = 0.9
"""Agreement of two proposals that show the same drawing."""
NAMED = 0.7
"""Weight of what a drawing is known as beside what it looks like."""
LEAST_LOOK, LEAST_MEANT, LEAST_NAMED, LEAST_USED, LEAST_HEARD = 0.1, 0.2, 0.2, 0.3, 0.3
"""Weaker agreements make no candidates."""

Scores = npt.NDArray[np.float32]


def _no_scores() -> Scores:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """One instruction against everything seen and read; scores are -1..1."""

    rects: tuple[Rect, ...]
    """Proposals that were looked at, capture pixels."""
    looks: Scores
    """[proposals] agreement of each proposal's looks."""
    texts: Scores
    """[texts] agreement of each text's meaning, in the order of the scene's texts."""
    seen: Vectors
    """[proposals, DIM] what each proposal looks like; rows of norm 1."""
    named: Scores = field(default_factory=_no_scores)
    """[proposals] agreement of what each proposal is known as, or nothing where no icons are known by heart."""
    known: Scores = field(default_factory=_no_scores)
    """[proposals] likeness of each proposal to the nearest known icon."""
    used: Scores = field(default_factory=_no_scores)
    """[proposals] agreement of what programs use such drawings for, or nothing as in ``named``."""
    rest_drawn: Scores = field(default_factory=_no_scores)
    """[proposals] agreement with what an instruction says beside a name, or nothing where it says no such thing."""
    rest_meant: Scores = field(default_factory=_no_scores)
    """[texts] the same for texts."""
    near_drawn: Scores = field(default_factory=_no_scores)
    """[proposals] agreement with what the target stands beside, or nothing where that is not told."""
    heard: Scores = field(default_factory=_no_scores)
    """[texts] agreement with what people say who want such a text, or nothing where no wishes are known by heart."""
    often: Scores = field(default_factory=_no_scores)
    """[texts] how many such wishes are known, as a logarithm, or nothing as in ``heard``."""

    def alike(self, number: int) -> list[int]:
        """Proposals that look the same as this one, itself among them."""
        return [int(i) for i in np.flatnonzero(self.same(number))]

    def same(self, number: int) -> npt.NDArray[np.bool_]:
        """[proposals] which of them look the same as this one."""
        alike: npt.NDArray[np.bool_] = self.seen @ self.seen[number] >= SAME_DRAWING
        return alike

    def best_looks(self, count: int) -> list[int]:
        return _best(self.looks, count, LEAST_LOOK)

    def best_named(self, count: int) -> list[int]:
        return _best(self.named, count, LEAST_NAMED)

    def best_used(self, count: int) -> list[int]:
        return _best(self.used, count, LEAST_USED)

    def best_texts(self, count: int) -> list[int]:
        return _best(self.texts, count, LEAST_MEANT)

    def best_heard(self, count: int) -> list[int]:
        return _best(self.heard, count, LEAST_HEARD)


NOTHING_SEEN = Agreement((), np.zeros(0, np.float32), np.zeros(0, np.float32), np.zeros((0, 1), np.float32))


def _best(scores: Scores, count: int, least: float) -> list[int]:
    order = np.argsort(-scores, kind="stable")[:count]
    return [int(i) for i in order if scores[i] >= least]


class Looks:
    """All proposals and texts of one screenshot as vectors, made once."""

    def __init__(self, matcher: Matcher, image: RgbArray, elements: Elements, texts: Sequence[TextBox]) -> None:
        self._matcher, self.texts = matcher, texts
        self.rects = worth_a_look(elements)
        self.seen: Vectors = matcher.see(image, self.rects)
        self._recalled = matcher.recall(image, self.rects)
        self.read: Vectors = matcher.say(all_said(texts))
        self._known = matcher.known(self.read)

    def against(self, instruction: str, wanted: Wanted) -> Agreement:
        """The best of the whole instruction, of what is left without gestures and roles, of what stands before a comma,
        and of what is left without a part of the screen; for looks also of what stands before the first relation, which
        often tells what is drawn."""
        phrases = [instruction, _bare(instruction, wanted), *([" ".join(wanted.first)] if wanted.first else [])]
        if (there := without_location(instruction)) != instruction:
            phrases += [there, _bare(there, parse(there))]
        told = self._matcher.say(phrases)
        texts = _scores(self.read, told)
        heard = _no_scores() if self._known is None else self._known.heard(told)
        often = _no_scores() if self._known is None else self._known.often
        phrases += [" ".join(wanted.head)] if wanted.head else []
        asked, said = self._matcher.ask(phrases), self._matcher.say(phrases)
        looks = _scores(self.seen, asked)
        near = " ".join(wanted.near) if sides_of(wanted.relation) else ""
        near_drawn = self._drawn(near) if near else _no_scores()
        named, known, used = _no_scores(), _no_scores(), _no_scores()
        if self._recalled is not None and self.rects:
            named, known = self._matcher.named(self._recalled, said), self._recalled.likeness[:, 0]
            used = self._matcher.used(self._recalled, said)
        made = Agreement(self.rects, looks, texts, self.seen, named, known, used, near_drawn=near_drawn)
        return replace(made, heard=heard, often=often)

    def with_rest(self, agreement: Agreement, part: Parted) -> Agreement:
        """The agreement with what an instruction says beside a name, too."""
        rest = " ".join(part.rest)
        return replace(
            agreement, rest_drawn=self._drawn(rest), rest_meant=_scores(self.read, self._matcher.say([rest]))
        )

    def _drawn(self, phrase: str) -> Scores:
        """[proposals] how far each drawing is what a phrase says, by its looks and by what it is known as."""
        looks = _scores(self.seen, self._matcher.ask([phrase]))
        if self._recalled is None or not self.rects:
            return looks
        named = self._matcher.named(self._recalled, self._matcher.say([phrase]))
        return ((looks + NAMED * named) / (1 + NAMED)).astype(np.float32)


def _scores(vectors: Vectors, spoken: Vectors) -> Scores:
    if not len(vectors):
        return np.zeros(0, np.float32)
    scores: Scores = (vectors @ spoken.T).max(axis=1)
    return scores


def _bare(instruction: str, wanted: Wanted) -> str:
    return next((" ".join(r.tokens) for r in wanted.readings), instruction)


def worth_a_look(elements: Elements) -> tuple[Rect, ...]:
    """Rectangles that may be a control with a drawing on it: not too small or large, nor long but for three dots."""
    seen = tuple(proposal.rect for proposal in proposals_of(elements, MAX_SEEN, _drawn_size))
    return (*seen, *(dots for dots in elements.dots if dots not in seen))


def _drawn_size(rect: Rect) -> bool:
    short, long = sorted((rect.width, rect.height))
    return SIDES[0] <= long and short <= SIDES[1] and long <= LONGEST * max(short, SIDES[0])
