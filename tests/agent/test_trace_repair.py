"""A trace that a crash has torn is mended: nothing finished is lost, and no half line stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from reticle_agent.trace import TraceReader, TraceWriter, verify
from reticle_agent.trace.repair import TORN, repair
from reticle_agent.trace.report import write_report
from reticle_grounding.errors import BadInput


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with TraceWriter.create(tmp_path / "run", task="t") as trace:
        trace.event("task", text="t")
        for n in range(3):
            frame = trace.frame(Image.new("RGB", (20, 20), (n, 0, 0)))
            trace.event("observe", step=n, frame=frame)
        trace.finish("done")
    return tmp_path / "run"


def journal(folder: Path) -> Path:
    return folder / "events.jsonl"


def test_a_sound_trace_is_left_alone(folder: Path) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert repair(folder) == []
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert verify(folder) == []


def test_every_cut_of_the_last_line_is_mended(folder: Path) -> None:
    """Cut at every byte: readers and reports work before, everything is sound after."""
    data = journal(folder).read_bytes()
    last = data[:-1].rfind(b"\n") + 1
    for cut in range(last + 1, len(data)):
        journal(folder).write_bytes(data[:cut])
        (folder / TORN).unlink(missing_ok=True)
        assert any("cut off" in problem.message for problem in verify(folder))
        assert len(TraceReader.open(folder).events) == 3
        said = repair(folder)
        assert len(said) == 1
        if cut == len(data) - 1:
            assert said == ["events.jsonl line 4: its line end was missing and was written"]
            assert journal(folder).read_bytes() == data
        else:
            assert said == [f"events.jsonl line 4: {cut - last} torn bytes were moved to {TORN}"]
            assert journal(folder).read_bytes() == data[:last]
            assert (folder / TORN).read_bytes() == data[last:cut] + b"\n"
        assert verify(folder) == []
    assert write_report(folder, folder / "report.html").is_file()


def test_a_tail_of_zeros_is_no_event(folder: Path) -> None:
    """Some file systems leave zeros where a power cut hit a write."""
    data = journal(folder).read_bytes()
    journal(folder).write_bytes(data + bytes(4096))
    assert repair(folder) == [f"events.jsonl line 5: 4096 torn bytes were moved to {TORN}"]
    assert journal(folder).read_bytes() == data


def test_a_second_tear_is_kept_beside_the_first(folder: Path) -> None:
    for part in (b'{"seq": 4', b'{"seq"'):
        with journal(folder).open("ab") as file:
            file.write(part)
        repair(folder)
    assert (folder / TORN).read_bytes() == b'{"seq": 4\n{"seq"\n'


def test_a_whole_line_of_another_place_is_not_completed(folder: Path) -> None:
    line = json.loads(journal(folder).read_text().splitlines()[0])
    with journal(folder).open("a") as file:
        file.write(json.dumps(line))
    assert "moved" in repair(folder)[0]


def test_a_journal_of_one_torn_line(folder: Path) -> None:
    journal(folder).write_bytes(b'{"seq": 0, "t')
    assert "line 1" in repair(folder)[0]
    assert journal(folder).read_bytes() == b""


def test_drafts_are_removed(folder: Path) -> None:
    for name in (".manifest.json.part", "frames/.0123456789abcdef.png.part", "maps/.0123456789abcdef.npz.part"):
        (folder / name).write_bytes(b"half")
    assert len(repair(folder)) == 3
    assert verify(folder) == []


def test_a_run_that_goes_on_is_not_touched(tmp_path: Path) -> None:
    with TraceWriter.create(tmp_path / "run", task="t") as trace:
        trace.event("task", text="t")
        with pytest.raises(BadInput, match="still going on"):
            repair(tmp_path / "run")
        trace.event("note", message="it goes on")
        trace.finish("done")
    assert repair(tmp_path / "run") == []


def test_no_trace(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no trace"):
        repair(tmp_path)


@pytest.mark.slow
def test_a_trace_of_ten_thousand_steps(tmp_path: Path) -> None:
    """Written, read, shown, verified and reported on; the time per step does not grow with the length."""
    import time

    from reticle_agent.trace import show

    took = []
    with TraceWriter.create(tmp_path / "run", task="t") as trace:
        trace.event("task", text="t")
        frame = trace.frame(Image.new("RGB", (64, 48)))
        for n in range(10_000):
            start = time.perf_counter()
            trace.event("plan", step=n, instruction=f"thing {n}")
            trace.event("observe", step=n, frame=frame)
            trace.event("act", step=n, kind="hotkey", args={"keys": ["escape"]}, delivered="sent")
            took.append(time.perf_counter() - start)
        trace.finish("done")
    early, late = sorted(took[:1000])[500], sorted(took[-1000:])[500]
    assert late < 5 * early
    assert verify(tmp_path / "run") == []
    assert len(TraceReader.open(tmp_path / "run").steps()) == 10_000
    shown = show(tmp_path / "run").splitlines()
    assert [line.split()[:3] for line in shown if "press escape" in line] == [
        [str(n), "press", "escape"] for n in range(1, 10_001)
    ]
    assert write_report(tmp_path / "run", tmp_path / "report.html").stat().st_size > 100_000


def test_a_clock_set_back_keeps_order_and_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wall-clock times may jump; the order and ``mono_ms`` do not."""
    from reticle_agent.trace import writer

    hours = iter([9, 9, 8, 23, 1, 0])
    monkeypatch.setattr(writer, "_utc_now", lambda: f"2026-03-01T{next(hours):02}:00:00.000Z")
    with TraceWriter.create(tmp_path / "run", task="t") as trace:
        for n in range(4):
            trace.event("note", message=str(n))
        trace.finish("done")
    assert verify(tmp_path / "run") == []
    events = TraceReader.open(tmp_path / "run").events
    assert [event.t[11:13] for event in events] == ["09", "08", "23", "01"]
    assert [event.mono_ms for event in events] == sorted(event.mono_ms for event in events)
