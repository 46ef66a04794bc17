"""Many instructions answered together: each screenshot of a batch is looked at once, whoever asked."""

from __future__ import annotations

import sys
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from reticle_agent.seams import Grounder, Observation
from reticle_app.server.answers import GroundAnswer
from reticle_app.server.host import MAX_PIXELS
from reticle_grounding.errors import Cancelled, ReticleError
from reticle_grounding.images import decode_image

KEPT = 4
"""Screenshots that stay ready for further instructions; each holds the model's keys and values of the picture."""


@dataclass(slots=True)
class Asked:
    """One instruction on one picture."""

    digest: str
    """Of the picture's bytes; the same digest is the same screenshot."""
    picture: bytes
    """A PNG, JPEG or WebP file."""
    instruction: str
    top_k: int
    with_map: bool = False
    given_up: bool = False
    """Set when nobody waits for the answer any more."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer or an error, and how it came about."""

    outcome: GroundAnswer | ReticleError
    together: int
    """Instructions of the batch on the same screenshot."""
    looked: bool
    """Whether the screenshot had to be looked at for this batch."""


class Batches:
    """One model that answers batches. Use from one thread at a time."""

    def __init__(self, grounder: Grounder, kept: int = KEPT, max_pixels: int = MAX_PIXELS) -> None:
        self._grounder, self._kept, self._max_pixels = grounder, kept, max_pixels
        self._seen: OrderedDict[str, Observation] = OrderedDict()
        self.looks = 0
        """Screenshots looked at so far."""

    def answer(self, batch: Sequence[Asked]) -> list[Reply]:
        """In the order of the batch. Never raises: what goes wrong with one picture or instruction is its own reply."""
        groups: dict[str, list[int]] = {}
        for index, asked in enumerate(batch):
            groups.setdefault(asked.digest, []).append(index)
        replies: dict[int, Reply] = {}
        for members in groups.values():
            wanted = sum(not batch[index].given_up for index in members)
            before = self.looks
            outcomes = [self._outcome(batch[index]) for index in members]
            for index, outcome in zip(members, outcomes, strict=True):
                replies[index] = Reply(outcome, wanted, self.looks > before)
        return [replies[index] for index in range(len(batch))]

    def _outcome(self, asked: Asked) -> GroundAnswer | ReticleError:
        try:
            if asked.given_up:
                return Cancelled("nobody waits for this answer any more")
            return GroundAnswer.of(self._observation(asked).ground(asked.instruction, asked.top_k), asked.with_map)
        except ReticleError as error:
            return error
        except Exception as error:  # the others of the batch still want their answers; the traceback goes to the log
            traceback.print_exc(file=sys.stderr)
            return ReticleError(f"the model failed: {type(error).__name__}: {error}")

    def _observation(self, asked: Asked) -> Observation:
        """Looked at now, or the one that is kept. Raises BadInput for bytes that are no picture."""
        seen = self._seen.get(asked.digest)
        if seen is None:
            image = decode_image(asked.picture, self._max_pixels)
            while len(self._seen) >= self._kept:
                self._seen.popitem(last=False)  # before the next one is made, so that no more than ``kept`` ever live
            seen = self._seen[asked.digest] = self._grounder.observe(image)
            self.looks += 1
        self._seen.move_to_end(asked.digest)
        return seen
