"""Builds the application from its parts in one place and runs it."""

from __future__ import annotations

import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QObject, QSocketNotifier, QTimer
from PySide6.QtWidgets import QApplication

from reticle_agent.seams import Screen
from reticle_grounding.errors import BadInput

from .background import MainThread
from .config import Settings, read_settings, save_settings
from .models.choice import configured_model
from .overlay import Desk
from .own_heads import head_file
from .preferences import Preferences
from .remote import WORKER, RemoteGrounder, worker_arguments
from .resources import app_icon
from .runner import Body, Runner
from .theme import Theme
from .translations import speak, tr
from .windows.controller import Controller
from .windows.main import MainWindow
from .windows.tools import Tools

FIRST_STEPS_MS = 400
"""After the window of the first start; it stands and can be used by then."""
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")


@dataclass(slots=True)
class Parts:
    """Everything that lives as long as the window."""

    window: MainWindow
    controller: Controller
    runner: Runner
    grounder: RemoteGrounder
    desk: Desk
    theme: Theme
    main: MainThread
    tools: Tools
    preferences: Preferences


def open_picture(path: Path) -> Image.Image:
    """A picture file as RGB. Raises BadInput."""
    from reticle_grounding.images import load_image

    return load_image(path)


def build(
    app: QApplication,
    settings: Settings,
    grounder: RemoteGrounder,
    body: Body,
    open_screen: Callable[[Desk], Screen],
    preferences: Preferences | None = None,
) -> Parts:
    """Makes the window and connects it; nothing is shown yet. Without ``preferences`` nothing is kept."""
    app.setApplicationName("reticle")
    app.setApplicationDisplayName("Reticle")
    app.setDesktopFileName("reticle")
    app.setWindowIcon(app_icon())
    preferences = preferences or Preferences(settings)
    speak(settings.language)
    theme = Theme(app, settings.theme)
    main = MainThread()
    desk = Desk(main)
    runner = Runner(body, desk.hidden_for_capture)
    window = MainWindow(theme)
    desk.add_window(window)
    window.header.select_mode(settings.mode)
    controller = Controller(
        window,
        grounder,
        runner,
        desk,
        main,
        lambda: open_screen(desk),
        open_picture,
        settings.top_k,
        settings.desk_keys,
    )
    tools = Tools(
        controller, window, grounder, runner, desk, main, lambda: open_screen(desk), open_picture, preferences
    )
    parts = Parts(window, controller, runner, grounder, desk, theme, main, tools, preferences)
    _keep_choices(parts)
    return parts


def _keep_choices(parts: Parts) -> None:
    """What is chosen in passing (look, mode, model, number type) becomes a setting, and changed settings take hold.

    A failure is shown.
    """
    window, preferences, theme = parts.window, parts.preferences, parts.theme

    def obey(settings: Settings) -> None:
        if settings.theme != theme.choice:
            theme.choose(settings.theme)
        window.header.select_mode(settings.mode)
        parts.controller.top_k = settings.top_k
        parts.grounder.compute_in(settings.dtype)

    def choose(key: str, value: str) -> None:
        if value != getattr(preferences.current, key):
            preferences.change(**{key: value})

    theme.chosen.connect(lambda value: choose("theme", value))
    window.header.mode_changed.connect(lambda value: choose("mode", value))
    parts.tools.model_chosen.connect(lambda value: preferences.change(model=value))
    parts.tools.numbers_chosen.connect(lambda value: preferences.change(dtype=value))
    preferences.changed.connect(obey)
    preferences.not_saved.connect(lambda why: window.banner.tell("warn", tr("This choice could not be saved"), why))


def tell_fault(parts: Parts) -> None:
    """Says which settings of the file do not hold, and where to mend them."""
    fault = parts.preferences.fault
    if fault is not None:
        title = tr("Some settings in {file} do not hold").format(file=fault.path)
        more = tr("Each step is asked about until that is mended. Ctrl+, opens the settings.")
        parts.window.banner.tell("warn", title, "\n".join([*fault.problems, more]))


class Interrupts(QObject):
    """Turns SIGINT and SIGTERM into an orderly close, although the event loop runs in C++."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._read, self._write = socket.socketpair()
        self._write.setblocking(False)
        signal.set_wakeup_fd(self._write.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(window.close)


def main(settings: Settings | None = None) -> int:
    """Opens the window and returns the exit code when it is closed. Raises BadInput without a display.

    A bad settings file does not keep it from opening: what holds of it is used, and the rest is told.
    """
    from .desktop import desktop_body, desktop_screen

    if sys.platform == "linux" and not any(os.environ.get(name) for name in DISPLAYS):
        raise BadInput("there is no display to open a window on; set DISPLAY or use `make run`, which starts one")
    read, fault = read_settings() if settings is None else (settings, None)
    preferences = Preferences(read, save_settings, read_settings, fault)
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)  # the main one may be out of the way, for a run or in the tray
    worker = (*WORKER, *worker_arguments(None, head_file(None, read)))
    grounder = RemoteGrounder(str(configured_model(read) or ""), worker, numbers=read.dtype)
    body = desktop_body(lambda: preferences.current, grounder)
    parts = build(app, read, grounder, body, desktop_screen, preferences)
    parts.controller.at_end(lambda: QTimer.singleShot(0, app, app.quit))
    tell_fault(parts)
    _interrupts = Interrupts(parts.window)
    parts.window.show()
    QTimer.singleShot(FIRST_STEPS_MS, parts.tools.show_welcome_once)
    return app.exec()
