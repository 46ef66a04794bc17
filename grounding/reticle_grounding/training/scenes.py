"""Stored screens for training: pictures with labels, from the generator or from a folder of captured screens."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image

from reticle_grounding.errors import BadInput

from .canvas import Element, LabelMap
from .screens import generate_collage, generate_screen

Pixels = npt.NDArray[np.uint8]
UNKNOWN = 255
"""Label of a pixel whose character, icon or role is not known; no loss is taken there."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A screen in memory."""

    pixels: Pixels
    """[H, W, 3]."""
    labels: LabelMap
    """[H, W, 3]: character, icon and role class, or ``UNKNOWN``."""
    elements: list[Element]
    complete: bool
    """True when everything that can be asked for is listed."""


@dataclass(frozen=True, slots=True)
class SceneFile:
    """A screen on disk: opened when needed."""

    name: str
    open: Callable[[], Scene]


def write_scenes(
    out_dir: Path, seed: int, n: int, *, collage: bool = False, progress: Callable[[int, int], None] | None = None
) -> Path:
    """Stores the generated screens of seeds ``seed`` .. ``seed + n - 1``; finished ones are kept as they are.

    Args:
        collage: dense tiles of text and icons instead of screens.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        stem = out_dir / f"{seed + i:08d}"
        if not stem.with_suffix(".json").is_file():
            screen = generate_collage(seed + i) if collage else generate_screen(seed + i)
            screen.image.save(stem.with_suffix(".png"), compress_level=1)
            Image.fromarray(screen.labels).save(f"{stem}.labels.png", compress_level=1)
            rows = [asdict(element) for element in screen.elements]
            stem.with_suffix(".json").write_text(json.dumps(rows), encoding="utf-8")
        if progress:
            progress(i + 1, n)
    return out_dir


def stored_scenes(directory: Path) -> list[SceneFile]:
    """What :func:`write_scenes` stored, in order. Raises BadInput when there is nothing."""
    found = [SceneFile(path.stem, _opener(path)) for path in sorted(directory.glob("*.json"))]
    if not found:
        raise BadInput(f"{directory} holds no generated screens; write some with 'scenes'")
    return found


def _opener(path: Path) -> Callable[[], Scene]:
    return lambda: _open(path)


def _open(path: Path) -> Scene:
    pixels = np.asarray(Image.open(path.with_suffix(".png")).convert("RGB"))
    labels = np.asarray(Image.open(f"{path.with_suffix('')}.labels.png"))
    rows = json.loads(path.read_text(encoding="utf-8"))
    elements = [Element(**{**row, "box": tuple(row["box"]), "says": tuple(row["says"])}) for row in rows]
    return Scene(pixels, labels, elements, complete=True)


def endless(files: list[SceneFile], rng: Random) -> Iterator[SceneFile]:
    """The files in random order, again and again."""
    while True:
        yield from rng.sample(files, len(files))
