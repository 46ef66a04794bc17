"""Builds the parts of a run and hands them to the loop; the command line and the window both start here."""

from __future__ import annotations

import importlib.metadata
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from PIL import Image

from reticle_agent.seams import Actuator, Approver, Grounder, Observation, Planner, Screen
from reticle_agent.stop import StopToken
from reticle_grounding.errors import BadInput
from reticle_grounding.types import Grounding

from .config import AppRuleSetting, Kind, Mode, Settings
from .local_planning import LocalChoice, plan_with_local
from .past import PastGrounder, PastOptions, begin_past, end_past
from .planning import EndpointChoice, plan_replay, plan_with_endpoint, plan_with_rules

if TYPE_CHECKING:
    from reticle_agent.replay.recording import Recording
    from reticle_agent.safety import Policy
    from reticle_grounding.predictor import Grounder as Predictor
    from reticle_grounding.predictor import Observation as Observed
    from reticle_grounding.risk_curve import RiskCurve


class Watcher(Protocol):
    """Wraps the parts of a run, so that somebody may look on."""

    def screen(self, inner: Screen) -> Screen: ...

    def grounder(self, inner: Grounder) -> Grounder: ...

    def actuator(self, inner: Actuator) -> Actuator: ...

    def planner(self, inner: Planner) -> Planner: ...

    def on_stop(self, act: Callable[[], None]) -> None: ...


class Nobody:
    """The watcher that looks away."""

    def screen(self, inner: Screen) -> Screen:
        return inner

    def grounder(self, inner: Grounder) -> Grounder:
        return inner

    def actuator(self, inner: Actuator) -> Actuator:
        return inner

    def planner(self, inner: Planner) -> Planner:
        return inner

    def on_stop(self, act: Callable[[], None]) -> None:
        """Nobody stops the run from here."""


@dataclass(frozen=True, slots=True)
class TaskOptions:
    """One task and how it may be carried out."""

    task: str
    mode: Mode
    traces: Path
    """Parent of the recorded run where ``trace`` is None."""
    trace: Path | None = None
    max_steps: int = 30
    max_seconds: float = 300.0
    ask_below: float = 0.5
    """In auto mode, places with a lower ``p_true`` are asked about."""
    countdown_s: float = 0.0
    """In auto mode, how long a place is shown before it is used, where somebody looks on."""
    one_wrong_in: int | None = None
    """In auto mode, instead of ``ask_below``: what the measured curve of the model vouches for."""
    risk_curve: Path | None = None
    """None is the shipped one."""
    retries: int = 0
    applications: tuple[AppRuleSetting, ...] = ()
    forbidden_kinds: tuple[Kind, ...] = ()
    forbidden_words: tuple[str, ...] = ()
    endpoint: EndpointChoice | None = None
    """Where the steps are planned; None is the rule planner, or ``local``."""
    local: LocalChoice | None = None
    """The model on this machine that plans the steps."""
    resume: Path | None = None
    """A recorded run of the same task that is continued."""
    past: PastOptions | None = None
    """How many screenshots the model remembers; None: it looks at each by itself."""
    replay: Recording | None = None
    """A recorded run that is done again; its steps are the plan."""

    @classmethod
    def of(cls, settings: Settings, task: str, mode: Mode, trace: Path | None = None) -> TaskOptions:
        """The task under the user's own limits; window, terminal and demonstration all start from here."""
        return cls(
            task=task,
            mode=mode,
            traces=settings.traces,
            trace=trace,
            max_steps=settings.max_steps,
            max_seconds=settings.max_seconds,
            ask_below=settings.ask_below,
            countdown_s=settings.countdown_s,
            one_wrong_in=settings.one_wrong_in,
            risk_curve=settings.risk_curve,
            retries=settings.retries,
            applications=settings.applications,
            forbidden_kinds=settings.forbidden_kinds,
            forbidden_words=settings.forbidden_words,
            past=PastOptions(settings.history, settings.history_mb) if settings.history else None,
        )


@dataclass(frozen=True, slots=True)
class TaskResult:
    """How it ended."""

    status: str
    message: str
    steps: int
    trace: Path
    seconds: float


