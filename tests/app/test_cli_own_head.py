"""`reticle train head` and `reticle heads`: from recorded runs to a head that is used, or is not."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from agent_fakes.recorded import ELSEWHERE, MENU, SIZE, WRONG, Recorder, picture

from reticle_agent.actions import Click
from reticle_agent.trace import TraceWriter
from reticle_agent.trace.export.own_steps import OwnSteps
from reticle_agent.trace.review import Review, write_review
from reticle_app.cli.main import run_command
from reticle_app.own_heads import steps_to_learn, train_head
from reticle_app.remote import told_to_worker, worker_arguments
from reticle_grounding.calibration import load_calibration
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Rect, Size, Transform
from reticle_grounding.ocr import TextBox, Word
from reticle_grounding.predictor import Grounder
from reticle_grounding.sources import PointerSource

WORDS = ("Save", "Print", "Close", "Copy", "Paste")
GRID = (24, 43)
TEXTS = Rect(880, 290, 980, 600)
"""Holds all that is read; the shipped law prefers what the model looks at."""


@dataclass(frozen=True)
class Screen:
    transform: Transform
    timings_ms: dict[str, float] = field(default_factory=dict)


class AlwaysTheMenu:
    """A model that looks at one place, whatever it is asked."""

    name, module, channel, region_rank = "small", None, None, "mean"

    def use_prefill(self, mode: str) -> None:
        """There is no prompt."""

    def encode(self, image: object, reading: object = None) -> Screen:
        return Screen(Transform.for_image(SIZE, Size(GRID[1] * 28, GRID[0] * 28), 28))

    def attend(self, screen: Screen, instruction: str, said: object = None) -> np.ndarray:
        rows, columns = GRID
        attention = np.full(GRID, 0.02 / (rows * columns), dtype=np.float32)
        scale = columns / SIZE.width
        top, left = int(MENU.top * scale), int(MENU.left * scale)
        bottom, right = int(MENU.bottom * scale) + 1, int(MENU.right * scale) + 1
        attention[top:bottom, left:right] += 0.98 / ((bottom - top) * (right - left))
        return attention / attention.sum()


class WrongWords:
    """Every word is read once, each in a place of its own, and never where this person means it."""

    def read(self, image: object, region: Rect | None = None) -> list[TextBox]:
        return [self._box(word, 300.0 + 60 * i) for i, word in enumerate(WORDS)]

    @staticmethod
    def _box(word: str, top: float) -> TextBox:
        rect = Rect(900.0, top, 960.0, top + 20)
        return TextBox(word, rect, 1.0, (Word(word, rect),))


def opened(*_: object, **__: object) -> Grounder:
    return Grounder(PointerSource(AlwaysTheMenu()), WrongWords(), load_calibration())  # type: ignore[arg-type]


def lived(folder: Path, runs: int = 6, steps: int = 5, chosen: Rect = TEXTS, by: str = "user") -> Path:
    """Runs in which the person chose ``chosen`` whatever was asked for."""
    for run in range(runs):
        with TraceWriter.create(folder / f"run {run}", task=f"errand number {run}") as trace:
            recorder = Recorder(trace)
            for step in range(steps):
                recorder.seed = 10 * run
                words = WORDS[(run + step) % len(WORDS)]
                point = recorder.look(words, [WRONG, chosen, ELSEWHERE], 1, by)
                recorder.act(Click(words), "no_change", point=point)
            trace.finish("done")
    return folder


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lived(tmp_path_factory.mktemp("lived") / "traces")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr(Grounder, "open", opened)
    return tmp_path / "data" / "reticle" / "heads"


def reticle(capfd: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    code = run_command([str(arg) for arg in args])
    out, err = capfd.readouterr()
    return code, out, err


def first(capfd: pytest.CaptureFixture[str], image: Path, *args: object) -> dict[str, Any]:
    code, out, err = reticle(capfd, "ground", image, "Save", "--json", *args)
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    return document


def inside(document: dict[str, Any], region: Rect) -> bool:
    x, y = document["candidates"][0]["point"]
    return region.left <= x < region.right and region.top <= y < region.bottom


def test_a_head_is_trained_put_to_use_and_switched_off(
    traces: Path, home: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    image = tmp_path / "screen.png"
    picture(99).save(image)
    assert inside(first(capfd, image), MENU)
    code, out, err = reticle(capfd, "train", "head", "--from-traces", traces, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert told["measured"]["steps"] == told["measured"]["by_person"] == 30
    assert told["measured"]["groups"] == 6
    assert (told["measured"]["right_before"], told["measured"]["right_after"]) == (0, 30)
    file = Path(told["head"])
    assert file.parent == home
    assert file.name.startswith("small-")
    assert told["in_use"] is False
    assert inside(first(capfd, image), MENU), "trained is not in use"
    with_it = first(capfd, image, "--head", file)
    assert inside(with_it, TEXTS)
    assert with_it["model"].startswith("small+head-")
    assert reticle(capfd, "heads", "use", file.stem)[0] == 0
    assert inside(first(capfd, image), TEXTS)
    assert inside(first(capfd, image, "--head", "none"), MENU)
    _, out, _ = reticle(capfd, "heads", "list", "--json")
    [row] = json.loads(out)["heads"]
    assert (row["name"], row["in_use"], row["model"]) == (file.stem, True, "small")
    assert f"* {file.stem}: small, 0 -> 30 of 30" in reticle(capfd, "heads", "list")[1]
    assert reticle(capfd, "heads", "off")[0] == 0
    assert inside(first(capfd, image), MENU)


def test_use_names_the_head_in_the_settings(traces: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    out_file = tmp_path / "own.json"
    code, out, err = reticle(capfd, "train", "head", "--from-traces", traces, "--use", "--out", out_file)
    assert code == 0, err
    assert "all steps             0 -> 30 of 30" in out
    settings = json.loads((tmp_path / "config" / "reticle" / "settings.json").read_text())
    assert settings["head"] == str(out_file)


def test_what_is_not_better_is_not_written_and_said(
    traces: Path, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from reticle_grounding.own_head_fit import Measured

    why = "30 of 30 held-out steps are answered right with it, 30 without"
    monkeypatch.setattr(Measured, "fault", lambda self: why)
    code, out, err = reticle(capfd, "train", "head", "--from-traces", traces, "--use")
    assert code == 1
    assert f"not better: {why}; nothing was written" in err
    assert "head:" not in out
    assert not home.exists()
    assert not (home.parents[1] / "config" / "reticle" / "settings.json").exists()


def test_a_person_who_agrees_with_the_shipped_law_leaves_nothing_to_learn(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    agreed = lived(tmp_path / "agreed", chosen=MENU)
    code, out, err = reticle(capfd, "train", "head", "--from-traces", agreed)
    assert (code, out) == (2, "")
    assert "answered right already; there is nothing to learn" in err


@pytest.mark.parametrize(
    ("runs", "steps", "by", "said"),
    [
        (3, 9, "user", "27 labelled steps of 3 tasks"),
        (5, 4, "user", "20 labelled steps of 5 tasks"),
        (6, 5, "verifier", "0 labelled steps of 0 tasks"),
    ],
)
def test_too_few_labelled_steps(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], runs: int, steps: int, by: str, said: str
) -> None:
    folder = lived(tmp_path / "few", runs, steps, by=by)
    code, out, err = reticle(capfd, "train", "head", "--from-traces", folder)
    assert (code, out) == (2, "")
    assert said in err
    assert "at least 24 of 4 are needed" in err


def test_corrected_steps_are_learnt_as_corrected(tmp_path: Path) -> None:
    """The journal says that the person chose a place that was wrong; the review says where the target is."""
    folder = lived(tmp_path / "corrected", chosen=ELSEWHERE)
    left, top, right, bottom = TEXTS.as_tuple()
    region = Rect(left / SIZE.width, top / SIZE.height, right / SIZE.width, bottom / SIZE.height)
    for run in sorted(folder.iterdir()):
        review = Review()
        for step in range(5):
            review = review.corrected(step, region)
        write_review(run, review)
    done = train_head(steps_to_learn(folder, None), opened(), None, tmp_path / "heads")
    assert (done.why, done.measured["right_after"]) == (None, 30)


def test_runs_of_one_task_are_held_out_together(tmp_path: Path) -> None:
    for number in range(6):
        lived(tmp_path / "t" / str(number), runs=1, steps=5)
    for number in range(6):
        (tmp_path / "t" / str(number) / "run 0").rename(tmp_path / "t" / f"run {number}")
        (tmp_path / "t" / str(number)).rmdir()
    with pytest.raises(BadInput, match="30 labelled steps of 1 task "):
        steps_to_learn(tmp_path / "t", None)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["train", "head", "--from-traces", "NOWHERE"], "is no folder"),
        (["train", "head", "--from-traces", "EMPTY"], "no trace in"),
        (["train", "head", "--from-traces", "TRACES", "--out", "own.txt"], "ends in .json"),
        (["train", "head"], "--from-traces"),
        (["heads", "use", "nobody"], "there is no head nobody"),
        (["heads", "use", "none"], "`reticle heads off`"),
        (["ground", "IMAGE", "Save", "--head", "nobody"], "there is no head nobody"),
        (["ground", "IMAGE", "Save", "--head", "IMAGE"], "is no head of `reticle train head`"),
        (["run", "press Escape", "--dry-run", "--head", "nobody"], "there is no head nobody"),
    ],
)
def test_bad_input(traces: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], args: list[str], said: str) -> None:
    (tmp_path / "empty").mkdir()
    picture(1).save(tmp_path / "screen.png")
    places = {"NOWHERE": "nowhere", "EMPTY": "empty", "TRACES": "traces", "IMAGE": "screen.png"}
    code, out, err = reticle(capfd, *[tmp_path / places[a] if a in places else a for a in args])
    assert (code, out) == (2, "")
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_damaged_traces_are_left_out_and_said(tmp_path: Path) -> None:
    folder = lived(tmp_path / "some", runs=2, steps=1)
    (folder / "broken").mkdir()
    (folder / "broken" / "manifest.json").write_text("{")
    own = OwnSteps.read(folder)
    assert (own.traces, len(own.steps)) == (2, 2)
    assert any("broken" in line for line in own.left_out)


def test_training_of_the_model_is_still_what_a_folder_means(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = reticle(capfd, "train", "somewhere", "--steps", "3")
    assert (code, out) == (2, "")
    assert "--steps goes with --head" in err


def test_the_model_process_is_told_of_the_head(tmp_path: Path) -> None:
    told = told_to_worker(worker_arguments("bf16", tmp_path / "a=b.json"))
    assert told == {"numbers": "bf16", "head": str(tmp_path / "a=b.json")}
    assert worker_arguments(None, None) == ()
