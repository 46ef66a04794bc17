"""Runs recorded in real applications are done again in other surroundings, and halt where the target is another one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from reticle_agent.replay.recording import read_recording
from reticle_agent.session import launch, virtual_desktop
from reticle_agent.stop import StopToken
from reticle_agent.trace import TraceReader
from reticle_agent.x11 import X11
from reticle_app.task import StoppableGrounder, TaskOptions, TaskResult, run_on_desktop
from reticle_grounding.geometry import Size
from reticle_grounding.predictor import Grounder

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Tried:
    """A task, and the title of the dialog that is open when it was done."""

    app: str
    task: str
    dialog: str


TRIED = (
    Tried("mousepad", "open the Search menu, then click 'Find and Replace...'", "Find and Replace"),
    Tried(
        "mate-calc",
        "open the Mode menu, then click 'Financial', then open the Help menu, then click 'About'",
        "About MATE Calculator",
    ),
)


@pytest.fixture(scope="module")
def model() -> Grounder:
    return Grounder.open()


@contextmanager
def alone(app: str, size: Size, change: Callable[[X11, int], None] | None, **variables: str) -> Iterator[None]:
    """Alone on a desktop of this size, with these variables, and moved before anybody looks."""
    with virtual_desktop(size) as desktop, launch(app, env=_environment(desktop.environment, variables)) as started:
        if change is not None:
            connection = X11()
            change(connection, started.window)
            connection.close()
        yield


def _environment(desktop: Mapping[str, str], variables: Mapping[str, str]) -> dict[str, str]:
    home = {name: str(Path(desktop["XAUTHORITY"]).parent / name) for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    return {**os.environ, **desktop, **home, **variables}


def moved(connection: X11, window: int) -> None:
    subprocess.run(["xdotool", "windowsize", "--sync", str(window), "700", "420"], check=True, timeout=30)
    subprocess.run(["xdotool", "windowmove", str(window), "410", "270"], check=True, timeout=30)
    subprocess.run(["sleep", "1"], check=True)


def run(model: Grounder, options: TaskOptions) -> TaskResult:
    token = StopToken()
    return run_on_desktop(options, None, lambda: StoppableGrounder(model, token), token=token)


@pytest.fixture(scope="module", params=TRIED, ids=[one.app for one in TRIED])
def tried(request: pytest.FixtureRequest) -> Tried:
    assert isinstance(request.param, Tried)
    return request.param


@pytest.fixture(scope="module")
def recorded(model: Grounder, tried: Tried, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded") / "trace"
    with alone(tried.app, Size(1280, 800), None, GTK_THEME="Adwaita"):
        result = run(model, TaskOptions(tried.task, "auto", folder.parent, folder))
        assert tried.dialog in titles()
    assert result.status == "done", result.message
    return folder


def titles() -> list[str]:
    """Of all windows on the display."""
    connection = X11()
    clients = connection.cardinals(int(connection.root.id), "_NET_CLIENT_LIST")
    found = [connection.text(window, "_NET_WM_NAME") for window in clients]
    connection.close()
    return found


@pytest.mark.parametrize(
    ("size", "change", "variables"),
    [
        (Size(1280, 800), None, {"GTK_THEME": "Adwaita"}),
        (Size(1280, 800), moved, {"GTK_THEME": "Adwaita"}),
        (Size(1280, 800), None, {"GTK_THEME": "Adwaita:dark"}),
        (Size(1280, 800), None, {"GTK_THEME": "HighContrast"}),
        (Size(1280, 800), None, {"GTK_THEME": "Adwaita", "GDK_DPI_SCALE": "1.5"}),
        (Size(1600, 1200), None, {"GTK_THEME": "Adwaita", "GDK_SCALE": "2"}),
        (Size(1920, 1080), moved, {"GTK_THEME": "Adwaita:dark"}),
        (Size(1024, 768), None, {"GTK_THEME": "Adwaita"}),
    ],
    ids=["as it was", "moved", "dark", "high contrast", "text 1.5", "scale 2", "1920x1080 moved dark", "1024x768"],
)
def test_it_is_done_again_elsewhere(
    model: Grounder,
    tried: Tried,
    recorded: Path,
    tmp_path: Path,
    size: Size,
    change: Callable[[X11, int], None] | None,
    variables: dict[str, str],
) -> None:
    recording = read_recording(recorded)
    with alone(tried.app, size, change, **variables):
        options = TaskOptions(recording.task, "auto", tmp_path, tmp_path / "again", replay=recording)
        result = run(model, options)
        open_now = titles()
    assert result.status == "done", result.message
    assert tried.dialog in open_now
    trace = TraceReader.open(tmp_path / "again")
    assert (trace.manifest["source"], trace.task) == ("replay", tried.task)


def test_it_halts_in_another_application(model: Grounder, recorded: Path, tmp_path: Path) -> None:
    """This calculator has neither a Search menu nor a Mode menu; nothing is clicked there."""
    recording = read_recording(recorded)
    with virtual_desktop(), launch("galculator"):
        options = TaskOptions(recording.task, "auto", tmp_path, tmp_path / "again", replay=recording)
        result = run(model, options)
    assert result.status in ("refused", "not_found"), result.message
    assert [event for event in TraceReader.open(tmp_path / "again") if event.type == "act"] == []
