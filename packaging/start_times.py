"""How long two installed programs take to start, side by side: ``start_times.py PLAIN PACKED PICTURE WORDS [ROUNDS]``.

Runs them in turn, so that both meet the same load, and prints medians and the ratio of PACKED to PLAIN. Wall time is
what a person waits; processor time is steadier where other programs run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def timed(command: list[str], home: Path) -> tuple[float, float]:
    """Wall and processor seconds of one run with settings and data of its own. Raises SystemExit when it fails."""
    environ = {k: v for k, v in os.environ.items() if k not in {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}}
    environ |= {f"XDG_{name}_HOME": str(home / name) for name in ("CONFIG", "DATA", "CACHE")}
    with tempfile.TemporaryFile() as said:
        begun = time.monotonic()
        process = subprocess.Popen(command, env=environ, cwd=home, stdout=said, stderr=said)
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {said.read().decode()[-2000:]}")
    return wall, used.ru_utime + used.ru_stime


def main() -> None:
    if len(sys.argv) not in (5, 6):
        raise SystemExit(__doc__)
    programs, picture, words = sys.argv[1:3], str(Path(sys.argv[3]).resolve()), sys.argv[4]
    rounds = int(sys.argv[5]) if len(sys.argv) == 6 else 3
    for name, arguments in (("--version", ["--version"]), ("ground", ["ground", picture, words, "--json"])):
        took: dict[str, list[tuple[float, float]]] = {program: [] for program in programs}
        with tempfile.TemporaryDirectory() as home:
            for _ in range(rounds + 1):  # the first round reads the files from disk and is not counted
                for program in programs:
                    took[program].append(timed([program, *arguments], Path(home)))
        for which, what in enumerate(("wall", "processor")):
            plain, packed = (statistics.median(run[which] for run in took[program][1:]) for program in programs)
            sys.stdout.write(f"{name}: {what} {plain:.2f} s and {packed:.2f} s, ratio {packed / plain:.2f}\n")


if __name__ == "__main__":
    main()
