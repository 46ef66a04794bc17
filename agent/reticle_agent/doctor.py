"""What works on this machine: everything is tried, nothing is promised."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from PIL import Image, ImageDraw

from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Rect

from .actions import ClickAt, EnterText, Input
from .actuator import open_actuator
from .displays import display_of, read_displays
from .probe_window import COLOUR, ProbeWindow
from .screen import ScreenCapture
from .seams import Display, Grounder
from .stop import StopReport, StopToken
from .stop_watch import StopWatch
from .x11 import X11

Status: TypeAlias = Literal["ok", "warn", "fail"]
OverlayCheck: TypeAlias = Callable[[], str]
"""Shows an overlay and says what was seen; raises ReticleError when it cannot be shown."""
ON_THE_DESKTOP = ("display", "capture", "click", "typing", "overlay", "stop key")
"""Names of what needs a display, in the order it is tried."""
TYPED = "Abc 1+2"
PASTED = "äöü € 漢字 😀"
BUTTON = Rect(250, 180, 390, 224)
START_DISPLAY = "start a desktop session with X11, or use `reticle run --virtual`, which brings its own display"
CAPTURE_HELP = "log in with an X11 session ('on Xorg'); under Wayland other windows cannot be captured"
INPUT_HELP = "allow synthetic input (the XTEST extension of the X server); under Wayland use an X11 session"
TYPING_HELP = (
    "install xclip, close programs that hold the keyboard, and check the keyboard layout with setxkbmap -query"
)
OVERLAY_HELP = "start Reticle inside of a desktop session; a compositor makes the overlay see-through"
STOP_HELP = "free one of the stop keys in the settings of your desktop; no run starts without one"
MODEL_HELP = "install Reticle again, or choose a model folder that is complete"


@dataclass(frozen=True, slots=True)
class Check:
    """One finding."""

    name: str
    status: Status
    detail: str
    remedy: str = ""
    """What to do; empty when nothing is to be done."""


def checks(model_dir: Path | None = None, overlay: OverlayCheck | None = None) -> list[Check]:
    """All findings in order: display, capture, click, typing, overlay, stop key, model. Takes a few seconds.

    A small window appears for a moment; clicks and keys go there alone. ``overlay`` is passed by the application.
    """
    return [*desktop_checks(overlay), _tried("model", MODEL_HELP, lambda: _model(model_dir))]


def desktop_checks(overlay: OverlayCheck | None = None) -> Iterator[Check]:
    """The same without the model, each finding as soon as it is known. Loads no torch."""
    display = _display()
    yield display
    if display.status == "fail":
        yield from (_untested(name) for name in ON_THE_DESKTOP[1:])
        return
    yield from _on_the_desktop()
    yield _overlay(overlay)
    yield _tried("stop key", STOP_HELP, _stop_key)


def model_check(open_grounder: Callable[[], Grounder]) -> Check:
    """The finding about a model that the caller opens, or has open already."""
    return _tried("model", MODEL_HELP, lambda: _asked(open_grounder))


def _untested(name: str) -> Check:
    return Check(name, "fail", "not tested, since there is no display", START_DISPLAY)


def _tried(name: str, remedy: str, attempt: Callable[[], str]) -> Check:
    """A check that answers with what it saw and raises ReticleError when it does not work."""
    try:
        return Check(name, "ok", attempt())
    except ReticleError as problem:
        return Check(name, "fail", str(problem), remedy)


def _display() -> Check:
    try:
        displays = read_displays()
    except ReticleError as problem:
        return Check("display", "fail", str(problem), START_DISPLAY)
    seen = ", ".join(f"{d.id} {d.physical.width:.0f}x{d.physical.height:.0f} at scale {d.scale:g}" for d in displays)
    if os.environ.get("XDG_SESSION_TYPE") == "wayland":
        return Check("display", "warn", f"{seen}, in a Wayland session: only X11 windows can be used", CAPTURE_HELP)
    return Check("display", "ok", seen)


def _on_the_desktop() -> Iterator[Check]:
    """Capture, click and typing, all with the same test window."""
    try:
        display = display_of(read_displays(), None)
        window = ProbeWindow(display.physical)
    except ReticleError as problem:
        yield from (Check(name, "fail", str(problem), INPUT_HELP) for name in ("capture", "click", "typing"))
        return
    try:
        yield _tried("capture", CAPTURE_HELP, lambda: _capture(window, display))
        yield _tried("click", INPUT_HELP, lambda: _click(window))
        yield _tried("typing", TYPING_HELP, lambda: _typing(window))
    finally:
        window.close()


def _capture(window: ProbeWindow, display: Display) -> str:
    start = time.monotonic()
    screen = ScreenCapture()
    try:
        frame = screen.capture(display.id)
    finally:
        screen.close()
    took_ms = (time.monotonic() - start) * 1000
    at = (round(window.center[0] - display.physical.left), round(window.center[1] - display.physical.top))
    wanted = (COLOUR >> 16, COLOUR >> 8 & 255, COLOUR & 255)
    if frame.image.getpixel(at) != wanted:
        black = frame.image.getextrema() == ((0, 0), (0, 0), (0, 0))
        raise ReticleError("the capture is black" if black else "the capture does not show what is on the screen")
    return f"{frame.image.width}x{frame.image.height} in {took_ms:.0f} ms"


@contextmanager
def _hand() -> Iterator[Callable[[Input], None]]:
    """An actuator for the test window; the pointer goes back to where it was."""
    connection = X11()
    before = connection.pointer()
    actuator = open_actuator(StopToken())
    try:
        yield actuator.perform
    finally:
        actuator.close()
        with connection.exchange() as raw:
            connection.root.warp_pointer(*before)
            raw.sync()
        connection.close()


def _click(window: ProbeWindow) -> str:
    with _hand() as perform:
        perform(ClickAt(window.center, count=2))
        arrived = window.await_clicks(2)
    if arrived != [window.center] * 2:
        seen = "did not arrive" if not arrived else f"arrived at {arrived} instead"
        raise ReticleError(f"two clicks sent to {window.center} {seen}")
    return f"arrived on the exact pixel {window.center[0]},{window.center[1]}"


def _typing(window: ProbeWindow) -> str:
    with _hand() as perform:
        perform(EnterText(TYPED))
        if (text := window.await_text(TYPED)) != TYPED:
            raise ReticleError(f"'{TYPED}' was typed with keys and '{text}' arrived")
        perform(EnterText(PASTED))
        if (text := window.await_text(TYPED + PASTED)) != TYPED + PASTED:
            raise ReticleError(f"'{PASTED}' was sent and '{text.removeprefix(TYPED)}' arrived")
    return f"'{TYPED}' with keys and '{PASTED}' through the clipboard, which was given back"


def _overlay(attempt: OverlayCheck | None) -> Check:
    if attempt is None:
        return Check("overlay", "warn", "not tested: only the application can show it", "use `reticle doctor`")
    return _tried("overlay", OVERLAY_HELP, attempt)


def _stop_key() -> str:
    """Presses the stop key itself and measures."""
    token = StopToken()
    watch = StopWatch(token)
    try:
        pressed_s = _press(watch.keys)
        report = _await_stop(token)
    finally:
        watch.close()
    if report is None or report.trigger != "hotkey":
        raise ReticleError(f"{'+'.join(watch.keys)} was pressed and nothing stopped")
    latency_ms = (token.seen_s - pressed_s) * 1000 + report.latency_ms
    keys = "+".join(key.capitalize() for key in watch.keys)
    return f"{keys} stops within {max(math.ceil(latency_ms), 1)} ms"


def _press(keys: tuple[str, ...]) -> float:
    """Presses a chord past the gate that keeps the agent from doing so; returns the moment it was complete."""
    from Xlib import X
    from Xlib.ext.xtest import fake_input

    from .keyboard import Layout

    connection = X11()
    layout = Layout.read(connection)
    codes = [layout.key(key).code for key in keys]
    with connection.exchange() as raw:
        for code in codes:
            fake_input(raw, X.KeyPress, code)
        raw.sync()
        complete_s = time.monotonic()
        time.sleep(0.03)
        for code in reversed(codes):
            fake_input(raw, X.KeyRelease, code)
        raw.sync()
    connection.close()
    return complete_s


def _await_stop(token: StopToken, timeout_s: float = 3.0) -> StopReport | None:
    deadline = time.monotonic() + timeout_s
    while not token.stopped and time.monotonic() < deadline:
        time.sleep(0.002)
    return token.report()


def _model(folder: Path | None) -> str:
    """Opens the model and asks it for the only button of a drawn picture. Loads torch."""
    if folder is not None and not (folder / "config.json").is_file():
        raise BadInput(f"{folder} is not a model folder: it has no config.json")
    from reticle_grounding.predictor import Grounder as Predictor

    return _asked(lambda: Predictor.open(folder))


def _asked(open_grounder: Callable[[], Grounder]) -> str:
    start = time.monotonic()
    grounder = open_grounder()
    opened_s = time.monotonic() - start
    grounding = grounder.observe(_button_picture()).ground("the Open button", 5)
    took_s = time.monotonic() - start - opened_s
    if not grounding.candidates:
        raise ReticleError(f"{grounder.name} opens but names no place on a test picture")
    hit = BUTTON.contains(grounding.candidates[0].point)
    seen = "finds" if hit else "misses"
    opened = f"opened in {opened_s:.1f} s" if opened_s >= 0.05 else "open"
    return f"{grounder.name}: {opened}, {seen} the button of a test picture in {took_s:.1f} s"


def _button_picture() -> Image.Image:
    image = Image.new("RGB", (640, 400), (244, 245, 247))
    draw = ImageDraw.Draw(image)
    draw.rectangle(BUTTON.as_tuple(), fill=(255, 255, 255), outline=(120, 126, 134))
    draw.text((BUTTON.left + 50, BUTTON.top + 15), "Open", fill=(20, 24, 30))
    return image
