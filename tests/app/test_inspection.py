"""Figures and files of an answer."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_canvas import SIZE, five

from reticle_app.inspection import export, map_facts, patch_at, regions_at
from reticle_app.protocol import decode_elements, encode_elements
from reticle_app.tuning import DEFAULT, READINGS, Tuning
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect
from reticle_grounding.types import ScreenElement

HOT = Point(15.5 * 640 / 23, 6.5 * 420 / 15)
ELEMENTS = (ScreenElement(Rect(1, 2, 30, 40), "icon"), ScreenElement(Rect(5, 6, 70, 20), "text", "Save"))


def test_a_patch_is_told_where_the_transform_puts_it() -> None:
    grounding = five()
    facts = patch_at(grounding, HOT, regions_at(grounding, 0.3), DEFAULT)
    assert facts is not None
    assert (facts.row, facts.column, facts.attention, facts.of_peak, facts.place) == (6, 15, 1.0, 1.0, 1)
    assert facts.region == 1
    assert facts.area.contains(HOT)
    cold = patch_at(grounding, Point(3, 3), [], Tuning(0.25))
    assert cold is not None
    assert (cold.attention, cold.region, cold.kept) == (0.0, None, False)
    assert patch_at(grounding, Point(3, 3), [], DEFAULT).kept  # type: ignore[union-attr]
    assert patch_at(grounding, Point(-1, 3), [], DEFAULT) is None


def test_regions_follow_the_threshold() -> None:
    grounding = five()
    heat = np.zeros_like(grounding.attention)
    heat[2, 2:9] = [1.0, 0.5, 0.0, 0.2, 0.0, 0.6, 0.6]
    made = type(grounding)(**{**{n: getattr(grounding, n) for n in grounding.__slots__}, "attention": heat})
    assert [len(regions_at(made, share)) for share in (0.1, 0.3, 0.55, 0.9)] == [3, 2, 2, 1]
    flat = type(grounding)(
        **{**{n: getattr(grounding, n) for n in grounding.__slots__}, "attention": np.full_like(heat, 0.1)}
    )
    assert regions_at(flat, 0.3) == []
    with pytest.raises(BadInput, match="threshold"):
        regions_at(made, 1.5)


def test_entropy_tells_a_sharp_map_from_an_even_one() -> None:
    facts = map_facts(five())
    assert facts.entropy_bits == 0.0
    assert facts.even_bits == pytest.approx(np.log2(23 * 15))


def test_files_hold_what_was_shown(tmp_path: Path) -> None:
    grounding, image = five(), Image.new("RGB", (SIZE.width, SIZE.height), "white")
    for end in (".png", ".npz", ".json"):
        assert export(tmp_path / f"out{end}", image, grounding, ELEMENTS).stat().st_size > 100
    with Image.open(tmp_path / "out.png") as drawn:
        assert drawn.size == image.size
        assert drawn.convert("RGB").tobytes() != image.tobytes()
    with np.load(tmp_path / "out.npz", allow_pickle=False) as held:
        assert np.array_equal(held["attention"], grounding.attention)
        assert held["regions"][1].tolist() == list(grounding.candidates[1].region.as_tuple())
        assert held["p_true"][0] == grounding.candidates[0].p_true
    told = json.loads((tmp_path / "out.json").read_text())
    assert [c["p_true"] for c in told["candidates"]] == [c.p_true for c in grounding.candidates]
    assert told["elements"][1]["text"] == "Save"


def test_places_that_cannot_be_written_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"out\.txt.*\.png"):
        export(tmp_path / "out.txt", Image.new("RGB", (640, 420)), five())
    with pytest.raises(Exception, match="cannot write"):
        export(tmp_path / "absent" / "out.json", Image.new("RGB", (640, 420)), five())


def test_elements_and_options_cross_the_channel() -> None:
    assert decode_elements(json.loads(json.dumps(encode_elements(ELEMENTS)))) == ELEMENTS
    for tuning in (DEFAULT, Tuning(0.25, "off"), *(Tuning(None, kind) for kind in READINGS)):
        assert Tuning.from_header(json.loads(json.dumps(tuning.header()))) == tuning
    with pytest.raises(BadInput, match="'loud'"):
        Tuning.from_header({"reading": "loud"})
    with pytest.raises(BadInput, match="'half'"):
        Tuning.from_header({"keep_ratio": "half"})
