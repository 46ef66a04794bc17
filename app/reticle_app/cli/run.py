"""`reticle run "task"`: plan, point, ask, act, record."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reticle_app.config import Mode, Settings, load_settings
from reticle_app.local_planning import local_choice
from reticle_app.models.choice import chosen_model, model_folder
from reticle_app.models.store import Store
from reticle_app.own_heads import head_file, with_head
from reticle_app.planning import endpoint_choice
from reticle_grounding.errors import BadInput
from reticle_grounding.number_types import number_type

from .approver import TerminalApprover
from .ground import HeadOption, JsonOption, ModelOption
from .output import emit_json, say, warn

if TYPE_CHECKING:
    from reticle_agent.seams import Grounder
    from reticle_agent.stop import StopToken
    from reticle_app.past import PastOptions
    from reticle_grounding.number_types import NumberType

EXIT = {"done": 0, "stopped": 130}


def register(app: typer.Typer) -> None:
    app.command()(run)


def run(
    task: Annotated[str, typer.Argument(help='Plain words: "open the File menu, then click Save".')],
    application: Annotated[str | None, typer.Option("--app", help="Start this program first.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show and record, send nothing.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask before each input.")] = False,
    auto: Annotated[bool, typer.Option("--auto", help="Act alone where it is sure and nothing is at stake.")] = False,
    trace: Annotated[Path | None, typer.Option("--trace", help="Record into this new or empty folder.")] = None,
    resume: Annotated[
        Path | None, typer.Option("--continue", help="Go on with the same task where this recorded run ended.")
    ] = None,
    planner: Annotated[
        str, typer.Option("--planner", help="rules; endpoint or local: ask a model for each step.")
    ] = "rules",
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="OpenAI-compatible base URL, e.g. http://127.0.0.1:11434/v1.")
    ] = None,
    endpoint_model: Annotated[str | None, typer.Option("--endpoint-model", help="Name of the model there.")] = None,
    endpoint_picture: Annotated[
        bool, typer.Option("--endpoint-picture", help="Send the screen as a picture too.")
    ] = False,
    endpoint_marks: Annotated[
        bool, typer.Option("--endpoint-marks", help="Number the texts in the picture (Set-of-Mark).")
    ] = False,
    endpoint_text: Annotated[
        bool, typer.Option("--endpoint-text/--no-endpoint-text", help="Send the text read on the screen.")
    ] = True,
    endpoint_plain_http: Annotated[
        bool, typer.Option("--endpoint-plain-http", help="Allow another machine without encryption.")
    ] = False,
    endpoint_timeout: Annotated[float, typer.Option("--endpoint-timeout", help="Seconds for one answer.")] = 60.0,
    max_tokens: Annotated[int, typer.Option("--max-tokens", help="Tokens the planner may use in the run.")] = 200_000,
    endpoint_memory: Annotated[
        int | None,
        typer.Option(
            "--endpoint-memory",
            min=0,
            help="Tokens of each request for what was read earlier in the run; default 800 where text is sent, 0 is "
            "none.",
        ),
    ] = None,
    endpoint_examples: Annotated[
        int,
        typer.Option(
            "--endpoint-examples", min=0, help="Send so many of your recorded runs of similar tasks as examples."
        ),
    ] = 0,
    planner_model: Annotated[
        Path | None, typer.Option("--planner-model", help="With --planner local: folder of a vision-language model.")
    ] = None,
    planner_screens: Annotated[
        int, typer.Option("--planner-screens", min=1, help="Screens the local model is shown, the newest included.")
    ] = 4,
    planner_picture: Annotated[
        bool, typer.Option("--planner-picture/--no-planner-picture", help="Show it the screen as a picture.")
    ] = True,
    planner_marks: Annotated[
        bool, typer.Option("--planner-marks", help="Number the texts in that picture (Set-of-Mark).")
    ] = False,
    planner_text: Annotated[
        bool, typer.Option("--planner-text/--no-planner-text", help="Tell it the text read on the screen.")
    ] = True,
    planner_pixels: Annotated[
        int | None, typer.Option("--planner-pixels", min=1, help="Pixels of a screen for it; default 1,003,520.")
    ] = None,
    planner_timeout: Annotated[
        float, typer.Option("--planner-timeout", help="Seconds for one of its answers.")
    ] = 300.0,
    planner_dtype: Annotated[
        str | None, typer.Option("--planner-dtype", help="What it computes in: fp32, bf16 or int8.")
    ] = None,
    planner_device: Annotated[str, typer.Option("--planner-device", help="Where it computes: cpu or cuda.")] = "cpu",
    one_wrong_in: Annotated[
        int | None,
        typer.Option("--one-wrong-in", min=2, help="With --auto: act alone where at most 1 answer in N is wrong."),
    ] = None,
    max_steps: Annotated[int | None, typer.Option("--max-steps", min=1, help="End after so many steps.")] = None,
    max_seconds: Annotated[
        float | None, typer.Option("--max-seconds", min=0.001, help="End after so many seconds.")
    ] = None,
    history: Annotated[
        int | None, typer.Option("--history", min=0, help="Screenshots of the run that the model remembers; 0: none.")
    ] = None,
    history_mb: Annotated[
        int | None, typer.Option("--history-mb", min=1, help="Megabytes for them; the oldest go first.")
    ] = None,
    virtual: Annotated[bool, typer.Option("--virtual", help="Use a new virtual display.")] = False,
    model: ModelOption = None,
    head: HeadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Carry out a task in plain words. Exit code 0 when done, 1 when not, 130 when stopped.

    A key for the endpoint is read from the environment variable RETICLE_ENDPOINT_KEY.
    """
    from reticle_agent.stop import StopToken
    from reticle_app.task import TaskOptions, run_on_desktop

    settings, token = load_settings(), StopToken()
    choice = endpoint_choice(
        planner,
        endpoint,
        endpoint_model,
        os.environ,
        picture=endpoint_picture,
        marks=endpoint_marks,
        text=endpoint_text,
        plain_http=endpoint_plain_http,
        timeout_s=endpoint_timeout,
        max_tokens=max_tokens,
        memory=endpoint_memory,
        examples=endpoint_examples,
    )
    local = local_choice(
        planner,
        planner_model and model_folder(planner_model, Store(settings.models)),
        screens=planner_screens,
        picture=planner_picture,
        marks=planner_marks,
        text=planner_text,
        pixels=planner_pixels,
        timeout_s=planner_timeout,
        max_tokens=max_tokens,
        numbers=None if planner_dtype is None else number_type(planner_dtype),
        device=planner_device,
    )
    options = replace(
        TaskOptions.of(settings, task, chosen_mode(dry_run, confirm, auto) or settings.mode, trace),
        one_wrong_in=one_wrong_in or settings.one_wrong_in,
        max_steps=max_steps or settings.max_steps,
        max_seconds=max_seconds or settings.max_seconds,
        endpoint=choice,
        local=local,
        resume=resume,
        past=chosen_past(history, history_mb, settings),
    )
    folder, own = chosen_model(model, settings), head_file(head, settings)
    with ExitStack() as stack:
        if virtual:
            from reticle_agent.session import virtual_desktop

            stack.enter_context(virtual_desktop())
        result = run_on_desktop(
            options,
            TerminalApprover(token),
            lambda: open_model(folder, token, settings.dtype, own),
            application=application,
            token=token,
            tell=warn,
        )
    document: dict[str, Any] = {
        "status": result.status,
        "message": result.message,
        "steps": result.steps,
        "trace": str(result.trace),
        "seconds": round(result.seconds, 2),
    }
    if as_json:
        emit_json(document)
    else:
        say(f"{result.status}: {result.message}" if result.message else result.status)
        say(f"trace: {result.trace}")
    raise typer.Exit(EXIT.get(result.status, 1))


