"""Turns inputs into single events for the process that owns pyautogui, and holds the stop signal.

The stop is checked before every single event, under the same lock that a stop takes to release what is held: once
``StopToken.stop`` has returned, nothing further is sent and nothing is held.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from reticle_grounding.errors import BadInput, ReticleError

from .actions import Button, ClickAt, DragTo, EnterText, Input, Pixel, PressKeys, ScrollAt
from .applications import AppGuard
from .gates import InputGate
from .keyboard import check_keys, check_text
from .pipe import LineProcess, ProcessLostError
from .stop import StopToken

START_S = 30.0
ANSWER_S = 5.0
PASTE_S = 2.0
TOLD_S = 2.0
"""The longest wait for the reason of a stop that the input process heard of first."""
HOVER_S = 0.03
"""Between arriving and pressing: toolkits highlight what is under the pointer first."""
BETWEEN_CLICKS_S = 0.06
DRAG_STEPS = 24
DRAG_STEP_S = 0.012
DRAG_HOLD_S = 0.12
"""Before moving and before letting go; shorter ones are not taken for a drag everywhere."""
PASTE_CHORD = ("ctrl", "v")
PASTE_CHORD_WITHOUT_LATIN = ("shift", "insert")
"""Layouts without a V; it is not the first choice, since some programs paste the mouse selection with it."""
TERMINAL_PASTE_CHORD = ("ctrl", "shift", "v")


class HandActuator:
    """``seams.Actuator`` over ``reticle_agent.hand``. Raises DisplayError-like ReticleError when that cannot start."""

    def __init__(self, token: StopToken, gate: InputGate) -> None:
        self._token, self._gate = token, gate
        self._lock = threading.RLock()
        self._held: list[str] = []
        self._let_go: tuple[str, ...] = ()
        """Let go of by a stopped input, and not yet told to the stop."""
        self._clicked: Pixel | None = None
        self._hand: LineProcess | None = _start_hand()
        token.on_stop(self.release)

    @property
    def pid(self) -> int | None:
        """The process that sends the events; None once it has ended."""
        return self._hand.pid if self._hand is not None else None

    def perform(self, action: Input) -> None:
        """Sends one input. Raises Cancelled after a stop, BadInput or RefusedError before anything was sent."""
        self._token.check()
        try:
            self._dispatch(action)
        except BaseException:
            with self._lock:  # whichever of both threads lets go first, the stop's report names what was held
                let_go = self.release()
                self._let_go = let_go if self._token.stopped else ()
            raise

    def release(self) -> tuple[str, ...]:
        """Lets go of all keys and buttons; returns their names. Never raises for a hand that has gone."""
        with self._lock:
            before, self._let_go = self._let_go, ()
            if self._hand is None:
                return before
            held, self._held = (*before, *self._held), []
            try:
                self._ask(op="release")
            except ReticleError:
                self._rescue(held)
            return held

    def close(self) -> None:
        """Releases what is held and ends the process; a second call does nothing."""
        self._token.forget(self.release)
        with self._lock:
            self.release()
            hand, self._hand = self._hand, None
            if hand is not None:
                hand.end()
        self._gate.close()

    def _dispatch(self, action: Input) -> None:
        if isinstance(action, ClickAt):
            self._click(action)
        elif isinstance(action, DragTo):
            self._drag(action)
        elif isinstance(action, ScrollAt):
            self._scroll(action)
        elif isinstance(action, EnterText):
            self._enter(action.text)
        else:
            self._press_keys(action)

    def _click(self, action: ClickAt) -> None:
        self._move([action.at])
        self._token.sleep(HOVER_S)
        for n in range(action.count):
            if n:
                self._token.sleep(BETWEEN_CLICKS_S)
            self._gate.press(action.at)
            self._button(action.button, True)
            self._button(action.button, False)
        self._clicked = action.at

    def _drag(self, action: DragTo) -> None:
        way = drag_path(action.start, action.end)
        self._gate.path(way)
        self._gate.press(action.end)
        self._move([action.start])
        self._token.sleep(HOVER_S)
        self._gate.press(action.start)
        self._button("left", True)
        self._token.sleep(DRAG_HOLD_S)
        for pixel in way[1:]:
            self._event(op="move", x=pixel[0], y=pixel[1])
            self._token.sleep(DRAG_STEP_S)
        self._token.sleep(DRAG_HOLD_S)
        self._button("left", False)

    def _scroll(self, action: ScrollAt) -> None:
        if action.at is not None:
            self._move([action.at])
            self._token.sleep(HOVER_S)
        at = self._event(op="pointer")["at"]
        self._gate.press((int(at[0]), int(at[1])))
        for _ in range(action.amount):
            self._event(op="wheel", direction=action.direction)

    def _press_keys(self, action: PressKeys) -> None:
        check_keys(action.keys)
        self._gate.chord(action.keys)
        self._before_keys()
        for key in action.keys:
            self._key(key, True)
        for key in reversed(action.keys):
            self._key(key, False)

    def _enter(self, text: str) -> None:
        """With the keys of the layout where all characters have one, else through the clipboard in one paste."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        check_text(text)
        self._before_keys()
        if self._event(op="typable", text=text)["typable"]:
            for char in text:
                self._event(op="char", char=char)
        else:
            self._paste(text)

    def _before_keys(self) -> None:
        """Keys that follow a click go to the window that was clicked, and never to one of ours."""
        if self._clicked is not None:
            self._gate.await_focus(self._clicked, self._token.sleep)
            self._clicked = None
        self._gate.keys()

    def _paste(self, text: str) -> None:
        """Old clipboard contents come back as soon as the application has fetched the text."""
        lent = self._event(op="lend", text=text)
        window = lent["window"]
        chord: tuple[str, ...] = PASTE_CHORD if lent["latin"] else PASTE_CHORD_WITHOUT_LATIN
        if self._gate.is_terminal(window):
            chord = TERMINAL_PASTE_CHORD
        for key in chord:
            self._key(key, True)
        for key in reversed(chord):
            self._key(key, False)
        taken = self._await_taken(window)
        self._event(op="give_back")
        if not taken:
            raise ReticleError("the application did not take the pasted text; is the cursor in a text field?")

    def _await_taken(self, window: int | None) -> bool:
        waited = 0.0
        answer: dict[str, Any] = {}
        while waited < PASTE_S and not answer.get("quiet"):
            self._token.sleep(0.01)
            waited += 0.01
            answer = self._event(op="taken", window=window)
        return bool(answer.get("taken"))

    def _move(self, pixels: list[Pixel]) -> None:
        self._gate.path(pixels)
        for x, y in pixels:
            self._event(op="move", x=x, y=y)

    def _button(self, name: Button, down: bool) -> None:
        self._hold(f"button {name}", op="button", name=name, down=down)

    def _key(self, name: str, down: bool) -> None:
        self._hold(name, op="key", name=name, down=down)

    def _hold(self, what: str, *, op: str, name: str, down: bool) -> None:
        """Remembers before a press (a crash must not leave it held), forgets after a release."""
        with self._lock:
            self._token.check()
            if down:
                self._held.append(what)
            self._event(op=op, name=name, down=down)
            if not down and what in self._held:
                self._held.remove(what)

    def _event(self, **request: Any) -> dict[str, Any]:
        """One event, unless stopped. This is the only way to the desktop."""
        with self._lock:
            self._token.check()
            reply = self._ask(**request)
        if reply.get("error") == "failsafe":
            self._token.stop("corner", str(reply["message"]))
            self._token.check()
        if reply.get("error") == "stopped":  # by the stopper itself; its word to the token is on its way
            self._token.sleep(TOLD_S)
            self._token.stop("watchdog", str(reply["message"]))
            self._token.check()
        if "error" in reply:
            raise (BadInput if reply["error"] == "input" else ReticleError)(str(reply["message"]))
        return reply

    def _ask(self, **request: Any) -> dict[str, Any]:
        if self._hand is None:
            raise ProcessLostError("the input process is not running; start a new run")
        try:
            self._hand.send(request)
            return self._hand.receive(ANSWER_S)
        except TimeoutError as problem:
            self._hand.kill()
            raise ProcessLostError(f"{problem}; it was ended") from problem

    def _rescue(self, held: Iterable[str]) -> None:
        """The hand has gone: a new one lets go of what the old one held, then nothing more is sent."""
        lost, self._hand = self._hand, None
        if lost is not None:
            lost.end(0.5)
        if not held:
            return
        try:
            rescuer = _start_hand()
        except ReticleError:
            return  # no display any more, so nothing is held on it either
        with suppress(ProcessLostError, TimeoutError):  # nothing more can be done, and a stop must go on
            rescuer.send({"op": "release", "names": list(held)})
            rescuer.receive(ANSWER_S)
        rescuer.end()


