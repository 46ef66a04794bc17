"""What the buttons of the traces window mean. Disk and model are asked off the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar, cast

from PIL import Image
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from reticle_agent.trace.export import Exported, export_trace
from reticle_agent.trace.fields import to_norm
from reticle_agent.trace.review import Review, StepReview, Verdict, read_review, write_review
from reticle_app.background import Background, MainThread
from reticle_app.history import Change, History
from reticle_app.library import (
    RecordedRun,
    StepPictures,
    TraceEntry,
    delete_trace,
    empty_deleted,
    entry_of,
    list_traces,
    open_run,
    pictures_of,
    restore_trace,
)
from reticle_app.remote import RemoteGrounder, RemoteObservation
from reticle_app.translations import tr
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
        self.history = History(self._tell_history)
        self._bins = {parent_folder}
        """Folders whose deleted runs go for good in the end; what an earlier session left in the first goes now."""
        self._connect()
        self._tell_history()
        self._do(self._disk, lambda: empty_deleted(parent_folder), lambda _: None)
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
                    self._window.banner.tell("info", tr("The end of this run was cut off"), self._run.trace.torn)
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
        words = tr("mark a step") if verdict is not None else tr("take a mark back")
        self._review(lambda review, step: review.judged(step, cast("Verdict | None", verdict)), words)

    def correct(self, region: Rect | None) -> None:
        """The true region of the shown step, capture pixels."""
        pictures = self._pictures
        if pictures is None or pictures.before is None:
            return
        norm = None if region is None else to_norm(Size(*pictures.before.size)).rect(region)
        words = tr("correct a region") if region is not None else tr("take a correction back")
        self._review(lambda review, step: review.corrected(step, norm), words)

    def _review(self, change: Callable[[Review, int], Review], words: str) -> None:
        """Changes what is said of the shown step, so that it can be taken back."""
        run = self._run
        if run is None or not run.steps:
            return
        step, folder = run.steps[self._window.step].number, run.folder

        def work() -> tuple[StepReview, Review]:
            before = read_review(folder)
            after = change(before, step)
            write_review(folder, after)
            return before.of(step), after

        def then(found: tuple[StepReview, Review]) -> None:
            before, review = found
            after = review.of(step)
            self._take_review(folder, review)
            if after != before:
                back, again = lambda: self._say(folder, step, before), lambda: self._say(folder, step, after)
                self.history.add(Change(words, back, again))

        self._do(self._disk, work, then, self._review_failed)

    def _say(self, folder: Path, step: int, said: StepReview) -> None:
        """What is said of a step becomes this; the step is shown where its run is."""

        def work() -> Review:
            review = read_review(folder).judged(step, said.verdict).corrected(step, said.region)
            write_review(folder, review)
            return review

        def then(review: Review) -> None:
            run = self._run
            if run is not None and run.folder == folder:
                numbers = [one.number for one in run.steps]
                self._take_review(folder, review)
                if step in numbers:
                    self._window.line.setValue(numbers.index(step))

        self._do(self._disk, work, then, self._review_failed)

    def _take_review(self, folder: Path, review: Review) -> None:
        run = self._run
        if run is not None and run.folder == folder:
            self._run = RecordedRun(run.trace, run.steps, review)
            self._show_review()

    def _review_failed(self, error: ReticleError) -> None:
        self._show_review()
        self._complain(error)

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
            name = tr("Step {number} of “{task}”").format(number=self._window.step + 1, task=entry.task)
            self.inspect_asked.emit(pictures.before, name, step.instruction, pictures.grounding)

    # --- files ---

    def delete(self, folder: Path) -> None:
        """Puts a run away until the application ends; undoing brings it back."""
        entry = self._entry
        task = entry.task if entry is not None and entry.folder == folder else folder.name
        places: list[Path] = []

        def gone(place: Path) -> None:
            places.append(place)
            self._bins.add(folder.parent)
            if self._run is None or self._run.folder == folder:
                self._run, self._entry, self._pictures = None, None, None
                self._next()
                self._window.show_run(None, ())
            self._window.show_deleted(task, folder)
            self.refresh()

        def again() -> None:
            self._do(self._disk, lambda: delete_trace(folder), gone)

        def back() -> None:
            def there(_: None) -> None:
                self._window.banner.hide()
                self.refresh()
                self.open(folder)

            self._do(self._disk, lambda: restore_trace(places[-1], folder), there)

        def first(place: Path) -> None:
            gone(place)
            self.history.add(Change(tr("delete “{task}”").format(task=task), back, again))

        self._do(self._disk, lambda: delete_trace(folder), first)

    def _tell_history(self) -> None:
        undo, redo = self.history.next_undo, self.history.next_redo
        self._window.show_history(undo.words if undo else "", redo.words if redo else "")

    def export(self, folder: Path, to: str, out: Path) -> None:
        def then(done: Exported) -> None:
            left = "; " + tr("left out: {what}").format(what="; ".join(done.left_out)) if done.left_out else ""
            title = tr("Exported {count} {items}").format(count=done.count, items=tr(done.items))
            self._window.banner.tell("good", title, f"{done.path}{left}")

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
        self._window.banner.tell(kind, tr("That did not work"), text[:1].upper() + text[1:])  # type: ignore[arg-type]

    def _connect(self) -> None:
        window = self._window
        window.opened.connect(self.open)
        window.step_wanted.connect(self.show_step)
        window.judged.connect(self.judge)
        window.corrected.connect(self.correct)
        window.asked.connect(self.ask)
        window.inspect_asked.connect(self.inspect)
        window.delete_asked.connect(self.delete)
        window.undo_asked.connect(self.history.undo)
        window.redo_asked.connect(self.history.redo)
        window.export_chosen.connect(self.export)
        window.refresh_asked.connect(self.refresh)

    def close(self) -> None:
        """Drops what is under way; the model process must be closed or cancelled before."""
        self._closed = True
        self._held = None
        self._disk.close()
        self._model.close()
        for parent in self._bins:
            with suppress(ReticleError):
                empty_deleted(parent)


def _shown(image: Image.Image | None) -> QImage | None:
    return None if image is None else to_qimage(image)
