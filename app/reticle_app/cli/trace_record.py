"""`reticle trace record`: show it once, and have it as a trace."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from reticle_app.config import load_settings
from reticle_grounding.errors import BadInput, ReticleError

from .ground import JsonOption
from .output import emit_json, say, warn


def register(app: typer.Typer) -> None:
    app.command("record")(record)


def record(
    task: Annotated[str, typer.Argument(help="What you are about to show, in plain words.")],
    trace: Annotated[Path | None, typer.Option("--trace", help="Record into this new or empty folder.")] = None,
    application: Annotated[str | None, typer.Option("--app", help="Start this program first.")] = None,
    seconds: Annotated[float | None, typer.Option("--seconds", min=0.5, help="End by itself after so long.")] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--except",
            metavar="PROGRAM",
            help="Paint this program's windows over and leave out what is done in them; may be repeated.",
        ),
    ] = None,
    all_text: Annotated[
        bool,
        typer.Option(
            "--all-text",
            help="Keep what you type also where no program tells what has the keyboard; never in password fields.",
        ),
    ] = False,
    read: Annotated[
        bool, typer.Option("--read/--no-read", help="Read words from the picture where programs tell none.")
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Record what you do with mouse and keyboard as a trace, until the stop key is pressed. X11 only.

    Each step gets words from the element under the pointer. Text is kept only where the program tells that an ordinary
    field has the keyboard. Exit code 1 when nothing was done.
    """
    from reticle_app.demonstration import ShowOptions, record_demonstration
    from reticle_app.task import TaskOptions, trace_folder

    words = task.strip()
    if not words:
        raise BadInput("say in words what you are about to show")
    if any(not name.strip() for name in exclude or ()):
        raise BadInput("--except needs the name of a program")
    folder = trace_folder(replace(TaskOptions.of(load_settings(), words, "confirm"), trace=trace))
    options = ShowOptions(words, folder, seconds, application, tuple(exclude or ()), all_text, read)
    done = record_demonstration(options, warn)
    if as_json:
        emit_json(
            {
                "trace": str(done.trace),
                "steps": done.steps,
                "unnamed": done.unnamed,
                "secret_texts": done.secret,
                "left_out": done.left_out,
                "seconds": round(done.seconds, 2),
                "ended_by": done.why,
            }
        )
    else:
        say(f"{done.steps} steps in {done.seconds:.0f} s ({done.why})")
        for count, what in (
            (done.unnamed, "places without words; correct them in the traces window"),
            (done.secret, "texts of which only the length is written"),
            (done.left_out, "inputs to windows of ours or of excluded programs left out"),
        ):
            if count:
                say(f"{count} {what}")
        say(f"trace: {done.trace}")
    if not done.steps:
        raise ReticleError("nothing was done while recording")