def _start_hand() -> LineProcess:
    hand = LineProcess("reticle_agent.hand", name="the input process")
    try:
        hello = hand.receive(START_S)
    except (ProcessLostError, TimeoutError) as problem:
        hand.kill()
        raise ReticleError(f"the input process did not start ({problem})") from problem
    if "error" in hello:
        hand.end()
        raise ReticleError(str(hello["message"]))
    return hand


def drag_path(start: Pixel, end: Pixel, steps: int = DRAG_STEPS) -> list[Pixel]:
    """``steps`` + 1 pixels on the straight line, slow at both ends (applications start a drag on small moves)."""
    path = []
    for n in range(steps + 1):
        t = n / steps
        eased = t * t * (3 - 2 * t)
        path.append((round(start[0] + (end[0] - start[0]) * eased), round(start[1] + (end[1] - start[1]) * eased)))
    return path


def open_actuator(token: StopToken, own_pids: Iterable[int] = (), guard: AppGuard | None = None) -> HandActuator:
    """The actuator for ``$DISPLAY``; ``guard`` forbids inputs to some applications.

    Raises ReticleError when there is no display.
    """
    gate = InputGate(own_pids=own_pids, guard=guard)
    try:
        return HandActuator(token, gate)
    except BaseException:
        gate.close()
        raise
