"""Pictures of a report as data URIs, each held once, and attention maps painted as a layer."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from .content import read_map
from .reader import TraceReader

_STOPS = np.array([(37, 17, 84), (122, 28, 109), (212, 72, 66), (245, 139, 26), (252, 231, 110)], dtype=np.float32)
_CELLS = 6
"""Pixels per patch in the painted layer; the browser scales it to the frame."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame of the report."""

    id: str
    uri: str
    width: int
    height: int


class Album:
    """Frames used by a report, in order of first use."""

    def __init__(self, trace: TraceReader) -> None:
        self._trace = trace
        self._pictures: dict[str, Picture | None] = {}

    def picture(self, name: str) -> Picture | None:
        """The frame at a path inside the trace; None when it is missing or damaged."""
        if name and name not in self._pictures:
            self._pictures[name] = self._load(name)
        return self._pictures.get(name)

    def all(self) -> list[Picture]:
        return [picture for picture in self._pictures.values() if picture]

    def heat(self, name: str) -> str | None:
        """The map at a path inside the trace as a picture with transparency; None when it is missing or damaged."""
        data = self._trace.read(name) if name else None
        if data is None:
            return None
        try:
            return data_uri(_paint(read_map(data)), "png")
        except ValueError:
            return None

    def _load(self, name: str) -> Picture | None:
        data = self._trace.read(name)
        if data is None:
            return None
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.load()
                size = image.size
        except (OSError, UnidentifiedImageError):
            return None
        path = PurePosixPath(name)
        return Picture(f"frame-{path.stem}", data_uri(data, path.suffix.removeprefix(".")), *size)


def data_uri(data: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def _paint(grid: npt.NDArray[np.float32]) -> bytes:
    """Dark to bright with rising attention, see-through where there is none."""
    peak = float(grid.max())
    share = np.clip(grid / peak if peak > 0 else np.zeros_like(grid), 0, 1)
    n_h, n_w = share.shape
    smooth = Image.fromarray(share).resize((n_w * _CELLS, n_h * _CELLS), Image.Resampling.BILINEAR)
    level = np.sqrt(np.asarray(smooth, dtype=np.float32))
    place = np.linspace(0, 1, len(_STOPS))
    channels = [np.interp(level, place, _STOPS[:, channel]) for channel in range(3)]
    alpha = np.clip(level * 1.6, 0, 1) * 200
    pixels = np.stack([*channels, alpha], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "PNG", compress_level=9)
    return buffer.getvalue()
