"""The closed action set as a grammar: what a model can write is one valid call, and nothing else.

Made from the same schemas that an endpoint is sent, so the two cannot drift apart. Beyond them it rules out what a call
would be refused for: unknown keys, blank targets, invisible characters, numbers of marks that are not there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from reticle_agent.actions import MAX_WAIT_S
from reticle_agent.planner.endpoint.prompt import json_text
from reticle_agent.planner.endpoint.tools import tool_schemas
from reticle_agent.planner.keys import KEY_NAMES
from reticle_grounding.planning.grammar import Either, Grammar, InOrder, InQuotes, Listed, Maybe, OneOf, Rule

MAX_TYPED = 1000
"""Characters of a text to type; longer ones are typed in parts."""
MAX_SAID = 200
"""Characters of a target, a question or a message."""
_TARGETS = frozenset({"target", "source", "destination"})
_TENTHS_BELOW = 10
"""Seconds below which a wait may have tenths."""


@lru_cache(maxsize=64)
def call_grammar(marks: int = 0) -> Grammar:
    """One call, as ``{"tool": "click", "arguments": {"target": "Save"}}``.

    With ``marks`` numbered texts in the picture, ``[1]`` to ``[marks]`` are targets, and no other text that begins so.
    """
    calls: list[Rule] = []
    for schema in tool_schemas():
        function = schema["function"]
        calls.append(_call(function["name"], function["parameters"], marks))
    return Grammar(Either(tuple(calls)))


def tool_lines() -> list[str]:
    """The tools as a model is told of them, one to a line."""
    return [
        json_text({"tool": f["name"], "description": f["description"], "arguments": f["parameters"]})
        for f in (schema["function"] for schema in tool_schemas())
    ]


def _call(name: str, parameters: Mapping[str, Any], marks: int) -> Rule:
    """Required arguments first, in the order of the schema, then those that may be left out."""
    required = parameters.get("required", [])
    properties: Mapping[str, Any] = parameters["properties"]
    if list(properties)[: len(required)] != list(required) or not required:
        raise ValueError(f"the required arguments of {name} do not come first")
    parts: list[Rule] = [_text(f'{{"tool": "{name}", "arguments": {{')]
    for number, (field, schema) in enumerate(properties.items()):
        comma = ", " if number else ""
        entry = InOrder((_text(f'{comma}"{field}": '), _value(field, schema, marks)))
        parts.append(entry if field in required else Maybe(entry))
    return InOrder((*parts, _text("}}")))


def _value(field: str, schema: Mapping[str, Any], marks: int) -> Rule:
    """Raises ValueError for a kind of value that this grammar does not know."""
    if "enum" in schema:
        return OneOf(tuple(map(json_text, schema["enum"])))
    if "anyOf" in schema:  # one that may be null, which is said by leaving it out
        (present,) = (one for one in schema["anyOf"] if one.get("type") != "null")
        return _value(field, present, marks)
    kind = schema.get("type")
    if kind == "string":
        return _string(field, int(schema["maxLength"]), marks)
    if kind == "boolean":
        return OneOf(("true", "false"))
    if kind == "integer":
        return OneOf(tuple(map(str, range(schema["minimum"], schema["maximum"] + 1))))
    if kind == "number" and field == "seconds":
        tenths = [f"{n // 10}.{n % 10}" for n in range(1, 10 * _TENTHS_BELOW) if n % 10]
        return OneOf((*map(str, range(int(MAX_WAIT_S) + 1)), *tenths))
    if kind == "array" and field == "keys":
        names = sorted({*KEY_NAMES.values(), *map(chr, range(ord("!"), ord("A"))), *map(chr, range(ord("["), 127))})
        return InOrder((_text("["), Listed(OneOf(tuple(map(json_text, names))), int(schema["maxItems"])), _text("]")))
    raise ValueError(f"{field}: there is no rule for {dict(schema)}")


def _string(field: str, most: int, marks: int) -> Rule:
    if field == "text":
        return InQuotes(min(most, MAX_TYPED), lines=True)
    words = min(most, MAX_SAID)
    if field not in _TARGETS or not marks:
        return InQuotes(words, bare=True)
    numbers = OneOf(tuple(f'"[{number}]"' for number in range(1, marks + 1)))
    return Either((numbers, InQuotes(words, bare=True, not_first="[")))


def _text(text: str) -> Rule:
    return OneOf((text,))
