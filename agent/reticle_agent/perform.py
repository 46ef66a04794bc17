"""One step on the desktop: locate, approve, re-check, act, look at the effect."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from reticle_grounding.errors import BadInput, Cancelled, ReticleError
from reticle_grounding.geometry import Size

from .actions import (
    AskUser,
    Click,
    ClickAt,
    Drag,
    DragTo,
    EnterText,
    Hotkey,
    Input,
    PressKeys,
    Scroll,
    ScrollAt,
    TypeText,
)
from .applications import AppGuard, AppWindow, reason_to_ask
from .effects import EFFECT_WORDS, Judgement, expectation, judge
from .gates import RefusedError
from .locate import Located, Locator, NotFoundError, capture_point
from .recheck import SAME, crop_around, crop_sha, similarity
from .safety import Policy, decide, describe
from .seams import Actuator, Approval, ApprovalRequest, Approver, Frame, Screen, TraceSink
from .settle import settle_after
from .stop import StopToken
from .trace.fields import Fields, act_fields, act_point, choose_fields, effect_fields, nudge_fields

Deed: TypeAlias = Click | Drag | Scroll | TypeText | Hotkey
"""Steps that send something to the desktop."""

DRAG_ENDS = (" - from here", " - to here")
CHANGED = "the target changed after it was approved"
RESTLESS = "the target keeps changing"
NOTHING_HAPPENED = "nothing changed after the last click; this is the next likely place"


class StepRefusedError(Exception):
    """The person or a rule said no."""

    SKIPPED = "skipped"


class Witness(Protocol):
    """Knows more of the targets than their words, such as a recording of the same steps."""

    def pick(self, number: int, index: int, place: Located) -> tuple[int, str | None]:
        """For target ``index`` of step ``number``: the candidate to take, and why that is not sure; None when it is."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """Targets that were approved and are still there."""

    places: tuple[Located, ...]
    frame: Frame
    """The last capture before the input."""
    similarity: float | None
    """The lowest of the targets; None without a target."""


class Performer:
    """Does the deeds of one run."""

    def __init__(
        self,
        screen: Screen,
        locator: Locator,
        approver: Approver | None,
        actuator: Actuator,
        trace: TraceSink,
        policy: Policy,
        token: StopToken,
        guard: AppGuard | None = None,
        rest: Callable[[], None] = lambda: None,
        witness: Witness | None = None,
    ) -> None:
        self._guard, self._rest, self._witness = guard, rest, witness
        self._screen, self._locator, self._approver, self._actuator = screen, locator, approver, actuator
        self._trace, self._policy, self._token = trace, policy, token

    def perform(self, step: Deed, number: int) -> str:
        """Returns what there is to say about it. Raises NotFoundError, StepRefusedError, Cancelled or ReticleError."""
        checked = self._approved(step, number) if targets(step) else self._approved_blind(step, number)
        self._act(step, checked, number)
        if self._policy.mode == "dry-run":
            self._trace.event("check", step=number, effect="unverifiable", method="dry run")
            return "dry run: nothing was sent"
        done = self._check(step, checked, number)
        return EFFECT_WORDS.get(self._try_others(step, checked, done, number).effect, "")

    def _try_others(self, step: Deed, checked: Checked, done: Judgement, number: int) -> Judgement:
        """After a click without any effect: the next candidates, each asked about first, at most ``policy.retries``.

        Only clicks with one place are tried elsewhere: text or a drag could be half done. A refusal is no failure of
        the step, it ends the trying. Returns the last judgement.
        """
        tried = {place.chosen for place in checked.places}
        for _ in range(self._policy.retries if isinstance(step, Click) and self._approver is not None else 0):
            place = checked.places[0]
            following = next((i for i in range(len(place.grounding.candidates)) if i not in tried), None)
            if done.effect != "no_change" or following is None:
                break
            self._trace.event("choose", step=number, **choose_fields(place.grounding, following, "verifier"))
            try:
                place, _ = self._agreed(step, place.picking(following), 0, number, NOTHING_HAPPENED)
            except StepRefusedError:
                break
            checked = self._recheck((place,), number)
            if not _unchanged(checked):
                break
            tried.add(place.chosen)
            self._act(step, checked, number)
            done = self._check(step, checked, number)
        return done

    def ask(self, step: AskUser, number: int) -> str:
        """The person's words. Raises ReticleError when nobody answers."""
        answer = self._approver.answer(step.question) if self._approver is not None else None
        self._trace.event("act", step=number, **act_fields(step), delivered="sent" if answer else "refused")
        if not answer:
            raise ReticleError(f"nobody answered the question: {step.question}")
        return answer

    def _approved(self, step: Deed, number: int) -> Checked:
        """Approval and re-check; a target that changed is grounded again once, then the person decides.

        One end of a drag after the other, so that each choice is recorded with the grounding it is about.
        """
        places: tuple[Located, ...] = ()
        by_person = False
        for name in targets(step):
            found = self._locator.locate(name, number, self._approver)
            found, doubt = self._witnessed(found, len(places), number)
            place, asked = self._agreed(step, found, len(places), number, doubt)
            places, by_person = (*places, place), by_person or asked
        checked = self._recheck(places, number)
        if _unchanged(checked):
            return checked
        because = CHANGED if by_person else None
        fresh: tuple[Located, ...] = ()
        for place in places:
            found = self._ground_again(place, checked.frame, number)
            found, doubt = self._witnessed(found, len(fresh), number)
            fresh = (*fresh, self._agreed(step, found, len(fresh), number, because or doubt)[0])
        checked = self._recheck(fresh, number)
        if _unchanged(checked):
            return checked
        last = tuple(self._agreed(step, place, i, number, RESTLESS)[0] for i, place in enumerate(fresh))
        checked = self._recheck(last, number)
        if any(place.frame.image.size != checked.frame.image.size for place in last):
            raise ReticleError("the screen changed its size meanwhile; start the task again")
        return checked

    def _witnessed(self, place: Located, index: int, number: int) -> tuple[Located, str | None]:
        """The place that the witness picks, and its doubt."""
        if self._witness is None:
            return place, None
        chosen, doubt = self._witness.pick(number, index, place)
        if chosen != place.chosen:
            self._trace.event("choose", step=number, **choose_fields(place.grounding, chosen, "verifier"))
        return place.picking(chosen), doubt

    def _approved_blind(self, step: Deed, number: int) -> Checked:
        frame, _ = self._locator.observe(number)
        approval = self._gate(step, None, frame, describe(step), number)
        if approval.source == "user":  # the screen went on while the person read
            frame = self._screen.capture(frame.display.id)
        return Checked((), frame, None)

    def _agreed(
        self, step: Deed, place: Located, index: int, number: int, because: str | None = None
    ) -> tuple[Located, bool]:
        """The place as approved (the person may pick another), and whether it was the person who approved it."""
        name, words = targets(step)[index], place.grounding.instruction
        renamed = f" (looked for as '{words}')" if words.strip() != name.strip() else ""
        end = DRAG_ENDS[index] if isinstance(step, Drag) else ""
        description = describe(step, place.candidate) + renamed + end
        approval = self._gate(step, place, place.frame, description, number, because)
        if approval.chosen is not None and approval.chosen != place.chosen:
            self._trace.event("choose", step=number, **choose_fields(place.grounding, approval.chosen, "user"))
            place = place.picking(approval.chosen)
            self._obey(step, place, description, number)
        if approval.point is not None:
            place = place.aiming(approval.point)
            fields = nudge_fields(place.grounding, approval.point)
            self._trace.event("choose", step=number, **fields)
        return place, approval.source == "user"

    def _gate(
        self,
        step: Deed,
        place: Located | None,
        frame: Frame,
        description: str,
        number: int,
        because: str | None = None,
    ) -> Approval:
        """An approval that allows. ``because`` asks whatever the mode. Raises StepRefusedError or Cancelled."""
        self._token.check()
        self._obey(step, place, description, number)
        candidate = place.candidate if place else None
        rule = self._policy.reason_to_ask(step, candidate, place.grounding.instruction if place else "")
        there = reason_to_ask(step, self._window(place))
        reason = "; ".join(why for why in (because, rule, there) if why) or None
        request = ApprovalRequest(
            step=step,
            description=description,
            frame=frame,
            grounding=place.grounding if place else None,
            chosen=place.chosen if place else None,
            reason=reason or self._policy.mode,
        )
        start = time.monotonic()
        approval = decide(self._policy, self._approver, request, reason)
        self._trace.event(
            "gate",
            step=number,
            rule=request.reason,
            question=request.description,
            decision=approval.decision,
            source=approval.source,
            latency_ms=(time.monotonic() - start) * 1000,
        )
        self._heed(approval.decision, approval.source, because)
        return approval

    def _obey(self, step: Deed, place: Located | None, description: str, number: int) -> None:
        """What a rule forbids is not even asked about. Raises StepRefusedError."""
        candidate, words = (place.candidate, place.grounding.instruction) if place else (None, "")
        why = self._policy.refusal(step, candidate, words)
        if why is None and self._guard is not None:
            why = self._guard.refusal(step, self._window(place))
        if why is not None:
            self._trace.event(
                "gate", step=number, rule=why, question=description, decision="deny", source="policy", latency_ms=0.0
            )
            raise StepRefusedError(why)

    def _window(self, place: Located | None) -> AppWindow | None:
        """The window the input would reach, where applications are told apart."""
        return self._guard.window(place.pixel if place else None) if self._guard is not None else None

    def _heed(self, decision: str, source: str, because: str | None) -> None:
        if decision == "stop":
            self._token.stop("button", "stopped by the person")
        self._token.check()
        if decision == "skip":
            raise StepRefusedError(StepRefusedError.SKIPPED)
        if decision != "allow":
            nobody = "nobody was there to approve it" if source == "none" else "it was refused"
            raise StepRefusedError(f"{nobody} ({because})" if because else nobody)

    def _recheck(self, places: tuple[Located, ...], number: int) -> Checked:
        """Captures once more and compares each target with what was grounded; a change is noted in the trace.

        The person's hands rest first: what they still do could change what is compared.
        """
        self._rest()
        frame = self._screen.capture(places[0].frame.display.id)
        scores = []
        for place in places:
            same_size = frame.image.size == place.frame.image.size
            region = place.candidate.region
            scores.append(
                similarity(crop_around(place.frame.image, region), crop_around(frame.image, region))
                if same_size
                else 0.0
            )
        checked = Checked(places, frame, min(scores))
        if not _unchanged(checked):
            self._trace.event("note", step=number, about="target_changed", similarity=checked.similarity)
        return checked

    def _ground_again(self, place: Located, frame: Frame, number: int) -> Located:
        words = place.grounding.instruction
        located = self._locator.ground(words, frame, self._trace.frame(frame.image), number)
        if located is None:
            raise NotFoundError(words)
        return located

    def _act(self, step: Deed, checked: Checked, number: int) -> None:
        fields = act_fields(step) | _place_fields(checked)
        start = time.monotonic()
        delivered = "error"
        try:
            if self._policy.mode == "dry-run":
                delivered = "dry_run"
                return
            self._token.check()
            for action in inputs(step, checked.places):
                self._actuator.perform(action)
            delivered = "sent"
        except (Cancelled, BadInput, RefusedError):
            delivered = "refused"
            raise
        finally:
            ms = (time.monotonic() - start) * 1000
            self._trace.event("act", step=number, **fields, delivered=delivered, ms=ms)

    def _check(self, step: Deed, checked: Checked, number: int) -> Judgement:
        settled = settle_after(self._screen, self._token, checked.frame)
        done = judge(checked.frame, settled.frame, [p.candidate.region for p in checked.places])
        self._trace.event(
            "check",
            step=number,
            expect=expectation(step),
            frame_after=self._trace.frame(settled.frame.image),
            stable=settled.stable,
            ms=settled.wait_ms,
            **effect_fields(done.effect, done.method, done.change, Size(*settled.frame.image.size)),
        )
        return done


