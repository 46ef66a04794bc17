"""`reticle train head`, `reticle heads list|use|off`: a small head made of one's own recorded runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from reticle_app.config import load_settings, save_settings
from reticle_app.models.choice import chosen_model
from reticle_app.own_heads import NONE, Trained, head_file, kept_heads, steps_to_learn, train_head
from reticle_grounding.errors import ReticleError

from .ground import JsonOption, ModelOption
from .output import emit_json, progress_bar, say, warn

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    no_args_is_help=True,
    help="Heads that `reticle train head` made of your own runs: which there are, and which is in use.",
)
SHOWN = 5
"""Lines about what was left out; all of them with --json."""


def head(
    traces: Annotated[
        Path, typer.Option("--from-traces", metavar="DIR", help="A trace, or a folder that holds traces.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; default is a new one in your data folder.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option("--texts", help="Folder that keeps what is read on each screen, for the next time.")
    ] = None,
    use: Annotated[
        bool, typer.Option("--use", help="If it is better, name it in the settings, so that it is used.")
    ] = False,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit the law that weighs candidates to your own runs; the rest of the model stays as it is.

    Learnt from are places that a person chose, moved or corrected, and those whose effect was confirmed. The head is
    measured on tasks held out. Exit code 1, and nothing is written, when it is not better there.
    """
    from reticle_grounding.fitting import KeptReader
    from reticle_grounding.predictor import Grounder

    settings = load_settings()
    own = steps_to_learn(traces, out)
    grounder = Grounder.open(chosen_model(model, settings), numbers=settings.dtype)
    if texts is not None:
        grounder.reader = KeptReader(grounder.reader, texts)
    with progress_bar("pictures") as progress:
        done = train_head(own, grounder, out, settings.heads, progress)
    used = done.path is not None and use
    if used:
        assert done.path is not None
        save_settings(settings.model_copy(update={"head": done.path.resolve()}))
    if as_json:
        emit_json(
            {
                "head": None if done.path is None else str(done.path),
                "better": done.why is None,
                "why_not": done.why,
                "in_use": used,
                "measured": done.measured,
                "left_out": list(done.left_out),
            }
        )
    else:
        _tell(done, used)
    raise typer.Exit(0 if done.why is None else 1)


def _tell(done: Trained, used: bool) -> None:
    told = done.measured
    say(
        f"{told['steps']} labelled steps of {told['groups']} tasks in {done.traces} traces, "
        f"{told['by_person']} of them put right by a person"
    )
    for line in done.left_out[:SHOWN]:
        say(f"left out: {' '.join(line.split())}")
    if len(done.left_out) > SHOWN:
        say(f"left out: {len(done.left_out) - SHOWN} more; --json names all")
    say("on tasks it was not fitted on, right first answers before and after:")
    say(f"  all steps             {told['right_before']} -> {told['right_after']} of {told['steps']}")
    say(
        f"  put right by a person {told['by_person_right_before']} -> {told['by_person_right_after']} of "
        f"{told['by_person']}"
    )
    say(
        f"  absent, rejected      {told['absent_rejected_before']} -> {told['absent_rejected_after']} of "
        f"{told['absent']}"
    )
    say(f"  {told['gained']} gained, {told['lost']} lost" + (f", p = {told['p']}" if told["p"] is not None else ""))
    if done.path is None:
        warn(f"not better: {done.why}; nothing was written, the shipped law stays in use")
        return
    say(f"head: {done.path}")
    say("it is in use from now on; `reticle heads off` ends that" if used else f"use it with --head {done.path}")


@app.command("list")
def show(as_json: JsonOption = False) -> None:
    """Print the kept heads, what was measured of them, and which is in use."""
    from reticle_grounding.own_head import load_head

    settings = load_settings()
    rows: list[dict[str, Any]] = []
    for path in kept_heads(settings):
        row: dict[str, Any] = {"name": path.stem, "file": str(path), "in_use": _same(path, settings.head)}
        try:
            kept = load_head(path)
            row |= {"model": kept.model, "created": kept.created, "measured": dict(kept.measured)}
        except ReticleError as error:
            row["problem"] = str(error)
        rows.append(row)
    if as_json:
        emit_json({"folder": str(settings.heads), "in_use": _named(settings.head), "heads": rows})
        return
    for row in rows:
        mark = "*" if row["in_use"] else " "
        told = row.get("measured")
        words = (
            f"{row['model']}, {told['right_before']} -> {told['right_after']} of {told['steps']} held-out steps right"
            if told
            else row["problem"]
        )
        say(f"{mark} {row['name']}: {words}")
    if not rows:
        say(f"no heads in {settings.heads}; `reticle train head --from-traces DIR` makes one")


@app.command("use")
def use_(name: Annotated[str, typer.Argument(metavar="HEAD", help="File, or a name of the list.")]) -> None:
    """Let a head weigh the candidates from now on."""
    from reticle_grounding.errors import BadInput
    from reticle_grounding.own_head import load_head

    settings = load_settings()
    path = head_file(name, settings)
    if path is None:
        raise BadInput(f"{NONE} is no head; `reticle heads off` goes back to the shipped law")
    if not load_head(path).better:
        raise BadInput(f"{path} is not better than the shipped law on held-out steps, so it is not put to use")
    save_settings(settings.model_copy(update={"head": path.resolve()}))
    say(f"in use: {path}")


@app.command("off")
def off() -> None:
    """Weigh candidates by the shipped law again; the heads are kept."""
    settings = load_settings()
    save_settings(settings.model_copy(update={"head": None}))
    say("the shipped law is in use")


def _named(head: Path | None) -> str | None:
    return None if head is None else str(head)


def _same(path: Path, head: Path | None) -> bool:
    return head is not None and (path.resolve() == head.resolve() or head.name in (path.name, path.stem))
