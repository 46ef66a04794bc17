"""Work off the window's thread, and calls back onto it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from typing import TypeVar, cast

from PySide6.QtCore import QObject, Qt, QThread, Signal

from reticle_grounding.errors import Cancelled, ReticleError

T = TypeVar("T")
CALL_S = 10.0


class MainThread(QObject):
    """Runs closures on the thread this object was made on (the window's)."""

    _posted = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._closed = False
        self._posted.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def post(self, work: Callable[[], None]) -> None:
        """Queues ``work``; returns at once. Closures posted after :meth:`close` are dropped."""
        if not self._closed:
            self._posted.emit(work)

    def call(self, work: Callable[[], T]) -> T:
        """Runs ``work`` over there and waits for its result. Raises Cancelled when the window is closed or stuck."""
        if QThread.currentThread() is self.thread():
            return work()
        answer: Future[T] = Future()

        def run() -> None:
            try:
                answer.set_result(work())
            except BaseException as error:
                answer.set_exception(error)

        if self._closed:
            raise Cancelled("the window is closed")
        self._posted.emit(run)
        try:
            return answer.result(CALL_S)
        except FutureTimeout as error:
            raise Cancelled("the window did not answer") from error

    def close(self) -> None:
        self._closed = True

    def _run(self, work: object) -> None:
        cast(Callable[[], None], work)()


class Background:
    """One worker thread; results come back on the window's thread, each as exactly one of two callbacks."""

    def __init__(self, main: MainThread, name: str) -> None:
        self._main = main
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._closed = threading.Event()

    def submit(self, work: Callable[[], T], then: Callable[[T], None], failed: Callable[[ReticleError], None]) -> None:
        """``failed`` gets what a person may read; an unexpected exception is wrapped with its type named."""

        def run() -> None:
            try:
                result = work()
            except ReticleError as error:
                self._main.post(lambda error=error: failed(error))  # type: ignore[misc]
            except Exception as error:
                wrapped = ReticleError(f"unexpected error, a bug in Reticle: {type(error).__name__}: {error}")
                wrapped.__cause__ = error
                self._main.post(lambda: failed(wrapped))
            else:
                self._main.post(lambda: then(result))

        if not self._closed.is_set():
            self._pool.submit(run)

    def close(self) -> None:
        """Drops what has not begun and waits for what runs (which the caller has cancelled)."""
        self._closed.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
