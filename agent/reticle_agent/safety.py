"""What may be done without asking, and how it is asked. Rules are data and are tested one by one.

Modes: ``dry-run`` sends nothing and records everything; ``confirm`` asks before every input; ``auto`` asks only where a
rule says so. Nobody to ask, an approver that fails, or an answer that is not an explicit ``allow`` means no.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from reticle_grounding.errors import BadInput, Cancelled
from reticle_grounding.geometry import Point, Rect
from reticle_grounding.risk_curve import RiskCurve, calibration_digest
from reticle_grounding.types import Candidate

from .actions import Click, Drag, Hotkey, Scroll, Step, TypeText
from .provenance import UserWords
from .seams import Announcer, Approval, ApprovalRequest, Approver

Mode: TypeAlias = Literal["dry-run", "confirm", "auto"]
MODES: tuple[Mode, ...] = ("dry-run", "confirm", "auto")

CONSEQUENCE_WORDS = (
    "accept", "agree", "allow", "approve", "authorize", "bid", "book", "buy", "cancel subscription", "checkout",
    "confirm", "delete", "deploy", "discard", "donate", "empty trash", "erase", "factory reset", "format disk", "grant",
    "install", "log out", "logout", "order", "overwrite", "pay", "permanently", "place order", "post", "publish",
    "purchase", "remove", "replace all", "reply all", "reset", "restart", "send", "share", "shut down", "shutdown",
    "sign", "submit", "subscribe", "transfer", "trash", "uninstall", "unsubscribe", "upload", "wipe", "withdraw",
)  # fmt: skip
"""A target or a step with one of these is always asked about, whatever the mode."""
_ANY_WORD = "|".join(re.escape(w).replace(r"\ ", r"\s+") for w in sorted(CONSEQUENCE_WORDS, key=len, reverse=True))
_CONSEQUENCE = re.compile(rf"\b({_ANY_WORD})\b", re.IGNORECASE)
_JOINED = re.compile(r"_|(?<=[a-z])(?=[A-Z])")
"""Where one word ends and the next begins without a space."""
_CHORDS = (("delete",), ("shift", "delete"), ("alt", "f4"), ("ctrl", "enter"), ("ctrl", "alt", "delete"))
CONSEQUENCE_CHORDS = frozenset(frozenset(chord) for chord in _CHORDS)
_SAME = {"-": "−–—", "*": "×✕·", "/": "÷", "+": "", "=": "", "%": ""}
_SIGNS = {sign: name for name, others in _SAME.items() for sign in (name, *others)}
"""Signs that mean the same have one name; reading mixes them up."""
_BESIDE_SIGNS = frozenset({"the", "a", "button", "key", "digit", "number", "sign"})
SHOWN_TEXT = 60
SHOWN_END = 15
NOBODY_MEASURED = 1.01
"""A threshold that no ``p_true`` reaches."""
Kind: TypeAlias = Literal["click", "drag", "scroll", "type", "keys"]
KINDS: dict[Kind, type[Step]] = {"click": Click, "drag": Drag, "scroll": Scroll, "type": TypeText, "keys": Hotkey}
"""What a person can forbid."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one run. Raises BadInput for limits that allow nothing."""

    mode: Mode = "confirm"
    max_steps: int = 30
    max_seconds: float = 300.0
    """Wall-clock time of the run, waiting for the person not counted."""
    ask_below: float = 0.0
    """In ``auto``, a target with a lower ``p_true`` is asked about; above 1 all are."""
    ask_because: str = ""
    """What ``ask_below`` rests on, for the question."""
    told: UserWords | None = None
    """The user's own words, where a model plans: a step that they do not name is asked about, whatever the mode."""
    forbidden_kinds: frozenset[Kind] = frozenset()
    """Kinds of input that are never sent; nobody is asked."""
    forbidden_words: tuple[str, ...] = ()
    """A target named with, or reading, one of these is never used; nobody is asked."""
    max_misses: int = 0
    """Steps in a row that may fail or miss their target before the run ends; for planners that can plan anew."""
    countdown_s: float = 0.0
    """In ``auto``, the chosen place is shown for so long before the input is sent, where somebody can look on."""
    retries: int = 0
    """Further candidates of a click that may be tried, each asked about first, while nothing changes on the screen."""

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise BadInput(f"the mode is one of {', '.join(MODES)}, not '{self.mode}'")
        low = min(self.max_misses, self.retries) < 0 or not self.countdown_s >= 0
        if self.max_steps < 1 or not self.max_seconds > 0 or low:
            raise BadInput(
                "the limits of a run are at least one step, more than zero seconds, "
                "and no misses, retries or countdown below zero"
            )
        unknown = self.forbidden_kinds - KINDS.keys()
        if unknown or not all(word.strip() for word in self.forbidden_words):
            raise BadInput(f"what is forbidden is one of {', '.join(KINDS)}, or words that are not empty")

    @property
    def rules_sha256(self) -> str:
        """Names the set of rules a trace was made under."""
        rules = (*CONSEQUENCE_WORDS, *sorted(self.forbidden_kinds), *self.forbidden_words)
        return hashlib.sha256("\n".join(rules).encode()).hexdigest()

    def acting_alone(self, curve: RiskCurve | None, model: str, one_wrong_in: int) -> Policy:
        """The same rules, acting alone only where ``curve`` vouches for at most one wrong answer in so many.

        Without a curve of this model and these coefficients, or without a threshold on it, everything is asked about.
        """
        if curve is None or not curve.covers(model, calibration_digest()):
            why = f"how often {model} is wrong was not measured; see `reticle eval --risk`"
            return replace(self, ask_below=NOBODY_MEASURED, ask_because=why)
        point = curve.alone(one_wrong_in)
        if point is None:
            why = f"no answer of {model} is surely wrong at most once in {one_wrong_in}"
            return replace(self, ask_below=NOBODY_MEASURED, ask_because=why)
        return replace(self, ask_below=point.p_true, ask_because=f"at most 1 wrong in {one_wrong_in}")

    def refusal(self, step: Step, candidate: Candidate | None, words: str = "") -> str | None:
        """Why the step may not be done at all, in plain words; None when it may. ``words`` as for asking."""
        kind = next((kind for kind in self.forbidden_kinds if isinstance(step, KINDS[kind])), None)
        if kind is not None:
            return f"a rule forbids this kind of input ({kind})"
        for word in self.forbidden_words:
            pattern = re.compile(rf"(?<!\w){re.escape(word.strip())}(?!\w)", re.IGNORECASE)
            if any(pattern.search(text) for text in _texts_at(step, candidate, words)):
                return f"a rule forbids '{word}'"
        return None

    def reason_to_ask(self, step: Step, candidate: Candidate | None, words: str = "") -> str | None:
        """Why the person is asked, in plain words; None when the step may be done without asking.

        ``words`` are those the target was found with, which are not the step's where the person named it anew.
        """
        word = consequence_word(step, candidate, words)
        if word is not None:
            return f"'{word}' may have consequences"
        objection = self.told.objection(step) if self.told is not None else None
        if objection is not None:
            return objection
        if candidate is not None and another_sign(words, candidate.text or ""):
            return f"it reads '{(candidate.text or '').strip()}', not '{words.strip()}'"
        if self.mode == "confirm":
            return "confirm mode asks before every input"
        if candidate is not None and candidate.p_true < self.ask_below:
            if self.ask_below > 1:
                return self.ask_because or "everything is asked about"
            because = f" ({self.ask_because})" if self.ask_because else ""
            return f"not sure enough: {candidate.p_true:.0%} is below {self.ask_below:.0%}{because}"
        return None


