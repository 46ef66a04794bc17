"""Names of the types of numbers a model can be opened in. Loads no model library."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

from .errors import BadInput

NumberType: TypeAlias = Literal["fp32", "bf16", "int8"]
NUMBER_TYPES: tuple[NumberType, ...] = get_args(NumberType)


def number_type(name: str) -> NumberType:
    """The type of this name. Raises BadInput when there is none."""
    for known in NUMBER_TYPES:
        if known == name:
            return known
    raise BadInput(f"there is no number type {name!r}; known: {', '.join(NUMBER_TYPES)}")
