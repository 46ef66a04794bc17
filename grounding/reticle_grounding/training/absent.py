"""Targets that are, as far as can be told, not on a captured screen.

The list of a captured screen has gaps, so "not in the list" is no proof. A name of *another application's* element is
taken when neither the list nor, word by word, the text read on the screen has anything like it:

1. It resembles no name, description or label of the list (also of elements nobody can ask for), and shares no content
   word with one; synonyms and other forms of a word count as the word.
2. No content word of the instruction was read anywhere on the screen (:func:`unread`).
3. An icon is asked for by its function, and no wording of that function resembles anything in the list.
4. What nearly every screen has unlisted and unread (window buttons, arrows of scroll bars, "menu") is never asked for.

Doubt remains where a screen shows an unlisted drawing without words that happens to mean the function asked for, and
where reading missed the one text that says it. Both make a right answer count as a failed rejection, never the reverse.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random

from rapidfuzz import fuzz

from reticle_grounding.words import similarity, tokens

from .canvas import ROLES, Element, Kind
from .icons import icon_functions, icon_numbers
from .instructions import FIELD_FORMS, ICON_FORMS, ROLE_FORMS, TEXT_FORMS, Target, phrase, plain

ALIKE = 70.0
"""Names of this rapidfuzz ratio (0..100), in any order of words, count as the same."""
SAME_WORD = 0.6
"""Words of this similarity count as the same; synonyms reach it."""
LONGEST_NAME = 40
_SMALL = frozenset(
    ["the", "and", "for", "with", "from", "this", "that", "all", "any", "are", "not", "you", "your", "its"]
)
_BUTTONS = ("close", "minimize", "minimise", "maximize", "maximise", "restore", "window")
_FURNITURE = frozenset((*_BUTTONS, "scroll", "scrollbar", "arrow", "plus", "minus", "sign"))
"""Words for what title bars, scroll bars and spin boxes have without being listed or readable."""


@dataclass(frozen=True, slots=True)
class AbsentCandidate:
    """A target that the list of the screen does not have; whether it may be used depends on what is read there."""

    target: Target
    words: tuple[str, ...]
    """Content words of name and instruction; none of them may be read on the screen."""


def content_words(text: str) -> set[str]:
    """Words that carry meaning: at least three letters, no small words."""
    return {w for w in tokens(text) if len(w) >= 3 and w not in _SMALL and not any(c.isdigit() for c in w)}


@lru_cache(maxsize=1)
def _form_words() -> frozenset[str]:
    """Words that instructions add around any name, such as "click" and "button"; they say nothing about a screen."""
    groups = (TEXT_FORMS, ICON_FORMS, *ROLE_FORMS.values(), *FIELD_FORMS.values())
    forms = [re.sub(r"{\w+}", " ", form) for group in groups for form in group]
    return frozenset(w for text in (*forms, *ROLES, "please") for w in tokens(text))


class Names:
    """Everything that the list of one screen says: names, descriptions and labels."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = sorted({plain(t) for t in texts} - {""})
        self._words = sorted({w for t in self._texts for w in content_words(t)})

    def resemble(self, text: str) -> bool:
        """Whether something of the list may be meant by ``text``."""
        wanted = plain(text)
        return any(max(fuzz.ratio(wanted, t), fuzz.token_set_ratio(wanted, t)) >= ALIKE for t in self._texts)

    def equal(self, text: str) -> bool:
        """Whether something of the list is nearly the same text."""
        wanted = plain(text)
        return any(fuzz.token_sort_ratio(wanted, t) >= ALIKE for t in self._texts)

    def share_a_word(self, words: Iterable[str]) -> bool:
        return any(similarity(a, b) >= SAME_WORD for a in words for b in self._words)


