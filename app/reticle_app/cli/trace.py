"""`reticle trace show|report|verify|export|import`: look at what was recorded, and hand it on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import trace_exchange, trace_memory, trace_record, trace_replay
from .ground import JsonOption
from .output import emit_json, say

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True, help="Look at recorded runs.")
trace_exchange.register(app)
trace_replay.register(app)
trace_record.register(app)
trace_memory.register(app)

TraceArgument = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a trace.")]


@app.command()
def show(trace: TraceArgument, as_json: JsonOption = False) -> None:
    """Print what happened, step by step."""
    from reticle_agent.trace import show as describe
    from reticle_agent.trace import summary

    if as_json:
        emit_json(summary(trace))
    else:
        say(describe(trace))


@app.command()
def report(
    trace: TraceArgument,
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default is report.html in DIR.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Write one self-contained HTML page with pictures, candidates, choices and actions."""
    from reticle_agent.trace import write_report

    path = write_report(trace, out or trace / "report.html")
    if as_json:
        emit_json({"report": str(path)})
    else:
        say(f"report: {path}")


@app.command()
def verify(
    trace: TraceArgument,
    repair: Annotated[
        bool, typer.Option("--repair", help="First mend a torn last line and remove unfinished files.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the record for damage. Exit code 1 when something is wrong."""
    from reticle_agent.trace import verify as check
    from reticle_agent.trace.repair import repair as mend

    mended = mend(trace) if repair else []
    problems = check(trace)
    if as_json:
        emit_json({"ok": not problems, "problems": [str(p) for p in problems], "mended": mended})
    else:
        for line in mended:
            say(f"mended: {line}")
        for problem in problems:
            say(str(problem))
        say(f"{len(problems)} problems" if problems else "no problems")
    raise typer.Exit(1 if problems else 0)
