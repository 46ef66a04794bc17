"""Every bad input ends in one clear line on stderr, nothing on stdout, and exit code 2."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from reticle_app.cli.main import run_command
from reticle_grounding.assets import embedded_model_dir


@pytest.fixture
def fails(capfd: pytest.CaptureFixture[str]):
    """Runs a command that must be refused and returns its error line."""

    def run(*args: object, code: int = 2) -> str:
        outcome = run_command([str(a) for a in args])
        out, err = capfd.readouterr()
        assert outcome == code, err
        assert out == ""
        lines = err.strip().splitlines()
        assert len(lines) == 1, err
        assert lines[0].startswith("reticle: ")
        assert "Traceback" not in err
        return lines[0]

    return run


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "screen.png"
    Image.new("RGB", (320, 200), "white").save(path)
    return path


def test_missing_image(fails, tmp_path: Path) -> None:
    assert "nowhere.png" in fails("ground", tmp_path / "nowhere.png", "the button")


def test_directory_instead_of_an_image(fails, tmp_path: Path) -> None:
    line = fails("ground", tmp_path, "the button")
    assert "folder" in line or "directory" in line


def test_truncated_image(fails, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    whole = tmp_path / "whole.png"
    Image.fromarray(noise).save(whole)
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole.read_bytes()[:5000])
    assert "cut.png" in fails("ground", cut, "the button")


def test_text_file_as_an_image(fails, tmp_path: Path) -> None:
    path = tmp_path / "notes.png"
    path.write_text("hello")
    assert "notes.png" in fails("ground", path, "the button")


@pytest.mark.parametrize("instruction", ["", "   ", "\n"])
def test_empty_instruction(fails, picture: Path, instruction: str) -> None:
    assert "instruction" in fails("ground", picture, instruction)


def test_very_long_instruction(fails, picture: Path) -> None:
    assert "2000" in fails("ground", picture, "x" * 10_000).replace(",", "").replace(" characters", "")


def test_top_k_out_of_range(fails, picture: Path) -> None:
    assert "top-k" in fails("ground", picture, "ok", "--top-k", "0")


def test_missing_argument(fails) -> None:
    assert "Missing argument" in fails("ground")


def test_unknown_command(fails) -> None:
    assert "No such command" in fails("grund")


def test_model_folder_that_is_not_one(fails, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    line = fails("ground", picture, "ok", "--model", tmp_path / "model")
    assert str(tmp_path / "model") in line


@pytest.mark.parametrize("command", ["ground", "eval"])
@pytest.mark.parametrize(
    ("file", "fields", "said"),
    [
        ("preprocessor_config.json", {"image_processor_type": "CLIPImageProcessor"}, "it is a CLIPImageProcessor"),
        ("preprocessor_config.json", {"patch_size": 16}, "take both files from the same model"),
        ("config.json", {"model_type": "llama"}, "model_type 'llama'; this program knows"),
    ],
)
def test_files_of_another_model(
    fails, picture: Path, tmp_path: Path, command: str, file: str, fields: dict[str, object], said: str
) -> None:
    folder = Path(shutil.copytree(embedded_model_dir(), tmp_path / "model"))
    (folder / file).write_text(json.dumps(json.loads((folder / file).read_text()) | fields))
    line = fails(*_asked(command, picture, tmp_path), "--model", folder)
    assert said in line
    assert str(folder) in line


def test_save_into_a_missing_folder(fails, picture: Path, tmp_path: Path) -> None:
    assert "no folder" in fails("ground", picture, "ok", "--save", tmp_path / "none" / "a.png")


def test_save_with_an_unknown_ending(fails, picture: Path, tmp_path: Path) -> None:
    assert ".png" in fails("ground", picture, "ok", "--save", tmp_path / "a.xyz")


def test_targets_file_missing(fails, tmp_path: Path) -> None:
    assert "targets.jsonl" in fails("eval", tmp_path / "targets.jsonl")


def test_targets_line_that_is_not_json(fails, tmp_path: Path) -> None:
    path = tmp_path / "targets.jsonl"
    path.write_text('{"id": "a"\n')
    line = fails("eval", path)
    assert "targets.jsonl" in line
    assert "1" in line


@pytest.mark.parametrize("command", ["show", "report", "verify"])
def test_trace_folder_missing(fails, tmp_path: Path, command: str) -> None:
    assert "none" in fails("trace", command, tmp_path / "none")


def test_corrupt_trace(fails, tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text("{ not json")
    assert "manifest.json" in fails("trace", "show", tmp_path)


def test_two_modes_at_once(fails) -> None:
    assert "--dry-run" in fails("run", "press Escape", "--dry-run", "--auto")


def test_words_the_planner_does_not_understand(fails) -> None:
    assert "make it nicer" in fails("run", "make it nicer", "--dry-run")


def test_run_without_a_display(fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert "display" in fails("run", "press Escape", "--dry-run")


def test_app_without_a_display(fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    assert "display" in fails()


def test_program_that_does_not_exist(fails) -> None:
    assert "no-such-program" in fails("run", "press Escape", "--dry-run", "--app", "no-such-program")


def test_trace_folder_in_use(fails, tmp_path: Path) -> None:
    (tmp_path / "something").write_text("x")
    assert str(tmp_path) in fails("run", "press Escape", "--dry-run", "--trace", tmp_path)


def test_broken_settings(fails, picture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config" / "reticle"
    config.mkdir(parents=True)
    (config / "settings.json").write_text(json.dumps({"top_k": 99}))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert "top_k" in fails("ground", picture, "ok")


@pytest.mark.parametrize("ratio", ["0", "-0.5", "1.5", "nan"])
@pytest.mark.parametrize("command", ["ground", "eval"])
def test_keep_ratio_out_of_range(fails, picture: Path, tmp_path: Path, command: str, ratio: str) -> None:
    assert "keep ratio" in fails(*_asked(command, picture, tmp_path), "--keep-ratio", ratio)


@pytest.mark.parametrize("command", ["ground", "eval"])
def test_keep_ratio_for_a_model_that_cannot_choose(fails, picture: Path, tmp_path: Path, command: str) -> None:
    model = tmp_path / "model"
    model.mkdir()
    for file in embedded_model_dir().iterdir():
        if file.name != "scorer.safetensors":
            (model / file.name).symlink_to(file)
    said = fails(*_asked(command, picture, tmp_path), "--model", model, "--keep-ratio", "0.3")
    assert "no patch scorer" in said


@pytest.mark.parametrize("command", ["ground", "eval"])
def test_numbers_that_cannot_be_had(
    fails, picture: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchao.quantization", None)
    asked = _asked(command, picture, tmp_path)
    assert "known: fp32, bf16, int8" in fails(*asked, "--dtype", "int3")
    assert "pip install 'reticle[quant]'" in fails(*asked, "--dtype", "int8")
    config = tmp_path / "config" / "reticle"
    config.mkdir(parents=True)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (config / "settings.json").write_text(json.dumps({"dtype": "int8"}))
    assert "pip install 'reticle[quant]'" in fails(*asked)
    (config / "settings.json").write_text(json.dumps({"dtype": "int4"}))
    assert "dtype" in fails(*asked)


def _asked(command: str, picture: Path, folder: Path) -> list[object]:
    """A command line that is right but for what follows."""
    if command == "ground":
        return ["ground", picture, "the button"]
    (folder / "images").mkdir()
    picture.rename(folder / "images" / "screen.png")
    target = {
        "id": "a",
        "image": "images/screen.png",
        "width": 320,
        "height": 200,
        "bbox": [10, 10, 40, 30],
        "instruction": "the button",
        "kind": "icon",
        "absent": False,
        "indirect": False,
    }
    (folder / "targets.jsonl").write_text(json.dumps(target))
    return ["eval", folder / "targets.jsonl"]
