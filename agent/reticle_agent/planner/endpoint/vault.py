"""Secrets in a task never leave the machine: the model gets a place-holder and the text is put back here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reticle_agent.actions import Step, TypeText
from reticle_agent.planner.lexer import Token, tokenize
from reticle_agent.planner.phrase import Phrase, is_secret, mentions_secret
from reticle_agent.planner.split import split
from reticle_agent.planner.verbs import find_verb, skip_fillers
from reticle_agent.trace.redact import SHORTEST_INSIDE
from reticle_grounding.errors import BadInput

_TYPES = frozenset({"type", "fill"})


class Vault:
    """Quoted texts beside a word such as "password" (the rule of ``planner.phrase.is_secret``), by place-holder.

    A secret without quotation marks cannot be told from other words and stays in the task.
    """

    def __init__(self, task: str) -> None:
        """Raises BadInput where a task speaks of a secret and its quotation marks cannot be read."""
        self.task = task
        try:
            tokens = tokenize(task)
        except BadInput:
            if mentions_secret(task):
                raise
            tokens = []
        hidden = [token for part in split(tokens) for token in _secret_tokens(part, task)]
        self._texts = {f"[secret-{number}]": token.text for number, token in enumerate(hidden, 1)}
        for name, token in reversed(list(zip(self._texts, hidden, strict=True))):
            self.task = self.task[: token.start] + name + self.task[token.end :]

    @property
    def secrets(self) -> list[str]:
        return list(self._texts.values())

    def hide(self, text: str) -> str:
        """A text without the secrets, e.g. a line of the screen; very short ones only where they are the whole text."""
        for name, secret in sorted(self._texts.items(), key=lambda item: -len(item[1])):
            if text.strip() == secret or len(secret) >= SHORTEST_INSIDE:
                text = text.replace(secret, name)
        return text

    def filled(self, step: Step) -> Step:
        """The step with its place-holder put back; only where it is the whole text to type."""
        if isinstance(step, TypeText) and step.text in self._texts:
            return replace(step, text=self._texts[step.text], secret=True)
        return step


def _secret_tokens(part: Sequence[Token], task: str) -> list[Token]:
    found = find_verb(part, skip_fillers(part, 0))
    if found is not None and found[0].kind not in _TYPES:
        return []
    phrase = Phrase(task, tuple(part))
    return [token for token in part if token.kind == "quoted" and token.text.strip() and is_secret(phrase, token)]
