"""Fitting on screens with known answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from PIL import Image, ImageDraw

from reticle_grounding import fitting
from reticle_grounding.calibration import Calibration, load_calibration
from reticle_grounding.calibration_fit import Sample
from reticle_grounding.features import FEATURES
from reticle_grounding.fitting import KeptReader, fit_on_captured
from reticle_grounding.geometry import Rect
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.options import GroundingConfig
from reticle_grounding.predictor import Grounder
from reticle_grounding.sources import EvenAttention
from reticle_grounding.training import fitting_targets
from reticle_grounding.training.concepts import concepts
from reticle_grounding.training.fitting_targets import fitting_screens, further_screens, screens_of
from reticle_grounding.training.instructions import Target

NAMES = ("Archive", "Publish", "Rename", "Translate")


class CountingReader:
    """Reads the same lines everywhere and counts how often it is asked."""

    def __init__(self, lines: Sequence[TextBox]) -> None:
        self.lines, self.asked = lines, 0

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        self.asked += 1
        return list(self.lines)


def captured(folder: Path, apps: int = 12, role: str = "push button") -> Path:
    """Screens of some applications, each with a few buttons, or other things with words on them."""
    (folder / "images").mkdir(parents=True)
    with (folder / "screens.jsonl").open("w", encoding="utf-8") as rows:
        for i in range(apps):
            image = Image.new("RGB", (400, 200), (250, 250, 250 - i))
            elements = []
            for j, name in enumerate(NAMES):
                box = [20, 20 + 40 * j, 120, 50 + 40 * j]
                ImageDraw.Draw(image).text((30, 28 + 40 * j), name, fill=(0, 0, 0))
                elements.append({"role": role, "name": name, "bbox": box, "text_visible": True})
            image.save(folder / "images" / f"{i}.png")
            rows.write(json.dumps({"image": f"images/{i}.png", "app": f"app{i:02d}", "elements": elements}) + "\n")
    return folder


def lines() -> list[TextBox]:
    """The names, and right of each another line that says nearly the same."""
    made = []
    for j, name in enumerate(NAMES):
        for text, left in ((name, 30), (f"{name} again", 230)):
            rect = Rect(left, 25 + 40 * j, left + 70, 43 + 40 * j)
            made.append(TextBox(text, rect, 0.99, proportional_words(text, rect)))
    return made


def test_a_picture_is_read_once(tmp_path: Path) -> None:
    reader = CountingReader(lines())
    image = np.zeros((20, 30, 3), np.uint8)
    first = KeptReader(reader, tmp_path).read(image)
    again = KeptReader(reader, tmp_path).read(image)
    assert first == again == lines()
    assert reader.asked == 1
    KeptReader(reader, tmp_path).read(image + 1)
    KeptReader(reader, tmp_path).read(image, Rect(0, 0, 5, 5))
    assert reader.asked == 3


def test_only_applications_kept_from_the_matcher_are_asked_about(tmp_path: Path) -> None:
    screens = fitting_screens(captured(tmp_path / "set"))
    assert {s.app for s in screens} == {"app02", "app10"}
    for screen in screens:
        again = [t.instruction for t in screen.targets(Random(1), list(NAMES), 3)]
        assert again == [t.instruction for t in screen.targets(Random(1), list(NAMES), 3)]
        assert all(name not in {e.label for e in screen.elements} or name in NAMES for name in again)


def test_known_concepts_are_asked_for_in_wordings_kept_from_training(tmp_path: Path) -> None:
    screen = fitting_screens(captured(tmp_path / "set"))[0]
    kept = {words for concept in concepts() for words in concept.unheard}
    heard = {words for concept in concepts() for words in concept.phrases}
    asked = [t for seed in range(40) for t in screen.targets(Random(seed), [], 0) if t.indirect]
    assert asked
    assert all(any(words in t.instruction.lower() or words in t.instruction for words in kept) for t in asked)
    assert not any(t.instruction in heard for t in asked)


def opened(_: Path | None = None) -> Grounder:
    """One that reads the names and sees nothing, instead of a model."""
    config = GroundingConfig(attention=False)
    return Grounder(EvenAttention("fake"), CountingReader(lines()), Calibration({}, 0.0, 0.5), config)


def test_a_fit_writes_its_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Grounder, "open", opened)
    out = tmp_path / "c.json"
    result = fit_on_captured([captured(tmp_path / "set")], out=out)
    fitted = load_calibration(out)
    assert set(fitted.weights) == set(FEATURES)
    assert fitted.p_true({"text": 1.0, "text_exact": 1.0, "text_whole": 1.0}) > fitted.p_true({})
    assert str(fitted.meta["command"]).startswith("python -m reticle_grounding.fitting --captured ")
    assert result["written"] == str(out)


def test_a_text_that_labels_a_field_is_not_asked_for(tmp_path: Path) -> None:
    rows = [
        {"role": "label", "name": "Look in:", "bbox": [10, 10, 80, 30], "text_visible": True},
        {"role": "label", "name": "Result", "bbox": [10, 50, 80, 70], "text_visible": True},
        {"role": "combo box", "name": "", "label": "Look in:", "bbox": [90, 10, 300, 30], "text_visible": False},
    ]
    screen = screens_of(tmp_path, [{"image": "images/1.png", "app": "app", "elements": rows}])[0]  # type: ignore[typeddict-item, list-item]
    assert sorted((e.kind, e.label) for e in screen.elements) == [("field", "Look in:"), ("text", "Result")]


def test_further_screens_teach_the_law_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = captured(tmp_path / "set")
    others = further_screens(folder, 1)
    assert {s.app for s in others}.isdisjoint({s.app for s in fitting_screens(folder)})
    assert len(others) == len({s.app for s in others}) > 2
    assert [s.image for s in others] == [s.image for s in further_screens(folder, 1)]

    monkeypatch.setattr(Grounder, "open", opened)
    without, beside = (fit_on_captured([folder], further=n, out=tmp_path / f"{n}.json") for n in (0, 1))
    assert without["instructions"] == beside["instructions"], "figures are those of the applications kept for the fit"
    assert int(beside["further"] or 0) > 0
    assert str(beside["command"]).endswith("--further 1")
    assert load_calibration(tmp_path / "0.json").weights != load_calibration(tmp_path / "1.json").weights
    drawn = fit_on_captured([folder], drawn=[captured(tmp_path / "tk")], out=tmp_path / "drawn.json")
    assert drawn["instructions"] == without["instructions"]
    assert int(drawn["further"] or 0) > int(beside["further"] or 0), "all of its screens, of every application"
    assert str(drawn["command"]).endswith("--drawn tk")


def fitted_to(monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """What laws are fitted to from now on."""
    seen: list[Sample] = []

    def fit(samples: Sequence[Sample], *_: object) -> Calibration:
        seen.extend(samples)
        return Calibration({}, 0.0, 0.5)

    monkeypatch.setattr(fitting, "fit", fit)
    return seen


@pytest.mark.parametrize(("role", "weight"), [("push button", 1.0), ("label", fitting.STILL_WEIGHT)])
def test_labels_count_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, weight: float) -> None:
    monkeypatch.setattr(Grounder, "open", opened)
    seen = fitted_to(monkeypatch)
    fit_on_captured([captured(tmp_path / "set", role=role)], out=tmp_path / "law.json")
    assert seen
    assert {s["weight"] for s in seen} == {weight}


def test_wishes_that_were_written_count_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Grounder, "open", opened)
    folder = captured(tmp_path / "set")
    screens = fitting_screens(folder)
    element = screens[0].elements[0]
    told = [
        Target(words, element.box, element.kind, element.label, wish) for words, wish in (("a", False), ("b", True))
    ]
    changed = [replace(screens[0], spoken=told), *screens[1:]]
    monkeypatch.setattr(fitting_targets, "fitting_screens", lambda _: changed)
    seen = fitted_to(monkeypatch)
    fit_on_captured([folder], out=tmp_path / "law.json")
    assert [s["weight"] for s in seen[:3]] == [1.0, fitting.WISH_WEIGHT, 1.0]
    assert sum(s["weight"] == fitting.WISH_WEIGHT for s in seen) == 1


def test_what_stands_outside_an_open_menu_counts_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights in the fit of a law from three answers: in the open menu, outside it, and on a screen without any."""
    seen = fitted_to(monkeypatch)

    def collected(*_: object) -> list[Sample]:
        told = ({"in_menu": 1.0}, {"off_menu": 1.0}, {})
        return [Sample(rows=[row, {"off_menu": 1.0}], right=[True, False], absent=False) for row in told]

    monkeypatch.setattr(fitting, "collect", collected)
    fitting.fit_calibration(tmp_path / "targets.jsonl", out=tmp_path / "law.json")
    assert [s["weight"] for s in seen] == [1.0, fitting.BESIDE_MENU_WEIGHT, 1.0]
