"""The published verifier's arithmetic, and our two verifiers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from parity_record import near, same
from PIL import Image
from safetensors.numpy import load_file

from reticle_grounding.geometry import Point, Rect, Size
from reticle_grounding.model.prompts import judge_prompt
from reticle_grounding.ocr import TextBox, Word
from reticle_grounding.verifier import (
    Place,
    TextVerifier,
    VlmVerifier,
    crop_box,
    judgement,
    marked_crop,
    marker_box,
    marker_scale,
    published_candidates,
    published_choice,
    training_marker,
)

Cases = dict[str, Any]


@pytest.fixture(scope="module")
def cases(golden: Path) -> Cases:
    if not (golden / "verifier" / "cases.json").is_file():
        pytest.skip(f"no verifier cases in {golden}")
    loaded: Cases = json.loads((golden / "verifier" / "cases.json").read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def arrays(golden: Path) -> dict[str, np.ndarray]:
    return load_file(golden / "verifier" / "cases.safetensors")


def test_marker_and_crop_parity(cases: Cases) -> None:
    for case in cases["annotation"]:
        point, size = Point(*case["point_px"]), Size(*case["image_size"])
        box, stroke = marker_box(point)
        at = f"verifier/annotation.{case['id']}"
        near(at, "marker box", box.as_tuple(), case["marker"][0]["box"], 1e-9)
        same(at, "marker width", stroke, case["marker"][0]["width"])
        near(at, "crop box", crop_box(point, size, case["half_crop"]).as_tuple(), case["crop_box_given"], 1e-9)
        crop = marked_crop(Image.new("RGB", (size.width, size.height)), point, case["half_crop"])
        same(at, "output_size", list(crop.size), case["output_size"])


def test_marker_size_parity(cases: Cases) -> None:
    for number, case in enumerate(cases["annotation_sizes"]):
        expected, at = case["marker"][0], f"verifier/annotation_sizes.{number}"
        left, top, right, bottom = expected["box"]
        # The point is not stored; a marker stands around it.
        box, stroke = marker_box(Point((left + right) / 2, (top + bottom) / 2), case["size"])
        near(at, "marker box", box.as_tuple(), expected["box"], 1e-9)
        same(at, "marker width", stroke, expected["width"])


def test_training_marker_parity(cases: Cases) -> None:
    for number, case in enumerate(cases["training_annotation"]):
        size, (x, y) = Size(*case["image_size"]), case["point_norm"]
        box, stroke = training_marker(Point(x * size.width, y * size.height), size)
        at = f"verifier/training_annotation.{number}"
        near(at, "marker box", box.as_tuple(), case["marker"][0]["box"], 1e-9)
        same(at, "marker width", stroke, case["marker"][0]["width"])


def test_marked_picture_parity(cases: Cases, golden: Path) -> None:
    drawn = [case for case in cases["annotation"] if "output" in case]
    assert drawn
    for case in drawn:
        given = Image.open(golden / "verifier" / case["input"]).convert("RGB")
        expected = np.asarray(Image.open(golden / "verifier" / case["output"]).convert("RGB")).astype(int)
        made = np.asarray(marked_crop(given, Point(*case["point_px"]), case["half_crop"])).astype(int)
        differs = (np.abs(made - expected).max(axis=2) > 0).mean()
        # Only marker pixels may differ between versions of the drawing library.
        near(f"verifier/annotation.{case['id']}", "share of pixels that differ", differs, 0.0, 0.005)


def test_score_parity(cases: Cases) -> None:
    for case in cases["score"]:
        ours = judgement(case["true_logit"], case["false_logit"])
        near(f"verifier/score.{case['name']}", "score", ours, case["score"], 1e-6)


def test_prompt_parity(cases: Cases) -> None:
    for case in cases["end_to_end"]:
        same(f"verifier/e2e.{case['id']}", "prompt", judge_prompt(case["instruction"]).text, case["prompt"])
    example = cases["prompt_example"]
    assert example["messages"][0]["content"][1]["text"] in judge_prompt(example["instruction"]).text


def test_candidate_order_parity(cases: Cases, arrays: dict[str, np.ndarray]) -> None:
    for case in cases["candidates"]:
        found = published_candidates(attention_of(case["name"], case, arrays))
        at = f"verifier/candidates.{case['name']}"
        near(at, "candidates", [(p.x, p.y) for p in found], case["candidates"], 1e-6)


class ScriptedScores:
    """Gives the recorded scores in turn and checks that the recorded points are asked for."""

    def __init__(self, case: Cases) -> None:
        self.calls = iter(case["calls"])
        self.width, self.height = case["image_size"]
        self.asked = 0

    def __call__(self, point: Point) -> float:
        call = next(self.calls)
        self.asked += 1
        assert (point.x * self.width, point.y * self.height) == pytest.approx(tuple(call["point_px"]), abs=1e-3)
        return float(call["score"])


def test_choice_parity(cases: Cases, arrays: dict[str, np.ndarray]) -> None:
    shapes = {case["name"]: case for case in cases["candidates"]}
    for case in cases["choice"]:
        score = ScriptedScores(case)
        found = published_candidates(attention_of(case["map"], shapes[case["map"]], arrays))
        chosen = published_choice(found, score, case["threshold"])
        near(f"verifier/choice.{case['name']}", "chosen_point", (chosen.x, chosen.y), case["chosen_point"], 1e-6)
        assert score.asked == len(case["calls"]), "it stops as early as the published search"


def attention_of(name: str, case: Cases, arrays: dict[str, np.ndarray]) -> np.ndarray:
    values = arrays[f"candidates.{name}.attn"]
    return values.reshape(case["n_height"], case["n_width"]).astype(np.float32)


def test_the_model_is_asked_within_its_budget_about_a_marked_crop() -> None:
    seen: list[Image.Image] = []

    def ask(crop: Image.Image, instruction: str) -> float:
        seen.append(crop)
        return 0.9

    picture = Image.new("RGB", (1600, 1200), "white")
    places = [Place(Point(800.0, 600.0), Rect(790, 590, 810, 610))] * 4
    assert VlmVerifier(picture, ask, budget=3).judge("x", places) == [0.9, 0.9, 0.9, 0.5]
    assert [crop.size for crop in seen] == [(1000, 1000)] * 3
    assert seen[0].getpixel((507, 500)) == (255, 0, 0)
    assert picture.getcolors() == [(1600 * 1200, (255, 255, 255))], "the screenshot itself stays as it is"


def test_the_marker_grows_with_the_screen_only_on_request() -> None:
    assert marker_scale(Size(1920, 1080)) == 1.0
    assert marker_scale(Size(3840, 2160)) == 2.0
    assert marker_scale(Size(800, 600)) == 1.0


def test_text_evidence_scores_what_is_read_inside() -> None:
    rect = Rect(10, 10, 60, 30)
    box = TextBox("Save As...", rect, 1.0, (Word("Save", Rect(10, 10, 30, 30)), Word("As...", Rect(32, 10, 60, 30))))
    inside, outside = Place(rect.center, rect), Place(Point(200, 200), Rect(190, 190, 210, 210))
    scores = TextVerifier([box]).judge("click Save As", [inside, outside])
    assert scores == [1.0, 0.0]
