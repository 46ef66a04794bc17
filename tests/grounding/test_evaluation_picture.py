"""The picture of risk and reliability."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from reticle_grounding.errors import BadInput
from reticle_grounding.evaluation import counting
from reticle_grounding.evaluation.picture import HEIGHT, WIDTH, check_ending, draw_curves
from reticle_grounding.evaluation.results import Evaluation
from reticle_grounding.evaluation.risk import Answer


def result(answers: list[Answer]) -> Evaluation:
    """The parts that answers decide; the rest is of no matter to the picture."""
    return {
        "n": len(answers),
        "absent": sum(not a.present for a in answers),
        "accuracy": None,
        "accuracy_found": None,
        "hit_at_3": None,
        "by_kind": {},
        "attention_only_accuracy": None,
        "text_only_accuracy": None,
        "found_rate": None,
        "absent_rejection": None,
        "at_shipped_threshold": counting.rejection(answers, 0.5),
        "at_threshold_keeping_95": counting.rejection_keeping(answers),
        "near_absent": None,
        "risk": counting.risk(answers),
        "calibration": counting.calibration(answers),
        "baselines": None,
        "published": None,
        "sized": {
            "preset": None,
            "source": None,
            "asked_max_pixels": None,
            "max_pixels": None,
            "rescaled_to": None,
        },
        "vlm_verifier": False,
        "wordings": 0,
        "second_look": False,
        "looked_again": 0.0,
        "screens": 1,
        "ms_p50": 1.0,
        "ms_p90": 1.0,
        "ms_screen_p50": 1.0,
        "ms_by_phase": {},
        "reading": "screen",
        "model": "fake",
    }


GOOD = [Answer(0.5 + i / 1000, i > 20) for i in range(400)]
SETS = {"one": result(GOOD), "two <&>": result([Answer(i / 50, i % 3 == 0) for i in range(50)])}


def test_png_shows_every_set_in_its_ink(tmp_path: Path) -> None:
    with Image.open(draw_curves(SETS, tmp_path / "curve.png")) as opened:
        assert opened.size == (WIDTH, HEIGHT)
        pixels = np.asarray(opened.convert("RGB")).astype(int)
    for ink in ((0x1F, 0x77, 0xB4), (0xD9, 0x5F, 0x02)):
        assert (np.abs(pixels - ink).sum(axis=2) < 20).sum() > 200


def test_svg_is_well_formed_and_stays_inside_its_frame(tmp_path: Path) -> None:
    root = ElementTree.parse(draw_curves(SETS, tmp_path / "curve.SVG")).getroot()
    spots = [
        tuple(map(float, pair.split(",")))
        for line in root.iter("{http://www.w3.org/2000/svg}polyline")
        for pair in line.attrib["points"].split()
    ]
    assert len(spots) > 100
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in spots)
    words = [e.text or "" for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert any(w.startswith("one: 400 targets, 0 absent") and "surely 95% right: from p_true" in w for w in words)
    assert any(w.startswith("two <&>") and "never" in w for w in words)


@pytest.mark.parametrize("answers", [[], [Answer(None, False, present=False)], [Answer(0.3, True)]])
def test_degenerate_sets_are_drawn(tmp_path: Path, answers: list[Answer]) -> None:
    assert draw_curves({"little": result(answers)}, tmp_path / "curve.png").stat().st_size > 1000


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"\.png or \.svg"):
        check_ending(tmp_path / "curve.jpg")
    with pytest.raises(BadInput, match="no folder"):
        draw_curves(SETS, tmp_path / "none" / "curve.png")
    (tmp_path / "taken.png").mkdir()
    with pytest.raises(BadInput, match="cannot write"):
        draw_curves(SETS, tmp_path / "taken.png")
