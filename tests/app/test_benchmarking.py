"""The benchmark of this machine, and the small figures that the models window shows."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from reticle_app.benchmarking import FIRST, FURTHER, Stage, keep_benchmark, load_benchmarks, measure
from reticle_app.resources import sample_picture
from reticle_app.theme import Theme
from reticle_app.widgets.memory_bars import MemoryBars
from reticle_app.windows.work import Pace, left_words
from reticle_grounding.errors import Cancelled

LOOK_S, ASK_S = 0.03, 0.003


class SlowModel:
    """Takes long to look at a picture and little to answer; remembers what it was asked."""

    name = "slow"

    def __init__(self) -> None:
        self.pictures: list[bytes] = []
        self.asked: list[tuple[int, str]] = []

    def start(self) -> str:
        return self.name

    def observe(self, image: Image.Image) -> SlowModel.Held:
        self.pictures.append(image.tobytes())
        time.sleep(LOOK_S)
        return self.Held(self, len(self.pictures) - 1)

    class Held:
        def __init__(self, model: SlowModel, number: int) -> None:
            self._model, self._number = model, number

        def ground(self, instruction: str, top_k: int = 5) -> None:
            self._model.asked.append((self._number, instruction))
            time.sleep(ASK_S)


def test_every_first_instruction_is_on_a_picture_of_its_own_and_further_ones_on_the_last() -> None:
    model, stages = SlowModel(), list[Stage]()
    found = measure(model, "", sample_picture(), stages.append)  # type: ignore[arg-type]
    assert len(set(model.pictures)) == len(model.pictures) == 1 + FIRST, "no picture is known before"
    assert [number for number, _ in model.asked] == [*range(1 + FIRST), *[FIRST] * FURTHER]
    assert len(set(model.asked)) == len(model.asked), "nothing is asked twice of the same picture"
    assert found.step_ms >= (LOOK_S + ASK_S) * 1e3
    assert min(found.further_ms) < min(found.first_ms)
    assert (found.width, found.height) == (1280, 800)
    assert stages[-1].done == stages[-1].of
    assert [stage.done for stage in stages] == sorted(stage.done for stage in stages)


def test_a_cancelled_benchmark_ends_before_the_next_instruction() -> None:
    model = SlowModel()

    def tell(stage: Stage) -> None:
        if stage.done == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        measure(model, "", sample_picture(), tell)  # type: ignore[arg-type]
    assert len(model.asked) == 2


def test_the_newest_result_of_each_model_is_kept(tmp_path: Path) -> None:
    model = SlowModel()
    own = measure(model, "", sample_picture(), lambda stage: None)  # type: ignore[arg-type]
    keep_benchmark(tmp_path, own)
    keep_benchmark(tmp_path, own.model_copy(update={"model": "/models/a", "first_ms": (9000.0,)}))
    kept = load_benchmarks(tmp_path)
    assert kept.of("") == own
    assert kept.of("/models/a").headline == "about 9.0 s per step here"  # type: ignore[union-attr]
    assert kept.of("/models/b") is None
    (tmp_path / "benchmarks.json").write_text('{"results": 3}')
    assert load_benchmarks(tmp_path).results == (), "a damaged file is as none"


def test_what_fits_must_also_fit_while_it_is_opened(qtbot: QtBot) -> None:
    app = QApplication.instance()
    assert isinstance(app, QApplication)
    bars = MemoryBars(Theme(app, "light"))
    qtbot.addWidget(bars)
    memory = {"float32": 30 * 10**9, "bfloat16": 15 * 10**9}
    bars.show_memory(memory, 16 * 10**9)
    assert bars.lines() == ["float32: 30.0 GB  too large", "bfloat16: 15.0 GB  fits"]
    bars.show_memory(memory, 16 * 10**9, {"float32": 31 * 10**9, "bfloat16": 17 * 10**9})
    assert bars.lines()[1].endswith("too large")
    bars.show_memory(memory, None)
    assert bars.lines()[0] == "float32: 30.0 GB", "nothing is claimed of a machine that does not say"


def test_the_speed_is_that_of_the_last_seconds() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    for _ in range(20):  # a fast beginning, then slowly
        pace.note(round(now * 1000))
        now += 1.0
    done = round((now - 1.0) * 1000)
    for i in range(20):
        pace.note(done + i * 10)
        now += 1.0
    assert pace.per_s == pytest.approx(10, rel=0.2)
    assert Pace().per_s == 0
    assert [left_words(s) for s in (0.2, 90, 7200)] == ["about 1 s", "about 2 min", "about 2.0 h"]
