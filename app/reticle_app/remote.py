"""The model process seen from here: a :class:`RemoteGrounder` that any worker thread may call and block on.

One reader thread resolves the answers, so the end of the process is noticed at once, also while nothing is asked.
"""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, InvalidStateError
from pathlib import Path
from typing import BinaryIO, cast

from PIL import Image

from reticle_grounding.errors import BadInput, Cancelled, ReticleError
from reticle_grounding.number_types import NumberType
from reticle_grounding.types import Grounding, ScreenElement

from .past import PastOptions
from .protocol import (
    Header,
    Message,
    Payload,
    Pixels,
    decode_elements,
    decode_error,
    decode_grounding,
    read_message,
    write_message,
)
from .tuning import DEFAULT, Tuning

WORKER = (sys.executable, "-m", "reticle_app.worker")


def worker_arguments(numbers: str | None, head: Path | None) -> tuple[str, ...]:
    """What the command line of the model process says besides: numbers it computes in, file of a head."""
    told = {"numbers": numbers, "head": None if head is None else str(head)}
    return tuple(f"{name}={value}" for name, value in told.items() if value is not None)


def told_to_worker(arguments: Sequence[str]) -> dict[str, str]:
    """The reverse of :func:`worker_arguments`."""
    return {name: value for name, _, value in (argument.partition("=") for argument in arguments)}


CLOSE_S = 2.0


class ModelEndedError(ReticleError):
    """The model process is gone; a restart brings a fresh one."""


