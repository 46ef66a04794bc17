"""`reticle data tk`: real Tk widgets, their true boxes, the same screens for the same seed, and clear errors."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
from app_fakes.drawn import assert_complete, assert_trainable, draw, rows
from PIL import Image

pytest.importorskip("tkinter", reason="this Python has no Tk: apt install python3-tk")

FIELDS = {"text", "spin button", "combo box", "password text"}


def run(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return draw("tk", *args, **environment)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    out = tmp_path_factory.mktemp("tk") / "screens"
    done = run(str(out), "--seed", "1000", "-n", "6", "--json", "--sheet", str(out.parent / "sheet.png"))
    assert done.returncode == 0, done.stderr
    return out, json.loads(done.stdout)


def test_rows_are_complete_and_boxes_lie_in_the_picture(written) -> None:
    out, statistics = written
    assert_complete(out, statistics, 6)
    assert statistics["elements"] > 120
    assert {row["toolkit"] for row in rows(out)} == {"tk-generated"}


def test_a_field_is_framed_where_its_box_says(written) -> None:
    """A line shows within four pixels of the middle of each of the four sides."""
    out, _ = written
    seen = 0
    for row in rows(out):
        with Image.open(out / str(row["image"])) as opened:
            pixels = np.asarray(opened.convert("RGB")).astype(int)
        for element in row["elements"]:
            if element["role"] not in FIELDS:
                continue
            left, top, right, bottom = element["bbox"]
            middle, level = (left + right) // 2, (top + bottom) // 2
            for line in (pixels[top - 1 : top + 4, middle], pixels[bottom - 4 : bottom + 1, middle]):
                assert np.abs(np.diff(line, axis=0)).max() > 6, (row["image"], element)
            for line in (pixels[level, max(0, left - 1) : left + 4], pixels[level, right - 4 : right + 1]):
                assert np.abs(np.diff(line, axis=0)).max() > 6, (row["image"], element)
            seen += 1
    assert seen >= 15


def test_labels_name_the_fields_beside_them(written) -> None:
    named = [e for row in rows(written[0]) for e in row["elements"] if e["role"] in FIELDS and e.get("label")]
    labels = {e["name"].rstrip(":") for row in rows(written[0]) for e in row["elements"] if e["role"] == "label"}
    assert len(named) >= 15
    assert sum(e["label"] in labels for e in named) >= 0.9 * len(named)


def test_screens_do_not_depend_on_what_was_drawn_before(written, tmp_path: Path) -> None:
    assert run(str(tmp_path), "--seed", "1004", "-n", "1").returncode == 0
    assert {**rows(tmp_path)[0], "image": ""} == {**rows(written[0])[4], "image": ""}
    assert (tmp_path / "images/00000.webp").read_bytes() == (written[0] / "images/00004.webp").read_bytes()


def test_training_reads_the_screens(written) -> None:
    assert_trainable(written[0], 6, 120)


def test_a_sheet_is_drawn(written) -> None:
    with Image.open(written[0].parent / "sheet.png") as sheet:
        assert sheet.width > 1000


def test_errors_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(str(tmp_path / "file" / "below"), "-n", "1")
    assert done.returncode == 2
    assert "cannot write screens" in done.stderr
    (tmp_path / "tkinter.py").write_text("raise ImportError('hidden')")
    done = run(str(tmp_path / "out"), "-n", "1", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "apt install python3-tk" in done.stderr
    assert "Traceback" not in done.stderr
