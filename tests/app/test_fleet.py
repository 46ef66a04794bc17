"""The parts of a fleet that need no Ray: batches, the door, what is asked of traces, and the files of a label run."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from agent_fakes.recorded import BIN, FIELD, FILE, MENU, recorded
from app_fakes.demo_worker import DemoGrounder, DemoObservation
from app_fakes.serving import TOKEN, Client, in_base64, png, squares
from PIL import Image

from reticle_app.cli.main import run_command
from reticle_app.fleet.batches import Asked, Batches, Reply
from reticle_app.fleet.cluster import ClusterOptions
from reticle_app.fleet.labeller import Labeller
from reticle_app.fleet.opening import fingerprint_of
from reticle_app.fleet.shards import LABELS, TRACES, LabelFolder, opened
from reticle_app.fleet.steps import TraceWork, Work, all_works
from reticle_app.server import extras
from reticle_app.server.answers import GroundAnswer
from reticle_app.turns import BusyError
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Point, Rect

SETTINGS = {"model": "demo"}


class Counting(DemoGrounder):
    """Counts looks."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0

    def observe(self, image: Image.Image) -> DemoObservation:
        self.looks += 1
        return super().observe(image)


# --- batches --------------------------------------------------------------------------------------------------------


def asked(words: str, width: int = 280, data: bytes | None = None) -> Asked:
    return Asked(f"screen {width}", png(squares((width, 168))) if data is None else data, words, 3, True)


def answer_of(reply: Reply) -> dict[str, Any]:
    assert isinstance(reply.outcome, GroundAnswer), reply.outcome
    return reply.outcome.model_dump(exclude={"timings_ms"})


def test_one_look_answers_all_instructions_on_a_screenshot() -> None:
    grounder = Counting()
    batch = [asked("the red square"), asked("the blue square", 308), asked("the blue square"), asked("the red square")]
    replies = Batches(grounder).answer(batch)
    assert grounder.looks == 2
    assert [r.together for r in replies] == [3, 1, 3, 3]
    assert all(r.looked for r in replies)
    assert answer_of(replies[0]) == answer_of(replies[3]) != answer_of(replies[2])


def test_answers_of_a_batch_are_those_of_single_requests() -> None:
    words = ["the red square", "the blue square", "nothing of this", "the green square"]
    batch = [asked(said, width) for said in words for width in (280, 308)]
    together = Batches(Counting()).answer(batch)
    alone = [Batches(Counting()).answer([one])[0] for one in batch]
    assert [answer_of(r) for r in together] == [answer_of(r) for r in alone]


def test_a_kept_screenshot_is_not_looked_at_again_and_the_oldest_is_forgotten() -> None:
    grounder = Counting()
    batches = Batches(grounder, kept=2)
    for width in (280, 308, 280):
        batches.answer([asked("red", width)])
    assert grounder.looks == 2
    batches.answer([asked("red", 336)])  # forgets 308, which was used longest ago
    assert not batches.answer([asked("red", 280)])[0].looked
    assert batches.answer([asked("red", 308)])[0].looked


def test_what_is_wrong_with_one_request_is_not_the_others_matter() -> None:
    grounder = Counting()
    gone = asked("the red square")
    gone.given_up = True
    batch = [asked("x", 1, b"no picture"), asked("boom"), asked("the red square"), gone]
    broken, bug, fine, unwanted = Batches(grounder).answer(batch)
    assert isinstance(broken.outcome, BadInput)
    assert isinstance(bug.outcome, ReticleError)
    assert "a bug in the model" in str(bug.outcome)
    assert answer_of(fine)["found"]
    assert isinstance(unwanted.outcome, ReticleError)
    assert fine.together == 2, "one that nobody waits for does not count"


def test_a_screenshot_that_nobody_waits_for_is_not_looked_at() -> None:
    grounder = Counting()
    gone = asked("the red square")
    gone.given_up = True
    Batches(grounder).answer([gone])
    assert grounder.looks == 0


# --- the door -------------------------------------------------------------------------------------------------------


class FakeReplicas:
    """Answers as a replica does, in this process."""

    def __init__(self) -> None:
        self.ready = 2
        self._batches = Batches(Counting())

    async def ground(self, digest: str, picture: bytes, instruction: str, top_k: int, with_map: bool) -> str:
        from reticle_app.protocol import encode_error

        if "busy" in instruction:
            raise BusyError("all replicas are busy")
        if "wait" in instruction:
            await asyncio.sleep(30)
        reply = self._batches.answer([Asked(digest, picture, instruction, top_k, with_map)])[0]
        who = {"replica": "abc", "pid": 7, "together": reply.together, "looked": reply.looked}
        if isinstance(reply.outcome, ReticleError):
            return json.dumps({"who": who, "error": encode_error(reply.outcome)})
        return json.dumps({"who": who, "ok": reply.outcome.model_dump(mode="json")})

    def running(self) -> int:
        return self.ready


@pytest.fixture
def replicas() -> FakeReplicas:
    return FakeReplicas()


