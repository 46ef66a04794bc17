"""`reticle run --planner local`: options and folders that do not fit, and a whole run on a virtual desktop."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import pytest
from tiny_models import save_plain

from reticle_agent.session import virtual_desktop
from reticle_agent.trace import verify
from reticle_app.cli.main import run_command
from reticle_app.local_planning import LocalChoice, check_memory, local_choice, memory_needed, plan_with_local
from reticle_app.task import TaskOptions, run_on_desktop
from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import BadInput, CheckpointError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_plain("qwen2_5_vl", tmp_path_factory.mktemp("plain") / "tiny")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--planner", "local"), "needs --planner-model DIR"),
        (("--planner-model", "."), "only used with --planner local"),
        (("--planner-marks",), "only used with --planner local"),
        (("--no-planner-text",), "only used with --planner local"),
        (("--planner", "local", "--planner-model", "{}", "--endpoint", "http://127.0.0.1/v1"), "--planner endpoint"),
        (("--planner", "local", "--planner-model", "{}", "--planner-device", "tpu"), "one of cpu, cuda"),
        (("--planner", "local", "--planner-model", "{}", "--planner-dtype", "fp8"), "number type 'fp8'"),
        (("--planner", "local", "--planner-model", "{}", "--planner-timeout", "0"), "timeout"),
        (("--planner", "local", "--planner-model", "{}", "--no-planner-text", "--no-planner-picture"), "neither"),
        (("--planner", "local", "--planner-model", "{}", "--no-planner-picture", "--planner-marks"), "picture too"),
        (("--planner", "local", "--planner-model", "{}", "--no-planner-text", "--planner-marks"), "number the text"),
        (("--planner", "local", "--planner-model", "/nowhere"), "is not a model folder"),
    ],
)
def test_options_that_do_not_fit(
    capfd: pytest.CaptureFixture[str], folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    given = [argument.format(folder) for argument in arguments]
    assert run_command(["run", "press Escape", "--dry-run", *given]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert said in err
    assert len(err.strip().splitlines()) == 1


def test_what_it_means_for_the_run(folder: Path) -> None:
    choice = local_choice("local", folder)
    assert choice == LocalChoice(folder)
    planning = plan_with_local("type the password 'hunter2'", LocalChoice(folder))
    assert planning.told is not None
    assert (planning.max_misses, planning.secrets) == (2, ["hunter2"])
    assert (planning.facts.name, planning.facts.dtype, planning.facts.device) == ("tiny", "fp32", "cpu")
    assert "tiny plans on this machine" in planning.announcement
    assert "its text and a picture of it" in planning.announcement
    with pytest.raises(BadInput, match="empty"):
        plan_with_local(" ", LocalChoice(folder))


def test_the_embedded_model_points_and_does_not_plan() -> None:
    with pytest.raises(CheckpointError, match="is a checkpoint that points"):
        plan_with_local("press Escape", LocalChoice(embedded_model_dir()))


def test_a_device_that_is_not_there_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(BadInput, match="there is no cuda here"):
        plan_with_local("press Escape", LocalChoice(folder, device="cuda"))


def test_memory_is_told_before_anything_is_loaded(folder: Path, tmp_path: Path) -> None:
    choice = LocalChoice(folder)
    stored = (folder / "model.safetensors").stat().st_size
    needed = memory_needed(choice)
    assert needed > stored
    assert memory_needed(replace(choice, numbers="bf16")) < needed
    with pytest.raises(BadInput, match="and this machine has"):
        check_memory(choice, 2**60)
    check_memory(replace(choice, device="cuda"), 2**60)
    broken = Path(shutil.copytree(folder, tmp_path / "broken"))
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(BadInput, match=r"model\.safetensors"):
        plan_with_local("press Escape", LocalChoice(broken))


class NoGrounder:
    name = "none"

    def observe(self, image: object) -> NoReturn:
        raise BadInput("there is no model to point with")


def test_whole_run_on_a_desktop(folder: Path, tmp_path: Path) -> None:
    """A model of noise: whatever it says is a step, and what the task does not say is refused, as nobody is asked."""
    told: list[str] = []
    choice = LocalChoice(folder, text=False)
    options = TaskOptions("press Escape", "auto", tmp_path, tmp_path / "trace", max_steps=2, local=choice)
    with virtual_desktop(session_bus=False):
        result = run_on_desktop(options, None, NoGrounder, tell=told.append)
    assert result.status in {"refused", "limit", "done", "failed", "error"}
    assert verify(tmp_path / "trace") == []
    manifest = json.loads((tmp_path / "trace" / "manifest.json").read_text())
    about = {"role": "planner", "name": "tiny", "dtype": "fp32", "device": "cpu"}
    assert manifest["models"][0] == manifest["models"][0] | about
    events = [json.loads(line) for line in (tmp_path / "trace" / "events.jsonl").read_text().splitlines()]
    asked = [e for e in events if e.get("about") == "planner_request"]
    assert asked
    assert all(0 < e["completion_tokens"] <= 256 for e in asked)
    assert not [e for e in events if e.get("about") == "planner_call_refused"]
    assert not [e for e in events if e["type"] == "act" and e.get("delivered") == "sent" and e["kind"] == "type"]
    assert any("plans on this machine" in line for line in told)
