"""The whole flow as a person goes through it: openbox, xdotool as the hand, another program as what is worked on.

The application runs in a process of its own and tells what it shows; everything that is done to it is a key or a click
of xdotool. At scales 1, 1.25 and 2, and on two monitors.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from reticle_agent.session import virtual_desktop
from reticle_grounding.geometry import Point, Rect, Size

FAKES = Path(__file__).parent / "app_fakes"
RED = Rect(400, 140, 484, 224)
LONGEST_S = 120.0
DONE = "Done"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(shutil.which("xdotool") is None, reason="xdotool is not installed; run make setup-test"),
]


def hand(*words: str) -> None:
    subprocess.run(["xdotool", *words], check=True, timeout=60)


class Person:
    """Looks through the application's eyes and moves the hand."""

    def __init__(self, process: subprocess.Popen[str], target: subprocess.Popen[str]) -> None:
        self.process, self.target = process, target

    def _ask(self, question: str) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the application has ended"
        return json.loads(line)

    @property
    def sees(self) -> dict[str, Any]:
        told: dict[str, Any] = self._ask("state")
        return told

    def waits(self, what: str, seen: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
        end, told = time.monotonic() + LONGEST_S, self.sees
        while not seen(told):
            assert time.monotonic() < end, f"{what} did not come: {told}"
            time.sleep(0.1)
            told = self.sees
        return told

    def clicks(self, name: str, window: str = "main") -> None:
        end = time.monotonic() + LONGEST_S
        while (at := self._ask(f"where\t{window}\t{name}")) is None:
            assert time.monotonic() < end, f"{name!r} cannot be clicked in the {window} window"
            time.sleep(0.1)
        hand("mousemove", str(at[0]), str(at[1]), "sleep", "0.1", "click", "1")

    def writes(self, words: str) -> None:
        hand("key", "ctrl+a", "type", "--delay", "15", words)

    def clicks_received(self) -> list[Point]:
        """Ends the program that is worked on and returns the clicks it got, device pixels."""
        self.target.terminate()
        assert self.target.stdout is not None
        return [Point(*map(float, line.split()[1:])) for line in self.target.stdout if line.startswith("click")]


@contextmanager
def at_work(traces: Path, scale: str) -> Iterator[Person]:
    """The application and the program that is worked on, on the present desktop."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("QT_")}
    plain |= {"QT_QPA_PLATFORM": "xcb"}
    target = subprocess.Popen(
        [sys.executable, str(FAKES / "squares_window.py")], env=plain, stdout=subprocess.PIPE, text=True
    )
    assert target.stdout is not None
    assert target.stdout.readline() == "ready\n"
    command = [sys.executable, str(FAKES / "whole_app.py"), str(traces)]
    app = subprocess.Popen(
        command,
        env={**plain, "QT_SCALE_FACTOR": scale},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Person(app, target)
    finally:
        for process in (app, target):
            process.kill()
            process.communicate()


@pytest.mark.parametrize(
    ("scale", "size"), [("1", Size(1280, 800)), ("1.25", Size(1600, 1000)), ("2", Size(2560, 1600))]
)
def test_from_the_first_capture_to_the_recorded_run(tmp_path: Path, scale: str, size: Size) -> None:
    with virtual_desktop(size), at_work(tmp_path / "traces", scale) as person:
        told = person.waits("the window", lambda s: s["ready"] and s["active"] == "Reticle")
        assert told["ratio"] == float(scale)

        # look
        person.clicks("Capture")
        told = person.waits("the picture", lambda s: s["picture"][0] and not s["busy"])
        assert told["picture"] == [size.width, size.height], "every device pixel"
        person.clicks("Instruction")
        person.writes("the red square")
        person.waits("the words", lambda s: s["field"] == "the red square")
        hand("key", "Return")
        person.waits("the answer", lambda s: s["chosen"] == 0 and not s["busy"])
        hand("key", "2")
        person.waits("the other candidate", lambda s: s["chosen"] == 1)
        hand("key", "h")
        person.waits("no heat map", lambda s: not s["heat"])
        fitted = person.sees["zoom"]
        hand("key", "ctrl+plus")
        person.waits("a larger picture", lambda s: s["zoom"] > fitted)

        # look into it, and write it to a file
        hand("key", "ctrl+i")
        told = person.waits("the inspector", lambda s: s["active"] == "Inspector" and s["inspector"]["words"])
        assert told["inspector"]["words"] == "the red square"
        hand("key", "ctrl+s")
        person.waits("the dialog", lambda s: s["active"] not in ("Inspector", False))
        written = tmp_path / "answer.json"
        person.writes(str(written))
        hand("key", "Return")
        person.waits("the file", lambda s: written.exists() and s["inspector"]["banner"] == "Written")
        assert json.loads(written.read_text())["instruction"] == "the red square"
        hand("key", "alt+F4")
        person.waits("the main window again", lambda s: s["active"] == "Reticle" and not s["inspector"]["visible"])

        # act
        person.clicks("Instruction")
        person.writes("click the red square")
        person.waits("the words", lambda s: s["field"] == "click the red square")
        person.clicks("Run")
        person.waits("the question", lambda s: s["asked"])
        person.clicks("Approve")
        person.waits("the end", lambda s: not s["running"] and s["banner"] == DONE)

        # look back
        hand("key", "ctrl+r")
        person.waits("the run", lambda s: s.get("traces", {}).get("listed") == 1 and "runs" in str(s["active"]).lower())
        person.clicks("Runs", "traces")
        hand("key", "Home")
        person.waits("its step", lambda s: s["traces"]["shown"])
        person.clicks("Right", "traces")
        folder = next((tmp_path / "traces").iterdir())
        end = time.monotonic() + LONGEST_S
        while not (folder / "review.json").exists() and time.monotonic() < end:
            time.sleep(0.1)
        said = json.loads((folder / "review.json").read_text())["steps"]
        assert [step["verdict"] for step in said.values()] == ["right"]

        # leave
        hand("key", "alt+F4")
        person.waits("the main window", lambda s: s["active"] == "Reticle")
        hand("key", "alt+F4")
        assert person.process.wait(30) == 0
        received = person.clicks_received()
    assert len(received) == 1
    assert RED.contains(received[0])


def test_on_two_monitors_the_window_stays_on_one_and_acts_on_the_other(tmp_path: Path) -> None:
    with virtual_desktop(Size(2560, 800)):
        for name, place, output in (
            ("*WEST", "1280/338x800/211+0+0", "screen"),
            ("EAST", "1280/338x800/211+1280+0", "none"),
        ):
            subprocess.run(["xrandr", "--setmonitor", name, place, output], check=True)
        with at_work(tmp_path / "traces", "1") as person:
            told = person.waits("the window", lambda s: s["ready"] and s["active"] == "Reticle")
            assert len(told["screens"]) == 2
            found = subprocess.run(
                ["xdotool", "search", "--name", "^Reticle$"], capture_output=True, text=True, check=True
            )
            for window in found.stdout.split():
                hand("windowmove", window, "1400", "60")
            person.waits("the window on the other monitor", lambda s: s["screen"] == "EAST")
            person.clicks("Capture")
            told = person.waits("the picture", lambda s: s["picture"][0] and not s["busy"])
            assert told["picture"] == [1280, 800], "one monitor, not both"
            person.clicks("Instruction")
            person.writes("click the red square")
            person.waits("the words", lambda s: s["field"] == "click the red square")
            person.clicks("Run")
            person.waits("the question", lambda s: s["asked"] and any(s["overlays"]))
            assert person.sees["screen"] == "EAST"
            person.clicks("Approve")
            person.waits("the end", lambda s: not s["running"] and s["banner"] == DONE)
            received = person.clicks_received()
    assert len(received) == 1
    assert RED.contains(received[0])
