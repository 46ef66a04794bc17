"""Words for what a trace holds, shared by the report and the terminal."""

from __future__ import annotations

from collections.abc import Mapping

from .plain import JsonValue
from .reader import Event, StepEvents

_VERBS = {
    "click": "click",
    "double": "double-click",
    "triple": "triple-click",
    "right": "right-click",
    "middle": "middle-click",
    "hotkey": "press",
    "type": "type",
    "ask_user": "ask",
}
_TITLE = 160
"""Longer titles are cut; what was typed stands in full below them."""
_GOOD = frozenset({"done", "success", "ok", "finished", "completed"})
_CALM = frozenset({"unfinished", "dry_run", "dry run", "skipped"})


def tone(status: str) -> str:
    """How a status is to be shown: ``good``, ``calm`` or ``bad``."""
    word = status.lower()
    return "good" if word in _GOOD else "calm" if word in _CALM else "bad"


def duration(ms: float | None) -> str:
    """A time span in the unit that suits it."""
    if ms is None:
        return ""
    if ms < 1000:
        return f"{ms:.0f} ms"
    return f"{ms / 1000:.1f} s" if ms < 60_000 else f"{int(ms // 60_000)} min {int(ms % 60_000 // 1000)} s"


def percent(share: float | None) -> str:
    if share is None:
        return ""
    return "<1%" if 0 < share < 0.01 else ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def typed(value: JsonValue) -> str:
    """Typed text as it may be shown."""
    if isinstance(value, dict):
        return f"secret text ({value.get('len')} characters)"
    return f"\u201c{value}\u201d" if isinstance(value, str) else ""


def act_words(act: Event) -> str:
    """What was done, in one short line."""
    kind, args = act.text("kind"), act.object("args")
    verb = _VERBS.get(kind, kind)
    if kind == "type":
        into = f" into {args['target']}" if args.get("target") else ""
        return f"{verb} {typed(act.get('text'))}{into}".strip()
    if kind == "hotkey":
        return f"{verb} {_keys(args)}"
    if kind == "drag":
        return f"drag {args.get('source', '')} to {args.get('destination', '')}"
    if kind == "scroll":
        over = f" over {args['target']}" if args.get("target") else ""
        return f"scroll {args.get('direction', '')} {args.get('amount', '')}{over}"
    if kind == "wait":
        return f"wait {args.get('seconds', '')} s"
    return f"{verb} {args.get('target') or args.get('question') or args.get('message') or ''}".strip()


def _keys(args: Mapping[str, JsonValue]) -> str:
    keys = args.get("keys")
    return "+".join(str(key) for key in keys) if isinstance(keys, list) else ""


def step_title(step: StepEvents) -> str:
    """What was done, else what was planned, else what was looked for."""
    act, plan, ground = step.last("act"), step.last("plan"), step.last("ground")
    title = act_words(act) if act else ""
    if not title and plan:
        title = f"{plan.text('subgoal').lower()} {plan.text('instruction')}".strip()
    if not title and ground:
        title = ground.text("instruction")
    title = " ".join(title.split()) or "(no instruction)"
    return title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}\u2026"


def step_status(step: StepEvents) -> str:
    """What became of the step, judged from its events."""
    if step.last("stop"):
        return "stopped"
    if step.last("error"):
        return "failed"
    act = step.last("act")
    if act:
        if act.text("kind") == "finish" and act.object("args").get("success") is False:
            return "failed"
        words = {"sent": "done", "refused": "refused", "error": "failed", "dry_run": "dry run"}
        return words.get(act.text("delivered"), "unknown")
    gate = step.last("gate")
    if gate and gate.text("decision") not in ("allow", "edit"):
        return "stopped" if gate.text("decision") == "stop" else "refused"
    ground = step.last("ground")
    return "not found" if ground and ground.get("found") is False else "unfinished"


def stop_words(stop: Event) -> str:
    latency = stop.number("latency_ms")
    after = f" after {duration(latency)}" if latency is not None else ""
    released = stop.get("released_keys")
    keys = f"; released {', '.join(map(str, released))}" if isinstance(released, list) and released else ""
    why = f": {stop.text('message')}" if stop.text("message") else ""
    return f"stopped by {stop.text('trigger').replace('_', ' ')}, input ended{after}{keys}{why}"


def plain_words(event: Event) -> str:
    """A note or an error as text: its message, else its fields."""
    message = event.text("message") or event.text("text")
    if message:
        return message
    return ", ".join(f"{key}: {value}" for key, value in event.items()) or event.type
