"""`reticle trace replay|whatif`: do a recorded run again, or ask its pictures anew."""

from __future__ import annotations

import getpass
import sys
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reticle_app.config import load_settings
from reticle_app.models.choice import chosen_model
from reticle_app.own_heads import head_file
from reticle_grounding.errors import BadInput

from .approver import TerminalApprover
from .ground import HeadOption, JsonOption, ModelOption
from .output import emit_json, say, warn
from .run import EXIT, chosen_mode, open_model

if TYPE_CHECKING:
    from reticle_agent.replay.whatif import Compared
    from reticle_app.task import TaskResult

TraceArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a trace.")]


def register(app: typer.Typer) -> None:
    app.command("replay")(replay)
    app.command("whatif")(whatif)


def replay(
    trace: TraceArgument,
    application: Annotated[str | None, typer.Option("--app", help="Start this program first.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show and record, send nothing.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask before each input.")] = False,
    auto: Annotated[bool, typer.Option("--auto", help="Act alone where the screen is as recorded.")] = False,
    out: Annotated[Path | None, typer.Option("--trace", help="Record into this new or empty folder.")] = None,
    virtual: Annotated[bool, typer.Option("--virtual", help="Use a new virtual display.")] = False,
    open_step: Annotated[
        bool, typer.Option("--open", help="Show the step where it halted in the web browser.")
    ] = False,
    model: ModelOption = None,
    head: HeadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Do a recorded run again, looking for every target anew. It halts where a target is not as recorded.

    Exit code 0 when every step was done, 1 when it halted, 130 when stopped.
    """
    from reticle_agent.replay.recording import read_recording
    from reticle_agent.stop import StopToken
    from reticle_app.task import TaskOptions, run_on_desktop

    settings, token = load_settings(), StopToken()
    recording = read_recording(trace, _secret)
    options = TaskOptions.of(settings, recording.task, chosen_mode(dry_run, confirm, auto) or settings.mode, out)
    options = replace(options, replay=recording, max_steps=max(options.max_steps, len(recording.steps)))
    folder, own = chosen_model(model, settings), head_file(head, settings)
    with ExitStack() as stack:
        if virtual:
            from reticle_agent.session import virtual_desktop

            stack.enter_context(virtual_desktop())
        result = run_on_desktop(
            options,
            TerminalApprover(token),
            lambda: open_model(folder, token, None, own),
            application=application,
            token=token,
            tell=warn,
        )
    _tell(result, recording.steps[min(result.steps, len(recording.steps)) - 1].number, open_step, as_json)
    raise typer.Exit(EXIT.get(result.status, 1))


def _secret(question: str) -> str | None:
    return getpass.getpass(f"{question}: ") if sys.stdin is not None and sys.stdin.isatty() else None


def _tell(result: TaskResult, number: int, open_step: bool, as_json: bool) -> None:
    """The outcome; where it halted, the report at that step."""
    document: dict[str, Any] = {
        "status": result.status,
        "message": result.message,
        "steps": result.steps,
        "trace": str(result.trace),
        "halted_at": None,
        "report": None,
    }
    if result.status != "done":
        from reticle_agent.trace import write_report

        page = write_report(result.trace, result.trace / "report.html").resolve().as_uri()
        at = f"{page}#step-{max(0, result.steps - 1)}"
        document |= {"halted_at": number, "report": at}
        if open_step:
            import webbrowser

            webbrowser.open(at)
    if as_json:
        emit_json(document)
        return
    say(f"{result.status}: {result.message}" if result.message else result.status)
    if document["report"]:
        say(f"halted at step {number} of the recording: {document['report']}")
    say(f"trace: {result.trace}")


def whatif(
    trace: TraceArgument,
    words: Annotated[
        list[str] | None, typer.Option("--words", metavar="STEP=WORDS", help="Other words for a step; repeatable.")
    ] = None,
    model: ModelOption = None,
    head: HeadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for every recorded target anew on its recorded picture. Exit code 1 when an answer differs."""
    from reticle_agent.replay.whatif import compare
    from reticle_agent.stop import StopToken
    from reticle_agent.trace import TraceReader

    given = dict(map(_worded, words or []))
    reader = TraceReader.open(trace)
    settings = load_settings()
    grounder = open_model(chosen_model(model, settings), StopToken(), None, head_file(head, settings))
    rows = list(compare(reader, grounder, given))
    differing = sum(row.differs for row in rows)
    if as_json:
        document = {"model": grounder.name, "compared": len(rows), "differing": differing}
        emit_json({**document, "steps": [_row(row) for row in rows]})
    else:
        for row in rows:
            say(_line(row))
        say(f"{differing} of {len(rows)} differ with {grounder.name}")
    raise typer.Exit(1 if differing else 0)


def _worded(text: str) -> tuple[int, str]:
    step, equals, words = text.partition("=")
    if not equals or not step.strip().isdecimal() or not words.strip():
        raise BadInput(f"--words {text}: say STEP=WORDS, such as 2=the Save button")
    return int(step), words.strip()


def _row(row: Compared) -> dict[str, Any]:
    return {
        "step": row.step,
        "words": row.words,
        "recorded_words": row.recorded_words,
        "verdict": row.verdict,
        "distance_px": None if row.distance is None else round(row.distance, 1),
        "recorded": _place(row.recorded),
        "now": _place(row.now),
    }


def _place(candidate: Any) -> dict[str, Any] | None:
    if candidate is None:
        return None
    return {"point": asdict(candidate.point), "p_true": round(candidate.p_true, 4), "text": candidate.text}


def _line(row: Compared) -> str:
    from reticle_agent.trace.show import printable

    then = f"{row.recorded.p_true:.2f}" if row.recorded else "-"
    now = f"{row.now.p_true:.2f}" if row.now else "-"
    moved = f", {row.distance:.0f} px away" if row.verdict == "moved" and row.distance is not None else ""
    other = f" (was '{row.recorded_words}')" if row.words != row.recorded_words else ""
    return printable(f"step {row.step}: {row.verdict}{moved}; p {then} -> {now}; '{row.words}'{other}")
