"""What the buttons of the traces window mean. Disk and model are asked off the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from PIL import Image
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from reticle_agent.trace.export import Exported, export_trace
from reticle_agent.trace.fields import to_norm
from reticle_agent.trace.review import Review, Verdict, read_review, write_review
from reticle_app.background import Background, MainThread
from reticle_app.library import (
    RecordedRun,
    StepPictures,
    TraceEntry,
    delete_trace,
    entry_of,
    list_traces,
    open_run,
    pictures_of,
)
from reticle_app.remote import RemoteGrounder, RemoteObservation
from reticle_app.widgets.canvas import to_qimage
from reticle_grounding.errors import BadInput, Cancelled, ReticleError
from reticle_grounding.geometry import Rect, Size
from reticle_grounding.types import Grounding

from .traces import TracesWindow

T = TypeVar("T")
TOP_K = 9


class Browsing(QObject):
    """Connects one traces window with a folder of runs and the model process. Lives on the window's thread."""

    inspect_asked = Signal(object, str, str, object)
    """Picture, its name, words, and the recorded Grounding or None."""

    def __init__(self, window: TracesWindow, grounder: RemoteGrounder, main: MainThread, parent_folder: Path) -> None:
        super().__init__(window)
        self._window, self._grounder, self._folder = window, grounder, parent_folder
        self._disk, self._model = Background(main, "traces"), Background(main, "what-if")
        self._run: RecordedRun | None = None
        self._entry: TraceEntry | None = None
        self._pictures: StepPictures | None = None
        self._before: QImage | None = None
        self._held: tuple[Image.Image, RemoteObservation] | None = None
        """The last picture asked about; used on the model's thread alone."""
        self._ticket = 0
        """Number of the newest wish; answers to older ones are dropped."""
        self._waiting = 0
        self._closed = False
        self._connect()
        self.refresh()

    @property
    def run(self) -> RecordedRun | None:
        return self._run

    @property
    def busy(self) -> bool:
        return self._waiting > 0

    def refresh(self) -> None:
        """Reads the folder of runs again."""
        self._do(self._disk, lambda: list_traces(self._folder), self._window.show_entries)

    def open(self, folder: Path) -> None:
        """Shows a run from the list or from anywhere."""
        ticket = self._next()

        def read() -> tuple[TraceEntry, RecordedRun]:
            return entry_of(folder), open_run(folder)

        def then(found: tuple[TraceEntry, RecordedRun]) -> None:
            if ticket == self._ticket:
                self._entry, self._run = found
                self._window.show_run(self._entry, self._run.steps)
                if self._run.trace.torn:
                    self._window.banner.tell("info", "The end of this run was cut off", self._run.trace.torn)
                self.show_step(0)

        def failed(error: ReticleError) -> None:
            if ticket == self._ticket:
                self._run, self._entry = None, None
                self._window.show_run(None, ())
                self._complain(error)

        self._do(self._disk, read, then, failed)

    def show_step(self, index: int) -> None:
        """Reads and shows the pictures of a step; only the newest wish is shown while the time line is scrubbed."""
        run = self._run
        if run is None or not 0 <= index < len(run.steps):
            self._pictures, self._before = None, None
            self._window.show_pictures(None, None, None, None)
            return
        ticket, number = self._next(), run.steps[index].number

        def read() -> tuple[StepPictures, QImage | None, QImage | None]:
            if ticket != self._ticket:
                raise Cancelled("another step is wanted by now")
            found = pictures_of(run, number)
            return found, _shown(found.before), _shown(found.after)

        def then(found: tuple[StepPictures, QImage | None, QImage | None]) -> None:
            if ticket == self._ticket:
                self._pictures, self._before = found[0], found[1]
                self._window.show_pictures(found[1], found[2], found[0].grounding, found[0].chosen)
                point = found[0].point
                self._window.before.set_trail([point] if point is not None and found[0].chosen is None else [])
                self._show_review()

        self._do(self._disk, read, then)

    # --- what a person says of it ---

    def judge(self, verdict: str | None) -> None:
        self._review(lambda review, step: review.judged(step, cast("Verdict | None", verdict)))

    def correct(self, region: Rect | None) -> None:
        """The true region of the shown step, capture pixels."""
        pictures = self._pictures
        if pictures is None or pictures.before is None:
            return
        norm = None if region is None else to_norm(Size(*pictures.before.size)).rect(region)
        self._review(lambda review, step: review.corrected(step, norm))

    def _review(self, change: Callable[[Review, int], Review]) -> None:
        run = self._run
        if run is None or not run.steps:
            return
        step = run.steps[self._window.step].number

        def work() -> Review:
            review = change(read_review(run.folder), step)
            write_review(run.folder, review)
            return review

        def then(review: Review) -> None:
            if self._run is run:
                self._run = RecordedRun(run.trace, run.steps, review)
                self._show_review()

        def failed(error: ReticleError) -> None:
            self._show_review()
            self._complain(error)

        self._do(self._disk, work, then, failed)

    def _show_review(self) -> None:
        run, pictures = self._run, self._pictures
        if run is None or not run.steps:
            return
        said = run.review.of(run.steps[self._window.step].number)
        region = None
        if said.region is not None and pictures is not None and pictures.before is not None:
            region = to_norm(Size(*pictures.before.size)).inverse().rect(said.region)
        self._window.show_review(said, region)

    # --- what if ---

    def ask(self, words: str) -> None:
        """Grounds other words on the shown step's picture; nothing is sent anywhere."""
        pictures, shown = self._pictures, self._before
        if pictures is None or pictures.before is None or shown is None:
            return
        image = pictures.before

        def work() -> Grounding:
            if self._held is None or self._held[0] is not image:
                self._held = (image, self._grounder.observe(image))
            return self._held[1].ground(words, TOP_K)

        def then(grounding: Grounding) -> None:
            if pictures is self._pictures:
                self._window.show_what_if(shown, grounding)

        self._do(self._model, work, then)

    def inspect(self) -> None:
        pictures, run, entry = self._pictures, self._run, self._entry
        if pictures is not None and pictures.before is not None and run is not None and entry is not None:
            step = run.steps[self._window.step]
            name = f"Step {self._window.step + 1} of “{entry.task}”"
            self.inspect_asked.emit(pictures.before, name, step.instruction, pictures.grounding)

    # --- files ---

    def delete(self, folder: Path) -> None:
        def then(_: None) -> None:
            self._run, self._entry, self._pictures = None, None, None
            self._next()
            self._window.show_run(None, ())
            self._window.banner.tell("info", "Deleted", str(folder))
            self.refresh()

        self._do(self._disk, lambda: delete_trace(folder), then)

    def export(self, folder: Path, to: str, out: Path) -> None:
        def then(done: Exported) -> None:
            left = f"; left out: {'; '.join(done.left_out)}" if done.left_out else ""
            self._window.banner.tell("good", f"Exported {done.count} {done.items}", f"{done.path}{left}")

        self._do(self._disk, lambda: export_trace(folder, to, out), then)

    # --- plumbing ---

    def _do(
        self,
        where: Background,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[ReticleError], None] | None = None,
    ) -> None:
        def done(result: T) -> None:
            self._rest()
            then(result)

        def broke(error: ReticleError) -> None:
            self._rest()
            (failed or self._complain)(error)

        self._waiting += 1
        self._window.busy.set_busy(True)
        where.submit(work, done, broke)

    def _rest(self) -> None:
        self._waiting -= 1
        self._window.busy.set_busy(self._waiting > 0)

    def _next(self) -> int:
        self._ticket += 1
        return self._ticket

    def _complain(self, error: ReticleError) -> None:
        if isinstance(error, Cancelled) or self._closed:
            return
        text = str(error)
        kind = "warn" if isinstance(error, BadInput) else "bad"
        self._window.banner.tell(kind, "That did not work", text[:1].upper() + text[1:])  # type: ignore[arg-type]

    def _connect(self) -> None:
        window = self._window
        window.opened.connect(self.open)
        window.step_wanted.connect(self.show_step)
        window.judged.connect(self.judge)
        window.corrected.connect(self.correct)
        window.asked.connect(self.ask)
        window.inspect_asked.connect(self.inspect)
        window.delete_confirmed.connect(self.delete)
        window.export_chosen.connect(self.export)
        window.refresh_asked.connect(self.refresh)

    def close(self) -> None:
        """Drops what is under way; the model process must be closed or cancelled before."""
        self._closed = True
        self._held = None
        self._disk.close()
        self._model.close()


def _shown(image: Image.Image | None) -> QImage | None:
    return None if image is None else to_qimage(image)
