"""The icon in the tray as a desktop that shows one sees it, over D-Bus."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Stage

APP = Path(__file__).parents[1] / "app" / "app_fakes" / "tray_app.py"
HOST = ("/usr/bin/python3", str(Path(__file__).with_name("tray_host.py")))
Ask = Callable[[str], Any]


def until(condition: Callable[[], bool], seconds: float = 15.0) -> bool:
    end = time.monotonic() + seconds
    while not (held := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return held


def start(stage: Stage, *command: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    process = subprocess.Popen(list(command), env=stage.env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    stage.started.append(process)
    return process


def line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said, process.communicate()[1][-3000:]
    return json.loads(said)


@pytest.fixture
def tray(stage: Stage) -> tuple[Ask, subprocess.Popen[str]]:
    """What asks the tray, and the application whose icon is in it."""
    host = start(stage, *HOST)
    assert "ready" in line(host)
    app = start(stage, sys.executable, str(APP), "de")
    assert line(host)["registered"], "it says by which name it can be reached"

    def ask(words: str) -> Any:
        assert host.stdin is not None
        host.stdin.write(f"{words}\n")
        host.stdin.flush()
        return line(host)

    return ask, app


def test_a_desktop_with_a_tray_shows_the_icon_and_its_menu_works(
    stage: Stage, tray: tuple[Ask, subprocess.Popen[str]]
) -> None:
    ask, app = tray
    assert until(lambda: "Reticle" in stage.titles())
    about = ask("item")
    assert (about["Status"], about["Id"]) == ("Active", "reticle")
    assert about["pixmaps"], "an icon that is drawn"

    def entries() -> list[tuple[str, bool]]:
        return [(one.get("label", "").replace("_", ""), one.get("enabled", True)) for one in ask("menu")]

    assert entries() == [("Reticle verbergen", True), ("Anhalten", False), ("", True), ("Beenden", True)]
    assert ask("click Reticle verbergen") == "clicked"
    assert until(lambda: "Reticle" not in stage.titles()), "hidden"
    assert app.poll() is None
    assert entries()[0] == ("Reticle zeigen", True)
    assert ask("activate") == "activated"
    assert until(lambda: "Reticle" in stage.titles()), "a click on the icon brings it back"
    assert ask("click Beenden") == "clicked"
    assert app.wait(20) == 0
