"""`reticle trace replay|whatif`, `verify --repair`, `stop`: what they refuse before a model or display is opened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reticle_agent.stop_test import Measured
from reticle_agent.trace import TraceWriter
from reticle_app.cli.main import run_command
from reticle_app.cli.stop import lines, summary


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    with TraceWriter.create(tmp_path / "run", task="t") as writer:
        writer.event("task", text="t")
        writer.event("plan", step=0, instruction="ok")
        writer.finish("done")
    return tmp_path / "run"


@pytest.mark.parametrize("words", ["2", "=x", "two=x", "2=", "-1=x", "2= "])
def test_words_that_name_no_step(trace: Path, words: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["trace", "whatif", str(trace), "--words", words]) == 2
    assert "say STEP=WORDS" in capfd.readouterr().err


@pytest.mark.parametrize("command", ["whatif", "replay"])
def test_no_trace_there(tmp_path: Path, command: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["trace", command, str(tmp_path / "none")]) == 2
    assert "no trace in" in capfd.readouterr().err


def test_nothing_to_do_again(trace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_command(["trace", "replay", str(trace), "--auto"]) == 2
    assert "none of them was carried out" in capfd.readouterr().err


def test_a_torn_trace_is_mended_on_request(trace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with (trace / "events.jsonl").open("ab") as file:
        file.write(b'{"seq": 2, "ty')
    assert run_command(["trace", "verify", str(trace)]) == 1
    capfd.readouterr()
    assert run_command(["trace", "verify", str(trace), "--repair", "--json"]) == 0
    document = json.loads(capfd.readouterr().out)
    assert document["problems"] == []
    assert document["mended"] == ["events.jsonl line 3: 14 torn bytes were moved to events.torn"]


def test_nothing_to_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":77")
    assert run_command(["stop"]) == 2
    assert "no run acts on this display" in capfd.readouterr().err
    assert run_command(["stop", "--virtual"]) == 2


def test_figures_of_measured_stops() -> None:
    quick = [Measured("hotkey", float(n), float(n) / 2, (), "hotkey") for n in range(1, 100)]
    document = summary(quick)
    assert (document["ok"], document["all"]["p50_ms"], document["all"]["p99_ms"]) == (True, 50, 99)
    assert document["not_tested"] == ["corner", "mouse", "key"]
    assert "all: p99 99 ms from the trigger to no further input (within 100 ms), 0 left something held" in lines(
        document
    )
    late = summary([*quick, *[Measured("corner", 500.0, 480.0, (), "corner")] * 5])
    assert (late["ok"], late["by_way"]["corner"]["p99_ms"]) == (False, 500)
    held = summary([*quick, Measured("mouse", 5.0, 0.0, ("button 1",), "hotkey")])
    assert (held["ok"], held["left_held"], held["other_trigger"]) == (False, 1, 1)
    assert lines(held)[-1].endswith("1 left something held, button 1")