class ModelProcess:
    """One running process. Thread-safe; ``on_end`` is called once, from the reader thread, when it ends unasked."""

    def __init__(self, command: Sequence[str], on_end: Callable[[str], None]) -> None:
        self._on_end = on_end
        self._closing = False
        self._pending: dict[int, Future[Message]] = {}
        self._ids = itertools.count(1)
        self._write_lock, self._state_lock = threading.Lock(), threading.Lock()
        self._log: deque[str] = deque(maxlen=40)
        self._ended: str | None = None
        try:
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise ModelEndedError(f"the model process cannot be started: {error}") from error
        self._drain = threading.Thread(target=self._read_log, name="model-log", daemon=True)
        self._drain.start()
        self._reader = threading.Thread(target=self._read, name="model-reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def log(self) -> str:
        """The last lines the process wrote to stderr."""
        return "\n".join(self._log)

    def send(self, header: Header, payload: Payload = b"") -> Future[Message]:
        """Sends a request; the future fails with a ReticleError. Raises ModelEndedError when the process is gone."""
        future: Future[Message] = Future()
        with self._state_lock:
            if self._ended is not None:
                raise ModelEndedError(self._ended)
            number = next(self._ids)
            self._pending[number] = future
        try:
            with self._write_lock:
                write_message(cast(BinaryIO, self._process.stdin), {**header, "id": number}, payload)
        except (OSError, ValueError):
            self._reader.join(CLOSE_S)  # the reader knows how it ended and fails the future
        return future

    def cancel(self) -> None:
        """Whoever waits gets ``Cancelled``; the answers, when they come, are dropped."""
        with self._state_lock:
            waiting, self._pending = self._pending, {}
        for future in waiting.values():
            _fail(future, Cancelled("stopped waiting for the model"))

    def close(self) -> None:
        """Ends the process: first by closing its input, then by force."""
        self._closing = True
        self.cancel()
        if self._write_lock.acquire(timeout=CLOSE_S / 4):
            try:
                cast(BinaryIO, self._process.stdin).close()
            except OSError:
                self._process.kill()
            finally:
                self._write_lock.release()
        try:
            self._process.wait(CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(CLOSE_S)
        self._drain.join(CLOSE_S)

    def _read(self) -> None:
        reason = ""
        stream = cast(BinaryIO, self._process.stdout)
        try:
            while (message := read_message(stream)) is not None:
                self._resolve(message)
        except (ReticleError, OSError) as error:
            reason = f": {error}"
            self._process.kill()
        text = f"the model process ended ({_exit(self._process.wait())}){reason}; restart it"
        with self._state_lock:
            self._ended = text
            waiting, self._pending = self._pending, {}
        for future in waiting.values():
            _fail(future, ModelEndedError(text))
        stream.close()
        if not self._closing:
            self._on_end(text)

    def _resolve(self, message: Message) -> None:
        with self._state_lock:
            future = self._pending.pop(cast(int, message.header.get("id")), None)
        if future is None:
            return
        if "error" in message.header:
            _fail(future, decode_error(message.header["error"]))
            return
        try:
            future.set_result(message)
        except InvalidStateError:
            return

    def _read_log(self) -> None:
        stream = cast(BinaryIO, self._process.stderr)
        for line in stream:
            self._log.append(line.decode(errors="replace").rstrip())
        stream.close()


class RemoteObservation:
    """A screenshot held by the model process; observed again by itself after a restart."""

    def __init__(
        self, owner: RemoteGrounder, image: Image.Image, options: Tuning = DEFAULT, past: bool = False
    ) -> None:
        self._owner, self._image, self._options, self._past = owner, image, options, past
        self._process, self._number = self._hold()

    def _hold(self) -> tuple[ModelProcess, int]:
        process, number = self._owner.upload(self._image, self._options, self._past)
        weakref.finalize(self, self._owner.forget, process, number).atexit = False
        return process, number

    def ground(self, instruction: str, top_k: int = 5) -> Grounding:
        """Blocks until the answer is there. Raises ReticleError; ``Cancelled`` after :meth:`RemoteGrounder.cancel`."""
        answer = self._ask({"op": "ground", "instruction": instruction, "top_k": top_k})
        return decode_grounding(answer.header["ok"], answer.payload)

    def elements(self) -> tuple[ScreenElement, ...]:
        """All that was parsed on the screenshot. Blocks like :meth:`ground`, and raises the same."""
        return decode_elements(self._ask({"op": "elements"}).header["ok"])

    def _ask(self, header: Header) -> Message:
        if self._process is not self._owner.process():
            self._process, self._number = self._hold()
        return self._process.send({**header, "observation": self._number}).result()


class RemoteGrounder:
    """``reticle_agent.seams.Grounder`` over the model process, which is started by :meth:`start` or on first use."""

    def __init__(
        self,
        model_dir: str = "",
        command: Sequence[str] = WORKER,
        on_end: Callable[[str], None] | None = None,
        numbers: NumberType | None = None,
    ) -> None:
        self._model_dir, self._command = model_dir, tuple(command)
        self._numbers = self._opened_in = numbers
        self.on_end: Callable[[str], None] = on_end or (lambda text: None)
        self._lock = threading.RLock()
        self._process: ModelProcess | None = None
        self._name = ""
        self._closed = False
        self._forgotten: deque[tuple[ModelProcess, int]] = deque()

    @property
    def name(self) -> str:
        """Name of the checkpoint; empty before the model is open."""
        return self._name

    @property
    def model_dir(self) -> str:
        """Folder of the model, empty for the embedded one."""
        return self._model_dir

    def use(self, model_dir: str) -> None:
        """Names another model, which the next start or :meth:`restart` opens."""
        self._model_dir = model_dir

    @property
    def numbers(self) -> NumberType | None:
        """The number type of the next opening; None leaves it to the machine."""
        return self._numbers

    @property
    def opened_in(self) -> NumberType | None:
        """The number type that the process in use, or the last one, was asked to compute in."""
        return self._opened_in

    def compute_in(self, numbers: NumberType | None) -> None:
        """Names a number type, which the next start or :meth:`restart` opens the model in."""
        self._numbers = numbers

    @property
    def pid(self) -> int | None:
        process = self._process
        return process.pid if process else None

    @property
    def log(self) -> str:
        process = self._process
        return process.log if process else ""

    def start(self) -> str:
        """Opens the model unless it is open, and returns its name. Blocks while it loads; raises ReticleError."""
        self.process()
        return self._name

    def process(self) -> ModelProcess:
        """The process with the model open in it."""
        with self._lock:
            if self._closed:
                raise ModelEndedError("the model was closed with the application")
            if self._process is None:
                self._opened_in = self._numbers
                command = (*self._command, *worker_arguments(self._opened_in, None))
                process = self._process = ModelProcess(command, self._report)
                try:
                    answer = process.send({"op": "open", "model_dir": self._model_dir}).result()
                except ReticleError:
                    self._process = None
                    process.close()
                    raise
                self._name = str(cast(Header, answer.header["ok"])["name"])
            return self._process

    def observe(self, image: Image.Image, options: Tuning = DEFAULT) -> RemoteObservation:
        """``options`` other than the model's own are for looking into it; each set is kept open beside the others."""
        return RemoteObservation(self, image, options)

    def remembering(self, options: PastOptions, folder: Path | None) -> RemotePast:
        """The same model with a history. Raises BadInput for a model or a folder that does not allow it."""
        return RemotePast(self, options, folder)

    def upload(self, image: Image.Image, options: Tuning = DEFAULT, past: bool = False) -> tuple[ModelProcess, int]:
        """Sends the picture; returns the process that holds it and its number there.

        ``past``: as the next screenshot of the run whose history the process keeps.
        """
        if image.width < 1 or image.height < 1:
            raise BadInput("the picture is empty; capture the screen again")
        process = self.process()
        self._drop_forgotten(process)
        header: Header = {"op": "observe", "width": image.width, "height": image.height, **options.header()}
        if past:
            header["past"] = True
        answer = process.send(header, Pixels(image)).result()
        return process, int(cast(int, cast(Header, answer.header["ok"])["observation"]))

    def forget(self, process: ModelProcess, number: int) -> None:
        """Marks a screenshot to be freed with the next one sent. Runs inside garbage collection: takes no lock."""
        self._forgotten.append((process, number))

    def _drop_forgotten(self, process: ModelProcess) -> None:
        while self._forgotten:
            owner, number = self._forgotten.popleft()
            if owner is process:
                process.send({"op": "drop", "observation": number})

    def ping(self, timeout_s: float = 10.0) -> int:
        """The process id, as told by the process itself. Raises TimeoutError or ModelEndedError."""
        answer = self.process().send({"op": "ping"}).result(timeout_s)
        return int(cast(int, cast(Header, answer.header["ok"])["pid"]))

    def cancel(self) -> None:
        """Whoever waits for an answer gets ``Cancelled`` now; the late answer is dropped."""
        process = self._process
        if process is not None:
            process.cancel()

    def restart(self) -> str:
        """Ends the process, starts a fresh one and returns the model's name."""
        self.end()
        return self.start()

    def close(self) -> None:
        self._closed = True
        self.end()

    def end(self) -> None:
        """Ends the process and whoever waits for it (``Cancelled``); the next use starts a fresh one."""
        process = self._process
        if process is not None:
            process.close()
        with self._lock:
            if self._process is process:
                self._process = None

    def _report(self, text: str) -> None:
        self.on_end(text)


class RemotePast:
    """A model process that looks at each screenshot of a run after those before it."""

    def __init__(self, owner: RemoteGrounder, options: PastOptions, folder: Path | None) -> None:
        self._owner = owner
        header: Header = {"op": "remember", "most": options.most, "budget": options.budget}
        if folder is not None:
            header["folder"] = str(folder.absolute())
        owner.process().send(header).result()

    @property
    def name(self) -> str:
        return self._owner.name

    def observe(self, image: Image.Image) -> RemoteObservation:
        return RemoteObservation(self._owner, image, past=True)

    def end_past(self, folder: Path) -> bool:
        """Saves what is remembered and lets go of it; False when nothing was seen. Raises ReticleError."""
        answer = self._owner.process().send({"op": "end_past", "folder": str(folder.absolute())}).result()
        return bool(cast(Header, answer.header["ok"])["saved"])


def _fail(future: Future[Message], error: ReticleError) -> None:
    try:
        future.set_exception(error)
    except InvalidStateError:
        return


def _exit(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {-code}, {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"
