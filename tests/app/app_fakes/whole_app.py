"""The application as it is, but for a model process that looks for colours; its eyes are lent to a test.

Arguments: folder for traces. Each line on stdin is a question, answered by a line of JSON: ``state``, or ``where``,
a tab, the window (main, inspector, traces), a tab, and the accessible name or the words of a widget.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app_fakes.parts import WORKER
from PySide6.QtWidgets import QAbstractButton, QApplication, QMainWindow, QWidget

from reticle_app.config import Settings
from reticle_app.desktop import desktop_body, desktop_screen
from reticle_app.gui import Parts, build
from reticle_app.remote import RemoteGrounder
from reticle_app.windows.inspector import InspectorWindow
from reticle_app.windows.traces import TracesWindow


def window_of(parts: Parts, name: str) -> QMainWindow | None:
    return {"main": parts.window, "inspector": parts.tools.inspector_window, "traces": parts.tools.traces_window}[name]


def where(parts: Parts, name: str, wanted: str) -> list[int] | None:
    """The middle of a widget in device pixels of the desktop; None while it is not there."""
    window = window_of(parts, name)
    for widget in window.findChildren(QWidget) if window is not None else ():
        words = widget.text() if isinstance(widget, QAbstractButton) else ""
        if wanted in (widget.accessibleName(), words) and widget.isVisible() and widget.isEnabled():
            screen, at = widget.screen(), widget.mapToGlobal(widget.rect().center())
            origin, ratio = screen.geometry().topLeft(), screen.devicePixelRatio()
            return [
                round(origin.x() + (at.x() - origin.x()) * ratio),
                round(origin.y() + (at.y() - origin.y()) * ratio),
            ]
    return None


def state(parts: Parts) -> dict[str, object]:
    window, inspector, traces = parts.window, parts.tools.inspector_window, parts.tools.traces_window
    told: dict[str, object] = {
        "ready": window.footer.model.text().endswith("ready"),
        "active": QApplication.activeWindow() is not None and QApplication.activeWindow().windowTitle(),
        "ratio": window.devicePixelRatioF(),
        "screens": [s.name() for s in QApplication.screens()],
        "screen": window.screen().name(),
        "picture": [window.canvas.picture_size.width, window.canvas.picture_size.height],
        "busy": parts.controller.busy,
        "field": window.header.field.text(),
        "chosen": parts.controller.chosen,
        "heat": window.canvas.heat_on,
        "zoom": window.canvas.zoom,
        "asked": window.side.approval.isVisible() and window.side.approval.approve.isEnabled(),
        "overlays": [w.isVisible() and len(w.marks) > 0 for w in parts.desk.overlays],
        "running": parts.runner.running,
        "banner": window.banner.title.text() if window.banner.isVisible() else "",
        "reason": window.banner.text.text() if window.banner.isVisible() else "",
    }
    if isinstance(inspector, InspectorWindow):
        grounding = inspector.panes[0].grounding
        told["inspector"] = {
            "visible": inspector.isVisible(),
            "words": grounding.instruction if grounding else "",
            "banner": inspector.banner.title.text() if inspector.banner.isVisible() else "",
        }
    if isinstance(traces, TracesWindow):
        told["traces"] = {
            "visible": traces.isVisible(),
            "listed": len(traces.listed),
            "shown": traces.before.has_picture,
        }
    return told


def listen(parts: Parts) -> None:
    for line in sys.stdin:
        kind, *rest = line.rstrip("\n").split("\t")
        answer = parts.main.call(lambda kind=kind, rest=rest: state(parts) if kind == "state" else where(parts, *rest))
        print(json.dumps(answer), flush=True)


def main() -> int:
    app = QApplication(sys.argv[:1])
    settings = Settings(theme="light", mode="confirm", traces=Path(sys.argv[1]))
    grounder = RemoteGrounder(command=WORKER)
    parts = build(app, settings, grounder, desktop_body(lambda: settings, grounder), desktop_screen)
    parts.window.show()
    threading.Thread(target=listen, args=(parts,), daemon=True).start()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
