"""What the verifier is shown of a marked place, the same way in training and at work.

The published verifier sees a crop of the screen with a circle on it. A small one cannot read such a picture, so it is
shown what others made of the crop: the texts and shapes in it with their vectors, where each stands as seen from the
mark, how far each agrees with the instruction, and how the marked place and its surroundings look to the matcher.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import numpy as np
import numpy.typing as npt

from reticle_grounding.evidence import Scene
from reticle_grounding.geometry import Rect, Size
from reticle_grounding.looks import Looks
from reticle_grounding.matcher.matcher import Matcher
from reticle_grounding.ocr import RgbArray
from reticle_grounding.proposals import Sort, proposals_of
from reticle_grounding.verifier import Place
from reticle_grounding.words import NO_MATCH, Match, Role, match, may_match, tokens

Table = npt.NDArray[np.float32]
NEAR = 20
"""Texts and shapes around a place that are shown."""
DIM = 384
"""Length of the matcher's vectors."""
SORTS: tuple[str, ...] = ("text", *get_args(Sort))
SCORES = 8
GEOMETRY = 14
OWN = 8
ROLES = tuple(Role)
TOLD = len(ROLES) + 4
SURROUNDINGS = 3.0
"""Side of the surroundings in lengths of the place's longer side."""
LEAST_SURROUNDINGS = 72.0
"""Pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Items:
    """Everything read and seen on one screenshot."""

    rects: Table
    """[N, 4] capture pixels."""
    sorts: npt.NDArray[np.int64]
    """[N] index into :data:`SORTS`."""
    vectors: Table
    """[N, DIM] what a text means or a shape looks like; zero where that is not known."""
    size: Size


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One instruction on one screenshot."""

    said: Table
    """[DIM] what is asked for means, without gestures and roles."""
    looked: Table
    """[DIM] what that looks like."""
    told: Table
    """[TOLD] the role asked for; whether it is quoted, counts, stands in a relation, has more than one word."""
    scores: Table
    """[N, SCORES] each item's agreement with it."""


@dataclass(frozen=True, slots=True, eq=False)
class Marked:
    """Places of one instruction; P of them."""

    near: npt.NDArray[np.int64]
    """[P, NEAR] numbers of the items around each, nearest first; -1 for none."""
    geometry: Table
    """[P, NEAR, GEOMETRY]."""
    own: Table
    """[P, OWN]."""
    looks: Table
    """[P, 2, DIM] the place and its surroundings."""


def items_of(scene: Scene, looks: Looks, size: Size) -> Items:
    """The texts, then the shapes."""
    shapes = proposals_of(scene.elements)
    known = {rect: row for rect, row in zip(looks.rects, looks.seen, strict=True)}
    nothing = np.zeros(DIM, np.float32)
    rects = [t.rect for t in scene.texts] + [s.rect for s in shapes]
    read = [_as_row(row) for row in looks.read] if len(looks.read) == len(scene.texts) else [nothing] * len(scene.texts)
    vectors = read + [_as_row(known.get(s.rect, nothing)) for s in shapes]
    sorts = [0] * len(scene.texts) + [SORTS.index(s.sort) for s in shapes]
    return Items(
        np.array([r.as_tuple() for r in rects], np.float32).reshape(-1, 4),
        np.array(sorts, np.int64),
        np.array(vectors, np.float32).reshape(-1, DIM),
        size,
    )


def _as_row(vector: Table) -> Table:
    """Of a matcher that knows nothing, nothing."""
    return vector if vector.shape == (DIM,) else np.zeros(DIM, np.float32)


def question_of(instruction: str, scene: Scene, looks: Looks, matcher: Matcher) -> Question:
    """``scene`` holds the instruction's reading and agreement."""
    wanted, agreement = scene.wanted, scene.agreement
    bare = next((" ".join(r.tokens) for r in wanted.readings), instruction)
    told = [float(wanted.role is role) for role in ROLES]
    relation = wanted.relation is not None and bool(wanted.anchor)
    told += [float(wanted.quoted), float(wanted.ordinal is not None), float(relation), float(" " in bare)]
    matches = [match(wanted, t.text) if may_match(wanted, t.text) else NO_MATCH for t in scene.texts]
    anchor = frozenset(wanted.anchor or ())
    shapes = proposals_of(scene.elements)
    numbers = {rect: n for n, rect in enumerate(agreement.rects)}
    scores = np.zeros((len(scene.texts) + len(shapes), SCORES), np.float32)
    best_text, best_look = (float(s.max()) if len(s) else 0.0 for s in (agreement.texts, agreement.looks))
    best_match = max((m.score for m in matches), default=0.0)
    for i, (text, how) in enumerate(zip(scene.texts, matches, strict=True)):
        meant = float(agreement.texts[i]) if len(agreement.texts) else 0.0
        shared = len(anchor & frozenset(tokens(text.text))) / len(anchor) if relation else 0.0
        scores[i] = (meant, meant - best_text, *_letters(how), how.score - best_match, shared)
    for i, shape in enumerate(shapes, len(scene.texts)):
        if shape.rect in numbers:
            look = float(agreement.looks[numbers[shape.rect]])
            scores[i, :2] = look, look - best_look
    return Question(
        _as_row(matcher.say([bare])[0]), _as_row(matcher.ask([bare])[0]), np.array(told, np.float32), scores
    )


