"""The papers' rules for picture sizes: which holds where, and that pictures are rescaled by them."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from reticle_grounding.calibration import Calibration
from reticle_grounding.errors import BadInput
from reticle_grounding.evaluate import evaluate_set
from reticle_grounding.evaluation.benchmark_rows import FORMATS
from reticle_grounding.evaluation.presets import PRESETS, Applied, Preset, Rule, preset_named, rescaled
from reticle_grounding.evaluation.sets import listed
from reticle_grounding.evaluation.targets import Target
from reticle_grounding.geometry import Rect, Size
from reticle_grounding.images import picture_size
from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.ocr import RgbArray, TextBox, proportional_words
from reticle_grounding.predictor import Grounder
from reticle_grounding.sources import EvenAttention

WEIGHTS = Calibration({"text": 4.0, "text_exact": 3.0}, -4.0, 0.5)


class Reader:
    """Reads "Open" at a place that keeps its share of the picture, and remembers the sizes it saw."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, int]] = []

    def read(self, image: RgbArray, region: Rect | None = None) -> list[TextBox]:
        height, width = image.shape[:2]
        self.seen.append((width, height))
        rect = Rect(0.80 * width, 0.80 * height, 0.90 * width, 0.84 * height)
        return [TextBox("Open", rect, 1.0, proportional_words("Open", rect))]


@pytest.mark.parametrize(
    ("preset", "benchmark", "rule"),
    [
        ("gui-actor", "screenspot-pro", Rule(5_720_064, 5_760_000)),
        ("gui-actor", "screenspot-v2", Rule(5_720_064)),
        ("gui-actor", None, Rule(5_720_064)),
        ("gui-aima", "screenspot-pro", Rule(14_777_616, 5_760_000)),
        ("gui-aima", "osworld-g", Rule(5_720_064, 4_161_600, refined=True)),
        ("gui-aima", "screenspot-v2", Rule(5_760_000)),
        ("gui-aima", "ui-vision", Rule(5_760_000, 5_860_400)),
        ("focusui-7b", "ui-vision", Rule(5_017_600)),
        ("focusui-7b", "osworld-g", Rule(5_017_600, refined=True)),
        ("focusui-2b", "screenspot-v2", Rule(6_144_000)),
    ],
)
def test_rules_as_published(preset: str, benchmark: str | None, rule: Rule) -> None:
    assert preset_named(preset).rule(benchmark) == rule


def test_what_a_source_does_not_state_is_not_made_up() -> None:
    for benchmark, said in (("venusbench-gd", "venusbench-gd"), (None, "sets of your own")):
        with pytest.raises(BadInput, match=f"gui-aima states no rule for {said}, only for screenspot-v2"):
            preset_named("gui-aima").rule(benchmark)
    with pytest.raises(BadInput, match="no preset qwen; there are gui-actor, gui-aima, focusui-7b, focusui-2b"):
        preset_named("qwen")
    for preset in PRESETS.values():
        assert set(preset.rules) <= set(FORMATS)
        assert "arXiv" in preset.source
    assert [p.name for p in PRESETS.values() if p.refined] == ["gui-aima", "focusui-7b", "focusui-2b"]


@pytest.mark.parametrize(
    ("size", "plain", "grid"),
    [((960, 540), (34, 19), (114, 64)), ((1920, 1080), (69, 39), (114, 64)), ((3840, 2160), (113, 64), (114, 64))],
)
def test_the_grids_of_gui_actor(size: tuple[int, int], plain: tuple[int, int], grid: tuple[int, int]) -> None:
    """Columns and rows of merged patches with and without rescaling, as its own pipeline gives them."""
    rule = preset_named("gui-actor").rule("screenspot-pro")
    assert rule.rescale_to is not None
    processor = ImageProcessor(max_pixels=14_000_000).capped(rule.max_pixels)
    image = Image.new("1", size)
    for pixels, expected in ((None, plain), (rule.rescale_to, grid)):
        seen = image if pixels is None else rescaled(image, pixels)
        target = processor.target_size(Size(*seen.size))
        assert (target.width // processor.cell, target.height // processor.cell) == expected


def test_rescaling_keeps_the_aspect_and_enlarges_too() -> None:
    assert rescaled(Image.new("1", (1920, 1080)), 5_760_000).size == (3200, 1800)
    assert rescaled(Image.new("1", (6400, 3600)), 5_760_000).size == (3200, 1800)
    same = Image.new("1", (3200, 1800))
    assert rescaled(same, 5_760_000) is same
    assert rescaled(Image.new("1", (9000, 1)), 100).size == (948, 1)


@pytest.mark.parametrize("pixels", [None, 30_000, 480_000])
def test_points_are_mapped_back_to_the_picture(tmp_path: Path, pixels: int | None) -> None:
    """A target in the picture's own pixels is hit however large the picture was seen."""
    Image.new("1", (400, 300), 1).save(tmp_path / "a.png")
    targets = [
        Target(tmp_path / "a.png", "Open", Rect(320, 240, 360, 252), "text"),
        Target(tmp_path / "a.png", "Open", Rect(100, 100, 200, 200), "elsewhere"),
    ]
    reader = Reader()
    applied = Applied(Preset("ours", "a test"), Rule(1_000_000, pixels))
    grounder = Grounder(EvenAttention("fake"), reader, WEIGHTS)
    result = evaluate_set(listed("set", targets), grounder, baselines=True, applied=applied)
    assert {kind: own["accuracy"] for kind, own in result["by_kind"].items()} == {"text": 1.0, "elsewhere": 0.0}
    assert result["by_kind"]["text"]["text_only"] == 1.0
    assert result["baselines"] is not None
    assert result["baselines"]["largest_match"]["by_kind"]["text"]["accuracy"] == 1.0
    assert set(reader.seen) == {{None: (400, 300), 30_000: (200, 150), 480_000: (800, 600)}[pixels]}
    assert result["sized"] == {
        "preset": "ours",
        "source": "a test",
        "asked_max_pixels": 1_000_000,
        "max_pixels": None,
        "rescaled_to": pixels,
    }


def test_without_a_preset_nothing_is_rescaled(tmp_path: Path) -> None:
    Image.new("1", (400, 300), 1).save(tmp_path / "a.png")
    reader = Reader()
    target = Target(tmp_path / "a.png", "Open", Rect(320, 240, 360, 252), "text")
    result = evaluate_set(listed("set", [target]), Grounder(EvenAttention("fake"), reader, WEIGHTS))
    assert set(reader.seen) == {(400, 300)}
    assert result["sized"]["preset"] is None
    assert result["published"] is None


def test_sizes_of_pictures_come_from_their_headers(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png")
    assert picture_size(tmp_path / "a.png") == Size(40, 30)
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "b.jpg", exif=turned)
    assert picture_size(tmp_path / "b.jpg") == Size(30, 40), "as it is loaded, upright"
    (tmp_path / "c.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    for name in ("c.png", "none.png"):
        with pytest.raises(BadInput, match=rf"{name} is no readable picture"):
            picture_size(tmp_path / name)
