"""What can be done with kept models: listing, verifying, removing, and naming one to `--model`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from app_fakes.small_models import small_model
from PIL import Image, ImageDraw, ImageFont

from reticle_app.cli.main import run_command
from reticle_app.config import Settings
from reticle_app.models.choice import chosen_model, configured_model, model_folder
from reticle_app.models.known import KNOWN
from reticle_app.models.store import Store
from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.errors import BadInput, CheckpointError

WEIGHTS = "model.safetensors"
REPO = "smz8599/GUI-AIMA-3B"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "reticle" / "models"


@pytest.fixture
def run(kept: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def call(*args: object) -> tuple[int, str, str]:
        code = run_command([*map(str, args)])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.fixture
def model(run: Run, kept: Path, tmp_path: Path) -> Path:
    """The folder of a kept model called ``small``."""
    source = tmp_path / "source"
    source.mkdir()
    for name, content in small_model(shards=2).items():
        (source / name).write_bytes(content)
    code, _, err = run("models", "import", source, "--name", "small", "--repository", REPO, "--accept-licence")
    assert code == 0, err
    return kept / "small"


def problems(run: Run, *names: str) -> list[tuple[str, str]]:
    code, out, _ = run("models", "verify", *names, "--json")
    document = json.loads(out)
    found = [(p["kind"], p["file"]) for row in document["models"] for p in row["problems"]]
    assert document["ok"] == (not found)
    assert code == (1 if found else 0)
    return found


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def test_a_whole_model_verifies(run: Run, model: Path) -> None:
    assert problems(run) == []
    assert problems(run, "small") == []
    assert run("models", "verify")[1] == "small: as recorded\n"


@pytest.mark.parametrize("name", ["config.json", "model-00002-of-00002.safetensors"])
def test_one_changed_bit_is_found(run: Run, model: Path, name: str) -> None:
    flip(model / name)
    assert problems(run, "small") == [("changed", name)]
    code, out, _ = run("models", "verify", "small")
    assert code == 1
    assert f"changed: {name}" in out


def test_missing_surplus_and_resized_files_are_found(run: Run, model: Path) -> None:
    (model / "tokenizer.json").unlink()
    (model / "extra").mkdir()
    (model / "extra" / "pytorch_model.bin").write_bytes(b"x")
    with (model / "config.json").open("ab") as file:
        file.write(b" ")
    assert problems(run) == [
        ("changed", "config.json"),
        ("surplus", "extra"),
        ("surplus", "extra/pytorch_model.bin"),
        ("missing", "tokenizer.json"),
    ]


def test_a_link_in_place_of_a_file_is_found(run: Run, model: Path, tmp_path: Path) -> None:
    (model / "config.json").rename(tmp_path / "config.json")
    (model / "config.json").symlink_to(tmp_path / "config.json")
    assert problems(run) == [("changed", "config.json")]


def test_a_damaged_record_is_found_and_can_be_removed(run: Run, kept: Path, model: Path) -> None:
    (kept / ".records" / "small.json").write_text('{"version": 1}')
    assert problems(run) == [("record", "small.json")]
    assert json.loads(run("models", "list", "--json")[1])["models"][0]["state"] == "damaged"
    assert "DAMAGED" in run("models", "list")[1]
    assert run("models", "remove", "small", "--yes")[0] == 0
    assert not model.exists()


def test_an_unknown_name_is_one_line(run: Run, model: Path) -> None:
    for command in (["verify", "other"], ["remove", "other", "--yes"], ["remove", "../source", "--yes"]):
        code, out, err = run("models", *command)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
    assert (model.parents[3] / "source" / WEIGHTS.replace("model", "model-00001-of-00002")).exists()


def test_the_list_tells_what_is_kept_and_what_could_be(run: Run, kept: Path, model: Path) -> None:
    (kept / "stray").mkdir()
    document = json.loads(run("models", "list", "--json")[1])
    assert document["folder"] == str(kept)
    (row,) = document["models"]
    assert (row["name"], row["state"], row["repository"]) == ("small", "whole", REPO)
    assert row["size"] == sum(map(len, small_model(shards=2).values()))
    assert set(row["memory"]) == {"float32", "bfloat16", "int8", "int4"}
    assert document["unrecorded"] == ["stray"]
    assert [k["repository"] for k in document["known"]] == [k.repository for k in KNOWN]
    assert [k["repository"] for k in document["known"] if k["kept"]] == [REPO]
    shown = run("models", "list")[1]
    assert "small" in shown
    assert "NOT for commercial use" in shown
    flip_size = (model / "config.json").open("ab")
    with flip_size:
        flip_size.write(b" ")
    assert json.loads(run("models", "list", "--json")[1])["models"][0]["state"] == "damaged"


def test_the_list_and_verify_load_neither_hub_nor_torch(model: Path) -> None:
    code = (
        "import sys; from reticle_app.cli.main import run_command as run\n"
        "assert run(['models', 'list', '--json']) == 0 and run(['models', 'verify']) == 0\n"
        "print(sorted({'torch', 'transformers', 'huggingface_hub', 'PySide6'} & set(sys.modules)), file=sys.stderr)"
    )
    environment = {**os.environ, "XDG_DATA_HOME": str(model.parents[2]), "HF_HUB_OFFLINE": "1"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.splitlines()[-1] == "[]"
    assert "small: as recorded" in done.stdout


def test_removing_asks_first(run: Run, model: Path) -> None:
    code, out, err = run("models", "remove", "small")
    assert (code, out) == (2, "")
    assert "--yes" in err
    assert model.is_dir()


@pytest.mark.parametrize(("typed", "gone"), [(b"y\n", True), (b"n\n", False)])
def test_removing_heeds_the_answer(
    run: Run, model: Path, monkeypatch: pytest.MonkeyPatch, typed: bytes, gone: bool
) -> None:
    from reticle_app.cli.approver import TerminalApprover

    person, inner = os.openpty()
    with os.fdopen(inner, "r") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        monkeypatch.setattr(TerminalApprover, "_forget_typed", lambda self: os.write(person, typed))
        code, _, _ = run("models", "remove", "small")
    os.close(person)
    assert code == (0 if gone else 1)
    assert model.exists() != gone


def test_a_removed_model_is_gone_and_its_neighbour_is_not(run: Run, kept: Path, model: Path, tmp_path: Path) -> None:
    assert run("models", "import", tmp_path / "source", "--name", "other", "--accept-licence")[0] == 0
    code, out, _ = run("models", "remove", REPO, "--yes", "--json")  # found by its repository too
    assert (code, json.loads(out)) == (0, {"removed": "small"})
    assert not model.exists()
    assert [row["name"] for row in json.loads(run("models", "list", "--json")[1])["models"]] == ["other"]
    assert problems(run) == []


def test_removing_cuts_a_link_and_does_not_follow_it(run: Run, kept: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("x")
    kept.mkdir(parents=True)
    (kept / "linked").symlink_to(elsewhere)
    assert run("models", "remove", "linked", "--yes")[0] == 0
    assert (elsewhere / "precious").exists()
    assert not (kept / "linked").is_symlink()


def test_two_processes_do_not_put_one_model_together(kept: Path) -> None:
    store = Store(kept)
    with store.at_work("a") as staged:
        (staged / "part").write_text("x")
        refused: list[str] = []

        def second() -> None:
            try:
                with store.at_work("a"):
                    refused.append("nobody objected")
            except BadInput as error:
                refused.append(str(error))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        with store.at_work("b"):
            pass
    assert "another process" in refused[0]
    assert store.unfinished() == ["a"]


def test_a_name_is_a_model_folder(model: Path, kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(kept)
    assert model_folder(None, store) is None
    assert model_folder(Path("small"), store) == model
    assert model_folder(Path(REPO), store) == model
    assert model_folder(tmp_path, store) == tmp_path
    assert chosen_model(None, Settings(model=Path("small"), models=kept)) == model
    assert chosen_model(tmp_path, Settings(model=Path("small"), models=kept)) == tmp_path
    (tmp_path / "small").mkdir()
    monkeypatch.chdir(tmp_path)
    assert model_folder(Path("small"), store) == Path("small"), "a folder that is there goes first"


def test_what_cannot_be_a_model_says_what_to_do(model: Path, kept: Path) -> None:
    store = Store(kept)
    with pytest.raises(CheckpointError, match="models list"):
        model_folder(Path("unheard-of"), store)
    with pytest.raises(CheckpointError, match="models pull FocusUI-7B"):
        model_folder(Path("FocusUI-7B"), store)
    with pytest.raises(CheckpointError, match="models pull FocusUI-7B"):
        model_folder(Path("yyyang/FocusUI-7B"), store)
    with store.at_work("FocusUI-7B") as staged:
        (staged / "part").write_text("x")
    with pytest.raises(CheckpointError, match="cut short"):
        model_folder(Path("FocusUI-7B"), store)
    assert model_folder(Path("some/where/else"), store) == Path("some/where/else")
    absent = Settings(model=Path("unheard-of"), models=kept)
    assert configured_model(absent) == Path("unheard-of"), "a window still opens, and says what is wrong"
    (model / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"missing: config\.json.*models verify small"):
        model_folder(Path("small"), store)


def test_commands_ground_with_a_kept_model(run: Run, kept: Path, tmp_path: Path) -> None:
    code, _, err = run("models", "import", embedded_model_dir(), "--name", "mine", "--accept-licence")
    assert code == 0, err
    assert (kept / "mine" / "channel.safetensors").is_file()
    image = Image.new("RGB", (420, 260), "#ececec")
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((290, 200, 400, 236), 5, fill="#fafafa", outline="#909090")
    draw.text((345, 218), "Save", fill="#202020", font=ImageFont.truetype("DejaVuSans.ttf", 16), anchor="mm")
    image.save(tmp_path / "screen.png")
    code, out, err = run("ground", tmp_path / "screen.png", "the Save button", "--model", "mine", "--json")
    assert code == 0, err
    x, y = json.loads(out)["candidates"][0]["point"]
    assert 290 <= x < 400
    assert 200 <= y < 236
    (kept / "mine" / "channel.safetensors").unlink()
    code, out, err = run("ground", tmp_path / "screen.png", "the Save button", "--model", "mine")
    assert (code, out) == (2, "")
    assert "channel.safetensors" in err
    code, _, err = run("eval", "--generated", "1", "--model", "unheard-of")
    assert code == 2
    assert "unheard-of" in err
