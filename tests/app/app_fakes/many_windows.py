"""Every window over the demo model, for eyes of another process: ``python many_windows.py FOLDER LANGUAGE``.

Shows main window, inspector, traces, settings, models, first steps and the palette, then says ``ready`` and waits to be
ended.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(1, str(Path(__file__).resolve().parents[2] / "agent"))

from agent_fakes.recorded import recorded
from app_fakes.parts import build_fake
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from reticle_app.config import Settings
from reticle_app.gui import Parts


def wait(until: object, then: object) -> None:
    """Calls ``then`` once ``until`` holds."""

    def look() -> None:
        if until():  # type: ignore[operator]
            timer.stop()
            then()  # type: ignore[operator]

    timer = QTimer(QApplication.instance())
    timer.timeout.connect(look)
    timer.start(50)


def show(parts: Parts) -> None:
    window, tools, controller = parts.window, parts.tools, parts.controller

    def ground() -> None:
        window.header.field.setText("red")
        controller.find("red")
        wait(lambda: controller.grounding is not None and not controller.busy, others)

    def others() -> None:
        tools.show_inspector_here()
        tools.show_traces()
        tools.show_settings()
        tools.show_models()
        tools.show_welcome()
        wait(read, pick)

    def read() -> bool:
        traces, models = tools.browsing, tools.managing
        return traces is not None and not traces.busy and models is not None and not models.busy

    def pick() -> None:
        tools.traces_window.list.setCurrentRow(0)  # type: ignore[union-attr]
        inspector = tools.inspector_window
        wait(lambda: not tools.browsing.busy and inspector.panes[0].grounding is not None, palette)  # type: ignore[union-attr]

    def palette() -> None:
        window.command_palette.open()
        print("ready", flush=True)

    controller.capture(None)
    wait(lambda: window.canvas.has_picture and window.header.find_button.isEnabled(), ground)


def main() -> None:
    folder, language = Path(sys.argv[1]), sys.argv[2]
    recorded(folder / "one")
    app = QApplication(sys.argv[:1])
    parts, _ = build_fake(app, settings=Settings(theme="light", language=language, traces=folder))  # type: ignore[arg-type]
    parts.window.show()
    QTimer.singleShot(0, lambda: show(parts))
    app.exec()


if __name__ == "__main__":
    main()
