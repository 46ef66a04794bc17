"""Pulling models from a hub that works, breaks off, lies, or is not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import socket
from collections import namedtuple
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from app_fakes.hub_server import HubServer, Repo, git_checksum, hub_server
from app_fakes.small_models import ACTOR, DANGEROUS, OF_3B, OPEN_CARD, SHARDS, as_json, small_model

from reticle_app.cli.main import run_command
from reticle_app.models import hub as hub_module
from reticle_app.models import pull as pulling
from reticle_app.models.store import Store

REPO = "someone/Pointer-7B"
WEIGHTS = "model.safetensors"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with hub_server() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.endpoint)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        yield running


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of kept models, empty."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "reticle" / "models"


@pytest.fixture
def run(kept: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def call(*args: object) -> tuple[int, str, str]:
        code = run_command(["models", *map(str, args)])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.fixture
def pull(run: Callable[..., tuple[int, str, str]]) -> Callable[..., dict[str, Any]]:
    def call(*args: object) -> dict[str, Any]:
        code, out, err = run("pull", *args, "--json")
        assert code == 0, err
        document = json.loads(out)
        assert isinstance(document, dict)
        return document

    return call


def last_line(err: str) -> str:
    return err.strip().splitlines()[-1]


def contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_a_model_is_kept_as_published_and_recorded(server: HubServer, kept: Path, pull) -> None:
    files = small_model(shards=2)
    server.repos[REPO] = Repo(files | DANGEROUS, OPEN_CARD)
    document = pull(REPO)
    assert contents(kept / "Pointer-7B") == files
    assert document["repository"] == REPO
    assert document["revision"] == server.repos[REPO].commit
    assert document["fetched_bytes"] == sum(map(len, files.values()))
    assert {f["name"]: f["sha256"] for f in document["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    checked = {f["name"]: f["checked"] for f in document["files"]}
    assert checked[SHARDS[0]] == checked["tokenizer.json"] == "sha256"
    assert checked["config.json"] == "git"
    asked = {path for path, _ in server.asked}
    assert not [path for path in asked for name in DANGEROUS if path.endswith("/" + name)]


def test_the_plan_is_told_before_any_weight_is_fetched(server: HubServer, kept: Path, run) -> None:
    files = small_model()
    server.repos[REPO] = Repo(files | DANGEROUS, OPEN_CARD)
    code, out, _ = run("pull", REPO, "--dry-run", "--json")
    assert code == 0
    plan = json.loads(out)
    assert plan["size"] == plan["missing"] == sum(map(len, files.values()))
    assert plan["terms"]["commercial_use"] == "yes"
    assert plan["memory"]["float32"]["weights"] == plan["parameters"] * 4
    assert set(plan["left_out"]) == set(DANGEROUS)
    assert server.sent[WEIGHTS] < len(files[WEIGHTS]) / 10, "more than the header was read"
    assert not kept.exists()


def test_a_download_cut_in_the_middle_goes_on_where_it_stopped(server: HubServer, kept: Path, pull) -> None:
    files = small_model()
    server.repos[REPO] = Repo(files, OPEN_CARD)
    server.cut_after[WEIGHTS] = [30_000, 20_000]
    pull(REPO)
    assert contents(kept / "Pointer-7B") == files
    assert server.ranges(WEIGHTS)[-3:] == ["", "bytes=30000-", "bytes=50000-"]


def test_a_download_given_up_goes_on_at_the_next_command(server: HubServer, kept: Path, run, pull) -> None:
    files = small_model()
    server.repos[REPO] = Repo(files, OPEN_CARD)
    server.cut_after[WEIGHTS] = [30_000, *[0] * hub_module.TRIES]
    code, out, err = run("pull", REPO, "--json")
    assert (code, out) == (2, "")
    assert "30000 of" in last_line(err)
    code, out, _ = run("list", "--json")
    assert json.loads(out)["unfinished"] == ["Pointer-7B"]
    assert not (kept / "Pointer-7B").exists()
    server.asked.clear()
    server.cut_after.clear()
    document = pull(REPO)
    assert server.ranges(WEIGHTS)[-1] == "bytes=30000-"
    assert document["fetched_bytes"] == len(files[WEIGHTS]) - 30_000
    assert contents(kept / "Pointer-7B") == files
    assert json.loads(run("list", "--json")[1])["unfinished"] == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(server: HubServer, kept: Path, pull, status: int) -> None:
    files = small_model()
    server.repos[REPO] = Repo(files, OPEN_CARD)
    server.busy[WEIGHTS] = [status] * (hub_module.TRIES - 1)
    pull(REPO)
    assert server.busy[WEIGHTS] == []
    assert contents(kept / "Pointer-7B") == files


def test_a_server_that_says_no_is_not_asked_again(server: HubServer, run) -> None:
    server.repos[REPO] = Repo(small_model(), OPEN_CARD)
    server.busy[WEIGHTS] = [404, 404, 404]
    code, _, err = run("pull", REPO)
    assert code == 2
    assert "answers 404" in last_line(err)
    assert server.busy[WEIGHTS] == [404, 404]


def test_a_server_that_cannot_go_on_is_read_from_the_start(server: HubServer, kept: Path, pull) -> None:
    files = small_model()
    server.repos[REPO] = Repo(files, OPEN_CARD)
    server.cut_after[WEIGHTS] = [30_000]
    server.ignore_range = True
    pull(REPO)
    assert contents(kept / "Pointer-7B") == files


def test_an_update_between_two_tries_is_not_mixed_with_the_old_file(server: HubServer, kept: Path, run, pull) -> None:
    server.repos[REPO] = Repo(small_model(), OPEN_CARD)
    server.cut_after[WEIGHTS] = [30_000, *[0] * hub_module.TRIES]
    assert run("pull", REPO)[0] == 2
    server.cut_after.clear()
    newer = small_model(seed=7)
    server.repos[REPO] = Repo(newer, OPEN_CARD)
    pull(REPO)
    assert contents(kept / "Pointer-7B") == newer


@pytest.mark.parametrize("file", [WEIGHTS, "config.json", "tokenizer.json"])
def test_a_file_with_another_checksum_is_thrown_away(server: HubServer, kept: Path, run, pull, file: str) -> None:
    files = small_model()
    damaged = bytearray(files[file])
    damaged[-2] ^= 1
    if file == "config.json":
        damaged = bytearray(files[file].replace(b"64", b"65"))
    server.repos[REPO] = Repo(files, OPEN_CARD, {file: bytes(damaged)})
    code, out, err = run("pull", REPO, "--json")
    assert (code, out) == (1, "")
    assert file in last_line(err)
    expected = git_checksum(files[file]) if file == "config.json" else hashlib.sha256(files[file]).hexdigest()
    assert expected in last_line(err)
    assert not (kept / "Pointer-7B").exists()
    assert not list((kept / ".partial" / "Pointer-7B").glob(f"{file}*"))
    server.repos[REPO].sent.clear()
    pull(REPO)
    assert contents(kept / "Pointer-7B") == files


def test_more_bytes_than_announced_are_not_taken(server: HubServer, kept: Path, run) -> None:
    files = small_model()
    server.repos[REPO] = Repo(files, OPEN_CARD, {WEIGHTS: files[WEIGHTS] + b"and more"})
    code, _, err = run("pull", REPO)
    assert code == 2
    assert "sends more than" in last_line(err)
    assert not (kept / "Pointer-7B").exists()


def test_weights_without_a_published_checksum_are_not_fetched(server: HubServer, run, monkeypatch) -> None:
    server.repos[REPO] = Repo(small_model(), OPEN_CARD)
    about = Repo.about

    def silent(self: Repo, name: str) -> dict[str, object]:
        told = about(self, name)
        for row in told["siblings"]:
            row.pop("lfs", None)
            row.pop("blobId")
        return told

    monkeypatch.setattr(Repo, "about", silent)
    code, _, err = run("pull", REPO)
    assert code == 1
    assert "no checksum" in last_line(err)


def test_a_disk_too_small_is_told_before_anything_is_fetched(server: HubServer, kept: Path, run, monkeypatch) -> None:
    server.repos[REPO] = Repo(small_model(), OPEN_CARD)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9 - 1000, 1000))
    code, out, err = run("pull", REPO)
    assert (code, out) == (2, "")
    assert "1.0 kB are free" in last_line(err)
    assert server.sent[WEIGHTS] < 2000
    assert not (kept / "Pointer-7B").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a disk that is always full")
def test_a_disk_that_fills_up_is_told(server: HubServer, kept: Path, run, pull) -> None:
    files = small_model()
    server.repos[REPO] = Repo(files, OPEN_CARD)
    staged = kept / ".partial" / "Pointer-7B"
    staged.mkdir(parents=True)
    part = staged / f"{WEIGHTS}.{hashlib.sha256(files[WEIGHTS]).hexdigest()[:16]}.part"
    part.symlink_to("/dev/full")
    code, out, err = run("pull", REPO)
    assert (code, out) == (2, "")
    assert "is full" in last_line(err)
    part.unlink()
    pull(REPO)
    assert contents(kept / "Pointer-7B") == files


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"])
def test_offline_nothing_is_asked(server: HubServer, run, monkeypatch, variable: str) -> None:
    server.repos[REPO] = Repo(small_model(), OPEN_CARD)
    monkeypatch.setenv(variable, "1")
    code, out, err = run("pull", REPO)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "HF_HUB_OFFLINE" in err
    assert "import" in err
    assert server.asked == []


def test_offline_the_hubs_own_cache_is_used(server: HubServer, kept: Path, run, monkeypatch, tmp_path: Path) -> None:
    files = small_model()
    commit = Repo(files).commit
    cache = tmp_path / "cache"
    snapshot = hub_cache(cache, REPO, commit, files)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, out, err = run("pull", REPO, "--accept-licence", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["revision"] == commit
    assert document["repository"] == REPO
    assert document["origin"] == str(snapshot)
    assert {f["checked"] for f in document["files"]} == {"sha256", "git"}
    assert contents(kept / "Pointer-7B") == files
    assert server.asked == []


def hub_cache(cache: Path, repository: str, commit: str, files: dict[str, bytes]) -> Path:
    """The layout of the hub library's cache: files under their checksums, and links to them."""
    root = cache / f"models--{repository.replace('/', '--')}"
    snapshot = root / "snapshots" / commit
    for folder in (snapshot, root / "blobs", root / "refs"):
        folder.mkdir(parents=True)
    (root / "refs" / "main").write_text(commit)
    for name, content in files.items():
        large = name.endswith((".safetensors", "tokenizer.json"))
        mark = hashlib.sha256(content).hexdigest() if large else git_checksum(content)
        (root / "blobs" / mark).write_bytes(content)
        (snapshot / name).symlink_to(Path("..") / ".." / "blobs" / mark)
    return snapshot


