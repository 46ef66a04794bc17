"""A recorded run, exported as a program, does its task again on another desktop."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from reticle_agent.trace import TraceReader

if TYPE_CHECKING:
    from conftest import Stage

TASK = "open the Search menu, then click 'Find and Replace...'"


@pytest.mark.slow
def test_program_looks_for_every_target_anew(stage: Stage) -> None:
    assert stage.run(TASK, "mousepad").code == 0
    program, again = stage.folder / "again.py", stage.folder / "again"
    written = stage.reticle("trace", "export", str(stage.trace), "--to", "script", "--out", str(program))
    assert written.code == 0, written.stderr
    assert not re.search(r"\d\d", program.read_text().split("return [")[1]), "no place is written down"
    options = ["--virtual", "--app", "mousepad", "--auto", "--trace", str(again)]
    done = subprocess.run(
        [sys.executable, str(program), *options],
        env=stage.env,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    replay = TraceReader.open(again)
    assert replay.status == "done"
    assert [event.text("instruction") for event in replay if event.type == "ground"] == [
        "the Search menu",
        "Find and Replace...",
    ]
