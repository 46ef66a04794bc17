"""Runs that end early, and runs that cannot begin: what is recorded and what is said."""

from __future__ import annotations

import os
import signal
import subprocess
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
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130, stderr
    assert "Traceback" not in stderr
    stops = [event for event in stage.events() if event["type"] == "stop"]
    assert [stop["trigger"] for stop in stops] == ["signal"]
    assert 0 <= stops[0]["latency_ms"] < 2000
    assert stage.titles() == ["*Untitled 1 - Mousepad"], "the application stays with the person, with what was typed"


def test_killed_run_keeps_its_finished_steps(stage: Stage) -> None:
    process = start_long_run(stage)
    process.kill()
    process.communicate()
    typed = [event for event in stage.events() if event["type"] == "act" and event["kind"] == "type"]
    assert [(event["text"], event["delivered"]) for event in typed] == [("before", "sent")]
    shown = stage.reticle("trace", "show", str(stage.trace), "--json")
    assert shown.code == 0, shown.stderr
    assert "before" in shown.stdout
    report = stage.reticle("trace", "report", str(stage.trace))
    assert report.code == 0, report.stderr


def test_no_display_is_one_clear_line(stage: Stage) -> None:
    stage.env.pop("DISPLAY")
    try:
        ended = stage.reticle("run", "click OK", "--auto", "--trace", str(stage.trace))
    finally:
        stage.env["DISPLAY"] = os.environ["DISPLAY"]
    assert ended.code == 1
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
