"""JSON values: their type, how they are read, and the way of plain data into them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import TypeAlias

import numpy as np

from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Point, Rect, Size

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = "dict[str, JsonValue]"


MAX_DEPTH = 64
"""Levels of lists and objects within each other; printing deeper ones would exhaust the stack."""
MAX_DIGITS = 300
"""Of a whole number, so that every one fits a float."""


def read_json(text: str | bytes) -> JsonValue:
    """JSON as RFC 8259 has it, every number finite, at most ``MAX_DEPTH`` levels deep. Raises ValueError."""
    try:
        value: JsonValue = json.loads(text, parse_int=_whole, parse_float=_finite, parse_constant=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    opening = ("[", "{") if isinstance(text, str) else (b"[", b"{")
    if sum(map(text.count, opening)) > MAX_DEPTH:  # type: ignore[arg-type]
        _check_depth(value)
    return value


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise ValueError(f"a number is {digits[:40]}")
    return value


def _check_depth(value: JsonValue) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        holders = [holder for holder in level if isinstance(holder, (list, dict))]
        level = [inner for h in holders for inner in (h.values() if isinstance(h, dict) else h)]
        if not level:
            return
    raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels")


def to_json(value: object) -> JsonValue:
    """JSON form of a plain value; points and rectangles become lists, sizes ``{w, h}``, dataclasses objects.

    Floats keep nine significant digits. Raises ReticleError for what has no JSON form (NaN, bytes, open files).
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (np.generic, Enum)):
        return to_json(value.item() if isinstance(value, np.generic) else value.value)
    if isinstance(value, (int, float)):
        return _number(value)
    return _structure(value)


def _number(value: float) -> float:
    if isinstance(value, int):
        return int(value)
    if not math.isfinite(value):
        raise ReticleError(f"a trace cannot hold the number {value}")
    return float(f"{value:.9g}")


def _structure(value: object) -> JsonValue:
    if isinstance(value, PurePath):
        return value.as_posix()
    if isinstance(value, Size):
        return {"w": value.width, "h": value.height}
    if isinstance(value, Point):
        return [_number(value.x), _number(value.y)]
    if isinstance(value, Rect):
        return [_number(side) for side in value.as_tuple()]
    if isinstance(value, Mapping):
        return {str(key): to_json(item) for key, item in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, (list, tuple, set, frozenset, np.ndarray)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [to_json(item) for item in items]
    raise ReticleError(f"a trace cannot hold a value of type {type(value).__name__}")


def to_object(value: Mapping[str, object]) -> JsonObject:
    """:func:`to_json` for a mapping."""
    return {key: to_json(item) for key, item in value.items()}