def _letters(how: Match) -> tuple[float, float, float, float]:
    return how.score, how.precision, how.recall, float(how.exact)


def marked(pixels: RgbArray, items: Items, matcher: Matcher, places: Sequence[Place]) -> Marked:
    """Each place with what stands around it; ``pixels`` [height, width, 3] are those of the capture."""
    count = len(places)
    points = np.array([(p.point.x, p.point.y) for p in places], np.float32).reshape(-1, 2)
    regions = np.array([p.region.as_tuple() for p in places], np.float32).reshape(-1, 4)
    near = nearest(points, items.rects)
    rects = items.rects[near.clip(min=0)] if len(items.rects) else np.zeros((count, NEAR, 4), np.float32)
    geometry = _geometry(points, regions, rects) * (near >= 0)[..., None]
    around = [_surroundings(p.region) for p in places]
    seen = matcher.see(pixels, [*(p.region for p in places), *around])
    looks = np.stack([_as_row(row) for row in seen]) if count else np.zeros((0, DIM), np.float32)
    own = _own(points, regions, rects, near, items)
    return Marked(near, geometry.astype(np.float32), own, looks.reshape(2, count, DIM).transpose(1, 0, 2).copy())


def nearest(points: Table, rects: Table) -> npt.NDArray[np.int64]:
    """[P, NEAR] the items whose edges are nearest to each point; up and down count twice."""
    near = np.full((len(points), NEAR), -1, np.int64)
    if not len(rects):
        return near
    x, y = points[:, :1], points[:, 1:]
    aside = np.maximum(np.maximum(rects[:, 0] - x, x - rects[:, 2]), 0)
    off = np.maximum(np.maximum(rects[:, 1] - y, y - rects[:, 3]), 0)
    far = np.abs((rects[:, 0] + rects[:, 2]) / 2 - x) + np.abs((rects[:, 1] + rects[:, 3]) / 2 - y)
    order = np.argsort(aside + 2 * off + 0.05 * far, axis=1, kind="stable")[:, :NEAR]
    near[:, : order.shape[1]] = order
    return near


def _geometry(points: Table, regions: Table, rects: Table) -> Table:
    """[P, NEAR, GEOMETRY] of items as seen from the mark; about -2..2."""
    left, top, right, bottom = (rects[..., i] for i in range(4))
    x, y = points[:, :1], points[:, 1:]
    own = [regions[:, i : i + 1] for i in range(4)]
    wide, high = np.maximum(right - left, 1), np.maximum(bottom - top, 1)
    own_wide, own_high = np.maximum(own[2] - own[0], 1), np.maximum(own[3] - own[1], 1)
    common_x = np.maximum(np.minimum(right, own[2]) - np.maximum(left, own[0]), 0)
    common_y = np.maximum(np.minimum(bottom, own[3]) - np.maximum(top, own[1]), 0)
    common = common_x * common_y
    middle_x, middle_y = (left + right) / 2, (top + bottom) / 2
    holds = (left <= x) & (x < right) & (top <= y) & (y < bottom)
    held = (own[0] <= middle_x) & (middle_x < own[2]) & (own[1] <= middle_y) & (middle_y < own[3])
    parts = [
        np.tanh((middle_x - x) / 100),
        np.tanh((middle_y - y) / 50),
        np.tanh((left - own[2]) / 60),
        np.tanh((own[0] - right) / 60),
        np.tanh((top - own[3]) / 30),
        np.tanh((own[1] - bottom) / 30),
        np.log(wide / 40) / 2,
        np.log(high / 20),
        common / (wide * high),
        common / (own_wide * own_high),
        common_y / np.minimum(high, own_high),
        common_x / np.minimum(wide, own_wide),
        holds.astype(np.float32),
        held.astype(np.float32),
    ]
    return np.asarray(np.stack(np.broadcast_arrays(*parts), axis=-1), np.float32)


def _own(points: Table, regions: Table, rects: Table, near: npt.NDArray[np.int64], items: Items) -> Table:
    wide, high = np.maximum(regions[:, 2] - regions[:, 0], 1), np.maximum(regions[:, 3] - regions[:, 1], 1)
    middle_x, middle_y = (rects[..., 0] + rects[..., 2]) / 2, (rects[..., 1] + rects[..., 3]) / 2
    held = (regions[:, :1] <= middle_x) & (middle_x < regions[:, 2:3])
    held &= (regions[:, 1:2] <= middle_y) & (middle_y < regions[:, 3:4]) & (near >= 0)
    texts = held & (items.sorts[near.clip(min=0)] == 0) if len(items.sorts) else held
    parts = (
        np.log(wide / 40) / 2,
        np.log(high / 20),
        np.tanh(np.log(wide / high)),
        points[:, 0] / items.size.width,
        points[:, 1] / items.size.height,
        np.minimum(texts.sum(1) / 4, 1),
        np.minimum(held.sum(1) / 8, 1),
        (near >= 0).mean(1),
    )
    return np.stack(parts, axis=1).astype(np.float32)


def _surroundings(region: Rect) -> Rect:
    side = max(SURROUNDINGS * max(region.width, region.height), LEAST_SURROUNDINGS) / 2
    side = min(side, 4 * LEAST_SURROUNDINGS)
    center = region.center
    return Rect(center.x - side, center.y - side, center.x + side, center.y + side)
