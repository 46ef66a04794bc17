"""Does a step come from the user's own words? What a model made up, or read on the screen, is asked about.

The test is of the words alone, so no text on a screen can pass it by being persuasive: a target must stand in the task
as a phrase, text to type must stand there letter for letter, keys must be asked for as keys. It does not know the
order of the steps, nor whether the place found is the one that was meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reticle_grounding.errors import BadInput

from .actions import Click, Drag, Hotkey, Scroll, Step, TypeText
from .planner.lexer import Token, tokenize
from .planner.phrase import join
from .planner.rules import clause_steps
from .planner.split import split
from .planner.verbs import find_verb, skip_fillers
from .planner.wordlists import word_set

_EMPTY = word_set(
    "the a an this that my your of in on at to for with labelled labeled named called button field box menu icon link"
    " tab entry item checkbox window dialog bar input label option list area"
)
"""Words that name no target by themselves; left out at both ends of a target."""
_DRAG_WORDS = word_set("drag move drop")
_NEGATIONS = word_set("don't don\u2019t dont not never without except")
"""What follows is what the user does not want."""
_WORD = re.compile(r"\w+")
_CUT = "\0"
"""Stands between words that do not follow each other."""


class UserWords:
    """What the user's task names."""

    def __init__(self, task: str) -> None:
        self._task = task
        self._chords: set[tuple[str, ...]] = set()
        self._said = set(_words(task))
        self._words: list[str] = []
        try:
            parts = split(tokenize(task))
        except BadInput:  # a stray quotation mark: no step of the task can be read, its words can
            parts = []
            self._words = _words(task)
        previous: Step | None = None
        for part in parts:
            previous = self._read(part, task, previous)

    def _read(self, part: Sequence[Token], task: str, previous: Step | None) -> Step | None:
        """One clause: the keys it asks for, and its words without verbs, text to be typed and refusals."""
        steps = _steps_of(part, task, previous)
        self._chords |= {step.keys for step in steps if isinstance(step, Hotkey)}
        typed = {step.text for step in steps if isinstance(step, TypeText)}
        begin = skip_fillers(part, 0)
        verb = find_verb(part, begin)
        for token in part[verb[1] if verb else begin :]:
            if token.low in _NEGATIONS:
                break
            is_content = token.kind == "sep" or (token.kind == "quoted" and token.text in typed)
            self._words += [_CUT] if is_content else _words(token.text)
        self._words.append(_CUT)
        return steps[-1] if steps else None

    def objection(self, step: Step) -> str | None:
        """Why the step is not in the user's words, in plain words; None when it is."""
        if isinstance(step, Hotkey):
            named = frozenset(step.keys) in {frozenset(chord) for chord in self._chords}
            return None if named else f"the task does not say to press {'+'.join(step.keys)}"
        if isinstance(step, TypeText) and not self._says(step.text):
            return "the text to type does not stand in the task"
        if isinstance(step, Scroll) and "scroll" not in self._said:
            return "the task does not say to scroll"
        if isinstance(step, Drag) and _DRAG_WORDS.isdisjoint(self._said):
            return "the task does not say to drag"
        unnamed = next((target for target in _targets(step) if not self._names(target)), None)
        return None if unnamed is None else f"the task does not say '{unnamed}'"

    def _says(self, text: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(text)}(?!\w)", self._task) is not None

    def _names(self, target: str) -> bool:
        whole = words = _words(target)
        while words and words[0] in _EMPTY:
            words = words[1:]
        while words and words[-1] in _EMPTY:
            words = words[:-1]
        words = words or whole
        count = len(words)
        return bool(words) and any(self._words[i : i + count] == words for i in range(len(self._words) - count + 1))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _steps_of(part: Sequence[Token], task: str, previous: Step | None) -> tuple[Step, ...]:
    """The steps of a clause where the rule planner's grammar reads it; none for free speech."""
    clause = join(part[skip_fillers(part, 0) :], task).without_politeness()
    try:
        return clause_steps(clause, previous)
    except BadInput:
        return ()


def _targets(step: Step) -> tuple[str, ...]:
    if isinstance(step, Drag):
        return (step.source, step.destination)
    target = step.target if isinstance(step, (Click, Scroll, TypeText)) else None
    return (target,) if target is not None else ()
