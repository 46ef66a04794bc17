"""A small grammar over bytes: fixed texts, choices and JSON strings with a bound. Without recursion, so it is finite.

A :class:`Grammar` is walked byte by byte. Its states are sets of threads, as in the textbook simulation of a
nondeterministic automaton (Thompson 1968); every state it returns can still be completed, which is what lets a model be
held to it token by token: there is never a dead end.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from .characters import beginnings, missing, whole

QUOTE, BACKSLASH = ord('"'), ord("\\")
_PLAIN_ESCAPES = {QUOTE: '"', BACKSLASH: "\\"}
_LINE_ESCAPES = {ord("n"): "\n", ord("t"): "\t"}
DONE = 0
"""The node behind the last byte."""


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these texts, each at least one byte long."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InQuotes:
    """A JSON string with its quotation marks: 1 to ``most`` visible characters, ``\\"`` and ``\\\\`` escaped."""

    most: int
    lines: bool = False
    """Line ends and tabs may stand in it, as ``\\n`` and ``\\t``."""
    bare: bool = False
    """It begins with no blank."""
    not_first: str = ""
    """Characters it does not begin with."""

    def may_begin(self, character: str) -> bool:
        return character not in self.not_first and not (self.bare and character.isspace())

    @property
    def escapes(self) -> dict[int, str]:
        """Byte after the backslash -> character."""
        return _PLAIN_ESCAPES | (_LINE_ESCAPES if self.lines else {})


@dataclass(frozen=True, slots=True)
class InOrder:
    """One after the other."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of them."""

    parts: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Maybe:
    """It or nothing."""

    part: Rule


@dataclass(frozen=True, slots=True)
class Listed:
    """One to ``most`` of them, with a comma and a blank between two."""

    part: Rule
    most: int


Rule: TypeAlias = OneOf | InQuotes | InOrder | Either | Maybe | Listed


class Thread(NamedTuple):
    """A place in the grammar."""

    node: int
    room: int = 0
    """Within a string: characters that may still come."""
    begun: bytes = b""
    """Within a string: the bytes of a begun character or escape."""


State: TypeAlias = frozenset[Thread]


class Grammar:
    """A rule, ready to be walked. Immutable but for what it remembers of its steps."""

    def __init__(self, rule: Rule) -> None:
        """Raises ValueError for a rule that allows nothing or something without an end."""
        self._edges: list[dict[int, frozenset[int]]] = [{}]
        self._strings: dict[int, tuple[InQuotes, frozenset[int]]] = {}
        self._least = [0]
        self._steps: dict[tuple[State, int], State] = {}
        self.start: State = self._entered(self._build(rule, frozenset({DONE})))

    def step(self, state: State, byte: int) -> State:
        """Where a byte leads; the empty state when it may not come."""
        known = self._steps.get((state, byte))
        if known is None:
            parts = [self._stepped(thread, byte) for thread in state]
            known = parts[0] if len(parts) == 1 else frozenset[Thread]().union(*parts)
            self._steps[state, byte] = known
        return known

    def walk(self, text: bytes) -> State:
        """Where a text leads from the start."""
        state = self.start
        for byte in text:
            state = self.step(state, byte)
        return state

    def done(self, state: State) -> bool:
        """Whether nothing may follow: the text is complete."""
        return any(thread.node == DONE for thread in state)

    def least(self, state: State) -> int:
        """The fewest bytes that complete the text."""
        return min(self._bytes_left(thread) for thread in state)

    def string(self, state: State) -> tuple[InQuotes, Thread] | None:
        """The string whose next character may come here, where that is all that may come."""
        if len(state) != 1:
            return None
        (thread,) = state
        found = self._strings.get(thread.node)
        return None if found is None or thread.begun else (found[0], thread)

    def at_first(self, thread: Thread) -> bool:
        """Whether a thread stands before the first character of a string."""
        found = self._strings.get(thread.node)
        return found is not None and thread.room == found[0].most

    def _bytes_left(self, thread: Thread) -> int:
        found = self._strings.get(thread.node)
        if found is None:
            return self._least[thread.node]
        behind = self._least[thread.node] - 1  # the closing mark and what follows
        if not thread.begun:
            return behind + (1 if self.at_first(thread) else 0)
        return behind + (1 if thread.begun[0] == BACKSLASH else missing(thread.begun))

    def _stepped(self, thread: Thread, byte: int) -> State:
        found = self._strings.get(thread.node)
        if found is None:
            return self._entered(self._edges[thread.node].get(byte, frozenset()))
        rule, after = found
        if not thread.begun and byte == QUOTE:
            return frozenset() if self.at_first(thread) else self._entered(after)
        if not thread.begun and thread.room == 0:
            return frozenset()
        return self._in_string(rule, thread, byte)

    def _in_string(self, rule: InQuotes, thread: Thread, byte: int) -> State:
        """A byte that begins, goes on with or completes a character."""
        begun = thread.begun + bytes([byte])
        if begun == b"\\" or begun in beginnings():
            return frozenset({thread._replace(begun=begun)})
        character = rule.escapes.get(byte) if thread.begun == b"\\" else whole(begun)
        if character is None or (self.at_first(thread) and not rule.may_begin(character)):
            return frozenset()
        return frozenset({Thread(thread.node, thread.room - 1)})

    def _entered(self, nodes: Iterable[int]) -> State:
        return frozenset(
            Thread(node, self._strings[node][0].most) if node in self._strings else Thread(node) for node in nodes
        )

    def _build(self, rule: Rule, after: frozenset[int]) -> frozenset[int]:
        """The nodes at which a rule begins, with ``after`` behind it; built from the end to the start."""
        if isinstance(rule, OneOf):
            if not rule.texts or not all(rule.texts):
                raise ValueError("a choice of texts needs texts")
            return self._tree([text.encode() for text in rule.texts], after)
        if isinstance(rule, InQuotes):
            if rule.most < 1:
                raise ValueError(f"a string of at most {rule.most} characters cannot be written")
            node = self._node({}, 2 + min(self._least[n] for n in after))
            self._strings[node] = (rule, after)
            return self._tree([b'"'], frozenset({node}))
        if isinstance(rule, InOrder):
            for part in reversed(rule.parts):
                after = self._build(part, after)
            return after
        if isinstance(rule, Either):
            return frozenset().union(*(self._build(part, after) for part in rule.parts))
        if isinstance(rule, Maybe):
            return self._build(rule.part, after) | after
        return self._listed(rule, after)

    def _listed(self, rule: Listed, after: frozenset[int]) -> frozenset[int]:
        if rule.most < 1:
            raise ValueError("a list needs at least one entry")
        begin = self._build(rule.part, after)
        for _ in range(rule.most - 1):
            begin = self._build(rule.part, after | self._tree([b", "], begin))
        return begin

    def _tree(self, texts: Sequence[bytes], after: frozenset[int]) -> frozenset[int]:
        """Texts that share their beginnings."""
        ends = after if b"" in texts else frozenset[int]()
        rest: dict[int, list[bytes]] = {}
        for text in dict.fromkeys(texts):
            if text:
                rest.setdefault(text[0], []).append(text[1:])
        if not rest:
            return ends
        edges = {byte: self._tree(tails, after) for byte, tails in rest.items()}
        least = 1 + min(self._least[node] for nodes in edges.values() for node in nodes)
        return ends | {self._node(edges, least)}

    def _node(self, edges: dict[int, frozenset[int]], least: int) -> int:
        self._edges.append(edges)
        self._least.append(least)
        return len(self._edges) - 1
