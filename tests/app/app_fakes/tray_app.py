"""The main window over the demo model in a language, for a tray of another process: ``python tray_app.py LANGUAGE``."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app_fakes.parts import build_fake
from PySide6.QtWidgets import QApplication

from reticle_app.config import Settings


def main() -> int:
    app = QApplication(sys.argv[:1])
    app.setQuitOnLastWindowClosed(False)
    parts, _ = build_fake(app, settings=Settings(theme="light", language=sys.argv[1]))  # type: ignore[arg-type]
    parts.controller.at_end(app.quit)
    parts.window.show()
    return app.exec()


if __name__ == "__main__":
    sys.exit(main())
