"""Steps as pyautogui calls, the words in which OSWorld and AgentNet write actions down, and back.

Nothing here is ever run: the text is written for others, and read as literals only.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from reticle_agent.actions import Button, Click, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait
from reticle_agent.planner.keys import KEY_NAMES
from reticle_grounding.errors import BadInput
from reticle_grounding.geometry import Point

Literal: TypeAlias = "str | int | float | bool | list[Literal] | None"

_TO_PYAUTOGUI = {"super": "win", "altgr": "altright", "menu": "apps"}
_FROM_PYAUTOGUI = {
    **{name.replace(" ", ""): key for name, key in KEY_NAMES.items()},
    **KEY_NAMES,
    **{f"{side}{where}": key for key, side in (("ctrl", "ctrl"), ("shift", "shift"), ("alt", "alt"), ("super", "win"))
       for where in ("left", "right")},
    "altright": "altgr", "apps": "menu", "prtscr": "printscreen", " ": "space", "\n": "enter", "\t": "tab",
}  # fmt: skip
_POSITIONAL: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("click", "doubleClick", "tripleClick", "rightClick", "middleClick", "moveTo", "dragTo"), ("x", "y")
    ),
    "write": ("message",), "typewrite": ("message",), "press": ("keys",), "scroll": ("clicks",),
    "hscroll": ("clicks",), "terminate": ("status",), "wait": ("seconds",), "sleep": ("seconds",),
}  # fmt: skip
MAX_CODE = 100_000


@dataclass(frozen=True)
class Call:
    """``name(**args)`` of the module ``pyautogui`` or, for what that lacks, ``computer``."""

    name: str
    args: Mapping[str, Literal] = field(default_factory=dict)
    module: str = "pyautogui"

    def code(self, spread: bool = False) -> str:
        """One line of Python; a lone count stands without its name.

        ``spread`` writes the keys of a chord one by one, as pyautogui itself takes them; AgentNet writes a list.
        """
        keys = self.args.get("keys")
        if spread and self.name == "hotkey" and isinstance(keys, list):
            return f"{self.module}.hotkey({', '.join(map(repr, keys))})"
        if list(self.args) == ["clicks"]:
            return f"{self.module}.{self.name}({self.args['clicks']!r})"
        given = ", ".join(f"{key}={_written(value)}" for key, value in self.args.items())
        return f"{self.module}.{self.name}({given})"

    @property
    def point(self) -> Point | None:
        x, y = self.args.get("x"), self.args.get("y")
        if isinstance(x, (int, float)) and isinstance(y, (int, float)):
            return Point(float(x), float(y))
        return None


def _written(value: Literal) -> str:
    return f"{round(value, 4):.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else repr(value)


def calls_of(action: Step, places: Sequence[Point]) -> list[Call]:
    """The calls of a step at its places, in whatever unit these are; empty for what is no input.

    Secret text is what the step holds in its place. ``triple`` clicks, waits and the end are ``computer`` calls.
    """
    at = [{"x": place.x, "y": place.y} for place in places]
    match action:
        case Click():
            return [_click(action, at[0])] if at else []
        case Drag():
            return [Call("moveTo", at[0]), Call("dragTo", {**at[1], "button": "left"})] if len(at) == 2 else []
        case Scroll(direction, amount, _):
            signed = amount if direction in ("up", "right") else -amount
            turn = Call("scroll" if direction in ("up", "down") else "hscroll", {"clicks": signed})
            return [*([Call("moveTo", at[0])] if at else []), turn]
        case TypeText(text, _, _):
            return [*([Call("click", at[0])] if at else []), Call("write", {"message": text})]
        case Hotkey(keys):
            named: list[Literal] = [_TO_PYAUTOGUI.get(key, key) for key in keys]
            return [Call("press" if len(named) == 1 else "hotkey", {"keys": named})]
        case Wait():
            return [Call("wait", module="computer")]
        case Finish(success, _):
            return [Call("terminate", {"status": "success" if success else "failure"}, "computer")]
    return []


def _click(action: Click, at: dict[str, float]) -> Call:
    if action.button != "left":
        extra: dict[str, Literal] = {} if action.count == 1 else {"clicks": action.count, "button": action.button}
        return Call("click" if extra else f"{action.button}Click", {**at, **extra})
    if action.count == 3:
        return Call("tripleClick", at, "computer")
    return Call("click" if action.count == 1 else "doubleClick", at)


def read_calls(code: str) -> list[Call]:
    """The calls of a text of one call a line. Raises BadInput for anything that is not a call with literals."""
    if len(code) > MAX_CODE:
        raise BadInput(f"an action has {len(code)} characters; at most {MAX_CODE} are read")
    try:
        body = ast.parse(code.strip()).body
        return [_read(statement) for statement in body]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise BadInput(f"this action is not made of plain calls: {code[:80]!r}") from error


def _read(statement: ast.stmt) -> Call:
    if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Call):
        raise ValueError("no call")
    call = statement.value
    if not isinstance(call.func, ast.Attribute) or not isinstance(call.func.value, ast.Name):
        raise ValueError("no call of a module")
    name, args = call.func.attr, [_value(arg) for arg in call.args]
    named = {word.arg: _value(word.value) for word in call.keywords if word.arg}
    if name == "hotkey" and args:
        named["keys"] = args[0] if isinstance(args[0], list) else args
    else:
        named = dict(zip(_POSITIONAL.get(name, ()), args, strict=False)) | named
    return Call(name, named, call.func.value.id)


def _value(node: ast.expr) -> Literal:
    if isinstance(node, ast.Constant) and (node.value is None or isinstance(node.value, (str, int, float))):
        return node.value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        number = _value(node.operand)
        if isinstance(number, (int, float)):
            return -number
    if isinstance(node, (ast.List, ast.Tuple)):
        return [_value(item) for item in node.elts]
    raise ValueError("no literal")


@dataclass(frozen=True, slots=True)
class Placed:
    """A step with its places, in the unit of the calls."""

    action: Step
    places: tuple[Point, ...]


_BUTTONS: dict[str, Button] = {"left": "left", "right": "right", "middle": "middle"}
_CLICKS = {"click": 1, "leftClick": 1, "doubleClick": 2, "tripleClick": 3, "rightClick": 1, "middleClick": 1}


def steps_of(calls: Sequence[Call], words: str) -> list[Placed]:
    """The steps that calls stand for; ``words`` name every place. A bare move goes into the call after it.

    Raises BadInput naming a call that has no counterpart.
    """
    found: list[Placed] = []
    moved: Point | None = None
    for call in calls:
        if call.name == "moveTo":
            moved = call.point
            continue
        found += _steps(call, moved, words)
        moved = None
    return found


def _steps(call: Call, moved: Point | None, words: str) -> list[Placed]:
    place = call.point or moved
    if call.name in _CLICKS:
        if place is None:
            raise BadInput(f"{call.code()[:80]} does not say where")
        return [Placed(_clicked(call, words), (place,))]
    if call.name == "dragTo":
        if moved is None or call.point is None:
            raise BadInput(f"{call.code()[:80]} does not say from where to where")
        return [Placed(Drag(words, words), (moved, call.point))]
    if call.name in ("scroll", "hscroll", "vscroll"):
        return [Placed(_scrolled(call, words if place else None), (place,) if place else ())]
    return [Placed(step, ()) for step in _keyed(call)]


def _clicked(call: Call, words: str) -> Click:
    count = call.args.get("clicks", _CLICKS[call.name])
    named = call.args.get("button", {"rightClick": "right", "middleClick": "middle"}.get(call.name, "left"))
    button = _BUTTONS.get(str(named))
    if button is None or count not in (1, 2, 3):
        raise BadInput(f"{call.code()[:80]} is no click this version knows")
    return Click(words, button, 1 if count == 1 else 2 if count == 2 else 3)


def _scrolled(call: Call, target: str | None) -> Scroll:
    clicks = call.args.get("clicks")
    if not isinstance(clicks, (int, float)) or not clicks:
        raise BadInput(f"{call.code()[:80]} does not say how far")
    amount = min(100, max(1, round(abs(clicks))))
    if call.name == "hscroll":
        return Scroll("right" if clicks > 0 else "left", amount, target)
    return Scroll("up" if clicks > 0 else "down", amount, target)


def _keyed(call: Call) -> list[Step]:
    if call.name in ("write", "typewrite"):
        text = call.args.get("message")
        return [TypeText(str(text))] if text else []
    if call.name in ("press", "hotkey"):
        keys = call.args.get("keys", call.args.get("key"))
        names = [_key(str(key)) for key in (keys if isinstance(keys, list) else [keys])]
        return [Hotkey(tuple(names))] if call.name == "hotkey" else [Hotkey((name,)) for name in names]
    if call.name in ("wait", "sleep"):
        seconds = call.args.get("seconds")
        return [Wait(float(seconds) if isinstance(seconds, (int, float)) else 1.0)]
    if call.name == "terminate":
        return [Finish(call.args.get("status") != "failure")]
    raise BadInput(f"{call.module}.{call.name} has no counterpart")


def _key(name: str) -> str:
    low = name.lower()
    return _FROM_PYAUTOGUI.get(low, low)
