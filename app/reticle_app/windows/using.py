"""Which model the application uses, and how fast it is here: what a models window does with the model itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PIL import Image
from PySide6.QtCore import QObject, Signal

from reticle_agent.seams import Observation
from reticle_app.background import Background, MainThread
from reticle_app.benchmarking import Benchmarks, Stage, keep_benchmark, measure
from reticle_app.models.entries import ModelEntry
from reticle_app.resources import sample_picture
from reticle_app.translations import tr
from reticle_app.widgets.banner import Banner
from reticle_grounding.errors import Cancelled, ReticleError
from reticle_grounding.number_types import NumberType

from .model_words import model_title


class ModelInUse(Protocol):
    """The model process of the application."""

    @property
    def name(self) -> str: ...

    @property
    def model_dir(self) -> str: ...

    @property
    def numbers(self) -> NumberType | None: ...

    @property
    def opened_in(self) -> NumberType | None: ...

    def compute_in(self, numbers: NumberType | None) -> None: ...

    def start(self) -> str: ...

    def observe(self, image: Image.Image) -> Observation: ...

    def cancel(self) -> None: ...


class Switch(Protocol):
    """Opens another model in the application (``Controller.use_model``)."""

    def __call__(self, model: str, then: Callable[[], None], failed: Callable[[ReticleError], None]) -> None: ...


class Using(QObject):
    """Lives on the window's thread.

    Args:
        grounder: the model process; also what is measured.
        switch: opens another model.
        occupied: why the model cannot be switched or measured now; empty when it can.
        data: folder that results are kept in.
        banner: says what went wrong, or right.
    """

    changed = Signal()
    """What is to be shown of the model in use is another."""
    used = Signal(object)
    """The entry of the model that is in use from now on."""
    measured = Signal(object)
    """All kept results, with a new one."""
    numbers_failed = Signal(object)
    """The model in use could not be opened in another number type; it is back in this one."""

    def __init__(
        self,
        grounder: ModelInUse,
        main: MainThread,
        data: Path,
        switch: Switch,
        occupied: Callable[[], str],
        banner: Banner,
    ) -> None:
        super().__init__()
        self._grounder, self._main, self._data = grounder, main, data
        self._switch, self._occupied, self._banner = switch, occupied, banner
        self._clock = Background(main, "benchmark")
        self._stop = threading.Event()
        self.stage: Stage | None = None
        """How far the benchmark is; None while nothing is measured."""
        self.switching = ""
        """Key of the entry that is being opened."""

    @property
    def model_dir(self) -> str:
        """Folder of the model in use, empty for the one that ships."""
        return self._grounder.model_dir

    @property
    def numbers(self) -> NumberType | None:
        """The number type of the next opening."""
        return self._grounder.numbers

    @property
    def opened_in(self) -> NumberType | None:
        """The number type the model in use was opened in."""
        return self._grounder.opened_in

    @property
    def free(self) -> bool:
        """Whether the model may be switched or measured, as far as this window knows."""
        return self.stage is None and not self.switching

    def use(self, entry: ModelEntry) -> None:
        """Opens a model in place of the one in use; when that fails, the former one comes back as it was.

        The one in use is opened once more, which takes it into another number type.
        """
        if self._refused():
            return
        grounder, former = self._grounder, self._grounder.model_dir
        wanted, before = grounder.numbers, grounder.opened_in
        again = entry.model == former
        self.switching = entry.key
        self._banner.hide()
        self.changed.emit()

        def end() -> None:
            self.switching = ""
            self.changed.emit()

        def then() -> None:
            end()
            title = tr("{name} is in use").format(name=model_title(entry))
            self._banner.tell("good", title, tr("It stays so at the next start."))
            self.used.emit(entry)

        def failed(error: ReticleError) -> None:
            title = tr("{name} cannot be used; the former model is opened again").format(name=model_title(entry))
            if again:
                title = tr("It cannot be opened in these numbers; it is opened as before")
            self._banner.tell("bad", title, sentence(error))
            grounder.compute_in(before)
            self._switch(former, back, lost)

        def back() -> None:
            if again:
                self.numbers_failed.emit(before)
            else:
                grounder.compute_in(wanted)  # as the settings say, for the next opening
            end()

        def lost(error: ReticleError) -> None:
            end()
            self._banner.tell("bad", tr("Neither that model nor the former one could be opened"), sentence(error))

        self._switch(entry.model, then, failed)

    def measure(self) -> None:
        """Runs the benchmark with the model in use."""
        if self._refused():
            return
        model, numbers, stop = self._grounder.model_dir, self._grounder.opened_in, threading.Event()
        self._stop, self.stage = stop, Stage(0, 1, tr("Starting"))

        def tell(stage: Stage) -> None:
            if stop.is_set():
                raise Cancelled("the measurement was cancelled")
            self._main.post(lambda: self._staged(stage))

        def work() -> Benchmarks:
            timed = measure(self._grounder, model, sample_picture(), tell, numbers)
            return keep_benchmark(self._data, timed)

        def then(kept: Benchmarks) -> None:
            self.stage = None
            self.measured.emit(kept)
            self.changed.emit()

        def failed(error: ReticleError) -> None:
            self.stage = None
            if not isinstance(error, Cancelled):
                self._banner.tell("bad", tr("The speed could not be measured"), sentence(error))
            self.changed.emit()

        self._banner.hide()
        self.changed.emit()
        self._clock.submit(work, then, failed)

    def _staged(self, stage: Stage) -> None:
        if self.stage is not None and not self._stop.is_set():
            self.stage = stage
            self.changed.emit()

    def cancel(self) -> None:
        """The wait ends at once; the model finishes the answer it is at, and that is dropped."""
        if self.stage is not None:
            self._stop.set()
            self._grounder.cancel()

    def _refused(self) -> bool:
        if self.stage is not None:
            why = tr("It is being measured.")
        else:
            why = tr("Another one is opening.") if self.switching else self._occupied()
        if why:
            self._banner.tell("info", tr("The model is busy"), why)
        return bool(why)

    def close(self) -> None:
        """The model process must be closed before, so that nobody waits for it."""
        self._stop.set()
        self._clock.close()


def sentence(error: Exception) -> str:
    """An error with a capital letter, but for an address."""
    text = str(error)
    return text if text.startswith("http") else text[:1].upper() + text[1:]
