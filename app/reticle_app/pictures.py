"""Annotated pictures of a recorded run."""

from __future__ import annotations

from pathlib import Path

from reticle_agent.trace import TraceReader
from reticle_agent.trace.recall import recall
from reticle_grounding.annotate import annotate


def write_pictures(trace: Path, out: Path) -> list[Path]:
    """Writes one PNG per grounding of a trace, candidates and heat map drawn in; returns their paths in order."""
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for number, item in enumerate(recall(TraceReader.open(trace)), start=1):
        path = out / f"{number:02d}.png"
        annotate(item.frame, item.grounding).save(path)
        written.append(path)
    return written
