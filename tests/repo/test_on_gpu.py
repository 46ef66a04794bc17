"""The one command for a GPU: every stage starts with arguments that its program takes, and none costs the others."""

from __future__ import annotations

import argparse
import json
import os
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest
import typer

from reticle_app.cli.main import app

REPO = Path(__file__).resolve().parents[2]
SCRIPT = REPO / "benchmarks" / "on_gpu.sh"
STAGES = ["check", "prefill", "history", "words", "looks", "prepare", "controls", "channel", "icons", "model"]
RECORDER = """#!{python} -S
import json, os, pathlib, subprocess, sys, time
words = sys.argv[1:]
with open(os.environ["RECORDED"], "a") as file:
    file.write(json.dumps(words) + "\\n")
told = " ".join(words)
if os.environ.get("BREAK", "(none)") in told:
    sys.exit("broken as told")
if os.environ.get("HANG", "(none)") in told:
    child = subprocess.Popen(["sleep", "300"])
    pathlib.Path(os.environ["RECORDED"] + ".child").write_text(str(child.pid))
    time.sleep(300)
def touch(folder, *names):
    os.makedirs(folder, exist_ok=True)
    for name in names:
        pathlib.Path(folder, name).write_text(os.environ.get("MARK", "made"))
module = words[1].rsplit(".", 1)[-1] if words[0] == "-m" else words[0]
if module == "benchmarks/stand_ins.py":
    touch(words[1] + "/minilm", "model.safetensors")
    touch(words[1] + "/icons-drawn", "index.jsonl")
    touch(words[1] + "/screens/made", "screens.jsonl")
    touch(words[1] + "/screens/made/images", "0.png")
if module in ("words_train", "matcher_train"):
    touch(words[2], "matcher.safetensors", "matcher-words-1.safetensors", "matcher-tokenizer.json")
if module in ("prepared", "controls_data"):
    touch(words[2], "a.safetensors")
if module == "controls_train":
    touch(words[2], "controls.safetensors")
if module == "carry_over":
    touch(words[2], "channel.safetensors")
if module == "channel_train":
    touch(words[2], "channel.safetensors", "model-00001-of-00001.safetensors", "config.json")
if module == "icon_memory":
    touch(words[2], "icons.safetensors", "icon-uses.safetensors")
if module == "label_wishes":
    touch(words[2], "label-wishes.safetensors")
if module == "program_icons":
    touch(words[2], "program-icons.safetensors")
"""


class Run:
    """One run of the script with a Python that writes down what it was asked."""

    def __init__(self, folder: Path, *words: str, **env: str) -> None:
        stub, recorded = folder / "python", folder / "recorded.jsonl"
        stub.write_text(RECORDER.format(python=sys.executable), encoding="utf-8")
        stub.chmod(0o755)
        self.out = folder / "out"
        own = {"PYTHON": str(stub), "RECORDED": str(recorded), "WORK": str(folder / "work")}
        command = ["bash", str(SCRIPT), *words, str(self.out)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **own, **env}, timeout=120)
        self.code, self.said = done.returncode, done.stdout + done.stderr
        rows = (self.out / "stages.jsonl").read_text("utf-8").splitlines()
        self.stages = {row["stage"]: row for row in map(json.loads, rows)}
        self.asked: list[list[str]] = [json.loads(line) for line in recorded.read_text("utf-8").splitlines()]
        self.child = folder / "recorded.jsonl.child"

    @property
    def statuses(self) -> dict[str, str]:
        return {name: row["status"] for name, row in self.stages.items()}


class Parsed(Exception):
    """Arguments were taken."""


def start(words: list[str]) -> None:
    """Runs a module or a file as the interpreter does."""
    if words[0] == "-m":
        runpy.run_module(words[1], run_name="__main__")
    else:
        runpy.run_path(str(REPO / words[0]), run_name="__main__")


