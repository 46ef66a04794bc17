"""Ray for the time of one command: started on this machine alone, or a running cluster that the person names.

Ray's processes speak pickle with each other, so whoever can talk to them can run anything as this user. Ray that is
started here therefore listens on the loopback address alone, behind a token made anew each time, in a folder that only
this user can enter.
"""

from __future__ import annotations

import logging
import math
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from reticle_grounding.errors import BadInput, Cancelled, ReticleError

STORE_MB = 200
"""Of Ray's shared memory; it holds pictures on their way to a replica."""
LEAST_STORE_MB = 80
"""Ray refuses less than 75."""


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
    """The module ``ray``, connected; afterwards what was started here is gone.

    Raises BadInput when the cluster named is too small and ReticleError when Ray does not start.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is told to anybody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    folder = None
    try:
        if options.address is None:
            folder = Path(tempfile.mkdtemp(prefix="reticle-ray-"))  # mode 0700
            ray = _started(options, folder)
        else:
            ray = _joined(options, options.address)
        try:
            yield ray
        finally:
            ray.shutdown()
    finally:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _started(options: ClusterOptions, folder: Path) -> Any:
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # else Ray takes the address of a network card for 127.0.0.1
    for name in ("RAY_AUTH_TOKEN_PATH", "RAY_ADDRESS"):
        os.environ.pop(name, None)  # "started here" is meant, whatever the surroundings name
    import ray

    try:
        ray.init(
            num_cpus=math.ceil(options.workers * options.cpus),
            num_gpus=math.ceil(options.workers * options.gpus) or None,
            object_store_memory=options.store_mb * 2**20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
            _node_ip_address="127.0.0.1",
            _temp_dir=str(folder),
        )
    except Exception as error:
        raise ReticleError(f"Ray did not start: {error}") from error
    return ray


def _joined(options: ClusterOptions, address: str) -> Any:
    import ray

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:
        raise BadInput(f"--cluster {address}: cannot join it: {error}") from error
    there = ray.cluster_resources()
    needed = {"CPU": options.workers * options.cpus, "GPU": options.workers * options.gpus}
    for name, amount in needed.items():
        if amount > there.get(name, 0.0):
            ray.shutdown()
            raise BadInput(
                f"--cluster {address}: {options.workers} workers need {amount:g} {name}, the cluster has "
                f"{there.get(name, 0.0):g}"
            )
    return ray


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """SIGINT and SIGTERM raise Cancelled in the main thread, so that everything started is ended in order.

    Enter it after Ray was started, which puts a handler of its own.
    """

    def end(number: int, frame: FrameType | None) -> None:
        raise Cancelled(f"ended by {signal.Signals(number).name}")

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
