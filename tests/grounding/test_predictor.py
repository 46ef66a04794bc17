"""The grounder over a fake model and a fake reader: order of work, limits, modes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from reticle_grounding.calibration import Calibration, probability
from reticle_grounding.errors import BadInput, Cancelled, CheckpointError, ReticleError
from reticle_grounding.evidence import Draft, Scene
from reticle_grounding.geometry import Point, Rect, Size, Transform
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.predictor import Grounder, GroundingConfig, check_instruction
from reticle_grounding.proposals import NOTHING
from reticle_grounding.regions import RegionRank
from reticle_grounding.sources import Look
from reticle_grounding.types import FloatMap
from reticle_grounding.weighing import ROW_TRUST, Weighed
from reticle_grounding.words import parse

SIZE = (560, 280)
WEIGHTS = Calibration({"text": 4.0, "text_exact": 2.0, "attention_peak": 3.0}, -4.0, 0.5)


def line(text: str, left: float, top: float) -> TextBox:
    rect = Rect(left, top, left + 8.0 * len(text), top + 18)
    return TextBox(text, rect, 0.99, proportional_words(text, rect))


@dataclass
class FakeReader:
    """Knows its texts; reads only those inside the region it is given."""

    texts: list[TextBox]
    calls: list[Rect | None] = field(default_factory=list)

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        self.calls.append(region)
        return [t for t in self.texts if region is None or region.contains(t.rect.center)]


@dataclass
class FakeLook:
    transform: Transform
    attention: FloatMap
    timings_ms: Mapping[str, float]
    region_rank: RegionRank = "mean"

    def attend(self, instruction: str) -> FloatMap:
        return self.attention


@dataclass
class FakeSource:
    """Attends to one merged patch (row, column) with nearly all of its weight."""

    at: tuple[int, int] = (7, 16)
    mass: float = 0.9
    judged: list[Image.Image] = field(default_factory=list)
    verdict: Callable[[int], float] = lambda i: 0.5
    looks: int = 0

    @property
    def name(self) -> str:
        return "fake"

    def look(self, image: Image.Image) -> Look:
        self.looks += 1
        attention = np.full((10, 20), (1 - self.mass) / 199, dtype=np.float32)
        attention[self.at] = self.mass
        transform = Transform.for_image(Size(*image.size), Size(560, 280), 28)
        return FakeLook(transform, attention, {"process": 1.0, "vision": 2.0, "prefill": 3.0, "suffix": 9.0})

    def judge(self, crop: Image.Image, instruction: str) -> float:
        self.judged.append(crop)
        return self.verdict(len(self.judged) - 1)


def grounder(config: GroundingConfig | None = None, source: FakeSource | None = None) -> tuple[Grounder, FakeReader]:
    reader = FakeReader([line("File Edit Search", 10, 4), line("Open", 60, 100), line("Open", 300, 200)])
    return Grounder(source or FakeSource(), reader, WEIGHTS, config), reader


def picture() -> Image.Image:
    return Image.new("RGB", SIZE, (240, 240, 240))


def test_text_and_attention_answer_together() -> None:
    opened, _ = grounder()
    answer = opened.observe(picture()).ground("open the Search menu")
    assert answer.found
    assert answer.best is not None
    assert (answer.best.origin, answer.best.text) == ("text", "Search")
    assert answer.best.line == "File Edit Search", "rules about words see the whole line"
    assert [c.rank for c in answer.candidates] == list(range(1, len(answer.candidates) + 1))
    assert {"text", "attention"} <= {c.origin for c in answer.candidates}
    assert all(c.region.contains(c.point) for c in answer.candidates)
    ranked = [c.p_true for c in answer.candidates]
    assert ranked == sorted(ranked, reverse=True)
    assert answer.attention.sum() == pytest.approx(1.0, abs=1e-5)
    assert (answer.model, answer.image_size) == ("fake", Size(*SIZE))


def test_attention_decides_between_equal_texts() -> None:
    for at, expected in (((7, 11), line("Open", 300, 200)), ((3, 2), line("Open", 60, 100))):
        opened, _ = grounder(source=FakeSource(at))
        best = opened.observe(picture()).ground("Open").best
        assert best is not None
        assert expected.rect.contains(best.point)


def test_what_is_not_there_is_not_found() -> None:
    opened, _ = grounder(source=FakeSource(mass=1 / 200))
    answer = opened.observe(picture()).ground("empty the trash")
    assert not answer.found
    assert answer.best is None


def test_the_screen_is_read_and_encoded_once() -> None:
    source = FakeSource()
    opened, reader = grounder(source=source)
    observation = opened.observe(picture())
    assert reader.calls == [], "nothing is read before the first instruction"
    first, second = observation.ground("Open"), observation.ground("Search")
    assert (reader.calls, source.looks) == ([None], 1)
    assert {"process", "vision", "prefill", "suffix", "ocr", "match", "total"} <= set(first.timings_ms)
    assert not {"process", "vision", "prefill", "ocr"} & set(second.timings_ms)
    assert first.timings_ms["total"] >= first.timings_ms["match"]


def test_crops_are_read_around_the_attended_regions_only() -> None:
    opened, reader = grounder(GroundingConfig(reading="crops"), FakeSource((3, 2)))
    best = opened.observe(picture()).ground("Open").best
    assert best is not None
    assert best.text == "Open"
    assert len(reader.calls) == 1
    assert reader.calls[0] is not None
    assert reader.calls[0].width < SIZE[0]


@pytest.mark.parametrize(("mass", "whole"), [(0.9, False), (0.1, True)])
def test_auto_reads_the_whole_screen_when_attention_is_unsure(mass: float, whole: bool) -> None:
    opened, reader = grounder(GroundingConfig(reading="auto"), FakeSource((3, 2), mass))
    opened.observe(picture()).ground("Open")
    assert (reader.calls == [None]) is whole


def test_reading_can_be_switched_off() -> None:
    opened, reader = grounder(GroundingConfig(reading="off"))
    answer = opened.observe(picture()).ground("Open")
    assert reader.calls == []
    assert all(c.origin != "text" for c in answer.candidates)


def test_without_attention_the_map_is_even_and_only_text_speaks() -> None:
    opened, _ = grounder(GroundingConfig(attention=False))
    answer = opened.observe(picture()).ground("Search")
    assert np.ptp(answer.attention) == 0.0
    assert {c.origin for c in answer.candidates} == {"text"}


def test_the_judge_can_turn_the_order_within_its_budget() -> None:
    source = FakeSource((3, 2), verdict=lambda i: 0.01 if i == 0 else 0.99)
    opened, _ = grounder(GroundingConfig(vlm_verifier=True, verifier_budget=2), source)
    answer = opened.observe(picture()).ground("Open")
    assert len(source.judged) == 2
    assert answer.best is not None
    assert answer.best.point.x >= 300.0
    assert "verify" in answer.timings_ms


@pytest.mark.parametrize(
    ("instruction", "message"), [("", "empty"), ("  \n", "empty"), ("x" * 10_000, "10000 characters; at most 2000")]
)
def test_impossible_instructions_are_refused(instruction: str, message: str) -> None:
    opened, reader = grounder()
    with pytest.raises(BadInput, match=message):
        opened.observe(picture()).ground(instruction)
    assert reader.calls == []


def test_two_thousand_characters_are_accepted() -> None:
    assert len(check_instruction("w " * 1000)) == 1999
    opened, _ = grounder()
    assert opened.observe(picture()).ground("w " * 999 + "op").candidates


@pytest.mark.parametrize("top_k", [0, -1, 51])
def test_impossible_counts_are_refused(top_k: int) -> None:
    opened, _ = grounder()
    with pytest.raises(BadInput, match="top_k"):
        opened.observe(picture()).ground("Open", top_k)


def test_top_k_limits_the_candidates() -> None:
    opened, _ = grounder()
    assert len(opened.observe(picture()).ground("Open", 1).candidates) == 1


def test_a_stop_is_heeded_between_phases() -> None:
    opened, reader = grounder()
    with pytest.raises(Cancelled):
        opened.observe(picture(), lambda: True)
    answers = iter([False, True])
    with pytest.raises(Cancelled):
        opened.observe(picture()).ground("Open", stop=lambda: next(answers))
    assert reader.calls == []


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (30, 2)])
def test_tiny_pictures_do_not_fail(size: tuple[int, int]) -> None:
    opened, _ = grounder()
    answer = opened.observe(Image.new("RGB", size)).ground("Open")
    assert answer.image_size == Size(*size)


def test_pictures_come_as_image_array_or_path(tmp_path: Path) -> None:
    opened, _ = grounder()
    path = tmp_path / "p.png"
    picture().save(path)
    for given in (picture(), np.asarray(picture()), path, str(path), picture().convert("RGBA")):
        assert opened.observe(given).size == Size(*SIZE)
    with pytest.raises(BadInput, match="uint8"):
        opened.observe(np.zeros((4, 4), dtype=np.uint8))
    with pytest.raises(BadInput, match="no file"):
        opened.observe(tmp_path / "absent.png")


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        Grounder.open(tmp_path / "nowhere")


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl"])
def test_a_model_folder_grounds_a_picture(family: str, tiny_folder: Callable[[str], Path]) -> None:
    screen = Image.new("RGB", (400, 200), "white")
    ImageDraw.Draw(screen).text((30, 130), "Save as", fill="black", font=ImageFont.load_default(18))
    opened = Grounder.open(tiny_folder(family), GroundingConfig(vlm_verifier=True, verifier_budget=2, ocr_threads=1))
    observation = opened.observe(screen)
    first, again = observation.ground("Save as"), observation.ground("Save as")
    assert opened.name == f"tiny-{family}"
    assert first.attention.shape == again.attention.shape
    assert first.attention == pytest.approx(again.attention, abs=1e-6)
    assert any(c.text and "Save" in c.text and c.region.top > 100 for c in first.candidates)
    assert all(c.region.contains(c.point) and 0 <= c.attention_mass <= 1.0001 for c in first.candidates)
    assert {"vision", "prefill", "suffix", "ocr", "verify"} <= set(first.timings_ms)


def test_only_attention_and_only_text_can_be_asked_for() -> None:
    opened, _ = grounder(source=FakeSource((7, 16)))
    explained = opened.observe(picture()).explain("Search")
    attention, text = explained.by_attention(), explained.by_text()
    assert attention is not None
    assert Rect(448, 196, 476, 224).contains(attention)
    assert text is not None
    assert text.y < 30


def test_importing_the_predictor_loads_no_model_library() -> None:
    loaded = "sorted({'torch', 'transformers', 'rapidocr'} & set(sys.modules))"
    code = f"import sys, reticle_grounding.predictor; print({loaded})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_errors_are_for_people() -> None:
    assert issubclass(CheckpointError, ReticleError)
    assert issubclass(Cancelled, ReticleError)


def test_an_answer_by_neighbour_is_never_quite_sure() -> None:
    """The law alone is too sure of such answers; their order stays."""
    law = Calibration({"text": 50.0}, 0.0, 0.5)
    size = Size(560, 280)
    where = Scene(
        parse("the button right of Save"),
        np.full((10, 20), 0.005, np.float32),
        Transform.for_image(size, size, 28),
        (),
        (),
        NOTHING,
    )
    drafts = [Draft(Rect(0, 0, 9, 9), Point(5, 5), "text", name) for name in ("a", "b")]
    rows = [{"text": 0.01}, {"text": 1.0}]
    named = replace(where, wanted=parse("Save"))
    for scene, most in ((where, ROW_TRUST), (named, 1.0)):
        ranked = Weighed(scene, drafts, rows).ranked(law)
        assert [d.text for _, d in ranked] == ["b", "a"]
        assert ranked[0][0] == pytest.approx(most)
        assert ranked[1][0] == pytest.approx(most * probability(0.5))
