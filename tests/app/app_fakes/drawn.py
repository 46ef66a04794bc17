"""What tests of drawn screens have in common."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from PIL import Image

from reticle_grounding.training.harvested import harvested_scenes


def draw(toolkit: str, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """``reticle data TOOLKIT`` without a display."""
    known = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")}
    command = [sys.executable, "-c", "from reticle_app.cli.main import main; main()", "data", toolkit, *args]
    return subprocess.run(command, capture_output=True, text=True, env={**known, **environment}, check=False)


def rows(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "screens.jsonl").read_text("utf-8").splitlines()]


def assert_complete(out: Path, statistics: dict[str, object], count: int) -> None:
    """So many rows, pictures of their sizes, and boxes that lie in them."""
    found = rows(out)
    assert statistics["screens"] == len(found) == count
    for row in found:
        with Image.open(out / str(row["image"])) as picture:
            assert picture.size == (row["width"], row["height"])
        for element in row["elements"]:
            left, top, right, bottom = element["bbox"]
            assert 0 <= left < right <= row["width"]
            assert 0 <= top < bottom <= row["height"]
    assert statistics["elements"] == sum(len(row["elements"]) for row in found)


def assert_trainable(out: Path, count: int, more_than: int) -> None:
    """Training reads so many screens with more than so many elements."""
    harvest = harvested_scenes(out)
    scenes = [file.open() for file in harvest.training + harvest.validation]
    assert len(scenes) == count
    assert sum(len(scene.elements) for scene in scenes) > more_than