def open_model(
    folder: Path | None, token: StopToken, numbers: NumberType | None = None, head: Path | None = None
) -> Grounder:
    """The model of a folder, weighing by the head of a file where there is one."""
    from reticle_app.task import StoppableGrounder
    from reticle_grounding.predictor import Grounder as Predictor

    return StoppableGrounder(with_head(Predictor.open(folder, numbers=numbers), head), token)


def chosen_past(history: int | None, megabytes: int | None, settings: Settings) -> PastOptions | None:
    """What of a run is remembered; the settings fill in what is not said. Raises BadInput for memory for nothing."""
    from reticle_app.past import PastOptions

    most = settings.history if history is None else history
    if not most:
        if megabytes is not None:
            raise BadInput("--history-mb is memory for a history; say with --history N how many screenshots it holds")
        return None
    return PastOptions(most, megabytes or settings.history_mb)


def chosen_mode(dry_run: bool, confirm: bool, auto: bool) -> Mode | None:
    modes: list[tuple[Mode, bool]] = [("dry-run", dry_run), ("confirm", confirm), ("auto", auto)]
    chosen = [name for name, on in modes if on]
    if len(chosen) > 1:
        raise BadInput(f"choose one of --dry-run, --confirm, --auto, not {' and '.join(chosen)}")
    return chosen[0] if chosen else None