def absent_candidates(
    rng: Random, listed: Sequence[str], others: Sequence[Element], count: int
) -> list[AbsentCandidate]:
    """At most ``count`` targets named after ``others`` that the list does not have; kinds take turns.

    Args:
        listed: every name, description and label of the screen's list.
        others: elements of other applications.
    """
    names = Names(listed)
    pools: dict[Kind, list[Element]] = {"text": [], "icon": [], "field": []}
    for element in {(e.kind, plain(e.label)): e for e in rng.sample(others, len(others))}.values():
        if element.kind != "icon" or element.icon in icon_numbers():
            pools[element.kind].append(element)
    found: dict[str, AbsentCandidate] = {}
    while len(found) < count and any(pools.values()):
        for pool in pools.values():
            made = _next_unlisted(rng, names, pool) if len(found) < count else None
            if made is not None:
                found.setdefault(made.target.instruction.casefold(), made)
    return list(found.values())


def _next_unlisted(rng: Random, names: Names, pool: list[Element]) -> AbsentCandidate | None:
    """Takes elements from the pool until the list has nothing like one of them."""
    while pool:
        element = replace(pool.pop(), says=())
        if not _askable(element) or _listed(element, names):
            continue
        said, indirect = phrase(rng, element)
        if content_words(said) & _FURNITURE:
            continue
        words = content_words(element.label) | (content_words(said) - _form_words())
        return AbsentCandidate(Target(said, None, element.kind, "", indirect), tuple(sorted(words)))
    return None


def near_candidates(rng: Random, listed: Sequence[str], others: Sequence[Element], count: int) -> list[AbsentCandidate]:
    """At most ``count`` labels of which the list has one content word but not another: "Save template" beside "Save".

    They tell whether one word is taken for the whole name. Whether a person would call the nearest thing right is a
    matter of taste for some of them, so they are counted apart. Arguments as for :func:`absent_candidates`.
    """
    names = Names(listed)
    found: dict[str, AbsentCandidate] = {}
    for element in {plain(e.label): e for e in rng.sample(others, len(others))}.values():
        words = content_words(element.label)
        fresh = {w for w in words if not names.share_a_word([w])} - _form_words()
        if len(found) == count:
            break
        if element.kind == "icon" or not _askable(element) or not fresh or fresh == words or names.equal(element.label):
            continue
        said, indirect = phrase(rng, replace(element, says=()))
        found[plain(element.label)] = AbsentCandidate(
            Target(said, None, element.kind, "", indirect), tuple(sorted(fresh))
        )
    return list(found.values())


def _askable(element: Element) -> bool:
    """Whether the name says something that not every screen has."""
    letters = sum(c.isalpha() for c in element.label)
    words = content_words(element.label)
    fitting = 2 * letters > len(element.label) and len(element.label) <= LONGEST_NAME
    return fitting and bool(words - _form_words()) and not words & _FURNITURE


def _listed(element: Element, names: Names) -> bool:
    """Whether the list may have it, under this name or, for an icon, under any wording of its function."""
    if names.resemble(element.label) or names.share_a_word(content_words(element.label)):
        return True
    return element.kind == "icon" and any(names.resemble(wording) for wording in _wordings(element.icon))


def _wordings(function: str) -> tuple[str, ...]:
    """All ways to ask for an icon's function."""
    known = icon_functions()[icon_numbers()[function] - 1]
    return (known.name, *known.phrases)


def unread(candidates: Sequence[AbsentCandidate], lines: Sequence[str], count: int) -> list[Target]:
    """The first ``count`` candidates of which no content word is among the lines read on the screen.

    A word counts as read also inside a longer one, across missing blanks, misspelled, or as a synonym.
    """
    read = {w for line in lines for w in tokens(line)}
    glued = ["".join(tokens(line)) for line in lines]

    def is_read(word: str) -> bool:
        return any(word in line for line in glued) or any(similarity(word, other) >= SAME_WORD for other in read)

    kept = (c.target for c in candidates if not any(is_read(word) for word in c.words))
    return [target for target, _ in zip(kept, range(count), strict=False)]
