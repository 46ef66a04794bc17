"""The loop of a harvest: look, read, look again, keep."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import numpy as np
from PIL import Image

from reticle_agent.displays import open_grabber
from reticle_agent.windows import OwnWindows
from reticle_agent.x11 import X11
from reticle_grounding.errors import BadInput

from .areas import Area, areas, cut_out
from .bus import SWITCH_ON, AccessibilityBus
from .desktop import Desktop, is_called, look
from .details import labels_and_values
from .elements import Found, visible_elements
from .ink import Rgb
from .rows import Detail, to_rows
from .store import Store
from .tree import Program, programs, read_tree

MOVED_SHARE = 0.0005
"""More changed pixels between the two looks mean that something moved; a blinking caret is less."""
SAME_SHARE = 0.005
"""Pictures that differ from the one before in less are not worth keeping."""
CHANGED = 16
"""Grey levels a channel must change by to count."""
MIN_ELEMENTS = 3
OWN_NAME = "reticle"


@dataclass(frozen=True, slots=True)
class HarvestOptions:
    """What to harvest."""

    out: Path
    app: str | None = None
    """Only programs that go by this name (or a part of it); nothing else will be in the pictures."""
    exclude: tuple[str, ...] = ()
    """Programs by name whose windows are painted over and never read."""
    windows: bool = False
    every_s: float = 2.0
    count: int | None = None
    seconds: float | None = None


@dataclass(slots=True)
class Harvested:
    """What came of it."""

    looks: int = 0
    pictures: int = 0
    elements: int = 0
    moved: int = 0
    """Looks that were thrown away because something moved meanwhile."""
    repeated: int = 0
    """Looks that showed nothing new."""
    apps: dict[str, int] = field(default_factory=dict)
    """Pictures by program."""
    stopped: bool = False
    """Ended by the person (Ctrl+C)."""


@dataclass(frozen=True, slots=True)
class _Look:
    desktop: Desktop
    pixels: Rgb


def harvest(options: HarvestOptions, tell: Callable[[Harvested], None] | None = None) -> Harvested:
    """Takes pictures until the count, the time or Ctrl+C ends it; everything written stays.

    ``tell`` is called after every round. Raises BadInput without an X display, without an accessibility bus, or when
    the folder cannot be written.
    """
    result = Harvested()
    with contextlib.ExitStack() as stack:
        x11 = X11()
        stack.callback(x11.close)
        bus = AccessibilityBus()
        stack.callback(bus.close)
        store = Store(options.out)
        stack.callback(store.close)
        harvester = _Harvester(options, x11, bus, store, result)
        try:
            with _asked_to_stop() as asked:
                _loop(options, harvester, tell, asked)
                result.stopped = asked.is_set()
        except KeyboardInterrupt:
            result.stopped = True
    return result


@contextlib.contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Set by Ctrl+C, whose exception would be lost where a library calls back from C; the second one raises."""
    asked = threading.Event()

    def handle(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()

    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGINT, handle)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)


def _loop(
    options: HarvestOptions,
    harvester: _Harvester,
    tell: Callable[[Harvested], None] | None,
    asked: threading.Event,
) -> None:
    start = time.monotonic()
    end = start + options.seconds if options.seconds is not None else float("inf")
    while True:
        began = time.monotonic()
        harvester.round()
        if tell is not None:
            tell(harvester.result)
        if harvester.full or time.monotonic() >= end:
            break
        if asked.wait(max(0.0, min(began + options.every_s, end) - time.monotonic())):
            return
    if not harvester.heard:
        wanted = f"called '{options.app}' " if options.app else ""
        raise BadInput(f"no running program {wanted}speaks on the accessibility bus; {SWITCH_ON}")


