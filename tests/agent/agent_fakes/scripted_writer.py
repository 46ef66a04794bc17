"""A writer without a model: it wants to say what a script says, and the grammar lets it say only what may be said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from reticle_grounding.planning.decode import decode
from reticle_grounding.planning.grammar import Grammar
from reticle_grounding.planning.pieces import Extent, Markup, Picture, Piece, Said, Words, Written
from reticle_grounding.planning.vocabulary import Allowed, Constraint, Vocabulary

Script = Callable[[str], str]
"""From the prompt as text, what the model wants to answer."""
BYTES = Vocabulary({byte: bytes([byte]) for byte in range(256)})


@cache
def constraint_of(grammar: Grammar) -> Constraint:
    return Constraint(grammar, BYTES)


def as_text(prompt: Sequence[Piece]) -> str:
    """The prompt as a model reads it; control tokens in words stay apart from real ones by a mark."""
    parts = []
    for piece in prompt:
        if isinstance(piece, Markup):
            parts.append(piece.text)
        elif isinstance(piece, Words):
            parts.append(piece.text.replace("<|", "<\\|"))
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
        self._kept: list[object] = []

    @property
    def texts(self) -> list[str]:
        return [as_text(prompt) for prompt in self.prompts]

    def extent(self, prompt: Sequence[Piece]) -> Extent:
        keys = self._keys(prompt)
        most = min(len(keys) - 1, len(self._kept))
        return Extent(len(keys), len(keys) - next((n for n in range(most) if keys[n] != self._kept[n]), most))

    def write(self, prompt: Sequence[Piece], grammar: Grammar, limit: int, check: Callable[[], None]) -> Written:
        extent = self.extent(prompt)
        self.prompts.append(list(prompt))
        wish = (self.answers.pop(0) if self.answers else self.script(as_text(prompt))).encode()
        at = 0

        def choose(allowed: Allowed) -> int:
            """The next byte of the wish that may come; without one, the first that may."""
            nonlocal at
            self.checks()
            check()
            while at < len(wish):
                at += 1
                if allowed[wish[at - 1]]:
                    return wish[at - 1]
            return int(np.flatnonzero(allowed)[0])

        text = wish if self.free else decode(constraint_of(grammar), choose, limit)[0]
        self._kept = [*self._keys(prompt), *text[:-1]]
        return Written(text.decode(), tuple(text), extent)

    def _keys(self, prompt: Sequence[Piece]) -> list[object]:
        keys: list[object] = []
        for piece in prompt:
            if isinstance(piece, Picture):
                keys += [(piece.digest, number) for number in range(10)]
            else:
                keys += piece.ids if isinstance(piece, Said) else piece.text.encode()
        return keys
