"""A run keeps to the user's own limits, wherever it is started from."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import pytest

from reticle_app import task
from reticle_app.config import Settings
from reticle_app.task import TaskOptions, trace_folder


def test_every_limit_of_the_settings_reaches_the_run() -> None:
    settings = Settings(traces=Path("kept"), max_steps=7, max_seconds=11.0, ask_below=0.9, countdown_s=3.0, retries=2)
    options = TaskOptions.of(settings, "press Escape", "auto", Path("here"))
    assert options == TaskOptions("press Escape", "auto", Path("kept"), Path("here"), 7, 11.0, 0.9, 3.0, retries=2)


def test_runs_begun_in_one_second_get_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StoppedClock:
        @staticmethod
        def now() -> datetime:
            return datetime(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(task, "datetime", StoppedClock)
    options = TaskOptions("press Escape", "dry-run", tmp_path)
    for _ in range(3):
        trace_folder(options).mkdir(parents=True)
    first = tmp_path / f"20260102-030405-{os.getpid()}"
    assert sorted(tmp_path.iterdir()) == [first, tmp_path / f"{first.name}-2", tmp_path / f"{first.name}-3"]
    assert trace_folder(options).name == f"{first.name}-4"
