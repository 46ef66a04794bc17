"""Both sides in turn, each in a process of its own: seconds, memory, and whether their attention is the same."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from reticle_grounding.errors import BadInput, ReticleError

SideName: TypeAlias = Literal["ours", "plain"]
"""Ours and transformers'."""
Map: TypeAlias = npt.NDArray[np.float64]
Step: TypeAlias = Literal["first", "further"]
SIDES: tuple[SideName, ...] = ("ours", "plain")
STEPS: tuple[Step, ...] = ("first", "further")
SAME = 1e-4
"""Largest difference of two attention maps, as for reference numbers."""
SHARE = 1e-2
"""And, since maps of thousands of patches hold small numbers, as a share of the highest value of the map."""
WORDS: Mapping[Step, str] = {"first": "the button that saves the file", "further": "open the settings of the printer"}


class PeerError(ReticleError):
    """A side broke down, or the two sides do not say the same."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One instruction on one side."""

    wall_s: float
    processor_s: float
    peak: int
    """The most bytes the process held meanwhile."""
    map: tuple[float, ...]
    undecided: tuple[int, ...] = ()
    """Patches that rounding may keep or drop."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Least, middle and greatest of some repeats."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(min(values), statistics.median(values), max(values))


@dataclass(slots=True)
class StepResult:
    """One step (first or further instruction), both sides."""

    wall_s: dict[SideName, float] = field(default_factory=dict)
    """Middle of the repeats."""
    processor_s: dict[SideName, float] = field(default_factory=dict)
    peak: dict[SideName, int] = field(default_factory=dict)
    """Bytes; the greatest of the repeats."""
    working: dict[SideName, int] = field(default_factory=dict)
    """The same without what the opened model takes."""
    wall_ratio: Spread | None = None
    """Ours to plain, repeat by repeat."""
    processor_ratio: Spread | None = None
    difference: float = 0.0
    """Largest difference of the two maps over all repeats."""
    highest: float = 0.0
    """Highest value of the maps."""
    undecided: int = 0
    """The most patches that one side kept and the other dropped because rounding decided."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One model on one picture."""

    model: str
    picture: str
    keep: float
    opened: dict[SideName, int]
    """Bytes each process held once its model was open."""
    steps: dict[Step, StepResult]

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class Worker:
    """One side, asked line by line."""

    def __init__(self, side: SideName, process: subprocess.Popen[str]) -> None:
        self.side, self._process = side, process
        self.opened = int(self._reply()["opened"])

    def ask(self, step: Step, picture: Path, words: str) -> Taken:
        """Raises PeerError when the side breaks down."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps({"do": step, "image": str(picture), "words": words}) + "\n")
            self._process.stdin.flush()
        except OSError as error:
            raise PeerError(f"the process of side {self.side} has gone: {error}") from error
        told = self._reply()
        counted = told["wall_s"], told["processor_s"], told["peak"]
        return Taken(*counted, tuple(told["map"]), tuple(told["undecided"]))

    def _reply(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PeerError(f"the process of side {self.side} ended early, exit code {self._process.wait()}")
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def opened(side: SideName, folder: Path, keep: float, threads: int, lean: bool) -> Iterator[Worker]:
    """A side in a new process, ended afterwards."""
    asked = "lean" if lean and side == "plain" else side
    command = [sys.executable, "-m", "reticle_grounding.peer.worker", asked, str(folder), str(keep), str(threads)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Worker(side, process)
        finally:
            if process.stdin is not None:
                process.stdin.close()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()


def compare(
    folder: Path, pictures: Sequence[tuple[str, Path]], keep: float, repeats: int, threads: int = 1, lean: bool = False
) -> Iterator[CaseResult]:
    """One model folder on several pictures (name and file); ``lean`` as for :class:`.plain.PlainModel`.

    Each repeat asks both sides for the first and for a further instruction, in changing order; one round before that is
    not counted. Raises BadInput without repeats, PeerError when the maps differ.
    """
    if repeats < 1 or threads < 1:
        raise BadInput("at least one repeat and one thread are needed")
    with ExitStack() as stack:
        workers = [stack.enter_context(opened(side, folder, keep, threads, lean)) for side in SIDES]
        held = {worker.side: worker.opened for worker in workers}
        for name, picture in pictures:
            rounds = [_round(workers, picture, number) for number in range(repeats + 1)][1:]
            steps = {step: _summary(step, [taken[step] for taken in rounds], held) for step in STEPS}
            for step, result in steps.items():
                _check_same(f"{folder.name} on {name}, {step} instruction", result)
            yield CaseResult(folder.name, name, keep, held, steps)


def _round(workers: Sequence[Worker], picture: Path, number: int) -> dict[Step, dict[SideName, Taken]]:
    order = list(workers) if number % 2 == 0 else list(reversed(workers))
    taken: dict[Step, dict[SideName, Taken]] = {}
    for step in STEPS:
        words = f"{WORDS[step]} {number}"
        taken[step] = {worker.side: worker.ask(step, picture, words) for worker in order}
    return taken


def _summary(step: Step, rounds: Sequence[Mapping[SideName, Taken]], held: Mapping[SideName, int]) -> StepResult:
    result = StepResult()
    for side in SIDES:
        mine = [taken[side] for taken in rounds]
        result.wall_s[side] = statistics.median(t.wall_s for t in mine)
        result.processor_s[side] = statistics.median(t.processor_s for t in mine)
        result.peak[side] = max(t.peak for t in mine)
        result.working[side] = max(0, result.peak[side] - held[side])
    result.wall_ratio = Spread.of([t["ours"].wall_s / t["plain"].wall_s for t in rounds])
    result.processor_ratio = Spread.of([t["ours"].processor_s / t["plain"].processor_s for t in rounds])
    for taken in rounds:
        ours, plain, differ = compared(step, taken["ours"], taken["plain"])
        result.undecided = max(result.undecided, differ)
        result.difference = max(result.difference, float(np.abs(ours - plain).max()))
        result.highest = max(result.highest, float(plain.max()))
    return result


def compared(step: Step, ours: Taken, plain: Taken) -> tuple[Map, Map, int]:
    """Both maps [V] ready to be compared, and how many patches only one side kept because of rounding.

    Where scores lie so close at the cut that float32 orders them either way, one side may keep a patch that the other
    drops. Such patches are left out of both maps, whose other values then sum to 1 again. Raises PeerError for maps of
    different pictures.
    """
    one, other = np.array(ours.map), np.array(plain.map)
    if one.shape != other.shape:
        raise PeerError(f"{step}: maps of {one.size} and {other.size} patches")
    loose = np.zeros(one.shape, np.bool_)
    loose[list({*ours.undecided, *plain.undecided})] = True
    loose &= (one > 0) != (other > 0)
    if loose.any():
        one, other = (np.where(loose, 0.0, values / values[~loose].sum()) for values in (one, other))
    return one, other, int(loose.sum())


def _check_same(what: str, result: StepResult) -> None:
    limit = min(SAME, SHARE * result.highest)
    if not result.difference <= limit:
        raise PeerError(f"{what}: the attention of both sides differs by {result.difference:.1e}, over {limit:.1e}")
