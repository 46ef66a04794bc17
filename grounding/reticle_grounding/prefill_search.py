"""`reticle prefill search`: which pattern each head of a model follows, found on generated traces and written down.

Importing this module loads no model library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import BadInput

if TYPE_CHECKING:
    from .matcher.matcher import Matcher
    from .model.pattern_search import Seen
    from .model.pointer_model import PointerModel

Size = tuple[int, int]
Progress = Callable[[int, int], None]
MOST_FRAMES = 200


def trace_of(model: PointerModel, matcher: Matcher, seed: int, steps: int, size: Size) -> Callable[[], Iterator[Seen]]:
    """A generated trace as a history takes it, with flawless readings where the model has a reading channel."""
    from .model.pattern_search import Seen
    from .training.traces import generate_trace, reading_on

    def start() -> Iterator[Seen]:
        for step in generate_trace(seed, steps, size=size):
            reading = reading_on(step, matcher) if model.channel is not None else None
            words = step.target.instruction if step.target else None
            vector = matcher.say([words]) if words and model.channel is not None else None
            yield Seen(step.image, reading, words, vector)

    return start


def check_search(frames: Sequence[int], folder: Path, out: Path | None) -> None:
    """Raises BadInput, before any model is opened, for impossible numbers of screenshots or a file in no folder."""
    if not frames or min(frames) < 2 or max(frames) > MOST_FRAMES:
        raise BadInput(f"--frames must be numbers from 2 to {MOST_FRAMES}, not {', '.join(map(str, frames))}")
    parent = folder if out is None else out.parent
    if not parent.is_dir():
        raise BadInput(f"there is no folder {parent}")


def find_patterns(
    folder: Path,
    out: Path | None = None,
    *,
    frames: Sequence[int] = (5, 10, 20, 35, 50),
    traces: int = 1,
    keys: int = 1536,
    size: Size = (800, 512),
    max_pixels: int | None = None,
    progress: Progress | None = None,
) -> tuple[Path, dict[str, Any]]:
    """Searches and writes ``prefill.json``; returns its path and what it says about the search.

    Args:
        folder: the model.
        out: the file to write; ``prefill.json`` in the model's folder when None.
        frames: numbers of screenshots after which prefills are looked at.
        traces: how many generated traces.
        keys: cost of a pattern: pairs of an A-shape of so many keys a row.
        size: of the screenshots, in pixels.

    Raises BadInput for impossible choices, CheckpointError for a folder that is no model.
    """
    from .assets import embedded_model_dir
    from .matcher.matcher import open_matcher
    from .model.head_patterns import FILE
    from .model.pattern_search import search_patterns
    from .model.pointer_model import PointerModel
    from .training.traces import APART, SEARCH_SEED

    check_search(frames, folder, out)
    path = out or folder / FILE
    model = PointerModel.open(folder, max_pixels=max_pixels)
    matcher = open_matcher(embedded_model_dir())
    longest = max(frames)
    made = [trace_of(model, matcher, SEARCH_SEED + n * APART, longest, size) for n in range(traces)]
    found = search_patterns(model, made, frames=frames, keys=keys, progress=progress)
    found.patterns.write(path)
    return path, dict(found.patterns.search)
