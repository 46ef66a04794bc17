"""JSON values: their type, and the way of plain data into them."""

from __future__ import annotations

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
