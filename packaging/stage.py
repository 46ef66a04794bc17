"""The stage for pictures of the real application: an editor with a letter as a person would have it on the desktop."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from reticle_agent.session import Application, launch

LETTER = """Dear gardener,

the beans by the southern wall have come up well,
and the gardener's boy has watered the rest.

Please bring two ladders on Thursday: one for the
cherries and one for the roof of the shed.

Kind regards
"""
NOBODY = 65534
SETTINGS = "[org/xfce/mousepad/preferences/window]\npath-in-title=false\n"
BACKGROUND = "#3d5a73"


@contextmanager
def home(folder: Path) -> Iterator[Path]:
    """A home of its own, where pictures show it as ~ and nothing of the person's is read or written."""
    before = {name: os.environ.get(name) for name in ("HOME", *_XDG)}
    os.environ["HOME"] = str(folder)
    for name in _XDG:
        os.environ.pop(name, None)
    try:
        yield folder
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


_XDG = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME")


@contextmanager
def editor(folder: Path) -> Iterator[Application]:
    """Mousepad with the letter on ``$DISPLAY``; for root as nobody, since it warns in red of being used by root."""
    subprocess.run(["xsetroot", "-solid", BACKGROUND], check=False)
    letter, kept = folder / "letter.txt", folder / "editor/glib-2.0/settings"
    letter.write_text(LETTER, encoding="utf-8")
    kept.mkdir(parents=True)
    (kept / "keyfile").write_text(SETTINGS, encoding="utf-8")
    env = {**os.environ, "HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "editor"), "GSETTINGS_BACKEND": "keyfile"}
    command = ["mousepad", "--disable-server", str(letter)]
    if os.geteuid() == 0 and which("setpriv") and which("xhost"):
        subprocess.run(["xhost", "+si:localuser:nobody"], check=True, capture_output=True)
        folder.chmod(0o755)
        for path in (letter, *(folder / "editor").rglob("*"), folder / "editor"):
            os.chown(path, NOBODY, NOBODY)
        command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
        env = {name: value for name, value in env.items() if name not in ("XAUTHORITY", "DBUS_SESSION_BUS_ADDRESS")}
    with launch(command, env=env) as started:
        yield started
