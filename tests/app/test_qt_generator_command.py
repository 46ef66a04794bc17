"""`reticle data qt`: the same seed gives the same rows, training reads them, and errors say what to do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from app_fakes.drawn import assert_complete, assert_trainable, draw, rows
from PIL import Image

pytest.importorskip("qtawesome", reason="needs the extra `train`: pip install 'reticle[train]'")


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return draw("qt", *args, **environment)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("qt") / "screens"
    done = run(str(out), "--seed", "7", "-n", "3", "--json", "--sheet", str(out.parent / "sheet.png"))
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_screens_do_not_depend_on_what_was_drawn_before(written, tmp_path: Path) -> None:
    out, _ = written
    assert run(str(tmp_path), "--seed", "8", "-n", "2").returncode == 0
    assert [{**r, "image": ""} for r in rows(tmp_path)] == [{**r, "image": ""} for r in rows(out)[1:]]
    same = (out / "images/00001.webp").read_bytes() == (tmp_path / "images/00000.webp").read_bytes()
    assert same


def test_rows_are_complete_and_boxes_lie_in_the_picture(written) -> None:
    out, statistics = written
    assert_complete(out, statistics, 3)
    assert all(str(row["app"]).startswith("qtgen-") for row in rows(out))
    assert {row["toolkit"] for row in rows(out)} == {"qt-generated"}


def test_training_reads_the_screens(written) -> None:
    assert_trainable(written[0], 3, 40)


def test_a_sheet_is_drawn(written) -> None:
    with Image.open(written[0].parent / "sheet.png") as sheet:
        assert sheet.width > 1000


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(str(tmp_path / "file" / "below"), "-n", "1")
    assert done.returncode == 2
    assert "cannot write screens" in done.stderr
    assert "Traceback" not in done.stderr
    assert run(str(tmp_path / "x"), "--scale", "0.5").returncode == 2


def test_missing_icon_fonts_are_named(tmp_path: Path) -> None:
    (tmp_path / "qtawesome.py").write_text("raise ImportError('hidden')")
    done = run(str(tmp_path / "out"), "-n", "1", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "pip install 'reticle[train]'" in done.stderr
