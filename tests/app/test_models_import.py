"""Taking models from folders, checked like a download and without a network."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
from app_fakes.hub_server import git_checksum
from app_fakes.small_models import ACTOR, DANGEROUS, OF_3B, SHARDS, as_json, small_model

from reticle_app.cli.main import run_command

WEIGHTS = "model.safetensors"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "reticle" / "models"


@pytest.fixture
def take(kept: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    def no_network(*args: object, **kwargs: object) -> None:
        raise AssertionError("an import asked the network")

    monkeypatch.setattr("socket.socket.connect", no_network)

    def call(*args: object) -> tuple[int, str, str]:
        code = run_command(["models", "import", *map(str, args)])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return written(tmp_path / "Pointer", small_model())


def written(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_only_plain_data_is_copied(take: Run, kept: Path, tmp_path: Path) -> None:
    folder = written(tmp_path / "Pointer", small_model(shards=2) | DANGEROUS)
    before = contents(folder)
    code, out, err = take(folder, "--accept-licence", "--json")
    assert code == 0, err
    assert "pytorch_model.bin" in err
    assert contents(kept / "Pointer") == small_model(shards=2)
    assert contents(folder) == before
    document = json.loads(out)
    assert document["repository"] is None
    assert document["origin"] == str(folder)
    assert {f["checked"] for f in document["files"]} == {"nothing"}
    assert document["licence"] == "mit"


def test_a_folder_with_pickled_weights_alone_is_refused(take: Run, kept: Path, tmp_path: Path) -> None:
    files = small_model()
    del files[WEIGHTS]
    code, out, err = take(written(tmp_path / "Pointer", files | DANGEROUS), "--accept-licence")
    assert (code, out) == (2, "")
    assert "pickled" in err
    assert not kept.exists()


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "preprocessor_config.json", SHARDS[1]])
def test_a_missing_file_is_named(take: Run, kept: Path, tmp_path: Path, name: str) -> None:
    folder = written(tmp_path / "Pointer", small_model(shards=2))
    (folder / name).unlink()
    code, _, err = take(folder, "--accept-licence")
    assert code == 2
    assert f"lacks {name}" in err
    assert not kept.exists()


@pytest.mark.parametrize("keep", [0, 4, 60, -1])
def test_weights_cut_short_are_refused(take: Run, kept: Path, folder: Path, keep: int) -> None:
    whole = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(whole[:keep])
    code, _, err = take(folder, "--accept-licence")
    assert code == 1
    assert WEIGHTS in err
    assert not kept.exists()


@pytest.mark.parametrize(
    ("processor", "said"),
    [
        ({"image_processor_type": "CLIPImageProcessor"}, "preprocessor_config.json"),
        ({"patch_size": 16}, "the patch size is 14, preprocessor_config.json says 16"),
    ],
)
def test_the_processor_of_another_model_is_refused(
    take: Run, kept: Path, folder: Path, processor: dict[str, object], said: str
) -> None:
    (folder / "config.json").write_bytes(as_json(ACTOR | {"vision_config": {"patch_size": 14}}))
    (folder / "preprocessor_config.json").write_bytes(as_json(processor))
    code, _, err = take(folder, "--accept-licence")
    assert code == 2
    assert said in err
    assert "take " in err  # what to do
    assert not kept.exists()


def test_another_family_is_refused(take: Run, kept: Path, folder: Path) -> None:
    (folder / "config.json").write_bytes(as_json({"model_type": "llama"}))
    code, _, err = take(folder, "--accept-licence")
    assert code == 2
    assert "llama" in err
    assert not kept.exists()


def test_broken_json_is_refused(take: Run, folder: Path) -> None:
    (folder / "config.json").write_text("{")
    code, _, err = take(folder)
    assert code == 2
    assert "config.json" in err


def test_the_licence_of_the_base_is_told_from_the_sizes(take: Run, kept: Path, tmp_path: Path) -> None:
    folder = written(tmp_path / "renamed", small_model(OF_3B))
    code, _, err = take(folder)
    assert code == 2
    assert "NOT for commercial use" in err
    assert "--accept-licence" in err
    assert not kept.exists()


def test_a_known_model_is_told_by_its_name(take: Run, tmp_path: Path) -> None:
    folder = written(tmp_path / "GUI-AIMA-3B", small_model() | {"README.md": b"no card"})
    code, out, _ = take(folder, "--dry-run", "--json")
    assert code == 0
    plan = json.loads(out)
    assert plan["repository"] == "smz8599/GUI-AIMA-3B"
    assert plan["terms"]["commercial_use"] == "no"
    assert plan["terms"]["licence"] == "unknown"


@pytest.mark.parametrize(
    ("card", "licence", "bases"),
    [
        ("---\nlicense: mit\nbase_model: a/b\n---\n", "mit", ["a/b"]),
        ("---\nlicense: other\nlicense_name: qwen-research\n---\n", "qwen-research", []),
        (
            "---\ntags:\n- x/y\nbase_model:\n  - a/b\n- c/d\nlanguage:\n- en\n---\nlicense: mit\n",
            "unknown",
            ["a/b", "c/d"],
        ),
        ("license: mit\n", "unknown", []),
        ("---\nlicense: [mit, \x1b[2J]\n---\n", "unknown", []),
    ],
)
def test_the_card_is_read(take: Run, folder: Path, card: str, licence: str, bases: list[str]) -> None:
    (folder / "README.md").write_text(card)
    terms = json.loads(take(folder, "--dry-run", "--json")[1])["terms"]
    assert terms["licence"] == licence
    assert [b["repository"] for b in terms["bases"]] == bases


def sums(folder: Path, **wrong: str) -> str:
    rows = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}
    return "".join(f"{digest}  ./{name}\n" for name, digest in (rows | wrong).items())


def test_checksums_of_the_user_are_compared(take: Run, kept: Path, folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "SHA256SUMS"
    listed.write_text(sums(folder))
    code, out, err = take(folder, "--accept-licence", "--checksums", listed, "--json")
    assert code == 0, err
    assert {f["checked"] for f in json.loads(out)["files"]} == {"sha256"}


def test_a_wrong_checksum_leaves_nothing(take: Run, kept: Path, folder: Path, tmp_path: Path) -> None:
    listed = tmp_path / "SHA256SUMS"
    listed.write_text(sums(folder, **{WEIGHTS: "0" * 64}))
    code, _, err = take(folder, "--accept-licence", "--checksums", listed)
    assert code == 1
    assert WEIGHTS in err.splitlines()[-1]
    assert [p.name for p in kept.rglob("*") if p.is_file() and p.suffix != ".lock"] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [("abc  model\n", "line 1"), ("0" * 64 + "\n", "line 1"), ("0" * 64 + "  other.json\n", "other.json")],
)
def test_a_list_of_checksums_that_is_none(take: Run, folder: Path, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "sums").write_text(text)
    code, _, err = take(folder, "--checksums", tmp_path / "sums")
    assert code == 2
    assert said in err


def linked(folder: Path, store: Path) -> None:
    """As in the hub library's cache: every file is a link to one that is named by its checksum."""
    store.mkdir()
    for path in list(folder.iterdir()):
        content = path.read_bytes()
        large = path.name == WEIGHTS
        mark = hashlib.sha256(content).hexdigest() if large else git_checksum(content)
        path.rename(store / mark)
        path.symlink_to(store / mark)


