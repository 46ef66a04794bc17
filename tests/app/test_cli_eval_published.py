"""`reticle eval` on published benchmark files: recognised, told in the table, under a preset; the embedded model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from reticle_app.cli.main import run_command
from reticle_grounding.evaluation import presets

WORDS = ("Save", "Cancel", "Print")
SIZE = (360, 160)


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", SIZE, "#ececec")
    font = ImageFont.truetype("DejaVuSans.ttf", 16)
    for i, word in enumerate(WORDS):
        ImageDraw.Draw(image).text((20, 20 + 40 * i), word, "#202020", font)
    image.save(path)


@pytest.fixture
def screenspot(tmp_path: Path) -> Path:
    root = tmp_path / "ScreenSpot-v2"
    picture(root / "screenspotv2_image" / "pc_1.png")
    rows = [
        {
            "img_filename": "pc_1.png" if word != "Print" else "pc_2.png",
            "bbox": [10, 10 + 40 * i, 110, 40],
            "instruction": word,
            "data_type": "text",
            "data_source": "windows",
        }
        for i, word in enumerate(WORDS)
    ]
    (root / "screenspot_desktop_v2.json").write_text(json.dumps(rows))
    return root


@pytest.fixture
def osworld(tmp_path: Path) -> Path:
    root = tmp_path / "OSWorld-G"
    picture(root / "images" / "a.png")
    common = {"image_path": "a.png", "image_size": list(SIZE), "GUI_types": ["Label"]}
    for name, verb in (("OSWorld-G", ""), ("OSWorld-G_refined", "click ")):
        rows = [
            {"id": "a-0", "instruction": f"{verb}Save", "box_type": "bbox", "box_coordinates": [10, 10, 110, 40]},
            {"id": "a-1", "instruction": "zebra crossing", "box_type": "refusal", "box_coordinates": [-1] * 4},
        ]
        (root / f"{name}.json").write_text(json.dumps([{**common, **row} for row in rows]))
    return root


def test_a_benchmark_is_told_in_the_table(capfd: pytest.CaptureFixture[str], screenspot: Path) -> None:
    assert run_command(["eval", str(screenspot), "--preset", "gui-actor", "--applications"]) == 0
    out = capfd.readouterr().out
    rows = [line.split() for line in out.splitlines() if "  2   100.0%" in line]
    assert [row[: row.index("2")] for row in rows] == [
        ["ScreenSpot-v2", "all"],
        ["app", "windows"],
        ["desktop"],
        ["desktop", "text"],
        ["text"],
    ]
    said = " ".join(out.split())
    assert "benchmark ScreenSpot-v2: 3 items in screenspot_desktop_v2.json; skipped: 1 picture missing" in said
    assert "boxes [left, top, width, height] in pixels, as published" in said
    assert "preset gui-actor: at most 5,720,064 model pixels (the model takes 2,109,744); GUI-Actor (arXiv" in said
    assert "of all 2 items 100.0% right when it always clicks" in said


def test_one_preset_for_several_benchmarks(
    capfd: pytest.CaptureFixture[str], screenspot: Path, osworld: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each set has its own limit, so the model is opened anew; the names are those of the files' formats."""
    rules = {"screenspot-v2": presets.Rule(50_000), "osworld-g": presets.Rule(100_000, 200_000, refined=True)}
    monkeypatch.setitem(presets.PRESETS, "small", presets.Preset("small", "a test", rules))
    assert run_command(["eval", str(screenspot), str(osworld), "--preset", "small", "--json"]) == 0
    sets = json.loads(capfd.readouterr().out)["sets"]
    assert list(sets) == ["ScreenSpot-v2", "OSWorld-G"]
    plain, enlarged = (sets[name]["sized"] for name in sets)
    assert (plain["rescaled_to"], plain["max_pixels"]) == (None, 50_000)
    assert (enlarged["rescaled_to"], enlarged["max_pixels"]) == (200_000, 100_000)
    assert sets["OSWorld-G"]["accuracy"] == 1.0, "points come back in the pixels of the picture"
    published = sets["OSWorld-G"]["published"]
    assert published["files"] == ["OSWorld-G_refined.json"]
    assert (published["items"], published["always_clicking"], published["refusing"]) == (2, 0.5, 1.0)
    assert sets["OSWorld-G"]["absent_rejection"] == 1.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("{screenspot}", "--preset", "none"), "no preset none"),
        (("{targets}", "--preset", "gui-aima"), "states no rule for sets of your own"),
        (("{screenspot}", "--format", "v3"), "no benchmark format v3"),
        (("{screenspot}", "--format", "osworld-g"), "row 1: box_type must be a text"),
        (("{screenspot}", "--boxes", "corners"), "no box convention corners"),
        (("{screenspot}", "--images", "{tmp}/none"), "there is no folder"),
        (("{screenspot}", "--images", "{osworld}"), "3 times picture missing"),
        (("{tmp}/none",), "none"),
        (("{tmp}/other.json",), "of no benchmark known here"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    capfd: pytest.CaptureFixture[str],
    screenspot: Path,
    osworld: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    picture(tmp_path / "images" / "a.png")
    (tmp_path / "targets.jsonl").write_text('{"image": "a.png", "instruction": "Save", "bbox": [10, 10, 120, 50]}\n')
    (tmp_path / "other.json").write_text('[{"name": "x"}]')
    places = {"tmp": tmp_path, "screenspot": screenspot, "osworld": osworld, "targets": tmp_path / "targets.jsonl"}
    assert run_command(["eval", *(a.format(**places) for a in arguments)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1
