"""What a screen reader gets of Reticle's own windows, over AT-SPI, as other programs' users have it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Stage

WINDOWS = Path(__file__).parents[1] / "app" / "app_fakes" / "many_windows.py"
CONTROLS = {
    "push button", "button", "toggle button", "check box", "combo box", "slider", "text", "spin button", "table",
    "list", "page tab", "radio button", "password text", "entry",
}  # fmt: skip
LEAST = 100
"""Objects there are at least, once all windows have told of themselves."""
Row = dict[str, Any]


@pytest.fixture(params=["en", "de"])
def tree(stage: Stage, tmp_path: Path, request: pytest.FixtureRequest) -> list[Row]:
    """All of the application's accessible objects, depth first."""
    command = [sys.executable, str(WINDOWS), str(tmp_path / "runs"), request.param]
    process = subprocess.Popen(
        command, env=stage.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    stage.started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n", process.communicate()[1][-3000:]
    deadline = time.monotonic() + 60
    while len(rows := stage.tree("reticle")) <= LEAST and time.monotonic() < deadline:
        time.sleep(0.5)
    assert len(rows) > LEAST, rows
    return rows


def frames(tree: list[Row]) -> dict[str, list[Row]]:
    """The objects of each window by its title."""
    found: dict[str, list[Row]] = {}
    for row in tree:
        if row["role"] == "frame" or (row["depth"] == 1):
            inside = found.setdefault(row["name"].removesuffix(" — Reticle"), [])
        elif row["depth"] > 1:
            inside.append(row)
    return found


def shown(rows: list[Row]) -> list[Row]:
    return [row for row in rows if "showing" in row["states"] and "visible" in row["states"]]


@pytest.mark.slow
def test_every_control_has_a_name_and_can_take_the_keyboard(tree: list[Row], request: pytest.FixtureRequest) -> None:
    german = request.node.callspec.params["tree"] == "de"
    windows = frames(tree)
    titles = (
        {"Reticle", "Inspektor", "Aufgezeichnete Läufe", "Einstellungen", "Modelle", "Erste Schritte"}
        if german
        else {"Reticle", "Inspector", "Recorded runs", "Settings", "Models", "First steps"}
    )
    assert titles <= set(windows), sorted(windows)
    for title in titles:
        used = [row for row in shown(windows[title]) if row["role"] in CONTROLS]
        assert len(used) >= (5 if title in ("Models", "Modelle") else 8), (title, len(used))
        nameless = [(row["role"], row["text"]) for row in used if not row["name"]]
        assert nameless == [], title
        alone = {"page tab", "button", "push button"}  # tabs are walked with arrows; Approve takes a click alone
        stuck = [
            (row["role"], row["name"])
            for row in used
            if "enabled" in row["states"] and "focusable" not in row["states"] and row["role"] not in alone
        ]
        assert [one for one in stuck if one[0] != "list"] == [], title
    every = {(row["role"], row["name"]) for rows in windows.values() for row in shown(rows)}
    names = {name for _, name in every}
    if german:
        assert {"Finden", "Ausführen", "Anweisung", "Wärmebild", "Befehle suchen", "Löschen", "Speichern"} <= names
        assert {"Zahlenart", "Ordner importieren …", "Weiter"} <= names
    else:
        assert {"Find", "Run", "Instruction", "Heat map", "Search commands", "Delete", "Save"} <= names
        assert {"Number type", "Import a folder…", "Next"} <= names
    assert any("demo-statistics" in name for name in names), "what a label says is its name"
