"""The windows beside the main one: inspector, recorded runs, models, first steps. Made when they are first wanted."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QMainWindow, QWidget

from reticle_agent.seams import Screen
from reticle_app.background import MainThread
from reticle_app.overlay import Desk, physical_rect
from reticle_app.preferences import Preferences
from reticle_app.remote import RemoteGrounder
from reticle_app.runner import Runner
from reticle_app.theme import Choice
from reticle_app.translations import tr
from reticle_app.tray import Tray
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
    numbers_chosen = Signal(object)
    """The number type that the settings are to name from now on; None leaves it to the machine."""

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
        preferences: Preferences,
    ) -> None:
        super().__init__(window)
        self._controller, self._window, self._grounder, self._runner = controller, window, grounder, runner
        self._desk, self._main = desk, main
        self._open_screen, self._open_picture, self._traces_folder = (
            open_screen,
            open_picture,
            preferences.current.traces,
        )
        self._screen: Screen | None = None
        """Used on the inspector's thread alone."""
        self.inspecting: Inspecting | None = None
        self.browsing: Browsing | None = None
        self.managing: Managing | None = None
        self.welcoming: Welcoming | None = None
        self.settings_window: QMainWindow | None = None
        self._preferences = preferences
        window.footer.inspector.clicked.connect(self.show_inspector_here)
        window.footer.runs.clicked.connect(self.show_traces)
        window.footer.models.clicked.connect(self.show_models)
        window.footer.welcome.clicked.connect(self.show_welcome)
        window.footer.settings.clicked.connect(self.show_settings)
        controller.at_end(self.close)
        can_stop = window.header.stop_button.isEnabled
        self.tray = Tray(window, self._others, controller.escape, can_stop, window.close)
        self._offer_commands()

    def _offer_commands(self) -> None:
        """What every window can do."""
        shared, group = self._window.shared, tr("Windows")
        shared.add("windows.main", tr("Main window"), lambda: self._raise(self._window), group=group, keys="Ctrl+1")
        shared.add("windows.inspector", tr("Inspector"), self.show_inspector_here, group=group, keys="Ctrl+I")
        shared.add("windows.traces", tr("Recorded runs"), self.show_traces, group=group, keys="Ctrl+R")
        shared.add("windows.models", tr("Models"), self.show_models, group=group, keys="Ctrl+M")
        shared.add("windows.welcome", tr("First steps"), self.show_welcome, group=group, keys="Shift+F1")
        shared.add("windows.settings", tr("Settings"), self.show_settings, group=group, keys="Ctrl+,")
        self.tray.offer(shared)
        looks: list[tuple[Choice, str]] = [
            ("system", tr("Look: like the system")),
            ("light", tr("Look: light")),
            ("dark", tr("Look: dark")),
        ]
        for choice, words in looks:
            shared.add(f"look.{choice}", words, partial(self._window.theme.choose, choice), group=tr("Look"))
        restart, ready = self._controller.restart_model, lambda: not self._runner.running
        shared.add("model.restart", tr("Restart the model"), restart, group=tr("Run", "heading"), enabled=ready)
        shared.add("app.quit", tr("Quit Reticle"), self._window.close, group=group, keys="Ctrl+Q")

    def show_inspector_here(self) -> None:
        """Opens the inspector on the main window's picture, with its words and answer."""
        if self.inspector_window is not None and self.inspector_window.isActiveWindow():
            return
        inspecting, image = self._inspector(), self._controller.image
        if image is not None and image is not inspecting.picture:
            words = self._window.header.words
            inspecting.show_image(image, tr("From the main window"), words, self._controller.grounding)

    def show_traces(self) -> None:
        """Opens the window of recorded runs, and reads the folder again."""
        from .browsing import Browsing
        from .traces import TracesWindow

        if self.browsing is None:
            window = TracesWindow(self._window.theme, self._window.shared)
            self.browsing = Browsing(window, self._grounder, self._main, self._traces_folder)
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
            window = ModelsWindow(self._window.theme, self._window.shared)
            self.managing = Managing(
                window,
                self._grounder,
                self._main,
                Store(self._preferences.current.models),
                embedded_model_dir(),
                data_folder(),
                self._controller.use_model,
                self._occupied,
                is_offline(os.environ),
            )
            self.managing.model_chosen.connect(self.model_chosen)
            self.managing.numbers_chosen.connect(self.numbers_chosen)
            self._preferences.changed.connect(self.managing.show_again)
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
            settings, shared = self._preferences.current, self._window.shared
            window = WelcomeWindow(self._window.theme, settings.traces, settings.models, shared)
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
            window.closed.connect(self._back_to_main)
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

    def _back_to_main(self) -> None:
        """The first steps end at the main window, with the keyboard where the first instruction goes."""
        if self._window.isVisible() and self.welcoming is not None:
            self._raise(self._window)

    def _occupied(self) -> str:
        """Why model and desktop cannot be used for something else now; empty when they can."""
        if self._runner.running:
            return tr("A run is in progress. Stop it first, or wait for its end.")
        return tr("An answer is being computed. Wait for it, or stop it.") if self._controller.busy else ""

    def show_settings(self) -> None:
        """Opens the settings."""
        from .settings import SettingsWindow

        if self.settings_window is None:
            self.settings_window = SettingsWindow(self._window.theme, self._preferences, self._window.shared)
            self._add(self.settings_window)
        self._raise(self.settings_window)

    def _others(self) -> list[QWidget]:
        """All windows but the main one."""
        every = (
            self.inspector_window,
            self.traces_window,
            self.models_window,
            self.welcome_window,
            self.settings_window,
        )
        return [window for window in every if window is not None]

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
        self.tray.close()
        others = self._others()
        self.welcoming = None
        for window in others:
            window.close()
            window.deleteLater()
        self.inspecting = self.browsing = self.managing = self.welcoming = self.settings_window = None

    def _inspector(self) -> Inspecting:
        from .inspecting import Inspecting
        from .inspector import InspectorWindow

        if self.inspecting is None:
            window = InspectorWindow(self._window.theme, self._window.shared)
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
                raise ReticleError(tr("a run is in progress; stop it first, or wait for its end"))
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
            if window.isMinimized():
                window.showNormal()
            window.show()
            window.raise_()
            window.activateWindow()


def _window_of(one: QObject | None) -> QMainWindow | None:
    parent = one.parent() if one is not None else None
    return parent if isinstance(parent, QMainWindow) else None
