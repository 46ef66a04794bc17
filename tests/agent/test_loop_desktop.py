"""The loop on a real desktop: capture, own process for input, stop process, trace on disk."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from reticle_agent.actions import Click, Drag, Finish, Hotkey, Step, TypeText
from reticle_agent.actuator import open_actuator
from reticle_agent.loop import RunResult, run_task
from reticle_agent.safety import Policy
from reticle_agent.screen import ScreenCapture
from reticle_agent.seams import StepOutcome
from reticle_agent.stop import StopToken
from reticle_agent.stop_watch import StopWatch
from reticle_agent.trace import TraceWriter
from reticle_agent.x11 import X11
from reticle_grounding.geometry import Point, Rect, Size, Transform
from reticle_grounding.types import Candidate, Grounding

if TYPE_CHECKING:
    from conftest import Pad

PAD = Rect(200, 150, 800, 550)


class Eyes:
    """Knows where the pad is; the words "corner" and "middle" name two places in it."""

    name = "fixed-1"

    def observe(self, image: Image.Image) -> Eyes:
        self.size = Size(*image.size)
        return self

    def ground(self, instruction: str, top_k: int = 5) -> Grounding:
        box = Rect(210, 160, 260, 180) if "corner" in instruction else Rect(480, 330, 520, 370)
        return Grounding(
            instruction=instruction,
            image_size=self.size,
            candidates=(Candidate(1, Point(box.left + 5, box.center.y), box, 0.9, 0.6, 0.2, "attention"),),
            found="moon" not in instruction,
            threshold=0.5,
            attention=np.full((10, 16), 1 / 160, dtype=np.float32),
            transform=Transform.for_image(self.size, Size(448, 280), 28),
            timings_ms={"total": 1.0},
            model=self.name,
        )


class Steps:
    def __init__(self, *steps: Step) -> None:
        self.steps = list(steps)

    def next(self, task: str, past: Sequence[StepOutcome]) -> Step:
        return self.steps[len(past)] if len(past) < len(self.steps) else Finish(True, "done")


@pytest.fixture
def token() -> StopToken:
    return StopToken()


@pytest.fixture
def watch(pad: Pad, token: StopToken) -> Iterator[StopWatch]:
    watching = StopWatch(token)
    yield watching
    watching.close()


def run(folder: Path, token: StopToken, *steps: Step) -> tuple[RunResult, list[dict[str, Any]]]:
    screen, actuator = ScreenCapture(), open_actuator(token)
    try:
        with TraceWriter.create(folder, task="on the pad", displays=screen.displays()) as trace:
            result = run_task(
                "on the pad",
                planner=Steps(*steps),
                screen=screen,
                grounder=Eyes(),
                approver=None,
                actuator=actuator,
                trace=trace,
                policy=Policy(mode="auto"),
                token=token,
            )
    finally:
        actuator.close()
        screen.close()
    return result, [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]


def test_text_is_typed_selected_and_replaced(pad: Pad, watch: StopWatch, token: StopToken, tmp_path: Path) -> None:
    pad.ask(clear=True)
    result, events = run(
        tmp_path / "trace",
        token,
        Click("the middle of the pad"),
        TypeText("Grüße, 漢字 😀"),
        Hotkey(("ctrl", "a")),
        TypeText("new", target="the corner of the pad"),
        Drag("the middle", "the corner"),
    )
    assert result == RunResult("done", 5, "done")
    presses = [e[2:] for e in pad.events(3, "press")]
    assert presses[0] == [485, 350]
    assert [485, 350] in presses[1:]
    deadline = time.monotonic() + 10
    while (text := pad.ask()["text"].replace("new", "", 1)) != "Grüße, 漢字 😀" and time.monotonic() < deadline:
        time.sleep(0.02)  # what was pasted or dragged may still be on its way
    assert text == "Grüße, 漢字 😀"
    acts = [e for e in events if e["type"] == "act"]
    assert [a["delivered"] for a in acts] == ["sent"] * 6
    assert acts[0]["point"]["physical"] == [485.5, 350.5]
    effects = [e["effect"] for e in events if e["type"] == "check"]
    assert effects[1] == "confirmed"
    assert effects[2] == "confirmed"


def test_stop_key_in_the_middle_of_typing(pad: Pad, watch: StopWatch, token: StopToken, tmp_path: Path) -> None:
    pad.ask(clear=True)

    def press_when_typing() -> None:
        from Xlib import XK, X
        from Xlib.ext.xtest import fake_input

        connection = X11()
        while len(pad.ask()["text"]) < 50:
            time.sleep(0.01)
        codes = [connection.raw.keysym_to_keycode(XK.string_to_keysym(n)) for n in ("Control_L", "Alt_L", "Escape")]
        for code in codes:
            fake_input(connection.raw, X.KeyPress, code)
        connection.raw.sync()
        time.sleep(0.05)
        for code in reversed(codes):
            fake_input(connection.raw, X.KeyRelease, code)
        connection.raw.sync()
        connection.close()

    person = threading.Thread(target=press_when_typing)
    person.start()
    result, events = run(
        tmp_path / "trace", token, Click("the middle of the pad"), TypeText("z" * 9000), Click("never")
    )
    person.join()
    assert (result.status, result.message) == ("stopped", "stopped with ctrl+alt+escape")
    stop = events[-1]
    assert (stop["type"], stop["trigger"]) == ("stop", "hotkey")
    assert 0 <= stop["latency_ms"] < 2000
    typed = len(pad.ask()["text"])
    assert 50 <= typed < 9000
    time.sleep(0.2)
    assert len(pad.ask()["text"]) == typed
    assert json.loads((tmp_path / "trace" / "manifest.json").read_text())["result"]["status"] == "stopped"
