"""Asks a model on this machine for one step after the other; the steps then go the same way as those of any planner."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from reticle_agent.actions import Step
from reticle_agent.planner.endpoint.marks import MAX_MARKS, Mark, draw_marks, with_words
from reticle_agent.planner.endpoint.planner import ReadScreen, hidden_outcomes
from reticle_agent.planner.endpoint.prompt import clean, new_fence
from reticle_agent.planner.endpoint.stuck import REPEATS, CircleBreaker
from reticle_agent.planner.endpoint.tools import RefusedCallError, read_call
from reticle_agent.planner.endpoint.vault import Vault
from reticle_agent.seams import LimitReachedError, Screen, StepOutcome, TraceSink
from reticle_agent.stop import StopToken
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.planning.pieces import Picture, Piece, Said, Written

from .calls import call_grammar
from .prompt import Turn, correction, opening, turn, whole
from .seam import Writer

LEAST_ANSWER = 80
"""Tokens within which every kind of call can be written, were each byte a token."""


class PlanningError(ReticleError):
    """The model on this machine could not be used; the text says what to do about it."""


@dataclass(frozen=True, slots=True)
class LocalOptions:
    """How much is shown and asked. Raises BadInput for limits that allow nothing."""

    max_tokens: int = 200_000
    """Of the whole run: those of prompts that are computed, and those of answers."""
    answer_tokens: int = 256
    """Of one answer."""
    context_tokens: int = 32_768
    """Of one prompt with its answer; the oldest screens are left out of a longer one."""
    screens: int = 4
    """Screens in one prompt, the newest included."""
    timeout_s: float = 300.0
    """For one answer, reading the prompt included."""
    picture: bool = True
    """Whether the model sees the screen."""
    marks: bool = False
    """Whether the texts in the picture are numbered (Set-of-Mark); needs the text."""
    repeats: int = REPEATS
    """Rounds of the same steps on the same screens before the user is asked."""

    def __post_init__(self) -> None:
        if self.max_tokens < 1 or self.repeats < 2:
            raise BadInput("the local planner needs at least one token and two repetitions")
        if self.answer_tokens < LEAST_ANSWER:
            raise BadInput(
                f"an answer of the local planner has at least {LEAST_ANSWER} tokens, not {self.answer_tokens}"
            )
        if self.context_tokens <= self.answer_tokens:
            raise BadInput(f"a context of {self.context_tokens} tokens holds no prompt beside an answer")
        if self.screens < 1:
            raise BadInput(f"{self.screens} screens were asked for; the newest one is always shown")
        if not 0 < self.timeout_s <= 3600:
            raise BadInput(
                f"the local planner's timeout is more than 0 and at most 3600 seconds, not {self.timeout_s:g}"
            )
        if self.marks and not self.picture:
            raise BadInput("marks are drawn into the picture; show the picture too")


@dataclass(frozen=True, slots=True)
class _Shown:
    """What was taken from one screen."""

    lines: list[str] | None
    picture: Picture | None
    marks: tuple[Mark, ...] = ()


class LocalPlanner:
    """Implements :class:`reticle_agent.seams.Planner`.

    The screens shown and the answers given are a conversation, whose beginning the model does not compute again. It is
    bounded: beyond ``screens``, or beyond the context, the older half goes and the record of steps takes its place.
    A planner that is asked about another past than it knows begins anew from the record, so a run goes on after any
    pause.
    Errors: PlanningError ends the run, LimitReachedError when the tokens are used up, Cancelled after a stop.
    """

    def __init__(
        self,
        writer: Writer,
        options: LocalOptions,
        *,
        screen: Screen,
        trace: TraceSink,
        token: StopToken,
        read: ReadScreen | None = None,
    ) -> None:
        self._writer, self._options = writer, options
        self._screen, self._trace, self._token, self._read = screen, trace, token, read
        self._circles = CircleBreaker(options.repeats, lambda why: self._note("planner_stuck", why))
        self._vault, self._task = Vault(""), ""
        self._fence = new_fence()
        self._turns: list[Turn] = []
        self._told: tuple[StepOutcome, ...] = ()
        """Outcomes that the conversation knows of."""
        self._step = 0
        self.tokens = 0
        """Used so far."""

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        """One or two answers for the step after ``past``."""
        self._token.check()
        self._step = len(past)
        if task != self._task or tuple(past[: len(self._told)]) != self._told:
            self._vault, self._task = Vault(task), task
            self._begin_anew()
        frame = self._screen.capture()
        shown = self._look(frame.image)
        told = hidden_outcomes(past, self._vault)
        if any(self._fence in line for line in shown.lines or ()):
            self._begin_anew()
        after = len(self._told) if self._turns else len(past)
        asked = turn(told, after, shown.lines, shown.picture, self._fence)
        step, said = self._ask(told, asked, shown)
        self._turns.append(replace(asked, said=said))
        self._told = tuple(past)
        self._token.check()
        return self._circles.passed(self._vault.filled(step), frame.image)

    def _begin_anew(self) -> None:
        self._fence, self._turns, self._told = new_fence(), [], ()

    def _look(self, image: Image.Image) -> _Shown:
        texts = None if self._read is None else self._read(image)
        lines = None if texts is None else [self._vault.hide(one.text) for one in texts]
        if not self._options.picture:
            return _Shown(lines, None)
        if not self._options.marks or texts is None or lines is None:
            return _Shown(lines, Picture.of(image))
        seen = [(words, one.rect) for line, one in zip(lines, texts, strict=True) if (words := clean(line))]
        marks = [Mark(number, words, rect) for number, (words, rect) in enumerate(seen[:MAX_MARKS], 1)]
        return _Shown([mark.line for mark in marks], Picture.of(draw_marks(image, marks)), tuple(marks))

    def _ask(self, past: Sequence[StepOutcome], asked: Turn, shown: _Shown) -> tuple[Step, Said]:
        """A refused answer is sent back once with the reason; a second one ends the run."""
        more: list[Piece] = []
        reason = ""
        for attempt in (1, 2):
            written = self._write(past, asked, more, shown.marks, attempt)
            said = Said(written.ids)
            try:
                step = with_words(read_answer(written.text), shown.marks)
            except RefusedCallError as refused:
                reason = str(refused)
                self._note("planner_call_refused", f"refused: {reason}", attempt=attempt)
                more += correction(said, reason)
                continue
            return step, said
        raise PlanningError(f"the model's answer was refused twice: {reason}")

    def _write(
        self, past: Sequence[StepOutcome], asked: Turn, more: Sequence[Piece], marks: Sequence[Mark], attempt: int
    ) -> Written:
        options, grammar = self._options, call_grammar(len(marks))
        prompt = self._fitting(past, asked, more)
        extent = self._writer.extent(prompt)
        room = options.max_tokens - self.tokens - extent.fresh
        if room < grammar.least(grammar.start):
            raise LimitReachedError(f"the limit of {options.max_tokens} tokens for planning is reached")
        start = time.monotonic()
        written = self._writer.write(prompt, grammar, min(options.answer_tokens, room), self._checked(start))
        self.tokens += written.prompt.fresh + len(written.ids)
        self._note(
            "planner_request",
            f"asked {self._writer.name}: {self.tokens} tokens so far",
            attempt=attempt,
            request_sha256=_digest(prompt),
            prompt_tokens=written.prompt.tokens,
            cached_tokens=written.prompt.tokens - written.prompt.fresh,
            completion_tokens=len(written.ids),
            total_tokens=self.tokens,
            screens=len(self._turns) + 1,
            ms=(time.monotonic() - start) * 1000,
        )
        return written

    def _checked(self, start_s: float) -> Callable[[], None]:
        """What the model asks between two tokens."""

        def check() -> None:
            self._token.check()
            if time.monotonic() - start_s > self._options.timeout_s:
                raise PlanningError(
                    f"{self._writer.name} did not answer within {self._options.timeout_s:g} seconds; use a smaller "
                    "model, fewer screens or a longer --planner-timeout"
                )

        return check

    def _fitting(self, past: Sequence[StepOutcome], asked: Turn, more: Sequence[Piece]) -> list[Piece]:
        """The prompt, without the oldest turns where they are too many."""
        options = self._options
        limit = min(options.context_tokens, self._writer.context) - options.answer_tokens
        if len(self._turns) >= options.screens:
            self._drop(options.screens // 2)
        while True:
            turns = [*self._turns, asked]
            start = opening(self._vault.task, past[: turns[0].after], self._fence, options.marks)
            prompt = whole(start, turns, more)
            tokens = self._writer.extent(prompt).tokens
            if tokens <= limit:
                return prompt
            if not self._turns:
                raise PlanningError(
                    f"one screen alone makes a prompt of {tokens} tokens, and at most {limit} fit beside an answer; "
                    "lower --planner-pixels or leave the text out"
                )
            self._drop(len(self._turns) // 2)

    def _drop(self, keep: int) -> None:
        """Leaves the newest turns; half of them go at a time, so that what is kept is rarely computed anew."""
        self._turns = self._turns[len(self._turns) - keep :]

    def _note(self, about: str, message: str, **fields: object) -> None:
        self._trace.event("note", step=self._step, about=about, message=message, planner=self._writer.name, **fields)


def read_answer(text: str) -> Step:
    """The step of a call as JSON. Raises RefusedCallError for anything else, whatever the writer promised."""
    try:
        call = json.loads(text)
    except ValueError:
        raise RefusedCallError("the answer is no JSON") from None
    if not isinstance(call, dict) or set(call) != {"tool", "arguments"} or not isinstance(call["tool"], str):
        raise RefusedCallError("the answer is no call: an object with tool and arguments alone")
    return read_call(call["tool"], json.dumps(call["arguments"]))


def _digest(prompt: Sequence[Piece]) -> str:
    """Of everything a model was shown."""
    sha = hashlib.sha256()
    for piece in prompt:
        if isinstance(piece, Picture):
            part = piece.digest
        elif isinstance(piece, Said):
            part = ",".join(map(str, piece.ids))
        else:
            part = piece.text
        sha.update(f"{type(piece).__name__}:{len(part)}:".encode() + part.encode("utf-8", "replace"))
    return sha.hexdigest()
