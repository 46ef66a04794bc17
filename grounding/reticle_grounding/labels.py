"""Other ways to read a label than as it was detected.

A tick or a radio button is often read as part of it, its shortcut is read together with it, it is wrapped over lines,
or its words are detected apart.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise

from .geometry import Rect
from .ocr import TextBox, Word
from .words_known import common_words

PUNCTUATION = frozenset("\"'([{<.,:;-–—_#@$€£&%+*/\\~!?=^|“”‘’…>)]}")
"""Signs that begin texts of their own right."""
GLUED = ".…:： √✓✔×☆★®©▼▾▽▿∨▸▶►▲▴^>|↑↓~"
"""Dots and colons behind a name, and the signs that arrows, ticks and stars there are read as."""
COUNTED = re.compile(r"(?P<name>[^\W\d_]{3,}(?: [^\W\d_]+){0,2}) (?:\d{1,4}|\(\d{1,4}\)|\[\d{1,4}\])")
"""A name of up to three words and how many of such there are."""
SQUARE = 0.95
"""Width of a mark in front of a label in heights of the line."""
_KEYS = r"(?:(?:Ctr[l1I]|Alt|Shift|Super|Meta|Cmd)\s?\+\s?)+\S+(?: Up| Down)?"
SHORTCUT = re.compile(rf"(?P<name>.*?[^\W\d_].*?)(?<![+\s])(?:\s+F\d\d?|\s*\(?{_KEYS})")
"""A name followed by a key or a combination of keys."""
MAX_LINES = 3
MAX_WORDS = 6
LINE = 0.8
"""Lines of one label are at most so far apart, centre to centre, in heights of a detection, which are generous."""
CENTRED_LINE = 1.05
"""The same for lines under one centre that begin at different places."""
BLOCK_LINE = 1.6
"""Lines further apart than this have nothing to do with each other."""
APART = 0.25
"""By so much other lines are further away than those of the same label."""
ALIKE = 1.5
"""Greatest quotient of the heights of two lines of one label."""
SPACE = 0.4
"""Greatest gap between words of one label that were detected apart, in heights of a detection."""
WIDE = 16.0
"""Lines longer than this (in heights) that end alike are running text."""
_ENDED = (":", ";", "!", "?", "…", "：", "。")


@lru_cache(maxsize=8)
def readings(texts: tuple[TextBox, ...]) -> tuple[TextBox, ...]:
    """What the detections may say besides: cleaned of symbols, without their shortcuts, wrapped lines and split labels
    joined.

    The rectangle of joined lines is their union, and every word keeps its own (capture pixels).
    """
    single = [other for t in texts for other in (without_symbol(t), without_shortcut(t)) if other is not None]
    return (*(t for t in single if _letters(t.text) > 1), *wrapped(texts), *reunited(texts))


def all_said(texts: Sequence[TextBox]) -> list[str]:
    """The texts of one screen, in their order, as somebody would say them (:func:`as_said`), without the number behind
    a name ("Inbox 12", "Updates (3)") where no other text has the name with another number, or none."""
    said = [as_said(t) for t in texts]
    found = [COUNTED.fullmatch(words) for words in said]
    names = Counter(m["name"].casefold() if m else words.casefold() for m, words in zip(found, said, strict=True))
    alone = (m and names[m["name"].casefold()] == 1 for m in found)
    return [m["name"] if m and one else words for m, one, words in zip(found, alone, said, strict=True)]


def as_said(box: TextBox) -> str:
    """A text as somebody would say it: without an icon that was read as a sign at its start or end ("% Preferences",
    the arrow of a drop-down in "Extras√"), dots that promise a dialog, the colon before a field, and the keys that a
    menu tells behind a name. Each of these takes a name away from what it means."""
    bare = without_symbol(box) or box
    bare = without_shortcut(bare) or bare
    words = bare.text.split()
    kept = [i for i, word in enumerate(words) if any(c.isalnum() for c in word)]
    return " ".join(words[kept[0] : kept[-1] + 1]).lstrip("+").rstrip(GLUED) if kept else box.text


def without_symbol(box: TextBox) -> TextBox | None:
    """The detection less a misread drawing at its beginning; None when it seems to begin with none.

    Such are a sign that is neither letter nor punctuation, a lone capital other than A and I, an O, D or Q glued to a
    capital.
    """
    first, rest = box.words[0], box.words[1:]
    if len(first.text) == 1 and rest and (_sign(first.text) or (first.text.isupper() and first.text not in "AI")):
        return _of(box, rest)
    glued = len(first.text) > 2 and (_sign(first.text[0]) or _ring(first.text))
    cut = first.rect.left + SQUARE * first.rect.height
    if not glued or cut >= first.rect.right:
        return None
    return _of(box, (Word(first.text[1:], replace(first.rect, left=cut)), *rest))


def without_shortcut(box: TextBox) -> TextBox | None:
    """The detection less the keys at its end; None when there are none, or nothing else."""
    found = SHORTCUT.fullmatch(box.text.strip())
    if found is None:
        return None
    words, left = [], len("".join(found["name"].split()))
    for word in box.words:
        if left > 0:
            share = min(1.0, left / len(word.text))
            right = word.rect.left + share * word.rect.width
            words.append(Word(word.text[:left], replace(word.rect, right=right)))
        left -= len(word.text)
    return _of(box, tuple(words), words[-1].rect.right)


def wrapped(texts: Sequence[TextBox]) -> list[TextBox]:
    """Labels that were wrapped over two lines (three under one centre), nearer to each other than to other lines."""
    ordered = sorted((t for t in texts if t.rect.height > 0 and _letters(t.text)), key=lambda t: t.rect.center.y)
    centres = [t.rect.center.y for t in ordered]
    below: dict[int, list[int]] = {}
    for i, line in enumerate(ordered):
        first = bisect_left(centres, centres[i] + 0.4 * line.rect.height)
        last = bisect_left(centres, centres[i] + BLOCK_LINE * line.rect.height)
        under = [j for j in range(first, last) if _over(line.rect, ordered[j].rect)]
        below[i] = [j for j in under if centres[j] <= centres[under[0]] + 0.4 * line.rect.height]
    above = Counter(j for after in below.values() for j in after)
    following = {i: after[0] for i, after in below.items() if len(after) == 1 and above[after[0]] == 1}
    starts = sorted(set(following) - set(following.values()))
    blocks = [block for start in starts for block in _blocks([ordered[i] for i in _chain(start, following)])]
    return [_joined(block) for block in blocks if _one_label(block)]


def reunited(texts: Sequence[TextBox]) -> list[TextBox]:
    """Runs of detections on one line that stand a space apart: labels whose words were detected one by one."""
    ordered = sorted((t for t in texts if _letters(t.text)), key=lambda t: t.rect.left)
    following: dict[int, int] = {}
    for i, text in enumerate(ordered):
        after = (j for j in range(i + 1, len(ordered)) if _a_space_on(text.rect, ordered[j].rect))
        nearest = next(after, None)
        if nearest is not None and nearest not in following.values():
            following[i] = nearest
    starts = sorted(set(following) - set(following.values()))
    runs = [[ordered[i] for i in _chain(start, following)] for start in starts]
    return [_joined(run) for run in runs if sum(len(t.words) for t in run) <= MAX_WORDS]


def _a_space_on(left: Rect, right: Rect) -> bool:
    """The right one goes on in the left one's line."""
    low, high = sorted((left.height, right.height))
    level = high <= ALIKE * low and abs(left.center.y - right.center.y) <= 0.2 * high
    return level and right.left > left.left and -SPACE * low <= right.left - left.right <= SPACE * low


