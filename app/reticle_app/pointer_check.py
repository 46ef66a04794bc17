"""The calibration without the rest of the application: `reticle doctor --pointer`."""

from __future__ import annotations

from PySide6.QtCore import QEventLoop
from PySide6.QtWidgets import QApplication

from reticle_grounding.errors import ReticleError

from .background import Background, MainThread
from .calibration import Calibration, Measuring, keep_calibration
from .kept import data_folder
from .windows.targets import ScreenTargets


def measure_pointer() -> Calibration:
    """Shows targets on every monitor, clicks them, keeps the result. Raises ReticleError, Cancelled after a stop."""
    _application = QApplication.instance() or QApplication(["reticle"])
    main, loop = MainThread(), QEventLoop()
    background = Background(main, "calibration")
    found: list[Calibration | ReticleError] = []

    def end(result: Calibration | ReticleError) -> None:
        found.append(result)
        loop.quit()

    background.submit(Measuring(ScreenTargets(main)).run, end, end)
    loop.exec()
    background.close()
    main.close()
    if isinstance(found[0], ReticleError):
        raise found[0]
    keep_calibration(data_folder(), found[0])
    return found[0]