def test_only_pickled_weights_are_refused(server: HubServer, kept: Path, run) -> None:
    files = small_model()
    del files[WEIGHTS]
    server.repos[REPO] = Repo(files | DANGEROUS, OPEN_CARD)
    code, out, err = run("pull", REPO, "--accept-licence")
    assert (code, out) == (2, "")
    assert "pickled" in last_line(err)
    assert not [path for path, _ in server.asked if path.endswith((".bin", ".pt"))]
    assert not kept.exists()


def test_a_base_that_forbids_commercial_use_needs_a_yes(server: HubServer, kept: Path, run, pull) -> None:
    server.repos[REPO] = Repo(small_model(OF_3B), {"license": "mit"})
    code, out, err = run("pull", REPO)
    assert (code, out) == (2, "")
    assert "NOT for commercial use" in err
    assert "Qwen/Qwen2.5-VL-3B-Instruct" in err
    assert "--accept-licence" in last_line(err)
    assert server.sent[WEIGHTS] < 2000
    assert not kept.exists()
    document = pull(REPO, "--accept-licence")
    assert document["commercial_use"] == "no"
    assert document["licence"] == "mit"


@pytest.mark.parametrize(("typed", "code"), [("y\n", 0), ("yes\n", 0), ("n\n", 1), ("\n", 1), ("\x04", 1)])
def test_the_licence_question_is_asked_on_a_terminal(
    server: HubServer, kept: Path, run, monkeypatch, typed: str, code: int
) -> None:
    from reticle_app.cli.approver import TerminalApprover

    server.repos[REPO] = Repo(small_model(OF_3B), {"license": "mit"})
    person, inner = os.openpty()
    with os.fdopen(inner, "r") as terminal:
        monkeypatch.setattr("sys.stdin", terminal)
        forget = TerminalApprover._forget_typed

        def then_type(self: TerminalApprover) -> None:
            forget(self)
            os.write(person, typed.encode())

        monkeypatch.setattr(TerminalApprover, "_forget_typed", then_type)
        result, _, err = run("pull", REPO)
    os.close(person)
    assert result == code, err
    assert "do you accept these licences?" in err
    assert (kept / "Pointer-7B").exists() == (code == 0)


