from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from agent_fakes.desk import Desk, hurry
from app_fakes.parts import ScriptPlanner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from reticle_agent.actions import Click, Hotkey, Input, PressKeys, Step
from reticle_agent.loop import RunResult, run_task
from reticle_agent.safety import Policy
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceReader, TraceWriter
from reticle_app.protocol import (
    ProtocolError,
    decode_error,
    decode_grounding,
    encode_error,
    encode_grounding,
    read_message,
    write_message,
)
from reticle_app.remote import ModelEndedError, RemoteGrounder, told_to_worker, worker_arguments
from reticle_app.resources import sample_picture
from reticle_app.worker import open_predictor
from reticle_grounding.errors import BadInput, Cancelled, CheckpointError, ReticleError
from reticle_grounding.geometry import Affine, Point, Rect, Size, Space, Transform
from reticle_grounding.types import Candidate, Grounding, Heard

WORKER = (sys.executable, str(Path(__file__).parent / "app_fakes" / "demo_worker.py"))
finite = st.floats(-1e6, 1e6, allow_nan=False)


@pytest.fixture
def picture() -> Image.Image:
    image = Image.new("RGB", (640, 420), (245, 245, 245))
    ImageDraw.Draw(image).rectangle((400, 140, 455, 195), fill=(220, 40, 40))
    return image


@pytest.fixture
def grounder() -> Iterator[RemoteGrounder]:
    remote = RemoteGrounder(command=WORKER)
    yield remote
    remote.close()


@st.composite
def opinions(draw: st.DrawFn) -> tuple[Heard, ...]:
    part = Rect(*draw(st.tuples(finite, finite, finite, finite)))
    spot = Heard(
        "second look", "here", part, Point(draw(finite), draw(finite)), draw(st.floats(0, 1)), draw(st.booleans())
    )
    return draw(st.sampled_from(((), (spot,), (Heard("wording", draw(st.text()), part, None, None, False), spot))))


