"""Labels beside boxes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from reticle_grounding.geometry import Point, Rect
from reticle_grounding.placing import leader, place_labels, worth_drawing
from reticle_grounding.types import Candidate

SCREEN = Rect(0, 0, 800, 600)


def candidates(*p_true: float) -> list[Candidate]:
    return [Candidate(i, Point(5, 5), Rect(0, 0, 10, 10), p, 0.1, 0.1, "text") for i, p in enumerate(p_true, 1)]


def crowd(seed: int) -> list[Rect]:
    """Nine boxes that lie close together, as the rows of a menu or the buttons of a bar do."""
    random = np.random.default_rng(seed)
    left, top, wide, high = random.integers(20, 500), random.integers(20, 400), random.integers(20, 160), 22
    gap = float(random.integers(0, 12))
    if seed % 2:
        return [Rect(left, top + i * (high + gap), left + wide, top + i * (high + gap) + high) for i in range(6)]
    return [Rect(left + i * (40 + gap), top, left + i * (40 + gap) + 36, top + high) for i in range(6)]


@pytest.mark.parametrize("seed", range(24))
def test_labels_cover_neither_boxes_nor_each_other(seed: int) -> None:
    boxes = crowd(seed)
    labels = place_labels(boxes, [(58, 20)] * len(boxes), SCREEN, 3)
    for i, label in enumerate(labels):
        assert SCREEN.intersection(label) == label, "inside the surface"
        assert not [b for b in boxes if b.intersection(label)], (seed, i)
        assert not [other for other in labels[:i] if other.intersection(label)], (seed, i)


@pytest.mark.parametrize(
    "box", [Rect(0, 0, 40, 20), Rect(770, 0, 800, 20), Rect(0, 580, 60, 600), Rect(790, 300, 800, 310)]
)
def test_a_box_at_the_edge_keeps_its_label_on_the_surface(box: Rect) -> None:
    (label,) = place_labels([box], [(58, 20)], SCREEN, 3)
    assert SCREEN.intersection(label) == label
    assert label.intersection(box) is None


def test_a_box_without_any_room_beside_it_still_gets_a_label() -> None:
    small = Rect(300, 300, 340, 320)
    labels = place_labels([small, SCREEN], [(58, 20), (58, 20)], SCREEN, 3)
    assert labels[1].intersection(labels[0]) is None
    assert labels[1].intersection(small) is None, "rather on the large box than on the small one"


def test_of_free_places_one_is_taken_that_hides_nothing_drawn() -> None:
    box, text = Rect(300, 300, 400, 320), Rect(280, 270, 420, 299)

    def ink(places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        drawn = [Rect(*place).intersection(text) for place in places.tolist()]
        return np.array([0.3 if found else 0.0 for found in drawn])

    (plain,) = place_labels([box], [(58, 20)], SCREEN, 3)
    (clear,) = place_labels([box], [(58, 20)], SCREEN, 3, ink=ink)
    assert plain.intersection(text) is not None
    assert clear.intersection(text) is None
    assert clear.intersection(box) is None
    everywhere = place_labels([box], [(58, 20)], SCREEN, 3, ink=lambda places: np.full(len(places), 0.3))
    assert everywhere == [plain], "where nothing is free of ink the preferred place stays"


def test_what_is_taken_stays_free() -> None:
    taken = Rect(90, 60, 400, 98)
    (label,) = place_labels([Rect(100, 100, 140, 120)], [(58, 20)], SCREEN, 3, [taken])
    assert label.intersection(taken) is None


def test_a_pushed_label_is_tied_to_its_box() -> None:
    box = Rect(100, 100, 140, 120)
    assert leader(box, Rect(100, 77, 158, 97), 6) is None
    line = leader(box, Rect(100, 20, 158, 40), 6)
    assert line is not None
    assert (line[0].y, line[1].y) == (100, 40)


@pytest.mark.parametrize(
    ("p_true", "chosen", "shown"),
    [
        ((0.94, 0.04, 0.01), None, [0]),
        ((0.94, 0.06, 0.01), None, [1, 0]),
        ((0.94, 0.04, 0.01), 2, [0, 2]),
        ((0.04, 0.03, 0.005), None, [1, 0]),
        ((), None, []),
    ],
)
def test_faint_candidates_are_left_out_unless_chosen(
    p_true: tuple[float, ...], chosen: int | None, shown: list[int]
) -> None:
    assert worth_drawing(candidates(*p_true), chosen) == shown


def test_on_demand_everything_is_drawn_and_the_chosen_one_last() -> None:
    assert worth_drawing(candidates(0.9, 0.02, 0.01), 1, everything=True) == [2, 0, 1]
