"""Asking on the terminal before an input is sent.

Only an explicit letter or number approves; an empty line never does, and neither does what was typed before the
question was there. Without a terminal nobody can answer, so the answer is no. A stop ends the waiting.
"""

from __future__ import annotations

import io
import select
import sys
from typing import TextIO

from reticle_agent.seams import Approval, ApprovalRequest
from reticle_agent.stop import StopToken

MAX_CHOICE = 9
LOOK_S = 0.05
"""Between two looks for a stop while nobody types."""


class TerminalApprover:
    """`Approver` on stdin and stderr (stdout belongs to the result)."""

    def __init__(self, token: StopToken, source: TextIO | None = None, sink: TextIO | None = None) -> None:
        self._token = token
        self._source: TextIO = source or sys.stdin or io.StringIO()  # a closed stdin is None
        self._sink = sink or sys.stderr

    def decide(self, request: ApprovalRequest) -> Approval:
        if not self._can_ask():
            self._say("nobody can be asked here (no terminal): refused; use --auto or --dry-run")
            return Approval("deny", "none")
        count = len(request.grounding.candidates) if request.grounding else 0
        self._describe(request)
        while True:
            answer = self._ask(count)
            approval = _read(answer, request.chosen, count)
            if approval is not None:
                return approval
            self._say("please answer with one of the letters or numbers")

    def answer(self, question: str) -> str | None:
        if not self._can_ask():
            return None
        self._say(question)
        self._forget_typed()
        return (self._line() or "").strip() or None

    def _can_ask(self) -> bool:
        return not self._source.closed and self._source.isatty()

    def _forget_typed(self) -> None:
        """What was typed ahead was not meant for this question."""
        if sys.platform != "win32":
            import termios

            termios.tcflush(self._source.fileno(), termios.TCIFLUSH)

    def _line(self) -> str:
        """The next line, empty at the end of input. Raises Cancelled after a stop."""
        while not select.select([self._source], [], [], LOOK_S)[0]:
            self._token.check()
        return self._source.readline()

    def _describe(self, request: ApprovalRequest) -> None:
        self._say(f"{request.description}  ({request.reason})")
        if request.grounding is None:
            return
        for index, c in enumerate(request.grounding.candidates):
            mark = "->" if index == request.chosen else "  "
            text = f'  "{c.text}"' if c.text else ""
            self._say(f" {mark} {c.rank}  p={c.p_true:.2f}  at {c.point.x:.0f},{c.point.y:.0f}{text}")

    def _ask(self, count: int) -> str | None:
        numbers = f", 1-{min(count, MAX_CHOICE)} another place" if count > 1 else ""
        self._sink.write(f"[y] do it{numbers}, [n] refuse, [k] skip, [s] stop: ")
        self._sink.flush()
        self._forget_typed()
        line = self._line()
        return line.strip().lower() if line else None

    def _say(self, line: str) -> None:
        from reticle_agent.trace.show import printable

        self._sink.write(printable(line) + "\n")
        self._sink.flush()


def _read(answer: str | None, chosen: int | None, count: int) -> Approval | None:
    """The approval that an answer means; None for an answer that means nothing. End of input is a refusal."""
    if answer is None:
        return Approval("deny", "none")
    if answer in ("y", "yes"):
        return Approval("allow", "user", chosen)
    if answer in ("n", "no"):
        return Approval("deny", "user")
    if answer == "k":
        return Approval("skip", "user")
    if answer == "s":
        return Approval("stop", "user")
    if answer.isdecimal() and 1 <= int(answer) <= min(count, MAX_CHOICE):
        return Approval("allow", "user", int(answer) - 1)
    return None
