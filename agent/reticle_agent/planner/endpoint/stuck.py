"""Is the run going in circles? The same steps on the same screens, again and again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PIL import Image

from reticle_agent.actions import AskUser, Finish, Step
from reticle_agent.recheck import changed_box

REPEATS = 3
"""So many rounds of the same steps on the same screens are a circle."""
LONGEST = 4
"""Steps of the longest circle that is noticed."""


class StuckWatch:
    """Keeps the last steps, each with the (grey) screen it was planned on."""

    def __init__(self, repeats: int = REPEATS) -> None:
        self._repeats = repeats
        self._last: deque[tuple[Step, Image.Image]] = deque(maxlen=repeats * LONGEST)

    def seen(self, step: Step, screen: Image.Image) -> str | None:
        """Notes a planned step; says in plain words when it closes a circle, before it is carried out."""
        self._last.append((step, screen.convert("L")))
        for period in range(1, LONGEST + 1):
            if self._repeated(period):
                if period == 1:
                    return f"the same step was planned {self._repeats} times and the screen does not change"
                return f"the same {period} steps were planned {self._repeats} times on the same screens"
        return None

    def forget(self) -> None:
        """Starts anew, after the user has said how to go on."""
        self._last.clear()

    def _repeated(self, period: int) -> bool:
        count = period * self._repeats
        if len(self._last) < count:
            return False
        tail = list(self._last)[-count:]
        pairs = list(zip(tail, tail[period:], strict=False))
        if any(before[0] != after[0] for before, after in pairs):
            return False
        return all(changed_box(before[1], after[1]) is None for before, after in pairs)


class CircleBreaker:
    """Lets steps pass until they close a circle: the first time the user is asked, the second time the run ends."""

    def __init__(self, repeats: int, note: Callable[[str], None]) -> None:
        """``note`` is told why, in plain words."""
        self._watch, self._note = StuckWatch(repeats), note
        self._asked = False

    def passed(self, step: Step, screen: Image.Image) -> Step:
        """The step, or what is done in its place; ``screen`` is what it was planned on."""
        if isinstance(step, Finish):
            return step
        why = self._watch.seen(step, screen)
        if why is None:
            return step
        self._note(why)
        if self._asked:
            return Finish(False, f"stuck: {why}")
        self._asked = True
        self._watch.forget()
        return AskUser(f"The planner is stuck: {why}. What should be done instead?")
