"""Asks an endpoint for one step after the other; the steps then go the same way as those of any planner."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from reticle_agent.actions import AskUser, Step
from reticle_agent.memory.examples import Example, hidden
from reticle_agent.memory.live import RunMemory
from reticle_agent.memory.turns import SEEN, Turn
from reticle_agent.seams import Frame, LimitReachedError, Screen, StepOutcome, TraceSink
from reticle_agent.stop import StopToken
from reticle_grounding.errors import BadInput

from .answer import Answer, read_answer
from .marks import MAX_MARKS, Mark, ScreenText, draw_marks, with_words
from .post import Connection, EndpointError
from .prompt import Seen, clean, data_url, messages, new_fence
from .stuck import REPEATS, CircleBreaker
from .tools import RefusedCallError, as_call, tool_schemas
from .vault import Vault

ReadScreen = Callable[[Image.Image], Sequence[ScreenText]]
"""The text of a picture, in reading order."""
BYTES_PER_TOKEN = 4
"""A rough count where the server gives none."""


@dataclass(frozen=True, slots=True)
class EndpointOptions:
    """What is asked for, and how much of it. Raises BadInput for limits that allow nothing."""

    model: str
    """Name of the model at the endpoint."""
    max_tokens: int = 200_000
    """Of the whole run, prompts and answers together."""
    answer_tokens: int = 1024
    """Of one answer."""
    picture: bool = False
    """Whether the screen is sent as a picture too."""
    marks: bool = False
    """Whether the texts in the picture are numbered (Set-of-Mark); needs the picture and the text."""
    memory_tokens: int = 0
    """Of what was read earlier in the run, in each request; 0 keeps nothing. Needs the text of the screen."""
    repeats: int = REPEATS
    """Rounds of the same steps on the same screens before the user is asked."""

    def __post_init__(self) -> None:
        if not self.model.strip() or not self.model.isprintable() or len(self.model) > 200:
            raise BadInput("the endpoint's model needs a name of 1 to 200 printable characters")
        if self.max_tokens < 1 or self.answer_tokens < 1 or self.repeats < 2:
            raise BadInput("the endpoint planner needs at least one token and two repetitions")
        if self.memory_tokens < 0:
            raise BadInput(f"the planner's memory has {self.memory_tokens} tokens; it must be 0 or more")
        if self.marks and not self.picture:
            raise BadInput("marks are drawn into the picture; send the picture too")


class EndpointPlanner:
    """Implements :class:`reticle_agent.seams.Planner`.

    Nothing but the circles it has noticed, the tokens it has used and, with ``memory_tokens``, what it has read is
    remembered between two steps: each request is made anew from the task, the outcomes so far and the screen as it is,
    so a run goes on after any pause. ``remembered`` are the steps of the run that is continued, ``examples`` runs of
    before.
    Errors: EndpointError ends the run, LimitReachedError when the tokens are used up, Cancelled after a stop.
    """

    def __init__(
        self,
        connection: Connection,
        options: EndpointOptions,
        *,
        screen: Screen,
        trace: TraceSink,
        token: StopToken,
        read: ReadScreen | None = None,
        remembered: Sequence[Turn] = (),
        examples: Sequence[Example] = (),
    ) -> None:
        self._connection, self._options = connection, options
        self._screen, self._trace, self._token, self._read = screen, trace, token, read
        self._memory = RunMemory(options.memory_tokens, remembered) if options.memory_tokens and read else None
        self._examples = tuple(examples)
        self._steps = 0
        self._circles = CircleBreaker(options.repeats, lambda why: self._note(self._steps, "planner_stuck", why))
        self._vault: Vault | None = None
        self._task = ""
        self.tokens = 0
        """Used so far."""

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        """One or two requests for the step after ``past``."""
        self._token.check()
        if self._vault is None or task != self._task:
            self._vault, self._task = Vault(task), task
        frame = self._screen.capture()
        seen = self._with_memory(task, past, self._look(frame, self._vault), self._vault)
        step = self._vault.filled(self._ask(self._vault, past, seen))
        self._token.check()
        self._steps = len(past)
        return self._circles.passed(step, frame.image)

    def _look(self, frame: Frame, vault: Vault) -> Seen:
        texts = None if self._read is None else self._read(frame.image)
        lines = None if texts is None else [vault.hide(one.text) for one in texts]
        if not self._options.picture:
            return Seen(lines)
        if not self._options.marks or texts is None or lines is None:
            return Seen(lines, data_url(frame.image))
        shown = [(words, one.rect) for line, one in zip(lines, texts, strict=True) if (words := clean(line))]
        marks = [Mark(number, words, rect) for number, (words, rect) in enumerate(shown[:MAX_MARKS], 1)]
        return Seen([mark.line for mark in marks], data_url(draw_marks(frame.image, marks)), marks)

    def _with_memory(self, task: str, past: Sequence[StepOutcome], seen: Seen, vault: Vault) -> Seen:
        """What this screen says is kept, what earlier ones said is looked through for what the step may be about."""
        examples = [hidden(example, vault.hide) for example in self._examples]
        if self._memory is None or seen.lines is None:
            return replace(seen, examples=examples)
        lines = tuple(line for line in map(clean, seen.lines) if line)
        if self._memory.see(len(past), lines, [as_words(outcome) for outcome in past]):
            self._note(len(past), SEEN, f"{len(lines)} lines of text on the screen", lines=list(lines))
        answers = [o.message for o in past if isinstance(o.step, AskUser) and o.status == "done"]
        return replace(seen, recalled=self._memory.recall(task, answers), examples=examples)

    def _ask(self, vault: Vault, past: Sequence[StepOutcome], seen: Seen) -> Step:
        """A refused answer is sent back once with the reason; a second one ends the run."""
        reason: str | None = None
        for attempt in (1, 2):
            if self.tokens >= self._options.max_tokens:
                raise LimitReachedError(f"the limit of {self._options.max_tokens} tokens for planning is reached")
            body = self._body(messages(vault.task, hidden_outcomes(past, vault), seen, new_fence(), reason))
            start = time.monotonic()
            data = self._connection.post(body)
            answer: Answer | None = None
            try:
                answer = read_answer(data)
                self._account(len(past), attempt, body, data, answer, start)
                step, left_out = answer.step()
                step = with_words(step, seen.marks)
            except RefusedCallError as refused:
                if answer is None:
                    self._account(len(past), attempt, body, data, None, start)
                reason = str(refused)
                said = answer.said if answer is not None else ""
                self._note(len(past), "planner_call_refused", f"refused: {reason}", attempt=attempt, said=said)
                continue
            if left_out:
                self._note(len(past), "planner_calls_left_out", f"{left_out} further calls of one answer were left out")
            return step
        words = f'; it said "{said}"' if said else ""
        raise EndpointError(f"the model's answer was refused twice: {reason}{words}")

    def _body(self, prompt: list[dict[str, Any]]) -> bytes:
        request = {
            "model": self._options.model,
            "messages": prompt,
            "tools": tool_schemas(),
            "tool_choice": "required",
            "parallel_tool_calls": False,
            "temperature": 0,
            "max_tokens": self._options.answer_tokens,
            "stream": False,
        }
        return json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")

    def _account(
        self, step: int, attempt: int, body: bytes, data: bytes, answer: Answer | None, start_s: float
    ) -> None:
        """Counts the tokens (by the bytes where the server does not) and records the request by its digest."""
        sent = answer.prompt_tokens if answer else None
        got = answer.completion_tokens if answer else None
        counted = bool(sent or got)
        if not counted:
            sent, got = len(body) // BYTES_PER_TOKEN, len(data) // BYTES_PER_TOKEN
        self.tokens += (sent or 0) + (got or 0)
        self._note(
            step,
            "planner_request",
            f"asked {self._options.model}: {self.tokens} tokens so far",
            attempt=attempt,
            request_sha256=hashlib.sha256(body).hexdigest(),
            prompt_tokens=sent,
            completion_tokens=got,
            counted_by="server" if counted else "size",
            total_tokens=self.tokens,
            ms=(time.monotonic() - start_s) * 1000,
        )

    def _note(self, step: int, about: str, message: str, **fields: object) -> None:
        self._trace.event("note", step=step, about=about, message=message, planner=self._options.model, **fields)


def as_words(outcome: StepOutcome) -> str:
    """A step as the memory knows it; secret text is not in it."""
    call = as_call(outcome.step)
    return " ".join([str(call["tool"]), *(str(value) for value in call["arguments"].values())])


def hidden_outcomes(past: Sequence[StepOutcome], vault: Vault) -> list[StepOutcome]:
    """The outcomes with no secret in their messages."""
    return [StepOutcome(outcome.step, outcome.status, vault.hide(outcome.message)) for outcome in past]
