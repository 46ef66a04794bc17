"""Recorded runs as the traces window lists and shows them. No Qt; reads of disk, so not for the window's thread."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from PIL import Image

from reticle_agent.trace import TraceReader
from reticle_agent.trace.fields import to_norm
from reticle_agent.trace.reader import Event, StepEvents
from reticle_agent.trace.recall import read_frame, recall_step
from reticle_agent.trace.review import Review, read_review
from reticle_agent.trace.words import act_words, duration, step_status, step_title
from reticle_grounding.errors import BadInput, ReticleError
from reticle_grounding.geometry import Point, Size
from reticle_grounding.types import Grounding

THUMBNAIL = (144, 90)
DELETED = ".deleted"
"""Where deleted runs wait, beside the others, until the application ends; a listing does not see them."""


@dataclass(frozen=True, slots=True)
class TraceEntry:
    """One recorded run in the list."""

    folder: Path
    task: str
    status: str
    when: str
    """When it began, in words of this machine's time zone."""
    order: str
    """Sorts by time."""
    steps: int
    words: str
    """Everything that a search looks in, lower case."""
    thumbnail: Image.Image | None
    problem: str = ""
    """Why it cannot be shown; empty when it can."""


@dataclass(frozen=True, slots=True)
class RunStep:
    """One step of a run; the pictures are read when they are asked for."""

    number: int
    title: str
    status: str
    """In words."""
    at_ms: float
    """When it began, since the run began."""
    span: str
    instruction: str
    done: str
    """What was sent, in words."""


@dataclass(frozen=True, slots=True)
class StepPictures:
    """What a step looked like."""

    before: Image.Image | None
    after: Image.Image | None
    grounding: Grounding | None
    """On ``before``."""
    chosen: int | None
    """Index into the candidates."""
    point: Point | None
    """Where the input went, capture pixels."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run that is open."""

    trace: TraceReader
    steps: tuple[RunStep, ...]
    review: Review

    @property
    def folder(self) -> Path:
        return self.trace.folder


def list_traces(parent: Path) -> list[TraceEntry]:
    """All traces right below a folder, newest first; broken ones say what is wrong. An absent folder holds none."""
    if not parent.is_dir():
        return []
    folders = [path for path in parent.iterdir() if (path / "manifest.json").is_file()]
    return sorted((entry_of(folder) for folder in folders), key=lambda e: e.order, reverse=True)


def entry_of(folder: Path) -> TraceEntry:
    """One row of the list; never raises for a broken trace."""
    try:
        trace = TraceReader.open(folder)
    except ReticleError as error:
        words = folder.name.lower()
        return TraceEntry(folder, folder.name, "damaged", "", "", 0, words, None, str(error))
    began = str(trace.manifest.get("created") or (trace.events[0].t if trace.events else ""))
    said = [e.text("instruction") for e in trace.events if e.type in ("plan", "ground")]
    words = " ".join([trace.task, trace.status, folder.name, *dict.fromkeys(said)]).lower()
    count = len(trace.steps())
    return TraceEntry(folder, trace.task, trace.status, _when(began), began, count, words, _thumbnail(trace))


def matching(entries: Sequence[TraceEntry], wanted: str) -> list[TraceEntry]:
    """Entries that hold every word that is searched for."""
    parts = wanted.lower().split()
    return [entry for entry in entries if all(part in entry.words for part in parts)]


def open_run(folder: Path) -> RecordedRun:
    """Raises BadInput for a broken trace or review."""
    trace = TraceReader.open(folder)
    return RecordedRun(trace, tuple(_step(step) for step in trace.steps()), read_review(folder))


def pictures_of(run: RecordedRun, number: int) -> StepPictures:
    """Pictures and answer of one step. Raises BadInput when the run has no such step."""
    step = next((s for s in run.trace.steps() if s.number == number), None)
    if step is None:
        raise BadInput(f"the run has no step {number}")
    recalled = list(recall_step(run.trace, step))
    act, check, seen = step.last("act"), step.last("check"), step.last("observe")
    grounding = recalled[-1].grounding if recalled else None
    before = recalled[-1].frame if recalled else read_frame(run.trace, seen.text("frame") if seen else "")
    after = read_frame(run.trace, check.text("frame_after")) if check else None
    return StepPictures(before, after, grounding, _chosen(step, grounding), _point(act, before))


def delete_trace(folder: Path) -> Path:
    """Puts a recorded run into the folder of deleted ones beside it; returns where it is now.

    Raises BadInput for a folder that holds none, ReticleError when it fails.
    """
    if not (folder / "manifest.json").is_file() or not (folder / "events.jsonl").is_file():
        raise BadInput(f"{folder} holds no recorded run; it is not deleted")
    bin_ = folder.parent / DELETED
    try:
        bin_.mkdir(exist_ok=True)
        place = next(p for n in range(1, 10_000) if not (p := bin_ / f"{n}-{folder.name}").exists())
        folder.rename(place)
    except OSError as error:
        raise ReticleError(f"cannot delete {folder}: {error.strerror or error}") from error
    return place


def restore_trace(deleted: Path, folder: Path) -> None:
    """Takes a deletion back. Raises ReticleError when it fails, also where the folder's name is taken by now."""
    if folder.exists():
        raise ReticleError(f"cannot bring back {folder}: there is another one of that name")
    try:
        deleted.rename(folder)
    except OSError as error:
        raise ReticleError(f"cannot bring back {folder}: {error.strerror or error}") from error


def empty_deleted(parent: Path) -> None:
    """Deletes for good what was deleted beside the runs of ``parent``. Raises ReticleError when it fails."""
    bin_ = parent / DELETED
    try:
        if bin_.is_dir() and not bin_.is_symlink():
            shutil.rmtree(bin_)
    except OSError as error:
        raise ReticleError(f"cannot delete {bin_}: {error.strerror or error}") from error


def _step(step: StepEvents) -> RunStep:
    act, ground = step.last("act"), step.last("ground")
    plan = step.last("plan")
    first, last = step.events[0].mono_ms, step.events[-1].mono_ms
    words = ground.text("instruction") if ground else plan.text("instruction") if plan else ""
    done = act_words(act) if act else ""
    return RunStep(step.number, step_title(step), step_status(step), first, duration(last - first), words, done)


def _chosen(step: StepEvents, grounding: Grounding | None) -> int | None:
    choose = step.last("choose")
    if grounding is None or choose is None:
        return None
    ranks = {f"c{c.rank}": i for i, c in enumerate(grounding.candidates)}
    return ranks.get(choose.text("candidate_id"))


def _point(act: Event | None, before: Image.Image | None) -> Point | None:
    if act is None or before is None:
        return None
    point = act.object("end_point") or act.object("point")
    norm = point.get("norm")
    numbers = [float(v) for v in norm if isinstance(v, int | float)] if isinstance(norm, list) else []
    return to_norm(Size(*before.size)).inverse().point(Point(*numbers)) if len(numbers) == 2 else None


def _thumbnail(trace: TraceReader) -> Image.Image | None:
    first = next((e.text("frame") for e in trace.events if e.type in ("observe", "ground") and e.text("frame")), "")
    frame = read_frame(trace, first)
    if frame is not None:
        frame.thumbnail(THUMBNAIL)
    return frame


def _when(began: str) -> str:
    try:
        return datetime.fromisoformat(began.replace("Z", "+00:00")).astimezone().strftime("%d %b %Y, %H:%M")
    except ValueError:
        return began
