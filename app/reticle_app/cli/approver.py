"""Asking on the terminal before an input is sent.

Only an explicit letter or number approves; an empty line never does. Without a terminal nobody can answer, so the
answer is no.
"""

from __future__ import annotations

import sys
from typing import TextIO

from reticle_agent.seams import Approval, ApprovalRequest

MAX_CHOICE = 9


class TerminalApprover:
    """`Approver` on stdin and stderr (stdout belongs to the result)."""

    def __init__(self, source: TextIO = sys.stdin, sink: TextIO = sys.stderr) -> None:
        self._source, self._sink = source, sink

    def decide(self, request: ApprovalRequest) -> Approval:
        if not self._source.isatty():
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
        if not self._source.isatty():
            return None
        self._say(question)
        return self._source.readline().strip() or None

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
        line = self._source.readline()
        return line.strip().lower() if line else None

    def _say(self, line: str) -> None:
        self._sink.write(line + "\n")
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
    if answer.isdigit() and 1 <= int(answer) <= min(count, MAX_CHOICE):
        return Approval("allow", "user", int(answer) - 1)
    return None
