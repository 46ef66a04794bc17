"""Cuts training pictures out of scenes, with everything the losses need in patch order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_grounding.geometry import Affine, Rect, Size

from .canvas import Box, Element
from .instructions import Target, targets_of
from .scenes import Scene

PATCH, MERGE = 14, 2
CELL = PATCH * MERGE
POINTS = 3
"""Reading points per patch: a third to the left of its centre, its centre, a third to the right."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A picture of whole cells and its labels."""

    image: Image.Image
    characters: npt.NDArray[np.uint8]
    """[patches, POINTS] character classes in the processor's patch order."""
    icons: npt.NDArray[np.uint8]
    """[patches] icon class under the centre."""
    roles: npt.NDArray[np.uint8]
    """[patches] role class under the centre."""
    elements: list[Element]
    """Those wholly inside, in crop pixels."""
    targets: list[Target]
    """At most as many as asked for, in crop pixels."""


def whole(scene: Scene, rng: Random, size: Size, count: int) -> Crop:
    """The whole scene resized to ``size``, as at inference."""
    height, width = scene.pixels.shape[:2]
    return _cut(scene, rng, (0, 0, width, height), size, count)


def crop(scene: Scene, rng: Random, size: Size, count: int) -> Crop:
    """A random part with some elements, slightly rescaled half of the time, as resizing whole screens does.

    Raises ValueError when the scene is smaller than the part.
    """
    height, width = scene.pixels.shape[:2]
    fx, fy = (rng.uniform(0.97, 1.03), rng.uniform(0.97, 1.03)) if rng.random() < 0.5 else (1.0, 1.0)
    w, h = min(width, round(size.width * fx)), min(height, round(size.height * fy))
    best: tuple[int, Box] = (-1, (0, 0, w, h))
    for _ in range(3):
        left, top = _corner(scene, rng, w, h)
        box = (left, top, left + w, top + h)
        inside = sum(_within(e.box, box) for e in scene.elements)
        best = max(best, (min(inside, count + 4), box))
    return _cut(scene, rng, best[1], size, count)


def _corner(scene: Scene, rng: Random, w: int, h: int) -> tuple[int, int]:
    """Top-left corner of a part that shows the middle of some element; most of a screen is empty."""
    height, width = scene.pixels.shape[:2]
    if not scene.elements:
        return rng.randint(0, width - w), rng.randint(0, height - h)
    left, top, right, bottom = rng.choice(scene.elements).box
    x, y = (left + right) // 2 - rng.randrange(w), (top + bottom) // 2 - rng.randrange(h)
    return min(max(0, x), width - w), min(max(0, y), height - h)


def _within(box: Box, outer: Box) -> bool:
    return box[0] >= outer[0] and box[1] >= outer[1] and box[2] <= outer[2] and box[3] <= outer[3]


def _cut(scene: Scene, rng: Random, box: Box, size: Size, count: int) -> Crop:
    part = Image.fromarray(scene.pixels[box[1] : box[3], box[0] : box[2]])
    target = (size.width, size.height)
    if part.size != target:
        part = part.resize(target, Image.Resampling.BICUBIC)
    link = Affine.mapping(Rect(*map(float, box)), Rect.of_size(size))
    elements = [_moved(e, link) for e in scene.elements if _within(e.box, box)]
    labels = _sampled(scene, box, size)
    return Crop(part, labels[:, :, 0], labels[:, 1, 1], labels[:, 1, 2], elements, _targets(rng, elements, count))


def _moved(element: Element, link: Affine) -> Element:
    moved = link.rect(Rect(*map(float, element.box)))
    left, top, right, bottom = (round(v) for v in moved.as_tuple())
    return replace(element, box=(left, top, max(right, left + 1), max(bottom, top + 1)))


def _targets(rng: Random, elements: list[Element], count: int) -> list[Target]:
    """Instructions for some elements; icons and fields, being rarer, are preferred."""
    targets = targets_of(rng, elements, 0)
    rng.shuffle(targets)
    targets.sort(key=lambda t: rng.random() * (1.0 if t.kind == "text" else 0.5))
    return targets[:count]


def _sampled(scene: Scene, box: Box, size: Size) -> npt.NDArray[np.uint8]:
    """[patches, POINTS, 3] labels under the reading points, in the processor's order."""
    rows, columns = size.height // PATCH, size.width // PATCH
    ys = ((np.arange(rows) + 0.5) * PATCH * (box[3] - box[1]) / size.height + box[1]).astype(int)
    offsets = np.array([0.5 - 1 / 3, 0.5, 0.5 + 1 / 3])
    xs = ((np.arange(columns)[:, None] + offsets) * PATCH * (box[2] - box[0]) / size.width + box[0]).astype(int)
    grid = scene.labels[ys[:, None, None], xs[None]]
    return in_patch_order(grid)


def in_patch_order(grid: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """[rows, columns, ...] -> [rows * columns, ...], the four patches of a merged patch together."""
    rows, columns = grid.shape[:2]
    rest = grid.shape[2:]
    cells = grid.reshape(rows // MERGE, MERGE, columns // MERGE, MERGE, *rest)
    return cells.swapaxes(1, 2).reshape(rows * columns, *rest)


def soft_labels(box: tuple[float, float, float, float], size: Size) -> npt.NDArray[np.float32]:
    """[cells] overlap share of every merged patch with the box, weighted towards the box's centre (GUI-AIMA, 7.2)."""
    columns, rows = size.width // CELL, size.height // CELL
    across = _axis(box[0], box[2], columns)
    down = _axis(box[1], box[3], rows)
    return np.outer(down, across).astype(np.float32).ravel()


def _axis(low: float, high: float, count: int) -> npt.NDArray[np.float64]:
    edges = np.arange(count) * CELL
    overlap = np.clip(np.minimum(high, edges + CELL) - np.maximum(low, edges), 0, None) / CELL
    distance = (edges + CELL / 2 - (low + high) / 2) / (0.8 * (high - low))
    weights = overlap * np.exp(-0.5 * distance**2)
    return np.asarray(weights, np.float64)


def owners(elements: list[Element], size: Size) -> npt.NDArray[np.int64]:
    """[cells] index of the smallest element over the cell's centre, -1 for none."""
    columns, rows = size.width // CELL, size.height // CELL
    out = np.full((rows, columns), -1, np.int64)
    order = sorted(range(len(elements)), key=lambda i: -_area(elements[i].box))
    for i in order:
        left, top, right, bottom = elements[i].box
        first_x, last_x = -(-(2 * left - CELL) // (2 * CELL)), -(-(2 * right - CELL) // (2 * CELL))
        first_y, last_y = -(-(2 * top - CELL) // (2 * CELL)), -(-(2 * bottom - CELL) // (2 * CELL))
        if last_y <= first_y:
            first_y, last_y = (top + bottom) // 2 // CELL, (top + bottom) // 2 // CELL + 1
        if last_x <= first_x:
            first_x, last_x = (left + right) // 2 // CELL, (left + right) // 2 // CELL + 1
        out[max(0, first_y) : last_y, max(0, first_x) : last_x] = i
    return out.ravel()


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
