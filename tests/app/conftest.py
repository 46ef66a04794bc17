"""A complete window over fake agent parts and the demo model process, closed after each test."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parents[1] / "agent"))
if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
    os.environ["QT_QPA_PLATFORM"] = "offscreen"

from app_fakes.parts import FakeBody, MakeWindow, build_fake
from pytestqt.qtbot import QtBot

from reticle_app.gui import Parts


@pytest.fixture(scope="session", autouse=True)
def _one_reading_engine() -> Iterator[None]:
    """Commands run in this process share the engine, which keeps nothing of what it reads."""
    from reticle_grounding import ocr

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ocr, "_make_engine", functools.cache(ocr._make_engine))
        yield


@pytest.fixture
def make_window(qtbot: QtBot) -> Iterator[MakeWindow]:
    """Builds shown windows whose model is ready; at the end they close and leave no process behind."""
    made: list[Parts] = []

    def make(ready: bool = True, **options: object) -> tuple[Parts, FakeBody]:
        from PySide6.QtWidgets import QApplication

        parts, body = build_fake(QApplication.instance(), **options)  # type: ignore[arg-type]
        made.append(parts)
        parts.window.resize(1000, 640)
        with qtbot.waitExposed(parts.window):
            parts.window.show()
        if ready:
            qtbot.waitUntil(lambda: parts.window.footer.model.text() == "demo-statistics ready", timeout=20_000)
        return parts, body

    yield make
    for parts in made:
        parts.window.close()
        qtbot.waitUntil(lambda parts=parts: not parts.window.isVisible() and not parts.runner.running, timeout=10_000)
        assert parts.grounder.pid is None, "the model process outlives the window"
        parts.window.deleteLater()
