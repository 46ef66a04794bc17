"""From the command to a window that answers, seen from outside; and the memory of its processes."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import mss
import numpy as np

from reticle_agent.x11 import X11
from reticle_grounding.errors import ReticleError
from reticle_grounding.geometry import Rect

HOW = (
    "`reticle` started on a virtual display with a window manager and watched from outside: until the window is "
    "on the display, until its head and its foot hold more than {colours} colours each, and until letters typed "
    "by then stand in its field (usable). processor_s: processor time of the window's process until then. cold: "
    "before, the pages of every file that an earlier start had mapped, and of the Python modules, were given back"
    " to the system (posix_fadvise); evicted: which share of them was really out of memory, since what other "
    "processes use stays. Memory from /proc/PID/smaps_rollup once the model has loaded: unique is what would be "
    "free without the process, proportional shares common pages out."
)
COLOURS, DARK = 12, 70
HEAD_PX, FOOT_PX = 60, 44
LETTERS, LETTER_PX = 8, 10
LONGEST_S, LOOK_S, REST_S = 120.0, 0.01, 3.0
MAX_MODEL_S = 180.0
COMMAND = (sys.executable, "-c", "import sys; from reticle_app.cli.main import run_command; sys.exit(run_command([]))")
TITLE = "Reticle"


def measure(count: int) -> dict[str, object]:
    """So many warm starts after one that is not counted, then so many cold ones; memory of the last warm one."""
    warm, cold, memory = [], [], {}
    files = _own_files()
    for number in range(count + 1):
        with _started() as (begun, process):
            told = _watched(begun, process)
            files |= _mapped(process.pid)
            if number == count:
                memory = _memory(process)
        if number:
            warm.append(told)
    for _ in range(count):
        evicted = _evict(files)
        with _started() as (begun, process):
            cold.append({**_watched(begun, process), "evicted": evicted})
    how = HOW.format(colours=COLOURS)
    return {"how": how, "target_s": 2.0, "warm": warm, "cold": cold, "memory": memory}


@contextlib.contextmanager
def _started() -> Iterator[tuple[float, subprocess.Popen[bytes]]]:
    begun = time.monotonic()
    process = subprocess.Popen(COMMAND, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield begun, process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _watched(begun: float, process: subprocess.Popen[bytes]) -> dict[str, object]:
    """Seconds since the start."""
    times: dict[str, float] = {}
    with contextlib.closing(X11()) as x11, mss.mss() as grabber:
        window = _until(process, lambda: _window(x11))
        times["window_s"] = time.monotonic() - begun
        _until(process, lambda: _painted(grabber, _place(x11, window)) or None)
        times["painted_s"] = time.monotonic() - begun
        place = _place(x11, window)
        before = _dark(grabber, place)
        _type(x11)
        _until(process, lambda: _dark(grabber, place) > before + LETTERS * LETTER_PX or None)
        times["usable_s"] = time.monotonic() - begun
        loading = [pid for pid in _children(process.pid) if b"reticle_app.worker" in _command(pid)]
        used = _usage(process.pid)
    told: dict[str, object] = {name: round(value, 2) for name, value in times.items()}
    return {**told, "processor_s": round(used, 2), "model_loading_behind": bool(loading)}


def _until(process: subprocess.Popen[bytes], look: Any) -> Any:
    end = time.monotonic() + LONGEST_S
    while time.monotonic() < end:
        if process.poll() is not None:
            raise ReticleError(f"the application ended with exit code {process.returncode} while it started")
        found = look()
        if found is not None:
            return found
        time.sleep(LOOK_S)
    raise ReticleError(f"no usable window after {LONGEST_S:.0f} s")


def _window(x11: X11) -> int | None:
    for window in x11.cardinals(int(x11.root.id), "_NET_CLIENT_LIST"):
        if (x11.text(window, "_NET_WM_NAME") or "") == TITLE:
            return int(window)
    return None


def _place(x11: X11, window: int) -> Rect:
    with x11.exchange() as raw:
        own = raw.create_resource_object("window", window)
        size, at = own.get_geometry(), own.translate_coords(x11.root, 0, 0)
    left, top = -float(at.x), -float(at.y)
    return Rect(left, top, left + size.width, top + size.height)


def _pixels(grabber: Any, place: Rect) -> Any:
    """[height, width, 3] of the window as it is on the display."""
    width, height = round(place.width), round(place.height)
    area = {"left": max(0, round(place.left)), "top": max(0, round(place.top)), "width": width, "height": height}
    return np.asarray(grabber.grab(area))[:, :, :3].astype(np.uint32)


def _painted(grabber: Any, place: Rect) -> bool:
    """Whether the head and the foot of the window hold more colours than an empty one."""
    if place.width < 100 or place.height < 100:
        return False
    pixels = _pixels(grabber, place)
    codes = pixels[:, :, 0] | pixels[:, :, 1] << 8 | pixels[:, :, 2] << 16
    return all(len(np.unique(part)) > COLOURS for part in (codes[:HEAD_PX], codes[-FOOT_PX:]))


def _dark(grabber: Any, place: Rect) -> int:
    """Pixels as dark as written words in the head of the window; neither a hint nor the frame of a field is as dark."""
    return int((_pixels(grabber, place)[:HEAD_PX].max(axis=2) < DARK).sum())


def _type(x11: X11) -> None:
    from Xlib import XK, X

    with x11.exchange() as raw:
        code = raw.keysym_to_keycode(XK.string_to_keysym("m"))
        for _ in range(LETTERS):
            raw.xtest_fake_input(X.KeyPress, code)
            raw.xtest_fake_input(X.KeyRelease, code)
        raw.sync()


# --- processes ---


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        found = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for path in found for child in path.read_text().split()]
    return []


def _command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _usage(pid: int) -> float:
    """Processor time so far, seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process: subprocess.Popen[bytes]) -> dict[str, object]:
    """After the model has loaded: when the model process has rested for some seconds."""
    worker = next((pid for pid in _children(process.pid) if b"reticle_app.worker" in _command(pid)), None)
    if worker is None:
        raise ReticleError("the model process is not there")
    end, last, since = time.monotonic() + MAX_MODEL_S, -1.0, time.monotonic()
    while time.monotonic() < end and time.monotonic() - since < REST_S:
        used = _usage(worker)
        if used - last > 0.02:
            last, since = used, time.monotonic()
        time.sleep(0.1)
    return {"window_process": _rollup(process.pid), "model_process": _rollup(worker)}


