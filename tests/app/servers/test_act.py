"""Acting for another program on a real X server: a window asks, the person is xdotool, and nobody there means no."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from app_fakes.serving import FAKES, Client

from reticle_agent.session import virtual_desktop
from reticle_agent.stop import StopToken
from reticle_app.api import ActingError, Reticle
from reticle_app.server.host import Host, HostOptions
from reticle_grounding.geometry import Point, Rect, Size

RED = Rect(400, 140, 484, 224)
TASK = "click the red square"


class Target:
    """A window with squares that counts its clicks."""

    def __init__(self) -> None:
        command = [sys.executable, str(FAKES / "squares_window.py"), "-platform", "xcb"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def clicks(self) -> list[Point]:
        """Ends the window."""
        time.sleep(0.3)
        self._process.terminate()
        assert self._process.stdout is not None
        lines = self._process.stdout.read().splitlines()
        self._process.stdout.close()
        self._process.wait()
        return [Point(*map(float, line.split()[1:])) for line in lines]


@pytest.fixture(scope="module")
def desktop() -> Iterator[None]:
    with virtual_desktop(Size(1280, 800)):
        yield


@pytest.fixture
def target(desktop: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Target]:
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    made = Target()
    yield made
    made._process.kill()
    made._process.wait()


def test_nobody_there_means_no(target: Target, make_reticle: Callable[..., Reticle]) -> None:
    host = Host(make_reticle(), HostOptions(asker="nobody"))
    answer = host.act(TASK, dry_run=False)
    assert answer.status == "refused"
    record = host.trace(answer.trace).record
    assert [step["status"] for step in record["steps"]] == ["refused"]
    assert host.traces(5).traces[0].name == answer.trace
    assert host.act(TASK, dry_run=True).status == "done"
    assert target.clicks() == []


def press(name: str) -> Callable[[], None]:
    """Presses a button of the window that asks, as a person would, and only once it listens."""

    def at_it() -> None:
        for _ in range(400):
            found = subprocess.run(
                ["xdotool", "search", "--onlyvisible", "--name", "^Reticle asks$"],
                capture_output=True,
                text=True,
                check=False,
            )
            if window := found.stdout.split():
                break
            time.sleep(0.05)
        time.sleep(1.5)
        size = subprocess.run(
            ["xdotool", "getwindowgeometry", "--shell", window[0]], capture_output=True, text=True, check=True
        ).stdout
        height = int(dict(line.split("=") for line in size.splitlines())["HEIGHT"])
        x, y = {"approve": 330, "refuse": 110}[name], height - 45
        move = ["mousemove", "--window", window[0], str(x), str(y)]
        subprocess.run(["xdotool", *move, "click", "1"], check=True)

    return at_it


@pytest.mark.timeout(40)
@pytest.mark.parametrize(("person", "status"), [("approve", "done"), ("refuse", "refused")])
def test_the_person_decides_in_a_window(
    target: Target, make_reticle: Callable[..., Reticle], person: str, status: str
) -> None:
    host = Host(make_reticle(), HostOptions(asker="window", who="an agent"))
    hand = threading.Thread(target=press(person), daemon=True)
    hand.start()
    answer = host.act(TASK, dry_run=False)
    hand.join()
    assert answer.status == status, answer.message
    clicks = target.clicks()
    assert len(clicks) == (1 if person == "approve" else 0)
    assert all(RED.contains(click) for click in clicks)


def test_over_http_one_run_at_a_time_and_a_stop(target: Target, start: Callable[..., Client]) -> None:
    client = start(HostOptions(asker="window"))
    ended: list[Any] = []
    run = threading.Thread(target=lambda: ended.append(client.ask("POST", "/v1/act", {"task": TASK})), daemon=True)
    run.start()
    deadline = time.monotonic() + 30
    while client.reticle._token is None and time.monotonic() < deadline:
        time.sleep(0.01)
    second = client.ask("POST", "/v1/act", {"task": TASK})
    assert (second.status, second.kind) == (409, "acting")
    with pytest.raises(ActingError, match="in progress"):
        client.reticle.act(TASK, token=StopToken())
    time.sleep(2.0)
    assert client.ground("red").status == 200, "a run that waits for the person holds up others"
    assert client.ask("POST", "/v1/stop").json == {"stopped": True}
    run.join(30)
    assert ended[0].json["status"] == "stopped"
    assert client.ask("POST", "/v1/stop").json == {"stopped": False}
    assert target.clicks() == []
