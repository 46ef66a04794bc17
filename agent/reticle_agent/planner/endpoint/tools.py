"""The closed action set as typed tools, and the way back from a tool call to a step.

Every tool is made from a dataclass of :mod:`reticle_agent.actions`, so the two cannot drift apart. Nothing is mended:
a call with an unknown name, a missing or additional argument or a value of another type is refused.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Annotated, Any, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from reticle_agent.actions import (
    MAX_KEYS,
    MAX_SCROLL,
    MAX_TEXT,
    MAX_WAIT_S,
    AskUser,
    Click,
    Drag,
    Finish,
    Hotkey,
    Scroll,
    Step,
    TypeText,
    Wait,
)
from reticle_agent.planner.keys import KEY_NAMES
from reticle_agent.planner.phrase import MAX_TARGET
from reticle_grounding.errors import BadInput

HIDDEN_TEXT = "(secret)"
"""Stands for a secret text wherever a step is written down."""
MAX_WORDS = 500
"""Characters of a question or of the closing message."""
_SHOWN_NAME = 40


class RefusedCallError(Exception):
    """A tool call outside of the closed set; the text says what was wrong, without the call's own words."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool as offered to a model."""

    name: str
    kind: type[Step]
    description: str
    arguments: type[BaseModel]


_OFFERED: dict[str, tuple[type[Step], str]] = {
    "click": (Click, "Click one control. Say in words which one, as it is named on the screen."),
    "drag": (Drag, "Press the left button on one control and release it on another."),
    "scroll": (Scroll, "Turn the mouse wheel, over a control where one is named."),
    "type_text": (TypeText, "Type text where the cursor is, or first click the named field."),
    "hotkey": (Hotkey, "Press keys together, e.g. ['ctrl', 's']."),
    "wait": (Wait, "Do nothing for some seconds."),
    "ask_user": (AskUser, "Ask the user and wait for the answer; for what only the user can know or decide."),
    "done": (Finish, "End the run: the task is done (success true) or cannot be done (success false, say why)."),
}
_TARGET = Field(min_length=1, max_length=MAX_TARGET)
_WORDS = Field(min_length=1, max_length=MAX_WORDS)
_BOUNDS: dict[tuple[type[Step], str], Any] = {
    (Click, "target"): _TARGET,
    (Drag, "source"): _TARGET,
    (Drag, "destination"): _TARGET,
    (Scroll, "target"): _TARGET,
    (Scroll, "amount"): Field(ge=1, le=MAX_SCROLL),
    (TypeText, "text"): Field(min_length=1, max_length=MAX_TEXT),
    (TypeText, "target"): _TARGET,
    (Hotkey, "keys"): Field(min_length=1, max_length=MAX_KEYS),
    (Wait, "seconds"): Field(ge=0, le=MAX_WAIT_S),
    (AskUser, "question"): _WORDS,
    (Finish, "message"): Field(max_length=MAX_WORDS),
}

_NOT_OFFERED = frozenset({(TypeText, "secret")})
"""Secret text is hidden from the person who approves it, so a model may not call its own words secret."""


@cache
def tools() -> Mapping[str, Tool]:
    """All tools by name."""
    return {
        name: Tool(name, kind, description, _arguments(name, kind)) for name, (kind, description) in _OFFERED.items()
    }


def tool_name(step: Step) -> str:
    """The name under which a step is offered."""
    return next(name for name, (kind, _) in _OFFERED.items() if type(step) is kind)


def _arguments(name: str, kind: type[Step]) -> type[BaseModel]:
    hints = get_type_hints(kind)
    given: dict[str, Any] = {}
    for field in fields(kind):
        if (kind, field.name) in _NOT_OFFERED:
            continue
        bound = _BOUNDS.get((kind, field.name))
        hint = Annotated[hints[field.name], bound] if bound is not None else hints[field.name]
        given[field.name] = (hint, ... if field.default is MISSING else field.default)
    model: type[BaseModel] = create_model(name, __config__=ConfigDict(extra="forbid", strict=True), **given)
    return model


@cache
def tool_schemas() -> list[dict[str, Any]]:
    """The tools in the form of the chat-completions interface (``tools`` of a request); do not modify the answer."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": _plain(tool.arguments.model_json_schema()),
            },
        }
        for tool in tools().values()
    ]


def _plain(schema: Any) -> Any:
    """Without the titles, which only cost tokens (a property called ``title`` is an object and stays)."""
    if isinstance(schema, dict):
        return {k: _plain(v) for k, v in schema.items() if not (k == "title" and isinstance(v, str))}
    return [_plain(item) for item in schema] if isinstance(schema, list) else schema


def read_call(name: str, arguments: str | bytes) -> Step:
    """The step a tool call asks for; ``arguments`` is JSON text. Raises RefusedCallError naming what was wrong."""
    tool = tools().get(name)
    if tool is None:
        raise RefusedCallError(f"there is no tool '{_safe(name)}'; the tools are {', '.join(tools())}")
    try:
        values = tool.arguments.model_validate_json(arguments or "{}").model_dump()
    except ValidationError as error:
        raise RefusedCallError(f"{name}: {_first_fault(error)}") from None
    if tool.kind is Hotkey:
        values["keys"] = _keys(values["keys"])
    for field, value in values.items():
        _check_characters(name, field, value)
    try:
        return tool.kind(**values)
    except BadInput as problem:
        raise RefusedCallError(f"{name}: {problem}") from None


def _first_fault(error: ValidationError) -> str:
    """One line without the refused value, which may be anything."""
    first = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(_safe(str(part)) for part in first["loc"])
    message = "the arguments are no JSON object" if first["type"] == "json_invalid" else first["msg"]
    return f"{where}: {message}" if where else message


def _keys(keys: tuple[str, ...]) -> tuple[str, ...]:
    canonical = tuple(KEY_NAMES.get(key.lower(), key.lower()) for key in keys)
    for key in canonical:
        if key not in KEY_NAMES.values() and (len(key) != 1 or not key.isprintable() or key.isspace()):
            raise RefusedCallError(f"hotkey: there is no key '{_safe(key)}'")
    return canonical


def _check_characters(name: str, field: str, value: object) -> None:
    """Control, format and unassigned characters could hide what an approval is about."""
    allowed = "\n\t" if field == "text" else ""
    if isinstance(value, str) and any(unicodedata.category(c)[0] == "C" and c not in allowed for c in value):
        raise RefusedCallError(f"{name}: {field}: holds control or invisible characters")


def _safe(name: str) -> str:
    """A name from outside, cut and without anything but letters, digits and a few marks."""
    kept = "".join(c if c.isascii() and (c.isalnum() or c in "_-. ") else "?" for c in name[:_SHOWN_NAME])
    return kept + ("..." if len(name) > _SHOWN_NAME else "")


def as_call(step: Step) -> dict[str, Any]:
    """A step as tool name and arguments, for the record a model is shown; secret text is left out."""
    offered = [field.name for field in fields(step) if (type(step), field.name) not in _NOT_OFFERED]
    arguments = {name: getattr(step, name) for name in offered}
    if isinstance(step, TypeText) and step.secret:
        arguments["text"] = HIDDEN_TEXT
    return {"tool": tool_name(step), "arguments": json.loads(json.dumps(arguments))}
