"""Plain words in, and the application's own state out, through the public command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conftest import Row, Stage

SAMPLE = (
    "open the Search menu, then click 'Find and Replace...', type 'reticle' into the search field, then press Escape"
)
UNICODE = "Grüße, 世界 — naïve ½ 🌍"


def shown(tree: list[Row], role: str) -> list[Row]:
    return [row for row in tree if row["role"] == role and "showing" in row["states"]]


def typed_into(announced: list[Row], window: str) -> str:
    """What the text fields of a window say was inserted, in order."""
    rows = [row for row in announced if row["event"] == "object:text-changed:insert" and row.get("role") == "text"]
    return "".join(row["data"] for row in rows if row["window"] == window)


def test_sample_task_in_mousepad(stage: Stage) -> None:
    with stage.listening() as announced:
        ended = stage.run(SAMPLE, "mousepad")
    assert ended.code == 0, ended.stderr
    assert ended.document["status"] == "done"
    assert typed_into(announced, "Find and Replace") == "reticle"
    windows = [row["name"] for row in announced if row["event"] == "window:activate"]
    assert windows[-1] == "Untitled 1 - Mousepad"
    assert stage.titles() == ["Untitled 1 - Mousepad"]
    assert [row["text"] for row in shown(stage.tree("mousepad"), "text")] == [""]


def test_unicode_is_saved_to_a_file_by_mousepad(stage: Stage) -> None:
    ended = stage.run(f"type '{UNICODE}', press Ctrl+S, wait 1 second, type 'note.txt' and press Enter", "mousepad")
    assert ended.code == 0, ended.stderr
    assert (stage.folder / "note.txt").read_text(encoding="utf-8").rstrip("\n") == UNICODE


def test_galculator_adds(stage: Stage) -> None:
    ended = stage.run("click 4, click 5, press +, click 6, then press Enter", "galculator")
    assert ended.code == 0, ended.stderr
    display = [row["text"] for row in shown(stage.tree("galculator"), "text")]
    assert display == ["51"]


def test_qt_menu_opens_a_dialog_in_featherpad(stage: Stage) -> None:
    ended = stage.run(f"type '{UNICODE}', open the Options menu and click Preferences", "featherpad")
    assert ended.code == 0, ended.stderr
    assert "Preferences" in stage.titles()
    tree = stage.tree("featherpad")
    assert shown(tree, "dialog")
    assert UNICODE in [row["text"] for row in shown(tree, "text")]


def test_dry_run_sends_nothing(stage: Stage) -> None:
    with stage.listening() as announced:
        ended = stage.run("type 'must not appear', then open the Search menu", "mousepad", "--dry-run")
    assert ended.code == 0, ended.stderr
    assert "must not appear" not in typed_into(announced, "*Untitled 1 - Mousepad")
    tree = stage.tree("mousepad")
    assert [row["text"] for row in shown(tree, "text")] == [""]
    assert not [row for row in tree if row["name"] == "Find Next" and "showing" in row["states"]]


def test_a_password_is_typed_but_not_recorded_as_text(stage: Stage) -> None:
    secret = "correct-horse-42"
    ended = stage.run(f"type the password '{secret}'", "mousepad")
    assert ended.code == 0, ended.stderr
    assert secret in [row["text"] for row in shown(stage.tree("mousepad"), "text")]
    assert secret not in ended.stdout + ended.stderr
    for path in filter(Path.is_file, stage.trace.rglob("*")):
        assert secret.encode() not in path.read_bytes(), path.name
