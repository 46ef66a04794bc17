"""A model process for tests: same server, with a grounder that looks only at the picture's own pixels.

The words steer it: a colour name ("red", "blue", ...) is searched for, "slow" computes for a while with numpy at full
load, "nothing" is never found, "crash" ends the process, "boom" is a bug, "noise" prints to stdout.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from reticle_grounding.ocr import TextBox

from reticle_app.remote import told_to_worker
from reticle_app.tuning import DEFAULT, Tuning
from reticle_app.worker import serve
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point, Rect, Size, Space, Transform
from reticle_grounding.types import Candidate, Grounding

COLOURS = {
    "red": (220, 40, 40),
    "green": (40, 170, 70),
    "blue": (40, 90, 220),
    "yellow": (240, 200, 40),
    "purple": (140, 60, 180),
}
PATCH = 28


class DemoGrounder:
    name = "demo-statistics"

    def __init__(self, keep_ratio: float | None = None) -> None:
        self._keep = keep_ratio

    def observe(self, image: Image.Image) -> DemoObservation:
        return DemoObservation(image, self._keep)


class DemoObservation:
    def __init__(self, image: Image.Image, keep_ratio: float | None = None) -> None:
        self.image, self._keep = image, keep_ratio
        self._size = Size(*image.size)
        self._model = Size(*(max(1, round(side / PATCH)) * PATCH for side in image.size))
        small = image.resize((self._model.width // PATCH, self._model.height // PATCH), Image.Resampling.BOX)
        self._grid = np.asarray(small, dtype=np.float32)

    def ground(self, instruction: str, top_k: int = 5) -> Grounding:
        began = time.perf_counter()
        self._obey(instruction)
        colour = next((rgb for name, rgb in COLOURS.items() if name in instruction), (128, 128, 128))
        distance = np.linalg.norm(self._grid - np.array(colour, dtype=np.float32), axis=2)
        heat = np.exp(-distance / 25.0).astype(np.float32)
        if self._keep is not None:
            order = np.argsort(-heat, axis=None, kind="stable")
            heat.flat[order[round(self._keep * heat.size) :]] = 0.0
        heat /= heat.sum()
        transform = Transform.for_image(self._size, self._model, PATCH)
        found = "nothing" not in instruction
        candidates = self._peaks(heat, transform, top_k, 0.93 if found else 0.11)
        return Grounding(
            instruction, self._size, candidates, found, 0.3, heat, transform,
            {"prefix": 412.0, "ground": (time.perf_counter() - began) * 1e3, "verify": 96.0}, "demo-statistics",
        )  # fmt: skip

    def texts(self) -> list[TextBox]:
        """The coloured squares, "read" by their colours."""
        from reticle_grounding.ocr import TextBox, Word

        pixels, found = np.asarray(self.image).astype(int), []
        for name, rgb in COLOURS.items():
            rows, columns = np.nonzero(np.abs(pixels - np.array(rgb)).max(axis=2) < 95)
            if len(rows):
                rect = Rect(*map(float, (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)))
                found.append(TextBox(name, rect, 1.0, (Word(name, rect),)))
        return found

    def _obey(self, instruction: str) -> None:
        if "crash" in instruction:
            os._exit(3)
        if "boom" in instruction:
            raise RuntimeError("a bug in the model")
        if "refuse" in instruction:
            raise BadInput("the instruction is refused for this test")
        if "noise" in instruction:
            print("noise on stdout", flush=True)
            os.write(1, b"raw noise\n")
        if "slow" in instruction:
            until = time.perf_counter() + 4.0
            a = np.random.default_rng(0).random((600, 600), dtype=np.float32)
            while time.perf_counter() < until:
                a = np.tanh(a @ a)

    def _peaks(self, heat: np.ndarray, transform: Transform, top_k: int, best: float) -> tuple[Candidate, ...]:
        left, out = heat.copy(), []
        for rank in range(1, top_k + 1):
            row, column = (int(i) for i in np.unravel_index(int(left.argmax()), left.shape))
            if left[row, column] <= 0:
                break
            region = transform.rect(
                Rect(column - 0.4, row - 0.4, column + 1.4, row + 1.4), Space.PATCH, Space.CAPTURE
            ).intersection(Rect.of_size(self._size))
            point = transform.point(Point(column + 0.5, row + 0.5), Space.PATCH, Space.CAPTURE)
            mass = float(heat[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2].sum())
            out.append(Candidate(rank, point, region, best * 0.62 ** (rank - 1), mass, mass / 9, "attention"))
            left[max(0, row - 2) : row + 3, max(0, column - 3) : column + 4] = 0
        return tuple(out)


def open_demo(model_dir: str, tuning: Tuning = DEFAULT) -> DemoGrounder:
    if tuning.reading == "off":
        raise BadInput("this model reads nothing")
    if told_to_worker(sys.argv[1:]).get("numbers") == "int8":
        raise BadInput("the type int8 cannot be had in this test")
    if os.path.basename(model_dir) == "missing":
        raise BadInput("there is no model in 'missing'; pass a folder with config.json")
    return DemoGrounder(tuning.keep_ratio)


if __name__ == "__main__":
    sys.exit(serve(open_demo))
