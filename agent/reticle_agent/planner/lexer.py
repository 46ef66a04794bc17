"""Words, quoted text and separators of an instruction, each with its place in the source."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from reticle_grounding.errors import BadInput

QUOTES = {'"': '"', "'": "'", "“": "”", "‘": "’", "«": "»", "„": "“”", "`": "`"}
"""Opening mark -> marks that close it."""
_APOSTROPHES = "'‘"
"""Marks that are also apostrophes: they open only before a word and close only after one."""
_MARKER = re.compile(r"[ \t]*(?:(?:step\s+)?(\d{1,3})\s*[.):](?=\s)|[-*•–](?=\s))[ \t]*", re.IGNORECASE)
_INLINE_MARKER = re.compile(r"(\d{1,3})[.)](?=\s+\S)")

Kind = Literal["word", "quoted", "sep"]


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the instruction; ``source[start:end]`` is how it was written (quotation marks included)."""

    kind: Kind
    text: str
    """The word; what stands between the quotation marks, verbatim; or one of ``, ; . newline``."""
    start: int
    end: int

    @property
    def low(self) -> str:
        """The word in lower case; empty for quoted text, which never is a keyword."""
        return self.text.lower() if self.kind == "word" else ""


def tokenize(source: str) -> list[Token]:
    """Cuts an instruction into tokens. Raises BadInput for a quotation mark that is never closed."""
    return list(_tokens(source))


def _tokens(source: str) -> Iterator[Token]:
    at, line_start, number = 0, True, 0
    while at < len(source):
        marker = _MARKER.match(source, at) if line_start else _next_number(source, at, number)
        line_start = False
        if marker:
            number = int(marker[1] or 0)
            yield Token("sep", "\n", at, marker.end())
            at = marker.end()
            continue
        char = source[at]
        if char in "\n\r":
            yield Token("sep", "\n", at, at + 1)
            line_start = True
        elif (closing := _closing(source, at)) is not None:
            yield Token("quoted", source[at + 1 : closing], at, closing + 1)
            at = closing
        elif is_separator(source, at):
            yield Token("sep", "." if char in "!?" else char, at, at + 1)
        elif not char.isspace():
            end = _word_end(source, at)
            yield Token("word", source[at:end], at, end)
            at = end - 1
        at += 1


def _next_number(source: str, at: int, number: int) -> re.Match[str] | None:
    """``2.`` in the middle of a line, in a list that began with ``1.``."""
    if not number or not source[at].isdigit() or not source[at - 1].isspace():
        return None
    marker = _INLINE_MARKER.match(source, at)
    return marker if marker and int(marker[1]) == number + 1 else None


def _closing(source: str, at: int) -> int | None:
    """Index of the mark that closes the one at ``at``; None when there is no opening mark."""
    mark = source[at]
    if mark not in QUOTES:
        return None
    shared = mark in _APOSTROPHES
    if shared and at and source[at - 1].isalnum():
        return None
    for end in range(at + 1, len(source)):
        inside_word = shared and end + 1 < len(source) and source[end + 1].isalnum()
        if source[end] in QUOTES[mark] and not inside_word:
            return end
    raise BadInput(f"the quotation mark {mark} before {_excerpt(source[at + 1 :])} is never closed; close it")


def is_separator(source: str, at: int) -> bool:
    """Whether the mark at ``at`` separates steps (not inside ``a.txt``, ``1,000``, ``...``, ``Ctrl+,``)."""
    char = source[at]
    before = source[at - 1] if at else " "
    after = source[at + 1] if at + 1 < len(source) else " "
    chord = before == "+" and at > 1 and source[at - 2].isalnum()
    if char not in ",;.!?" or chord:
        return False
    if char == ";":
        return True
    if char == ",":
        return not (before.isdigit() and after.isdigit())
    ends_word = not before.isspace() and (after.isspace() or after in ")]")
    return ends_word and not (char == "." and (before == "." or _abbreviation(source, at)))


def _abbreviation(source: str, at: int) -> bool:
    return re.search(r"(?:\bno|\be\.g|\bi\.e|\bvs)$", source[max(0, at - 4) : at], re.IGNORECASE) is not None


def _word_end(source: str, at: int) -> int:
    end = at + 1
    while end < len(source) and not source[end].isspace() and not is_separator(source, end):
        if source[end] in QUOTES and source[end] not in _APOSTROPHES:
            break
        end += 1
    return end


def _excerpt(text: str, limit: int = 40) -> str:
    flat = " ".join(text.split())
    return f'"{flat}"' if len(flat) <= limit else f'"{flat[:limit]}…"'