def parse(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets the program that is asked for read its arguments, and do nothing. Ends the test where it refuses them."""
    real = argparse.ArgumentParser.parse_args

    def stop(self: argparse.ArgumentParser, *given: Any) -> NoReturn:
        real(self, *given)
        raise Parsed

    if words[0] == "-c":
        if "torch.cuda" in words[1]:
            return
        command: Any = typer.main.get_command(app)
        rest = words[2:]
        while hasattr(command, "commands"):
            command, rest = command.commands[rest[0]], rest[1:]
        command.make_context("reticle", rest)
        return
    with monkeypatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", stop)
        patch.setattr(sys, "argv", words[words[0] == "-m" :])
        with pytest.raises(Parsed):
            start(words)


def ended(process: int) -> bool:
    """Whether a process is over within ten seconds; one that only waits to be collected is."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name in (
        "minilm/model.safetensors",
        "icons-a/index.jsonl",
        "screens/x/screens.jsonl",
        "screens/x/images/0.png",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return folder


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("dry", [True, False])
def test_every_stage_runs_with_arguments_that_are_understood(
    dry: bool, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(tmp_path, *(["--dry"] if dry else ["--data", str(data), "60"]))
    assert (run.code, run.statuses) == (0, dict.fromkeys(STAGES, "done")), run.said
    seen = set()
    for words in run.asked:
        if words[1] != "pytest":
            parse(words, monkeypatch)
        seen.add(words[1] if words[0] == "-m" else words[0])
    trainings = ("words_train", "lean_words", "matcher_train", "carry_over", "prepared", "channel_train", "icon_memory")
    trainings += ("controls_data", "controls_train", "label_wishes", "program_icons")
    assert {f"reticle_grounding.training.{name}" for name in trainings} <= seen
    model = run.out / "model"
    new = ("channel", "controls", "icons", "icon-uses", "label-wishes", "program-icons", "matcher", "matcher-words-1")
    assert [(model / f"{name}.safetensors").read_text() for name in new] == ["made"] * 8
    assert not (model / "model.safetensors").exists(), "the pointer is the one that was trained"
    assert not (model / "scorer.safetensors").exists(), "the scorer knows the shipped pointer only"
    assert not (model / "matcher-words-2.safetensors").exists(), (
        "no part of the shipped phrase tower beside the new one"
    )


def test_a_stage_that_fails_costs_no_other_and_the_shipped_part_stands_in(tmp_path: Path) -> None:
    run = Run(tmp_path, "--dry", BREAK="words_train")
    assert run.code == 1
    assert run.statuses == dict.fromkeys(STAGES, "done") | {"words": "failed", "icons": "skipped"}
    assert "broken as told" in (run.out / "words.log").read_text()
    started = next(words for words in run.asked if words[1].endswith("matcher_train"))
    assert started[started.index("--start") + 1] == "assets/embedded"
    for part in ("icons", "icon-uses", "label-wishes", "program-icons"):
        name = f"{part}.safetensors"
        assert (run.out / "model" / name).read_bytes() == (REPO / "assets/embedded" / name).read_bytes()


def test_one_of_several_workers_that_fails_ends_its_stage(tmp_path: Path) -> None:
    run = Run(tmp_path, "--dry", "--only", "looks,model", BREAK="--rank 1", HANG="--rank 0")
    assert (run.code, run.statuses) == (1, {"looks": "failed", "model": "done"})
    assert run.stages["looks"]["seconds"] < 30


def test_a_stage_that_hangs_is_ended_with_all_it_started(data: Path, tmp_path: Path) -> None:
    begun = time.monotonic()
    run = Run(tmp_path, "--only", "history,channel,model", "--data", str(data), "0.3", HANG="history.py")
    assert (run.code, run.statuses["history"], run.statuses["model"]) == (1, "timed out", "done")
    assert run.stages["history"]["seconds"] <= run.stages["history"]["limit"] + 5
    assert time.monotonic() - begun < 60
    assert ended(int(run.child.read_text()))


def test_files_that_are_too_large_are_named(tmp_path: Path) -> None:
    run = Run(tmp_path, "--dry", "--only", "looks,model", MARK="x" * 100)
    assert run.code == 0
    assert (run.out / "model/scorer.safetensors").exists(), "the shipped pointer keeps its scorer"
    (run.out / "matcher/matcher.safetensors").write_bytes(bytes(16 << 20))
    again = Run(tmp_path, "--dry", "--only", "model")
    assert again.statuses == {"model": "failed"}
    assert "larger than 15 MiB" in (again.out / "model.log").read_text()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--wet"], "no option --wet"),
        (["soon"], "'soon'"),
        (["--only", "check,lunch"], "no stage lunch"),
        (["1", "a", "b"], "too many"),
        (["--data"], "wants a value"),
    ],
)
def test_bad_usage_is_refused(words: list[str], reason: str, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHON": shutil.which("false") or "", "WORK": str(tmp_path)}
    done = subprocess.run(["bash", str(SCRIPT), *words], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 2
    assert reason in done.stderr
    assert "stages: check prefill" in done.stderr


def test_what_training_needs_is_gathered_once(tmp_path: Path) -> None:
    """The pieces that are there already are left as they are."""
    data = tmp_path / "data"
    for name in (
        "minilm/model.safetensors",
        "icons-themes/index.jsonl",
        "icons-packs/index.jsonl",
        "packs/a/package/x",
    ):
        (data / name).parent.mkdir(parents=True, exist_ok=True)
        (data / name).write_text("kept")
    env = {**os.environ, "PYTHON": shutil.which("false") or ""}
    done = subprocess.run(
        ["bash", str(SCRIPT), "--gather", "--data", str(data)], capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "icons-packs" in done.stdout
    assert (data / "minilm/model.safetensors").read_text() == "kept"
