"""Chooses which words of what was seen are kept: those that tell something, as a token classifier would.

Like LLMLingua-2 (Pan et al. 2024) this only leaves out, it never rewords, and the order stays. Its classifier is a
trained encoder; the scorer here needs no model: a word counts by how rarely it stands on the screens of the run
(menus and buttons stand on all of them), by its form (numbers, codes, addresses and names are what is asked for later),
and by what the task and the question speak of.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .tokens import alike, cost, spans, stem, terms

VALUE = re.compile(r"\d|@|^[A-Z]{2,}[-/]?\w*$")
"""Forms of what is looked up later: numbers, codes, addresses."""
NAME = re.compile(r"^[A-Z][\w'-]+$")
VALUE_SCORE, NAME_SCORE, ASKED_SCORE = 1.0, 0.3, 3.0
LEAST, COMMON = 0.45, 0.05
"""Words of a kept line that score less than LEAST are left out, unless they stand beside one that scores over twice
that and are not so common that they score less than COMMON."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it may be kept."""

    text: str
    """Only the words that are kept."""
    score: float
    turn: int
    place: int
    """Number on its screen."""

    @property
    def cost(self) -> int:
        return cost(self.text) + 2


class Scorer:
    """How much the words of one run tell. Built from all that was read in it."""

    def __init__(self, screens: Sequence[Sequence[str]]) -> None:
        self._screens = max(1, len(screens))
        self._seen = Counter(term for lines in screens for term in {t for line in lines for t in terms(line)})
        self._lines = Counter(line for lines in screens for line in set(lines))

    def rarity(self, term: str) -> float:
        """0 for what stands on every screen .. 1 for what stood on one."""
        seen = self._seen.get(term, 1)
        return 1.0 - math.log(seen) / math.log(self._screens) if self._screens > 1 else 1.0

    def weighted(self, asked: Mapping[str, float]) -> dict[str, float]:
        """What is asked for, each term by how rare it is here: "file" says little where every program has a menu so
        called."""
        return {term: weight * max(0.05, self.rarity(term)) for term, weight in asked.items()}

    def words(self, line: str, asked: Mapping[str, float]) -> list[tuple[str, float]]:
        """Each word of a line with what it tells. ``asked``: term -> weight, as :meth:`weighted` gives it."""
        return [(word, self._score(word, asked)) for word in spans(line)]

    def _score(self, word: str, asked: Mapping[str, float]) -> float:
        own = terms(word) or [stem(word.lower())]
        wanted = max((w for other, w in asked.items() if any(alike(term, other) for term in own)), default=0.0)
        form = VALUE_SCORE if VALUE.search(word) else NAME_SCORE if NAME.match(word) else 0.0
        return self.rarity(own[0]) * (0.4 + form) + ASKED_SCORE * wanted

    def line(self, text: str, asked: Mapping[str, float], turn: int, place: int) -> Line | None:
        """The line with its telling words; None when nothing is left. A line on many screens tells little."""
        scored = self.words(text, asked)
        if not scored:
            return None
        kept = [
            word for i, (word, score) in enumerate(scored) if score >= LEAST or (score > COMMON and _beside(scored, i))
        ]
        if not kept:
            return None
        common = self._lines.get(text, 1) / self._screens
        best = max(score for _, score in scored)
        mean = sum(score for _, score in scored) / len(scored)
        return Line(_rejoined(text, kept), (best + mean) * (1.0 - 0.9 * common), turn, place)

    @staticmethod
    def speaks_of(text: str, asked: Mapping[str, float]) -> float:
        """The share of what is asked for that a line names, by weight."""
        told = set(terms(text))
        total = sum(asked.values())
        return (
            sum(w for term, w in asked.items() if any(alike(term, other) for other in told)) / total if total else 0.0
        )


def _beside(scored: Sequence[tuple[str, float]], at: int) -> bool:
    """A label belongs to its value: the neighbours of a telling word stay."""
    return any(0 <= i < len(scored) and scored[i][1] > 2 * LEAST for i in (at - 2, at - 1, at + 1))


def _rejoined(text: str, kept: Sequence[str]) -> str:
    """The kept words with the signs around and between them, where no word was left out there."""
    pieces: list[str] = []
    at = 0
    for word in kept:
        start = text.index(word, at)
        between = text[at:start]
        pieces += [between if not spans(between) else " " if pieces else "", word]
        at = start + len(word)
    tail = text[at:]
    return "".join([*pieces, "" if spans(tail) else tail]).strip()


def asked_for(texts: Iterable[tuple[str, float]]) -> dict[str, float]:
    """Term -> weight of what a task and a question speak of; the larger of two weights counts."""
    found: dict[str, float] = {}
    for text, weight in texts:
        for term in terms(text):
            found[term] = max(found.get(term, 0.0), weight)
    return found