class _Harvester:
    def __init__(
        self, options: HarvestOptions, x11: X11, bus: AccessibilityBus, store: Store, result: Harvested
    ) -> None:
        self.result = result
        self.heard = False
        """Whether a program that was wanted has ever been on the bus."""
        self._options, self._x11, self._bus, self._store = options, x11, bus, store
        self._own = OwnWindows(x11)
        self._last: dict[str, Rgb] = {}

    @property
    def full(self) -> bool:
        return self._options.count is not None and self.result.pictures >= self._options.count

    def round(self) -> None:
        """One look at everything; keeps what is new and stood still."""
        self.result.looks += 1
        before = self._look()
        found = [f for program in self._wanted(before.desktop) for f in self._visible(before, program)]
        details = labels_and_values(self._bus, [f.node for f in found])
        after = self._look()
        hidden = self._hidden(before.desktop)
        pids = {f.program.pid for f in found}
        options = self._options
        for area in areas(before.desktop, pids, hidden, one_program=options.app is not None, windows=options.windows):
            if self.full:
                return
            inside = [(f, d) for f, d in zip(found, details, strict=True) if _within(f, area)]
            if len(inside) >= MIN_ELEMENTS:
                self._keep(area, before, after, inside)

    def _look(self) -> _Look:
        with open_grabber() as grabber:
            shot = grabber.grab(grabber.monitors[0])
        picture = Image.frombytes("RGB", (int(shot.width), int(shot.height)), bytes(shot.bgra), "raw", "BGRX")
        return _Look(look(self._x11), np.asarray(picture))

    def _wanted(self, desktop: Desktop) -> list[Program]:
        wanted = []
        for program in programs(self._bus):
            names = [program.name, *_names(desktop, program.pid)]
            if program.pid == os.getpid() or self._is_excluded(names):
                continue
            if self._options.app is None or is_called(self._options.app, names):
                wanted.append(program)
        self.heard = self.heard or bool(wanted)
        return wanted

    def _is_excluded(self, names: Iterable[str]) -> bool:
        names = [name.lower() for name in names]
        return OWN_NAME in names or any(is_called(name, names) for name in self._options.exclude)

    def _hidden(self, desktop: Desktop) -> frozenset[int]:
        """Windows of ours, of the terminal we were started from, and of excluded programs."""
        called = {program.pid: program.name for program in programs(self._bus)}
        return frozenset(
            index
            for index, window in enumerate(desktop.windows)
            if self._own.owns(window.client or window.id)
            or self._is_excluded([*window.names, *([called[window.pid]] if window.pid in called else [])])
        )

    def _visible(self, seen: _Look, program: Program) -> list[Found]:
        if not seen.desktop.indices(program.pid):
            return []
        return visible_elements(seen.desktop, seen.pixels, program, read_tree(self._bus, program))

    def _keep(self, area: Area, before: _Look, after: _Look, inside: list[tuple[Found, Detail]]) -> None:
        picture = cut_out(before.desktop, before.pixels, area)
        if before.desktop.windows != after.desktop.windows or _differs(
            picture, cut_out(after.desktop, after.pixels, area), MOVED_SHARE
        ):
            self.result.moved += 1
            return
        last = self._last.get(area.key)
        if last is not None and not _differs(picture, last, SAME_SHARE):
            self.result.repeated += 1
            return
        main = _main_program(before.desktop, [f for f, _ in inside])
        rows = to_rows([f for f, _ in inside], [d for _, d in inside], picture, area.box)
        self._store.add(
            Image.fromarray(picture),
            app=main.program.name,
            state=_state(before.desktop, area, [f for f, _ in inside]),
            toolkit=main.program.toolkit,
            scale=main.scale,
            elements=rows,
        )
        self._last[area.key] = picture
        self.result.pictures += 1
        self.result.elements += len(rows)
        self.result.apps[main.program.name] = self.result.apps.get(main.program.name, 0) + 1


def _names(desktop: Desktop, pid: int) -> list[str]:
    return [name for index in desktop.indices(pid) for name in desktop.windows[index].names]


def _within(found: Found, area: Area) -> bool:
    left, top, right, bottom = found.box
    a = area.box
    return found.window in area.shown and left >= a[0] and top >= a[1] and right <= a[2] and bottom <= a[3]


def _differs(one: Rgb, other: Rgb, share: float) -> bool:
    """Whether more than a share of the pixels changed."""
    if one.shape != other.shape:
        return True
    change = np.abs(one.astype(np.int16) - other.astype(np.int16)).max(axis=2)
    return float(np.mean(change > CHANGED)) > share


def _main_program(desktop: Desktop, found: list[Found]) -> Found:
    """An element of the program with the active window, else of the one with most elements."""
    active = next((f for f in found if desktop.windows[f.window].active), None)
    if active is not None:
        return active
    counts: dict[int, int] = {}
    for f in found:
        counts[f.program.pid] = counts.get(f.program.pid, 0) + 1
    return max(found, key=lambda f: counts[f.program.pid])


def _state(desktop: Desktop, area: Area, inside: list[Found]) -> str:
    """What kind of picture it is; titles are not kept, they tell what a person works on."""
    popups = any(desktop.windows[f.window].popup for f in inside)
    kind = "desktop" if area.root else "window" if area.key.startswith("window") else "program"
    return f"{kind}, with a menu" if popups else kind
