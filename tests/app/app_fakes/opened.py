"""Windows beside the main one, opened as a person would and ready to be looked at."""

from __future__ import annotations

from pytestqt.qtbot import QtBot

from reticle_app.gui import Parts
from reticle_app.windows.inspector import InspectorWindow
from reticle_app.windows.traces import TracesWindow

LONG = 30_000
"""Milliseconds that an answer may take on a busy machine."""


def opened_inspector(parts: Parts, qtbot: QtBot) -> InspectorWindow:
    """On the main window's picture, answered."""
    parts.tools.show_inspector_here()
    window = parts.tools.inspector_window
    assert window is not None
    qtbot.waitUntil(lambda: window.panes[0].grounding is not None, timeout=LONG)
    return window


def opened_traces(parts: Parts, qtbot: QtBot) -> TracesWindow:
    """With the first run chosen and shown."""
    parts.tools.show_traces()
    window, browsing = parts.tools.traces_window, parts.tools.browsing
    assert window is not None
    assert browsing is not None
    qtbot.waitUntil(lambda: not browsing.busy, timeout=LONG)
    window.list.setCurrentRow(0)
    qtbot.waitUntil(lambda: not browsing.busy, timeout=LONG)
    return window
