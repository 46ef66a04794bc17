"""Asking on a terminal: what counts as an answer, and that a stop or an early key does not."""

from __future__ import annotations

import io
import os
import threading
import time
from collections.abc import Iterator

import pytest
from app_fakes.parts import frame_of, squares

from reticle_agent.actions import Hotkey
from reticle_agent.seams import Approval, ApprovalRequest
from reticle_agent.stop import StopToken
from reticle_app.cli.approver import TerminalApprover
from reticle_app.cli.start import has_display
from reticle_app.task import StoppableGrounder
from reticle_grounding.errors import BadInput, Cancelled

REQUEST = ApprovalRequest(Hotkey(("ctrl", "s")), "Press Ctrl+S", frame_of(squares()), None, None, "every step")


class Terminal:
    """Both ends of a pseudo-terminal and an approver on it."""

    def __init__(self) -> None:
        self.person, inner = os.openpty()
        self.token, self.shown = StopToken(), io.StringIO()
        self.source = os.fdopen(inner, "r")
        self.approver = TerminalApprover(self.token, self.source, self.shown)
        self.outcome: list[Approval | Exception] = []

    def ask(self) -> threading.Thread:
        thread = threading.Thread(target=self._ask, daemon=True)
        thread.start()
        deadline = time.monotonic() + 10
        while "stop:" not in self.shown.getvalue() and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(0.1)
        return thread

    def _ask(self) -> None:
        try:
            self.outcome.append(self.approver.decide(REQUEST))
        except Cancelled as stop:
            self.outcome.append(stop)

    def type(self, text: str) -> None:
        os.write(self.person, text.encode())


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    opened = Terminal()
    yield opened
    os.close(opened.person)
    opened.source.close()


@pytest.mark.parametrize(("typed", "decision"), [("y\n", "allow"), ("\n\nn\n", "deny"), ("?\n²\nk\n", "skip")])
def test_only_what_is_offered_answers(terminal: Terminal, typed: str, decision: str) -> None:
    asking = terminal.ask()
    for line in typed.splitlines(keepends=True):
        terminal.type(line)
        time.sleep(0.2)
    asking.join(10)
    assert [getattr(answer, "decision", None) for answer in terminal.outcome] == [decision]


def test_what_was_typed_before_the_question_is_no_answer(terminal: Terminal) -> None:
    terminal.type("y\ny\n")
    asking = terminal.ask()
    assert terminal.outcome == []
    terminal.type("n\n")
    asking.join(10)
    assert terminal.outcome == [Approval("deny", "user")]


def test_a_stop_ends_the_waiting(terminal: Terminal) -> None:
    asking = terminal.ask()
    terminal.token.stop("signal", "stopped by SIGINT")
    asking.join(10)
    assert [str(outcome) for outcome in terminal.outcome] == ["stopped by SIGINT"]


def test_a_closed_input_is_a_refusal() -> None:
    source = io.StringIO()
    source.close()
    approver = TerminalApprover(StopToken(), source, io.StringIO())
    assert approver.decide(REQUEST) == Approval("deny", "none")
    assert approver.answer("Which one?") is None


def test_a_stop_reaches_the_model_at_work() -> None:
    token, heard = StopToken(), []

    class Slow:
        name = "slow"

        def observe(self, image: object, stop: object) -> Slow:
            heard.append(stop())
            return self

        def ground(self, instruction: str, top_k: int, stop: object) -> None:
            token.stop("hotkey")
            heard.append(stop())

    StoppableGrounder(Slow(), token).observe(squares()).ground("the Save button")
    assert heard == [False, True]


def test_a_dead_display_is_no_display(monkeypatch: pytest.MonkeyPatch) -> None:
    from reticle_app.cli.start import open_app

    monkeypatch.setenv("DISPLAY", ":987")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert not has_display()
    with pytest.raises(BadInput, match=r"the display :987 does not answer.*reticle start"):
        open_app()
