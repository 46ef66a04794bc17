"""Instructions that say the program's name: "who made Cantor", "leave ghostwriter".

The name is in half of what a program shows ("About Cantor", "Quit ghostwriter"), and rare words weigh much, so it
would be louder than the wish. Meanings are therefore compared with "the program" in its place; letters still count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from .ocr import TextBox
from .rows import sides_of
from .words import DRAWN_SORTS, WRITTEN_SORTS, Wanted, content, match, parse, tokens
from .words_known import known_words

TITLE_LINES = 1.0
"""The uppermost line of a screen reaches so far below the first text, in heights of a line."""
LEAST = 3
"""Shorter names are not recognised."""
SHOWN = 0.9
"""Least share of the instruction that a text says, and of the text that the instruction says, where both are the same
but for a "please"."""
_NO_WISH = WRITTEN_SORTS | DRAWN_SORTS | {"logo", "name", "text", "version"}
"""Words that, with a name, say no more than the name."""
_SAYS_NAME = re.compile(
    r"\W*(?:(?:about|quit|exit|configure|welcome to|donate to|what's new in) (?P<last>[^\W_][\w+]*)"
    r"|(?P<first>[^\W_][\w+]*) (?:handbook|manual|website|home ?page))\W*",
    re.IGNORECASE,
)
"""What menus and windows say with a program's name."""
_APART = re.compile(r"\s[-–—:|•·]\s|[–—]")
"""Parts a title into document and program."""


@lru_cache(maxsize=8)
def program_names(texts: tuple[TextBox, ...]) -> frozenset[str]:
    """Names of programs that titles and menus of the screen show, in small letters: single words that nobody uses for
    anything else."""
    top = min((t.rect.top for t in texts), default=0.0)
    title = [t for t in texts if t.rect.top <= top + TITLE_LINES * t.rect.height]
    found: set[str] = set()
    for box in texts:
        said = _SAYS_NAME.fullmatch(box.text.strip())
        if said is not None:
            found.add((said["last"] or said["first"]).casefold())
            continue
        parts = _APART.split(box.text)
        named = parts if [box] == title else parts[1:][-1:]
        found.update(words[0] for part in named if len(words := tokens(part)) == 1)
    return frozenset(w for w in found if len(w) >= LEAST and w[0].isalpha() and w not in known_words())


def without_program(instruction: str, texts: tuple[TextBox, ...]) -> str:
    """The instruction with "the program" for such a name; unchanged where the name is what is asked for, or what that
    stands beside."""
    names = program_names(texts) & {w.removesuffix("'s") for w in tokens(instruction)}
    if not names:
        return instruction
    wanted = parse(instruction)
    left = set(content(tokens(instruction))) - _NO_WISH - {n for name in names for n in (name, f"{name}'s")}
    beside = sides_of(wanted.relation) and names & set(wanted.near)
    if not left or beside or wanted.quoted or _shown(wanted, texts):
        return instruction
    pattern = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"\b(?:(the|this) )?(?:{pattern})\b", lambda m: f"{m[1] or 'the'} program", instruction, flags=re.I)


def _shown(wanted: Wanted, texts: Sequence[TextBox]) -> bool:
    """Whether a text says all of it."""
    found = (match(wanted, t.text) for t in texts)
    return any(min(how.precision, how.recall) >= SHOWN for how in found)