def consequence_word(step: Step, candidate: Candidate | None, words: str = "") -> str | None:
    """The consequence word in the step's words or in the text at the target; None when there is none.

    Text to be typed is content, not a deed, and is not searched. Read text may have lost its spaces ("DeleteAll").
    """
    if isinstance(step, Hotkey):
        return "+".join(step.keys) if frozenset(step.keys) in CONSEQUENCE_CHORDS else None
    if isinstance(step, Scroll):
        return None
    found = (match for text in _texts_at(step, candidate, words) if (match := _CONSEQUENCE.search(text)))
    first = next(found, None)
    return " ".join(first.group(0).lower().split()) if first else None


def another_sign(words: str, read: str) -> bool:
    """Whether a number or sign of arithmetic is asked for, and another one stands there: near means nothing then."""
    wanted, there = _sign(words), _sign(read)
    return wanted is not None and there is not None and wanted != there


def _sign(text: str) -> str | None:
    """The one number or sign that a text is about, in one form for those that mean the same; None for other texts."""
    said = [word for word in text.casefold().split() if word not in _BESIDE_SIGNS]
    one = said[0].strip("'\"“”‘’") if len(said) == 1 else ""
    return one.replace(",", ".") if re.fullmatch(r"\d+([.,]\d+)*", one) else _SIGNS.get(one)


def _texts_at(step: Step, candidate: Candidate | None, words: str) -> list[str]:
    """What the target is called and what is read there, also with joined words taken apart."""
    texts = [*_target_words(step), words]
    if candidate is not None:
        texts += [candidate.text or "", candidate.line or ""]
    return texts + [_JOINED.sub(" ", text) for text in texts]


def _target_words(step: Step) -> list[str]:
    if isinstance(step, Drag):
        return [step.source, step.destination]
    if isinstance(step, (Click, Scroll, TypeText)) and step.target:
        return [step.target]
    return []


