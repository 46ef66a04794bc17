"""Frames of a trace as exports need them: whether they can be used, how large they are, copied once."""

from __future__ import annotations

import io
from pathlib import Path, PurePosixPath

from PIL import Image, UnidentifiedImageError

from reticle_agent.trace.content import png_bytes
from reticle_agent.trace.reader import TraceReader
from reticle_grounding.geometry import Size


class Frames:
    """Looks each frame over once; a missing or damaged one is None to all who ask."""

    def __init__(self, trace: TraceReader) -> None:
        self._trace = trace
        self._sizes: dict[str, Size | None] = {}

    def size(self, name: str) -> Size | None:
        """Capture pixels of a frame that can be decoded whole."""
        if name not in self._sizes:
            self._sizes[name] = self._measured(name)
        return self._sizes[name]

    def image(self, name: str) -> Image.Image:
        """The frame as RGB. Only for one that has a size."""
        with Image.open(io.BytesIO(self.data(name))) as stored:
            return stored.convert("RGB")

    def data(self, name: str) -> bytes:
        """The stored file. Only for one that has a size."""
        return self._trace.read(name) or b""

    def png(self, name: str) -> bytes:
        """The frame as PNG, the stored file itself where it is one."""
        return self.data(name) if name.endswith(".png") else png_bytes(self.image(name))

    def copy(self, name: str, folder: Path) -> str:
        """Puts the frame into ``folder`` under its own name, once; returns that name."""
        own = PurePosixPath(name).name
        target = folder / own
        if not target.exists():
            folder.mkdir(parents=True, exist_ok=True)
            target.write_bytes(self.data(name))
        return own

    def _measured(self, name: str) -> Size | None:
        data = self._trace.read(name) if name else None
        if data is None:
            return None
        try:
            with Image.open(io.BytesIO(data)) as stored:
                stored.load()
                return Size(*stored.size)
        except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
            return None
