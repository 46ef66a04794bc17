"""One self-contained HTML page of a run: pictures inside, no scripts, nothing fetched from anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import DictLoader, Environment, StrictUndefined, Template
from markupsafe import Markup

from reticle_grounding.errors import ReticleError

from .pictures import Album, Picture
from .plain import JsonObject, JsonValue
from .reader import TraceReader
from .store import write_atomic
from .views import Row, StepView, alarms, step_view
from .words import duration, plain_words, tone


@dataclass(frozen=True, slots=True)
class ReportView:
    """Everything the page shows."""

    id: str
    task: str
    status: str
    tone: str
    created: str
    time: str
    facts: list[Row]
    steps: list[StepView]
    alarms: list[str]
    notes: list[str]
    pictures: list[Picture]


def write_report(trace_dir: Path, out_html: Path) -> Path:
    """Writes the page and returns its path. Raises BadInput for a broken trace, ReticleError when it cannot write."""
    html = render(report_view(TraceReader.open(trace_dir)))
    try:
        out_html.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ReticleError(f"cannot write the report {out_html}: {error.strerror}; choose another place") from error
    write_atomic(out_html, html.encode("utf-8", "replace"))
    return out_html


def report_view(trace: TraceReader) -> ReportView:
    album = Album(trace)
    steps = [step_view(number, step, album) for number, step in enumerate(trace.steps(), 1)]
    outside = tuple(event for event in trace.events if event.step is None)
    notes = [plain_words(event) for event in outside if event.type == "note"]
    notes += [trace.torn] if trace.torn else []
    notes += [f"{len(trace.skipped)} events of unknown types were skipped"] if trace.skipped else []
    return ReportView(
        id=str(trace.manifest["id"]),
        task=trace.task,
        status=trace.status.replace("_", " "),
        tone=tone(trace.status),
        created=str(trace.manifest["created"]).replace("T", " ").split(".")[0].removesuffix("Z") + " UTC",
        time=duration(trace.events[-1].mono_ms if trace.events else None),
        facts=manifest_facts(trace.manifest),
        steps=steps,
        alarms=alarms(outside),
        notes=notes,
        pictures=album.all(),
    )


def render(view: ReportView) -> str:
    return _template().render(view=view)


@cache
def _template() -> Template:
    """The page; every value is escaped, the style sheet alone is trusted."""
    here = files(__package__)
    page = here.joinpath("report.html.j2").read_text(encoding="utf-8")
    style = here.joinpath("report.css").read_text(encoding="utf-8")
    environment = Environment(
        loader=DictLoader({"report": page}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["css"] = Markup(style)  # noqa: S704 - our own file, no outside text in it
    return environment.get_template("report")


def manifest_facts(manifest: JsonObject) -> list[Row]:
    """Model, system, displays, rules and privacy in words."""
    rows: list[Row] = [(_text(model, "role"), _model(model)) for model in _list(manifest["models"])]
    system, app = _dict(manifest["os"]), _dict(manifest["app"])
    rows.append(("system", f"{_text(system, 'name')} {_text(system, 'version')}, {_text(system, 'session')}"))
    rows += [("display", _display(display)) for display in _list(manifest["displays"])]
    capture, policy = _dict(manifest["capture"]), _dict(manifest["policy"])
    rows.append(("capture", " ".join(filter(None, (_text(capture, "scope"), _text(capture, "display_id"))))))
    rows.append(("mode", _text(policy, "mode")))
    limits = {"steps": "steps", "seconds": "s", "rate": "inputs/s"}
    bounds = [f"{value:g} {unit}" for key, unit in limits.items() if (value := _number(manifest["limits"], key))]
    rows += [("limits", ", ".join(bounds))] if bounds else []
    privacy = _dict(manifest["privacy"])
    masked = f"{_text(privacy, 'text_masked')} texts and {_text(privacy, 'frames_masked')} frames masked"
    return [*rows, ("privacy", masked), ("version", f"{_text(app, 'name')} {_text(app, 'version')}".strip())]


def _model(model: JsonObject) -> str:
    keys = ("name", "revision", "dtype", "quant", "device", "endpoint_kind")
    return ", ".join(text for key in keys if (text := _text(model, key)))


def _display(display: JsonObject) -> str:
    physical, logical = _dict(display["physical"]), _dict(display["logical"])
    turned = f", turned {_text(display, 'rotation')}\u00b0" if display["rotation"] else ""
    primary = ", primary" if display["primary"] else ""
    return (
        f"{_text(display, 'id')}: {_text(physical, 'w')} \u00d7 {_text(physical, 'h')} px at "
        f"{_text(physical, 'x')}, {_text(physical, 'y')}; scale {_text(display, 'scale')} "
        f"({_text(logical, 'w')} \u00d7 {_text(logical, 'h')} logical){turned}{primary}"
    )


def _dict(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _list(value: JsonValue) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(source: JsonObject, key: str) -> str:
    value = source.get(key)
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: JsonValue, key: str) -> float | None:
    found = _dict(value).get(key)
    return float(found) if isinstance(found, (int, float)) else None
