"""Runs that end early, and runs that cannot begin: what is recorded and what is said."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Row, Stage

TASK = "type 'before', wait 60 seconds, then type 'after'"


def is_waiting(event: Row) -> bool:
    return event["type"] == "act" and event["kind"] == "wait"


def start_long_run(stage: Stage) -> subprocess.Popen[str]:
    """A run that has typed and now waits."""
    process = stage.start("run", TASK, "--app", "mousepad", "--auto", "--trace", str(stage.trace), "--json")
    stage.wait_for_event(process, is_waiting)
    return process


def test_interrupt_ends_the_run_and_is_recorded(stage: Stage) -> None:
    process = start_long_run(stage)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole foreground group
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    stops = [event for event in stage.events() if event["type"] == "stop"]
    assert [stop["trigger"] for stop in stops] == ["signal"]
    assert 0 <= stops[0]["latency_ms"] < 2000
    assert stage.titles() == ["*Untitled 1 - Mousepad"], "the application stays with the person, with what was typed"


def descendants(pid: int) -> dict[int, str]:
    """Process ids below ``pid`` -> program name."""
    parents: dict[int, tuple[int, str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            head, _, tail = stat.read_text().rpartition(")")
            parents[int(stat.parent.name)] = int(tail.split()[1]), head.partition("(")[2]
    below = {pid: ""}
    while more := {p: name for p, (parent, name) in parents.items() if parent in below and p not in below}:
        below |= more
    del below[pid]
    return below


def running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_killed_run_keeps_its_finished_steps(stage: Stage) -> None:
    process = start_long_run(stage)
    helpers = [pid for pid, name in descendants(process.pid).items() if name != "mousepad"]
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 10
    while any(map(running, helpers)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert helpers
    assert not [pid for pid in helpers if running(pid)], "a killed run leaves nothing that could still act"
    typed = [event for event in stage.events() if event["type"] == "act" and event["kind"] == "type"]
    assert [(event["text"], event["delivered"]) for event in typed] == [("before", "sent")]
    shown = stage.reticle("trace", "show", str(stage.trace), "--json")
    assert shown.code == 0, shown.stderr
    assert "before" in shown.stdout
    report = stage.reticle("trace", "report", str(stage.trace))
    assert report.code == 0, report.stderr


def test_nobody_to_ask_means_no(stage: Stage) -> None:
    ended = stage.run("type 'must not appear'", "mousepad", "--confirm")
    assert ended.code == 1
    assert ended.document["status"] == "refused"
    assert stage.titles() == ["Untitled 1 - Mousepad"], "a changed document would be marked by a star"


def test_no_display_is_one_clear_line(stage: Stage) -> None:
    stage.env.pop("DISPLAY")
    try:
        ended = stage.reticle("run", "click OK", "--auto", "--trace", str(stage.trace))
    finally:
        stage.env["DISPLAY"] = os.environ["DISPLAY"]
    assert ended.code == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("reticle: no display")
    assert ended.stderr.count("\n") == 1


def test_words_not_understood_start_nothing(stage: Stage) -> None:
    ended = stage.run("click OK and make it nicer", "mousepad")
    assert ended.code == 2
    assert '"make it nicer"' in ended.stderr
    assert ended.stderr.count("\n") == 1
    assert not stage.trace.exists()
    assert stage.titles() == []


def test_missing_application_is_named(stage: Stage) -> None:
    ended = stage.run("click OK", "no-such-program --flag")
    assert ended.code == 2
    assert "no program 'no-such-program'" in ended.stderr
    assert ended.stderr.count("\n") == 1
