"""A writer without a model: it wants to say what a script says, and the grammar lets it say only what may be said."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

from reticle_grounding.planning.grammar import Grammar, State
from reticle_grounding.planning.pieces import Extent, Markup, Picture, Piece, Said, Words, Written

Script = Callable[[str], str]
"""From the prompt as text, what the model wants to answer."""


def as_text(prompt: Sequence[Piece]) -> str:
    """The prompt as a model reads it; control tokens in words stay apart from real ones by a mark."""
    parts = []
    for piece in prompt:
        if isinstance(piece, Markup):
            parts.append(piece.text)
        elif isinstance(piece, Words):
            parts.append(piece.text.replace("<|", "<¦"))
        elif isinstance(piece, Said):
            parts.append(bytes(piece.ids).decode())
        else:
            parts.append(f"[picture {piece.digest[:8]}]")
    return "".join(parts)


class ScriptedWriter:
    """A byte is a token, a picture ten; the beginning shared with the prompt before is kept, as a model keeps it."""

    def __init__(self, *answers: str, script: Script | None = None, free: bool = False, context: int = 100_000) -> None:
        """``free`` ignores the grammar, as no real writer does."""
        self.name, self.context = "scripted", context
        self.answers = list(answers)
        self.script = script or (lambda prompt: '{"tool": "done", "arguments": {"success": true}}')
        self.free = free
        self.prompts: list[list[Piece]] = []
        self.checks: Callable[[], None] = lambda: None
        """Called before each token, as something that happens meanwhile."""
        self._kept = b""

    @property
    def texts(self) -> list[str]:
        return [as_text(prompt) for prompt in self.prompts]

    def extent(self, prompt: Sequence[Piece]) -> Extent:
        keys = self._keys(prompt)
        most = min(len(keys) - 1, len(self._kept))
        # beginnings that differ stay different, so the first one is found by halving
        same = bisect_left(range(1, most + 1), True, key=lambda n: keys[:n] != self._kept[:n])
        return Extent(len(keys), len(keys) - same)

    def write(self, prompt: Sequence[Piece], grammar: Grammar, limit: int, check: Callable[[], None]) -> Written:
        extent = self.extent(prompt)
        self.prompts.append(list(prompt))
        wish = (self.answers.pop(0) if self.answers else self.script(as_text(prompt))).encode()
        text = wish if self.free else self._held(wish, grammar, limit, check)
        self._kept = self._keys(prompt) + text[:-1]
        return Written(text.decode(), tuple(text), extent)

    def _held(self, wish: bytes, grammar: Grammar, limit: int, check: Callable[[], None]) -> bytes:
        """The next byte of the wish that may come; without one, the first that may."""
        state, written, at = grammar.start, bytearray(), 0
        while not grammar.done(state):
            self.checks()
            check()

            def may(byte: int, state: State = state, left: int = limit - len(written)) -> bool:
                after = grammar.step(state, byte)
                return bool(after) and grammar.least(after) < left

            while at < len(wish) and not may(wish[at]):
                at += 1
            byte = wish[at] if at < len(wish) else next(filter(may, range(256)))
            at += 1
            written.append(byte)
            state = grammar.step(state, byte)
        return bytes(written)

    def _keys(self, prompt: Sequence[Piece]) -> bytes:
        """A byte for each token."""
        keys = bytearray()
        for piece in prompt:
            if isinstance(piece, Picture):
                keys += piece.digest[:10].encode()
            else:
                keys += bytes(piece.ids) if isinstance(piece, Said) else piece.text.encode()
        return bytes(keys)
