"""Entry point of the `reticle` command.

Exit codes: 0 done, 1 not done (not found, refused, a check failed), 2 bad input, 130 stopped by the person.
Errors are one clear line on stderr; nobody sees a traceback unless asked for with `--debug`.
"""

from __future__ import annotations

import importlib.metadata
import io
import logging
import os
import sys
import tempfile
import traceback
from typing import Annotated

import typer

from reticle_grounding.errors import BadInput, Cancelled, ReticleError

from . import bench, doctor, evaluate, fleet, ground, models, prefill, rules, run, serve, stop, trace, training
from .output import say, warn

UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What a wrong command line raises; newer typer carries its own copy of click, so it is taken from there."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    invoke_without_command=True,
    help="Points at things on a screen when told in plain words, shows what it is about to do, does it, and keeps the "
    "evidence. Without a command it opens the app.",
)
ground.register(app)
evaluate.register(app)
run.register(app)
stop.register(app)
serve.register(app)
doctor.register(app)
training.register(app)
app.add_typer(bench.app, name="bench")
app.add_typer(trace.app, name="trace")
app.add_typer(models.app, name="models")
app.add_typer(fleet.app, name="fleet")
app.add_typer(prefill.app, name="prefill")
app.add_typer(rules.app, name="rules")


def _print_version(value: bool) -> None:
    if value:
        say(f"reticle {importlib.metadata.version('reticle')}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug messages.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, stream=sys.stderr)
    context.obj = {"debug": debug}
    if context.invoked_subcommand is None:
        from .start import open_app

        raise typer.Exit(open_app())


@app.command()
def start() -> None:
    """Open the app; where there is no display, do the sample task on a virtual one."""
    from .start import start_or_demonstrate

    raise typer.Exit(start_or_demonstrate())


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _report_bug(error: Exception) -> None:
    with tempfile.NamedTemporaryFile("w", prefix="reticle-", suffix=".log", delete=False, encoding="utf-8") as log:
        traceback.print_exception(error, file=log)
    warn(f"unexpected error, a bug in Reticle: {type(error).__name__}: {_one_line(error)}; details in {log.name}")


def run_command(args: list[str] | None = None) -> int:
    """Runs one command and turns every outcome into an exit code."""
    args = sys.argv[1:] if args is None else args
    try:
        outcome = app(args=args, prog_name="reticle", standalone_mode=False)
        return outcome if isinstance(outcome, int) else 0
    except typer.Exit as stop:
        return stop.exit_code
    except UsageError as error:
        warn(f"{_usage(error)}; see `reticle --help`")
        return 2
    except (typer.Abort, KeyboardInterrupt, Cancelled):
        warn("stopped")
        return 130
    except BadInput as error:
        warn(_one_line(error))
        return 2
    except ReticleError as error:
        warn(_one_line(error))
        return 1
    except BrokenPipeError:
        _forget_stdout()
        return 1
    except Exception as error:
        if "--debug" in args:
            raise
        _report_bug(error)
        return 1


def _forget_stdout() -> None:
    """Whoever read the output has gone; what is left of it must not fail once more at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _usage(error: BaseException) -> str:
    shown = error.format_message() if isinstance(error, typer.BadParameter) else str(error)
    return " ".join(shown.split()).rstrip(".")


def main() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # arguments may hold what the terminal cannot show
    sys.exit(run_command())
