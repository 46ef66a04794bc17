"""`reticle bench window`: frames, delays of the event loop, start and memory of the window on this machine."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import which
from typing import Annotated, Any

import typer

from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Size

from .ground import JsonOption
from .output import emit_json, say, warn

PARTS = ("frames", "delays", "starting")
SCREEN = Size(1920, 1080)


def window(
    parts: Annotated[
        list[str] | None, typer.Argument(metavar="[PART]...", help=f"Of {', '.join(PARTS)}; all when none is named.")
    ] = None,
    frames: Annotated[int, typer.Option("--frames", min=10, help="Frames per way of moving the picture.")] = 180,
    answers: Annotated[int, typer.Option("--answers", min=1, help="Further instructions on one picture.")] = 8,
    starts: Annotated[int, typer.Option("--starts", min=1, help="Starts with warm files, and with cold ones.")] = 3,
    here: Annotated[
        bool, typer.Option("--here", help="On the display at hand instead of a virtual one of 1920x1080.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure the window: frames per second, delays of its event loop, start and memory.

    Nothing is compared with a limit, because the figures are this machine's with all that runs on it. Each part says
    how it was measured.
    """
    wanted = [part for part in PARTS if not parts or part in parts]
    unknown = [part for part in parts or () if part not in PARTS]
    if unknown:
        raise BadInput(f"there is no part {unknown[0]!r} to measure; known: {', '.join(PARTS)}")
    if getattr(sys, "frozen", False):
        raise BadInput("a packaged program cannot measure itself; install Reticle with pip and run this there")
    if not here and which("Xvfb") is None:
        raise BadInput(
            "there is no program 'Xvfb' for a virtual display; install it, or measure on this one with --here"
        )
    if "starting" in wanted and sys.platform != "linux":
        raise BadInput("the start is measured through X11 and /proc, so on Linux only; name the other parts")
    counts = {"frames": frames, "delays": answers, "starting": starts}
    document: dict[str, Any] = {"machine": _machine()}
    with _display(here):
        for part in wanted:
            warn(f"measuring {part}")
            document[part] = _measured(part, counts[part])
            if not as_json:
                for line in table(part, document[part]):
                    say(line)
    if as_json:
        emit_json(document)


@contextlib.contextmanager
def _display(here: bool) -> Iterator[None]:
    if here:
        yield
        return
    from reticle_agent.session import virtual_desktop

    with virtual_desktop(SCREEN, session_bus=False):
        yield


def _measured(part: str, count: int) -> dict[str, Any]:
    """Each part in a process of its own, so that none meets what another left."""
    command = [sys.executable, "-m", "reticle_app.measuring.child", part, str(count)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise ReticleError(f"{part} could not be measured: {lines[-1] if lines else f'exit code {done.returncode}'}")
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def _machine() -> dict[str, Any]:
    import PySide6

    load = os.getloadavg() if hasattr(os, "getloadavg") else (0.0,)
    return {
        "cores": os.cpu_count(),
        "processor": _processor(),
        "load_before": round(load[0], 1),
        "nice": os.nice(0) if hasattr(os, "nice") else 0,
        "qt": PySide6.__version__,
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return "unknown"


def table(part: str, measured: Mapping[str, Any]) -> Iterator[str]:
    """Lines for people."""
    yield ""
    yield measured["how"]
    if part == "starting":
        yield from _start_table(measured)
        return
    shown = {
        "frames": ("by_processor", "by_the_clock", "busy_p50_ms", "busy_p99_ms", "busy_over_20ms"),
        "delays": (
            "busy_p99_ms",
            "busy_max_ms",
            "late_p50_ms",
            "late_p99_ms",
            "late_max_ms",
            "noise_late_p99_ms",
            "noise_late_max_ms",
        ),
    }[part]
    yield f"{'':<38}" + "".join(f"{name:>19}" for name in shown)
    for name, figures in measured["cases"].items():
        yield f"{name:<38}" + "".join(f"{figures[key]:>19}" for key in shown)


def _start_table(measured: Mapping[str, Any]) -> Iterator[str]:
    names = ("window_s", "painted_s", "usable_s", "processor_s", "evicted")
    yield f"{'start':<24}" + "".join(f"{name:>16}" for name in names)
    for kind in ("warm", "cold"):
        for figures in measured[kind]:
            yield f"{kind:<24}" + "".join(f"{figures.get(name, ''):>16}" for name in names)
    sizes = ("unique_mib", "proportional_mib", "resident_mib")
    yield f"{'memory':<24}" + "".join(f"{name:>19}" for name in sizes)
    for process, figures in measured["memory"].items():
        yield f"{process.replace('_', ' '):<24}" + "".join(f"{figures[name]:>19}" for name in sizes)
