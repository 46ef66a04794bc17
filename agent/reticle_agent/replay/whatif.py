"""A recorded run asked again: other words, another model, the same pictures; nothing is sent to any desktop."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from reticle_agent.seams import Grounder, Observation
from reticle_agent.trace.reader import TraceReader
from reticle_agent.trace.recall import Recall, recall
from reticle_grounding.errors import BadInput
from reticle_grounding.types import Candidate, Grounding

Verdict: TypeAlias = Literal["same", "moved", "lost", "new", "absent"]
"""The same place; another place; not found any more; found only now; found neither then nor now."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One recorded grounding and its new answer."""

    step: int | None
    words: str
    """What was asked now."""
    recorded_words: str
    verdict: Verdict
    recorded: Candidate | None
    now: Candidate | None
    distance: float | None
    """Capture pixels between the two points; None where one is missing."""

    @property
    def differs(self) -> bool:
        return self.verdict not in ("same", "absent")


def compare(trace: TraceReader, grounder: Grounder, words: Mapping[int, str] | None = None) -> Iterator[Compared]:
    """Every recorded grounding anew, in order; ``words`` replaces those of whole steps.

    Raises BadInput when no grounding with its picture is recorded, or a step with new words has none.
    """
    found = list(recall(trace))
    given = dict(words or {})
    if not found:
        raise BadInput(f"{trace.folder} holds no grounding whose picture is still there")
    unknown = sorted(given.keys() - {one.step for one in found})
    if unknown:
        known = ", ".join(dict.fromkeys(str(one.step) for one in found))
        raise BadInput(f"nothing was looked for in step {unknown[0]}; the steps with a target are: {known}")
    seen: tuple[bytes, Observation] | None = None
    for one in found:
        key = one.frame.tobytes()
        if seen is None or seen[0] != key:
            seen = (key, grounder.observe(one.frame))
        asked = given.get(one.step, one.grounding.instruction) if one.step is not None else one.grounding.instruction
        yield _compared(one, asked, seen[1].ground(asked))


def _compared(one: Recall, asked: str, answer: Grounding) -> Compared:
    before, now = one.grounding.best, answer.best
    distance = None
    if before is None or now is None:
        verdict: Verdict = "absent" if before is now else "lost" if now is None else "new"
    else:
        distance = math.dist((before.point.x, before.point.y), (now.point.x, now.point.y))
        inside = before.region.contains(now.point) or now.region.contains(before.point)
        verdict = "same" if inside else "moved"
    return Compared(one.step, asked, one.grounding.instruction, verdict, before, now, distance)
