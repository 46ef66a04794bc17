"""The memory of a run while it goes on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from .memory import Memory, Recalled
from .turns import Turn

TASK_WEIGHT, ANSWER_WEIGHT, SCREEN_WEIGHT = 1.0, 1.0, 0.3
"""What a step may be about: the task, what the user answered, and what stands on the screen now, as labels of empty
fields do."""


class RunMemory:
    """Keeps what was read before each step, and recalls of it what fits a budget."""

    def __init__(self, budget: int, before: Sequence[Turn] = ()) -> None:
        """``before``: steps of the run that is continued."""
        self._budget = budget
        self._turns: dict[int, Turn] = {turn.number: turn for turn in before}
        self._now = -1

    def see(self, number: int, lines: tuple[str, ...], done: Sequence[str]) -> bool:
        """Keeps the screen before step ``number``; ``done`` says what the steps before it were. Returns whether the
        screen says anything else than at the step before."""
        for at, words in enumerate(done):
            if at in self._turns and not self._turns[at].done:
                self._turns[at] = replace(self._turns[at], done=words)
        known = self._turns.get(number) or self._turns.get(number - 1)
        self._turns[number] = Turn(number, lines, "")
        self._now = number
        return bool(lines) and (known is None or known.lines != lines)

    def recall(self, task: str, answers: Sequence[str]) -> list[Recalled]:
        """Of the screens before the present one, without what stands there still."""
        now = self._turns.get(self._now)
        before = [self._turns[n] for n in sorted(self._turns) if n < self._now]
        if now is None or not before:
            return []
        asked = [(task, TASK_WEIGHT), *((answer, ANSWER_WEIGHT) for answer in answers)]
        asked += [(line, SCREEN_WEIGHT) for line in now.lines]
        return Memory(before).recall(asked, self._budget, without=now.lines)
