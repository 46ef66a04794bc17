"""Records what a person shows: one place that composes it from its parts."""

from __future__ import annotations

import importlib.metadata
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from reticle_agent.demonstration.writing import ReadText


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """What is recorded, and where."""

    task: str
    """What is shown, in the person's words; an empty one is told by the steps alone."""
    trace: Path
    """A new or empty folder."""
    seconds: float | None = None
    application: str | None = None
    """Started first."""
    exclude: tuple[str, ...] = ()
    """Programs whose windows are painted over and whose inputs are left out."""
    all_text: bool = False
    read: bool = True
    """Whether text is read from the picture where a program tells no names."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of it."""

    trace: Path
    steps: int
    unnamed: int
    secret: int
    left_out: int
    seconds: float
    why: str
    """What ended it."""


def record_demonstration(options: ShowOptions, tell: Callable[[str], None] = lambda line: None) -> Shown:
    """Records until the stop key, Ctrl+C or the time ends it; everything recorded stays.

    Raises BadInput for a folder that cannot be used or a display that does not tell inputs, ReticleError when no stop
    key is free.
    """
    from reticle_agent.demonstration.listen import Listener
    from reticle_agent.demonstration.recorder import Demonstration
    from reticle_agent.demonstration.under import Accessible
    from reticle_agent.demonstration.writing import StepWriter
    from reticle_agent.screen import ScreenCapture
    from reticle_agent.session import launch
    from reticle_agent.stop import StopToken
    from reticle_agent.stop_watch import stopped_by_signals
    from reticle_agent.stopper import take_stop_key
    from reticle_agent.trace import CaptureFacts, PolicyFacts, TraceWriter
    from reticle_agent.trace.store import new_folder
    from reticle_agent.windows import OwnWindows
    from reticle_agent.x11 import X11

    started, token = time.monotonic(), StopToken()
    with ExitStack() as stack:
        x11 = X11()
        stack.callback(x11.close)
        screen = ScreenCapture()
        stack.callback(screen.close)
        new_folder(options.trace)
        if options.application is not None:
            stack.enter_context(launch(options.application))
        keys = X11()
        stack.callback(keys.close)
        stop_key = take_stop_key(keys)
        stack.callback(stop_key.ungrab)
        desk = Accessible(x11, OwnWindows(x11), options.exclude)
        stack.callback(desk.close)
        stack.enter_context(stopped_by_signals(token))
        trace = stack.enter_context(
            TraceWriter.create(
                options.trace,
                task=options.task,
                source="human",
                displays=screen.displays(),
                policy=PolicyFacts("demonstration"),
                capture=CaptureFacts("display"),
                app_version=importlib.metadata.version("reticle"),
                consent={"by": "user", "what": "record a demonstration"},
            )
        )
        trace.event("task", text=options.task, from_="user")
        tell(f"recording; {'+'.join(stop_key.keys)} or Ctrl+C ends it")
        if desk.told:
            tell(f"no words from programs: {desk.told}")
            if not options.all_text:
                tell("so of what you type only the length is written; --all-text keeps it")

        def display() -> str | None:
            x, y = x11.pointer()
            found = [d.id for d in screen.displays() if _holds(d.physical.as_tuple(), x, y)]
            return found[0] if found else None

        writer = StepWriter(trace, _reader() if options.read else None)
        demonstration = Demonstration(
            screen, desk, Listener, writer, token, display=display, stop_key=stop_key, all_text=options.all_text
        )
        told = demonstration.run(options.seconds)
        tell("writing the last steps")
        writer.close(success=True)
        report = token.report()
        if report is not None:
            trace.event("stop", **report.fields())
        trace.finish("done", by="user")
    why = token.message or "the time was over"
    seconds = time.monotonic() - started
    return Shown(options.trace, told.steps, writer.unnamed, told.secret, told.left_out, seconds, why)


def _holds(area: Sequence[float], x: int, y: int) -> bool:
    left, top, right, bottom = area
    return left <= x < right and top <= y < bottom


def _reader() -> ReadText:
    from PIL import Image

    from reticle_grounding.geometry import Rect
    from reticle_grounding.ocr import TextBox, TextReader

    reader = TextReader()

    def read(image: Image.Image, part: Rect) -> Sequence[TextBox]:
        return reader.read(np.asarray(image), part)

    return read
