"""Who is asked where no window of the app is open: a small window in a process of its own, or nobody.

Whatever goes wrong with asking is a refusal; a stop ends the waiting.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace

from reticle_agent.seams import Approval, ApprovalRequest, Approver
from reticle_agent.stop import StopToken

ASK = (sys.executable, "-m", "reticle_app.ask")
APPROVAL_S = 300.0
"""An unanswered question is a refusal after this many seconds."""
LOOK_S = 0.05
REDRAW_S = 0.15
"""For what the window covered to be drawn again."""
DENY = Approval("deny", "none")


class ProcessApprover:
    """Asks in a window of its own process, one for each question, so that it needs no event loop here."""

    def __init__(self, token: StopToken, command: Sequence[str] = ASK, timeout_s: float = APPROVAL_S) -> None:
        self._token, self._command, self._timeout_s = token, list(command), timeout_s

    def decide(self, request: ApprovalRequest) -> Approval:
        """Raises Cancelled after a stop."""
        try:
            process = subprocess.Popen(
                self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError:
            return DENY
        try:
            answer = self._answer(process, request)
        finally:
            process.kill()  # it has answered, or must not answer any more
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()
        self._token.sleep(REDRAW_S)
        return answer

    def answer(self, question: str) -> str | None:
        """Questions in words need the keyboard, which belongs to the application at work: nobody answers."""
        return None

    def _answer(self, process: subprocess.Popen[bytes], request: ApprovalRequest) -> Approval:
        if process.stdin is None or process.stdout is None:
            return DENY
        question = {"description": request.description, "reason": request.reason}
        try:
            process.stdin.write(json.dumps(question).encode() + b"\n")
            process.stdin.flush()
        except OSError:
            return DENY
        until = time.monotonic() + self._timeout_s
        while not select.select([process.stdout], [], [], LOOK_S)[0]:
            self._token.check()
            if time.monotonic() > until:
                return DENY
        try:
            said = json.loads(process.stdout.readline(1000))
        except ValueError:
            return DENY
        decision = said.get("decision") if isinstance(said, dict) else None
        if decision == "allow":
            return Approval("allow", "user", request.chosen)
        return Approval("deny", "user") if decision == "deny" else DENY


class ForProgram:
    """Tells the person that the task is another program's, not their own words."""

    def __init__(self, inner: Approver, who: str) -> None:
        self._inner, self._who = inner, who

    def decide(self, request: ApprovalRequest) -> Approval:
        return self._inner.decide(replace(request, reason=f"{self._who} wants this; {request.reason}"))

    def answer(self, question: str) -> str | None:
        return self._inner.answer(question)