def _over(upper: Rect, lower: Rect) -> bool:
    return upper.left < lower.right and lower.left < upper.right


def _chain(start: int, following: dict[int, int]) -> list[int]:
    chain = [start]
    while chain[-1] in following:
        chain.append(following[chain[-1]])
    return chain


def _blocks(lines: Sequence[TextBox]) -> list[Sequence[TextBox]]:
    """Cuts lines that stand below one another where they are apart; of evenly spaced ones nothing is left."""
    steps = [_step(a.rect, b.rect) for a, b in pairwise(lines)]
    cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(lines)) if not _continues(a, b)), len(lines)]
    return [lines[a:b] for a, b in pairwise(cuts) if b - a > 1 and _apart(steps, a, b)]


def _apart(steps: Sequence[float], start: int, stop: int) -> bool:
    """The lines ``start`` up to ``stop`` are clearly nearer to each other than to those before and after."""
    around = [*steps[max(0, start - 1) : start], *steps[stop - 1 : stop]]
    return min(around, default=BLOCK_LINE) >= max(steps[start : stop - 1]) + APART


def _step(upper: Rect, lower: Rect) -> float:
    """From centre to centre in heights of a line."""
    return 2 * (lower.center.y - upper.center.y) / (upper.height + lower.height)


def _continues(upper: TextBox, lower: TextBox) -> bool:
    """The lower line goes on where the upper one was wrapped."""
    a, b = upper.rect, lower.rect
    low, high = sorted((a.height, b.height))
    if high > ALIKE * low or _ends(upper.text.rstrip(), lower.text.lstrip()):
        return False
    if min(a.width, b.width) > WIDE * low and abs(a.right - b.right) <= low:
        return False
    if _centred(a, b):
        return _step(a, b) < CENTRED_LINE
    return min(abs(a.left - b.left), abs(a.center.x - b.center.x)) <= 0.6 * low and _step(a, b) < LINE


