"""The Python interface: point at things, act behind approvals, read what was recorded. Servers stand on it, too.

    from reticle_app.api import Reticle

    with Reticle.open() as reticle:
        answer = reticle.ground("screenshot.png", "the Save button")
        result = reticle.act("click 'Save'", approver=my_approver)
        record = reticle.trace(result.trace)

The model runs in a process of its own, which is started on first use; its death is an error, not a crash.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeAlias

from PIL import Image

from reticle_agent.seams import Approver
from reticle_agent.stop import StopToken, Trigger
from reticle_grounding.errors import BadInput, Cancelled, ReticleError
from reticle_grounding.images import MAX_PIXELS, as_rgb, decode_image, load_image
from reticle_grounding.types import Grounding

from .config import Mode, Settings, load_settings
from .own_heads import head_file
from .past import PastOptions
from .remote import WORKER, ModelEndedError, RemoteGrounder, RemoteObservation, RemotePast, worker_arguments
from .task import TaskOptions, TaskResult, run_on_desktop
from .turns import BusyError, TookTooLongError, Turns

if TYPE_CHECKING:
    from reticle_agent.trace import TraceReader

__all__ = ["ActingError", "BusyError", "Recorded", "Reticle", "TookTooLongError"]

Picture: TypeAlias = Image.Image | bytes | Path | str
"""A picture, the bytes of a PNG, JPEG or WebP file, or the path of any picture file."""
MAX_TOP_K = 20


class ActingError(BusyError):
    """A run is in progress on this desktop; a second one is refused."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recorded run, as a list shows it."""

    name: str
    """Of its folder."""
    created: str
    """UTC, ISO 8601."""
    task: str
    status: str


