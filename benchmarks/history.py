"""A run of many screenshots on one growing cache: time, memory and answers per step, four ways side by side.

    python benchmarks/history.py [MODEL_DIR] [--steps 30] [--size 800x512] [--budget-shots 6] [--anew 10]
        [--device cpu|cuda:0] [--out FILE]

One generated trace (seeds that nothing is trained or searched on), read flawlessly. Each screenshot goes through the
vision tower once and is then prefilled on four histories in turn: dense, sparse (the patterns in the model's folder,
or ``--patterns``), auto, and dense under a memory budget of so many screenshots. Each is asked the step's instruction
and remembers the answer. ``alone`` is the same screenshot and instruction without any history. Times are
processor time of this process, which other programs cannot stretch as they do the clock; the clock is there, too, and
is what counts on a GPU. Prints one JSON line per step and a summary; ``growth`` is the mean prefill time of the
last third of the steps beside that of the second quarter, ``growth_beside_alone`` the same after dividing by what the
same screenshot takes alone, which is the same work at every step and so tells how busy the machine was, ``apart`` half
the absolute difference of a map from that of
the dense history (0 the same, 1 nothing in common), ``hits`` how often a map's peak lies on the target.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from reticle_grounding.assets import embedded_model_dir
from reticle_grounding.geometry import Point, Rect, Space, Transform
from reticle_grounding.matcher.matcher import open_matcher
from reticle_grounding.model.head_patterns import FILE, read_patterns
from reticle_grounding.model.history import History
from reticle_grounding.model.pointer_model import PointerModel
from reticle_grounding.training.traces import MEASURED_SEED, TraceStep, generate_trace, reading_on


@dataclass
class Run:
    """One of the histories."""

    history: History
    mode: str
    prefill_ms: list[float] = field(default_factory=list)
    answer_ms: list[float] = field(default_factory=list)
    apart: list[float] = field(default_factory=list)
    hits: int = 0
    asked: int = 0


def timed(run: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, milliseconds of processor time (on a GPU by the clock), milliseconds by the clock."""
    on_gpu = torch.cuda.is_initialized()
    if on_gpu:
        torch.cuda.synchronize()
    clock, spent = time.perf_counter(), time.process_time()
    out = run()
    if on_gpu:
        torch.cuda.synchronize()
    by_clock = (time.perf_counter() - clock) * 1000
    return out, by_clock if on_gpu else (time.process_time() - spent) * 1000, by_clock


def hit(transform: Transform, attention: np.ndarray, box: tuple[int, int, int, int]) -> bool:
    """Whether the peak of a map lies in a box of capture pixels."""
    row, column = divmod(int(attention.argmax()), attention.shape[1])
    place = transform.point(Point(column + 0.5, row + 0.5), Space.PATCH, Space.CAPTURE)
    return Rect(*map(float, box)).contains(place)


def one_step(model: PointerModel, runs: dict[str, Run], step: TraceStep, reading: Any, vector: Any) -> dict[str, Any]:
    """Takes all histories one step further."""
    assert model.prefill is not None
    seen = {}
    view, spent, _ = timed(lambda: model.runner.view(step.image, model.processor, {}, reading))
    given = model.runner.view
    model.runner.view = lambda *_: view  # type: ignore[method-assign]
    line: dict[str, Any] = {"tower_ms": round(spent, 1)}
    for name, run in runs.items():
        model.prefill.mode = run.mode  # type: ignore[assignment]
        model.prefill.taken.clear()
        shot, spent, clock = timed(lambda run=run: run.history.see(step.image, reading))
        run.prefill_ms.append(spent)
        row = {
            "tokens": run.history.length,
            "megabytes": round(run.history.bytes / 1e6, 2),
            "prefill_ms": round(spent, 1),
            "prefill_clock_ms": round(clock, 1),
            "path": "+".join(sorted(model.prefill.taken)),
            "patches_kept_before": sum(s.kept for s in run.history.shots) - shot.kept,
        }
        if step.target is not None and step.target.bbox is not None:
            words = step.target.instruction
            seen[name], spent, _ = timed(lambda run=run, words=words: run.history.settle(words, vector))
            run.answer_ms.append(spent)
            row["answer_ms"] = round(spent, 1)
            row["apart"] = round(float(np.abs(seen[name] - seen["dense"]).sum() / 2), 4)
            run.apart.append(row["apart"])
            assert run.history.screen is not None
            found = hit(run.history.screen.transform, seen[name], step.target.bbox)
            row["hit"] = found
            run.hits += found
            run.asked += 1
        line[name] = row
    model.prefill.mode = "dense"
    screen, spent, _ = timed(lambda: model.encode(step.image, reading))
    line["alone"] = {"prefill_ms": round(spent, 1)}
    if "dense" in seen and step.target is not None and step.target.bbox is not None:
        words = step.target.instruction
        alone, spent, _ = timed(lambda: model.attend(screen, words, vector))
        apart = round(float(np.abs(alone - seen["dense"]).sum() / 2), 4)
        found = hit(screen.transform, alone, step.target.bbox)
        line["alone"] |= {"answer_ms": round(spent, 1), "apart": apart, "hit": found}
    model.runner.view = given  # type: ignore[method-assign]
    return line


