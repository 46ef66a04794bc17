"""The embedded planner: plain instructions -> steps, without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from reticle_agent.actions import Click, Finish, Hotkey, Step, TypeText
from reticle_agent.seams import StepOutcome
from reticle_grounding.errors import BadInput

from .keys import read_keys
from .lexer import tokenize
from .phrase import Phrase, is_secret, join, target_of
from .split import PLACES, split
from .steps import HANDLERS, not_understood
from .verbs import find_verb, skip_fillers

MAX_TASK = 20_000
"""Characters of one instruction."""
MAX_STEPS = 200
LONG_QUOTE = re.compile(r'"([^"]{200})[^"]{20,}"')
"""Words that are repeated in a refusal; so many say which ones they are."""


@dataclass(frozen=True, slots=True)
class ParsedStep:
    """A step and the words it came from; several steps may come from the same words ("press Tab 3 times")."""

    step: Step
    start: int
    end: int
    """``task[start:end]``, characters."""


def parse(task: str) -> tuple[Step, ...]:
    """All steps of an instruction, in order. Raises BadInput naming the words that are not understood."""
    return tuple(parsed.step for parsed in parse_spans(task))


def parse_spans(task: str) -> tuple[ParsedStep, ...]:
    """Like :func:`parse`, with the place of each step's words in ``task``."""
    if len(task) > MAX_TASK:
        raise BadInput(f"the instruction has {len(task)} characters; use at most {MAX_TASK}")
    steps: list[ParsedStep] = []
    for tokens in split(tokenize(task)):
        clause = join(tokens[skip_fillers(tokens, 0) :], task).without_politeness()
        start, end = clause.span
        previous = steps[-1].step if steps else None
        try:
            steps += [ParsedStep(step, start, end) for step in clause_steps(clause, previous)]
        except BadInput as refusal:
            raise BadInput(LONG_QUOTE.sub(r'"\1..."', str(refusal))) from None
        if len(steps) > MAX_STEPS:
            raise BadInput(f"the instruction has more than {MAX_STEPS} steps; split it into several runs")
    if not steps:
        raise BadInput("the instruction is empty; say what to do, e.g. click 'Save'")
    return tuple(steps)


def clause_steps(clause: Phrase, previous: Step | None) -> tuple[Step, ...]:
    """The steps of one clause; ``previous`` is the step before it. Raises BadInput."""
    found = find_verb(clause.tokens, 0)
    if found is None:
        return _without_verb(clause, previous)
    verb, after = found
    return HANDLERS[verb.kind](verb, clause[after:], clause)


def _without_verb(clause: Phrase, previous: Step | None) -> tuple[Step, ...]:
    """``in the search field type 'x'``; what goes on with the verb before: ``type 'x', Enter``, ``click 'A', 'B'``."""
    if isinstance(previous, Click) and len(clause) == 1 and clause.tokens[0].kind == "quoted":
        return (Click(target_of(clause, clause), previous.button, previous.count),)
    unquoted = all(t.kind == "word" for t in clause.tokens)
    if isinstance(previous, TypeText | Hotkey) and unquoted and (chords := read_keys(clause.text)):
        return tuple(Hotkey(keys) for keys in chords)
    if clause.words[0] in PLACES:
        for at in range(2, len(clause)):
            found = find_verb(clause.tokens, at)
            if found and found[0].kind == "type":
                return _placed(clause[:at], clause_steps(clause[at:], None), clause)
    raise not_understood(clause.written)


def _placed(place: Phrase, steps: tuple[Step, ...], clause: Phrase) -> tuple[Step, ...]:
    step = steps[0]
    if not isinstance(step, TypeText) or step.target is not None:
        raise not_understood(clause.written)
    kept = [t for t in place.tokens[1:] if t.kind != "sep"]
    target = target_of(join(kept, clause.source), clause)
    return (TypeText(step.text, target, step.secret or is_secret(place, None)),)


class RulePlanner:
    """Implements :class:`reticle_agent.seams.Planner`; the whole instruction is understood before the first step."""

    def __init__(self) -> None:
        self._task: str | None = None
        self._steps: tuple[Step, ...] = ()

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        """The step after ``past``. Raises BadInput on the first call.

        A failed step ends the run. After a refused step or one whose target was not found the loop asks again only
        where the run goes on without it (the person skipped it, or it is a dry run), so the next step follows.
        """
        if task != self._task:
            self._steps = parse(task)
            self._task = task
        if past and past[-1].status == "failed":
            reason = past[-1].message or "no reason was given"
            return Finish(False, f"step {len(past)} of {len(self._steps)} failed: {reason}")
        return self._steps[len(past)] if len(past) < len(self._steps) else Finish(True)