def _rollup(pid: int) -> Mapping[str, float]:
    """MiB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    unique = kib["Private_Clean"] + kib["Private_Dirty"]
    figures = {"unique_mib": unique, "proportional_mib": kib["Pss"], "resident_mib": kib["Rss"]}
    return {name: round(value / 1024, 1) for name, value in figures.items()}


# --- file cache ---


def _own_files() -> set[Path]:
    """Compiled modules of the packages that the window imports."""
    import PIL
    import pydantic
    import PySide6
    import typer

    import reticle_agent
    import reticle_app
    import reticle_grounding

    found: set[Path] = set()
    for package in (PIL, PySide6, np, pydantic, typer, reticle_agent, reticle_app, reticle_grounding):
        folder = Path(str(package.__file__)).parent
        found |= {path for path in folder.rglob("*.pyc") if path.is_file()}
    return found


def _mapped(pid: int) -> set[Path]:
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    names = {line.split(maxsplit=5)[5] for line in lines if len(line.split(maxsplit=5)) == 6}
    return {Path(name) for name in names if name.startswith("/") and Path(name).is_file()}


def _evict(files: set[Path]) -> float:
    """Gives back the pages of these files; returns the share that is then out of memory, 0..1."""
    pages = kept = 0
    os.sync()
    for path in files:
        with contextlib.suppress(OSError), path.open("rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            count, resident = _resident(file.fileno(), path.stat().st_size)
            pages, kept = pages + count, kept + resident
    return round(1 - kept / pages, 2) if pages else 0.0


def _resident(handle: int, size: int) -> tuple[int, int]:
    """(pages of a file, pages in memory), by mincore."""
    if not size:
        return 0, 0
    count = -(-size // mmap.PAGESIZE)
    with mmap.mmap(handle, size, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE) as mapping:
        told = (ctypes.c_ubyte * count)()
        address = ctypes.addressof(ctypes.c_char.from_buffer(mapping))
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mincore(ctypes.c_void_p(address), ctypes.c_size_t(size), told) != 0:
            raise OSError(ctypes.get_errno(), "mincore")
        return count, sum(page & 1 for page in told)
