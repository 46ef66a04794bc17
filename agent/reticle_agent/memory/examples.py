"""Similar runs of before, as examples: what was asked, and the steps that carried it out."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from reticle_agent.trace import TraceReader
from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_grounding.errors import BadInput

from .tokens import cost, terms

MAX_STEPS = 12
"""Of one example; of longer runs the first ones."""
LEAST = 0.2
"""Less similar runs are no examples."""
MAX_RUNS = 500
"""The newest so many are looked at."""


@dataclass(frozen=True, slots=True)
class Example:
    """One run that came to its end."""

    task: str
    steps: tuple[JsonObject, ...]
    """Calls as the planner makes them; secret text is not in a trace and so not here."""
    similarity: float
    """0..1."""

    @property
    def cost(self) -> int:
        return cost(self.task) + sum(cost(json.dumps(step)) for step in self.steps)


def examples(folder: Path, task: str, count: int) -> list[Example]:
    """The ``count`` runs in ``folder`` whose tasks are most like ``task``, most similar first.

    Only runs that a planner carried out to a good end count, each task once, its newest run. What cannot be read is
    passed over. Raises BadInput when ``folder`` is no folder.
    """
    if not folder.is_dir():
        raise BadInput(f"{folder} is no folder with recorded runs, so there are no examples in it")
    newest = sorted((p for p in folder.iterdir() if p.is_dir()), key=lambda p: p.stat().st_mtime, reverse=True)
    runs: dict[str, tuple[JsonObject, ...]] = {}
    for place in newest[:MAX_RUNS]:
        try:
            trace = TraceReader.open(place)
        except BadInput:
            continue
        steps = calls_of(trace)
        if trace.status == "done" and trace.task.strip() and steps:
            runs.setdefault(trace.task.strip(), steps)
    likes = similarities(task, list(runs))
    found = [Example(words, runs[words], like) for words, like in zip(runs, likes, strict=True) if like >= LEAST]
    return sorted(found, key=lambda one: -one.similarity)[:count]


def calls_of(trace: TraceReader) -> tuple[JsonObject, ...]:
    """The planned calls that were carried out."""
    found = []
    for step in sorted(trace.steps(), key=lambda step: step.number):
        plan, act = step.last("plan"), step.last("act")
        call = plan.object("call") if plan else {}
        if call and act is not None and act.text("delivered") == "sent" and call.get("tool") != "done":
            found.append({"tool": call.get("tool"), "arguments": call.get("arguments")})
    return tuple(found[:MAX_STEPS])


def similarities(task: str, others: Sequence[str]) -> list[float]:
    """Cosine of each task with this one; a word counts by how rarely tasks have it."""
    bags = [Counter(terms(text)) for text in (task, *others)]
    seen = Counter(term for one in bags for term in one)

    def weigh(one: Counter[str]) -> dict[str, float]:
        return {t: (1 + math.log(n)) * math.log(1 + len(bags) / seen[t]) for t, n in one.items()}

    wanted, *rest = map(weigh, bags)
    return [_cosine(wanted, other) for other in rest]


def _cosine(first: dict[str, float], second: dict[str, float]) -> float:
    norm = math.sqrt(sum(v * v for v in first.values()) * sum(v * v for v in second.values()))
    return sum(v * second.get(term, 0.0) for term, v in first.items()) / norm if norm else 0.0


def hidden(example: Example, hide: Callable[[str], str]) -> Example:
    """The example with every text passed through ``hide``, so that no secret of the present task goes along."""

    def value(one: JsonValue) -> JsonValue:
        if isinstance(one, str):
            return hide(one)
        if isinstance(one, list):
            return [value(part) for part in one]
        return {key: value(part) for key, part in one.items()} if isinstance(one, dict) else one

    steps = tuple({key: value(part) for key, part in step.items()} for step in example.steps)
    return replace(example, task=hide(example.task), steps=steps)
