"""The UI graph against a plain double loop over patches: same weights, processor time of both.

    python benchmarks/ui_graph.py [SCREENSHOT ...]

Without pictures, generated screens of 1280x800 pixels are taken.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_grounding.model.processor import ImageProcessor
from reticle_grounding.model.ui_graph import FRAMES, SAME, components, graph_weights

CELL = 28
Weights = npt.NDArray[np.float32]


def loop_weights(pixels: npt.NDArray[np.uint8], cell: int = CELL) -> Weights:
    """One patch at a time: distances to the right and lower neighbour, union-find, weights by size."""
    rows, columns = pixels.shape[0] // cell, pixels.shape[1] // cell
    frames = np.tile(pixels / 255.0, (FRAMES, 1, 1, 1))
    patches = frames.reshape(FRAMES, rows, cell, columns, cell, 3).transpose(1, 3, 0, 5, 2, 4)
    parent = list(range(rows * columns))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for row in range(rows):
        for column in range(columns):
            here = patches[row, column]
            if column + 1 < columns and np.linalg.norm(here - patches[row, column + 1]) < SAME:
                parent[root(row * columns + column + 1)] = root(row * columns + column)
            if row + 1 < rows and np.linalg.norm(here - patches[row + 1, column]) < SAME:
                parent[root((row + 1) * columns + column)] = root(row * columns + column)
    sizes: dict[int, int] = {}
    for node in range(rows * columns):
        sizes[root(node)] = sizes.get(root(node), 0) + 1
    flat = [1 / max(1.0, math.log(sizes[root(node)] + 1)) for node in range(rows * columns)]
    return np.array(flat, np.float32).reshape(rows, columns)


def our_weights(pixels: npt.NDArray[np.uint8], cell: int = CELL) -> Weights:
    return graph_weights(components(pixels, cell))


def least_ms(work: Callable[[npt.NDArray[np.uint8]], object], pixels: npt.NDArray[np.uint8], times: int) -> float:
    """Processor milliseconds of the fastest of some runs; other programs do not count."""
    best = math.inf
    for _ in range(times):
        start = time.process_time()
        work(pixels)
        best = min(best, time.process_time() - start)
    return best * 1000


def screens(paths: list[Path]) -> dict[str, Image.Image]:
    if paths:
        return {path.name: Image.open(path).convert("RGB") for path in paths}
    from reticle_grounding.training.screens import generate_screen

    return {f"generated {seed}": generate_screen(seed, size=(1280, 800)).image for seed in (1, 2, 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", nargs="*", type=Path)
    for name, image in screens(parser.parse_args().pictures).items():
        pixels = ImageProcessor(max_pixels=5_720_064)(image).picture
        loop, ours = least_ms(loop_weights, pixels, 3), least_ms(our_weights, pixels, 15)
        differ = float(np.abs(loop_weights(pixels) - our_weights(pixels)).max())
        size = f"{pixels.shape[1]}x{pixels.shape[0]}"
        print(f"{name} {size}: loop {loop:.1f} ms, ours {ours:.1f} ms, {loop / ours:.1f}x, difference {differ:.1e}")


if __name__ == "__main__":
    main()
