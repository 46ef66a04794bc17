"""The steps of a person's own runs that a head may learn from: the same labels as the training formats take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from reticle_agent.trace.reader import MANIFEST
from reticle_grounding.errors import BadInput

from .record import Run, StepRecord, read_run
from .targets import Target


@dataclass(frozen=True, slots=True)
class OwnStep:
    """One labelled place."""

    trace: Path
    number: int
    target: Target
    group: str
    """Runs of one task, and runs that continue or repeat one another, are one group."""


@dataclass(slots=True)
class OwnSteps:
    """Labelled steps by picture, in the order of the traces."""

    steps: list[OwnStep] = field(default_factory=list)
    traces: int = 0
    left_out: list[str] = field(default_factory=list)
    _runs: dict[Path, Run] = field(default_factory=dict)

    def pictures(self) -> Iterator[tuple[Image.Image, list[OwnStep]]]:
        """Each picture once, with the steps asked on it."""
        found: dict[tuple[str, str], list[OwnStep]] = {}
        for step in self.steps:
            found.setdefault((str(step.trace), step.target.frame), []).append(step)
        for members in found.values():
            first = members[0]
            yield self._runs[first.trace].frames.image(first.target.frame), members

    @classmethod
    def read(cls, folder: Path) -> OwnSteps:
        """Every trace that is ``folder`` or lies directly in it; those that cannot be read are left out and said.

        Raises BadInput when there is none.
        """
        made = cls()
        runs: list[Run] = []
        for place in trace_folders(folder):
            try:
                runs.append(read_run(place))
            except BadInput as error:
                made.left_out.append(str(error))
        if not runs:
            raise BadInput("; ".join([f"no readable trace in {folder}", *made.left_out]))
        groups = _groups(runs)
        for run in runs:
            made.traces += 1
            made._runs[run.trace.folder] = run
            for step in run.steps:
                made._add(run, step, groups[run.id])
        return made

    def _add(self, run: Run, step: StepRecord, group: str) -> None:
        where = f"{run.trace.folder.name} step {step.number}"
        if step.acted and not step.labels:
            self.left_out.append(f"{where}: its place was neither chosen by a person nor confirmed by its effect")
        for target in step.labels:
            if not target.words:
                self.left_out.append(f"{where}: the place has no words")
                continue
            self.steps.append(OwnStep(run.trace.folder, step.number, target, group))


def trace_folders(folder: Path) -> list[Path]:
    """The traces that ``folder`` is or holds, by name. Raises BadInput when there is no such folder or no trace."""
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder; pass one that holds recorded runs")
    if (folder / MANIFEST).is_file():
        return [folder]
    found = sorted(place for place in folder.iterdir() if (place / MANIFEST).is_file())
    if not found:
        raise BadInput(f"no trace in {folder}: neither it nor a folder in it holds {MANIFEST}")
    return found


def _groups(runs: Sequence[Run]) -> dict[str, str]:
    """Trace id -> group. Runs with the same words, and runs joined by ``parent_id``, stay together."""
    above: dict[str, str] = {}

    def root(name: str) -> str:
        while above.get(name, name) != name:
            name = above[name]
        return name

    for run in runs:
        task = run.trace.manifest["task"]
        parent = task.get("parent_id") if isinstance(task, dict) else None
        words = " ".join(run.trace.task.casefold().split())
        for other in ([f"task {words}"] if words else []) + ([f"run {parent}"] if parent else []):
            above[root(f"run {run.id}")] = root(other)
    return {run.id: root(f"run {run.id}") for run in runs}
