"""Going on where a recorded run ended: what was done is read from its trace, nothing of it is done again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from reticle_grounding.errors import BadInput

from .actions import AskUser, TypeText
from .effects import EFFECT_WORDS
from .perform import StepRefusedError
from .planner.endpoint.tools import HIDDEN_TEXT, RefusedCallError, as_call, read_call
from .seams import StepOutcome, TraceSink
from .trace import StepEvents, TraceReader
from .trace.plain import JsonValue
from .trace.redact import Redactor

CONTINUED = "continued"
"""``about`` of the note that holds the outcomes of the runs before."""
_HALF = frozenset({"type", "drag"})
"""Kinds of ``act`` that may be done in part."""
_STATUSES: dict[str, Literal["done", "refused", "not_found", "failed"]] = {
    "done": "done", "refused": "refused", "not_found": "not_found", "failed": "failed",
}  # fmt: skip
_UNKNOWN_ANSWER = "it was answered before the pause; the answer is not recorded"


def outcomes_of(trace: TraceReader, task: str, secrets: Iterable[str] = ()) -> tuple[StepOutcome, ...]:
    """The steps that were carried out, skipped or missed for ``task``, those of the runs it continued included.

    ``secrets`` are those of the task, which a trace holds masked. The last step is left out if nothing was sent for it.
    Raises BadInput for a trace of another task, and where what was done cannot be told: nothing, or half a step.
    """
    redactor = Redactor()
    for secret in secrets:
        redactor.add(secret)
    if redactor.text(task) != trace.task:
        raise BadInput(f"the trace in {trace.folder} is of another task; give the same words to continue it")
    if any(event.get("delivered") == "dry_run" for event in trace):
        raise BadInput(f"nothing was done in {trace.folder}: it was a dry run")
    done = [
        _read(entry, str(entry.get("status")), str(entry.get("message", "")))
        for event in trace
        if event.get("about") == CONTINUED
        for entry in event.objects("outcomes")
    ]
    planned = sorted((step for step in trace.steps() if step.last("plan")), key=lambda step: step.number)
    for step in planned:
        if _is_end(step) or (step is planned[-1] and not _sent(step)):
            break
        done.append(_outcome(step))
    if not done:
        raise BadInput(f"nothing was done in {trace.folder}, so there is nothing to continue")
    return tuple(done)


def note_continued(trace: TraceSink, past: Sequence[StepOutcome]) -> None:
    """Writes the ``note`` with which a continued run begins."""
    outcomes = [
        {**as_call(one.step), "status": one.status, "message": "" if isinstance(one.step, AskUser) else one.message}
        for one in past
    ]
    trace.event("note", about=CONTINUED, message=f"continues after {len(past)} steps", outcomes=outcomes)


def _is_end(step: StepEvents) -> bool:
    plan = step.last("plan")
    return plan is not None and plan.text("subgoal") == "Finish"


def _sent(step: StepEvents) -> bool:
    """Whether the step was carried out. Raises BadInput for half a step."""
    act = step.last("act")
    if act is None or act.text("delivered") == "sent":
        return act is not None
    if act.text("kind") in _HALF and act.text("delivered") in ("refused", "error"):
        raise BadInput(f"step {step.number + 1} was interrupted and may be half done; start the task again")
    return False


def _outcome(step: StepEvents) -> StepOutcome:
    plan, ground, gate, check = (step.last(kind) for kind in ("plan", "ground", "gate", "check"))
    call = plan.object("call") if plan else {}
    if not _sent(step):
        if gate is not None and gate.text("decision") == "skip":
            return _read(call, "refused", StepRefusedError.SKIPPED)
        missed = ground is not None and ground.get("found") is False
        return _read(call, "not_found" if missed else "failed", "it was not carried out")
    words = {str(effect): said for effect, said in EFFECT_WORDS.items()}
    outcome = _read(call, "done", words.get(check.text("effect"), "") if check else "")
    return StepOutcome(outcome.step, "failed", _UNKNOWN_ANSWER) if isinstance(outcome.step, AskUser) else outcome


def _read(call: Mapping[str, JsonValue], status: str, message: str) -> StepOutcome:
    """A recorded call, checked like one of a model."""
    arguments = call.get("arguments")
    try:
        step = read_call(str(call.get("tool", "")), json.dumps(arguments))
    except RefusedCallError as problem:
        raise BadInput(f"a step of the trace cannot be read and so cannot be continued: {problem}") from None
    if isinstance(step, TypeText) and step.text == HIDDEN_TEXT:
        step = replace(step, secret=True)
    return StepOutcome(step, _STATUSES.get(status, "failed"), message)
