"""A run recorded in mousepad is done again in other surroundings, and halts where the target is another one."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
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

TASK = "open the Search menu, then click 'Find and Replace...'"
EDITED = "open the Edit menu, then click 'Preferences...'"


@pytest.fixture(scope="module")
def model() -> Grounder:
    return Grounder.open()


@contextmanager
def mousepad(size: Size, change: Callable[[X11, int], None] | None, **variables: str) -> Iterator[None]:
    """Alone on a desktop of this size, with these variables, and moved before anybody looks."""
    with virtual_desktop(size) as desktop, launch("mousepad", env=_environment(desktop.environment, variables)) as app:
        if change is not None:
            connection = X11()
            change(connection, app.window)
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


@pytest.fixture(scope="module")
def recorded(model: Grounder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recorded") / "trace"
    with mousepad(Size(1280, 800), None, GTK_THEME="Adwaita"):
        result = run(model, TaskOptions(TASK, "auto", folder.parent, folder))
    assert result.status == "done", result.message
    return folder


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
    recorded: Path,
    tmp_path: Path,
    size: Size,
    change: Callable[[X11, int], None] | None,
    variables: dict[str, str],
) -> None:
    recording = read_recording(recorded)
    with mousepad(size, change, **variables):
        options = TaskOptions(recording.task, "auto", tmp_path, tmp_path / "again", replay=recording)
        result = run(model, options)
        connection = X11()
        clients = connection.cardinals(int(connection.root.id), "_NET_CLIENT_LIST")
        titles = [connection.text(w, "_NET_WM_NAME") for w in clients]
        connection.close()
    assert result.status == "done", result.message
    assert "Find and Replace" in titles
    trace = TraceReader.open(tmp_path / "again")
    assert (trace.manifest["source"], trace.task) == ("replay", TASK)


def test_it_halts_in_another_application(model: Grounder, recorded: Path, tmp_path: Path) -> None:
    """A calculator has no Search menu; nothing is clicked there."""
    recording = read_recording(recorded)
    with virtual_desktop(), launch("galculator"):
        options = TaskOptions(recording.task, "auto", tmp_path, tmp_path / "again", replay=recording)
        result = run(model, options)
    assert result.status in ("refused", "not_found"), result.message
    assert [event for event in TraceReader.open(tmp_path / "again") if event.type == "act"] == []
