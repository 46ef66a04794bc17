"""`reticle bench`: the document it promises, the table for people, and clear refusals."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from PIL import Image

from reticle_app.cli.main import run_command
from reticle_kernels.benchmark import needles

RESULT = {"pattern", "length", "density", "dense_ms", "sparse_ms", "speedup", "max_rel_error"}


def test_prefill_prints_and_saves_one_document(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    saved, drawn = tmp_path / "a.json", tmp_path / "a.png"
    words = ["bench", "prefill", "--lengths", "200,130", "--rounds", "1", "--seed", "5", "--end-to-end", "--json"]
    assert run_command([*words, "--save", str(saved), "--plot", str(drawn)]) == 0
    document = json.loads(capfd.readouterr().out)
    assert set(document) == {"device", "versions", "seeds", "results"}
    assert document["seeds"] == {"inputs": 5}
    assert all(set(line) == RESULT for line in document["results"])
    assert {line["length"] for line in document["results"]} == {130, 200}
    assert any("end to end" in line["pattern"] for line in document["results"])
    assert json.loads(saved.read_text()) == document
    with Image.open(drawn) as picture:
        assert picture.width > 500


def test_prefill_prints_a_table_for_people(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["bench", "prefill", "--lengths", "130", "--rounds", "1"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert "torch" in lines[0]
    assert lines[1].split() == ["pattern", "tokens", "density", "dense", "ms", "sparse", "ms", "faster", "error"]
    assert any(line.startswith("A-shape 128 + 1024") and "130" in line for line in lines[2:])


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["prefill", "--lengths", "many"], "'many'"),
        (["prefill", "--lengths", "0"], "length is 0"),
        (["prefill", "--plot", "a.jpg"], "a.jpg"),
        (["prefill", "--save", "/no/such/folder/a.json"], "/no/such/folder"),
        (["prefill", "--device", "tpu"], "tpu"),
        (["needles", "--frames", "1"], "at least 2"),
        (["needles", "--frames", "x"], "'x'"),
    ],
)
def test_bad_options_end_in_one_line(words: list[str], reason: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["bench", *words]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.strip().splitlines()) == 1
    assert reason in err


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_cuda_is_refused_where_there_is_none(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["bench", "prefill", "--device", "cuda", "--json"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "cannot measure on cuda" in err


def test_needles_prints_a_document_and_a_table(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hit = {"pattern": "dense", "length": 2144, "seed": 0, "density": 1.0}
    results = [{**hit, "depth": 0.0, "found": [True] * 4}, {**hit, "depth": 1.0, "found": [True, True, True, False]}]
    document = {"device": "d", "versions": {}, "seeds": {}, "kinds": list(needles.KINDS), "results": results}
    monkeypatch.setattr(needles, "measure_needles", lambda frames, seeds, notice: document)
    assert run_command(["bench", "needles", "--frames", "2", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == document
    assert run_command(["bench", "needles", "--frames", "2"]) == 0
    head, line = capfd.readouterr().out.splitlines()
    assert "image to same patch" in head
    assert line.split() == ["dense", "2144", "100.0%", "100%", "100%", "100%", "50%", "100%", "75%"]
