"""Ray for the time of one command: started on this machine alone, or a running cluster that the person names.

Ray's processes speak pickle with each other, so whoever can talk to them can run anything as this user. Ray that is
started here therefore listens on the loopback address alone, behind a token made anew each time, in a folder that only
this user can enter.
"""

from __future__ import annotations

import logging
import math
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from reticle_grounding.errors import BadInput, Cancelled, ReticleError

from .head import secure_surroundings, start_head

STORE_MB = 200
"""Of Ray's shared memory; it holds pictures on their way to a replica."""
LEAST_STORE_MB = 80
"""Ray refuses less than 75."""

PATIENCE = {
    "RAY_SERVE_QUEUE_LENGTH_RESPONSE_DEADLINE_S": "2",
    "RAY_SERVE_MAX_QUEUE_LENGTH_RESPONSE_DEADLINE_S": "5",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
"""Read by Ray when it is imported. A replica that does not say in this time how much it has to do counts as full; Ray's
own 0.1 s sends half the requests of a busy machine to a replica that has not seen their screenshot."""


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """What the workers need and where they run."""

    workers: int
    cpus: float
    """Processors of one worker; the model computes in so many threads."""
    gpus: float = 0.0
    """GPUs of one worker; a part of one lets several share it."""
    store_mb: int = STORE_MB
    address: str | None = None
    """Of a running Ray cluster; None starts Ray here."""

    def __post_init__(self) -> None:
        if self.workers < 1 or self.cpus <= 0 or self.gpus < 0:
            raise BadInput(
                "a fleet has at least one worker, each with more than zero processors and no fewer than 0 GPUs"
            )
        if self.store_mb < LEAST_STORE_MB:
            raise BadInput(f"--store {self.store_mb}: Ray needs at least {LEAST_STORE_MB} MB")


def cpus_each(workers: int) -> int:
    """This machine's processors shared out; at least one."""
    return max(1, (os.cpu_count() or 1) // max(1, workers))


@contextmanager
def ray_running(options: ClusterOptions) -> Iterator[Any]:
    """The module ``ray``, connected; afterwards what was started here is gone, also when a signal ends it.

    To be entered in the main thread: from here on SIGINT and SIGTERM raise Cancelled there.

    Raises BadInput when the cluster named is too small and ReticleError when Ray does not start.
    """
    for name, value in PATIENCE.items():
        os.environ.setdefault(name, value)
    if options.address is not None:
        with ended_by_signals(), _connected(options.address, f"--cluster {options.address}") as ray:
            _check_size(ray, options, options.address)
            yield ray
        return
    secure_surroundings()
    folder = Path(tempfile.mkdtemp(prefix="reticle-ray-"))  # mode 0700
    with ended_by_signals(), ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        cpus, gpus = math.ceil(options.workers * options.cpus), math.ceil(options.workers * options.gpus)
        head = start_head(folder, cpus, gpus, options.store_mb)
        stack.callback(head.end)
        yield stack.enter_context(_connected(head.address, "the Ray started here"))


@contextmanager
def _connected(address: str, what: str) -> Iterator[Any]:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except ReticleError:
        raise
    except Exception as error:
        raise ReticleError(f"{what}: cannot join it: {error}") from error
    try:
        with ended_by_signals():  # again, since Ray has put a handler of its own
            yield ray
    finally:
        ray.shutdown()


def _check_size(ray: Any, options: ClusterOptions, address: str) -> None:
    there = ray.cluster_resources()
    needed = {"CPU": options.workers * options.cpus, "GPU": options.workers * options.gpus}
    for name, amount in needed.items():
        has = there.get(name, 0.0)
        if amount > has:
            raise BadInput(f"--cluster {address}: {options.workers} workers need {amount:g} {name}, it has {has:g}")


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGINT and SIGTERM raise Cancelled in the main thread, so that everything started is ended in order."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Cancelled(f"ended by {signal.Signals(number).name}")

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
