"""Sentences of the layers below in the language in use. What is not known here is shown as it came, in English."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from reticle_agent.actions import Click, Drag, Hotkey, Scroll, Step, TypeText
from reticle_agent.safety import describe
from reticle_agent.seams import ApprovalRequest
from reticle_grounding.types import Candidate

from .translations import QT_TR_NOOP, tr

SENTENCES: tuple[tuple[str, str], ...] = (
    # why a person is asked
    (r"'(?P<word>.+)' may have consequences", QT_TR_NOOP("'{word}' may have consequences")),
    (r"confirm mode asks before every input", QT_TR_NOOP("confirm mode asks before every input")),
    (
        r"not sure enough: (?P<have>\S+) is below (?P<need>\S+?)(?: \((?P<why>.+)\))?",
        QT_TR_NOOP("not sure enough: {have} is below {need}"),
    ),
    (r"everything is asked about", QT_TR_NOOP("everything is asked about")),
    (r"nothing says which application this is", QT_TR_NOOP("nothing says which application this is")),
    (r"the window's title says '(?P<word>.+)'", QT_TR_NOOP("the window's title says '{word}'")),
    # how a run or a step ended
    (r"stopped by you", QT_TR_NOOP("stopped by you")),
    (r"stopped by the person", QT_TR_NOOP("stopped by you")),
    (r"stopped: you pressed a key", QT_TR_NOOP("stopped: you pressed a key")),
    (r"stopped: you pressed a mouse button", QT_TR_NOOP("stopped: you pressed a mouse button")),
    (r"stopped: you moved the mouse", QT_TR_NOOP("stopped: you moved the mouse")),
    (r"it was refused", QT_TR_NOOP("it was refused")),
    (r"skipped", QT_TR_NOOP("skipped")),
    (r"nobody was there to approve it", QT_TR_NOOP("nobody was there to approve it")),
    (r"the limit of (?P<count>\S+) steps is reached", QT_TR_NOOP("the limit of {count} steps is reached")),
    (r"the limit of (?P<count>\S+) seconds is reached", QT_TR_NOOP("the limit of {count} seconds is reached")),
    (r"a rule forbids '(?P<word>.+)'", QT_TR_NOOP("a rule forbids '{word}'")),
    (r"a rule forbids this kind of input \((?P<kind>.+)\)", QT_TR_NOOP("a rule forbids this kind of input ({kind})")),
)
"""Pattern of a whole sentence, and how it is said here."""
DEEDS: tuple[tuple[str, str], ...] = (
    (r"click (?P<what>.+)", QT_TR_NOOP("click {what}")),
    (r"double-click (?P<what>.+)", QT_TR_NOOP("double-click {what}")),
    (r"triple-click (?P<what>.+)", QT_TR_NOOP("triple-click {what}")),
    (r"right-click (?P<what>.+)", QT_TR_NOOP("right-click {what}")),
    (r"middle-click (?P<what>.+)", QT_TR_NOOP("middle-click {what}")),
    (r"press (?P<what>.+)", QT_TR_NOOP("press {what}")),
    (r"type (?P<what>.+) into (?P<where>.+)", QT_TR_NOOP("type {what} into {where}")),
    (r"type (?P<what>.+)", QT_TR_NOOP("type {what}")),
    (r"drag (?P<what>.+) to (?P<where>.+)", QT_TR_NOOP("drag {what} to {where}")),
    (r"scroll up (?P<what>.+)", QT_TR_NOOP("scroll up {what}")),
    (r"scroll down (?P<what>.+)", QT_TR_NOOP("scroll down {what}")),
    (r"wait (?P<what>.+) s", QT_TR_NOOP("wait {what} s")),
    (r"ask (?P<what>.+)", QT_TR_NOOP("ask {what}")),
)
"""What was done in a step, as :func:`reticle_agent.trace.words.act_words` says it."""
DIRECTIONS = {
    "up": QT_TR_NOOP("up"),
    "down": QT_TR_NOOP("down"),
    "left": QT_TR_NOOP("left"),
    "right": QT_TR_NOOP("right"),
}
_KNOWN, _DEEDS = (
    tuple((re.compile(pattern, re.DOTALL), words) for pattern, words in rows) for rows in (SENTENCES, DEEDS)
)


def relayed(text: str) -> str:
    """One or more sentences, parted by "; "."""
    return "; ".join(_one(part, _KNOWN) for part in text.split("; "))


def deed_words(text: str) -> str:
    """One deed of a recorded run."""
    return _one(text, _DEEDS)


def _one(text: str, known: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, words in known:
        found = pattern.fullmatch(text)
        if found is not None and tr(words) != words:
            named = found.groupdict()
            why = named.pop("why", None)
            return tr(words).format(**named) + (f" ({why})" if why else "")
    return text


def description_of(request: ApprovalRequest) -> str:
    """What will be done, as the request says it, with nothing left out."""
    chosen, grounding = request.chosen, request.grounding
    candidate = grounding.candidates[chosen] if grounding is not None and chosen is not None else None
    english = describe(request.step, candidate)
    if not request.description.startswith(english):
        return request.description
    return step_words(request.step, candidate) + request.description.removeprefix(english)


def step_words(step: Step, candidate: Candidate | None) -> str:
    """What :func:`reticle_agent.safety.describe` says, in the language in use."""
    match step:
        case Click(target, button, count):
            return tr("{click} {place}").format(click=click_words(button, count), place=_place(target, candidate))
        case Drag(source, destination):
            return tr("Drag '{source}' to '{destination}'").format(source=source, destination=destination)
        case Scroll(direction, amount, target):
            words = tr("Scroll {direction} by {amount}").format(direction=tr(DIRECTIONS[direction]), amount=amount)
            return words + (tr(" over {place}").format(place=_place(target, candidate)) if target else "")
        case TypeText(target=target):
            # the text stands as it is shown there, with line ends marked and the end of a long one
            text = describe(replace(step, target=None)).removeprefix("Type ").removesuffix(" where the cursor is")
            where = (
                tr(" into {place}").format(place=_place(target, candidate)) if target else tr(" where the cursor is")
            )
            return tr("Type {text}").format(text=text) + where
        case Hotkey(keys):
            return tr("Press {keys}").format(keys="+".join(keys))
    return describe(step, candidate)


def click_words(button: str, count: int) -> str:
    """The name of a click."""
    if button != "left":
        return tr("Right-click") if button == "right" else tr("Middle-click")
    return {1: tr("Click"), 2: tr("Double-click"), 3: tr("Triple-click")}[count]


def _place(words: str, candidate: Candidate | None) -> str:
    if candidate is None:
        return f"'{words}'"
    at = candidate.point
    read = tr(', which reads "{text}",').format(text=candidate.text) if candidate.text else ""
    where = tr("at {x}, {y} (sure to {p})").format(x=f"{at.x:.0f}", y=f"{at.y:.0f}", p=f"{candidate.p_true:.0%}")
    return f"'{words}'{read} {where}"
