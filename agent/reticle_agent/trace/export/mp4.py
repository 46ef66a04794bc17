"""``mp4``: the run as a video without sound, written by OpenCV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from reticle_grounding.errors import ReticleError

from .drawing import scenes
from .record import Run

MAX_WIDTH = 1920
FPS = 5.0
CODECS = ("vp09", "mp4v")
"""Tried in this order: VP9 plays in browsers, MPEG-4 Part 2 in most players. H.264 is not in OpenCV's builds."""


def write_mp4(run: Run, out: Path) -> int:
    """Writes the video; returns how many pictures of the run it shows.

    Raises BadInput when no step has a picture, ReticleError when OpenCV can write no video here.
    """
    writer: Any = None
    count = 0
    try:
        for scene in scenes(run, MAX_WIDTH):
            writer = writer or _opened(out, scene.image.size)
            picture = np.ascontiguousarray(np.asarray(scene.image)[:, :, ::-1])
            for _ in range(max(1, round(scene.seconds * FPS))):
                writer.write(picture)
            count += 1
    finally:
        if writer is not None:
            writer.release()
    if not out.is_file() or not out.stat().st_size:
        raise ReticleError(f"OpenCV wrote no video to {out}; export a gif instead")
    return count


def _opened(out: Path, size: tuple[int, int]) -> Any:
    import cv2  # only here: starting it takes a while

    for codec in CODECS:
        writer = cv2.VideoWriter(str(out), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), FPS, size)
        if writer.isOpened():
            return writer
        writer.release()
    raise ReticleError(f"OpenCV can write no mp4 here (tried {', '.join(CODECS)}); export a gif instead")
