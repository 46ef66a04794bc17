"""Whole runs on a display that is lost or taken, in processes of their own; nothing is grounded, no model opened."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reticle_agent.trace import TraceReader, verify

RUN = """
import sys
from pathlib import Path
from reticle_app.task import TaskOptions, run_on_desktop
from reticle_grounding.errors import ReticleError

class Eyes:
    name = "none"

folder = Path(sys.argv[2])
try:
    result = run_on_desktop(TaskOptions(sys.argv[1], "auto", folder.parent, trace=folder), None, Eyes)
    print(result.status, result.message)
except ReticleError as problem:
    print("refused", problem)
"""
TASK = "press Escape, wait 280 seconds, then press Escape"
LONG_S = 240.0
"""Polling ends then; nothing here takes more than seconds on a machine that is not overloaded."""


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + LONG_S
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A display without a window manager, and a place for its locks."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset"]
    process = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        monkeypatch.setenv("DISPLAY", f":{answer.readline().strip()}")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def start(server: subprocess.Popen[bytes]) -> Iterator[Callable[[str, Path], subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def begin(task: str, folder: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", RUN, task, str(folder)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def waits(folder: Path) -> bool:
    """Whether the first key was sent and the run now waits."""
    journal = folder / "events.jsonl"
    lines = journal.read_text().split("\n")[:-1] if journal.is_file() else []
    return any(e["type"] == "act" and e["kind"] == "wait" for e in map(json.loads, lines))


def children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    below: list[int] = []
    for task in path.parents[1].glob("*/children"):
        below += map(int, task.read_text().split())
    return below


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_display_that_is_lost_ends_the_run_and_leaves_nothing(
    server: subprocess.Popen[bytes], start: Callable[[str, Path], subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = start(TASK, tmp_path / "run")
    assert until(lambda: process.poll() is not None or waits(tmp_path / "run"))
    assert process.poll() is None, process.communicate()
    helpers = children(process.pid)
    server.kill()
    said, problems = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, problems
    assert said.startswith("stopped the stop watcher")
    assert said.count("\n") == 1
    assert "Traceback" not in problems
    assert len(helpers) >= 2, "the stop watcher and the hand"
    assert until(lambda: not any(map(alive, helpers)))
    trace = TraceReader.open(tmp_path / "run")
    assert trace.status == "stopped"
    acts = [(e["kind"], e["delivered"]) for e in trace if e.type == "act"]
    assert acts == [("hotkey", "sent"), ("wait", "sent")]
    assert [e["trigger"] for e in trace if e.type == "stop"] == ["watchdog"]
    assert verify(tmp_path / "run") == []


def test_a_second_run_on_the_display_is_refused_and_the_first_goes_on(
    start: Callable[[str, Path], subprocess.Popen[str]], tmp_path: Path
) -> None:
    first = start(TASK, tmp_path / "first")
    assert until(lambda: first.poll() is not None or waits(tmp_path / "first"))
    second = start("press Tab", tmp_path / "second")
    said, problems = second.communicate(timeout=LONG_S)
    assert said == (
        f"refused another run acts on this display already (process {first.pid}); `reticle stop` ends it\n"
    ), problems
    assert not (tmp_path / "second").exists(), "refused before anything was opened"
    assert first.poll() is None
    first.send_signal(2)
    said, _ = first.communicate(timeout=LONG_S)
    assert said.startswith("stopped")
    acts = [e["kind"] for e in TraceReader.open(tmp_path / "first") if e.type == "act"]
    assert acts == ["hotkey", "wait"]