def test_a_family_this_program_does_not_open_is_refused_before_its_weights(server: HubServer, run) -> None:
    server.repos[REPO] = Repo(small_model({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}), OPEN_CARD)
    code, _, err = run("pull", REPO, "--accept-licence")
    assert code == 2
    assert "llama" in last_line(err)
    assert server.sent[WEIGHTS] < 2000


def test_weights_that_are_no_safetensors_are_refused_from_their_header(server: HubServer, run) -> None:
    server.repos[REPO] = Repo(small_model() | {WEIGHTS: b"\x80\x04" + b"x" * 50_000}, OPEN_CARD)
    code, _, err = run("pull", REPO, "--accept-licence")
    assert code == 1
    assert f"{WEIGHTS} is not a safetensors file" in last_line(err)
    assert server.sent[WEIGHTS] < 2000


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, {"X-Error-Code": "RepoNotFound"}, b""), "has no"),
        ((401, {}, b""), "answers 401"),
        ((403, {"X-Error-Code": "GatedRepo"}, b""), "wants an agreement"),
        ((503, {}, b""), "answers 503"),
        ((200, {"Content-Type": "text/html"}, b"<html>log in to this network</html>"), "does not answer like a hub"),
        ((200, {"Content-Type": "application/json"}, b"[]"), "does not answer like a hub"),
        ((200, {"Content-Type": "application/json"}, b'{"id": "a/b", "siblings": []}'), "does not tell the commit"),
    ],
)
def test_what_a_hub_answers_instead_is_one_line(server: HubServer, run, answer, said: str) -> None:
    server.every = answer
    code, out, err = run("pull", REPO)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert said in err


