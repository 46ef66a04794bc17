"""What a user has without this project: searching the text that OCR reads, and clicking the centre of a match.

Both work on the same detections as the pipeline, so they cost no second reading, and read the instruction as kindly as
a simple rule can: a leading verb of pointing and an article are dropped, and a quoted part counts as a wording of its
own. Neither knows entries beside labels, icons, synonyms or ordinals.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from reticle_grounding.geometry import Point
from reticle_grounding.ocr import TextBox

_VERB = re.compile(
    r"^(?:please\s+)?(?:click(?: on| into)?|press|tap|select|choose|pick|open|switch to|go to|type into|follow|enter|"
    r"expand|set|change|adjust|tick|untick|check|uncheck|toggle|enable|disable|turn (?:on|off))\s+",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"^(?:the|an?)\s+", re.IGNORECASE)
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|(?<!\w)'([^']+)'(?!\w)")
_ROLE = re.compile(
    r"\s+(?:button|icon|link|tab|field|box|entry|menu|menu item|list|drop-down|check box|radio button|option|switch|"
    r"slider|spin box|cell|row|column|key)$",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
TOP = 3


def wordings(instruction: str) -> list[str]:
    """What is searched for: the instruction without leading verb and article, then its quoted parts."""
    bare = _ARTICLE.sub("", _VERB.sub("", instruction.strip())).rstrip(". ")
    quoted = [next(filter(None, m.groups())) for m in _QUOTED.finditer(instruction)]
    return [bare or instruction, *quoted]


def text_search(instruction: str, texts: Sequence[TextBox], count: int = TOP) -> list[Point]:
    """Centres of the ``count`` lines most similar to the instruction, best first.

    Similarity is rapidfuzz's WRatio (the best of plain, partial and token-set ratios, partial ones discounted) without
    regard to case, of equals the more similar as a whole. On captured screens no other ratio finds more.
    """
    searched = [w.casefold() for w in wordings(instruction)]

    def similarity(box: TextBox) -> tuple[float, float]:
        line = box.text.casefold()
        return max((fuzz.WRatio(w, line), fuzz.ratio(w, line)) for w in searched)

    scored = [(similarity(box), box.rect.center) for box in texts]
    return [point for _, point in sorted(scored, key=lambda pair: pair[0], reverse=True)[:count]]


def largest_match(instruction: str, texts: Sequence[TextBox]) -> Point | None:
    """Centre of the largest line that says what is asked for; None when no line does.

    Lines equal to the name come before lines that hold it as whole words, and those before lines that are themselves
    whole words of the instruction. A trailing role ("button") is no part of the name.
    """
    names = [name for name in (_words(_ROLE.sub("", w)) for w in wordings(instruction)) if name]
    said = _words(instruction)
    lines = [(words, box) for words, box in ((_words(box.text), box) for box in texts) if words]
    for matches in (
        [box for line, box in lines if line in names],
        [box for line, box in lines if any(name in line for name in names)],
        [box for line, box in lines if line in said],
    ):
        if matches:
            return max(matches, key=lambda box: box.rect.area).rect.center
    return None


def _words(text: str) -> str:
    """Lower-case words with a blank around each, so that ``in`` finds whole words only; empty without words."""
    words = _WORD.findall(text.casefold())
    return f" {' '.join(words)} " if words else ""
