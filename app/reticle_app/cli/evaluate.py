"""`reticle eval TARGETS.jsonl`: how often is the model right?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from reticle_app.config import load_settings

from .ground import JsonOption, ModelOption
from .output import emit_json, progress_bar, say


def register(app: typer.Typer) -> None:
    app.command("eval")(evaluate)


def evaluate(
    targets: Annotated[Path, typer.Argument(help="JSON lines; pictures in images/ beside the file.")],
    limit: Annotated[int | None, typer.Option("--limit", min=1, help="Use only the first N targets.")] = None,
    model: ModelOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure accuracy, hit@3, rejection and time on labelled screenshots."""
    from reticle_grounding.evaluate import evaluate as measure
    from reticle_grounding.evaluate import read_targets
    from reticle_grounding.predictor import Grounder

    items = read_targets(targets, limit)
    grounder = Grounder.open(model or load_settings().model)
    with progress_bar("targets") as progress:
        result = measure(items, grounder, progress)
    if as_json:
        emit_json(result)
        return
    for name, value in result.items():
        say(f"{name}: {value:.3f}" if isinstance(value, float) else f"{name}: {value}")