def growth(times: list[float]) -> float | None:
    """Mean of the last third beside the mean of the second quarter; None where there are too few."""
    many = len(times)
    early, late = times[many // 4 : many // 2], times[many - many // 3 :]
    return round(statistics.mean(late) / statistics.mean(early), 3) if early and late else None


def beside(times: list[float], alone: list[float]) -> float | None:
    """Growth of times beside that of work which does not grow; None where there are too few."""
    own, other = growth(times), growth(alone)
    return round(own / other, 3) if own is not None and other is not None else None


def anew_ms(model: PointerModel, history: History) -> dict[str, float]:
    """The language model over as many tokens in one piece, as if nothing had been cached."""
    width = model.module.hidden_size
    like = model.module.embed(model.runner.ids([0]))
    embeds = torch.randn(1, history.length, width).to(like)
    positions = torch.arange(history.length, device=like.device).expand(3, 1, -1)
    with torch.inference_mode():
        _, spent, clock = timed(lambda: model.module.decode(embeds, positions, cache=model.runner.empty()))
    return {"tokens": history.length, "prefill_ms": round(spent, 1), "prefill_clock_ms": round(clock, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path, help="model folder; the embedded model when left out")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--size", default="800x512", help="WIDTHxHEIGHT of the screenshots")
    parser.add_argument("--budget-shots", type=float, default=6, help="screenshots that the budget holds, about")
    parser.add_argument("--anew", type=int, default=10, help="after so many steps, compute the whole prompt anew once")
    parser.add_argument("--device", default="cpu", help="where the model runs: cpu, or cuda:0")
    parser.add_argument("--patterns", type=Path, help="pattern file; prefill.json in the model's folder when left out")
    parser.add_argument("--out", type=Path, help="write all of it here as JSON, too")
    given = parser.parse_args()
    torch.set_num_threads(1)
    folder = given.model or embedded_model_dir()
    model = PointerModel.open(folder, device=given.device)
    session = model.use_prefill("sparse", read_patterns(given.patterns or folder / FILE))
    matcher = open_matcher(embedded_model_dir())
    width, height = (int(side) for side in given.size.split("x"))
    cell = model.processor.cell
    shot = History(model).token_bytes * (width // cell) * (height // cell)
    runs = {
        "dense": Run(History(model), "dense"),
        "sparse": Run(History(model), "sparse"),
        "auto": Run(History(model), "auto"),
        "budget": Run(History(model, int(given.budget_shots * shot)), "dense"),
    }
    lines = []
    for number, step in enumerate(generate_trace(MEASURED_SEED, given.steps, size=(width, height)), 1):
        reading = reading_on(step, matcher) if model.channel is not None else None
        words = step.target.instruction if step.target else None
        vector = matcher.say([words]) if words and model.channel is not None else None
        line = {"step": number, **one_step(model, runs, step, reading, vector)}
        if number == given.anew:
            session.mode = "dense"
            line["anew"] = anew_ms(model, runs["dense"].history)
        lines.append(line)
        print(json.dumps(line), flush=True)
    alone = [line["alone"] for line in lines]
    constant = [row["prefill_ms"] for row in alone]
    summary = {
        name: {
            "growth": growth(run.prefill_ms),
            "growth_beside_alone": beside(run.prefill_ms, constant),
            "prefill_ms_last_third": round(statistics.mean(run.prefill_ms[-max(1, given.steps // 3) :]), 1),
            "answer_growth": growth(run.answer_ms),
            "tokens": run.history.length,
            "megabytes": round(run.history.bytes / 1e6, 2),
            "apart": round(statistics.mean(run.apart), 4) if run.apart else None,
            "hits": f"{run.hits} of {run.asked}",
        }
        for name, run in runs.items()
    }
    answered = [row for row in alone if "hit" in row]
    summary["alone"] = {
        "prefill_ms": round(statistics.mean(constant), 1),
        "apart": round(statistics.mean(row["apart"] for row in answered), 4) if answered else None,
        "hits": f"{sum(row['hit'] for row in answered)} of {len(answered)}",
    }
    document = {"model": model.name, "size": given.size, "budget": runs["budget"].history.budget, "summary": summary}
    print(json.dumps(document, indent=1))
    if given.out:
        given.out.write_text(json.dumps({**document, "steps": lines}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
