"""Writing an answer token by token, held to a grammar: whatever chooses among the tokens, the answer is complete."""

from __future__ import annotations

from collections.abc import Callable

from reticle_grounding.errors import BadInput

from .vocabulary import Allowed, Constraint

Choose = Callable[[Allowed], int]
"""Of the tokens that may come, [ids], the one that does."""


def decode(constraint: Constraint, choose: Choose, limit: int) -> tuple[bytes, list[int]]:
    """An answer of at most ``limit`` tokens and its ids.

    Raises BadInput for a limit that the shortest answer may not keep to.
    """
    grammar = constraint.grammar
    state, ids = grammar.start, list[int]()
    if limit < grammar.least(state):
        raise BadInput(
            f"an answer of at most {limit} tokens was asked for; the shortest may take {grammar.least(state)}"
        )
    while not grammar.done(state):
        allowed = constraint.allowed(state, limit - len(ids))
        token = choose(allowed)
        if not 0 <= token < len(allowed) or not allowed[token]:
            raise ValueError(f"token {token} was chosen, which may not come here")
        state = constraint.advance(state, token)
        ids.append(token)
    return b"".join(constraint.vocabulary.bytes_of[token] for token in ids), ids
