"""A trace in the terminal: a plain table, and the same as one JSON-able document."""

from __future__ import annotations

from pathlib import Path

from .plain import JsonObject, JsonValue
from .reader import Event, StepEvents, TraceReader
from .report import manifest_facts
from .views import alarms
from .words import act_words, duration, percent, plain_words, step_status, step_title

_TITLE_WIDTH = 52


def summary(trace_dir: Path) -> JsonObject:
    """The run as one document: task, status, steps, stops and errors. Raises BadInput for a broken trace."""
    trace = TraceReader.open(trace_dir)
    steps: list[JsonValue] = [_step(step) for step in trace.steps()]
    outside = tuple(event for event in trace.events if event.step is None)
    troubles: list[JsonValue] = [*alarms(outside)]
    return {
        "id": trace.manifest["id"],
        "task": trace.task,
        "status": trace.status,
        "created": trace.manifest["created"],
        "source": trace.manifest["source"],
        "models": trace.manifest["models"],
        "displays": trace.manifest["displays"],
        "mode": _mode(trace.manifest["policy"]),
        "events": len(trace.events),
        "skipped_events": len(trace.skipped),
        "torn": trace.torn,
        "duration_ms": trace.events[-1].mono_ms if trace.events else None,
        "steps": steps,
        "alarms": troubles,
    }


def _mode(policy: JsonValue) -> JsonValue:
    return policy.get("mode") if isinstance(policy, dict) else None


def _step(step: StepEvents) -> JsonObject:
    act, choose, check = step.last("act"), step.last("choose"), step.last("check")
    point = act.object("point").get("physical") if act else None
    return {
        "step": step.number,
        "instruction": step_title(step),
        "status": step_status(step),
        "action": act_words(act) if act else None,
        "point": point,
        "p_true": chosen_probability(step),
        "chosen_by": choose.text("by") if choose else None,
        "effect": check.text("effect") if check else None,
        "ms": round(step.events[-1].mono_ms - step.events[0].mono_ms, 3),
        "alarms": [*alarms(step.events)],
    }


def chosen_probability(step: StepEvents) -> float | None:
    """What the verifier gave the chosen candidate; None when nothing was chosen or judged."""
    choose, verify = step.last("choose"), step.last("verify")
    if choose is None or verify is None:
        return None
    for item in verify.objects("candidates"):
        score = item.get("p_true")
        if item.get("id") == choose.text("candidate_id") and isinstance(score, (int, float)):
            return float(score)
    return None


def show(trace_dir: Path) -> str:
    """The run as text, one line per step. Raises BadInput for a broken trace."""
    trace = TraceReader.open(trace_dir)
    took = duration(trace.events[-1].mono_ms) if trace.events else "0 ms"
    count = len(trace.steps())
    head = [printable(trace.task), f"{printable(trace.status)}, {count} step{'s' * (count != 1)}, {took}", ""]
    rows: list[tuple[str, ...]] = [("step", "what", "p", "point", "time", "status")]
    rows += [_row(number, step) for number, step in enumerate(trace.steps(), 1)]
    tail = [f"! {printable(words)}" for words in alarms(trace.events)]
    tail += [f"  {printable(plain_words(event))}" for event in trace.events if _is_note(event)]
    tail += [f"! {printable(trace.torn)}"] if trace.torn else []
    facts = [printable(f"{name:<9} {value}") for name, value in manifest_facts(trace.manifest)]
    return "\n".join([*head, *_table(rows), *([""] if tail else []), *tail, "", *facts])


def _is_note(event: Event) -> bool:
    return event.type == "note"


def _row(number: int, step: StepEvents) -> tuple[str, ...]:
    act = step.last("act")
    pair = act.object("point").get("physical") if act else None
    sides = [f"{side:.0f}" for side in pair if isinstance(side, (int, float))] if isinstance(pair, list) else []
    span = duration(step.events[-1].mono_ms - step.events[0].mono_ms)
    probability = percent(chosen_probability(step))
    title = printable(step_title(step))
    short = title if len(title) <= _TITLE_WIDTH else title[: _TITLE_WIDTH - 1] + "\u2026"
    return str(number), short, probability, ", ".join(sides), span, step_status(step)


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def printable(text: str) -> str:
    """Text from a screen without control characters, which could steer the terminal."""
    return "".join(char if char.isprintable() else " " for char in text)
