"""A fleet on Ray: two replicas behind the door, and a label run that is killed and gone on with.

The model is one that looks at the pixels; everything else is real. One server serves all tests of its part, since Ray
takes its time to start.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from agent_fakes.recorded import recorded
from app_fakes.fleet_demo import LOOKS, SlowLook
from app_fakes.serving import Answer, Client, in_base64, squares

from reticle_app.fleet.labeller import Labeller
from reticle_app.fleet.shards import LABELS, TRACES
from reticle_app.fleet.steps import all_works

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(
        importlib.util.find_spec("ray") is None, reason="Ray is not installed: pip install 'reticle[ray]'"
    ),
]

DEMO = Path(__file__).parent / "app_fakes" / "fleet_demo.py"
MARK = "RETICLE_TEST_FLEET"
BATCH, WAITING = 4, 2
UP_S = 900.0
COLOURS = ("red", "blue", "green")
LOOPBACK = {"0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F"}


class Program:
    """A process of the fleet, and all that it started."""

    def __init__(self, what: str, given: dict[str, Any], folder: Path, **env: str) -> None:
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.looks = folder / "looks"
        self.looks.mkdir(exist_ok=True)
        self.said = folder / "said"
        paths = [str(Path(__file__).parent), *sys.path]
        told = {**os.environ, MARK: self.mark, LOOKS: str(self.looks), "PYTHONPATH": os.pathsep.join(paths), **env}
        with open(self.said, "wb") as out:
            argv = [sys.executable, str(DEMO), what, json.dumps(given)]
            self.process = subprocess.Popen(argv, env=told, stdout=out, stderr=out, stdin=subprocess.DEVNULL)

    def await_line(self, pattern: str) -> re.Match[str]:
        """Waits until it says so."""
        until = time.monotonic() + UP_S
        while time.monotonic() < until:
            if found := re.search(pattern, self.said.read_text(errors="replace")):
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"it did not say {pattern!r} but {self.said.read_text(errors='replace')[-3000:]}")

    def leavings(self) -> list[str]:
        """Lines that its models left, whatever the process."""
        return [line for file in self.looks.iterdir() for line in file.read_text().splitlines()]

    def pids(self) -> set[int]:
        """Every living process that it started, however far away."""
        found = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and entry.name != str(self.process.pid):
                try:
                    if f"{MARK}={self.mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                        found.add(int(entry.name))
                except OSError:
                    continue
        return found

    def await_nothing_left(self) -> None:
        until = time.monotonic() + 60
        while (left := self.pids()) and time.monotonic() < until:
            time.sleep(0.2)
        assert not left, f"processes are left behind: {left}"

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(UP_S)


class Fleet(Client):
    """A client that knows the program, and pictures of many widths."""

    program: Program

    def point(self, words: str, width: int) -> Answer:
        return self.ask("POST", "/v1/ground", {"image": in_base64(squares((width, 168))), "instruction": words})

    def many(self, asked: list[tuple[str, int]], clients: int) -> list[Answer]:
        with ThreadPoolExecutor(clients) as pool:
            return list(pool.map(lambda one: self.point(*one), asked))

    def looked_at(self, width: int) -> int:
        return self.program.leavings().count(f"look {width}")


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    given = {"workers": 2, "options": {"batch": BATCH, "waiting": WAITING, "timeout_s": 120}}
    program = Program("serve", given, folder)
    try:
        port = int(program.await_line(r"ready on (\d+)")[1])
        made = Fleet(port, None, None)  # type: ignore[arg-type]
        made.program = program
        yield made
    finally:
        program.end()
        program.await_nothing_left()


def candidates(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return answer.json["found"], answer.json["candidates"]


def test_both_replicas_answer(fleet: Fleet) -> None:
    answers = fleet.many([("the red square", 280 + 28 * n) for n in range(16)], clients=4)
    assert {a.status for a in answers} == {200}
    assert len({a.json["replica"] for a in answers}) == 2
    assert len({a.json["pid"] for a in answers}) == 2
    assert fleet.ask("GET", "/v1/health").json == {"running": 2, "wanted": 2}


def test_one_look_answers_those_who_ask_together(fleet: Fleet) -> None:
    width = 1008
    answers = fleet.many([(f"the {COLOURS[n % 3]} square", width) for n in range(8)], clients=BATCH)
    assert fleet.looked_at(width) == 1
    assert len({a.json["replica"] for a in answers}) == 1, "one screenshot went to two replicas"
    assert max(a.json["together"] for a in answers) > 1
    assert sum(not a.json["looked"] for a in answers) > 0


def test_batched_answers_are_those_of_one_at_a_time(fleet: Fleet) -> None:
    asked = [(f"the {colour} square", width) for width in (560, 588) for colour in COLOURS]
    together = fleet.many(asked, clients=6)
    alone = [fleet.point(*one) for one in asked]
    assert [candidates(a) for a in together] == [candidates(a) for a in alone]
    assert {a.json["together"] for a in alone} == {1}


def test_no_more_may_wait_than_was_said(fleet: Fleet) -> None:
    asked = [("wait for the red square", 616)] * 24
    answers = fleet.many(asked, clients=24)
    busy = [a for a in answers if a.status == 429]
    assert {a.status for a in answers} == {200, 429}
    assert {a.kind for a in busy} == {"busy"}
    assert all(int(a.headers["retry-after"]) >= 1 for a in busy)
    assert len(answers) - len(busy) >= BATCH
    assert fleet.point("the red square", 616).status == 200, "it answers again when there is room"


def test_only_this_machine_can_reach_anything_of_it(fleet: Fleet) -> None:
    pids = {fleet.program.process.pid, *fleet.program.pids()}
    links = set()
    for pid in pids:
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            try:
                links.add(os.readlink(handle))
            except OSError:
                continue
    places = set()
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in links:  # listening, and one of ours
                places.add(fields[1].split(":")[0])
    assert places, "not even our own port was seen"
    assert places <= LOOPBACK


def test_a_killed_replica_costs_no_answer(fleet: Fleet) -> None:
    width = 700
    victim = fleet.point("the red square", width).json
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(fleet.point, f"wait for the {colour} square", width) for colour in COLOURS]
        time.sleep(1.0)
        os.kill(victim["pid"], signal.SIGKILL)
        answers = [future.result() for future in waiting]
        answers += [fleet.point("the blue square", 700 + 28 * n) for n in range(6)]
    assert [a.status for a in answers] == [200] * 9, [a.body[:200] for a in answers if a.status != 200]
    assert victim["pid"] not in {a.json["pid"] for a in answers}
    until = time.monotonic() + UP_S
    while fleet.ask("GET", "/v1/health").json != {"running": 2, "wanted": 2}:
        assert time.monotonic() < until, "the killed replica was not replaced"
        time.sleep(1)


def test_a_signal_ends_it_when_the_last_answer_is_given(fleet: Fleet) -> None:
    """The last test of this server: it is gone afterwards."""
    with ThreadPoolExecutor(1) as pool:
        last = pool.submit(fleet.point, "wait for the red square", 1204)
        time.sleep(0.7)
        assert fleet.program.end(signal.SIGTERM) == 0
        assert last.result().status == 200
    fleet.program.await_nothing_left()
    assert "no new requests" in fleet.program.said.read_text()


def test_a_model_that_does_not_open_is_said(tmp_path: Path) -> None:
    program = Program("serve", {"workers": 1}, tmp_path, RETICLE_TEST_NO_MODEL="1")
    assert program.process.wait(UP_S) != 0
    said = program.said.read_text()
    assert "the replicas do not come up" in said
    assert "there is no such model" in said
    program.await_nothing_left()


def test_a_killed_label_run_is_gone_on_with(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        recorded(tmp_path / "traces" / name)
    out, given = tmp_path / "out", {"workers": 2, "traces": [str(tmp_path / "traces")], "out": str(tmp_path / "out")}
    killed = Program("label", given, tmp_path)
    killed.await_line(r"reticle: [5-9] of 18")
    killed.end(signal.SIGKILL)
    killed.await_nothing_left()
    before = sum(len(file.read_bytes().splitlines()) for file in (out / TRACES).iterdir())
    assert 5 <= before < 18
    assert not (out / LABELS).exists()

    again = Program("label", given, tmp_path)
    assert again.process.wait(UP_S) == 0, again.said.read_text()
    assert f"labelled 18 0 {before}" in again.said.read_text()
    works = [work for trace in all_works([tmp_path / "traces"]) for work in trace.works]
    expected = [str(line) for line in Labeller(SlowLook)({"work": [work.text for work in works]})["line"]]
    assert (out / LABELS).read_text(encoding="utf-8").splitlines() == expected
    asked = [line for line in again.leavings() if line.startswith("ground")]
    assert len(asked) <= 18 + 3 * 4, "steps that were answered before the kill were asked again"
