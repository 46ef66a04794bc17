"""One part of the measurement in a process of its own: ``python -m reticle_app.measuring.child PART COUNT``."""

from __future__ import annotations

import importlib
import json
import sys

PARTS = ("frames", "delays", "starting")


def main(arguments: list[str]) -> int:
    """Prints one JSON object on stdout."""
    part, count = arguments[0], int(arguments[1])
    if part not in PARTS:
        raise SystemExit(f"reticle: there is no part {part!r} to measure; known: {', '.join(PARTS)}")
    module = importlib.import_module(f"{__package__}.{part}")
    sys.stdout.write(json.dumps(module.measure(count)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
