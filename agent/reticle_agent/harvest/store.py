"""The growing training set on disk: ``images/NNNNN.webp`` and one line of ``screens.jsonl`` per picture.

The picture is complete before its line is written, and a line is one write, so that whatever ends the program leaves a
readable set; a picture without a line is never referred to.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import TypedDict

from PIL import Image

from reticle_grounding.errors import BadInput

EFFORT = 2
"""Of the lossless compression, 0 to 6; higher is smaller and slower."""


class _Asked(TypedDict, total=False):
    value: str | float
    label: str


class ElementRow(_Asked):
    """One element; the box is left, top, right, bottom in pixels of the picture, right and bottom exclusive."""

    role: str
    name: str
    description: str
    bbox: list[int]
    states: list[str]
    text_visible: bool | None


class ScreenRow(TypedDict):
    """One picture."""

    image: str
    width: int
    height: int
    app: str
    state: str
    toolkit: str
    scale: float
    elements: list[ElementRow]


class Store:
    """One folder, held by one harvest at a time. Raises BadInput when it cannot be written or is in use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            (folder / "images").mkdir(parents=True, exist_ok=True)
            self._list = os.open(folder / "screens.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as problem:
            raise BadInput(f"cannot write to {folder}: {problem.strerror}") from problem
        try:
            fcntl.flock(self._list, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            os.close(self._list)
            raise BadInput(f"another harvest writes to {folder}; wait for it or choose another folder") from problem
        self._mend()
        self._next = 1 + max((int(p.stem) for p in (folder / "images").glob("*.webp") if p.stem.isdigit()), default=0)

    def _mend(self) -> None:
        """Cuts off a last line that was never finished (power failure)."""
        text = (self.folder / "screens.jsonl").read_bytes()
        if text and not text.endswith(b"\n"):
            os.ftruncate(self._list, text.rfind(b"\n") + 1)

    def add(
        self, picture: Image.Image, *, app: str, state: str, toolkit: str, scale: float, elements: list[ElementRow]
    ) -> Path:
        """Writes one picture and its line; returns the picture's path. Raises BadInput when the disk says no."""
        name = f"images/{self._next:05d}.webp"
        row = ScreenRow(
            image=name,
            width=picture.width,
            height=picture.height,
            app=app,
            state=state,
            toolkit=toolkit,
            scale=scale,
            elements=elements,
        )
        path = self.folder / name
        unfinished = path.with_suffix(".part")
        try:
            with unfinished.open("wb") as file:
                picture.save(file, "WEBP", lossless=True, method=EFFORT, exact=True)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            os.write(self._list, (json.dumps(row, ensure_ascii=False) + "\n").encode("utf-8"))
            os.fsync(self._list)
        except OSError as problem:
            raise BadInput(f"cannot write {path}: {problem.strerror}") from problem
        self._next += 1
        return path

    def close(self) -> None:
        os.close(self._list)