class TimedApprover:
    """An approver with a clock: the time a person takes does not count against the run."""

    def __init__(self, approver: Approver) -> None:
        self._approver = approver
        self.seconds = 0.0

    def decide(self, request: ApprovalRequest) -> Approval:
        with self._clock():
            return self._approver.decide(request)

    def answer(self, question: str) -> str | None:
        with self._clock():
            return self._approver.answer(question)

    def announce(self, request: ApprovalRequest, seconds: float) -> Approval:
        looks_on = _announcer(self._approver)
        if looks_on is None:
            return Approval("allow", "policy", request.chosen)
        with self._clock():
            return looks_on.announce(request, seconds)

    @contextmanager
    def _clock(self) -> Iterator[None]:
        start = time.monotonic()
        try:
            yield
        finally:
            self.seconds += time.monotonic() - start


def decide(policy: Policy, approver: Approver | None, request: ApprovalRequest, reason: str | None) -> Approval:
    """The decision about one request; everything unclear is a refusal.

    ``reason`` is what :meth:`Policy.reason_to_ask` said. Raises Cancelled when the person stops meanwhile.
    """
    looks_on = _announcer(approver) if policy.countdown_s and request.chosen is not None else None
    if policy.mode == "dry-run" or (reason is None and looks_on is None):
        return Approval("allow", "policy", request.chosen)
    if approver is None:
        return Approval("deny", "none")
    try:
        if reason is None and looks_on is not None:
            return _checked(looks_on.announce(request, policy.countdown_s), request, silence=True)
        return _checked(approver.decide(request), request)
    except Cancelled:
        raise
    except Exception:  # a crashed approver, or an answer that is none, must never let anything through
        return Approval("deny", "none")


def _announcer(approver: object) -> Announcer | None:
    return approver if isinstance(approver, Announcer) else None


def _checked(approval: Approval, request: ApprovalRequest, *, silence: bool = False) -> Approval:
    """``silence``: nobody was asked, only told, so that the policy's own yes stands."""
    if approval.decision != "allow":
        return approval
    if approval.source != "user" and not (silence and approval.source == "policy"):
        return Approval("deny", "none")  # an approver speaks for a person; a yes of nobody is none
    chosen = request.chosen if approval.chosen is None else approval.chosen
    count = len(request.grounding.candidates) if request.grounding is not None else 0
    if chosen is not None and not 0 <= chosen < count:
        return Approval("deny", "none")
    if approval.point is not None and (chosen is None or not _on_frame(approval.point, request)):
        return Approval("deny", "none")
    return Approval("allow", approval.source, chosen, approval.point)


def _on_frame(point: Point, request: ApprovalRequest) -> bool:
    return request.grounding is not None and Rect.of_size(request.grounding.image_size).contains(point)


def describe(step: Step, candidate: Candidate | None = None) -> str:
    """One line in plain words; secret text is never shown."""
    if isinstance(step, Click):
        return f"{_click_word(step)} {_place(step.target, candidate)}"
    if isinstance(step, Drag):
        return f"Drag '{step.source}' to '{step.destination}'"
    if isinstance(step, Scroll):
        over = f" over {_place(step.target, candidate)}" if step.target else ""
        return f"Scroll {step.direction} by {step.amount}{over}"
    if isinstance(step, TypeText):
        into = f" into {_place(step.target, candidate)}" if step.target else " where the cursor is"
        return f"Type {_shown(step)}{into}"
    if isinstance(step, Hotkey):
        return f"Press {'+'.join(step.keys)}"
    return type(step).__name__


def _click_word(step: Click) -> str:
    if step.button != "left":
        return f"{step.button.capitalize()}-click"
    return {1: "Click", 2: "Double-click", 3: "Triple-click"}[step.count]


def _place(words: str, candidate: Candidate | None) -> str:
    if candidate is None:
        return f"'{words}'"
    read = f', which reads "{candidate.text}",' if candidate.text else ""
    return f"'{words}'{read} at {candidate.point.x:.0f}, {candidate.point.y:.0f} (sure to {candidate.p_true:.0%})"


def _shown(step: TypeText) -> str:
    if step.secret:
        return f"{len(step.text)} secret characters"
    text = step.text.replace("\n", "\u23ce").replace("\t", "\u21e5")  # both are keys that may confirm something
    if len(text) > SHOWN_TEXT:  # the end is shown too: it is where a line end would be hidden
        breaks = step.text.count("\n")
        lines = f", {breaks} line ends" if breaks else ""
        text = f"{text[: SHOWN_TEXT - SHOWN_END]}...{text[-SHOWN_END:]} ({len(text)} characters{lines})"
    return f"“{text}”"