def _centred(upper: Rect, lower: Rect) -> bool:
    """The lines stand under one centre and begin at different places."""
    low = min(upper.height, lower.height)
    return abs(upper.center.x - lower.center.x) <= 0.3 * low and abs(upper.left - lower.left) > 0.6 * low


def _ends(line: str, following: str) -> bool:
    """A label is over, or another one begins; after a dot a small letter goes on (``notes.`` ``txt``)."""
    return line.endswith(_ENDED) or (line.endswith(".") and not following[0].islower()) or not following[0].isalnum()


def _one_label(lines: Sequence[TextBox]) -> bool:
    said = {t.text.strip() for t in lines}
    if len(lines) > MAX_LINES or sum(len(t.words) for t in lines) > MAX_WORDS or len(said) < len(lines):
        return False
    return len(lines) == 2 or all(_centred(a.rect, b.rect) for a, b in pairwise(lines))


def _letters(text: str) -> int:
    return sum(c.isalpha() for c in text)


def _joined(lines: Sequence[TextBox]) -> TextBox:
    words = tuple(w for t in lines for w in t.words)
    rects = [t.rect for t in lines]
    around = Rect(
        min(r.left for r in rects), min(r.top for r in rects), max(r.right for r in rects), max(r.bottom for r in rects)
    )
    return TextBox(" ".join(t.text.strip() for t in lines), around, min(t.score for t in lines), words)


def _sign(char: str) -> bool:
    return not char.isalnum() and char not in PUNCTUATION


def _ring(word: str) -> bool:
    """A radio button read as O (``ORight``), the triangle of "play" as D (``DRun``), a magnifier as Q (``QFind``)."""
    glued = word[1].isupper() and word[2].islower()
    return glued and (word[0] in "OD" or (word[0] == "Q" and word[1:].rstrip(".…").casefold() in common_words()))


def _of(box: TextBox, words: tuple[Word, ...], right: float | None = None) -> TextBox:
    rect = Rect(words[0].rect.left, box.rect.top, right or box.rect.right, box.rect.bottom)
    return TextBox(" ".join(w.text for w in words), rect, box.score, words)
