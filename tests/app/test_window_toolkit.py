from __future__ import annotations

import sys

import PySide6
import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

CALLS = 2_000


class Sender(QObject):
    sent = Signal(object)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None and True are immortal there")
def test_the_toolkit_does_not_use_up_none_and_true(qtbot: QtBot) -> None:
    """PySide6 6.12.0 gives one reference to None away per call that returns nothing, which ends the process with
    ``none_dealloc`` after some thousand calls on Python 3.10 and 3.11."""
    widget, sender = QWidget(), Sender()
    qtbot.addWidget(widget)
    sender.sent.connect(lambda value: None)
    before = sys.getrefcount(None), sys.getrefcount(True)
    for _ in range(CALLS):
        widget.update()
        sender.sent.emit(1)
    lost = before[0] - sys.getrefcount(None), before[1] - sys.getrefcount(True)
    assert max(lost) < CALLS / 10, f"PySide6 {PySide6.__version__} loses references {lost}; use another version"
