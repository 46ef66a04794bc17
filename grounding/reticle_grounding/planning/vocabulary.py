"""What a tokenizer's tokens are as bytes, and which of them may come next in a grammar.

The tokens of a byte-level BPE (as every Qwen tokenizer is one) are strings of bytes, not of characters: a token may end
within a character, or hold the end of a string and what follows it. So the grammar is walked through the sorted tokens
byte by byte, and whole branches are left out where it leads nowhere (the idea of
Willard and Louf, arXiv 2307.09702). Within a string nearly every token may come; those are told by a table instead.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from tokenizers import Tokenizer

from reticle_grounding.errors import CheckpointError

from .characters import visible
from .grammar import Grammar, InQuotes, State, Thread

Allowed = npt.NDArray[np.bool_]
_NEVER = np.iinfo(np.int32).max
_SYNTAX = ('"', "\\")


def byte_alphabet() -> dict[str, int]:
    """The characters that stand for bytes in a byte-level BPE: printable Latin-1 for itself, the others from 256 on."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(plain)]
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(others)}


class Vocabulary:
    """The tokens that text is made of; control tokens are none of them."""

    def __init__(self, tokens: Mapping[int, bytes]) -> None:
        """Id -> bytes. Raises CheckpointError where a byte has no token of its own, so that not all can be written."""
        self.bytes_of = dict(tokens)
        single = {text[0] for text in tokens.values() if len(text) == 1}
        if len(single) < 256:
            raise CheckpointError(f"the tokenizer has tokens for {len(single)} of 256 bytes; it is no byte-level one")
        self.last = max(tokens)
        """The highest id."""
        self.characters = np.full(self.last + 1, _NEVER, np.int32)
        """[ids] characters of a token that holds whole visible characters alone; else more than any string may have."""
        self._first = np.zeros(self.last + 1, np.int32)
        others = []
        for number, text in tokens.items():
            plain = _plain(text)
            if plain is None:
                others.append((text, number))
            else:
                self.characters[number], self._first[number] = len(plain), ord(plain[0])
        self.longest = max(map(len, tokens.values()))
        """Bytes of the longest token."""
        self.all = _Sorted((text, number) for number, text in tokens.items())
        self.others = _Sorted(others)
        """Those that are not plain: with a quotation mark, a backslash, a control or a part of a character."""

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Vocabulary:
        """Raises CheckpointError for a tokenizer that is not byte-level."""
        alphabet, control = byte_alphabet(), set(tokenizer.get_added_tokens_decoder())
        tokens: dict[int, bytes] = {}
        for text, number in tokenizer.get_vocab(with_added_tokens=False).items():
            if number not in control and text and all(character in alphabet for character in text):
                tokens[number] = bytes(alphabet[character] for character in text)
        return cls(tokens) if tokens else cls({0: b""})

    def beginning(self, rule: InQuotes) -> Allowed:
        """[ids] which tokens may begin a string, as far as their first character goes."""
        refused = [number for number in np.unique(self._first).tolist() if number and not rule.may_begin(chr(number))]
        allowed: Allowed = ~np.isin(self._first, refused)
        return allowed


def _plain(text: bytes) -> str | None:
    try:
        decoded = text.decode()
    except UnicodeDecodeError:
        return None
    whole = decoded and not any(mark in decoded for mark in _SYNTAX) and all(map(visible, decoded))
    return decoded if whole else None


class _Sorted:
    """Tokens by their bytes."""

    def __init__(self, tokens: Iterable[tuple[bytes, int]]) -> None:
        ordered = sorted(tokens)
        self.texts: list[bytes] = [text for text, _ in ordered]
        self.numbers: list[int] = [number for _, number in ordered]

    def walk(self, grammar: Grammar, state: State) -> tuple[list[int], list[int]]:
        """The ids that may come after a state, and the fewest bytes that complete the text behind each."""
        numbers: list[int] = []
        least: list[int] = []
        stack = [(0, len(self.texts), 0, state)]
        while stack:
            low, high, depth, here = stack.pop()
            while low < high and len(self.texts[low]) == depth:
                if depth:
                    numbers.append(self.numbers[low])
                    least.append(grammar.least(here))
                low += 1
            if grammar.done(here):
                continue
            while low < high:
                text = self.texts[low]
                byte = text[depth]
                end = high if byte == 255 else bisect_left(self.texts, text[:depth] + bytes([byte + 1]), low, high)
                following = grammar.step(here, byte)
                if following:
                    stack.append((low, end, depth + 1, following))
                low = end
        return numbers, least


@dataclass(frozen=True, slots=True)
class _Moves:
    """What may come after a state beside plain tokens within a string."""

    numbers: npt.NDArray[np.int64]
    least: npt.NDArray[np.int64]


class Constraint:
    """A grammar over a vocabulary. What was worked out is kept, so one is used for many answers; from one thread."""

    def __init__(self, grammar: Grammar, vocabulary: Vocabulary) -> None:
        self.grammar, self.vocabulary = grammar, vocabulary
        self._moves: dict[State, _Moves] = {}
        self._beginnings: dict[InQuotes, Allowed] = {}

    def allowed(self, state: State, left: int) -> Allowed:
        """[ids] which tokens may come so that the text can be completed within ``left`` tokens, this one included.

        At least one may, as long as ``left`` is no less than ``grammar.least(state)``, which each of them keeps up.
        """
        inside = self.grammar.string(state)
        mask = np.zeros(self.vocabulary.last + 1, np.bool_)
        if inside is not None:
            mask |= self._within(inside, self.grammar.least(state), left)
        moves = self._other_moves(state, inside)
        mask[moves.numbers[moves.least < left]] = True
        return mask

    def advance(self, state: State, token: int) -> State:
        """The state behind a token that may come."""
        for byte in self.vocabulary.bytes_of[token]:
            state = self.grammar.step(state, byte)
        return state

    def _within(self, inside: tuple[InQuotes, Thread], least: int, left: int) -> Allowed:
        """The plain tokens that may go on with a string."""
        rule, thread = inside
        first = self.grammar.at_first(thread)
        if least - first >= left:
            return np.zeros(self.vocabulary.last + 1, np.bool_)
        fits: Allowed = self.vocabulary.characters <= thread.room
        if first:
            if rule not in self._beginnings:
                self._beginnings[rule] = self.vocabulary.beginning(rule)
            fits &= self._beginnings[rule]
        return fits

    def _other_moves(self, state: State, inside: tuple[InQuotes, Thread] | None) -> _Moves:
        """All moves where ``inside`` is None, else those by tokens that are not plain."""
        known = state
        if inside is not None:
            rule, thread = inside
            if not self.grammar.at_first(thread):
                # beyond the longest token more room makes no difference
                known = frozenset({thread._replace(room=min(thread.room, self.vocabulary.longest, rule.most - 1))})
        if known not in self._moves:
            tokens = self.vocabulary.all if inside is None else self.vocabulary.others
            numbers, least = tokens.walk(self.grammar, known)
            self._moves[known] = _Moves(np.array(numbers, np.int64), np.array(least, np.int64))
        return self._moves[known]