@st.composite
def groundings(draw: st.DrawFn) -> Grounding:
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 9)))
    heat = np.array(
        draw(st.lists(st.floats(0, 1, width=32), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    )
    found = draw(st.lists(st.tuples(finite, finite, st.text(max_size=8)), max_size=4))
    candidates = tuple(
        Candidate(i + 1, Point(x, y), Rect(x, y, x + 3, y + 4), 0.25, 0.5, 0.125, "text", words or None, {"a": x})
        for i, (x, y, words) in enumerate(found)
    )
    transform = Transform.for_image(Size(640, 480), Size(56 * shape[1], 56 * shape[0]), 28)
    if draw(st.booleans()):
        transform = transform.prepended(Space.PHYSICAL, Affine.translation(*draw(st.tuples(finite, finite))))
    words = draw(st.text(max_size=30))
    return Grounding(
        words, Size(640, 480), candidates, draw(st.booleans()), 0.3,
        heat.reshape(shape).astype(np.float32), transform, {"ground": draw(finite)}, "m", draw(opinions()),
    )  # fmt: skip


@given(groundings())
def test_a_grounding_survives_the_channel_bit_for_bit(grounding: Grounding) -> None:
    stream = BytesIO()
    write_message(stream, *encode_grounding(grounding))
    stream.seek(0)
    message = read_message(stream)
    assert message is not None
    back = decode_grounding(message.header, message.payload)
    assert np.array_equal(back.attention, grounding.attention)
    plain = ("instruction", "image_size", "candidates", "found", "threshold", "transform", "timings_ms", "model")
    for name in (*plain, "opinions"):
        assert getattr(back, name) == getattr(grounding, name), name


@pytest.mark.parametrize("kind", [BadInput, CheckpointError, Cancelled, ReticleError])
def test_errors_keep_their_kind_and_text(kind: type[ReticleError]) -> None:
    back = decode_error(encode_error(kind("say so")))
    assert type(back) is kind
    assert str(back) == "say so"


@pytest.mark.parametrize(
    "raw", [b"RTC", b"HTTP/1.1 200 OK\r\n\r\n", b"RTC1\0\0\0\5\0\0\0\0\0\0\0\0{}", b"RTC1" + b"\xff" * 12]
)
def test_rubbish_on_the_channel_is_named_as_such(raw: bytes) -> None:
    with pytest.raises(ProtocolError, match="model channel"):
        read_message(BytesIO(raw))


def test_grounds_through_the_process(grounder: RemoteGrounder, picture: Image.Image) -> None:
    result = grounder.observe(picture).ground("the red square", 3)
    assert grounder.name == "demo-statistics"
    assert [c.rank for c in result.candidates] == [1, 2, 3]
    assert Rect(400, 140, 456, 196).contains(result.candidates[0].point)
    assert result.attention.shape == (15, 23)
    assert result.attention.sum() == pytest.approx(1, abs=1e-4)


def test_prints_of_a_library_do_not_corrupt_the_channel(grounder: RemoteGrounder, picture: Image.Image) -> None:
    observation = grounder.observe(picture)
    assert observation.ground("noise red").found
    assert observation.ground("red").found
    end = time.monotonic() + 20
    while "raw noise" not in grounder.log and time.monotonic() < end:  # another thread reads it
        time.sleep(0.02)
    assert "raw noise" in grounder.log


def test_errors_of_a_request_come_back_and_the_process_lives_on(grounder: RemoteGrounder, picture: Image.Image) -> None:
    observation = grounder.observe(picture)
    with pytest.raises(BadInput, match="refused for this test"):
        observation.ground("refuse")
    with pytest.raises(ReticleError, match="RuntimeError: a bug in the model"):
        observation.ground("boom")
    assert observation.ground("red").found


def test_a_missing_model_is_bad_input() -> None:
    remote = RemoteGrounder("missing", WORKER)
    with pytest.raises(BadInput, match="no model in 'missing'"):
        remote.start()
    remote.close()


def test_a_worker_that_cannot_start_says_so() -> None:
    remote = RemoteGrounder(command=("/nonexistent/python",))
    with pytest.raises(ModelEndedError, match="cannot be started"):
        remote.start()
    remote.close()


def test_sigkill_is_reported_and_a_restart_grounds_again(grounder: RemoteGrounder, picture: Image.Image) -> None:
    ended: list[str] = []
    told = threading.Event()
    grounder.on_end = lambda text: (ended.append(text), told.set())[0]
    observation = grounder.observe(picture)
    before = grounder.ping()
    os.kill(before, signal.SIGKILL)
    assert told.wait(5)
    assert ended == ["the model process ended (signal 9, SIGKILL); restart it"]
    with pytest.raises(ModelEndedError, match="signal 9"):
        observation.ground("red")
    grounder.restart()
    assert grounder.ping() != before
    assert observation.ground("red").found, "an observation of the old process is sent again by itself"


def test_death_in_the_middle_of_a_grounding(grounder: RemoteGrounder, picture: Image.Image) -> None:
    observation = grounder.observe(picture)
    with pytest.raises(ModelEndedError, match="exit code 3"):
        observation.ground("crash")


@pytest.mark.parametrize("moment", ["before it is asked", "while it answers"])
def test_a_model_that_dies_in_a_run_fails_the_step_and_nothing_is_sent(
    grounder: RemoteGrounder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """Killed from outside; what was done before stays recorded, and the next run has a fresh process."""
    hurry(monkeypatch)
    desk = Desk()
    pid = grounder.ping()
    target = "the red square" if moment == "before it is asked" else "crash"

    def run(name: str, *steps: Step) -> RunResult:
        with TraceWriter.create(tmp_path / name, task="t", displays=[desk.display]) as trace:
            planner = ScriptPlanner([Hotkey(("escape",)), *steps])
            return run_task(
                "t", planner=planner, screen=desk, grounder=grounder, approver=None, actuator=desk, trace=trace,
                policy=Policy(mode="auto", ask_below=0.0), token=StopToken(),
            )  # fmt: skip

    def kill(action: Input) -> None:
        if moment == "before it is asked":
            os.kill(pid, signal.SIGKILL)

    desk.on_input = kill
    result = run("first", Click(target))
    assert result.status == "failed"
    assert "the model process ended" in result.message
    assert desk.performed == [PressKeys(("escape",))]
    trace = TraceReader.open(tmp_path / "first")
    assert trace.status == "failed"
    assert [e["kind"] for e in trace if e.type == "act" and e["delivered"] == "sent"] == ["hotkey"]
    assert any("the model process ended" in e.text("message") for e in trace if e.type == "error")
    desk.on_input = lambda action: None
    grounder.restart()
    assert run("second", Click("the red square")).status == "done"


def test_cancel_frees_the_waiter_at_once(grounder: RemoteGrounder, picture: Image.Image) -> None:
    observation = grounder.observe(picture)
    caught: list[float] = []

    def wait() -> None:
        with pytest.raises(Cancelled):
            observation.ground("slow red")
        caught.append(time.monotonic())

    waiter = threading.Thread(target=wait)
    waiter.start()
    time.sleep(0.3)
    asked = time.monotonic()
    grounder.cancel()
    waiter.join(5)
    assert caught[0] - asked < 0.5
    assert observation.ground("red").instruction == "red", "the late answer of the cancelled request is dropped"


def test_dropped_screenshots_are_freed(grounder: RemoteGrounder, picture: Image.Image) -> None:
    first = grounder.observe(picture)
    number = first._number
    del first
    second = grounder.observe(picture)
    second._number = number
    with pytest.raises(BadInput, match="no longer held"):
        second.ground("red")


def test_close_ends_the_process(grounder: RemoteGrounder) -> None:
    grounder.start()
    pid = grounder.ping()
    grounder.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ModelEndedError):
        grounder.start()


@pytest.mark.slow
def test_the_shipped_model_computes_in_the_numbers_it_is_told() -> None:
    """As the model process opens it: another number type gives another map, and nearly the same one."""
    part = sample_picture().crop((960, 600, 1280, 800))
    told = [told_to_worker(worker_arguments(numbers, None)).get("numbers") for numbers in ("fp32", "bf16")]
    full, half = (open_predictor("", numbers=one).observe(part).ground("the Save button").attention for one in told)
    gap = float(np.abs(full - half).max()) / float(np.ptp(full))
    assert 0 < gap < 0.1, gap