@pytest.fixture
def client(replicas: FakeReplicas) -> Iterator[Client]:
    pytest.importorskip("fastapi", reason="the extra `server` is not installed")
    uvicorn = pytest.importorskip("uvicorn", reason="the extra `server` is not installed")
    from reticle_app.fleet.front import Door, create_app
    from reticle_app.server.guard import Limits
    from reticle_app.server.listen import Address

    listening = Address().listen()
    app = create_app(Door(replicas, 2, 3, timeout_s=1.0), TOKEN, Limits(max_body=200_000))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, http="h11", ws="none"))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    yield Client(listening.getsockname()[1], None, None)  # type: ignore[arg-type]
    server.should_exit = True
    thread.join(20)
    listening.close()
    assert not thread.is_alive()


def test_the_door_answers_and_says_who_did(client: Client) -> None:
    answer = client.ground("the red square", top_k=2)
    assert answer.status == 200, answer.body
    assert (answer.json["replica"], answer.json["together"], answer.json["looked"]) == ("abc", 1, True)
    x, y = answer.json["candidates"][0]["point"]
    assert 28 <= x <= 84
    assert 28 <= y <= 84
    assert not client.ground("the blue square").json["looked"]


DOOR = {
    "no token": ("red", {"authorization": None}, 401, "unauthorized"),
    "wrong token": ("red", {"authorization": "Bearer " + "x" * len(TOKEN)}, 401, "unauthorized"),
    "another name": ("red", {"host": "evil.example"}, 403, "forbidden_host"),
    "a web page": ("red", {"origin": "https://evil.example"}, 403, "forbidden_origin"),
    "too large": ("red " * 60_000, {}, 413, "too_large"),
    "too many words": ("red " * 1000, {}, 422, "invalid"),
    "all are busy": ("busy", {}, 429, "busy"),
    "too long": ("wait", {}, 504, "too_long"),
    "refused by the model": ("refuse", {}, 400, "bad_input"),
    "a bug in the model": ("boom", {}, 503, "unable"),
}


@pytest.mark.parametrize("why", list(DOOR))
def test_failures_have_the_form_of_the_one_server(client: Client, why: str) -> None:
    words, headers, status, kind = DOOR[why]
    document = {"image": in_base64(), "instruction": words}
    answer = client.ask("POST", "/v1/ground", document, **headers)
    assert (answer.status, answer.kind) == (status, kind)
    if kind == "busy":
        assert int(answer.headers["retry-after"]) >= 1


def test_no_more_than_was_said_are_in_work_or_waiting(client: Client) -> None:
    with ThreadPoolExecutor(6) as pool:
        kinds = sorted(answer.kind for answer in pool.map(client.ground, ["wait"] * 6))
    assert kinds == ["busy"] * 3 + ["too_long"] * 3
    assert client.ground("the red square").status == 200


def test_nothing_acts_here(client: Client) -> None:
    assert client.ask("POST", "/v1/act", {"task": "click 'Save'"}).kind == "not_found"


def test_health_tells_how_many_are_ready(client: Client, replicas: FakeReplicas) -> None:
    assert client.ask("GET", "/v1/health").json == {"running": 2, "wanted": 2}
    assert client.ask("GET", "/v1/health", authorization=None).status == 401
    replicas.ready = 0
    answer = client.ask("GET", "/v1/health")
    assert (answer.status, answer.kind) == (503, "unable")


# --- what is asked of traces ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(tmp_path_factory.mktemp("recorded") / "run")


@pytest.fixture
def traces(run: Path, tmp_path: Path) -> Path:
    """Three runs, of which one has lost a picture and one cannot be read."""
    folder = tmp_path / "traces"
    for name, old in (("a", run), ("b", None), ("c", None)):
        if old is None:
            recorded(folder / name)
        else:
            shutil.copytree(old, folder / name)
    frame = next(iter(sorted((folder / "b" / "frames").iterdir())))
    frame.write_bytes(frame.read_bytes()[:200])
    events = folder / "c" / "events.jsonl"
    events.write_bytes(b"no json\n" + events.read_bytes())
    return folder


WORDS = ["the Search menu", "the name field", "the wrong place", "the file", "the bin", "the list"]


def test_every_recorded_step_is_asked_in_order(run: Path) -> None:
    (trace,) = all_works([run])
    assert [work.instruction for work in trace.works] == WORDS
    assert [work.index for work in trace.works] == list(range(len(WORDS)))
    assert [work.step for work in trace.works] == [0, 1, 3, 4, 4, 6]
    assert [work.recorded and work.recorded["by"] for work in trace.works] == [
        "user", "check", None, "check", "check", "check",
    ]  # fmt: skip
    for work, region in zip(trace.works, (MENU, FIELD, None, FILE, BIN, FIELD), strict=True):
        if region is not None:
            assert work.recorded is not None
            assert Rect(*work.recorded["region"]).iou(region) > 0.95
            assert region.contains(Point(*work.recorded["point"]))
    assert [Work.of(work.text) for work in trace.works] == list(trace.works)


def test_the_same_folder_twice_is_asked_once_and_a_copy_is_refused(run: Path, tmp_path: Path) -> None:
    assert len(all_works([run, run, run.parent])) == 1
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    with pytest.raises(BadInput, match="copies of one trace"):
        all_works([run, copy])


