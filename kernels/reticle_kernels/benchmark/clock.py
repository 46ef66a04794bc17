"""Times and devices."""

from __future__ import annotations

import importlib.metadata
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch

PACKAGES = ("reticle", "torch", "triton", "numpy", "flash-attn", "flash-attn-3")
ENOUGH_MS = 300.0
"""A call on CUDA is repeated until it took so long in all."""


def check_device(device: str) -> None:
    """Raises ValueError saying what is missing when nothing can be measured on this device."""
    if device not in ("cpu", "cuda"):
        raise ValueError(f"device is {device!r}, expected 'cpu' or 'cuda'")
    if device == "cuda" and not torch.cuda.is_available():
        why = "this torch is built without CUDA" if torch.version.cuda is None else "torch finds no CUDA device"
        raise ValueError(f"cannot measure on cuda: {why} (torch {torch.__version__}); use --device cpu")


def device_name(device: str) -> str:
    """What ran it: the card, or the processor with its number of threads."""
    if device == "cuda":
        return torch.cuda.get_device_name()
    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    threads = torch.get_num_threads()
    return f"{name}, {threads} thread{'s' if threads > 1 else ''}"


def versions() -> dict[str, str]:
    """Of everything that makes the times, as far as it is installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    if torch.version.cuda is not None:
        found["cuda"] = torch.version.cuda
    return found


def once_ms(run: Callable[[], object], device: str) -> float:
    """Milliseconds of one call, waiting for the device on both sides.

    On one thread of a processor these are the milliseconds that the thread ran, so that other work on the machine does
    not count.
    """
    clock = time.thread_time if device == "cpu" and torch.get_num_threads() == 1 else time.perf_counter
    if device == "cuda":
        torch.cuda.synchronize()
    start = clock()
    run()
    if device == "cuda":
        torch.cuda.synchronize()
    return (clock() - start) * 1000


def median_ms(run: Callable[[], object], device: str, rounds: int) -> float:
    """Median over ``rounds`` after one call to warm up; on CUDA over as many as fill 0.3 s, at least ``rounds``."""
    once_ms(run, device)
    first = once_ms(run, device)
    wanted = rounds if device == "cpu" else max(rounds, min(50, int(ENOUGH_MS / max(first, 1e-3))))
    return statistics.median([first, *(once_ms(run, device) for _ in range(wanted - 1))])


def paired_ms(one: Callable[[], object], other: Callable[[], object], device: str, rounds: int) -> tuple[float, float]:
    """Medians of two that take turns, so that other work on the machine slows both."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for run, seen in zip((one, other), times, strict=True):
            seen.append(once_ms(run, device))
    return statistics.median(times[0]), statistics.median(times[1])
