"""A run of tokens with its source, and what may stand as a target."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reticle_grounding.errors import BadInput

from .lexer import Token
from .numbers import read_count
from .wordlists import word_set

MAX_TARGET = 400
"""Characters; a description of one place on the screen is never longer."""
_CONDITIONS = word_set("if unless until when whenever while whilst instead but except because so")
_MANY = word_set("all every each any both everything either neither nothing anything something")
_PRONOUNS = word_set("it this that them these those there here him her")
_POLITE_ENDS = (("please",), ("for", "me"), ("thanks",), ("thank", "you"))
_SECRET = re.compile(
    r"\b(passwords?|passphrases?|passcodes?|pin|pin code|secrets?|token|api key|credentials?|cvv|cvc)\b", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Tokens in a row."""

    source: str
    tokens: tuple[Token, ...]

    def __bool__(self) -> bool:
        return bool(self.tokens)

    def __len__(self) -> int:
        return len(self.tokens)

    def __getitem__(self, part: slice) -> Phrase:
        return Phrase(self.source, self.tokens[part])

    @property
    def span(self) -> tuple[int, int]:
        """Start and end (exclusive) in the source; (0, 0) when empty."""
        return (self.tokens[0].start, self.tokens[-1].end) if self.tokens else (0, 0)

    @property
    def written(self) -> str:
        """The source of the phrase, quotation marks included."""
        start, end = self.span
        return self.source[start:end]

    @property
    def words(self) -> tuple[str, ...]:
        """Lower-case words; quoted text and separators are empty."""
        return tuple(t.low for t in self.tokens)

    @property
    def text(self) -> str:
        """The words to look for: a phrase that is one quotation loses its marks, white space is single elsewhere."""
        if len(self.tokens) == 1 and self.tokens[0].kind == "quoted":
            return self.tokens[0].text
        pieces: list[str] = []
        for before, token in zip((None, *self.tokens), self.tokens, strict=False):
            if before is not None and before.end < token.start:
                pieces.append(" ")
            pieces.append(self.source[token.start : token.end])
        return "".join(pieces)

    def find(self, wanted: Callable[[Token], bool], start: int = 0) -> int | None:
        """Index of the first token that is wanted."""
        return next((i for i, t in enumerate(self.tokens) if i >= start and wanted(t)), None)

    def without_politeness(self) -> Phrase:
        """Leaves out ``please`` and the like at the end."""
        for ending in _POLITE_ENDS:
            if len(self) > len(ending) and self.words[-len(ending) :] == ending:
                return self[: -len(ending)].without_politeness()
        return self


def target_of(phrase: Phrase, whole: Phrase) -> str:
    """The words of one place on the screen, without a dash that only ends the sentence.

    Raises BadInput where a single place is not what they say.
    """
    phrase = phrase[:-1] if len(phrase) > 1 and phrase.words[-1] in ("-", "–", "—") else phrase
    if not phrase.text.strip():
        raise BadInput(f'"{whole.written}" does not say what to act on; add the words of a target')
    text, words = phrase.text, phrase.words
    if len(text) > MAX_TARGET:
        raise BadInput(f'the target "{text[:40]}…" has {len(text)} characters; use at most {MAX_TARGET}')
    for token in phrase.tokens:
        if token.low in _CONDITIONS:
            raise BadInput(
                f'I do not understand "{token.text}" in "{whole.written}"; a step is one action without conditions'
            )
    if words[0] in _MANY and phrase.tokens[0].text.islower():
        raise BadInput(f'"{whole.written}" does not name one place; name one target for each step')
    if words[0] in _PRONOUNS and len(phrase) == 1:
        raise BadInput(f'I do not know what "{text}" is in "{whole.written}"; name the target')
    return text


def is_secret(phrase: Phrase, typed: Token | None) -> bool:
    """Whether the words around the typed text say that it must not be shown."""
    around = " ".join(t.text for t in phrase.tokens if t is not typed)
    return mentions_secret(around)


def mentions_secret(text: str) -> bool:
    """Whether a text speaks of passwords and the like."""
    return _SECRET.search(text) is not None


def split_repeats(phrase: Phrase) -> tuple[Phrase, int]:
    """Takes ``twice`` or ``3 times`` off the end (``twice on`` off the start)."""
    words = phrase.words
    if words[:2] in (("once", "on"), ("twice", "on")) and len(words) > 2:
        return phrase[2:], 1 if words[0] == "once" else 2
    if len(words) > 1 and words[-1] in ("once", "twice"):
        return phrase[:-1], 1 if words[-1] == "once" else 2
    if len(words) > 2 and words[-1] in ("times", "time") and (count := read_count(words[-2])) is not None:
        if not 1 <= count <= 50:
            raise BadInput(f'"{phrase.written}": a step can be repeated 1 to 50 times, not {count}')
        return phrase[:-2], count
    return phrase, 1


def join(tokens: Sequence[Token], source: str) -> Phrase:
    return Phrase(source, tuple(tokens))
