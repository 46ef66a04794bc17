"""Feeds made inputs to one target after the other and says how many, how fast, and what crashed.

    python tests/fuzz/fuzz.py --inputs 1000000 --seed 1 [--only planner] [--seconds 600] [--keep FOLDER]

Each input is made from the seed and its own number alone, so ``--first N --inputs 1`` makes one of them again.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).resolve().parent))

from targets import TARGETS, Target

SLOW_S = 5.0
"""An input that takes longer is told of, since a thousand of them would stand still."""
DIFFERENT = 20
"""So many different crashes of a target are enough."""


@dataclass
class Report:
    """What came of one target."""

    target: str
    inputs: int = 0
    seconds: float = 0.0
    slowest_s: float = 0.0
    crashes: dict[str, str] = field(default_factory=dict)
    """Place of a crash -> input number and traceback of its first one."""
    found: dict[str, int] = field(default_factory=dict)


def fuzz(
    name: str, inputs: int, seed: int = 0, first: int = 0, seconds: float = float("inf"), keep: Path | None = None
) -> Report:
    """Feeds at most so many inputs for at most so many seconds; a target that crashed for good is opened again."""
    report = Report(name)
    target = TARGETS[name]()
    begun = time.perf_counter()
    try:
        for number in range(first, first + inputs):
            start = time.perf_counter()
            if start - begun > seconds or len(report.crashes) >= DIFFERENT:
                break
            try:
                target.feed(Random(f"{name} {seed} {number}"))
            except Exception as crash:
                _note(report, crash, number, target, keep)
                if name == "mcp":
                    target.close()
                    target = TARGETS[name]()
            report.inputs += 1
            report.slowest_s = max(report.slowest_s, time.perf_counter() - start)
    finally:
        target.close()
    report.seconds = time.perf_counter() - begun
    return report


def _note(report: Report, crash: Exception, number: int, target: Target, keep: Path | None) -> None:
    frames = traceback.extract_tb(crash.__traceback__)
    ours = [f for f in frames if "reticle_" in f.filename] or frames
    place = f"{type(crash).__name__} in {Path(ours[-1].filename).name}:{ours[-1].lineno}"
    report.found[place] = report.found.get(place, 0) + 1
    if place in report.crashes:
        return
    report.crashes[place] = f"input {number}: " + "".join(traceback.format_exception(crash))[-3000:]
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        made = target.made()
        data = made.encode("utf-8", "surrogatepass") if isinstance(made, str) else made
        (keep / f"{report.target}-{number}").write_bytes(data)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--inputs", type=int, default=1_000_000, help="in all, in even shares")
    parser.add_argument("--only", action="append", choices=sorted(TARGETS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="for each target")
    parser.add_argument("--keep", type=Path, help="folder for inputs that crash")
    chosen = parser.parse_args()
    names = chosen.only or list(TARGETS)
    bad = 0
    for name in names:
        report = fuzz(name, chosen.inputs // len(names), chosen.seed, chosen.first, chosen.seconds, chosen.keep)
        bad += len(report.crashes)
        row = {"target": name, "inputs": report.inputs, "seconds": round(report.seconds, 1)}
        print(json.dumps(row | {"slowest_s": round(report.slowest_s, 2), "crashes": report.found}), flush=True)
        for place, said in report.crashes.items():
            print(f"--- {place}\n{said}", flush=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
