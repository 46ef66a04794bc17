"""Main window, overlay, inspector and traces window look as they did.

Compared is the structure: both pictures are averaged over cells of 8 x 8 pixels of the window. A cell is at odds when
its colour lies outside of what the cells around it in the other picture span, by more than ``TOLERANCE``; so letters
may be drawn differently and stand a few pixels aside. More than ``CELLS`` such cells in a picture, of 16 000, fail.

After a wanted change: ``python tests/app/make_golden.py tests/app/golden``, look at the pictures, and commit them.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).resolve().parent
GOLDEN = HERE / "golden"
NAMES = ("main", "overlay", "inspector", "traces")
CELL, TOLERANCE, CELLS = 4, 10.0, 7
"""Cells in pixels of the kept pictures, which have half the size of the windows; levels of 255; number of cells."""


def cells(path: Path) -> np.ndarray:
    """[rows, columns, 3] mean colours of the cells."""
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float64)
    rows, columns = pixels.shape[0] // CELL, pixels.shape[1] // CELL
    cut = pixels[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL, 3)
    return cut.mean(axis=(1, 3))


def outside(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """[rows, columns] whether a cell of ``one`` lies outside of what the 3 x 3 cells there span in ``other``."""
    padded = np.pad(other, ((1, 1), (1, 1), (0, 0)), mode="edge")
    around = np.stack([padded[y : y + one.shape[0], x : x + one.shape[1]] for y in range(3) for x in range(3)])
    low, high = around.min(axis=0) - TOLERANCE, around.max(axis=0) + TOLERANCE
    return ((one < low) | (one > high)).any(axis=2)


def at_odds(new: Path, golden: Path) -> np.ndarray:
    """[n, 2] cells at odds, row and column."""
    one, other = cells(new), cells(golden)
    assert one.shape == other.shape, f"{new.name} has another size than {golden}"
    return np.argwhere(outside(one, other) | outside(other, one))


def make(out: Path, *options: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    command = [sys.executable, str(HERE / "make_golden.py"), str(out), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("golden")
    make(out, "--spoiled")
    return out


@pytest.mark.parametrize("name", NAMES)
def test_it_looks_as_before(made: Path, name: str) -> None:
    found = at_odds(made / f"{name}.png", GOLDEN / f"{name}.png")
    places = ", ".join(f"{column * CELL * 2},{row * CELL * 2}" for row, column in found[:12])
    assert len(found) <= CELLS, f"{len(found)} cells differ, in window pixels at {places}; see {made}"


def test_what_went_wrong_is_seen(made: Path) -> None:
    spoiled = sorted((made / "spoiled").glob("*.png"))
    assert len(spoiled) == 6
    seen = {path.stem: len(at_odds(path, GOLDEN / f"{path.stem.partition(',')[0]}.png")) for path in spoiled}
    print(seen)
    assert min(seen.values()) >= 2 * CELLS, seen


@pytest.mark.slow
def test_letters_may_be_drawn_differently(tmp_path: Path) -> None:
    make(tmp_path, "--hinting", "vertical")
    seen = {name: len(at_odds(tmp_path / f"{name}.png", GOLDEN / f"{name}.png")) for name in NAMES}
    assert (tmp_path / "main.png").read_bytes() != (GOLDEN / "main.png").read_bytes()
    assert max(seen.values()) <= CELLS, seen


def test_the_kept_pictures_are_small() -> None:
    assert sum(path.stat().st_size for path in GOLDEN.iterdir()) < 200_000
