"""What runs in each worker of a label run: one model, opened once, that asks recorded pictures anew."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reticle_agent.seams import Observation
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.images import MAX_PIXELS, decode_image
from reticle_grounding.types import Grounding

from .opening import Opener, fingerprint_of
from .steps import Work, rounded

COLUMN = "work"
ANSWERS = "line"


class Labeller:
    """Made by Ray Data, once per worker."""

    def __init__(self, opener: Opener) -> None:
        """Raises what the opener raises."""
        self._grounder = opener()
        self._model = {"model": self._grounder.name, "fingerprint": fingerprint_of(self._grounder)}
        self._seen: tuple[tuple[str, str], Observation] | None = None

    def __call__(self, batch: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        """Texts of works in, lines of JSON out, in order."""
        return {ANSWERS: np.array([self.line(Work.of(str(text))) for text in batch[COLUMN]], dtype=object)}

    def line(self, work: Work) -> str:
        """The answer as one line of JSON. Never raises: what goes wrong is said in the line."""
        head = {
            "trace": work.trace,
            "step": work.step,
            "index": work.index,
            "instruction": work.instruction,
            "frame": work.frame,
        }
        try:
            said = _answered(self._observation(work).ground(work.instruction, 1))
        except ReticleError as error:
            said = {"error": " ".join(str(error).split())}
        except Exception as error:  # one bad step must not end the run; the traceback goes to the worker's log
            traceback.print_exc(file=sys.stderr)
            said = {"error": f"the model failed: {type(error).__name__}: {error}"}
        return json.dumps({**head, **said, "recorded": work.recorded, **self._model}, ensure_ascii=False)

    def _observation(self, work: Work) -> Observation:
        key = (work.folder, work.frame)
        if self._seen is None or self._seen[0] != key:
            self._seen = None
            self._seen = (key, self._grounder.observe(decode_image(_bytes_of(work), MAX_PIXELS)))
        return self._seen[1]


def _bytes_of(work: Work) -> bytes:
    """Raises BadInput for a picture that is not there or that lies outside the trace."""
    root = Path(work.folder).resolve()
    path = (root / work.frame).resolve()
    if not work.frame or not path.is_relative_to(root):
        raise BadInput("no picture is recorded for this step")
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"its picture {work.frame} cannot be read: {error.strerror or error}") from error


def _answered(grounding: Grounding) -> dict[str, Any]:
    best = grounding.best
    return {
        "found": grounding.found,
        "region": None if best is None else rounded(best.region),
        "point": None if best is None else [round(best.point.x, 1), round(best.point.y, 1)],
        "p_true": None if best is None else round(best.p_true, 4),
        "origin": None if best is None else best.origin,
    }
