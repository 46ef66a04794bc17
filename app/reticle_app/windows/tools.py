"""The windows beside the main one: inspector, recorded runs, models, first steps. Made when they are first wanted."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QMainWindow

from reticle_agent.seams import Screen
from reticle_app.background import MainThread
from reticle_app.config import Settings
from reticle_app.overlay import Desk, physical_rect
from reticle_app.remote import RemoteGrounder
from reticle_app.runner import Runner
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Rect
from reticle_grounding.types import Grounding

from .controller import Controller
from .main import MainWindow

if TYPE_CHECKING:
    from .browsing import Browsing
    from .inspecting import Inspecting
    from .managing import Managing
    from .welcoming import Welcoming


class Tools(QObject):
    """Lives on the window's thread, as long as the main window."""

    model_chosen = Signal(object)
    """What the settings are to name as the model from now on; None is the one that ships."""

    def __init__(
        self,
        controller: Controller,
        window: MainWindow,
        grounder: RemoteGrounder,
        runner: Runner,
        desk: Desk,
        main: MainThread,
        open_screen: Callable[[], Screen],
        open_picture: Callable[[Path], Image.Image],
        settings: Settings,
    ) -> None:
        super().__init__(window)
        self._controller, self._window, self._grounder, self._runner = controller, window, grounder, runner
        self._desk, self._main = desk, main
        self._open_screen, self._open_picture, self._settings = open_screen, open_picture, settings
        self._screen: Screen | None = None
        """Used on the inspector's thread alone."""
        self.inspecting: Inspecting | None = None
        self.browsing: Browsing | None = None
        self.managing: Managing | None = None
        self.welcoming: Welcoming | None = None
        window.footer.inspector.clicked.connect(self.show_inspector_here)
        window.footer.runs.clicked.connect(self.show_traces)
        window.footer.models.clicked.connect(self.show_models)
        window.footer.welcome.clicked.connect(self.show_welcome)
        controller.at_end(self.close)

    def show_inspector_here(self) -> None:
        """Opens the inspector on the main window's picture, with its words and answer."""
        inspecting, image = self._inspector(), self._controller.image
        if image is not None and image is not inspecting.picture:
            words = self._window.header.words
            inspecting.show_image(image, "From the main window", words, self._controller.grounding)

    def show_traces(self) -> None:
        """Opens the window of recorded runs, and reads the folder again."""
        from .browsing import Browsing
        from .traces import TracesWindow

        if self.browsing is None:
            window = TracesWindow(self._window.theme)
            self.browsing = Browsing(window, self._grounder, self._main, self._settings.traces)
            self.browsing.inspect_asked.connect(self._inspect_step)
            self._add(window)
        else:
            self.browsing.refresh()
        self._raise(self.traces_window)

    def show_models(self) -> None:
        """Opens the models window, and reads the folder of models again."""
        from reticle_app.kept import data_folder
        from reticle_app.models.environment import is_offline
        from reticle_app.models.store import Store
        from reticle_grounding.assets import embedded_model_dir

        from .managing import Managing
        from .models import ModelsWindow

        if self.managing is None:
            window = ModelsWindow(self._window.theme)
            self.managing = Managing(
                window,
                self._grounder,
                self._main,
                Store(self._settings.models),
                embedded_model_dir(),
                data_folder(),
                self._controller.use_model,
                self._occupied,
                is_offline(os.environ),
            )
            self.managing.model_chosen.connect(self.model_chosen)
            self._add(window)
        else:
            self.managing.refresh()
        self._raise(self.models_window)

    def show_welcome(self) -> None:
        """Opens the first steps: checks, permissions, pointer, tour."""
        from reticle_app.kept import data_folder

        from .welcome import WelcomeWindow
        from .welcoming import Welcoming

        if self.welcoming is None:
            window = WelcomeWindow(self._window.theme, self._settings.traces, self._settings.models)
            self.welcoming = Welcoming(
                window,
                self._grounder,
                self._main,
                self._desk,
                self._window.header,
                data_folder(),
                self._occupied,
            )
            window.models_asked.connect(self.show_models)
            self._add(window)
        self._raise(self.welcome_window)

    def show_welcome_once(self) -> None:
        """Opens the first steps at the first start alone, beside the main window and without holding anything up."""
        from reticle_app.kept import data_folder

        from .welcoming import is_first_start, mark_started

        folder = data_folder()
        if is_first_start(folder):
            self.show_welcome()
            with suppress(BadInput):  # a folder that cannot be written to is told where something is to be kept there
                mark_started(folder)

    def _occupied(self) -> str:
        """Why model and desktop cannot be used for something else now; empty when they can."""
        if self._runner.running:
            return "A run is in progress. Stop it first, or wait for its end."
        return "An answer is being computed. Wait for it, or stop it." if self._controller.busy else ""

    @property
    def models_window(self) -> QMainWindow | None:
        return _window_of(self.managing)

    @property
    def welcome_window(self) -> QMainWindow | None:
        return _window_of(self.welcoming)

    @property
    def inspector_window(self) -> QMainWindow | None:
        return _window_of(self.inspecting)

    @property
    def traces_window(self) -> QMainWindow | None:
        return _window_of(self.browsing)

    def close(self) -> None:
        """Ends all; the model process is closed already, so nobody waits for it."""
        for one in (self.inspecting, self.browsing, self.managing, self.welcoming):
            if one is not None:
                one.close()
        for window in (self.inspector_window, self.traces_window, self.models_window, self.welcome_window):
            if window is not None:
                window.close()
                window.deleteLater()
        self.inspecting = self.browsing = self.managing = self.welcoming = None

    def _inspector(self) -> Inspecting:
        from .inspecting import Inspecting
        from .inspector import InspectorWindow

        if self.inspecting is None:
            window = InspectorWindow(self._window.theme)
            self.inspecting = Inspecting(window, self._grounder, self._main, self._capture, self._open_picture)
            window.traces_asked.connect(self.show_traces)
            self._add(window)
        self._raise(self.inspector_window)
        return self.inspecting

    def _inspect_step(self, image: Image.Image, name: str, words: str, grounding: Grounding | None) -> None:
        self._inspector().show_image(image, name, words, grounding)

    def _capture(self, screen: QScreen | None) -> Callable[[], Image.Image]:
        """Called on the window's thread; what it returns takes the picture on another one."""
        area = physical_rect(screen or QGuiApplication.primaryScreen())

        def common(rect: Rect) -> float:
            cut = rect.intersection(area)
            return cut.area if cut else 0.0

        def take() -> Image.Image:
            if self._runner.running:
                raise ReticleError("a run is in progress; stop it first, or wait for its end")
            if self._screen is None:
                self._screen = self._open_screen()
            display = max(self._screen.displays(), key=lambda d: common(d.physical))
            with self._desk.hidden_for_capture():
                return self._screen.capture(display.id).image

        return take

    def _add(self, window: QMainWindow) -> None:
        self._desk.add_window(window)

    def _raise(self, window: QMainWindow | None) -> None:
        if window is not None:
            window.show()
            window.raise_()
            window.activateWindow()


def _window_of(one: QObject | None) -> QMainWindow | None:
    parent = one.parent() if one is not None else None
    return parent if isinstance(parent, QMainWindow) else None
