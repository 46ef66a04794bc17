"""A private desktop, applications nobody here wrote, and eyes that are not ours: window titles and accessibility."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from reticle_agent.session import virtual_desktop
from reticle_agent.x11 import X11

HERE = Path(__file__).resolve().parent
SYSTEM_PYTHON = "/usr/bin/python3"
RETICLE = Path(os.environ.get("RETICLE_COMMAND", str(Path(sys.executable).with_name("reticle"))))
RUN_S = 150.0
"""Longest run of one command."""
Row = dict[str, Any]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent == HERE:
            item.add_marker(pytest.mark.e2e)


def until(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """The first true value of ``condition`` within the time; its last value otherwise."""
    deadline = time.monotonic() + seconds
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


@dataclass(frozen=True, slots=True)
class Ended:
    """One finished command."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Row:
        """The one JSON document on stdout."""
        parsed: Row = json.loads(self.stdout)
        return parsed


@dataclass(slots=True)
class Stage:
    """One test's desktop: a home of its own, and what its applications say about themselves."""

    env: dict[str, str]
    folder: Path
    """Working folder of the command and of the application it starts."""
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def trace(self) -> Path:
        return self.folder / "trace"

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Starts the public command in a process group of its own."""
        process = subprocess.Popen(
            [str(RETICLE), *arguments],
            env=self.env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def reticle(self, *arguments: str) -> Ended:
        process = self.start(*arguments)
        stdout, stderr = process.communicate(timeout=RUN_S)
        return Ended(process.returncode, stdout, stderr)

    def run(self, task: str, app: str, mode: str = "--auto") -> Ended:
        """``reticle run`` with everything recorded."""
        return self.reticle("run", task, "--app", app, mode, "--trace", str(self.trace), "--json")

    def titles(self) -> list[str]:
        """Titles of the windows the window manager knows."""
        x11 = X11(self.env["DISPLAY"])
        try:
            clients = x11.cardinals(int(x11.root.id), "_NET_CLIENT_LIST")
            return [x11.text(w, "_NET_WM_NAME") or x11.text(w, "WM_NAME") for w in clients]
        finally:
            x11.close()

    def tree(self, application: str) -> list[Row]:
        """The application's accessibility tree, depth first."""
        command = [SYSTEM_PYTHON, str(HERE / "atspi.py"), application]
        answer = subprocess.run(command, env=self.env, capture_output=True, text=True, timeout=60, check=True)
        return [json.loads(line) for line in answer.stdout.splitlines()]

    @contextmanager
    def listening(self) -> Iterator[list[Row]]:
        """Collects what applications announce over the accessibility bus; complete when the block has ended."""
        announced: list[Row] = []
        log = self.folder / "announced.jsonl"
        with log.open("w") as sink:
            command = [SYSTEM_PYTHON, str(HERE / "atspi_watch.py")]
            watcher = subprocess.Popen(command, env=self.env, stdout=sink, stderr=subprocess.DEVNULL)
            try:
                assert until(log.read_text), "the accessibility bus does not answer"
                yield announced
            finally:
                watcher.terminate()
                watcher.wait(10)
        announced += [json.loads(line) for line in log.read_text().splitlines()]

    def events(self) -> list[Row]:
        """The complete lines of the recorded events; a last line cut short is left out."""
        path = self.trace / "events.jsonl"
        lines = path.read_text().split("\n")[:-1] if path.exists() else []
        return [json.loads(line) for line in lines]

    def wait_for_event(self, process: subprocess.Popen[str], wanted: Callable[[Row], bool]) -> None:
        found = until(lambda: process.poll() is not None or any(map(wanted, self.events())), 60)
        if process.poll() is not None or not found:
            process.kill()
            pytest.fail(f"the event did not come; stderr: {process.communicate()[1][-2000:]}")


def _end_everything_on(display: str) -> None:
    """Ends every client that has a window on the display, so that the next test meets an empty desktop."""
    x11 = X11(display)
    try:
        for window in x11.cardinals(int(x11.root.id), "_NET_CLIENT_LIST"):
            pid = x11.owner_pid(window)
            if pid is not None:
                os.kill(pid, signal.SIGKILL)
        assert until(lambda: not x11.cardinals(int(x11.root.id), "_NET_CLIENT_LIST"))
        x11.root.warp_pointer(20, 400)
        x11.raw.sync()
    finally:
        x11.close()


@pytest.fixture(scope="module")
def desktop_variables() -> Iterator[Mapping[str, str]]:
    for program in ("Xvfb", "openbox", "xdotool", "mousepad", "galculator", "featherpad", SYSTEM_PYTHON):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed; run make setup-test")
    with virtual_desktop() as desktop:
        variables = dict(desktop.environment)
        # The accessibility bus starts when it is first asked for; Qt looks for it once, when an application starts.
        Stage({**os.environ, **variables}, HERE).tree("nobody")
        yield variables


@pytest.fixture
def stage(desktop_variables: Mapping[str, str], tmp_path: Path) -> Iterator[Stage]:
    home = tmp_path / "home"
    folder = tmp_path / "work"
    for path in (home, folder):
        path.mkdir()
    private = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_DATA_HOME": str(home / "data"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
        "LANG": "C.UTF-8",
    }
    inherited = {k: v for k, v in os.environ.items() if k not in ("NO_AT_BRIDGE", "WAYLAND_DISPLAY", "LC_ALL")}
    scene = Stage({**inherited, **desktop_variables, **private}, folder)
    yield scene
    for process in scene.started:
        if process.poll() is None:
            process.kill()
        process.communicate()
    _end_everything_on(scene.env["DISPLAY"])
