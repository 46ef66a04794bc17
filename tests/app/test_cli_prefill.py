"""`--prefill` and `reticle prefill search`: what they choose, write and refuse; with the embedded model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from reticle_app.cli.main import run_command
from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.model.pointer_model import PointerModel


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    image = Image.new("RGB", (360, 160), "#ececec")
    font = ImageFont.truetype("DejaVuSans.ttf", 16)
    for i, word in enumerate(("Save", "Cancel", "Print")):
        ImageDraw.Draw(image).text((20, 20 + 40 * i), word, "#202020", font)
    path = tmp_path / "screen.png"
    image.save(path)
    return path


def test_short_prompts_are_answered_alike_in_every_mode(capfd: pytest.CaptureFixture[str], picture: Path) -> None:
    points = {}
    for mode in ("dense", "sparse"):
        assert run_command(["ground", str(picture), "Cancel", "--prefill", mode, "--json"]) == 0
        out, err = capfd.readouterr()
        assert "stays dense" not in err, "the shipped patterns are those of the shipped model"
        points[mode] = json.loads(out)["candidates"][0]["point"]
    assert points["dense"] == points["sparse"]


def test_the_shipped_patterns_fit_the_shipped_model() -> None:
    model = PointerModel.open(embedded_model_dir())
    session = model.use_prefill("sparse")
    assert session.patterns is not None, "run `reticle prefill search` after every training of the language model"
    assert session.patterns.search["mean_error_assigned"] < 1


def test_a_search_writes_a_file_that_the_model_takes(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "found.json"
    small = ["--frames", "2,3", "--size", "320x240", "--keys", "160"]
    assert run_command(["prefill", "search", "--out", str(out), *small]) == 0
    shown = capfd.readouterr().out
    assert "output error with the best of each head" in shown
    assert f"written: {out}" in shown
    written = json.loads(out.read_text())
    assert written["model"] == "reticle-embedded"
    assert [len(layer) for layer in written["layers"]] == [4, 4]
    assert written["search"]["screenshots"] == [2, 3]
    assert sum(written["search"]["heads_per_candidate"].values()) == 8


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("ground", "{picture}", "Save", "--prefill", "fast"), "--prefill fast: it must be dense, auto or sparse"),
        (("eval", "--generated", "1", "--prefill", "x"), "--prefill x: it must be"),
        (("prefill", "search", "--frames", "two"), "--frames two: whole numbers"),
        (("prefill", "search", "--frames", "1"), "--frames must be numbers from 2 to 200"),
        (("prefill", "search", "--size", "800"), "WIDTHxHEIGHT"),
        (("prefill", "search", "--out", "{tmp}/none/a.json"), "there is no folder"),
        (("prefill", "search", "{tmp}/none"), "none"),
    ],
)
def test_bad_input_is_one_line_and_code_2(
    capfd: pytest.CaptureFixture[str], picture: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    assert run_command([a.format(picture=picture, tmp=tmp_path) for a in arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1