def test_a_folder_without_traces_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no trace in"):
        all_works([tmp_path])
    with pytest.raises(BadInput, match="no folder"):
        all_works([tmp_path / "absent"])


# --- answers and files ----------------------------------------------------------------------------------------------


def labelled(works: list[Work]) -> list[str]:
    made = Labeller(DemoGrounder)({"work": [work.text for work in works]})
    return [str(line) for line in made["line"]]


def rows(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_line_tells_place_probability_and_model(run: Path) -> None:
    (trace,) = all_works([run])
    row = json.loads(labelled(list(trace.works))[0])
    assert (row["trace"], row["step"], row["instruction"]) == (trace.id, 0, WORDS[0])
    assert 0 < row["p_true"] <= 1
    assert row["found"]
    assert Rect(*row["region"]).contains(Point(*row["point"]))
    assert row["model"] == "demo-statistics"
    assert row["fingerprint"] == fingerprint_of(DemoGrounder())
    assert row["recorded"]["by"] == "user"


def test_errors_are_lines_and_end_nothing(traces: Path, tmp_path: Path) -> None:
    works = all_works([traces])
    with opened(tmp_path / "out", works, SETTINGS) as folder:
        for line in labelled(folder.left):
            folder.append(line)
        answers, errors = folder.finish()
    lines = rows(tmp_path / "out" / LABELS)
    failed = [row for row in lines if "error" in row]
    assert (answers, errors) == (len(lines) - len(failed), len(failed))
    assert {row["step"] is None for row in failed} == {True, False}
    assert any("damaged or cut short" in row["error"] for row in failed)
    assert any("events.jsonl line 1 is damaged" in row["error"] for row in failed)
    assert answers >= 2 * len(WORDS) - 2


def _written(works: list[TraceWork], out: Path, most: int | None = None) -> tuple[int, int]:
    """Writes at most so many lines; returns (lines there before, lines written)."""
    with opened(out, works, SETTINGS) as folder:
        todo = folder.left if most is None else folder.left[:most]
        for line in labelled(todo):
            folder.append(line)
        if most is None:
            folder.finish()
        return folder.done, len(todo)


@pytest.mark.parametrize("cut", [0, 25])
def test_a_killed_run_is_gone_on_with_and_comes_to_the_same(traces: Path, tmp_path: Path, cut: int) -> None:
    works = all_works([traces])
    _written(works, tmp_path / "whole")
    _written(works, tmp_path / "killed", 8)
    half = max((tmp_path / "killed" / TRACES).iterdir(), key=lambda path: path.stat().st_mtime_ns)
    if cut:
        half.write_bytes(half.read_bytes()[:-cut])
    before, written = _written(works, tmp_path / "killed")
    assert before == (8 if cut == 0 else 7)
    assert written == sum(len(trace.works) for trace in works) - before
    assert (tmp_path / "killed" / LABELS).read_bytes() == (tmp_path / "whole" / LABELS).read_bytes()


def test_lines_of_another_model_or_state_are_not_mixed(run: Path, tmp_path: Path) -> None:
    works = all_works([run])
    _written(works, tmp_path, 2)
    with opened(tmp_path, works, SETTINGS) as folder, pytest.raises(BadInput, match="choose another --out"):
        folder.append(labelled(folder.left[:1])[0].replace("demo-statistics", "other"))
    with pytest.raises(BadInput, match="other settings"), opened(tmp_path, works, {"model": "other"}):
        pass
    (shard,) = (tmp_path / TRACES).iterdir()
    shard.write_text(shard.read_text().replace(WORDS[0], "other words"))
    with pytest.raises(BadInput, match="another state"), opened(tmp_path, works, SETTINGS):
        pass


def test_two_runs_do_not_write_into_one_folder(run: Path, tmp_path: Path) -> None:
    works = all_works([run])
    with opened(tmp_path, works, SETTINGS), pytest.raises(BadInput, match="another label run"):
        opened(tmp_path, works, SETTINGS).__enter__()
    with opened(tmp_path, works, SETTINGS) as folder:
        assert isinstance(folder, LabelFolder)


# --- the commands ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("args", [["serve"], ["label", "somewhere", "--out", "elsewhere"]])
def test_without_ray_it_says_what_to_install(
    args: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there: Callable[[str], object] = extras.find_spec
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name == "ray" else there(name))
    assert run_command(["fleet", *args]) == 2
    assert "pip install 'reticle[ray]'" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong", [{"workers": 0}, {"cpus": 0}, {"gpus": -1}, {"store_mb": 10}], ids=lambda given: next(iter(given))
)
def test_impossible_fleets_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        ClusterOptions(**{"workers": 2, "cpus": 1, **wrong})


def test_only_this_machine_is_listened_on() -> None:
    from reticle_app.server.listen import Address

    name = socket.gethostname()
    with pytest.raises(BadInput, match="--host"):
        Address("0.0.0.0").listen()
    with pytest.raises(BadInput, match="--host"):
        Address(name).listen()