def trace_folder(options: TaskOptions) -> Path:
    """The folder asked for, else one that is not there yet, named after the moment; a program may begin several runs in
    a second."""
    if options.trace is not None:
        return options.trace
    moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    first = options.traces / f"{moment}-{os.getpid()}"
    others = (first.with_name(f"{first.name}-{number}") for number in count(2))
    return next(folder for folder in chain((first,), others) if not folder.exists())


def run_on_desktop(
    options: TaskOptions,
    approver: Approver | None,
    open_grounder: Callable[[], Grounder],
    *,
    application: str | None = None,
    watcher: Watcher | None = None,
    token: StopToken | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> TaskResult:
    """Plans, points, asks, acts and records on the display at hand.

    Everything that can be wrong with the request is found before the model is loaded and before anything is started.
    Until the run itself begins, Ctrl+C ends the program as usual; from then on it stops the run, which is recorded.
    ``token`` is given by callers whose own parts must hear of a stop.

    Raises BadInput for a task or folder that cannot be used and ReticleError for a machine that cannot do it.
    """
    from reticle_agent.actuator import open_actuator
    from reticle_agent.applications import AppGuard, AppRule, AppRules, DesktopApplications
    from reticle_agent.hands import YieldingActuator
    from reticle_agent.loop import run_task
    from reticle_agent.resume import outcomes_of
    from reticle_agent.safety import Policy
    from reticle_agent.screen import ScreenCapture
    from reticle_agent.session import launch
    from reticle_agent.single import only_agent
    from reticle_agent.stop_watch import StopWatch, stopped_by_signals
    from reticle_agent.trace import LimitFacts, ModelFacts, PolicyFacts, TraceReader, TraceWriter
    from reticle_agent.trace.store import new_folder
    from reticle_agent.windows import OwnWindows
    from reticle_agent.x11 import X11

    endpoint = options.endpoint
    if options.replay is not None:
        planning = plan_replay(options.replay)
    elif options.local is not None:
        planning = plan_with_local(options.task, options.local)
    elif endpoint is None:
        planning = plan_with_rules(options.task)
    else:
        planning = plan_with_endpoint(options.task, endpoint, options.traces, options.resume)
    policy = Policy(
        options.mode,
        options.max_steps,
        options.max_seconds,
        options.ask_below,
        told=planning.told,
        forbidden_kinds=frozenset(options.forbidden_kinds),
        forbidden_words=options.forbidden_words,
        max_misses=planning.max_misses,
        countdown_s=options.countdown_s,
        retries=options.retries,
    )
    curve = risk_curve(options)
    if options.past is not None:
        options.past.check()
    rules = [AppRule(rule.app, rule.level, rule.since, rule.until) for rule in options.applications]
    app_rules = AppRules(rules, datetime.now(timezone.utc))
    before = TraceReader.open(options.resume) if options.resume is not None else None
    past = outcomes_of(before, options.task, planning.secrets) if before is not None else ()
    watcher, stop = watcher or Nobody(), token or StopToken()
    started = time.monotonic()
    with ExitStack() as stack:
        alone = stack.enter_context(only_agent())
        screen = ScreenCapture()
        stack.callback(screen.close)
        displays = screen.displays()
        folder = trace_folder(options)
        new_folder(folder)
        watcher.on_stop(lambda: _stop(stop))
        if application is not None:
            stack.enter_context(launch(application))
        planning.prepare()
        grounder = open_grounder()
        if options.one_wrong_in is not None:
            policy = policy.acting_alone(curve, grounder.name, options.one_wrong_in)
            tell(_alone(policy, options))
        remembered: PastGrounder | None = None
        if options.past is not None:
            grounder = remembered = begin_past(grounder, options.past, options.resume, tell)
        stack.enter_context(stopped_by_signals(stop))
        trace = stack.enter_context(
            TraceWriter.create(
                folder,
                task=options.task,
                models=[planning.facts, ModelFacts("grounder", grounder.name)],
                displays=displays,
                policy=PolicyFacts(
                    options.mode,
                    policy.rules_sha256,
                    policy.ask_below,
                    options.one_wrong_in,
                    tuple(app_rules.words()),
                ),
                limits=LimitFacts(options.max_steps, options.max_seconds),
                secrets=planning.secrets,
                parent_id=str(before.manifest["id"]) if before is not None else planning.parent_id,
                source="agent" if options.replay is None else "replay",
                app_version=importlib.metadata.version("reticle"),
            )
        )
        watch = StopWatch(stop)
        stack.callback(watch.close)
        alone.watched_by(watch.pid)
        tell(f"stop at any time: {'+'.join(watch.keys)}, or the pointer into a corner of the screen")
        if not watch.watches_hands:
            tell("this display does not tell your own mouse and keys from ours, so they do not stop the run")
        if planning.announcement:
            tell(planning.announcement)
        connection = X11()
        stack.callback(connection.close)
        guard = AppGuard(app_rules, DesktopApplications(connection, OwnWindows(connection)))
        actuator = open_actuator(stop, guard=guard)
        watch.guards(actuator.pid)
        stack.callback(actuator.close)
        watched = watcher.screen(screen)
        result = run_task(
            options.task,
            planner=watcher.planner(planning.make(watched, trace, stop)),
            screen=watched,
            grounder=watcher.grounder(grounder),
            approver=approver,
            actuator=watcher.actuator(YieldingActuator(actuator, watch)),
            trace=trace,
            policy=policy,
            token=stop,
            past=past,
            guard=guard,
            rest=watch.rest,
            witness=planning.witness,
        )
        if remembered is not None:
            end_past(remembered, folder, tell)
    return TaskResult(result.status, result.message, result.steps, folder, time.monotonic() - started)


def risk_curve(options: TaskOptions) -> RiskCurve | None:
    """The measured curve that acting alone rests on; None when none ships and none was named.

    Raises ReticleError for a file that is not one, the shipped one included, and BadInput for a missing one that was
    named.
    """
    from reticle_grounding.risk_curve import DATA_FILE, load_risk_curve

    if options.one_wrong_in is None:
        return None
    if options.risk_curve is None:
        return load_risk_curve() if DATA_FILE.is_file() else None
    if not options.risk_curve.is_file():
        raise BadInput(f"there is no risk curve {options.risk_curve}; `reticle eval --risk FILE` measures one")
    return load_risk_curve(options.risk_curve)


def _alone(policy: Policy, options: TaskOptions) -> str:
    if policy.ask_below > 1:
        return f"acts alone nowhere: {policy.ask_because}"
    return f"acts alone from {policy.ask_below:.0%} on: {policy.ask_because}, as measured"


class StoppableGrounder:
    """The model in this process; a stop ends its work at the next of its phases instead of after the answer."""

    def __init__(self, inner: Predictor, token: StopToken) -> None:
        self._inner, self._token = inner, token

    @property
    def name(self) -> str:
        return self._inner.name

    def observe(self, image: Image.Image) -> Observation:
        return _StoppableObservation(self._inner.observe(image, self._stopped), self._stopped)

    def remembering(self, options: PastOptions, folder: Path | None) -> _StoppablePast:
        from reticle_grounding.remembering import remembering

        return _StoppablePast(remembering(self._inner, options.most, options.budget, folder), self._token)

    def _stopped(self) -> bool:
        return self._token.stopped


class _StoppablePast(StoppableGrounder):
    """The same with a history."""

    def end_past(self, folder: Path) -> bool:
        from reticle_grounding.remembering import save_past

        return save_past(self._inner, folder)


class _StoppableObservation:
    def __init__(self, inner: Observed, stopped: Callable[[], bool]) -> None:
        self._inner, self._stopped = inner, stopped

    def ground(self, instruction: str, top_k: int = 5) -> Grounding:
        return self._inner.ground(instruction, top_k, self._stopped)


def _stop(token: StopToken) -> None:
    """Called on the window's thread, which must not wait for the release of keys."""
    threading.Thread(target=token.stop, args=("button", "stopped by you"), daemon=True).start()
