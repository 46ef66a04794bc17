"""The loop: plan, observe, ground, choose, approve, re-check, act, settle, check; every arrow is in the trace."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from reticle_grounding.errors import BadInput, Cancelled, ReticleError

from .actions import AskUser, Finish, Step, Wait
from .applications import AppGuard
from .locate import Locator, NotFoundError
from .perform import Performer, StepRefusedError, Witness
from .planner.endpoint.tools import as_call
from .resume import note_continued
from .safety import Policy, TimedApprover
from .seams import Actuator, Approver, Grounder, LimitReachedError, Planner, Screen, StepOutcome, TraceSink
from .stop import StopToken
from .trace.fields import act_fields
from .trace.store import NotRecordedError

RunStatus: TypeAlias = Literal["done", "failed", "not_found", "refused", "stopped", "limit", "error"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    status: RunStatus
    steps: int
    """Steps begun, those of a run that was continued included."""
    message: str = ""


def run_task(
    task: str,
    *,
    planner: Planner,
    screen: Screen,
    grounder: Grounder,
    approver: Approver | None,
    actuator: Actuator,
    trace: TraceSink,
    policy: Policy,
    token: StopToken,
    past: Sequence[StepOutcome] = (),
    guard: AppGuard | None = None,
    rest: Callable[[], None] = lambda: None,
    witness: Witness | None = None,
) -> RunResult:
    """Carries out a task and finishes the trace, whatever happens; the actuator stays open.

    ``past`` are the outcomes of the run that is continued; limits count from here on. ``guard`` limits what may be done
    in which application; ``rest`` waits until the person's hands rest, before a target is compared a last time. What
    ``witness`` doubts is asked about, whatever the mode.

    A run whose record can no longer be written ends at once: what is not recorded is not done.

    Raises BadInput when the planner does not understand the task (nothing is guessed). Every other ReticleError
    becomes a result; what escapes besides is a bug.
    """
    person = TimedApprover(approver) if approver is not None else None
    locator = Locator(screen, grounder, trace, token)
    performer = Performer(screen, locator, person, actuator, trace, policy, token, guard, rest, witness)
    run = _Run(task, planner, performer, policy, token, trace, person, steps=len(past), past=list(past))
    result = RunResult("error", 0, "the run ended unexpectedly")
    try:
        trace.event("task", text=task, from_="user")
        if past:
            note_continued(trace, past)
        result = run.to_the_end()
    except Cancelled as stop:
        result = RunResult("stopped", run.steps, token.message or str(stop))
    except BadInput as problem:
        result = RunResult("error", run.steps, str(problem))
        _note(trace, problem)
        if run.planning:
            raise
    except ReticleError as problem:
        result = RunResult("error", run.steps, str(problem))
        _note(trace, problem)
    finally:
        result = _ended(trace, token, result)
    return result


def _note(trace: TraceSink, problem: ReticleError) -> None:
    """Records an error, unless it is that nothing can be recorded."""
    with suppress(ReticleError):
        trace.event("error", message=str(problem))


def _ended(trace: TraceSink, token: StopToken, result: RunResult) -> RunResult:
    """Records how the run ended; where that fails, the result says so and is no success."""
    try:
        _record_stop(trace, token, result)
        trace.finish(result.status, by="user" if result.status == "stopped" else "agent")
    except ReticleError as problem:
        status = "error" if result.status in ("done", "error") else result.status
        said = dict.fromkeys(line for line in (result.message, str(problem)) if line)
        return replace(result, status=status, message="; ".join(said))
    return result


def _record_stop(trace: TraceSink, token: StopToken, result: RunResult) -> None:
    if result.status == "limit":
        token.stop("limit", result.message)
    elif result.status == "stopped":  # a part may have heard of the stop before the token did
        token.stop("button", result.message)
    report = token.report()
    if report is not None:
        trace.event("stop", **report.fields())


@dataclass
class _Run:
    """One task from its first step to its last."""

    task: str
    planner: Planner
    performer: Performer
    policy: Policy
    token: StopToken
    trace: TraceSink
    person: TimedApprover | None
    steps: int = 0
    planning: bool = False
    """Whether the planner is at work, so that its BadInput can be told from others."""
    past: list[StepOutcome] = field(default_factory=list)
    started_s: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.earlier = len(self.past)

    def to_the_end(self) -> RunResult:
        while True:
            self.token.check()
            try:
                step = self._plan()
                if isinstance(step, Finish):
                    self.trace.event("act", step=self.steps, **act_fields(step), delivered="sent")
                    return RunResult("done" if step.success else "failed", self.steps, step.message)
                self._check_limits()
                self.steps += 1
                outcome = self._attempt(step, self.steps - 1)
            except LimitReachedError as limit:
                return RunResult("limit", self.steps, str(limit))
            self.past.append(outcome)
            if outcome.status != "done" and not self._goes_on(outcome):
                return RunResult(outcome.status, self.steps, outcome.message)

    def _plan(self) -> Step:
        start, self.planning = time.monotonic(), True
        step = self.planner.next(self.task, tuple(self.past))
        self.planning = False
        about = getattr(step, "target", None) or getattr(step, "source", None)
        self.trace.event(
            "plan",
            step=self.steps,
            subgoal=type(step).__name__,
            instruction=about,
            call=as_call(step),
            planner_ms=(time.monotonic() - start) * 1000,
        )
        return step

    def _check_limits(self) -> None:
        if self.steps - self.earlier >= self.policy.max_steps:
            raise LimitReachedError(f"the limit of {self.policy.max_steps} steps is reached")
        if self._left_s() < 0:
            raise self._out_of_time()

    def _left_s(self) -> float:
        asked_s = self.person.seconds if self.person is not None else 0.0
        return self.policy.max_seconds - (time.monotonic() - self.started_s - asked_s)

    def _out_of_time(self) -> LimitReachedError:
        return LimitReachedError(f"the limit of {self.policy.max_seconds:g} seconds is reached")

    def _attempt(self, step: Step, number: int) -> StepOutcome:
        """Does one step; what can go wrong with a step becomes its outcome, what ends the run is raised."""
        try:
            return StepOutcome(step, "done", self._do(step, number))
        except NotFoundError as problem:
            return StepOutcome(step, "not_found", str(problem))
        except StepRefusedError as refusal:
            return StepOutcome(step, "refused", str(refusal))
        except (Cancelled, NotRecordedError):
            raise
        except ReticleError as problem:
            self.trace.event("error", step=number, message=str(problem))
            return StepOutcome(step, "failed", str(problem))

    def _do(self, step: Step, number: int) -> str:
        if isinstance(step, Wait):
            self.trace.event("act", step=number, **act_fields(step), delivered="sent")
            left_s = self._left_s()
            self.token.sleep(min(step.seconds, left_s))
            if step.seconds > left_s:
                raise self._out_of_time()
            return ""
        if isinstance(step, AskUser):
            return self.performer.ask(step, number)
        assert not isinstance(step, Finish), "the end of a run is no step"
        return self.performer.perform(step, number)

    def _goes_on(self, outcome: StepOutcome) -> bool:
        """A skipped step does not end a run; in a dry run nothing changes, so later targets may be missing.

        A planner that plans anew may be told of a few misses in a row instead.
        """
        if outcome.status == "refused":
            return outcome.message == StepRefusedError.SKIPPED
        if outcome.status == "not_found" and self.policy.mode == "dry-run":
            return True
        misses = itertools.takewhile(lambda one: one.status in ("not_found", "failed"), reversed(self.past))
        return sum(1 for _ in misses) <= self.policy.max_misses
