"""Words of a text, and what they cost a language model."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from rapidfuzz.distance import Levenshtein

PIECE = 5
"""Letters of one token: a little fewer than tokenizers of language models make of English, so that budgets hold."""
_PIECES = re.compile(r"[^\W_]+|[^\w\s]|_")
_WORDS = re.compile(r"[^\W_]+(?:['.@:/-][^\W_]+)*")
_PARTS = re.compile(r"[^\W_]+")
STOP = frozenset(
    [
        "a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "have", "here", "in", "into", "is", "it",
        "its", "of", "on", "or", "please", "that", "the", "then", "there", "this", "to", "was", "were", "what", "when",
        "where", "which", "who", "will", "with", "you", "your",
    ]
)  # fmt: skip
"""Words that say nothing about a topic."""


def cost(text: str) -> int:
    """Tokens of a text, estimated: pieces of at most :data:`PIECE` letters or digits, and single signs."""
    return sum(-(-len(piece) // PIECE) for piece in _PIECES.findall(text))


def spans(text: str) -> list[str]:
    """The words of a line as they stand, signs inside ("A-20931", "10:45", "a@b.org") included."""
    return _WORDS.findall(text)


def terms(text: str) -> list[str]:
    """Words to compare by: lower case, without those that say nothing, plural and singular alike. A compound
    ("plan-turku-9.ods") is itself and its parts."""
    found = []
    for word in (w.lower() for w in spans(text)):
        parts = _PARTS.findall(word)
        found += [stem(one) for one in ([word, *parts] if len(parts) > 1 else [word]) if one not in STOP]
    return found


def stem(word: str) -> str:
    """Without the endings that most often tell two forms of one English word apart; a final "e" goes, too."""
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            return word[: -len(ending)]
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


def bag(texts: Iterable[str]) -> Counter[str]:
    return Counter(term for text in texts for term in terms(text))


def alike(first: str, second: str) -> bool:
    """Whether two words are one, a misread letter aside."""
    if first == second:
        return True
    return min(len(first), len(second)) >= 6 and Levenshtein.distance(first, second, score_cutoff=1) <= 1
