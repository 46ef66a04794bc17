"""What goes wrong around a run: the disk fills up, the clock jumps. The run ends or goes on as it says, and says so."""

from __future__ import annotations

import errno
import os
from datetime import datetime, timedelta, timezone
from pathlib import Path
from random import Random

import pytest
from agent_fakes.desk import Desk, Person, hurry

from reticle_agent.actions import Click, Finish, Hotkey, Step, TypeText
from reticle_agent.loop import RunResult, run_task
from reticle_agent.safety import Policy
from reticle_agent.seams import StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceReader, TraceWriter, show, verify, writer
from reticle_agent.trace import store as files

STEPS: tuple[Step, ...] = (Click("the ok button"), TypeText("hello", target="field"), Hotkey(("ctrl", "s")))
INPUTS = {"click": 1, "type": 2, "hotkey": 1}
"""What is sent for each; text with a target needs a click first."""


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


class Listed:
    def next(self, task: str, past: tuple[StepOutcome, ...]) -> Step:
        return STEPS[len(past)] if len(past) < len(STEPS) else Finish(True, "done")


def carried_out(desk: Desk, folder: Path, token: StopToken | None = None, misses: int = 9) -> RunResult:
    """Three steps, each approved by a person. A planner that may try again must not outlive the record either."""
    with TraceWriter.create(folder, task="a task", displays=[desk.display]) as trace:
        return run_task(
            "a task",
            planner=Listed(),
            screen=desk,
            grounder=desk,
            approver=Person("allow", "allow", "allow"),
            actuator=desk,
            trace=trace,
            policy=Policy(mode="confirm", max_misses=misses),
            token=token or StopToken(),
        )


class Disk:
    """Puts nothing on disk any more after so many times; ``back`` is the time after which it does again."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
        self.calls, self.full_at, self.free_at = 0, 10**9, 10**9
        self.sent_when_full: int | None = None
        self._sync, self._desk = os.fsync, desk
        monkeypatch.setattr(files.os, "fsync", self)

    def __call__(self, handle: int) -> None:
        self.calls += 1
        if self.full_at <= self.calls < self.free_at:
            if self.sent_when_full is None:
                self.sent_when_full = len(self._desk.performed)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("free_again", [False, True])
def test_a_disk_that_fills_up_at_any_moment_ends_the_run_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_again: bool
) -> None:
    """Nothing is sent from the first write that fails, also where the next one would not."""
    whole = Disk(monkeypatch, Desk())
    TraceWriter.create(tmp_path / "begun", task="a task").close()
    before, whole.calls = whole.calls, 0
    assert carried_out(whole._desk, tmp_path / "whole").status == "done"
    assert whole.calls > before + 20
    for moment in range(before + 1, whole.calls + 1):
        desk = Desk()
        disk = Disk(monkeypatch, desk)
        disk.full_at = moment
        disk.free_at = moment + 1 if free_again else disk.free_at
        folder = tmp_path / str(moment)
        result = carried_out(desk, folder)
        assert result.status == "error", moment
        assert "No space left on device; free some space" in result.message
        assert len(desk.performed) == disk.sent_when_full, f"something was sent after write {moment} had failed"
        disk.full_at = 10**9
        trace = TraceReader.open(folder)
        assert trace.torn is None
        assert [event.seq for event in trace] == list(range(len(trace.events)))
        # An input without a record is the one that was under way when the disk filled up.
        recorded = sum(INPUTS.get(e.text("kind"), 0) for e in trace if e.type == "act" and e["delivered"] == "sent")
        assert 0 <= len(desk.performed) - recorded <= 2
        assert show(folder)


def test_a_stop_on_a_full_disk_is_still_a_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk, token = Desk(), StopToken()
    disk = Disk(monkeypatch, desk)

    def fill_and_stop(action: object) -> None:
        disk.full_at = 0
        token.stop("button", "stopped by you")

    desk.on_input = fill_and_stop
    result = carried_out(desk, tmp_path / "run", token)
    assert result.status in ("stopped", "error")
    assert "No space left" in result.message
    assert len(desk.performed) == 1
    assert token.report() is not None


@pytest.mark.parametrize("seed", range(3))
def test_a_clock_that_jumps_changes_neither_order_nor_limits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """The wall clock is set by years, both ways, between any two looks at it."""
    rng, real = Random(seed), datetime.now(timezone.utc)
    times: list[str] = []

    def jumping() -> str:
        moment = real + timedelta(days=rng.uniform(-9000, 9000))
        times.append(moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"))
        return times[-1]

    monkeypatch.setattr(writer, "_utc_now", jumping)
    monkeypatch.setattr("time.time", lambda: rng.uniform(0, 4e9))
    desk = Desk()
    result = carried_out(desk, tmp_path / "run")
    assert (result.status, result.steps) == ("done", 3), result.message
    assert verify(tmp_path / "run") == []
    events = TraceReader.open(tmp_path / "run").events
    assert [event.t for event in events] == times[1 : len(events) + 1]
    assert [event.mono_ms for event in events] == sorted(event.mono_ms for event in events)
    assert all(0 <= event.mono_ms < 60_000 for event in events)
    for name in ("latency_ms", "ms", "planner_ms"):
        assert all(0 <= (event.number(name) or 0) < 60_000 for event in events)
