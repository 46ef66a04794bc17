"""The agent's side of the stopper: a stop there stops the token here, and so does its silence."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from reticle_grounding.errors import ReticleError

from .pipe import LineProcess, ProcessLostError
from .stop import StopToken, Trigger

START_S = 30.0
SILENCE_S = 5.0
"""The stopper reports about twice a second; after this long without a word the run is stopped."""
HANDS_S = 10.0
"""The longest wait for the person's hands to rest."""
LOOK_S = 0.003
TRIGGERS: dict[str, Trigger] = {
    "hotkey": "hotkey", "corner": "corner", "signal": "signal", "mouse_moved": "mouse_moved",
    "key_pressed": "key_pressed",
}  # fmt: skip


class StopWatch:
    """Runs the stopper for as long as it is open. Fails closed: no stopper, no run.

    Raises ReticleError when the stopper cannot watch (no display, no free stop key).
    """

    def __init__(self, token: StopToken) -> None:
        self._token = token
        self._closing = threading.Event()
        self._stopper = LineProcess("reticle_agent.stopper", name="the stop watcher")
        try:
            hello = self._stopper.receive(START_S)
        except (ProcessLostError, TimeoutError) as problem:
            self._stopper.kill()
            raise ReticleError(f"the stop key cannot be watched ({problem})") from problem
        if "error" in hello:
            self._stopper.end()
            raise ReticleError(str(hello["error"]))
        self.keys: tuple[str, ...] = tuple(hello["keys"])
        """The chord in use; show it to the person."""
        self.watches_hands = bool(hello.get("hands"))
        """Whether the person's own mouse and keys stop the run while an input is sent."""
        self._inputs = 0
        self._acting = 0
        self._thread = threading.Thread(target=self._listen, name="stop-watch", daemon=True)
        self._thread.start()

    @property
    def pid(self) -> int:
        return self._stopper.pid

    @contextmanager
    def hands_off(self) -> Iterator[None]:
        """Waits until the person's hands rest; inside, they stop the run. One thread at a time.

        Raises Cancelled after a stop, ReticleError when mouse and keyboard are not left alone in time.
        """
        if not self.watches_hands:
            yield
            return
        self._inputs += 1
        self._say(self._inputs)
        deadline = time.monotonic() + HANDS_S
        try:
            while self._acting != self._inputs:
                if time.monotonic() > deadline:
                    raise ReticleError(
                        f"mouse or keyboard were not left alone for {HANDS_S:g} s, so nothing was sent; let go of them"
                    )
                self._token.sleep(LOOK_S)
            yield
        finally:
            self._say(0)

    def guards(self, hand: int | None) -> None:
        """Names the process that sends the events; a stop reaches it without a detour through this one."""
        if hand is not None:
            with suppress(ProcessLostError):
                self._stopper.send({"hand": hand})

    def rest(self) -> None:
        """Waits until the person's hands rest. Raises as :meth:`hands_off`."""
        with self.hands_off():
            pass

    def _say(self, acting: int) -> None:
        with suppress(ProcessLostError):  # its end stops the run already
            self._stopper.send({"acting": acting})

    def close(self) -> None:
        """Ends the stopper; the token stays as it is."""
        self._closing.set()
        self._stopper.end()
        self._thread.join(SILENCE_S)

    def _listen(self) -> None:
        while not self._closing.is_set():
            try:
                message = self._stopper.receive(SILENCE_S)
            except TimeoutError:
                self._lost("the stop watcher is silent, so the run was stopped")
                return
            except (ProcessLostError, OSError, ValueError):
                self._lost("the stop watcher has ended, so the run was stopped")
                return
            if self._stops(message):
                return

    def _stops(self, message: dict[str, Any]) -> bool:
        if message.get("acting"):
            self._acting = int(message["acting"])
        if "stop" in message:
            trigger = TRIGGERS[str(message["stop"])]
            return self._token.stop(trigger, str(message["message"]), seen_s=float(message["seen_s"]))
        if "error" in message:
            self._lost(f"the stop watcher failed: {message['error']}")
            return True
        return False

    def _lost(self, why: str) -> None:
        if not self._closing.is_set():
            self._token.stop("watchdog", why)


@contextmanager
def stopped_by_signals(token: StopToken) -> Iterator[None]:
    """SIGINT and SIGTERM stop the run while inside; only the main thread may use it (others get no signals)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: FrameType | None) -> None:
        name = signal.Signals(number).name
        threading.Thread(target=token.stop, args=("signal", f"stopped by {name}"), daemon=True).start()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
