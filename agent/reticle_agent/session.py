"""Where a run happens: the display at hand or a virtual desktop, and the application it starts."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Size

from .appwindow import WindowWatch
from .processes import Supervised, require_program
from .x11 import X11, DisplayError
from .xauthority import new_cookie, write_authority

DESKTOP = Size(1280, 800)
START_S = 20.0
"""Longest wait for a display or a window manager."""
WINDOW_S = 40.0
"""Longest wait for an application's window."""
_PRIVATE = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
_own_displays: dict[str, Mapping[str, str]] = {}
"""Virtual displays of this process that are open now -> variables for the applications started there."""


@dataclass(frozen=True, slots=True)
class Desktop:
    """A running virtual desktop."""

    display: str
    """Like ``:7``."""
    size: Size
    """Physical pixels."""
    environment: Mapping[str, str]
    """Variables that lead a program to this desktop."""
    managed: bool
    """Whether a window manager runs there."""


@dataclass(frozen=True, slots=True)
class Application:
    """A started program and its first window."""

    process: Supervised
    window: int
    """X window id of the top-level client."""
    title: str


def display_problem() -> str | None:
    """Why the display at hand cannot be used, in one line; None when it can."""
    try:
        X11().close()
    except DisplayError as error:
        return str(error)
    return None


@contextmanager
def virtual_desktop(size: Size = DESKTOP, *, session_bus: bool = True) -> Iterator[Desktop]:
    """An X server of our own (Xvfb, a free display, a private cookie) with openbox where it is installed.

    While it is open ``os.environ`` leads here (DISPLAY, XAUTHORITY, the session bus), so captures of this process and
    every program it starts use it; afterwards the environment is as before and everything started there has ended.
    Applications started there have settings of their own, so that neither an application that is ended in the middle
    nor its next start ever touches the person's.
    Raises ReticleError when Xvfb is missing or does not start.
    """
    require_program("Xvfb", "a virtual display")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="reticle-desktop-")))
        outside = {name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"}
        display = _start_server(stack, folder, size, outside)
        inside = {"DISPLAY": display, "XAUTHORITY": str(folder / "client")}
        private = {name: str(folder / name.lower()) for name in _PRIVATE}
        if session_bus and (address := _start_bus(stack, folder, {**outside, **inside, **private})):
            inside["DBUS_SESSION_BUS_ADDRESS"] = address
        stack.enter_context(_environment(inside, without=("WAYLAND_DISPLAY",)))
        _own_displays[display] = private
        stack.callback(_own_displays.pop, display)
        managed = _start_window_manager(stack)
        yield Desktop(display, size, inside, managed)


def _start_server(stack: ExitStack, folder: Path, size: Size, env: Mapping[str, str]) -> str:
    cookie = new_cookie()
    write_authority(folder / "server", cookie)
    read, write = os.pipe()
    with os.fdopen(read) as answer:
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{size.width}x{size.height}x24"]
        command += ["-nolisten", "tcp", "-noreset", "-auth", str(folder / "server")]
        try:
            server = Supervised(command, env, pass_fds=[write])
        finally:
            os.close(write)
        stack.callback(server.end)
        ready, _, _ = select.select([answer], [], [], START_S)
        number = answer.readline().strip() if ready else ""
    if not number:
        raise ReticleError(f"the virtual display did not start: {server.last_line() or 'no answer from Xvfb'}")
    write_authority(folder / "client", cookie, number)
    return f":{number}"


def _start_bus(stack: ExitStack, folder: Path, env: Mapping[str, str]) -> str | None:
    """A session bus of the desktop's own, so that no application talks to one that runs elsewhere."""
    if which("dbus-daemon") is None:
        return None
    address = f"unix:path={folder / 'bus'}"
    bus = Supervised(["dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={address}"], env)
    stack.callback(bus.end)
    deadline = time.monotonic() + START_S
    while not (folder / "bus").exists():
        if bus.exit_code is not None or time.monotonic() > deadline:
            raise ReticleError(f"the session bus did not start: {bus.last_line() or 'no answer from dbus-daemon'}")
        time.sleep(0.01)
    return address


def _start_window_manager(stack: ExitStack) -> bool:
    if which("openbox") is None:
        return False
    manager = Supervised(["openbox", "--sm-disable"], os.environ)
    stack.callback(manager.end)
    deadline = time.monotonic() + START_S
    with contextlib.closing(X11()) as x11:
        while not x11.cardinal(int(x11.root.id), "_NET_SUPPORTING_WM_CHECK"):
            if manager.exit_code is not None or time.monotonic() > deadline:
                raise ReticleError(f"openbox did not start: {manager.last_line() or 'no answer'}")
            time.sleep(0.02)
    return True


@contextmanager
def _environment(changes: Mapping[str, str], without: Sequence[str] = ()) -> Iterator[None]:
    names = {*changes, *without}
    before = {name: os.environ.get(name) for name in names}
    for name in without:
        os.environ.pop(name, None)
    os.environ.update(changes)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def split_command(command: str) -> list[str]:
    """Cuts a command line into arguments, quotes respected, without a shell. Raises BadInput."""
    try:
        argv = shlex.split(command)
    except ValueError as error:
        raise BadInput(f"the command {command!r} cannot be read: {error}") from error
    if not argv or not argv[0]:
        raise BadInput("the command to start is empty; say e.g. --app mousepad")
    return argv


@contextmanager
def launch(
    command: str | Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    keep: bool | None = None,
    timeout_s: float = WINDOW_S,
) -> Iterator[Application]:
    """Starts a program on ``$DISPLAY`` and waits for its window to stand still.

    ``keep`` leaves it to the person, with whatever was done in it; otherwise its process group ends at the end. None
    keeps it except on a virtual desktop of ours, which ends too. A program whose window never comes is always ended.
    Raises BadInput for a program that does not exist, DisplayError without a display, ReticleError without a window.
    """
    argv = split_command(command) if isinstance(command, str) else list(command)
    if which(argv[0]) is None:
        raise BadInput(f"there is no program {argv[0]!r}; install it or give its full path")
    private = _own_displays.get(os.environ.get("DISPLAY", ""))
    if keep is None:
        keep = private is None
    with contextlib.closing(X11()) as x11:
        watch = WindowWatch(x11)
        process = Supervised(argv, {**os.environ, **(private or {})} if env is None else env)
        try:
            window = watch.first_window(process, timeout_s)
            title = x11.text(window, "_NET_WM_NAME") or x11.text(window, "WM_NAME")
            if keep:
                process.keep()
            yield Application(process, window, title)
        finally:
            if process.supervised:
                process.end()
