"""``gif``: the run as one animated picture."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from .drawing import scenes
from .record import Run

MAX_WIDTH = 960
"""Pixels; a wider screen is scaled down."""


def write_gif(run: Run, out: Path) -> int:
    """Writes the animation; returns how many pictures it has. Raises BadInput when no step has a picture."""
    film = list(scenes(run, MAX_WIDTH))
    # A palette of each picture's own, without dithering: flat areas stay flat and the file small.
    pictures = [scene.image.quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE) for scene in film]
    pictures[0].save(
        out,
        "GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=[round(scene.seconds * 1000) for scene in film],
        loop=0,
        optimize=False,
        disposal=1,
    )
    return len(film)
