"""`--wordings`, `--wording` and `--second-look` on `reticle ground` and `reticle eval`, with the embedded model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from reticle_app.cli.main import run_command


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    image = Image.new("RGB", (480, 320), "#ececec")
    font = ImageFont.truetype("DejaVuSans.ttf", 16)
    for i, word in enumerate(("Save", "Cancel", "Print")):
        ImageDraw.Draw(image).text((20, 20 + 90 * i), word, "#202020", font)
    path = tmp_path / "screen.png"
    image.save(path)
    return path


def test_ground_tells_what_it_heard(capfd: pytest.CaptureFixture[str], picture: Path) -> None:
    asked = ["ground", str(picture), "keep the paper", "--wordings", "2", "--second-look", "--json"]
    assert run_command(asked) == 0
    shown = json.loads(capfd.readouterr().out)
    kinds = [o["kind"] for o in shown["opinions"]]
    assert kinds[:2] == ["wording", "wording"]
    assert {"wordings", "second look"} <= set(shown["timings_ms"])
    for opinion in shown["opinions"]:
        left, top, right, bottom = opinion["part"]
        assert 0 <= left < right <= 480
        assert 0 <= top < bottom <= 320
        assert opinion["point"] is None or (left <= opinion["point"][0] < right and top <= opinion["point"][1] < bottom)


def test_wordings_of_the_caller_are_heard_and_printed(capfd: pytest.CaptureFixture[str], picture: Path) -> None:
    assert run_command(["ground", str(picture), "Save", "--wording", "store the file", "--wording", "save"]) == 0
    out = capfd.readouterr().out
    assert out.count("wording ") == 1
    assert 'wording "store the file": ' in out


@pytest.mark.parametrize("count", ["-1", "9", "many"])
def test_impossible_numbers_of_wordings_end_with_code_2(
    capfd: pytest.CaptureFixture[str], picture: Path, count: str
) -> None:
    assert run_command(["ground", str(picture), "Save", "--wordings", count]) == 2
    assert "--wordings" in capfd.readouterr().err


def test_eval_measures_with_both_and_says_so(capfd: pytest.CaptureFixture[str], picture: Path, tmp_path: Path) -> None:
    rows = [("Save", [10, 10, 120, 50]), ("the Print button", [10, 190, 120, 230])]
    lines = [json.dumps({"image": str(picture), "instruction": said, "bbox": box}) for said, box in rows]
    listed = tmp_path / "listed.jsonl"
    listed.write_text("\n".join(lines) + "\n")
    assert run_command(["eval", str(listed), "--wordings", "1", "--second-look", "--json"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["wordings"], result["second_look"]) == (1, True)
    assert 0.0 <= result["looked_again"] <= 1.0
    assert {"wordings", "second look"} <= set(result["ms_by_phase"])
    assert result["accuracy"] == 1.0