class Reticle:
    """One model and the desktop at hand. Thread-safe: groundings take turns, and at most one run acts at a time."""

    def __init__(
        self,
        grounder: RemoteGrounder,
        settings: Settings | None = None,
        *,
        max_waiting: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        """``max_waiting`` groundings may wait for their turn (None: any number); ``max_pixels`` of bytes."""
        self.settings = settings or Settings()
        self._grounder = grounder
        self._max_pixels = max_pixels
        self._turns = Turns(max_waiting)
        self._seen: tuple[str, RemoteObservation] | None = None
        self._acting = threading.Lock()
        self._token: StopToken | None = None

    @classmethod
    def open(
        cls,
        model: Path | str | None = None,
        settings: Settings | None = None,
        *,
        max_waiting: int | None = None,
        max_pixels: int = MAX_PIXELS,
    ) -> Reticle:
        """With the user's settings, and the model of a folder or a name; None is the one of the settings.

        Raises BadInput for unreadable settings and CheckpointError for a model that is not there.
        """
        from .models.choice import chosen_model

        settings = settings or load_settings()
        folder = chosen_model(None if model is None else Path(model), settings)
        worker = (*WORKER, *worker_arguments(None, head_file(None, settings)))
        grounder = RemoteGrounder("" if folder is None else str(folder), worker, numbers=settings.dtype)
        return cls(grounder, settings, max_waiting=max_waiting, max_pixels=max_pixels)

    def __enter__(self) -> Reticle:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stops what runs and ends the model's process."""
        self.stop("button", "Reticle was closed")
        self._seen = None
        self._grounder.close()

    def ground(
        self, picture: Picture, instruction: str, *, top_k: int = 5, timeout_s: float | None = None
    ) -> Grounding:
        """Where the words are on the picture; coordinates are pixels of the picture.

        The picture asked about last is remembered, so further instructions on it are cheap. ``timeout_s`` is for
        waiting and work together. Raises BadInput for a picture or words that cannot be used, BusyError when no turn
        came, TookTooLongError when the work did not end in time, and ReticleError when the model's process dies.
        """
        from reticle_grounding.predictor import check_instruction

        check_instruction(instruction)
        if not 1 <= top_k <= MAX_TOP_K:
            raise BadInput(f"top_k is from 1 to {MAX_TOP_K}, not {top_k}")
        until = None if timeout_s is None else time.monotonic() + timeout_s
        with self._turns.turn(timeout_s), self._at_most(None if until is None else until - time.monotonic()):
            return self._observation(picture).ground(instruction, top_k)

    def act(
        self,
        task: str,
        *,
        approver: Approver | None = None,
        mode: Mode = "confirm",
        application: str | None = None,
        trace: Path | None = None,
        max_steps: int | None = None,
        max_seconds: float | None = None,
        history: int | None = None,
        token: StopToken | None = None,
        tell: Callable[[str], None] = lambda line: None,
    ) -> TaskResult:
        """Carries out a task in the words of the rule planner on the display at hand, and records it.

        ``history``: screenshots of the run that the model remembers beside the newest; None is what the settings say.
        The rules are those of `reticle run`: without an approver everything that must be asked about is refused.
        Raises BadInput for a task that is not understood, ActingError while another run is in progress, and
        ReticleError for a machine that cannot do it.
        """
        if not self._acting.acquire(blocking=False):
            raise ActingError("a run is in progress; stop it, or try again when it has ended")
        stop = self._token = token or StopToken()
        shared = _Shared(self._grounder, self._turns, stop)
        stop.on_stop(shared.let_go)
        try:
            options = TaskOptions.of(self.settings, task, mode, trace)
            options = replace(
                options,
                max_steps=max_steps or options.max_steps,
                max_seconds=max_seconds or options.max_seconds,
                past=options.past if history is None else _past(history, self.settings),
            )
            return run_on_desktop(options, approver, shared.open, application=application, token=stop, tell=tell)
        finally:
            self._token = None
            self._acting.release()

    def stop(self, trigger: Trigger = "button", message: str = "stopped by a program") -> bool:
        """Stops the run in progress and releases keys and buttons; False when there is none."""
        token = self._token
        return token is not None and token.stop(trigger, message)

    def trace(self, folder: Path | str) -> TraceReader:
        """A recorded run: a folder, or the name of one of :meth:`traces`. Raises BadInput."""
        from reticle_agent.trace import TraceReader

        return TraceReader.open(self.trace_folder(folder) if isinstance(folder, str) else folder)

    def trace_folder(self, name: str) -> Path:
        """The folder of a recorded run by name alone. Raises BadInput for a name that leads elsewhere or to nothing."""
        root = self.settings.traces
        folder = root / name
        if not name or Path(name).name != name or name.startswith(".") or "\0" in name or not name.isprintable():
            raise BadInput(f"{name!r} is no name of a trace; names are those that the list of traces shows")
        if len(name) > 200 or not folder.is_dir() or folder.resolve().parent != root.resolve():
            raise BadInput(f"there is no trace {name!r}; the list of traces shows those there are")
        return folder

    def traces(self, limit: int = 50) -> list[Recorded]:
        """The runs recorded in the usual place, newest first; what cannot be read is left out."""
        from reticle_agent.trace.reader import read_manifest

        root = self.settings.traces
        found: list[Recorded] = []
        names = [entry.name for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []
        for name in sorted(names, reverse=True):
            try:
                manifest = read_manifest(self.trace_folder(name))
            except ReticleError:
                continue
            task, result = manifest["task"], manifest.get("result")
            status = str(result["status"]) if isinstance(result, dict) else "unfinished"
            words = str(task["text"]) if isinstance(task, dict) else ""
            found.append(Recorded(name, str(manifest["created"]), words, status))
        return sorted(found, key=lambda run: run.created, reverse=True)[:limit]

    def _observation(self, picture: Picture) -> RemoteObservation:
        """The picture as the model's process holds it; called with the turn."""
        image: Image.Image
        if isinstance(picture, bytes):
            image = decode_image(picture, self._max_pixels)
        else:
            image = as_rgb(picture) if isinstance(picture, Image.Image) else load_image(picture)
        digest = hashlib.sha256(image.tobytes()).hexdigest() + f"-{image.width}x{image.height}"
        if self._seen is None or self._seen[0] != digest:
            self._seen = None
            self._seen = (digest, self._grounder.observe(image))
        return self._seen[1]

    @contextmanager
    def _at_most(self, seconds: float | None) -> Iterator[None]:
        """Ends the model's process, and with it the waiting, when the time is over."""
        overdue = threading.Event()

        def give_up() -> None:
            overdue.set()
            self._grounder.end()

        timer = None if seconds is None else threading.Timer(max(0.0, seconds), give_up)
        if timer is not None:
            timer.daemon = True
            timer.start()
        try:
            yield
        except Cancelled:
            if overdue.is_set():
                raise TookTooLongError("the answer took too long and was given up; allow more time") from None
            raise
        except ModelEndedError:
            self._grounder.end()  # the next one starts a fresh process
            raise
        finally:
            if timer is not None:
                timer.cancel()
                timer.join()  # the next one must not lose its fresh process to this timer


def _past(history: int, settings: Settings) -> PastOptions | None:
    return PastOptions(history, settings.history_mb) if history else None


class _Shared:
    """The model as a run sees it: every use waits for its turn, and a stop ends the waiting."""

    def __init__(self, inner: RemoteGrounder, turns: Turns, token: StopToken) -> None:
        self._inner, self._turns, self._token = inner, turns, token
        self._holds = threading.Event()

    @property
    def name(self) -> str:
        return self._inner.name

    def open(self) -> _Shared:
        with self.turn():
            self._inner.start()
        return self

    def observe(self, image: Image.Image) -> _SharedObservation:
        with self.turn():
            return _SharedObservation(self, self._inner.observe(image))

    def remembering(self, options: PastOptions, folder: Path | None) -> _SharedPast:
        with self.turn():
            return _SharedPast(self, self._inner.remembering(options, folder))

    @contextmanager
    def turn(self) -> Iterator[None]:
        with self._turns.turn(stopped=lambda: self._token.stopped):
            self._holds.set()
            try:
                self._token.check()
                yield
            except ModelEndedError:
                self._inner.end()  # the next one starts a fresh process
                raise
            finally:
                self._holds.clear()

    def let_go(self) -> tuple[str, ...]:
        """Others' questions go on; only what the run itself waits for is given up."""
        if self._holds.is_set():
            self._inner.cancel()
        return ()


class _SharedPast:
    """A run's own history in the shared model; others' questions are asked without it."""

    def __init__(self, owner: _Shared, inner: RemotePast) -> None:
        self._owner, self._inner = owner, inner

    @property
    def name(self) -> str:
        return self._inner.name

    def observe(self, image: Image.Image) -> _SharedObservation:
        with self._owner.turn():
            return _SharedObservation(self._owner, self._inner.observe(image))

    def end_past(self, folder: Path) -> bool:
        """Waits for no turn: the run has ended, perhaps by a stop, and the process answers one after the other."""
        return self._inner.end_past(folder)


class _SharedObservation:
    def __init__(self, owner: _Shared, inner: RemoteObservation) -> None:
        self._owner, self._inner = owner, inner

    def ground(self, instruction: str, top_k: int = 5) -> Grounding:
        with self._owner.turn():
            return self._inner.ground(instruction, top_k)
