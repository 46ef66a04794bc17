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
_LEVELS = 64
"""Shades of the layer: as many as the eye tells apart over a picture, and a small file."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One frame (sides in capture pixels) or one map (sides in patches) of the report."""

    id: str
    uri: str
    width: int
    height: int


class Album:
    """Frames and maps used by a report, each once, in order of first use."""

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

    def heat(self, name: str) -> Picture | None:
        """The map at a path inside the trace as a see-through layer; None when it is missing or damaged."""
        if name and name not in self._pictures:
            self._pictures[name] = self._load_map(name)
        return self._pictures.get(name)

    def _load_map(self, name: str) -> Picture | None:
        data = self._trace.read(name)
        if data is None:
            return None
        try:
            grid = read_map(data)
        except ValueError:
            return None
        n_h, n_w = grid.shape
        return Picture(f"map-{PurePosixPath(name).stem}", data_uri(_paint(grid), "png"), n_w, n_h)

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
    image = Image.fromarray(np.rint(level * (_LEVELS - 1)).astype(np.uint8), mode="L").convert("P")
    steps = np.linspace(0, 1, _LEVELS)
    channels = [np.interp(steps, np.linspace(0, 1, len(_STOPS)), _STOPS[:, channel]) for channel in range(3)]
    image.putpalette(np.stack(channels, axis=-1).astype(np.uint8).tobytes())
    alpha = np.clip(steps * 1.6, 0, 1) * 200
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=9, transparency=alpha.astype(np.uint8).tobytes())
    return buffer.getvalue()
