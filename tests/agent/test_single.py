"""One agent per display: a second is refused, a dead one leaves nothing behind, others can stop it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reticle_agent.single import lock_path, only_agent, stop_other
from reticle_grounding.errors import BadInput, ReticleError

HOLD = """
import sys, time
from reticle_agent.single import only_agent
with only_agent(":77") as lock:
    print("held", flush=True)
    time.sleep(300)
"""


@pytest.fixture(autouse=True)
def _private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))


@pytest.fixture
def other() -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_the_second_is_refused_and_named(other: subprocess.Popen[str]) -> None:
    with pytest.raises(ReticleError, match=rf"acts on this display already \(process {other.pid}\)"), only_agent(":77"):
        pass
    with only_agent(":78"):
        pass


def test_two_runs_of_one_process_are_two_runs() -> None:
    with only_agent(":77"), pytest.raises(ReticleError, match="already"), only_agent(":77.0"):
        pass
    with only_agent(":77"):
        pass


def test_a_killed_one_leaves_the_display_free(other: subprocess.Popen[str]) -> None:
    other.send_signal(signal.SIGKILL)
    other.wait()
    with only_agent(":77"):
        pass


def test_a_run_is_stopped_through_the_process_that_watches(other: subprocess.Popen[str]) -> None:
    watcher = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    path = lock_path(":77")
    path.write_text(json.dumps({"agent": other.pid, "stopper": watcher.pid}))
    assert stop_other(":77") == other.pid
    assert watcher.wait(20) == -signal.SIGTERM
    assert other.poll() is None


def test_before_it_watches_the_agent_itself_is_stopped(other: subprocess.Popen[str]) -> None:
    assert stop_other(":77") == other.pid
    assert other.wait(20) == -signal.SIGTERM


def test_nothing_to_stop() -> None:
    with pytest.raises(BadInput, match="no run acts"):
        stop_other(":77")
    with only_agent(":77"):
        pass
    with pytest.raises(BadInput, match="no run acts"):
        stop_other(":77")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"agent": 1}', '{"agent": "x"}', '{"agent": -1}'])
def test_a_damaged_lock_file_signals_nobody(other: subprocess.Popen[str], text: str) -> None:
    lock_path(":77").write_text(text)
    with pytest.raises(BadInput, match="no run acts"):
        stop_other(":77")


def test_a_lock_that_is_a_link_is_refused(tmp_path: Path) -> None:
    path = lock_path(":77")
    os.symlink(tmp_path / "elsewhere", path)
    with pytest.raises(ReticleError, match="kept apart"), only_agent(":77"):
        pass
    assert not (tmp_path / "elsewhere").exists()
