"""Planner and witness of a replay: recorded steps in order, and a doubt wherever a target is not as recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reticle_agent.actions import Finish, Step
from reticle_agent.effects import EFFECT_WORDS
from reticle_agent.locate import Located
from reticle_agent.seams import StepOutcome
from reticle_grounding.types import Candidate

from .likeness import crop_of, likeness, same_text
from .recording import RecordedStep, RecordedTarget, Recording

ALIKE = 0.6
"""Likeness from which on a control without a text counts as the recorded one."""
VERY_ALIKE = 0.8
"""The same where its text reads differently now."""
CLEAR = 0.9
"""A second place that is as recorded and at least this share as likely as the first makes the choice unsure."""


class ReplayPlanner:
    """The recorded steps, one after the other; halts where one no longer has its effect."""

    def __init__(self, recording: Recording) -> None:
        self._steps = recording.steps

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        if past:
            before = self._steps[len(past) - 1]
            if before.effect == "confirmed" and past[-1].message == EFFECT_WORDS["no_change"]:
                why = "it changed something when it was recorded, and nothing now"
                return Finish(False, f"halted after step {before.number} of the recording: {why}")
        if len(past) == len(self._steps):
            return Finish(True, f"did {len(past)} recorded steps again")
        return self._steps[len(past)].step


@dataclass(frozen=True, slots=True)
class Seen:
    """How far a candidate is what was recorded."""

    index: int
    likeness: float | None
    """None where no picture of it is known."""
    text: bool | None
    """Whether it reads the same; None where one of both says nothing."""

    @property
    def agrees(self) -> bool:
        if self.text is not None:
            return self.text or (self.likeness or 0.0) >= VERY_ALIKE
        return self.likeness is None or self.likeness >= ALIKE


class ReplayWitness:
    """Picks the candidate that is as recorded, and says why it is not sure."""

    def __init__(self, recording: Recording) -> None:
        self._steps: tuple[RecordedStep, ...] = recording.steps

    def pick(self, number: int, index: int, place: Located) -> tuple[int, str | None]:
        """For target ``index`` of the run's step ``number``: candidate, and the doubt in plain words (None: sure)."""
        targets = self._steps[number].targets if number < len(self._steps) else ()
        if index >= len(targets):
            return place.chosen, "the recording does not tell the place of this step"
        recorded, candidates = targets[index], place.grounding.candidates
        seen = [_look(i, candidate, recorded, place) for i, candidate in enumerate(candidates)]
        agreeing = [one for one in seen if one.agrees and candidates[one.index].p_true >= place.grounding.threshold]
        if not agreeing:
            return place.chosen, f"the replay is not sure: {_differs(seen[place.chosen], candidates, recorded)}"
        best, *others = sorted(agreeing, key=lambda one: -candidates[one.index].p_true)
        if others and candidates[others[0].index].p_true >= CLEAR * candidates[best.index].p_true:
            liker = max((best, others[0]), key=lambda one: one.likeness or 0.0)
            other = others[0] if liker is best else best
            if (liker.likeness or 0.0) - (other.likeness or 0.0) < 0.1:
                return best.index, "the replay is not sure: two places are as recorded and equally likely"
            best = liker
        return best.index, None


def _look(index: int, candidate: Candidate, recorded: RecordedTarget, place: Located) -> Seen:
    alike = None
    if recorded.crop is not None:
        alike = likeness(recorded.crop, crop_of(place.frame.image, candidate.region))
    return Seen(index, alike, same_text(recorded.text, candidate.text))


def _differs(seen: Seen, candidates: Sequence[Candidate], recorded: RecordedTarget) -> str:
    if seen.text is False:
        return f"the place reads '{candidates[seen.index].text}', recorded was '{recorded.text}'"
    return f"the place does not look as recorded (likeness {seen.likeness or 0.0:.2f}, {ALIKE} is enough)"
