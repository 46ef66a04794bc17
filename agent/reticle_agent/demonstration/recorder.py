"""Watches a person do something, and writes it down step by step.

Text is kept only where the program tells over accessibility that an ordinary field has the keyboard, from the first
character to the last; everything else that is typed is written as its length alone, unless the person says otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from reticle_agent.effects import changed
from reticle_agent.seams import Screen
from reticle_agent.stop import StopToken
from reticle_agent.stopper import StopKey

from .gestures import Gesture, Gestures, Hand, Typed, any_moves_focus
from .listen import Listener
from .under import Accessible, Focus, Shown
from .writing import Done, StepWriter

LOOK_S = 0.15
"""Between two pictures while nothing is going on."""
SETTLED_S = 2.5
"""A picture after a step that still changes by then is taken as it is."""


@dataclass(slots=True)
class Recorded:
    """What came of it."""

    steps: int = 0
    unnamed: int = 0
    """Steps with a place for which no words were found."""
    secret: int = 0
    """Texts of which only the length was written."""
    left_out: int = 0
    """Inputs to windows of ours or of excluded programs."""


@dataclass(slots=True)
class Demonstration:
    """One recording. :meth:`run` returns when it is stopped."""

    screen: Screen
    desk: Accessible
    listen: Callable[[Callable[[], Shown]], Listener]
    writer: StepWriter
    token: StopToken
    display: Callable[[], str | None] = lambda: None
    """The display to look at, where the pointer is; None is the one with the active window."""
    stop_key: StopKey | None = None
    all_text: bool = False
    """Keep text wherever it was typed, password fields alone excepted."""
    told: Recorded = field(default_factory=Recorded)
    _newest: Shown | None = None
    _changed: bool = True
    _focus: Focus | None = None
    _plain: bool = False
    """Whether all that was typed into the open text so far went to one ordinary field."""
    _waiting: list[tuple[Gesture[Shown], bool]] = field(default_factory=list)
    """Done, without a picture from after it yet."""

    def run(self, seconds: float | None = None) -> Recorded:
        """Records until the stop key, the token, or the time ends it. Raises ReticleError when the display is lost."""
        gestures: Gestures[Shown] = Gestures()
        started = time.monotonic()
        self._look()
        listener = self.listen(self._seen)
        try:
            while not self._ended(listener) and (seconds is None or time.monotonic() - started < seconds):
                heard = listener.take()
                for number, hand in enumerate(heard):
                    self._hear(hand, gestures, heard[number + 1 :], listener)
                if gestures.typing:
                    self._watch_focus(listener)
                if not listener.waiting():  # what waits may go on with what is open
                    self._finished(gestures.rest(time.monotonic() * 1000))
                if not heard:
                    self._look()
                    self._write_waiting()
                    time.sleep(LOOK_S if not self._waiting else LOOK_S / 2)
        finally:
            listener.close()
        self._finished(gestures.flush())
        self._look()
        self._write_waiting(at_once=True)
        return self.told

    def _ended(self, listener: Listener) -> bool:
        if listener.lost:
            self.token.stop("crash", listener.lost)
        if self.stop_key is not None and (self.stop_key.grabbed_press() or self.stop_key.held()):
            self.token.stop("hotkey", "+".join(self.stop_key.keys))
        return self.token.stopped

    def _seen(self) -> Shown:
        assert self._newest is not None, "a picture is taken before anything is heard"
        return self._newest

    def _look(self) -> None:
        """A new picture; what is on it is asked for once it stands still."""
        waiting = self._waiting[-1][0].seen.frame.display.id if self._waiting else self.display()
        frame, last = self.screen.capture(waiting), self._newest
        moved = last is None or last.frame.display.id != frame.display.id or changed(last.frame, frame)
        if last is None or (self._changed and not moved):
            self._newest, self._changed = self.desk.shown(frame), False
        elif moved:
            self._newest, self._changed = self.desk.carried(last, frame), True
        else:
            self._newest = replace(last, frame=frame)

    def _hear(
        self, hand: Hand[Shown], gestures: Gestures[Shown], following: Sequence[Hand[Shown]], listener: Listener
    ) -> None:
        if self.stop_key is not None and hand.key is not None and set(hand.key.chord) == set(self.stop_key.keys):
            return
        if hand.kind == "key":
            left_out = self.desk.keyboard_is_ours()
        else:
            left_out = self.desk.ours(hand.at) or not hand.seen.holds(hand.at)
        if left_out:
            self.told.left_out += hand.kind != "button_up"
            return
        typing = gestures.typing
        self._finished(gestures.feed(hand))
        if gestures.typing and not typing:
            self._focus = self.desk.focus()
            late = any_moves_focus([*following, *listener.waiting()])
            self._plain = self._focus is not None and self._focus.plain and not late

    def _watch_focus(self, listener: Listener) -> None:
        """The field that had the keyboard at the first character must have it while more come."""
        if self._plain and self._focus is not None and not any_moves_focus(listener.waiting()):
            self._plain = self.desk.still(self._focus) or any_moves_focus(listener.waiting())

    def _finished(self, gestures: Sequence[Gesture[Shown]]) -> None:
        for gesture in gestures:
            secret = False
            if isinstance(gesture, Typed):
                known_secret = self._focus is not None and not self._focus.plain
                secret = not self._plain and (known_secret or not self.all_text)
                self.told.secret += secret
            self._waiting.append((gesture, secret))

    def _write_waiting(self, at_once: bool = False) -> None:
        """A step is written when the screen stands still after it; an earlier one ends where the next one began."""
        if not self._waiting or self._newest is None:
            return
        last = self._waiting[-1][0]
        waited = time.monotonic() * 1000 - last.end_ms
        fresh = self._newest.frame.monotonic_s * 1000 > last.end_ms
        if not at_once and not (fresh and not self._changed) and waited < SETTLED_S * 1000:
            return
        after = [gesture.seen.frame for gesture, _ in self._waiting[1:]] + [self._newest.frame]
        masks = [gesture.seen.masks for gesture, _ in self._waiting[1:]] + [self._newest.masks]
        for (gesture, secret), frame, mask in zip(self._waiting, after, masks, strict=True):
            self.writer.put(Done(gesture, secret, frame, mask, stable=not self._changed))
            self.told.steps += 1
        self._waiting.clear()
