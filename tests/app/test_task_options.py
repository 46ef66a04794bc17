"""A run keeps to the user's own limits, wherever it is started from."""

from __future__ import annotations

from pathlib import Path

from reticle_app.config import Settings
from reticle_app.task import TaskOptions


def test_every_limit_of_the_settings_reaches_the_run() -> None:
    settings = Settings(traces=Path("kept"), max_steps=7, max_seconds=11.0, ask_below=0.9, countdown_s=3.0, retries=2)
    options = TaskOptions.of(settings, "press Escape", "auto", Path("here"))
    assert options == TaskOptions("press Escape", "auto", Path("kept"), Path("here"), 7, 11.0, 0.9, 3.0, retries=2)
