"""What the report shows, worked out from the events; the template only lays it out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reticle_grounding.geometry import Affine, Point, Rect, Size

from .fields import to_norm
from .pictures import Album, Picture
from .plain import JsonObject, JsonValue
from .reader import Event, StepEvents
from .words import act_words, duration, percent, plain_words, step_status, step_title, stop_words, tone

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One candidate; coordinates are capture pixels."""

    rank: int
    region: Rect
    point: Point
    p_true: float | None
    probability: str
    attention: str
    origin: str
    text: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Look:
    """One frame with what was found on it."""

    instruction: str
    picture: Picture
    heat: Picture | None
    candidates: list[CandidateView]
    mark: Point | None
    """Where the input went, capture pixels."""
    zoom: Rect | None
    found: bool
    threshold: str


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    time: str
    share: float
    """Percent of the step's measured time."""


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of the run."""

    number: int
    """Its place in the run, from 1."""
    title: str
    status: str
    tone: str
    time: str
    looks: list[Look]
    facts: list[Row]
    spaces: list[list[Row]]
    """Where the input went, in four spaces; a drag has two ends."""
    phases: list[Phase]
    after: Picture | None
    alarms: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def step_view(number: int, step: StepEvents, album: Album) -> StepView:
    status = step_status(step)
    act, check = step.last("act"), step.last("check")
    span = step.events[-1].mono_ms - step.events[0].mono_ms
    return StepView(
        number=number,
        title=step_title(step),
        status=status,
        tone=tone(status),
        time=duration(span),
        looks=_looks(step, album),
        facts=_facts(step),
        spaces=[rows for key in ("point", "end_point") if act and (rows := _spaces(act.object(key)))],
        phases=_phases(step),
        after=album.picture(check.text("frame_after")) if check else None,
        alarms=alarms(step.events),
        notes=[plain_words(event) for event in step.of("note")],
    )


def alarms(events: tuple[Event, ...]) -> list[str]:
    """Stops and errors in words."""
    return [
        stop_words(event) if event.type == "stop" else plain_words(event)
        for event in events
        if event.type in ("stop", "error")
    ]


def _looks(step: StepEvents, album: Album) -> list[Look]:
    """One look per grounding; a step without any shows what was observed."""
    grounds = step.of("ground")
    act = step.last("act")
    if not grounds:
        seen = step.last("observe")
        picture = album.picture(seen.text("frame")) if seen else None
        mark = _mark(act, "point", picture) if picture else None
        return [Look("", picture, None, [], mark, None, True, "")] if picture else []
    looks = []
    for index, ground in enumerate(grounds):
        until = grounds[index + 1].seq if index + 1 < len(grounds) else step.events[-1].seq + 1
        details = [event for event in step.events if ground.seq < event.seq < until]
        key = "end_point" if index and index == len(grounds) - 1 and act and act.object("end_point") else "point"
        is_drag = bool(act and act.object("end_point"))
        marked = act if is_drag or index == len(grounds) - 1 else None
        look = _look(step, ground, details, marked, key, album)
        looks += [look] if look else []
    return looks


def _look(
    step: StepEvents, ground: Event, details: list[Event], act: Event | None, key: str, album: Album
) -> Look | None:
    picture = album.picture(ground.text("frame") or _observed(step, ground.seq))
    if picture is None:
        return None
    verify = next((event for event in details if event.type == "verify"), None)
    choose = next((event for event in reversed(details) if event.type == "choose"), None)
    candidates = _candidates(ground, verify, choose.text("candidate_id") if choose else "", picture)
    mark = _mark(act, key, picture)
    focus = next((view for view in candidates if view.chosen), candidates[0] if candidates else None)
    threshold = verify.number("threshold") if verify else None
    return Look(
        instruction=ground.text("instruction"),
        picture=picture,
        heat=album.heat(ground.text("map")),
        candidates=candidates,
        mark=mark,
        zoom=_zoom(focus, picture) if focus else None,
        found=ground.get("found") is not False,
        threshold=percent(threshold),
    )


def _observed(step: StepEvents, before: int) -> str:
    frames = [event.text("frame") for event in step.of("observe") if event.seq < before]
    return frames[-1] if frames else ""


def _candidates(ground: Event, verify: Event | None, chosen: str, picture: Picture) -> list[CandidateView]:
    to_capture = to_norm(Size(picture.width, picture.height)).inverse()
    scores = {str(item["id"]): item.get("p_true") for item in verify.objects("candidates")} if verify else {}
    return [_candidate(item, scores.get(str(item["id"])), chosen, to_capture) for item in ground.objects("candidates")]


def _candidate(item: JsonObject, score: JsonValue, chosen: str, to_capture: Affine) -> CandidateView:
    left, top, right, bottom = _numbers(item["region_norm"])
    p_true = float(score) if isinstance(score, (int, float)) else None
    mass, rank = item.get("attn_mass"), item["rank"]
    return CandidateView(
        rank=rank if isinstance(rank, int) else 0,
        region=to_capture.rect(Rect(left, top, right, bottom)),
        point=to_capture.point(Point(*_numbers(item["point_norm"]))),
        p_true=p_true,
        probability=percent(p_true),
        attention=percent(float(mass)) if isinstance(mass, (int, float)) else "",
        origin=str(item.get("origin") or ""),
        text=str(item.get("text") or ""),
        chosen=item["id"] == chosen,
    )


def _numbers(value: JsonValue) -> list[float]:
    return [float(item) for item in value if isinstance(item, (int, float))] if isinstance(value, list) else []


def _mark(act: Event | None, key: str, picture: Picture) -> Point | None:
    norm = _numbers(act.object(key).get("norm")) if act else []
    if len(norm) != 2:
        return None
    return to_norm(Size(picture.width, picture.height)).inverse().point(Point(*norm))


def _zoom(candidate: CandidateView, picture: Picture) -> Rect:
    """A part of the frame around the candidate, 16:10, inside the frame."""
    width = min(picture.width, max(picture.width / 5, candidate.region.width * 1.6, candidate.region.height * 2.6))
    height = min(picture.height, width / 1.6)
    left = min(max(0.0, candidate.point.x - width / 2), picture.width - width)
    top = min(max(0.0, candidate.point.y - height / 2), picture.height - height)
    return Rect(left, top, left + width, top + height)


def _facts(step: StepEvents) -> list[Row]:
    """Choice, approvals, action, re-check and effect, in the order they happened."""
    rows: list[Row] = []
    for event in step.events:
        if event.type == "plan" and event.text("thought"):
            rows.append(("thought", event.text("thought")))
        if event.type == "choose":
            rows.append(("choice", _choice(event)))
        if event.type == "gate":
            rows.append(("approval", _gate(event)))
        if event.type == "act":
            rows += _act(event)
        if event.type == "check":
            rows.append(("effect", _effect(event)))
    return rows


def _choice(event: Event) -> str:
    what = event.text("candidate_id").removeprefix("c")
    picked = f"candidate {what}" if what else "a point outside the candidates"
    shown = duration(event.number("shown_ms"))
    return f"{picked}, by {event.text('by')}" + (f", shown for {shown}" if shown else "")


def _gate(event: Event) -> str:
    source = event.text("source").replace("none", "nobody")
    waited = duration(event.number("latency_ms"))
    parts = [f"{event.text('decision')} by {source}" + (f" after {waited}" if waited else "")]
    parts += [event.text(key) for key in ("question", "rule") if event.text(key)]
    return " \u00b7 ".join(parts)


def _act(event: Event) -> list[Row]:
    rows = [("action", f"{act_words(event)} \u00b7 {event.text('delivered').replace('_', ' ')}")]
    recheck = event.object("recheck")
    similarity = recheck.get("similarity")
    if isinstance(similarity, (int, float)):
        verdict = "the target was unchanged" if recheck.get("passed") else "the target had changed"
        rows.append(("re-check", f"{similarity:.3f} similar: {verdict}"))
    return rows


def _effect(event: Event) -> str:
    parts = [event.text("effect").replace("_", " "), event.text("method"), event.text("expect")]
    return " \u00b7 ".join(part for part in parts if part)


def _spaces(point: Mapping[str, JsonValue]) -> list[Row]:
    names = {"norm": "of the capture, 0..1", "model_px": "model px", "logical": "logical", "physical": "physical px"}
    rows = []
    for key, name in names.items():
        pair = _numbers(point.get(key))
        if len(pair) == 2:
            digits = 4 if key == "norm" else 1
            rows.append((name, f"{pair[0]:.{digits}f}, {pair[1]:.{digits}f}"))
    display = point.get("display_id")
    return [*rows, ("display", str(display))] if rows and display is not None else rows


_TIMED = (
    ("plan", "planner_ms", "plan"),
    ("observe", "wait_ms", "settle"),
    ("ground", "ms", "ground"),
    ("verify", "ms", "verify"),
    ("choose", "shown_ms", "choice"),
    ("gate", "latency_ms", "approval"),
    ("act", "ms", "act"),
    ("check", "ms", "check"),
)


def _phases(step: StepEvents) -> list[Phase]:
    spent = [(name, sum(event.number(key) or 0.0 for event in step.of(kind))) for kind, key, name in _TIMED]
    total = sum(ms for _, ms in spent)
    return [Phase(name, duration(ms), round(100 * ms / total, 2)) for name, ms in spent if ms > 0]
