"""`reticle data`, `reticle train`, `reticle calibrate`: make screens, train on them, fit the probabilities."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reticle_app.config import load_settings
from reticle_app.models.choice import chosen_model
from reticle_grounding.errors import BadInput

from . import own_head
from .data_group import data_group, train_group
from .data_harvest import harvest
from .data_qt import qt
from .data_tk import tk
from .ground import JsonOption, ModelOption
from .output import emit_json, progress_bar, say


def register(app: typer.Typer) -> None:
    group = data_group()
    group.command("screens")(data)
    group.command("harvest")(harvest)
    group.command("qt")(qt)
    group.command("tk")(tk)
    app.add_typer(group, name="data")
    trained = train_group()
    trained.command("model")(train)
    trained.command("head")(own_head.head)
    app.add_typer(trained, name="train")
    app.add_typer(own_head.app, name="heads")
    app.command()(calibrate)


def data(
    out: Annotated[Path, typer.Argument(help="Folder to write: images/ and targets.jsonl.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Targets to write.")] = 200,
    seed: Annotated[int, typer.Option("--seed", help="First seed; the same seed gives the same screens.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Generate labelled screens with instructions, absent targets among them."""
    from reticle_grounding.training.targets import write_targets

    with progress_bar("targets") as progress:
        path = write_targets(out, seed, count, progress=progress)
    if as_json:
        emit_json({"targets": str(path), "count": count, "seed": seed})
    else:
        say(f"{count} targets: {path}")


def train(
    out: Annotated[Path, typer.Argument(help="Folder of the run: checkpoints, loss curves; a started run goes on.")],
    minutes: Annotated[float, typer.Option("--minutes", min=0.05, help="Train for so long.")] = 30.0,
    screens: Annotated[int, typer.Option("--screens", min=1, help="Generated screens to train on.")] = 1500,
    captured: Annotated[
        list[Path] | None, typer.Option("--captured", help="Folder with screens.jsonl to mix in.")
    ] = None,
    device: Annotated[str, typer.Option("--device", help="cpu, or a CUDA device such as cuda:0.")] = "cpu",
    fresh: Annotated[bool, typer.Option("--fresh", help="Start from random weights.")] = False,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    head: Annotated[
        str | None,
        typer.Option("--head", help="Train this part alone, the rest as it is: verifier or scorer. Counts steps."),
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Steps of --head.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Train the embedded model on generated screens, on the processor or a CUDA device."""
    from reticle_grounding.training.prepare import train_for, train_head

    if head is None and steps is not None:
        raise BadInput("--steps goes with --head; without it training is counted in --minutes")
    with progress_bar("screens, then " + ("seconds" if head is None else "steps")) as progress:
        if head is not None:
            result = train_head(head, out, captured or (), steps=steps, seed=seed, progress=progress)
        else:
            result = train_for(
                out,
                minutes=minutes,
                seed=seed,
                screens=screens,
                captured=captured or (),
                device=device,
                fresh=fresh,
                progress=progress,
            )
    if as_json:
        emit_json(result)
    else:
        for name, value in result.items():
            say(f"{name}: {value}")


def calibrate(
    targets: Annotated[Path, typer.Argument(help="targets.jsonl of generated screens (see `reticle data`).")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; default replaces the shipped one.")] = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fit p_true and the threshold of "not found" on labelled screens."""
    from reticle_grounding.fitting import fit_calibration

    with progress_bar("targets") as progress:
        result = fit_calibration(targets, chosen_model(model, load_settings()), out=out, progress=progress)
    if as_json:
        emit_json(result)
    else:
        for name, value in result.items():
            say(f"{name}: {value}")
