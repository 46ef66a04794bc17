"""A prompt in pieces, as plain data, and what is known about it and its answer. Loads no model library."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TypeAlias

from PIL import Image


@dataclass(frozen=True, slots=True)
class Markup:
    """Template text, in which control tokens count as such. Never holds words of the user or of a screen."""

    text: str


@dataclass(frozen=True, slots=True)
class Words:
    """Any other text; whatever it spells, it never turns into control tokens."""

    text: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A screenshot in RGB; the same pixels are the same picture."""

    image: Image.Image = field(compare=False, repr=False)
    digest: str
    """Of size and pixels."""

    @classmethod
    def of(cls, image: Image.Image) -> Picture:
        """The picture of an image of any mode."""
        plain = image.convert("RGB")
        about = f"{plain.width}x{plain.height}:".encode()
        return cls(plain, hashlib.sha256(about + plain.tobytes()).hexdigest())


@dataclass(frozen=True, slots=True)
class Said:
    """An answer of before, as the tokens it was written in."""

    ids: tuple[int, ...]


Piece: TypeAlias = Markup | Words | Picture | Said


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a prompt is, in tokens."""

    tokens: int
    fresh: int
    """Those that would have to be computed; the others are kept from the prompt before."""


@dataclass(frozen=True, slots=True)
class Written:
    """An answer."""

    text: str
    ids: tuple[int, ...]
    prompt: Extent