def _unchanged(checked: Checked) -> bool:
    return checked.similarity is not None and checked.similarity >= SAME


def targets(step: Deed) -> tuple[str, ...]:
    """The words that must be found on the screen, in the order they are used."""
    if isinstance(step, Drag):
        return (step.source, step.destination)
    if isinstance(step, Hotkey) or step.target is None:
        return ()
    return (step.target,)


def inputs(step: Deed, places: tuple[Located, ...]) -> list[Input]:
    """What is sent for a step whose targets have been found."""
    pixels = [place.pixel for place in places]
    if isinstance(step, Click):
        return [ClickAt(pixels[0], step.button, step.count)]
    if isinstance(step, Drag):
        return [DragTo(pixels[0], pixels[1])]
    if isinstance(step, Scroll):
        return [ScrollAt(step.direction, step.amount, pixels[0] if pixels else None)]
    if isinstance(step, TypeText):
        return [*([ClickAt(pixels[0])] if pixels else []), EnterText(step.text)]
    return [PressKeys(step.keys)]


def _place_fields(checked: Checked) -> Fields:
    """The pixels' centres in all spaces, and the re-check."""
    if not checked.places:
        return {}
    first, last = checked.places[0], checked.places[-1]
    fields: Fields = {
        "point": act_point(first.frame, first.grounding, capture_point(first.frame, first.pixel)),
        "pre_crop_sha": crop_sha(crop_around(checked.frame.image, first.candidate.region)),
        "recheck": {"similarity": checked.similarity, "passed": _unchanged(checked)},
    }
    if len(checked.places) > 1:
        fields["end_point"] = act_point(last.frame, last.grounding, capture_point(last.frame, last.pixel))
    return fields