def test_the_hubs_cache_is_checked_by_the_names_of_its_files(
    take: Run, kept: Path, folder: Path, tmp_path: Path
) -> None:
    linked(folder, tmp_path / "blobs")
    code, out, err = take(folder, "--accept-licence", "--json")
    assert code == 0, err
    assert {f["name"]: f["checked"] for f in json.loads(out)["files"]}[WEIGHTS] == "sha256"
    assert not any(path.is_symlink() for path in kept.rglob("*"))
    assert contents(kept / "Pointer") == small_model()


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json"])
def test_a_damaged_cache_is_noticed(take: Run, kept: Path, folder: Path, tmp_path: Path, name: str) -> None:
    linked(folder, tmp_path / "blobs")
    blob = (folder / name).resolve()
    content = bytearray(blob.read_bytes())
    content[-5] ^= 1
    blob.write_bytes(bytes(content))
    code, _, err = take(folder, "--accept-licence")
    assert code == 1
    assert name in err.splitlines()[-1]
    assert not (kept / "Pointer").exists()


def test_notes_of_the_hubs_download_are_compared(take: Run, kept: Path, folder: Path) -> None:
    notes = folder / ".cache" / "huggingface" / "download"
    notes.mkdir(parents=True)
    right = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    (notes / f"{WEIGHTS}.metadata").write_text(f"{'a' * 40}\n{right}\n1.0\n")
    (notes / "config.json.metadata").write_text(f"{'a' * 40}\n{'b' * 40}\n1.0\n")
    code, _, err = take(folder, "--accept-licence")
    assert code == 1
    assert "config.json" in err.splitlines()[-1]
    (notes / "config.json.metadata").write_text(f"{'a' * 40}\n{git_checksum(as_json(ACTOR))}\n1.0\n")
    code, out, _ = take(folder, "--accept-licence", "--json")
    assert code == 0
    checked = {f["name"]: f["checked"] for f in json.loads(out)["files"]}
    assert (checked[WEIGHTS], checked["config.json"], checked["tokenizer.json"]) == ("sha256", "git", "nothing")


def test_a_name_is_taken_once(take: Run, kept: Path, folder: Path) -> None:
    assert take(folder, "--accept-licence")[0] == 0
    code, _, err = take(folder, "--accept-licence")
    assert code == 2
    assert "--name" in err
    assert take(folder, "--accept-licence", "--name", "again")[0] == 0
    assert contents(kept / "again") == contents(kept / "Pointer")


def test_a_full_disk_is_told_first(take: Run, kept: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 5_000_000, 5_000_000))
    code, _, err = take(folder, "--accept-licence")
    assert code == 2
    assert "5.0 MB are free" in err
    assert not kept.exists()


def test_what_is_no_folder(take: Run, tmp_path: Path) -> None:
    code, _, err = take(tmp_path / "nowhere")
    assert code == 2
    assert "nowhere" in err
    assert err.count("\n") == 1
