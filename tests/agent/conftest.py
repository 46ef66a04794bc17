"""A private X server for tests that need a real desktop."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def virtual_screen(size: str = "1280x800") -> Iterator[str]:
    """Xvfb on a free display with openbox; yields the display's name, which is also ``$DISPLAY`` meanwhile."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size}x24", "-nolisten", "tcp", "-noreset"]
    server = subprocess.Popen(command, pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.close(write)
    with os.fdopen(read) as answer:
        name = f":{answer.readline().strip()}"
    before = os.environ.get("DISPLAY")
    os.environ["DISPLAY"] = name
    manager = subprocess.Popen(["openbox"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for_manager()
        yield name
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)
        if before is None:
            os.environ.pop("DISPLAY", None)
        else:
            os.environ["DISPLAY"] = before


def _wait_for_manager() -> None:
    from reticle_agent.x11 import X11

    connection = X11()
    deadline = time.monotonic() + 20
    while not connection.cardinal(connection.root.id, "_NET_SUPPORTING_WM_CHECK"):
        assert time.monotonic() < deadline, "openbox did not start"
        time.sleep(0.02)
    connection.close()


@pytest.fixture(scope="module")
def x_display() -> Iterator[str]:
    """One server for a test module."""
    with virtual_screen() as name:
        yield name


@pytest.fixture
def launch(x_display: str) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a Python program (source text) on the display; it is ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(source: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", source, *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()
