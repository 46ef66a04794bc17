"""What was read and seen on one screenshot, as vectors with their places: the second thing a pointer model may look at.

A small model cannot read a screen by itself. The *reading channel* (:mod:`.model.channel`) adds these vectors to the
patches they lie on, so that attention stays the pointer and only has to learn what matches what.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .geometry import Rect
from .ocr import TextBox
from .proposals import Elements, Proposal, entries_of, marks_left_of, proposals_of

Vectors = npt.NDArray[np.float32]
MAX_SHAPES = 800


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Everything in capture pixels; row ``i`` of a table of vectors belongs to rectangle ``i``."""

    texts: tuple[Rect, ...]
    text_vectors: Vectors
    """[texts, d] what each text means."""
    looks: tuple[Rect, ...]
    look_vectors: Vectors
    """[looks, d] what each drawing looks like."""
    named: tuple[tuple[Rect, int], ...]
    """Entries, tracks and check marks with the number of the text that labels them."""
    shapes: tuple[Proposal, ...]


NOTHING_READ = Reading((), np.zeros((0, 1), np.float32), (), np.zeros((0, 1), np.float32), (), ())


def labelled(elements: Elements, texts: Sequence[TextBox]) -> tuple[tuple[Rect, int], ...]:
    """For every text the nearest entry or track it may label, and the check mark left of it."""
    found: list[tuple[Rect, int]] = []
    for number, text in enumerate(texts):
        found += [(entry.rect, number) for entry in entries_of(text.rect, elements, texts)[:1]]
        found += [(mark, number) for mark in marks_left_of(text.rect, elements)[:1]]
    return tuple(found)


def reading_of(
    elements: Elements, texts: Sequence[TextBox], text_vectors: Vectors, looks: Sequence[Rect], look_vectors: Vectors
) -> Reading:
    """Joins what was found on a screenshot; ``text_vectors`` are in the order of ``texts``."""
    places = tuple(t.rect for t in texts)
    shapes = proposals_of(elements, MAX_SHAPES)
    return Reading(places, text_vectors, tuple(looks), look_vectors, labelled(elements, texts), shapes)
