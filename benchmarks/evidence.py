"""Accuracy per second of the ways to read a screen, on labelled screens.

    python benchmarks/evidence.py TARGETS.jsonl [--model DIR] [--limit N] [--modes screen,auto,crops,off]
                                                [--no-attention] [--verify]

Prints one JSON line per mode. Seconds cover everything: encoding, reading and all instructions. The text engine is
warmed up first; run it on an otherwise idle machine.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

import numpy as np

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.calibration import load_calibration
from reticle_grounding.errors import ReticleError
from reticle_grounding.evaluate import Target, evaluate, read_targets
from reticle_grounding.ocr import Reader, TextReader
from reticle_grounding.options import GroundingConfig, Reading
from reticle_grounding.predictor import Grounder
from reticle_grounding.sources import AttentionSource, EvenAttention, PointerSource


def main() -> int:
    """Runs the modes one after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", type=Path)
    parser.add_argument("--model", type=Path, default=None)
    parser.add_argument("--limit", type=int, default=None)
    parser.add_argument("--modes", default="screen,auto,crops,off")
    parser.add_argument("--no-attention", action="store_true")
    parser.add_argument("--verify", action="store_true", help="let the model judge the best candidates as well")
    chosen = parser.parse_args()
    config = GroundingConfig(attention=not chosen.no_attention, vlm_verifier=chosen.verify)
    try:
        targets = read_targets(chosen.targets, chosen.limit)
        source = _source(chosen.model, config.attention)
        reader = TextReader(config.ocr_threads)
        reader.read(np.full((64, 64, 3), 255, dtype=np.uint8))
        for mode in chosen.modes.split(","):
            if mode not in get_args(Reading):
                parser.error(f"unknown mode {mode}; known: {', '.join(get_args(Reading))}")
            row = measure(targets, source, reader, replace(config, reading=cast(Reading, mode)))
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
    except ReticleError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _source(model: Path | None, attention: bool) -> AttentionSource:
    if not attention:
        return EvenAttention()
    from reticle_grounding.model.pointer_model import PointerModel

    return PointerSource(PointerModel.open(model or embedded_model_dir()))


def measure(
    targets: list[Target], source: AttentionSource, reader: Reader, config: GroundingConfig
) -> dict[str, str | int | float | None]:
    """Figures of one mode: shares 0..1, milliseconds, right answers per second of work."""
    start = time.perf_counter()
    result = evaluate(targets, Grounder(source, reader, load_calibration(), config))
    seconds = time.perf_counter() - start
    right = (result["accuracy"] or 0.0) * (result["n"] - result["absent"])
    return {
        "reading": config.reading,
        "attention": config.attention,
        "verifier": config.vlm_verifier,
        "n": result["n"],
        "accuracy": result["accuracy"],
        "hit_at_3": result["hit_at_3"],
        "accuracy_found": result["accuracy_found"],
        "absent_rejection": result["absent_rejection"],
        "ms_screen_p50": result["ms_screen_p50"],
        "ms_p50": result["ms_p50"],
        "seconds": round(seconds, 1),
        "right_per_second": round(right / seconds, 3),
    }


if __name__ == "__main__":
    raise SystemExit(main())
