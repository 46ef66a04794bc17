"""A writer killed without warning loses nothing it had finished."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reticle_agent.trace import TraceReader, show, verify, write_report

WRITER = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
from reticle_agent.trace import TraceWriter

trace = TraceWriter.create(Path(sys.argv[1]), task="run until killed")
print("ready", flush=True)
rng = np.random.default_rng(0)
step = 0
while True:
    step += 1
    screen = Image.fromarray(rng.integers(0, 255, (30, 40, 3), dtype=np.uint8)).resize((640, 480), 0)
    frame = trace.frame(screen)
    print(trace.event("observe", step=step, frame=frame, stable=True), frame, flush=True)
    for _ in range(5):
        print(trace.event("note", step=step, message="m" * 2000), flush=True)
    print(trace.event("act", step=step, kind="hotkey", args={"keys": ["escape"]}, delivered="sent"), flush=True)
"""


@pytest.mark.parametrize("seed", range(6))
def test_kill_loses_no_finished_event(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "run"
    process = subprocess.Popen([sys.executable, "-c", WRITER, folder], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(random.Random(seed).uniform(0.0, 0.4))
    process.send_signal(signal.SIGKILL)
    said = process.communicate(timeout=30)[0].splitlines()
    assert process.returncode == -signal.SIGKILL

    confirmed = [line.split() for line in said if line and line[0].isdigit()]
    trace = TraceReader.open(folder)
    assert [event.seq for event in trace] == list(range(len(trace.events)))
    assert len(trace.events) >= len(confirmed)
    for _, *frame in confirmed:
        assert all((folder / name).is_file() for name in frame)
    assert trace.status == "unfinished"
    allowed = ("the run has no result", "cut off", "unfinished file was left")
    assert [problem for problem in verify(folder) if not any(word in problem.message for word in allowed)] == []
    assert "unfinished" in show(folder)
    assert write_report(folder, tmp_path / "report.html").stat().st_size > 1000


def test_crash_between_steps_of_writing_leaves_only_whole_files(tmp_path: Path) -> None:
    """The draft of a frame that a crash leaves behind is named and harmless."""
    from reticle_agent.trace import TraceWriter

    with TraceWriter.create(tmp_path / "run", task="x") as trace:
        trace.event("note", message="before the crash")
    (trace.folder / "frames" / ".0123456789abcdef.png.part").write_bytes(b"half a picture")
    found = [str(problem) for problem in verify(trace.folder)]
    assert any(".0123456789abcdef.png.part" in text and "may be deleted" in text for text in found)
    assert TraceReader.open(trace.folder).events[0]["message"] == "before the crash"
