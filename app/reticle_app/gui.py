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
from reticle_grounding.errors import BadInput, ReticleError

from .background import MainThread
from .config import Settings, load_settings, save_settings
from .models.choice import configured_model
from .overlay import Desk
from .remote import WORKER, RemoteGrounder
from .resources import app_icon
from .runner import Body, Runner
from .theme import Theme
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
) -> Parts:
    """Makes the window and connects it; nothing is shown yet."""
    app.setApplicationName("reticle")
    app.setApplicationDisplayName("Reticle")
    app.setDesktopFileName("reticle")
    app.setWindowIcon(app_icon())
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
    tools = Tools(controller, window, grounder, runner, desk, main, lambda: open_screen(desk), open_picture, settings)
    return Parts(window, controller, runner, grounder, desk, theme, main, tools)


def remember(parts: Parts, settings: Settings, save: Callable[[Settings], None] = save_settings) -> None:
    """Keeps look, mode and model for the next start; a failure is shown, not fatal."""
    kept: dict[str, object] = {"theme": settings.theme, "mode": settings.mode, "model": settings.model}

    def store(name: str, value: object) -> None:
        kept[name] = value
        try:
            save(Settings.model_validate({**settings.model_dump(), **kept}))
        except ReticleError as error:
            parts.window.banner.tell("warn", "This choice could not be saved", str(error))

    parts.window.footer.theme_changed.connect(lambda value: store("theme", value))
    parts.window.header.mode_changed.connect(lambda value: store("mode", value))
    parts.tools.model_chosen.connect(lambda value: store("model", value))


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
    """Opens the window and returns the exit code when it is closed. Raises BadInput without a display."""
    from .desktop import desktop_body, desktop_screen

    settings = settings or load_settings()
    if sys.platform == "linux" and not any(os.environ.get(name) for name in DISPLAYS):
        raise BadInput("there is no display to open a window on; set DISPLAY or use `make run`, which starts one")
    app = QApplication(sys.argv[:1])
    worker = WORKER if settings.dtype is None else (*WORKER, settings.dtype)
    grounder = RemoteGrounder(str(configured_model(settings) or ""), worker)
    parts = build(app, settings, grounder, desktop_body(settings, grounder), desktop_screen)
    remember(parts, settings)
    _interrupts = Interrupts(parts.window)
    parts.window.show()
    QTimer.singleShot(FIRST_STEPS_MS, parts.tools.show_welcome_once)
    return app.exec()
