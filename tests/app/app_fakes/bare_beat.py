"""Beats every millisecond, without a window, until its input closes; prints its largest gap in ms: the noise."""

from __future__ import annotations

import select
import sys
import time

largest, last = 0.0, time.perf_counter()
print("beating", flush=True)
while not select.select([sys.stdin], [], [], 0.001)[0]:
    now = time.perf_counter()
    largest, last = max(largest, now - last), now
print(largest * 1e3)
