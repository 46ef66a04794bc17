"""From words to a place: observe, ground, and aim at one pixel through the one transform."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reticle_grounding.geometry import Affine, Point, Space
from reticle_grounding.types import Candidate, Grounding

from .actions import Pixel
from .seams import Approver, Frame, Grounder, Observation, Screen, TraceSink
from .settle import Settled, settle, settle_after
from .stop import StopToken
from .trace.fields import choose_fields, ground_fields, observe_fields, verify_fields

TOP_K = 5
RETRY_S = 0.6
"""The longest wait for a change before the second look for a target that was not found: menus and dialogs are late."""
QUESTIONS = 3
"""So often a person is asked what one target is called; then the step ends without it."""


@dataclass(frozen=True, slots=True)
class Located:
    """A target on one frame."""

    frame: Frame
    grounding: Grounding
    chosen: int

    @property
    def candidate(self) -> Candidate:
        return self.grounding.candidates[self.chosen]

    @property
    def pixel(self) -> Pixel:
        return aim(self.frame, self.candidate)

    def picking(self, chosen: int) -> Located:
        return replace(self, chosen=chosen)

    def aiming(self, point: Point) -> Located:
        """With the chosen candidate's point moved to ``point`` (capture pixels)."""
        candidates = list(self.grounding.candidates)
        candidates[self.chosen] = moved(self.candidate, point)
        return replace(self, grounding=replace(self.grounding, candidates=tuple(candidates)))


def moved(candidate: Candidate, point: Point) -> Candidate:
    """The candidate aimed at another point (capture pixels); its region goes along as far as the point leaves it."""
    region, (x, y) = candidate.region, point.pixel()
    dx = min(0.0, x - region.left) + max(0.0, x + 1 - region.right)
    dy = min(0.0, y - region.top) + max(0.0, y + 1 - region.bottom)
    return replace(candidate, point=point, region=region.shifted(dx, dy))


def aim(frame: Frame, candidate: Candidate) -> Pixel:
    """The physical desktop pixel to click: the one nearest to the candidate's point whose centre is in its region."""
    link: Affine = frame.transform.affine(Space.CAPTURE, Space.PHYSICAL)
    return link.rect(candidate.region).pixel_near(link.point(candidate.point))


def capture_point(frame: Frame, pixel: Pixel) -> Point:
    """The centre of a physical pixel in capture space."""
    centre = Point(pixel[0] + 0.5, pixel[1] + 0.5)
    return frame.transform.point(centre, Space.PHYSICAL, Space.CAPTURE)


def _same(words: str) -> str:
    """Equal for words that differ in case and spaces alone."""
    return " ".join(words.casefold().split())


def _question(words: str, repeated: bool, *, last: bool) -> str:
    if repeated:
        said = f"'{words}' was just tried and still names nothing on this screen. What else is it called there?"
    else:
        said = f"'{words}' was not found on this screen. What is it called there?"
    return f"{said} (asked for the last time)" if last else said


class NotFoundError(Exception):
    """The words name nothing on this screen, and nobody named something that is there."""

    def __init__(self, instruction: str, answers: int = 0) -> None:
        nor = f", nor by any of {answers} answers to what it is called there" if answers else ""
        super().__init__(f"'{instruction}' was not found on this screen{nor}")


class Locator:
    """Observes and grounds, recording both; the expensive part is done once per picture."""

    def __init__(self, screen: Screen, grounder: Grounder, trace: TraceSink, token: StopToken) -> None:
        self._screen, self._grounder, self._trace, self._token = screen, grounder, trace, token
        self._observed: tuple[str, Observation] | None = None

    def observe(self, step: int, display_id: str | None = None) -> tuple[Frame, str]:
        """The screen once it is still, and its path in the trace."""
        settled = settle(self._screen, self._token, display_id)
        return settled.frame, self.record(settled, step)

    def _observe_later(self, missed: Frame, step: int) -> tuple[Frame, str]:
        """The screen after the next change, or after a moment without any."""
        settled = settle_after(self._screen, self._token, missed, RETRY_S)
        return settled.frame, self.record(settled, step)

    def record(self, settled: Settled, step: int) -> str:
        path = self._trace.frame(settled.frame.image)
        fields = observe_fields(settled.frame, path)
        self._trace.event("observe", step=step, **fields, stable=settled.stable, wait_ms=settled.wait_ms)
        return path

    def locate(self, instruction: str, step: int, approver: Approver | None) -> Located:
        """The best candidate; asks for other words ``QUESTIONS`` times at most. Raises NotFoundError."""
        words, tried = instruction, dict[str, str]()
        for asked in range(QUESTIONS + 1):
            repeated = _same(words) in tried
            located = self._look_again(words, step, tried) if repeated else self._look(words, step, tried)
            if located is not None:
                return located
            if asked == QUESTIONS:
                break
            question = _question(words, repeated, last=asked == QUESTIONS - 1)
            answer = approver.answer(question) if approver is not None else None
            self._trace.event("note", step=step, about="not_found", question=question, answered=bool(answer))
            self._token.check()
            if not answer or not answer.strip():
                raise NotFoundError(words)
            words = answer.strip()
        unfound = NotFoundError(instruction, QUESTIONS)
        self._trace.event("note", step=step, about="not_found", message=str(unfound), tried=len(tried))
        raise unfound

    def _look(self, words: str, step: int, tried: dict[str, str]) -> Located | None:
        """Once, and once more on a new capture. ``tried`` learns the picture on which the words name nothing."""
        missed: Frame | None = None
        for _ in range(2):
            frame, path = self.observe(step) if missed is None else self._observe_later(missed, step)
            missed = frame
            located = self.ground(words, frame, path, step)
            if located is not None:
                return located
            tried[_same(words)] = frame.sha
        return None

    def _look_again(self, words: str, step: int, tried: dict[str, str]) -> Located | None:
        """For words that were tried: only a screen that has changed since can have another answer to them."""
        frame, path = self.observe(step)
        if tried[_same(words)] == frame.sha:
            return None
        tried[_same(words)] = frame.sha
        return self.ground(words, frame, path, step)

    def ground(self, words: str, frame: Frame, path: str, step: int) -> Located | None:
        """One grounding on one frame; None when it was not found there."""
        self._token.check()
        grounding = self._observation(frame).ground(words, TOP_K)
        self._token.check()
        map_path = self._trace.map(grounding)
        self._trace.event("ground", step=step, **ground_fields(grounding, path, map_path))
        self._trace.event("verify", step=step, **verify_fields(grounding))
        if grounding.best is None:
            return None
        self._trace.event("choose", step=step, **choose_fields(grounding, 0, "verifier"))
        return Located(frame, grounding, 0)

    def _observation(self, frame: Frame) -> Observation:
        if self._observed is None or self._observed[0] != frame.sha:
            self._observed = (frame.sha, self._grounder.observe(frame.image))
        return self._observed[1]
