"""A recorded ``act`` as the typed step it was."""

from __future__ import annotations

from typing import Literal

from reticle_agent.actions import AskUser, Button, Click, Direction, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.trace.plain import JsonObject, JsonValue
from reticle_agent.trace.reader import Event
from reticle_agent.trace.redact import MASK
from reticle_grounding.errors import BadInput

UNNAMED = "(unnamed target)"
"""Stands for the words of a target where the trace has none."""
_COUNTS: dict[str, Literal[1, 2, 3]] = {"click": 1, "double": 2, "triple": 3}
_BUTTONS: dict[str, Button] = {"right": "right", "middle": "middle"}
_DIRECTIONS: dict[str, Direction] = {"up": "up", "down": "down", "left": "left", "right": "right"}


def action_of(act: Event) -> Step | None:
    """The step, or None for a kind or arguments this version cannot tell. Secret text is :data:`MASK`."""
    try:
        return _action(act.text("kind"), dict(act.object("args")), act.get("text"))
    except (BadInput, ValueError, TypeError):
        return None


def _action(kind: str, args: JsonObject, text: JsonValue) -> Step | None:
    if kind in _COUNTS:
        return Click(_words(args, "target"), count=_COUNTS[kind])
    if kind in _BUTTONS:
        counts: dict[JsonValue, Literal[1, 2, 3]] = {1: 1, 2: 2, 3: 3}
        return Click(_words(args, "target"), button=_BUTTONS[kind], count=counts.get(args.get("count"), 1))
    if kind == "type":
        return _typed(text, args.get("target"))
    if kind == "scroll":
        return Scroll(_DIRECTIONS.get(str(args.get("direction")), "down"), _whole(args.get("amount")), _target(args))
    return _other(kind, args)


def _other(kind: str, args: JsonObject) -> Step | None:
    if kind == "drag":
        return Drag(_words(args, "source"), _words(args, "destination"))
    if kind == "hotkey":
        keys = args.get("keys")
        return Hotkey(tuple(str(key) for key in keys) if isinstance(keys, list) else ())
    if kind == "wait":
        seconds = args.get("seconds")
        return Wait(float(seconds) if isinstance(seconds, (int, float)) else 1.0)
    if kind == "ask_user":
        return AskUser(_words(args, "question"))
    if kind == "finish":
        return Finish(args.get("success") is not False, str(args.get("message") or ""))
    return None


def _typed(text: JsonValue, target: JsonValue) -> Step | None:
    secret = isinstance(text, dict)
    written = MASK if secret else text
    if not isinstance(written, str):
        return None
    return TypeText(written, target if isinstance(target, str) and target.strip() else None, secret=secret)


def _words(args: JsonObject, key: str) -> str:
    value = args.get(key)
    return value if isinstance(value, str) and value.strip() else UNNAMED


def _target(args: JsonObject) -> str | None:
    value = args.get("target")
    return value if isinstance(value, str) and value.strip() else None


def _whole(value: JsonValue) -> int:
    return int(value) if isinstance(value, (int, float)) else 5
