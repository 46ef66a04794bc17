"""Secrets never reach the disk: what was declared secret is masked in every text before it is written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from .patterns import PATTERNS, without_patterns
from .plain import JsonObject, JsonValue, to_object

MASK = "\u2022\u2022\u2022"
"""Stands for a secret inside a longer text; its length says nothing about the secret."""
SECRET_TEXT, DECLARED = "secret text is stored as its length", "declared secrets are masked in every text"
RULES = (SECRET_TEXT, DECLARED, *(f"{pattern.name}s are masked in every text" for pattern in PATTERNS))
SHORTEST_INSIDE = 4
"""Shorter secrets occur in ordinary words by chance, so they are masked only where they stand as a word of their own;
single characters only in quotation marks or where they are the whole text."""
_QUOTES = "'\"\u201c\u201d\u2018\u2019\u00ab\u00bb\u201e`"

_STRUCTURE = frozenset(
    {
        "type", "t", "frame", "frame_after", "map", "id", "candidate_id", "rejected_ids", "display_id", "pre_crop_sha",
        "kind", "by", "decision", "source", "delivered", "effect", "trigger", "origin", "from", "event",
    }
)  # fmt: skip


class Secret:
    """A text handed to the writer that must not be stored; deliberately without a JSON form of its own."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return f"Secret(len={len(self._text)})"

    def reveal(self) -> str:
        return self._text

    def stored(self) -> JsonObject:
        """What is written in its place."""
        return {"secret": True, "len": len(self._text)}


class Redactor:
    """Knows the secrets of one run and counts what it masked."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self.masked = 0
        """Texts masked so far."""
        self.by_rule: Counter[str] = Counter()
        """How often each of ``RULES`` masked something."""

    def add(self, secret: str) -> None:
        if secret.strip():
            self._secrets.add(secret)

    def absorb(self, fields: Mapping[str, object]) -> JsonObject:
        """JSON form of an event's fields: secrets are learnt and replaced, every other text is masked."""
        secrets = {key: value for key, value in fields.items() if isinstance(value, Secret)}
        for secret in secrets.values():
            self.add(secret.reveal())
        self.masked += len(secrets)
        self.by_rule[SECRET_TEXT] += len(secrets)
        clean = self.object(to_object({key: value for key, value in fields.items() if key not in secrets}))
        return clean | {key: secret.stored() for key, secret in secrets.items()}

    def text(self, text: str) -> str:
        """``text`` without the secrets; longer ones first, so that one inside another leaves no rest."""
        clean = text
        for secret in sorted(self._secrets, key=len, reverse=True):
            if clean == secret or len(secret) >= SHORTEST_INSIDE:
                clean = clean.replace(secret, MASK)
            else:
                edge = r"\w" if len(secret) > 1 else rf"[^{_QUOTES}]"
                clean = re.sub(rf"(?<!{edge}){re.escape(secret)}(?!{edge})", MASK, clean)
        self.by_rule[DECLARED] += clean != text
        clean = without_patterns(clean, MASK, self._found)
        self.masked += clean != text
        return clean

    def _found(self, name: str) -> None:
        self.by_rule[f"{name}s are masked in every text"] += 1

    def value(self, value: JsonValue) -> JsonValue:
        """The same for every text in a JSON value, references and enumerated words left alone."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, list):
            return [self.value(item) for item in value]
        if isinstance(value, dict):
            return self.object(value)
        return value

    def object(self, value: JsonObject) -> JsonObject:
        return {key: item if key in _STRUCTURE else self.value(item) for key, item in value.items()}
