"""What `--history N` does to answers and to p_true: the whole pipeline with and without a past, step by step.

    python benchmarks/history_judged.py [--histories 8] [--traces 1] [--steps 30] [--size 800x512] [--out FILE]

Generated traces that nothing is trained or fitted on, embedded model, flawless reading (the names that a screen's list
gives stand where they are written), the shipped law. Each step asks first for something of another trace that has no
namesake on this screen, then for the step's own target, which the histories remember. ``alone`` is the same without a
past. Prints one JSON line per step and a summary: ``right`` is how often the best candidate lies on the target,
``p`` the mean p_true of the best candidate, ``brier`` its mean squared distance from being right (0 or 1),
``absent_p`` the mean p_true of the best candidate for what is not there, ``absent_found`` how often that was taken
for found; of a history also ``same_place``, how often its best candidate is that of ``alone``, ``moved``, the mean
absolute difference of the best candidates' p_true, ``most_moved``, the largest, and ``apart``, half the absolute
difference of the attention maps. The first step, where there is no past yet, is left out.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.calibration import load_calibration
from reticle_grounding.controls.controls import open_controls
from reticle_grounding.geometry import Rect
from reticle_grounding.matcher.matcher import open_matcher
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.ocr import TextBox
from reticle_grounding.predictor import Grounder, Observation
from reticle_grounding.remembering import remembering
from reticle_grounding.sources import PointerSource
from reticle_grounding.training.instructions import Target, plain
from reticle_grounding.training.prepared import ListedReader
from reticle_grounding.training.traces import APART, MEASURED_SEED, TraceStep, generate_trace
from reticle_grounding.types import Candidate, Grounding


class StepReader:
    """Reads what the list of the step at hand says."""

    def __init__(self) -> None:
        self.step: TraceStep | None = None

    def read(self, image: npt.NDArray[np.uint8], region: Rect | None = None) -> list[TextBox]:
        return [] if self.step is None else ListedReader(self.step.elements).read(image)


def first(answer: Grounding) -> Candidate | None:
    """The best candidate, whether or not it counts as found."""
    return answer.candidates[0] if answer.candidates else None


def told(observation: Observation, target: Target, absent: Target | None) -> tuple[dict[str, Any], Grounding]:
    """One line's figures of one grounder."""
    nothing = None if absent is None else observation.ground(absent.instruction)
    answer = observation.ground(target.instruction)
    best = first(answer)
    assert target.bbox is not None
    row: dict[str, Any] = {
        "p": round(best.p_true, 4) if best else 0.0,
        "right": best is not None and bool(Rect(*map(float, target.bbox)).contains(best.point)),
    }
    if nothing is not None:
        wrong = first(nothing)
        row |= {"absent_p": round(wrong.p_true, 4) if wrong else 0.0, "absent_found": bool(nothing.found)}
    return row, answer


def beside(one: Grounding, alone: Grounding) -> dict[str, Any]:
    """How a history's answer differs from the one without."""
    a, b = first(one), first(alone)
    same = a is not None and b is not None and b.region.contains(a.point)
    apart = float(np.abs(np.asarray(one.attention) - np.asarray(alone.attention)).sum() / 2)
    return {"same_place": bool(same or (a is None and b is None)), "apart": round(apart, 4)}


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Means over the steps."""
    alone = [row["alone"] for row in rows]
    found = {}
    for name in rows[0]:
        mine = [row[name] for row in rows]
        away = [r for r in mine if "absent_p" in r]
        found[name] = {
            "asked": len(mine),
            "right": sum(r["right"] for r in mine),
            "p": round(statistics.mean(r["p"] for r in mine), 4),
            "brier": round(statistics.mean((r["p"] - r["right"]) ** 2 for r in mine), 4),
            "absent": len(away),
            "absent_p": round(statistics.mean(r["absent_p"] for r in away), 4) if away else None,
            "absent_found": sum(r["absent_found"] for r in away),
        }
        if name != "alone":
            moved = [abs(r["p"] - other["p"]) for r, other in zip(mine, alone, strict=True)]
            found[name] |= {
                "same_place": sum(r["same_place"] for r in mine),
                "moved": round(statistics.mean(moved), 4),
                "most_moved": round(max(moved), 4),
                "apart": round(statistics.mean(r["apart"] for r in mine), 4),
            }
    return found


def absent_from(step: TraceStep, others: Sequence[Target]) -> Target | None:
    """The first of the targets whose name is not on the screen."""
    names = {plain(element.label) for element in step.elements}
    return next((target for target in others if plain(target.label) not in names), None)


def one_trace(number: int, steps: int, size: tuple[int, int], plain_one: Grounder, most: Sequence[int]) -> list[Any]:
    """The rows of a trace."""
    reader = plain_one.reader
    assert isinstance(reader, StepReader)
    grounders = {"alone": plain_one, **{f"history {n}": remembering(plain_one, n) for n in most}}
    seed = MEASURED_SEED + number * APART
    elsewhere = [s.target for s in generate_trace(seed + APART // 2, steps, size=size) if s.target is not None]
    rows = []
    for at, step in enumerate(generate_trace(seed, steps, size=size)):
        reader.step = step
        if step.target is None or step.target.bbox is None:
            continue
        absent = absent_from(step, elsewhere[at:])
        row, answers = {}, {}
        for name, grounder in grounders.items():
            row[name], answers[name] = told(grounder.observe(step.image), step.target, absent)
            if name != "alone":
                row[name] |= beside(answers[name], answers["alone"])
        print(json.dumps({"trace": number, "step": at + 1, **row}), flush=True)
        rows.append(row)
    return rows[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", default="8", help="screenshots remembered, as in --history; several with commas")
    parser.add_argument("--traces", type=int, default=1)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--size", default="800x512", help="WIDTHxHEIGHT of the screenshots")
    parser.add_argument("--out", type=Path, help="write all of it here as JSON, too")
    given = parser.parse_args()
    torch.set_num_threads(1)
    model = PointerModel.open(embedded_model_dir())
    parts = (open_matcher(embedded_model_dir()), None, open_controls(embedded_model_dir()))
    alone = Grounder(PointerSource(model), StepReader(), load_calibration(), None, *parts)
    width, height = (int(side) for side in given.size.split("x"))
    most = [int(n) for n in given.histories.split(",")]
    rows = [r for n in range(given.traces) for r in one_trace(n, given.steps, (width, height), alone, most)]
    document = {"size": given.size, "traces": given.traces, "steps": given.steps, "summary": summary(rows)}
    print(json.dumps(document, indent=1))
    if given.out:
        given.out.write_text(json.dumps({**document, "rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
