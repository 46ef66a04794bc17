"""The JSON Schema of ``trace/1`` (draft 2020-12) and checks against it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from .plain import JsonObject, JsonValue

SCHEMA = "trace/1"
EVENT_TYPES = (
    "task",
    "plan",
    "observe",
    "ground",
    "verify",
    "choose",
    "gate",
    "act",
    "check",
    "human",
    "stop",
    "note",
    "error",
)
"""Types this version knows; readers skip all others."""
Part = Literal["manifest", "event"]


@cache
def load_schema(part: Part) -> JsonObject:
    """The schema as published beside this module; do not modify the answer."""
    text = files(__package__).joinpath(f"{part}.schema.json").read_text(encoding="utf-8")
    schema: JsonObject = json.loads(text)
    return schema


@cache
def _validator(part: Part) -> Draft202012Validator:
    schema = load_schema(part)
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@cache
def _type_validator(kind: str) -> Draft202012Validator:
    """Only the fields of one type: a tenth of the work, and messages that name the field."""
    return Draft202012Validator({"$ref": f"#/$defs/{kind}", "$defs": load_schema("event")["$defs"]})


@cache
def _envelope_validator() -> Draft202012Validator:
    return Draft202012Validator({key: value for key, value in load_schema("event").items() if key != "allOf"})


def manifest_fault(manifest: JsonValue) -> str | None:
    """What is wrong with a manifest, as one line naming the field; None when it is valid."""
    return _fault(_validator("manifest"), manifest)


def event_fault(event: JsonValue) -> str | None:
    """What is wrong with an event, as one line naming the field; None when it is valid or of an unknown type."""
    fault = _fault(_envelope_validator(), event)
    if fault is not None or not isinstance(event, Mapping):
        return fault
    kind = event["type"]
    return _fault(_type_validator(str(kind)), event) if kind in EVENT_TYPES else None


def _fault(validator: Draft202012Validator, value: JsonValue) -> str | None:
    error = best_match(validator.iter_errors(value))
    if error is None:
        return None
    where = ".".join(str(part) for part in error.absolute_path)
    message = error.message
    if error.validator == "anyOf" and error.context:
        message = " or ".join(dict.fromkeys(option.message for option in error.context))
    message = message if len(message) <= 200 else f"{message[:200]}..."
    return f"{where}: {message}" if where else message
