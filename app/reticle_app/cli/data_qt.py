"""`reticle data qt`: screens of real Qt widgets with the boxes of everything visible on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from .ground import JsonOption
from .output import emit_json, progress_bar, say


def qt(
    out: Annotated[Path, typer.Argument(help="Folder to write: images/ and screens.jsonl.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="Screens to draw.")] = 100,
    seed: Annotated[int, typer.Option("--seed", help="First seed; the same seed gives the same screens.")] = 0,
    scale: Annotated[
        float | None, typer.Option("--scale", min=1.0, max=3.0, help="Pixels per logical pixel; default varies.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option("--sheet", help="Picture of the first screens with boxes.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Draw screens of real Qt widgets, in the layout of captured screens (for `reticle train --captured`)."""
    from reticle_app.generator.sheet import contact_sheet
    from reticle_app.generator.writing import write_screens

    with progress_bar("screens") as progress:
        statistics = write_screens(out, seed, count, scale, progress)
    if sheet is not None:
        contact_sheet(out, sheet)
    tell_statistics(out, seed, statistics, as_json)


def tell_statistics(out: Path, seed: int, statistics: Mapping[str, object], as_json: bool) -> None:
    """What was written, for people or for programs."""
    if as_json:
        emit_json({"screens_file": str(out / "screens.jsonl"), "seed": seed, **statistics})
        return
    for name, value in statistics.items():
        say(f"{name}: {_counts(value)}")


def _counts(value: object) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)