def test_a_hub_that_is_not_there_is_one_line(server: HubServer, run, monkeypatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{unused.getsockname()[1]}"
        monkeypatch.setenv("HF_ENDPOINT", endpoint)
        code, out, err = run("pull", REPO, "--json")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert f"cannot be reached at {endpoint}" in err


@pytest.mark.parametrize("repository", ["a/b/c", "..", "../..", "who//what", "no-such-known-model", "a/-b-"])
def test_what_is_no_repository_is_one_line(server: HubServer, run, repository: str) -> None:
    code, out, err = run("pull", repository)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err


def test_a_revision_that_is_not_there(server: HubServer, run, pull) -> None:
    server.repos[REPO] = Repo(small_model(), OPEN_CARD)
    code, _, err = run("pull", REPO, "--revision", "v9")
    assert code == 2
    assert "v9" in err
    assert pull(REPO, "--revision", server.repos[REPO].commit)["revision"] == server.repos[REPO].commit


def test_what_is_there_is_not_fetched_again_and_an_update_takes_its_place(server: HubServer, kept: Path, pull) -> None:
    server.repos[REPO] = Repo(small_model() | {"notes.txt": b"old"}, OPEN_CARD)
    pull(REPO)
    server.sent.clear()
    assert pull(REPO)["fetched_bytes"] == 0
    assert server.sent[WEIGHTS] < 2000
    newer = small_model(seed=3)
    server.repos[REPO] = Repo(newer, OPEN_CARD)
    pull(REPO)
    assert contents(kept / "Pointer-7B") == newer


def test_another_model_of_the_same_name_needs_a_name_of_its_own(server: HubServer, kept: Path, run, pull) -> None:
    server.repos[REPO] = Repo(small_model(), OPEN_CARD)
    server.repos["other/Pointer-7B"] = Repo(small_model(seed=4), OPEN_CARD)
    server.repos["other/pointer-7b"] = Repo(small_model(seed=5), OPEN_CARD)
    pull(REPO)
    for clashing in ("other/Pointer-7B", "other/pointer-7b"):
        code, _, err = run("pull", clashing)
        assert code == 2
        assert "--name" in err
    pull("other/Pointer-7B", "--name", "second")
    assert contents(kept / "second") == small_model(seed=4)
    assert contents(kept / "Pointer-7B") == small_model()


@pytest.mark.parametrize("name", ["../out", ".records", "a/b", "", "x" * 101, "nul\0"])
def test_names_that_are_no_plain_file_names_are_refused(server: HubServer, kept: Path, run, name: str) -> None:
    server.repos[REPO] = Repo(small_model(), OPEN_CARD)
    code, _, err = run("pull", REPO, "--name", name)
    assert code == 2, err
    assert not kept.exists()


def test_an_index_cannot_point_out_of_the_folder(server: HubServer, run) -> None:
    index = as_json({"weight_map": {"a": "../../evil.safetensors"}})
    server.repos[REPO] = Repo(small_model() | {"model.safetensors.index.json": index}, OPEN_CARD)
    code, _, err = run("pull", REPO)
    assert code == 2
    assert "index" in last_line(err)


def test_odd_words_of_a_card_do_not_reach_the_terminal(server: HubServer, run) -> None:
    card = {"license": "mit\x1b[2J", "base_model": ["a/b\nlicence: mit", {"x": 1}]}
    server.repos[REPO] = Repo(small_model(ACTOR), card)
    code, _, err = run("pull", REPO)
    assert code == 2
    assert "\x1b" not in err
    assert "licence: unknown" in err


def test_a_token_is_not_carried_to_another_server(server: HubServer, kept: Path, pull, monkeypatch) -> None:
    files = small_model()
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    with hub_server() as store:
        server.repos[REPO] = store.repos[REPO] = Repo(files, OPEN_CARD)
        server.elsewhere = store.endpoint
        pull(REPO)
        assert contents(kept / "Pointer-7B") == files
        assert set(server.tokens) == {"Bearer hf_secret"}
        assert set(store.tokens) == {None}
        assert {path for path, _ in store.asked} == {f"/cdn/{REPO}/{file}" for file in (WEIGHTS, "tokenizer.json")}


def test_a_stopped_download_keeps_what_came(server: HubServer, kept: Path) -> None:
    files = small_model()
    server.repos[REPO] = Repo(files, OPEN_CARD)
    hub, store = hub_module.Hub(server.endpoint), Store(kept)
    job = pulling.prepare(hub, REPO)
    small = sum(len(content) for name, content in files.items() if name != WEIGHTS)

    def stop(done: int, total: int) -> None:
        if done > small:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pulling.fetch(hub, store, job, stop)
    missing = pulling.missing_bytes(store, job)
    assert missing < len(files[WEIGHTS]), "the first bytes were not kept"
    seen: list[int] = []
    pulling.fetch(hub, store, job, lambda done, total: seen.append(done))
    assert seen[0] == sum(map(len, files.values())) - missing
    assert seen == sorted(seen)
    assert seen[-1] == sum(map(len, files.values()))
    assert contents(kept / "Pointer-7B") == files
