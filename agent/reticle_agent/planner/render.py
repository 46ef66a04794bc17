"""Steps -> words that :func:`reticle_agent.planner.parse` reads back as the same steps."""

from __future__ import annotations

from reticle_agent.actions import AskUser, Click, Drag, Finish, Hotkey, Scroll, Step, TypeText, Wait

from .keys import spell
from .lexer import QUOTES

_COUNTS = {1: "", 2: "double-", 3: "triple-"}


def quote(text: str) -> str:
    """Puts marks around ``text`` that it does not hold itself. Raises ValueError when it holds all of them."""
    for opening in ('"', "“", "«", "`", "„"):
        closing = QUOTES[opening]
        if not any(mark in text for mark in closing):
            return f"{opening}{text}{closing[0]}"
    raise ValueError("the text holds every kind of quotation mark")


def render(step: Step) -> str:
    """One step in words. Secret text is written out: show the result only where the step itself may be shown."""
    match step:
        case Click(target, button, count):
            words = f"{_COUNTS[count]}{button}-click" if button != "left" else f"{_COUNTS[count]}click"
            return f"{words} {quote(target)}"
        case Drag(source, destination):
            return f"drag {quote(source)} to {quote(destination)}"
        case Scroll(direction, amount, target):
            return f"scroll {direction} {amount}" + (f" in {quote(target)}" if target is not None else "")
        case TypeText(text, target, secret):
            words = "type the secret " if secret else "type "
            return words + quote(text) + (f" into {quote(target)}" if target is not None else "")
        case Hotkey(keys):
            return f"press the keys {quote(spell(keys))}"
        case Wait(seconds):
            return f"wait {seconds!r} seconds"
        case AskUser(question):
            return f"ask {quote(question)}"
        case Finish(success, message):
            words = "finish" if success else "give up"
            return f"{words} {quote(message)}" if message else words
