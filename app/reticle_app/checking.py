"""The checks of `doctor` for the window: tried in a process of their own, ``python -m reticle_app.checking``.

That process clicks and types into a test window of its own, so the window stays alive meanwhile and is never clicked.
JSON lines on stdout: ``{"check": {...}}`` per finding; ``{"wait": "overlay"}``, upon which the other side takes its
windows away and sends a line; ``{"done": true}``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import asdict
from typing import Any

from reticle_agent.doctor import Check, desktop_checks
from reticle_agent.pipe import LineProcess, ProcessLostError
from reticle_grounding.errors import ReticleError

LIMIT_S = 60.0
"""The longest wait for one finding."""


class DesktopChecks:
    """The checks that need a display, under way in another process. ``end`` may be called from any thread."""

    def __init__(self, step_aside: Callable[[], AbstractContextManager[None]]) -> None:
        self._aside = step_aside
        self._child = LineProcess("reticle_app.checking", name="the check of this machine")
        self._ended = False

    def findings(self) -> Iterator[Check]:
        """Each as soon as it is known; blocks. Raises ReticleError when the process ends too early."""
        with ExitStack() as hidden:
            try:
                while not (line := self._child.receive(LIMIT_S)).get("done"):
                    if "wait" in line:
                        hidden.enter_context(self._aside())
                        self._child.send({"go": True})
                        continue
                    hidden.close()
                    yield Check(**line["check"])
            except TimeoutError as problem:
                raise ReticleError(str(problem)) from problem
            except (ProcessLostError, ValueError):
                if not self._ended:
                    raise
            finally:
                self.end()

    def end(self) -> None:
        """Ends the process at once."""
        self._ended = True
        self._child.kill()


def main() -> int:
    """Entry of the process."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as sink:
        os.dup2(2, 1)  # what libraries print must not end up among the lines

        def say(line: dict[str, Any]) -> None:
            sink.write(json.dumps(line) + "\n")
            sink.flush()

        def overlay() -> str:
            from .overlay_check import overlay_works

            say({"wait": "overlay"})
            if not sys.stdin.readline():
                raise ReticleError("nobody waits for the answer any more")
            return overlay_works()

        try:
            for check in desktop_checks(overlay):
                say({"check": asdict(check)})
            say({"done": True})
        except BrokenPipeError:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
