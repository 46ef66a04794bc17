"""How long the model in use takes on this machine, measured on the bundled screenshot and kept in the data folder.

Asked twice: the first instruction on a screenshot it has not seen, which is what a step of a run costs, and further
instructions on the same screenshot. Times are of a clock on the wall, picture sent and answer back included.
"""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

from PIL import Image, ImageDraw
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from reticle_agent.seams import Observation
from reticle_grounding.number_types import NumberType

from .kept import read_kept, write_kept
from .translations import tr

FIRST, FURTHER = 3, 5
"""New screenshots, and further instructions on the last of them."""
INSTRUCTIONS = ("the Save button", "the Search field", "the Cancel button", "the Help menu", "the Name field", "Print")
KEPT = 20
"""Results that are kept, the newest of each model among them."""


class Timed(BaseModel):
    """One benchmark of one model on this machine."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str
    """Its folder, empty for the embedded one."""
    name: str
    """What it calls itself."""
    when: AwareDatetime
    width: int
    height: int
    """Of the screenshot, in pixels."""
    first_ms: tuple[float, ...] = Field(min_length=1)
    """First instruction on each of so many new screenshots."""
    further_ms: tuple[float, ...] = Field(min_length=1)
    """Further instructions on the last of them."""
    machine: str
    numbers: NumberType | None = None
    """What it was to compute in; None is what fits the machine."""

    @property
    def step_ms(self) -> float:
        """What a step of a run costs: the median of the first instructions."""
        return statistics.median(self.first_ms)

    @property
    def again_ms(self) -> float:
        return statistics.median(self.further_ms)

    @property
    def headline(self) -> str:
        return tr("about {time} per step here").format(time=round_time(self.step_ms))

    @property
    def details(self) -> str:
        """What was measured, in plain words, with the spread."""
        return tr(
            "First instruction on a new screenshot: {first}. Each further one on the same: {further}. Bundled "
            "screenshot of {width} x {height} pixels; {machine}."
        ).format(
            first=_figure(self.first_ms),
            further=_figure(self.further_ms),
            width=self.width,
            height=self.height,
            machine=self.machine if self.numbers is None else f"{self.machine}, {self.numbers}",
        )


class Benchmarks(BaseModel):
    """All results that are kept, newest last."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int = 1
    results: tuple[Timed, ...] = ()

    def of(self, model: str, numbers: NumberType | None = None) -> Timed | None:
        """The newest result of a model in these numbers."""
        return next((r for r in reversed(self.results) if (r.model, r.numbers) == (model, numbers)), None)

    def added(self, result: Timed) -> Benchmarks:
        return Benchmarks(results=(*self.results, result)[-KEPT:])


class Asked(Protocol):
    """A model that is open, or opens when it is asked; what the window's model process offers."""

    @property
    def name(self) -> str: ...

    def start(self) -> str: ...

    def observe(self, image: Image.Image) -> Observation: ...


@dataclass(frozen=True, slots=True)
class Stage:
    """How far a benchmark has come."""

    done: int
    of: int
    words: str


def measure(
    grounder: Asked,
    model: str,
    image: Image.Image,
    tell: Callable[[Stage], None],
    numbers: NumberType | None = None,
) -> Timed:
    """Runs the benchmark; blocks for as long as it takes. Raises ReticleError, ``Cancelled`` when it is cancelled.

    One instruction goes before, unmeasured: what is loaded at the first use is not what a step costs.

    Args:
        model: folder of the model, empty for the embedded one.
        image: RGB; every new screenshot is this picture with a mark of its own, so that nothing is known of it.
        tell: called before each instruction and at the end.
        numbers: what the model was opened in, to be written down.
    """
    total = 1 + FIRST + FURTHER
    tell(Stage(0, total, tr("Opening the model")))
    grounder.start()
    grounder.observe(marked(image, 0)).ground(INSTRUCTIONS[0])
    first: list[float] = []
    for i in range(FIRST):
        tell(Stage(1 + i, total, tr("New screenshot {count} of {all}").format(count=i + 1, all=FIRST)))
        picture = marked(image, i + 1)
        began = time.perf_counter()
        held = grounder.observe(picture)
        held.ground(INSTRUCTIONS[0])
        first.append((time.perf_counter() - began) * 1e3)
    further: list[float] = []
    for i in range(FURTHER):
        words = tr("Further instruction {count} of {all}").format(count=i + 1, all=FURTHER)
        tell(Stage(1 + FIRST + i, total, words))
        began = time.perf_counter()
        held.ground(INSTRUCTIONS[1 + i % (len(INSTRUCTIONS) - 1)])
        further.append((time.perf_counter() - began) * 1e3)
    tell(Stage(total, total, tr("Done")))
    return Timed(
        model=model,
        name=grounder.name,
        when=datetime.now(timezone.utc).replace(microsecond=0),
        width=image.width,
        height=image.height,
        first_ms=tuple(first),
        further_ms=tuple(further),
        machine=machine_words(),
        numbers=numbers,
    )


def marked(image: Image.Image, number: int) -> Image.Image:
    """The picture with a small mark in its corner that tells it from all others of the same benchmark."""
    copy = image.copy()
    shade = (time.time_ns() // 1000 + number * 7919) % 0xFFFFFF
    colour = (shade & 0xFF, shade >> 8 & 0xFF, shade >> 16 & 0xFF)
    ImageDraw.Draw(copy).rectangle((copy.width - 3, copy.height - 3, copy.width - 1, copy.height - 1), fill=colour)
    return copy


def machine_words() -> str:
    """Processor and threads, as far as the system tells; kept, so it is the same in every language."""
    return f"{platform.machine() or '?'}, {os.cpu_count() or 1} CPU, {platform.system()}"


def benchmarks_path(folder: Path) -> Path:
    return folder / "benchmarks.json"


def load_benchmarks(folder: Path) -> Benchmarks:
    """What is kept; nothing when there is no file or it is damaged."""
    return read_kept(benchmarks_path(folder), Benchmarks) or Benchmarks()


def keep_benchmark(folder: Path, result: Timed) -> Benchmarks:
    """Adds a result and returns all. Raises BadInput when it cannot be written."""
    kept = load_benchmarks(folder).added(result)
    write_kept(benchmarks_path(folder), kept)
    return kept


def round_time(ms: float) -> str:
    """Two digits that mean something."""
    return f"{ms / 1000:.1f} s" if ms >= 1000 else f"{ms:.0f} ms"


def _figure(values: tuple[float, ...]) -> str:
    low, high = round_time(min(values)), round_time(max(values))
    middle = round_time(statistics.median(values))
    return tr("{time} (median of {count}, {low} to {high})").format(time=middle, count=len(values), low=low, high=high)
