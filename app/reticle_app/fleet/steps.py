"""What is asked in a label run: every recorded or labelled step of many traces, in an order that never changes."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from reticle_agent.trace.export.frames import Frames
from reticle_agent.trace.export.own_steps import trace_folders
from reticle_agent.trace.export.targets import Target, reviewed, targets_of
from reticle_agent.trace.reader import StepEvents, TraceReader, read_manifest
from reticle_agent.trace.review import read_review
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Size

if TYPE_CHECKING:
    from reticle_grounding.geometry import Rect


@dataclass(frozen=True, slots=True)
class Work:
    """One instruction on one recorded picture."""

    folder: str
    """Of the trace; the same on every machine."""
    trace: str
    """Its id."""
    step: int
    index: int
    """Among those of the trace, from 0."""
    instruction: str
    frame: str
    """Path of the picture inside the trace; empty where none is recorded."""
    recorded: dict[str, Any] | None
    """Point and region in pixels of the picture, and who vouches for them; None where nobody does."""

    @property
    def text(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def of(cls, text: str) -> Work:
        return cls(**json.loads(text))


@dataclass(frozen=True, slots=True)
class TraceWork:
    """All that is asked of one trace, or why nothing can be."""

    folder: Path
    id: str
    """Of the trace; empty where it cannot be read."""
    works: tuple[Work, ...]
    fault: str | None = None


class _Headers(Frames):
    """Sizes from the files' headers alone; whether a picture can be decoded shows when it is asked about."""

    def _measured(self, name: str) -> Size | None:
        data = self._trace.read(name) if name else None
        if data is None:
            return None
        try:
            with Image.open(io.BytesIO(data)) as stored:
                return Size(*stored.size)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return None


def all_works(folders: Sequence[Path]) -> list[TraceWork]:
    """Of every trace that is one of ``folders`` or lies directly in it, by id; a trace that stands there twice once.

    Raises BadInput for a folder that holds none, and for two different folders with traces of one id.
    """
    places = sorted({place.resolve() for folder in folders for place in trace_folders(folder)})
    found: dict[str, TraceWork] = {}
    broken: list[TraceWork] = []
    for place in places:
        try:
            name = str(read_manifest(place)["id"])
        except BadInput as error:
            broken.append(TraceWork(place, "", (), str(error)))
            continue
        if name in found:
            raise BadInput(f"{found[name].folder} and {place} are copies of one trace ({name}); pass one of them")
        try:
            found[name] = TraceWork(place, name, tuple(_works(place, name)))
        except BadInput as error:
            found[name] = TraceWork(place, name, (), str(error))
    return [*(found[name] for name in sorted(found)), *broken]


def _works(folder: Path, name: str) -> Iterator[Work]:
    trace, review = TraceReader.open(folder), read_review(folder)
    frames, index = _Headers(trace), 0
    for step in trace.steps():
        acted, labels = reviewed(*targets_of(step, frames), review.of(step.number))
        for words, frame in _asked(step, (*labels, *acted)):
            label = next((t for t in labels if (t.words, t.frame) == (words, frame)), None)
            yield Work(str(folder), name, step.number, index, words, frame, None if label is None else _place(label))
            index += 1


def _asked(step: StepEvents, targets: Sequence[Target]) -> list[tuple[str, str]]:
    """Words and picture of every grounding, then of places known without one, as of a demonstration; each once."""
    grounded = [(event.text("instruction").strip(), event.text("frame")) for event in step.of("ground")]
    placed = [(target.words, target.frame) for target in targets if target.words]
    return list(dict.fromkeys([*grounded, *placed]))


def _place(target: Target) -> dict[str, Any]:
    region = None if target.region is None else rounded(target.region)
    return {"point": [round(target.point.x, 1), round(target.point.y, 1)], "region": region, "by": target.by}


def rounded(rect: Rect) -> list[float]:
    """Left, top, right, bottom to a tenth of a pixel."""
    return [round(side, 1) for side in rect.as_tuple()]
